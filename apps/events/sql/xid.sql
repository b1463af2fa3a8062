-- Which transaction wrote an event: what lets a reader that remembers a snapshot read each row exactly once (apps/events/cursor.py).
-- In two steps, so that the rows which are there (NULL: they were before any such reader) are not written anew.
ALTER TABLE events_event ADD COLUMN xid xid8;
ALTER TABLE events_event ALTER COLUMN xid SET DEFAULT pg_current_xact_id();
CREATE INDEX event_xid ON events_event (xid);
