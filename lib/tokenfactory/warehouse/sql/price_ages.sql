-- How old each price is: the last day on which it is known to have held.
-- Grain: one row of the price book, or of the prices that a scenario file brings. Units: days.
-- A price with a period holds until its end, or else until the day its source was last read; a quote holds on the day
-- it was seen. age_days counts to the day the book was last read, so it says what a reader of the book can know.
-- is_old: more than 90 days, or no day at all.
CREATE VIEW price_ages AS
WITH known AS (
    SELECT price_id,
           CASE WHEN effective_from IS NULL THEN observed_on ELSE least(effective_to - 1, accessed) END AS last_known_on,
           (SELECT max(accessed) FROM price_book) AS read_on
    FROM (FROM price_book UNION ALL BY NAME FROM own_prices)
)
SELECT price_id, last_known_on, read_on, read_on - last_known_on AS age_days,
       coalesce(read_on - last_known_on > 90, true) AS is_old
FROM known;
