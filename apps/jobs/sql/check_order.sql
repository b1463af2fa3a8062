-- Check 6 of DESIGN section 4, the part that needs rows: every wrong field at once, as
-- [{"field": ..., "why": ..., other facts}]; apps/jobs/services/refusals.py has the words. Also tells what it looked up.
-- p is the document of admit_job (apps/jobs/services/submit.py makes it).

CREATE OR REPLACE FUNCTION check_order(
    p jsonb, p_organization bigint, p_max_file_bytes bigint, p_max_duration int, p_max_targets int,
    OUT wrong jsonb, OUT asset_id bigint, OUT asset_public_id text, OUT asset_name text, OUT duration_ms bigint,
    OUT project_id bigint, OUT project_public_id text, OUT glossary_versions jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    source_asset text := p->'source'->>'asset';
    a record;
    g record;
    wanted text;
    place int := 0;
BEGIN
    wrong := '[]';
    glossary_versions := '[]';

    IF jsonb_array_length(p->'targets') > p_max_targets THEN
        wrong := wrong || jsonb_build_object('field', 'target_locales', 'why', 'too_many', 'limit', p_max_targets);
    END IF;

    IF p->>'project' IS NOT NULL THEN
        SELECT t.id, t.public_id, s.public_id AS asset INTO a FROM projects_project t
          JOIN projects_asset s ON s.id = t.source_asset_id
         WHERE t.organization_id = p_organization AND t.public_id = p->>'project';
        IF NOT FOUND THEN
            wrong := wrong || jsonb_build_object('field', 'project', 'why', 'missing');
        ELSIF a.asset IS DISTINCT FROM source_asset THEN
            wrong := wrong || jsonb_build_object('field', 'project', 'why', 'other_source', 'asset', a.asset);
        ELSE
            project_id := a.id;
            project_public_id := a.public_id;
        END IF;
    END IF;

    IF source_asset IS NOT NULL THEN
        SELECT x.id, x.public_id, x.kind, x.status, x.size, x.duration_ms, x.probe, x.error, x.error_code,
               coalesce(nullif(x.file_name, ''), x.source_url) AS name
          INTO a FROM projects_asset x WHERE x.organization_id = p_organization AND x.public_id = source_asset;
        IF NOT FOUND OR a.status = 'deleted' THEN
            wrong := wrong || jsonb_build_object('field', 'source.asset', 'why', 'missing');
        ELSIF a.status = 'failed' THEN
            wrong := wrong || jsonb_build_object('field', 'source.asset', 'why', 'unusable', 'error', a.error, 'error_code', a.error_code);
        ELSIF a.kind <> 'media' THEN
            wrong := wrong || jsonb_build_object('field', 'source.asset', 'why', 'not_media');
        ELSE
            asset_id := a.id;
            asset_public_id := a.public_id;
            asset_name := a.name;
            duration_ms := a.duration_ms;
            IF a.size > p_max_file_bytes THEN
                wrong := wrong || jsonb_build_object('field', 'source.asset', 'why', 'too_large', 'limit', p_max_file_bytes);
            END IF;
            IF a.duration_ms > p_max_duration::bigint * 1000 THEN
                wrong := wrong || jsonb_build_object('field', 'source.asset', 'why', 'too_long', 'limit', p_max_duration);
            END IF;
            -- Audio cannot be given back as a picture; before the probe nobody knows, then the engine says so (10001).
            IF a.probe IS NOT NULL AND jsonb_typeof(a.probe->'video') IS DISTINCT FROM 'object' THEN
                FOR wanted IN SELECT jsonb_array_elements_text(p->'needs_video') LOOP
                    wrong := wrong || jsonb_build_object('field', wanted, 'why', 'audio_only');
                END LOOP;
            END IF;
        END IF;
    END IF;

    IF p->>'subtitle_asset' IS NOT NULL THEN
        SELECT x.kind, x.status INTO a FROM projects_asset x
         WHERE x.organization_id = p_organization AND x.public_id = p->>'subtitle_asset';
        IF NOT FOUND OR a.status = 'deleted' THEN
            wrong := wrong || jsonb_build_object('field', 'subtitle.asset', 'why', 'missing');
        ELSIF a.kind <> 'subtitle' OR a.status = 'failed' THEN
            wrong := wrong || jsonb_build_object('field', 'subtitle.asset', 'why', 'not_subtitles');
        END IF;
    END IF;

    -- A job pins the newest version of each glossary: later edits do not change what was ordered.
    FOR wanted IN SELECT jsonb_array_elements_text(p->'glossaries') LOOP
        SELECT y.id, y.source_language, y.target_locale, v.id AS version_id, v.number INTO g
          FROM glossaries_glossary y
          LEFT JOIN LATERAL (SELECT z.id, z.number FROM glossaries_glossaryversion z WHERE z.glossary_id = y.id
                              ORDER BY z.number DESC LIMIT 1) v ON true
         WHERE y.organization_id = p_organization AND y.public_id = wanted AND y.archived_at IS NULL;
        IF NOT FOUND THEN
            wrong := wrong || jsonb_build_object('field', 'glossaries.' || place, 'why', 'missing');
        ELSIF p->>'source_language' <> 'auto'
              AND split_part(g.source_language, '-', 1) <> split_part(p->>'source_language', '-', 1) THEN
            wrong := wrong || jsonb_build_object('field', 'glossaries.' || place, 'why', 'other_source_language', 'is', g.source_language);
        ELSIF g.target_locale <> '' AND NOT EXISTS (
            SELECT 1 FROM jsonb_array_elements(p->'targets') t WHERE t->>'locale' = g.target_locale) THEN
            wrong := wrong || jsonb_build_object('field', 'glossaries.' || place, 'why', 'other_target', 'is', g.target_locale);
        ELSIF g.version_id IS NOT NULL THEN
            glossary_versions := glossary_versions || jsonb_build_object(
                'glossary', wanted, 'number', g.number, 'version', g.version_id, 'target', g.target_locale);
        END IF;
        place := place + 1;
    END LOOP;
END;
$$;
