-- Undoes xid.sql.
DROP INDEX IF EXISTS event_xid;
ALTER TABLE events_event DROP COLUMN IF EXISTS xid;
