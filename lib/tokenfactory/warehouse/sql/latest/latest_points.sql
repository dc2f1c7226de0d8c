-- The newest run of every line (configuration and workload), with all concurrencies of that run and no others.
-- Grain: one point. as_of: the day that counts as today. The default, as the dashboard's since June 2026.
-- Rows without a run count as one run per day. An own measurement replaces none of others, nor a run with wrong
-- answers one with right ones: they stand side by side.
-- Example: FROM latest_points(as_of := DATE '2026-06-30') ORDER BY ALL LIMIT 5
CREATE MACRO latest_points(as_of := current_date) AS TABLE
WITH newest AS (  -- of every line, without its points: all of them together may not fit into memory
    SELECT config_id, workload, isl_tok, osl_tok, scenario, offload_mode, source, is_known_wrong,
           max({day: coalesce(date, DATE '0001-01-01'), started: coalesce(run_started_at, ''),
                run: coalesce(run_id, '')}) AS run
    FROM measured_points
    WHERE date <= as_of OR date IS NULL
    GROUP BY ALL
)
SELECT p.*
FROM measured_points AS p
SEMI JOIN newest AS n
    ON n.config_id = p.config_id AND n.workload = p.workload AND n.isl_tok IS NOT DISTINCT FROM p.isl_tok
    AND n.osl_tok IS NOT DISTINCT FROM p.osl_tok AND n.scenario IS NOT DISTINCT FROM p.scenario
    AND n.offload_mode IS NOT DISTINCT FROM p.offload_mode AND n.source IS NOT DISTINCT FROM p.source
    AND n.is_known_wrong = p.is_known_wrong
    AND n.run = {day: coalesce(p.date, DATE '0001-01-01'), started: coalesce(p.run_started_at, ''),
                 run: coalesce(p.run_id, '')}
WHERE p.date <= as_of OR p.date IS NULL;
