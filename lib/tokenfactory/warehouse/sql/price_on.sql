-- Prices in force on a day, with their age (price_ages).
-- Grain: one row of the price book, or of the prices that a scenario file brings. Units: USD per GPU-hour, days.
-- Excludes quotes without a period: a price seen on one day says nothing about another.
-- Example: FROM price_on(DATE '2026-07-31') WHERE gpu = 'gb300' ORDER BY price_id
CREATE MACRO price_on(day) AS TABLE
SELECT *
FROM (FROM price_book UNION ALL BY NAME FROM own_prices) JOIN price_ages USING (price_id)
WHERE effective_from <= day
  AND (effective_to IS NULL OR day < effective_to);
