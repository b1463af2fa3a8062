-- Admission: one call, one transaction, one round trip (DESIGN sections 3 and 4). jsonb in (made by apps/jobs/services/submit.py),
-- jsonb out: {"code": 0, "jobs": [...], ...} or {"code": <number of DESIGN section 4>, ...facts}. A refusal writes nothing.
-- All target locales of one order are admitted together or not at all. Each job gets its own hold, Event and queue message.
--
-- p: auth {kind: key|member|system, ...}, actor {kind, id, label}, request_id, idempotency {key, fingerprint}|null, pool, service,
--    items [rate card], source {asset}|{url, new, name}, subtitle_asset, glossaries [ids], needs_video [fields], source_language,
--    project|null, new_project, project_name, order, provider, dialect, callback {url, digest}|null, hold_seconds, deadline_seconds,
--    wake_seconds, count (does this call count against the key's requests a minute), targets [{locale, job, translation, hold, entry, message|null}] sorted by locale.
--    With service lipsync one target without locale, and in place of source, glossaries and so on: inputs [...] and turns
--    (check_lipsync.sql), challenge false: lipsync.studio's clients would not answer one (DESIGN section 4).

CREATE OR REPLACE FUNCTION admit_job(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    auth jsonb := p->'auth';
    who record;
    taken record;
    quota jsonb := '{}';
    facts record;
    lips record;
    wrong jsonb;
    duration bigint;
    held record;
    actor jsonb := p->'actor';
    wanted int := jsonb_array_length(p->'targets');
    refusal jsonb;
    prior record;
    full_counter text;
    price bigint;
    available bigint;
    target jsonb;
    translation record;
    number_of_iteration int;
    job_pk bigint;
    moment timestamptz := now();
    jobs jsonb := '[]';
    answer jsonb;
BEGIN
    -- No NOTIFY inside: it would make admissions commit one by one. Whoever called rings afterwards (apps/events/doorbell.py).
    PERFORM set_config('kinoglot.quiet', 'on', true);
    -- 1-5: who is it, and may they
    IF auth->>'kind' = 'key' THEN
        SELECT * INTO who FROM authorize_key(
            auth->>'key_id', decode(auth->>'digest', 'hex'), auth->>'scope',
            ARRAY(SELECT jsonb_array_elements_text(auth->'roles')));
        actor := jsonb_build_object('kind', 'api_key', 'id', auth->>'key_id',
                                    'label', coalesce(nullif(who.key_name, ''), 'sk_' || (auth->>'key_id')));
    ELSIF auth->>'kind' = 'member' THEN
        SELECT * INTO who FROM authorize_member(
            (auth->>'user')::bigint, (auth->>'organization')::bigint, ARRAY(SELECT jsonb_array_elements_text(auth->'roles')));
    ELSE
        -- Staff and the system itself: no role to check, but a plan is needed for limits and prices. The types are those of
        -- authorize_key: one session's cached plans serve all three.
        SELECT CASE WHEN s.status IS NULL OR s.status = 'canceled' OR o.status <> 'active' THEN 814 ELSE 0 END AS code,
               NULL::bigint AS api_key_id, o.id AS organization_id, NULL::bigint AS user_id, l.id AS plan_id, l.max_file_bytes,
               l.max_duration, l.max_targets::int, l.translate_concurrency, l.lipsync_concurrency, NULL::int AS key_concurrency
          INTO who FROM accounts_organization o
          LEFT JOIN plans_subscription s ON s.organization_id = o.id LEFT JOIN plans_plan l ON l.id = s.plan_id
         WHERE o.id = (auth->>'organization')::bigint;
    END IF;
    IF who.code IS DISTINCT FROM 0 THEN
        RETURN jsonb_build_object('code', coalesce(who.code, 814));
    END IF;
    IF (p->>'count')::boolean AND who.api_key_id IS NOT NULL THEN
        SELECT * INTO taken FROM take_request('key:' || who.api_key_id, who.organization_id);
        quota := jsonb_build_object('quota', jsonb_build_object('limit', taken.quota, 'used', taken.used, 'reset', taken.reset));
        IF taken.used > taken.quota THEN
            RETURN jsonb_build_object('code', 4290) || quota;
        END IF;
    END IF;
    IF p->'targets' IS NULL OR wanted = 0 THEN
        RETURN jsonb_build_object('code', 0) || quota;  -- only checks 1-5 were asked for
    END IF;

    -- The same request sent again gets the first answer; while the first is being answered, 4090 with Retry-After.
    IF jsonb_typeof(p->'idempotency') = 'object' THEN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(who.organization_id || ':' || (p->'idempotency'->>'key'), 4090)) THEN
            RETURN jsonb_build_object('code', 4090, 'why', 'in_flight') || quota;
        END IF;
        DELETE FROM accounts_idempotencyrecord r WHERE r.organization_id = who.organization_id
           AND r.key = p->'idempotency'->>'key' AND r.created_at < moment - interval '24 hours';
        INSERT INTO accounts_idempotencyrecord (organization_id, key, fingerprint, status, headers, body, created_at)
             VALUES (who.organization_id, p->'idempotency'->>'key', decode(p->'idempotency'->>'fingerprint', 'hex'), NULL, '{}', '', moment)
        ON CONFLICT ON CONSTRAINT idempotency_once DO NOTHING;
        IF NOT FOUND THEN
            SELECT r.fingerprint, r.status, r.body INTO prior FROM accounts_idempotencyrecord r
             WHERE r.organization_id = who.organization_id AND r.key = p->'idempotency'->>'key';
            IF prior.fingerprint IS DISTINCT FROM decode(p->'idempotency'->>'fingerprint', 'hex') THEN
                RETURN jsonb_build_object('code', 4090, 'why', 'other_body') || quota;
            ELSIF prior.status IS NULL THEN
                RETURN jsonb_build_object('code', 4090, 'why', 'in_flight') || quota;
            END IF;
            RETURN prior.body::jsonb || '{"replayed": true}' || quota;
        END IF;
    END IF;

    <<checks>>
    BEGIN
        -- 6: parameters that need rows
        IF p->>'service' = 'lipsync' THEN
            SELECT * INTO lips FROM check_lipsync(p, who.organization_id, who.max_file_bytes, who.max_duration);
            wrong := lips.wrong;
            duration := lips.duration_ms;
        ELSE
            SELECT * INTO facts FROM check_order(p, who.organization_id, who.max_file_bytes, who.max_duration, who.max_targets);
            wrong := facts.wrong;
            duration := facts.duration_ms;
        END IF;
        IF jsonb_array_length(wrong) > 0 THEN
            refusal := jsonb_build_object('code', 5, 'wrong', wrong);
            EXIT checks;
        END IF;

        -- 7: a callback URL must have answered our challenge within the last 30 days
        IF jsonb_typeof(p->'callback') = 'object' AND coalesce((p->>'challenge')::boolean, true) AND NOT EXISTS (
            SELECT 1 FROM jobs_callbackproof c WHERE c.organization_id = who.organization_id
               AND c.url_digest = decode(p->'callback'->>'digest', 'hex') AND c.proved_at > moment - interval '30 days') THEN
            refusal := jsonb_build_object('code', 1301, 'organization', who.organization_id);
            EXIT checks;
        END IF;

        -- 8: concurrency of the organization and of the key; queued jobs count, translate and lip sync apart
        full_counter := lock_slots(
            who.organization_id, who.api_key_id, p->>'service',
            CASE p->>'service' WHEN 'translate' THEN who.translate_concurrency ELSE who.lipsync_concurrency END,
            who.key_concurrency, wanted);
        IF full_counter <> '' THEN
            refusal := jsonb_build_object('code', 1304, 'full', full_counter,
                'limit', CASE WHEN full_counter = 'key' AND who.key_concurrency IS NOT NULL THEN who.key_concurrency
                              WHEN p->>'service' = 'translate' THEN who.translate_concurrency ELSE who.lipsync_concurrency END);
            EXIT checks;
        END IF;

        -- 9: the wallet of the right pool must cover all of it
        price := price_order(who.plan_id, p->>'service', ARRAY(SELECT jsonb_array_elements_text(p->'items')), duration);
        available := lock_wallet(who.organization_id, p->>'pool');
        IF available < price * wanted THEN
            refusal := jsonb_build_object('code', 104, 'needed', price * wanted, 'available', available, 'pool', p->>'pool');
        END IF;
    END;
    IF refusal IS NOT NULL THEN
        IF jsonb_typeof(p->'idempotency') = 'object' THEN
            DELETE FROM accounts_idempotencyrecord r
             WHERE r.organization_id = who.organization_id AND r.key = p->'idempotency'->>'key' AND r.status IS NULL;
        END IF;
        RETURN refusal || quota;
    END IF;

    -- Admitted: from here on nothing is refused.
    IF p->>'service' = 'lipsync' THEN
        target := add_lipsync(p, who.organization_id, who.api_key_id, who.user_id, actor, lips.inputs, price, moment);
        PERFORM move_slots(who.organization_id, who.api_key_id, 'lipsync', 1);
        answer := jsonb_build_object(
            'code', 0, 'organization', who.organization_id, 'asset', '', 'project', '', 'duration_ms', duration, 'pool', p->>'pool',
            'available', target->'available',
            'created_at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'jobs', jsonb_build_array(target));
        IF jsonb_typeof(p->'idempotency') = 'object' THEN
            UPDATE accounts_idempotencyrecord r SET status = 200, body = answer::text
             WHERE r.organization_id = who.organization_id AND r.key = p->'idempotency'->>'key';
        END IF;
        RETURN answer || quota;
    END IF;
    IF facts.asset_id IS NULL THEN
        facts.asset_public_id := p->'source'->>'new';
        facts.asset_name := p->'source'->>'name';
        INSERT INTO projects_asset (public_id, organization_id, kind, status, file_name, source_url, storage_key, sha256,
                                    content_type, error, created_by_id)
             VALUES (facts.asset_public_id, who.organization_id, 'media', 'remote', facts.asset_name, p->'source'->>'url', '', '',
                     '', '', who.user_id)
          RETURNING id INTO facts.asset_id;
    END IF;
    IF facts.project_id IS NULL THEN
        facts.project_public_id := p->>'new_project';
        INSERT INTO projects_project (public_id, organization_id, name, source_asset_id, source_language, created_by_id)
             VALUES (facts.project_public_id, who.organization_id,
                     left(coalesce(nullif(p->>'project_name', ''), facts.asset_name, ''), 200),
                     facts.asset_id, p->>'source_language', who.user_id)
          RETURNING id INTO facts.project_id;
    END IF;

    FOR target IN SELECT jsonb_array_elements(p->'targets') LOOP
        number_of_iteration := 1;
        INSERT INTO projects_translation (public_id, organization_id, project_id, target_locale)
             VALUES (target->>'translation', who.organization_id, facts.project_id, target->>'locale')
        ON CONFLICT ON CONSTRAINT translation_once DO NOTHING RETURNING id, public_id INTO translation;
        IF NOT FOUND THEN
            SELECT t.id, t.public_id INTO translation FROM projects_translation t
             WHERE t.project_id = facts.project_id AND t.target_locale = target->>'locale';
            SELECT coalesce(max(j.iteration), 0) + 1 INTO number_of_iteration FROM jobs_job j WHERE j.translation_id = translation.id;
        END IF;

        SELECT * INTO held FROM place_hold(
            who.organization_id, p->>'pool', target->>'job', 1, price, target->>'hold', target->>'entry', actor,
            moment + make_interval(secs => (p->>'hold_seconds')::int));
        available := held.available;

        INSERT INTO jobs_job (
            public_id, organization_id, translation_id, model, service, iteration, status, stage, progress_fraction, progress_done,
            progress_total, progress_unit, timings, "order", glossary_versions, target_locale, provider, provider_ref, pool, hold_id,
            estimate, charged, measured_ms, api_key_id, created_by_id, callback_url, error, attempt, tries, lease_owner, next_run_at,
            deadline_at, reviewed_stage, created_at, provider_memo, dialect
        ) VALUES (
            target->>'job', who.organization_id, translation.id, 'translate', p->>'service', number_of_iteration, 'processing', 'queued', 0, 0,
            0, '', '{}', jsonb_set(p->'order', '{target_locales}', jsonb_build_array(target->>'locale')),
            coalesce((SELECT jsonb_agg(v) FROM jsonb_array_elements(facts.glossary_versions) v
                       WHERE v->>'target' IN ('', target->>'locale')), '[]'),
            target->>'locale', coalesce(p->>'provider', ''), '', p->>'pool', held.hold_id,
            price, 0, NULL, who.api_key_id,
            CASE WHEN who.api_key_id IS NULL THEN who.user_id END, coalesce(p->'callback'->>'url', ''), '', 1, 0, '',
            moment + make_interval(secs => (p->>'wake_seconds')::int),
            moment + make_interval(secs => (p->>'deadline_seconds')::int), '', moment, '{}', coalesce(p->>'dialect', '')
        ) RETURNING id INTO job_pk;

        INSERT INTO events_event (organization_id, type, subject_type, subject_id, actor, data, request_id)
             VALUES (who.organization_id, 'job.created', 'job', target->>'job', actor,
                     jsonb_build_object('target_locale', target->>'locale', 'translation', translation.public_id, 'pool', p->>'pool',
                                        'estimate', price, 'file_name', facts.asset_name),
                     coalesce(p->>'request_id', ''));
        IF jsonb_typeof(target->'message') = 'object' THEN
            PERFORM events_enqueue(target->'message', 0);
        END IF;
        jobs := jobs || jsonb_build_object(
            'id', target->>'job', 'pk', job_pk, 'translation', translation.public_id, 'iteration', number_of_iteration,
            'target_locale', target->>'locale', 'estimate', price, 'held', price);
    END LOOP;
    PERFORM move_slots(who.organization_id, who.api_key_id, p->>'service', wanted);

    answer := jsonb_build_object(
        'code', 0, 'organization', who.organization_id, 'asset', facts.asset_public_id, 'project', facts.project_public_id,
        'duration_ms', facts.duration_ms, 'pool', p->>'pool', 'available', available,
        'created_at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'jobs', jobs);
    IF jsonb_typeof(p->'idempotency') = 'object' THEN
        UPDATE accounts_idempotencyrecord r SET status = 202, body = answer::text
         WHERE r.organization_id = who.organization_id AND r.key = p->'idempotency'->>'key';
    END IF;
    RETURN answer || quota;
END;
$$;
