-- Undoes queue.sql.
DROP FUNCTION IF EXISTS events_enqueue(jsonb, bigint);
DROP SCHEMA IF EXISTS dramatiq CASCADE;
