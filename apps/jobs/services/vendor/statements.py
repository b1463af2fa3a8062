"""The poller's three statements: what is due within each account's pace, what is polled on, what goes to a worker."""

from __future__ import annotations

from typing import Final

CLAIM: Final = """
WITH pace AS (
    SELECT a.id, p.rate, p.room, clock_timestamp() AS at, GREATEST(a.next_poll_at, clock_timestamp()) AS first
    FROM jobs_provideraccount a JOIN unnest(%(ids)s::bigint[], %(rates)s::float8[], %(rooms)s::int[]) AS p(id, rate, room) USING (id)
    WHERE a.next_poll_at IS NULL OR a.next_poll_at < clock_timestamp() + make_interval(secs => %(window)s)
    ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED
), due AS (
    SELECT j.id, pace.id AS account, row_number() OVER (PARTITION BY pace.id ORDER BY j.next_poll_at) - 1 AS place
    FROM pace, LATERAL (
        SELECT id, next_poll_at FROM jobs_job
        WHERE provider_account_id = pace.id AND status = 'processing' AND next_poll_at <= pace.at AND lease_owner = ''
        ORDER BY next_poll_at
        LIMIT LEAST(pace.room, GREATEST(0, ceil((%(window)s - EXTRACT(EPOCH FROM pace.first - pace.at)) * pace.rate)))::int
        FOR NO KEY UPDATE SKIP LOCKED
    ) j
), spent AS (
    UPDATE jobs_provideraccount a SET next_poll_at = pace.first + make_interval(secs => n.count / pace.rate)
    FROM pace JOIN (SELECT account, count(*) AS count FROM due GROUP BY account) n ON n.account = pace.id WHERE a.id = pace.id
), taken AS (
    UPDATE jobs_job j SET next_poll_at = clock_timestamp() + make_interval(secs => %(claim)s)
    FROM due WHERE j.id = due.id
    RETURNING j.id, j.public_id, j.organization_id, j.attempt, j.provider, due.account, due.place, j.next_poll_at, j."order"::text,
              j.provider_memo::text, j.iteration, j.reviewed_stage, j.stage, j.progress_fraction, j.poll_failures, j.created_at,
              j.base_job_id, j.service
)
SELECT taken.*, EXTRACT(EPOCH FROM pace.first - pace.at)::float8 + place / pace.rate, base.provider_memo::text
FROM taken JOIN pace ON pace.id = taken.account LEFT JOIN jobs_job base ON base.id = taken.base_job_id AND base.provider = taken.provider
"""

UPDATE: Final = """
UPDATE jobs_job j SET
    next_poll_at = clock_timestamp() + make_interval(secs => u.pause),
    poll_failures = u.failures,
    progress_fraction = COALESCE(u.fraction, j.progress_fraction),
    stage = COALESCE(NULLIF(u.stage, ''), j.stage),
    provider_ref = COALESCE(NULLIF(u.ref, ''), j.provider_ref),
    provider_memo = COALESCE(u.memo::jsonb, j.provider_memo)
FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::float8[], %s::int[], %s::float8[], %s::text[], %s::text[], %s::text[])
    AS u(id, attempt, claimed, pause, failures, fraction, stage, ref, memo)
WHERE j.id = u.id AND j.status = 'processing' AND j.attempt = u.attempt AND j.lease_owner = ''
  AND (u.claimed IS NULL OR j.next_poll_at = u.claimed)
RETURNING j.id
"""

HAND_OVER: Final = """
UPDATE jobs_job j SET
    next_poll_at = NULL, next_run_at = clock_timestamp() + make_interval(secs => %s), poll_failures = 0,
    provider_ref = COALESCE(NULLIF(u.ref, ''), j.provider_ref),
    provider_memo = COALESCE(u.memo::jsonb, j.provider_memo)
FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::text[], %s::text[]) AS u(id, attempt, claimed, ref, memo)
WHERE j.id = u.id AND j.status = 'processing' AND j.attempt = u.attempt AND j.lease_owner = ''
  AND (u.claimed IS NULL OR j.next_poll_at = u.claimed)
RETURNING j.id
"""
