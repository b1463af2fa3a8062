-- Requests a minute (plan.requests_per_minute), counted here so that the limit holds over all web processes.
-- Unlogged: no WAL and no flush, so counting costs no disk write; a crash forgets the current minute's counts, nothing else.
-- fillfactor leaves room for in-page (HOT) updates of a row that is rewritten with every request.
CREATE UNLOGGED TABLE IF NOT EXISTS plans_request_window (
    subject text PRIMARY KEY,
    window_number bigint NOT NULL,
    used int NOT NULL
) WITH (fillfactor = 50);

-- Counts one request of a subject ("key:<id>" or "user:<organization>:<id>"). quota and used in requests of the present
-- minute; reset in seconds until the next. Over the limit when used > quota. People of an organization without a plan: 60.
CREATE OR REPLACE FUNCTION take_request(
    p_subject text, p_organization bigint, OUT quota int, OUT used int, OUT reset int
) LANGUAGE plpgsql AS $$
DECLARE
    moment bigint := extract(epoch FROM clock_timestamp())::bigint;
BEGIN
    SELECT l.requests_per_minute INTO quota
      FROM plans_subscription s JOIN plans_plan l ON l.id = s.plan_id
     WHERE s.organization_id = p_organization AND s.status <> 'canceled';
    quota := coalesce(quota, 60);
    INSERT INTO plans_request_window AS w (subject, window_number, used) VALUES (p_subject, moment / 60, 1)
    ON CONFLICT (subject) DO UPDATE
       SET used = CASE WHEN w.window_number = excluded.window_number THEN w.used + 1 ELSE 1 END,
           window_number = excluded.window_number
    RETURNING w.used INTO used;
    reset := 60 - (moment % 60)::int;
END;
$$;
