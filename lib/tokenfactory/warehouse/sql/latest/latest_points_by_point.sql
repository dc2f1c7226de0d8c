-- The newest measurement of every point, whatever run it is from: one curve may mix days and software.
-- Grain: one point (line and concurrency). as_of: the day that counts as today. The dashboard until June 2026.
-- Example: FROM latest_points_by_point(as_of := DATE '2026-06-30') ORDER BY ALL LIMIT 5
CREATE MACRO latest_points_by_point(as_of := current_date) AS TABLE
SELECT *
FROM measured_points
WHERE date <= as_of OR date IS NULL
QUALIFY row_number() OVER (
    PARTITION BY config_id, workload, isl_tok, osl_tok, scenario, offload_mode, conc
    ORDER BY date DESC NULLS LAST, run_started_at DESC NULLS LAST, run_id DESC NULLS LAST, row_index DESC, file_sha256
) = 1;
