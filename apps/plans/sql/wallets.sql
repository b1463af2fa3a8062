-- Holds: credits set aside for a job, in the transaction that admits it. Only this file and apps/plans/services change wallets.
-- Lock order in all code: concurrency counters, then the wallet, then the hold.

-- Locks the wallet and returns what is available in it (milli-credits); makes an empty one where it is missing.
CREATE OR REPLACE FUNCTION lock_wallet(p_organization bigint, p_pool text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    SELECT w.available INTO result FROM plans_wallet w
     WHERE w.organization_id = p_organization AND w.pool = p_pool FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO plans_wallet (organization_id, pool, available, held) VALUES (p_organization, p_pool, 0, 0)
            ON CONFLICT DO NOTHING;
        SELECT w.available INTO result FROM plans_wallet w
         WHERE w.organization_id = p_organization AND w.pool = p_pool FOR NO KEY UPDATE;
    END IF;
    RETURN result;
END;
$$;

-- Places the hold of one attempt of one job. hold_id NULL: the wallet cannot cover it, see needed and available (code 104); nothing
-- was written. Asked again for the same job and attempt, it returns the first hold. p_hold and p_entry are new public ids.
CREATE OR REPLACE FUNCTION place_hold(
    p_organization bigint, p_pool text, p_job text, p_attempt int, p_amount bigint, p_hold text, p_entry text, p_actor jsonb,
    p_expires timestamptz,
    OUT hold_id bigint, OUT needed bigint, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    w record;
BEGIN
    IF p_amount IS NULL OR p_amount < 0 THEN
        RAISE EXCEPTION 'a hold needs an amount of zero or more' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    needed := p_amount;
    SELECT x.id, x.available, x.held INTO w FROM plans_wallet x
     WHERE x.organization_id = p_organization AND x.pool = p_pool FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lock_wallet(p_organization, p_pool);
        SELECT x.id, x.available, x.held INTO w FROM plans_wallet x
         WHERE x.organization_id = p_organization AND x.pool = p_pool;
    END IF;
    available := w.available;

    IF w.available < p_amount THEN
        SELECT h.id INTO hold_id FROM plans_hold h WHERE h.job_public_id = p_job AND h.attempt = p_attempt;
        RETURN;
    END IF;
    INSERT INTO plans_hold (public_id, wallet_id, job_public_id, attempt, amount, captured, status, expires_at)
         VALUES (p_hold, w.id, p_job, p_attempt, p_amount, 0, 'placed', p_expires)
    ON CONFLICT (job_public_id, attempt) DO NOTHING RETURNING id INTO hold_id;
    IF hold_id IS NULL THEN
        SELECT h.id INTO hold_id FROM plans_hold h WHERE h.job_public_id = p_job AND h.attempt = p_attempt;
        RETURN;
    END IF;
    UPDATE plans_wallet x SET available = x.available - p_amount, held = x.held + p_amount WHERE x.id = w.id;
    INSERT INTO plans_ledgerentry (public_id, wallet_id, kind, available_delta, held_delta, available_after, held_after,
                                   business_key, hold_id, job_public_id, note, actor)
         VALUES (p_entry, w.id, 'hold', -p_amount, p_amount, w.available - p_amount, w.held + p_amount,
                 'hold:' || p_job || ':' || p_attempt, hold_id, p_job, '', p_actor);
    available := w.available - p_amount;
END;
$$;
