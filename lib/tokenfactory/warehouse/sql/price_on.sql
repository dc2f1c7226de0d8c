-- Prices in force on a day.
-- Grain: one row of the price book. Units: USD per GPU-hour.
-- Excludes quotes without a period: a price seen on one day says nothing about another.
CREATE MACRO price_on(day) AS TABLE
SELECT *
FROM price_book
WHERE effective_from <= day
  AND (effective_to IS NULL OR day < effective_to);
