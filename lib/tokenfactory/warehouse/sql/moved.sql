-- What moved between two days: software, token prices, and the three-year rents of InferenceX from one epoch to the next.
-- Grain: one figure on two days. Units: first_value and last_value share one; years between the days.
-- Example: FROM moved ORDER BY what, subject, first_day
CREATE VIEW moved AS
SELECT change_id, what, subject, first_value, last_value, first_day, last_day,
       date_diff('day', first_day, last_day) / 365.25 AS years, status, source_url
FROM changes
UNION ALL
SELECT price_id, 'rent', upper(gpu) || ', three-year rent', lag(usd_per_gpu_hour) OVER epochs, usd_per_gpu_hour,
       lag(effective_from) OVER epochs, effective_from,
       date_diff('day', lag(effective_from) OVER epochs, effective_from) / 365.25, status, source_url
FROM price_book
WHERE basis = 'rental_3yr' AND provider = 'InferenceX TCO'
WINDOW epochs AS (PARTITION BY gpu ORDER BY effective_from)
QUALIFY lag(effective_from) OVER epochs IS NOT NULL;
