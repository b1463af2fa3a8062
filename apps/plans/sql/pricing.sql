-- The rate card applied: price_lines tells each item's share, price_order the sum, both for ONE target locale.
-- Python's estimate and admission in the database call the same functions, so that a quote and a hold cannot differ.
--
-- p_duration_ms NULL means that the length is not known yet (a link not fetched): 180 s are assumed, or the plan's longest media
-- if that is shorter; the hold is resized once the file was measured (docs/decisions/money.md).
-- A row of the card with the plan's id wins over the general row. Minutes are started minutes, seconds are started seconds.

CREATE OR REPLACE FUNCTION price_lines(p_plan bigint, p_service text, p_items text[], p_duration_ms bigint)
RETURNS TABLE (item text, unit text, quantity bigint, millicredits bigint)
LANGUAGE sql STABLE AS $$
    WITH length AS (
        SELECT coalesce(p_duration_ms, least(180, (SELECT p.max_duration FROM plans_plan p WHERE p.id = p_plan)) * 1000) AS ms
    ), rate AS (
        SELECT DISTINCT ON (wanted.item) wanted.item, wanted.position, card.unit, card.millicredits, card.minimum_seconds
          FROM unnest(p_items) WITH ORDINALITY AS wanted(item, position)
          JOIN plans_ratecard card ON card.service = p_service AND card.item = wanted.item
           AND (card.plan_id = p_plan OR card.plan_id IS NULL)
         ORDER BY wanted.item, card.plan_id NULLS LAST
    ), line AS (
        SELECT rate.item, rate.position, rate.unit, rate.millicredits,
               CASE rate.unit
                   WHEN 'minute' THEN (greatest(length.ms, rate.minimum_seconds * 1000, 1) + 59999) / 60000
                   ELSE (greatest(length.ms, rate.minimum_seconds * 1000, 1) + 999) / 1000
               END AS quantity
          FROM rate, length
    )
    SELECT line.item::text, line.unit::text, line.quantity::bigint, (line.quantity * line.millicredits)::bigint
      FROM line ORDER BY line.position
$$;

CREATE OR REPLACE FUNCTION price_order(p_plan bigint, p_service text, p_items text[], p_duration_ms bigint)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    total bigint;
    found_items bigint;
BEGIN
    SELECT coalesce(sum(l.millicredits), 0), count(*) INTO total, found_items
      FROM price_lines(p_plan, p_service, p_items, p_duration_ms) l;
    -- Work without a price is a mistake in the card, never a gift.
    IF found_items <> coalesce(array_length(p_items, 1), 0) THEN
        RAISE EXCEPTION 'the rate card has no price for every item of % %', p_service, p_items USING ERRCODE = 'data_exception';
    END IF;
    RETURN total;
END;
$$;
