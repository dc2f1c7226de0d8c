-- Power that was measured while a model was served, and the energy of a token where the same run gives it.
-- Grain: one measurement. Units: kW per GPU over all deployed GPUs; J per token of the named scope; tok/s per GPU.
-- basis is board_measured (the GPU boards alone) or system_measured (a whole system, as its author draws the line).
-- Energy follows where it is not printed: power over throughput of the same row. Total counts input and output
-- tokens; where only output tokens are counted the scope says so, and such a figure is compared with no total one.
-- Published rows state their conditions in words. Of what was measured every run counts, not only the newest of a line.
CREATE VIEW measured_energy AS
WITH published AS (
    SELECT power_id AS measurement_id, gpu, model, basis, 'published' AS origin, provider AS measured_by,
           note AS conditions, kw_per_gpu, 'total' AS token_scope, j_per_total_tok AS j_per_tok,
           1000 * kw_per_gpu / j_per_total_tok AS tok_per_s_per_gpu,
           observed_on AS as_of, source_url
    FROM power_book
    WHERE basis IN ('board_measured', 'system_measured')
),
scoped AS (
    SELECT *,
           -- No energy from a row whose printed energy and power contradict each other.
           if(list_contains(repairs, 'energy_disagrees_dropped'), NULL, 1000 * avg_power_kw_per_gpu) AS w,
           coalesce(j_per_total_tok, w / total_tok_per_s_per_gpu) AS of_total,
           coalesce(j_per_output_tok, w / output_tok_per_s_per_gpu) AS of_output,
           total_tok_per_s_per_gpu IS NOT NULL OR j_per_total_tok IS NOT NULL AS counts_total
    FROM measured_points
    WHERE avg_power_kw_per_gpu IS NOT NULL AND gpu IS NOT NULL
),
measured AS (
    SELECT point_id AS measurement_id, gpu, model,
           CASE power_basis WHEN 'system_wall' THEN 'system_measured' ELSE 'board_measured' END AS basis,
           origin, source AS measured_by,
           concat_ws(', ', upper(precision), framework,
                     if(isl_tok IS NULL, NULL, concat(isl_tok, '/', osl_tok)), scenario,
                     if(conc IS NULL, NULL, concat('concurrency ', conc))) AS conditions,
           avg_power_kw_per_gpu AS kw_per_gpu,
           if(counts_total, 'total', 'output') AS token_scope,
           if(counts_total, of_total, of_output) AS j_per_tok,
           if(counts_total, total_tok_per_s_per_gpu, output_tok_per_s_per_gpu) AS tok_per_s_per_gpu,
           "date" AS as_of, coalesce(run_url, source_url) AS source_url
    FROM scoped
)
SELECT * FROM measured
UNION ALL
SELECT * FROM published;
