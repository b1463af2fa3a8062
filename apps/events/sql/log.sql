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
    -- Only a doorbell: readers look for themselves. Transactions that notify commit one after another (a lock of
    -- PostgreSQL's own, held while it writes to disk): 460 a second instead of 3,900. So admission is quiet, and rings
    -- after its commit (apps/events/doorbell.py).
    IF current_setting('kinoglot.quiet', true) IS DISTINCT FROM 'on' THEN
        PERFORM pg_notify('kinoglot_events', '');
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER events_notify AFTER INSERT ON events_event
    FOR EACH STATEMENT EXECUTE FUNCTION events_tell();
