-- The event log: rows are only ever added, and each new row is told to the listeners.

CREATE OR REPLACE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention may delete whole organizations, and must say so within its own transaction:
    --   SET LOCAL kinoglot.purge_events = 'on'
    IF TG_OP = 'DELETE' AND current_setting('kinoglot.purge_events', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the event log is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events_event
    FOR EACH ROW EXECUTE FUNCTION events_refuse_change();

CREATE OR REPLACE FUNCTION events_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Just enough to know who is interested; readers fetch the row. A payload must stay below 8,000 bytes.
    PERFORM pg_notify('kinoglot_events', json_build_array(NEW.id, NEW.organization_id, NEW.subject_id, NEW.type)::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER events_notify AFTER INSERT ON events_event
    FOR EACH ROW EXECUTE FUNCTION events_tell();
