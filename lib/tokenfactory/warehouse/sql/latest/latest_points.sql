-- The newest run of every line (configuration and workload), with all concurrencies of that run and no others.
-- Grain: one point. as_of: the day that counts as today. The default, as the dashboard's since June 2026.
-- Rows without a run count as one run per day. An own measurement replaces none of others, nor a run with wrong
-- answers one with right ones: they stand side by side.
-- Example: FROM latest_points(as_of := DATE '2026-06-30') ORDER BY ALL LIMIT 5
CREATE MACRO latest_points(as_of := current_date) AS TABLE
SELECT *
FROM measured_points
WHERE date <= as_of OR date IS NULL
QUALIFY rank() OVER (
    PARTITION BY config_id, workload, isl_tok, osl_tok, scenario, offload_mode, source, is_known_wrong
    ORDER BY date DESC NULLS LAST, run_started_at DESC NULLS LAST, run_id DESC NULLS LAST
) = 1;
