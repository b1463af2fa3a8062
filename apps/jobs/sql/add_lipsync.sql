-- An admitted lip-sync order becomes rows: its linked files, hold, job, inputs, Event and queue message. Called by admit_job alone, after
-- every check. p is admit_job's document, p_inputs what check_lipsync made of its files. Returns the job as admit_job answers it.
-- A job without a title is called by its picture's file: lists and downloads need a name, and there is no project to lend one.

CREATE OR REPLACE FUNCTION add_lipsync(
    p jsonb, p_organization bigint, p_api_key bigint, p_user bigint, p_actor jsonb, p_inputs jsonb, p_price bigint, p_moment timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    target jsonb := p->'targets'->0;
    held record;
    input jsonb;
    asset bigint;
    assets bigint[] := '{}';
    job_pk bigint;
    name text := coalesce(nullif(p->'order'->>'title', ''), left(p_inputs->0->>'file', 200), '');
BEGIN
    SELECT * INTO held FROM place_hold(
        p_organization, p->>'pool', target->>'job', 1, p_price, target->>'hold', target->>'entry', p_actor,
        p_moment + make_interval(secs => (p->>'hold_seconds')::int));

    FOR input IN SELECT jsonb_array_elements(p_inputs) LOOP
        asset := (input->>'id')::bigint;
        IF asset IS NULL THEN
            INSERT INTO projects_asset (public_id, organization_id, kind, status, file_name, source_url, storage_key, sha256,
                                        content_type, error, created_by_id)
                 VALUES (input->>'new', p_organization, input->>'kind', 'remote', input->>'file', input->>'url', '', '', '', '', p_user)
              RETURNING id INTO asset;
        END IF;
        assets := assets || asset;
    END LOOP;

    INSERT INTO jobs_job (
        public_id, organization_id, translation_id, model, service, iteration, status, stage, progress_fraction, progress_done,
        progress_total, progress_unit, timings, "order", glossary_versions, target_locale, provider, provider_ref, pool, hold_id,
        estimate, charged, measured_ms, api_key_id, created_by_id, callback_url, error, attempt, tries, lease_owner, next_run_at,
        deadline_at, reviewed_stage, created_at, provider_memo, dialect
    ) VALUES (
        target->>'job', p_organization, NULL, p->'order'->>'model', p->>'service', 1, 'processing', 'queued', 0, 0,
        0, '', '{}', jsonb_set(p->'order', '{title}', to_jsonb(name)), '[]', '', coalesce(p->>'provider', ''), '', p->>'pool', held.hold_id,
        p_price, 0, NULL, p_api_key, CASE WHEN p_api_key IS NULL THEN p_user END, coalesce(p->'callback'->>'url', ''), '', 1, 0, '',
        p_moment + make_interval(secs => (p->>'wake_seconds')::int),
        p_moment + make_interval(secs => (p->>'deadline_seconds')::int), '', p_moment, '{}', coalesce(p->>'dialect', '')
    ) RETURNING id INTO job_pk;

    INSERT INTO jobs_jobinput (job_id, name, asset_id, position)
         SELECT job_pk, i.input->>'name', assets[i.place], i.place - 1
           FROM jsonb_array_elements(p_inputs) WITH ORDINALITY AS i(input, place);

    INSERT INTO events_event (organization_id, type, subject_type, subject_id, actor, data, request_id)
         VALUES (p_organization, 'job.created', 'job', target->>'job', p_actor,
                 jsonb_build_object('model', p->'order'->>'model', 'target_locale', '', 'pool', p->>'pool', 'estimate', p_price,
                                    'file_name', coalesce(p_inputs->0->>'file', '')),
                 coalesce(p->>'request_id', ''));
    IF jsonb_typeof(target->'message') = 'object' THEN
        PERFORM events_enqueue(target->'message', 0);
    END IF;
    RETURN jsonb_build_object(
        'id', target->>'job', 'pk', job_pk, 'translation', '', 'iteration', 1, 'target_locale', '', 'estimate', p_price,
        'held', p_price, 'available', held.available);
END;
$$;
