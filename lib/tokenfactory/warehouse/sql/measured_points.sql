-- Every measurement of every run, each once: what ships, and what the snapshot in use holds.
-- Grain: one measured point. Units: in the column names; throughput over all deployed GPUs.
-- origin: shipped (data/benchmarks), snapshot (ingested or pulled), own (an own measurement in a snapshot). Where a
-- snapshot and data/benchmarks hold the same configuration, workload, concurrency and run, the snapshot's row counts.
-- is_known_wrong: its source knows that the run gave wrong answers (known_wrong_runs.csv).
CREATE VIEW measured_points AS
WITH shipped AS (
    SELECT point_id, 'shipped' AS origin,
           (hash(gpu, model, framework, precision, spec_decoding, is_disagg, is_multinode, num_gpu, num_prefill_gpu,
                 num_decode_gpu, prefill_tp, prefill_ep, prefill_dp_attention, prefill_num_workers, decode_tp,
                 decode_ep, decode_dp_attention, decode_num_workers) >> 1)::BIGINT AS config_id,
           * EXCLUDE (point_id, evidence, repairs, file, total_tok_per_s_per_gpu_low, total_tok_per_s_per_gpu_high),
           'fixed_length' AS workload, 'off' AS offload_mode, 'InferenceX' AS source,
           nullif(regexp_extract(run_url, '/runs/([0-9]+)', 1), '') AS run_id,
           coalesce(string_split(repairs, ' '), []) AS repairs
    FROM benchmarks
    WHERE evidence = 'measured'
),
replaced AS (  -- found by way of the shipped rows: those of a snapshot may be too many to keep in memory
    SELECT config_id, workload, isl_tok, osl_tok, conc, run_id
    FROM snapshot_points SEMI JOIN shipped USING (config_id, workload, isl_tok, osl_tok, conc, run_id)
),
pool AS (
    SELECT concat('snapshot-', left(file_sha256, 8), '-', row_index) AS point_id,
           if(source = 'own measurement', 'own', 'snapshot') AS origin, *
    FROM snapshot_points
    UNION ALL BY NAME
    SELECT * FROM shipped ANTI JOIN replaced USING (config_id, workload, isl_tok, osl_tok, conc, run_id)
),
wrong AS (  -- one row for each run, so that the join below neither repeats rows nor keeps them
    SELECT run_id, list({gpu: gpu, model: model, framework: framework, precision: precision, spec: spec_decoding}) AS of
    FROM known_wrong_runs
    WHERE run_id IS NOT NULL
    GROUP BY run_id
)
SELECT p.*, coalesce(len(list_filter(w.of, lambda one:
    coalesce(one.gpu, p.gpu) = p.gpu
    AND coalesce(one.model, p.model) = p.model
    AND coalesce(one.framework, p.framework) IS NOT DISTINCT FROM p.framework
    AND coalesce(one.precision, p.precision) IS NOT DISTINCT FROM p.precision
    AND coalesce(one.spec, p.spec_decoding) IS NOT DISTINCT FROM p.spec_decoding
)) > 0, false) AS is_known_wrong
FROM pool AS p
LEFT JOIN wrong AS w ON w.run_id = p.run_id;
