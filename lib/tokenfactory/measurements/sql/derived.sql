-- Measured latencies of disaggregated deployments joined with the recipes that were run, where one recipe alone fits.
-- Grain: one reading of one deployment on one day; is_joined is false, with the reason, where no recipe or several fit.
-- $silicon is the CSV of NVIDIA's aiconfigurator (latencies, no GPUs, no speculation), $recipes that of InferenceX'
-- recipes (GPUs, speculation). Of two readings and two recipes of one deployment the faster reading is the one with MTP.
WITH silicon AS (
    SELECT regexp_replace(system, '_sxm$', '') AS gpu, precision,
           'dynamo-' || replace(backend, 'trtllm', 'trt') AS framework,
           isl::BIGINT AS isl_tok, osl::BIGINT AS osl_tok,
           nullif(regexp_extract(silicon_data_source, 'silicon_concurrency=(\d+)', 1), '')::BIGINT AS conc,
           nullif(regexp_extract(silicon_data_source, 'measured=(\d{4}-\d\d-\d\d)', 1), '')::DATE AS "date",
           prefill_tp_size * prefill_attention_dp_size * prefill_pp_size AS prefill_tp,
           decode_tp_size * decode_attention_dp_size * decode_pp_size AS decode_tp,
           prefill_num_workers::BIGINT AS prefill_num_workers, decode_num_workers::BIGINT AS decode_num_workers,
           contains(silicon_data_source, 'config_id=') AS is_of_dump,  -- whose rows are all without speculation
           round(silicon_ttft_ms / 1000, 9) AS ttft_s, round(silicon_tpot_ms / 1000, 9) AS tpot_s
    FROM read_csv($silicon)
    WHERE mode = 'disagg' AND regexp_matches(model_path, '/DeepSeek-(R1|V3)$') AND ttft_s > 0 AND tpot_s > 0
),
recipes AS (
    SELECT DISTINCT regexp_extract(regexp_replace(runner, '^cluster:', ''), '^[a-z0-9]+') AS gpu, precision, framework,
           isl::BIGINT AS isl_tok, osl::BIGINT AS osl_tok, conc::BIGINT AS conc,
           coalesce(spec_decoding, 'none') AS spec_decoding, prefill_tp, decode_tp,
           prefill_workers, decode_workers, num_prefill_gpu, num_decode_gpu
    FROM read_csv($recipes)
    WHERE disagg AND model_prefix = 'dsr1' AND num_prefill_gpu > 0 AND num_decode_gpu > 0
),
readings AS (  -- exports of different days repeat a reading
    SELECT gpu, precision, framework, isl_tok, osl_tok, conc, "date", prefill_tp, decode_tp, ttft_s, tpot_s,
           bool_or(is_of_dump) AS is_without_mtp,
           any_value(prefill_num_workers) AS prefill_num_workers, any_value(decode_num_workers) AS decode_num_workers
    FROM silicon
    WHERE conc IS NOT NULL AND "date" IS NOT NULL
    GROUP BY ALL
),
ranked AS (
    SELECT *, count(*) OVER deployment AS num_readings,
           row_number() OVER (deployment ORDER BY tpot_s) = 1 AS is_fastest
    FROM readings
    WINDOW deployment AS (PARTITION BY gpu, precision, framework, isl_tok, osl_tok, conc, "date", prefill_tp, decode_tp)
),
fitting AS (
    SELECT s.*, r.spec_decoding, r.num_prefill_gpu, r.num_decode_gpu,
           count(DISTINCT (r.spec_decoding, r.num_prefill_gpu, r.num_decode_gpu)) OVER reading AS num_recipes
    FROM ranked AS s
    LEFT JOIN recipes AS r
      ON r.gpu = s.gpu AND r.precision = s.precision AND r.framework = s.framework AND r.isl_tok = s.isl_tok
     AND r.osl_tok = s.osl_tok AND r.conc = s.conc AND r.prefill_tp = s.prefill_tp AND r.decode_tp = s.decode_tp
     AND r.prefill_workers = coalesce(s.prefill_num_workers, r.prefill_workers)
     AND r.decode_workers = coalesce(s.decode_num_workers, r.decode_workers)
     AND (r.spec_decoding = 'none' OR NOT s.is_without_mtp)
    WINDOW reading AS (PARTITION BY s.gpu, s.precision, s.framework, s.isl_tok, s.osl_tok, s.conc, s."date",
                       s.prefill_tp, s.decode_tp, s.ttft_s, s.tpot_s)
),
judged AS (
    SELECT *,
           count(*) FILTER (spec_decoding = if(is_fastest, 'mtp', 'none')) OVER reading AS num_of_rank,
           CASE
               WHEN spec_decoding IS NULL THEN 'no recipe'
               WHEN num_recipes = 1 AND (num_readings = 1 OR is_without_mtp) THEN NULL
               WHEN num_recipes = 2 AND num_readings = 2 AND NOT is_without_mtp THEN NULL
               ELSE 'several recipes or readings'
           END AS obstacle
    FROM fitting
    WINDOW reading AS (PARTITION BY gpu, precision, framework, isl_tok, osl_tok, conc, "date", prefill_tp, decode_tp,
                       ttft_s, tpot_s)
),
chosen AS (
    SELECT *, CASE WHEN obstacle IS NULL AND num_recipes = 2 AND num_of_rank <> 1 THEN 'several recipes or readings'
                   ELSE obstacle END AS why_not
    FROM judged
    WHERE obstacle IS NOT NULL OR num_recipes = 1 OR num_of_rank <> 1 OR spec_decoding = if(is_fastest, 'mtp', 'none')
    QUALIFY row_number() OVER (
        PARTITION BY gpu, precision, framework, isl_tok, osl_tok, conc, "date", prefill_tp, decode_tp, ttft_s, tpot_s
        ORDER BY why_not, spec_decoding, num_prefill_gpu, num_decode_gpu
    ) = 1
)
SELECT gpu, 'deepseek-r1-0528' AS model, framework, precision, spec_decoding, isl_tok, osl_tok, conc, "date",
       num_prefill_gpu, num_decode_gpu, ttft_s, tpot_s,
       CASE WHEN why_not IS NULL AND count(*) OVER (
                PARTITION BY gpu, precision, framework, isl_tok, osl_tok, conc, "date", spec_decoding, num_prefill_gpu,
                             num_decode_gpu) > 1 THEN 'several readings of one recipe'
            ELSE why_not END AS obstacle
FROM chosen
ORDER BY gpu, framework, precision, isl_tok, osl_tok, conc, tpot_s, ttft_s
