-- Printed tables: one row per line of the table, its two value cells and its ratio side by side.
-- Grain: one claim set and row. Units: of the metric; *_ulp is one unit of the last printed digit.
-- Only claims that were printed as such a table. claim_ids names the claims that a line was made of.
CREATE VIEW claim_cells AS
SELECT claim_set, "row", any_value(metric) AS metric, any_value(claimant) AS claimant, any_value(date) AS date,
       max(subject) FILTER (WHERE cell = 'ratio') AS subject,
       max(baseline) FILTER (WHERE cell = 'ratio') AS baseline,
       max(printed) FILTER (WHERE cell = 'subject') AS subject_printed,
       max(value) FILTER (WHERE cell = 'subject') AS subject_value,
       max(printed_ulp) FILTER (WHERE cell = 'subject') AS subject_ulp,
       max(printed) FILTER (WHERE cell = 'baseline') AS baseline_printed,
       max(value) FILTER (WHERE cell = 'baseline') AS baseline_value,
       max(printed_ulp) FILTER (WHERE cell = 'baseline') AS baseline_ulp,
       max(printed) FILTER (WHERE cell = 'ratio') AS ratio_printed,
       max(value) FILTER (WHERE cell = 'ratio') AS ratio_value,
       max(printed_ulp) FILTER (WHERE cell = 'ratio') AS ratio_ulp,
       any_value(model) AS model,
       any_value(source_url) AS source_url,
       list(claim_id ORDER BY claim_id) AS claim_ids
FROM claims
WHERE "row" IS NOT NULL
GROUP BY claim_set, "row";
