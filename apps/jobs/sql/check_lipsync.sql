-- Check 6 of DESIGN section 4 for a lip-sync order, the part that needs rows; the counterpart of check_order.sql.
-- p->'inputs' is [{"name": field of the form, "kind": "media"|"image", "asset": id | null, "url", "new": id, "file"}], the picture first.
-- duration_ms is the length that is billed (docs/decisions/lipsync.md): of the sound, two sounds the longer one, or both together when
-- p->'turns'; of a first part no more than p->'first_ms'. NULL while no length is known and none is given; of two sounds an unknown one
-- counts as long as an unknown length is assumed to be (`assumes`).

CREATE OR REPLACE FUNCTION check_lipsync(
    p jsonb, p_organization bigint, p_max_file_bytes bigint, p_max_duration int,
    OUT wrong jsonb, OUT inputs jsonb, OUT duration_ms bigint, OUT assumes boolean
) LANGUAGE plpgsql AS $$
DECLARE
    assumed bigint := least(180, p_max_duration)::bigint * 1000;
    known boolean := false;
    total bigint := 0;
    input jsonb;
    a record;
    part bigint;
    bad text;
BEGIN
    wrong := '[]';
    inputs := '[]';
    assumes := false;
    IF p->>'project' IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM projects_project t WHERE t.organization_id = p_organization AND t.public_id = p->>'project') THEN
        wrong := wrong || jsonb_build_object('field', 'project', 'why', 'missing');
    END IF;

    FOR input IN SELECT jsonb_array_elements(p->'inputs') LOOP
        part := NULL;
        IF input->>'asset' IS NOT NULL THEN
            SELECT x.id, x.kind, x.status, x.size, x.duration_ms, x.probe, x.error, x.error_code,
                   coalesce(nullif(x.file_name, ''), x.source_url) AS name
              INTO a FROM projects_asset x WHERE x.organization_id = p_organization AND x.public_id = input->>'asset';
            bad := CASE
                WHEN NOT FOUND OR a.status = 'deleted' THEN 'missing'
                WHEN a.status = 'failed' THEN 'unusable'
                WHEN a.kind <> input->>'kind' THEN CASE input->>'kind' WHEN 'image' THEN 'not_image' ELSE 'not_media' END
                WHEN a.size > p_max_file_bytes THEN 'too_large'
                WHEN a.duration_ms > p_max_duration::bigint * 1000 THEN 'too_long'
                WHEN input->>'name' = 'video' AND a.probe IS NOT NULL
                     AND jsonb_typeof(a.probe->'video') IS DISTINCT FROM 'object' THEN 'no_picture'
                WHEN input->>'name' LIKE '%audio' AND a.probe IS NOT NULL
                     AND coalesce(jsonb_array_length(nullif(a.probe->'audio', 'null')), 0) = 0 THEN 'no_sound'
            END;
            IF bad IS NOT NULL THEN
                wrong := wrong || jsonb_build_object(
                    'field', input->>'name', 'why', bad,
                    'limit', CASE bad WHEN 'too_large' THEN p_max_file_bytes ELSE p_max_duration END,
                    'error', CASE bad WHEN 'unusable' THEN a.error END);
                CONTINUE;
            END IF;
            part := a.duration_ms;
            inputs := inputs || (input || jsonb_build_object('id', a.id, 'file', a.name));
        ELSE
            inputs := inputs || input;
        END IF;
        IF input->>'name' LIKE '%audio' THEN
            known := known OR part IS NOT NULL;
            assumes := assumes OR part IS NULL;
            part := coalesce(part, assumed);
            total := CASE WHEN (p->>'turns')::boolean THEN total + part ELSE greatest(total, part) END;
        END IF;
    END LOOP;
    IF known AND total > p_max_duration::bigint * 1000 AND jsonb_array_length(wrong) = 0 THEN
        wrong := wrong || jsonb_build_object('field', 'order', 'why', 'too_long_together', 'limit', p_max_duration);
    END IF;
    IF known OR p->>'first_ms' IS NOT NULL THEN
        duration_ms := least(total, (p->>'first_ms')::bigint);  -- least() passes over NULL
    END IF;
END;
$$;
