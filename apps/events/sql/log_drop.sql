-- Undoes log.sql.
DROP TRIGGER IF EXISTS events_notify ON events_event;
DROP TRIGGER IF EXISTS events_append_only ON events_event;
DROP FUNCTION IF EXISTS events_tell();
DROP FUNCTION IF EXISTS events_refuse_change();
