-- Checks 1-5 of DESIGN section 4, in that order, for programs (authorize_key) and for people (authorize_member).
-- One truth: apps.accounts.services.authenticate_bearer and admit_job (apps/jobs/sql) both call these functions.
--
-- `code` is 0 to go on, else the number of the refusal. p_scope NULL skips the scope check and p_roles NULL the role check; both
-- values come from the permissions table (apps/accounts/permissions.py). A past-due subscription still works: only a canceled one
-- stops. Digests are HMAC-SHA-256 values under a server-side pepper: a caller cannot choose their bytes, so that comparing them
-- with `=` tells nothing about the secret by its time.

CREATE OR REPLACE FUNCTION authorize_key(
    p_key_id text, p_digest bytea, p_scope text, p_roles text[],
    OUT code int, OUT api_key_id bigint, OUT key_name text, OUT organization_id bigint, OUT user_id bigint, OUT role text,
    OUT plan_id bigint, OUT api_access boolean, OUT max_file_bytes bigint, OUT max_duration int, OUT max_targets int,
    OUT translate_concurrency int, OUT lipsync_concurrency int, OUT requests_per_minute int, OUT key_concurrency int
) LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    SELECT k.id, k.name, k.digest, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, k.organization_id, k.created_by_id,
           k.max_concurrency, o.status AS organization_status, u.is_active, m.role, s.status AS subscription_status,
           p.id AS plan_id, p.api_access, p.max_file_bytes, p.max_duration, p.max_targets, p.translate_concurrency,
           p.lipsync_concurrency, p.requests_per_minute
      INTO r
      FROM accounts_apikey k
      JOIN accounts_organization o ON o.id = k.organization_id
      LEFT JOIN accounts_user u ON u.id = k.created_by_id
      LEFT JOIN accounts_membership m ON m.organization_id = k.organization_id AND m.user_id = k.created_by_id
      LEFT JOIN plans_subscription s ON s.organization_id = k.organization_id
      LEFT JOIN plans_plan p ON p.id = s.plan_id
     WHERE k.key_id = p_key_id;

    -- The secret is checked first: whoever does not hold it learns nothing about the key's state.
    IF NOT FOUND OR r.digest IS DISTINCT FROM p_digest THEN
        code := 7;
        RETURN;
    END IF;
    api_key_id := r.id;
    key_name := r.name;
    organization_id := r.organization_id;
    user_id := r.created_by_id;
    role := r.role;
    plan_id := r.plan_id;
    api_access := r.api_access;
    max_file_bytes := r.max_file_bytes;
    max_duration := r.max_duration;
    max_targets := r.max_targets;
    translate_concurrency := r.translate_concurrency;
    lipsync_concurrency := r.lipsync_concurrency;
    requests_per_minute := r.requests_per_minute;
    key_concurrency := r.max_concurrency;

    -- A revoked key says so even after its expiry date: revoking is the stronger fact.
    IF r.revoked_at IS NOT NULL THEN
        code := 1302;
    ELSIF r.expires_at IS NOT NULL AND r.expires_at <= clock_timestamp() THEN
        code := 7;
    ELSIF r.organization_status <> 'active' OR r.role IS NULL OR NOT r.is_active
          OR r.subscription_status IS NULL OR r.subscription_status = 'canceled' THEN
        code := 814;
    ELSIF (p_scope IS NOT NULL AND NOT p_scope = ANY (r.scopes)) OR (p_roles IS NOT NULL AND NOT r.role = ANY (p_roles)) THEN
        code := 1503;
    ELSIF NOT r.api_access THEN
        code := 1305;
    ELSE
        code := 0;
        -- At most once a minute, and nobody waits for it: a row that another request holds is being stamped by that request.
        IF r.last_used_at IS NULL OR r.last_used_at < now() - interval '1 minute' THEN
            UPDATE accounts_apikey k SET last_used_at = now()
             WHERE k.id = (SELECT x.id FROM accounts_apikey x
                            WHERE x.id = r.id AND (x.last_used_at IS NULL OR x.last_used_at < now() - interval '1 minute')
                              FOR NO KEY UPDATE SKIP LOCKED);
        END IF;
    END IF;
END;
$$;

CREATE OR REPLACE FUNCTION authorize_member(
    p_user bigint, p_organization bigint, p_roles text[],
    OUT code int, OUT api_key_id bigint, OUT key_name text, OUT organization_id bigint, OUT user_id bigint, OUT role text,
    OUT plan_id bigint, OUT api_access boolean, OUT max_file_bytes bigint, OUT max_duration int, OUT max_targets int,
    OUT translate_concurrency int, OUT lipsync_concurrency int, OUT requests_per_minute int, OUT key_concurrency int
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    r record;
BEGIN
    SELECT o.id, o.status AS organization_status, u.is_active, m.role, s.status AS subscription_status,
           p.id AS plan_id, p.api_access, p.max_file_bytes, p.max_duration, p.max_targets, p.translate_concurrency,
           p.lipsync_concurrency, p.requests_per_minute
      INTO r
      FROM accounts_organization o
      LEFT JOIN accounts_membership m ON m.organization_id = o.id AND m.user_id = p_user
      LEFT JOIN accounts_user u ON u.id = m.user_id
      LEFT JOIN plans_subscription s ON s.organization_id = o.id
      LEFT JOIN plans_plan p ON p.id = s.plan_id
     WHERE o.id = p_organization;

    organization_id := p_organization;
    user_id := p_user;
    role := r.role;
    plan_id := r.plan_id;
    api_access := r.api_access;
    max_file_bytes := r.max_file_bytes;
    max_duration := r.max_duration;
    max_targets := r.max_targets;
    translate_concurrency := r.translate_concurrency;
    lipsync_concurrency := r.lipsync_concurrency;
    requests_per_minute := r.requests_per_minute;

    IF r.id IS NULL OR r.organization_status <> 'active' OR r.role IS NULL OR NOT r.is_active
       OR r.subscription_status IS NULL OR r.subscription_status = 'canceled' THEN
        code := 814;
    ELSIF p_roles IS NOT NULL AND NOT r.role = ANY (p_roles) THEN
        code := 1503;
    ELSE
        code := 0;
    END IF;
END;
$$;
