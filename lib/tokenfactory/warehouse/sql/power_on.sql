-- Power figures in force on a day.
-- Grain: one row of the power book. Units: kW per GPU, on the basis of the row.
-- Excludes figures without a period: they answer no question about a day.
-- Example: FROM power_on(DATE '2026-07-31') WHERE gpu = 'gb300' ORDER BY power_id
CREATE MACRO power_on(day) AS TABLE
SELECT *
FROM power_book
WHERE effective_from <= day
  AND (effective_to IS NULL OR day < effective_to);
