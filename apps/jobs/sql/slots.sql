-- Concurrency slots (code 1304): one counter row for the organization and one for each of its API keys, per service.
-- Lock order in all code: job row, then the organization's counter, then the key's, then wallet and hold.

-- Locks the counters and says which is full for p_wanted more jobs: '' none, 'organization' or 'key'. Takes nothing yet.
-- p_key_limit NULL: the key has no limit of its own, the plan's goes for it too.
CREATE OR REPLACE FUNCTION lock_slots(
    p_organization bigint, p_api_key bigint, p_service text, p_limit int, p_key_limit int, p_wanted int
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    used int;
BEGIN
    SELECT c.running INTO used FROM jobs_concurrencycounter c
     WHERE c.organization_id = p_organization AND c.api_key_id IS NULL AND c.service = p_service FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO jobs_concurrencycounter (organization_id, api_key_id, service, running)
             VALUES (p_organization, NULL, p_service, 0) ON CONFLICT ON CONSTRAINT concurrency_once DO NOTHING;
        SELECT c.running INTO used FROM jobs_concurrencycounter c
         WHERE c.organization_id = p_organization AND c.api_key_id IS NULL AND c.service = p_service FOR NO KEY UPDATE;
    END IF;
    IF used + p_wanted > p_limit THEN
        RETURN 'organization';
    END IF;
    IF p_api_key IS NULL THEN
        RETURN '';
    END IF;

    SELECT c.running INTO used FROM jobs_concurrencycounter c
     WHERE c.organization_id = p_organization AND c.api_key_id = p_api_key AND c.service = p_service FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO jobs_concurrencycounter (organization_id, api_key_id, service, running)
             VALUES (p_organization, p_api_key, p_service, 0) ON CONFLICT ON CONSTRAINT concurrency_once DO NOTHING;
        SELECT c.running INTO used FROM jobs_concurrencycounter c
         WHERE c.organization_id = p_organization AND c.api_key_id = p_api_key AND c.service = p_service FOR NO KEY UPDATE;
    END IF;
    IF used + p_wanted > coalesce(p_key_limit, p_limit) THEN
        RETURN 'key';
    END IF;
    RETURN '';
END;
$$;

-- Takes (p_delta > 0) or gives back (p_delta < 0) slots. An API key that was deleted meanwhile has no row, and needs none.
CREATE OR REPLACE FUNCTION move_slots(p_organization bigint, p_api_key bigint, p_service text, p_delta int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE jobs_concurrencycounter c SET running = greatest(c.running + p_delta, 0)
     WHERE c.organization_id = p_organization AND c.api_key_id IS NULL AND c.service = p_service;
    IF p_api_key IS NOT NULL THEN
        UPDATE jobs_concurrencycounter c SET running = greatest(c.running + p_delta, 0)
         WHERE c.organization_id = p_organization AND c.api_key_id = p_api_key AND c.service = p_service;
    END IF;
END;
$$;
