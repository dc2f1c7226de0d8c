-- The one pool of operating points that make a curve: measured, derived and published ones of all origins.
-- Grain: one point. Units: tok/s per GPU over all deployed GPUs; tok/s per user; seconds; fractions. Throughput counts
-- total tokens (input and output).
-- evidence: measured; derived (throughput worked out from measured latencies, with its band); interpolated (read off by
-- the source between its points: a last resort, never to be joined with measured ones). origin: shipped, snapshot, own
-- (see measured_points) or published (a page). Of measured points the newest run of every line counts; runs with wrong
-- answers stand beside it, marked is_known_wrong. Published rows left out are in excluded_points, snapshot rows in
-- excluded_rows. speculation and precision are 'not stated' where the source is silent: silence matches nothing.
CREATE VIEW points AS
WITH measured_too AS (  -- runs that are known both ways, found by way of the few derived points
    SELECT m.gpu, m.model, m.isl_tok, m.osl_tok, m.conc, m.framework, m.precision, m.spec_decoding, m.num_prefill_gpu,
           m.num_decode_gpu, m.date
    FROM measured_points AS m
    SEMI JOIN (FROM benchmarks WHERE evidence = 'derived') AS d
        USING (gpu, model, isl_tok, osl_tok, conc, framework, precision, spec_decoding, num_prefill_gpu,
               num_decode_gpu, date)
),
measured AS (
    SELECT p.point_id,
           p.gpu, h.system, p.model, p.framework,
           coalesce(p.precision, 'not stated') AS precision,
           coalesce(p.spec_decoding, 'not stated') AS spec_decoding,
           p.is_disagg AS is_disaggregated, p.num_gpu, p.num_prefill_gpu, p.num_decode_gpu,
           p.isl_tok AS isl, p.osl_tok AS osl, p.conc,
           p.interactivity_tok_per_s_per_user,
           p.total_tok_per_s_per_gpu,
           NULL::DOUBLE AS total_tok_per_s_per_gpu_low, NULL::DOUBLE AS total_tok_per_s_per_gpu_high,
           p.p99_ttft_s AS ttft_p99_s, p.p99_tpot_s AS tpot_p99_s, p.accuracy_frac,
           NULL::DOUBLE AS usd_per_mtok_total, NULL::BOOLEAN AS is_cost_consistent,
           p.date AS as_of, 'measured' AS evidence, p.origin, p.is_known_wrong,
           'primary' AS source_kind, coalesce(p.run_url, p.source_url) AS source_url, p.source AS source_title,
           nullif(array_to_string(p.repairs, ', '), '') AS note
    FROM latest_points(as_of := DATE '9999-12-31') AS p
    LEFT JOIN hardware AS h ON h.gpu = p.gpu AND h.is_reference
    WHERE p.workload = 'fixed_length'
      AND p.total_tok_per_s_per_gpu > 0
      AND p.interactivity_tok_per_s_per_user > 0
      AND p.isl_tok IS NOT NULL AND p.osl_tok IS NOT NULL
),
derived AS (
    SELECT d.point_id,
           d.gpu, h.system, d.model, d.framework,
           coalesce(d.precision, 'not stated') AS precision,
           coalesce(d.spec_decoding, 'not stated') AS spec_decoding,
           d.is_disagg AS is_disaggregated, d.num_gpu, d.num_prefill_gpu, d.num_decode_gpu,
           d.isl_tok AS isl, d.osl_tok AS osl, d.conc,
           d.interactivity_tok_per_s_per_user,
           d.total_tok_per_s_per_gpu, d.total_tok_per_s_per_gpu_low, d.total_tok_per_s_per_gpu_high,
           NULL::DOUBLE AS ttft_p99_s, NULL::DOUBLE AS tpot_p99_s, NULL::DOUBLE AS accuracy_frac,
           NULL::DOUBLE AS usd_per_mtok_total, NULL::BOOLEAN AS is_cost_consistent,
           d.date AS as_of, 'derived' AS evidence, 'shipped' AS origin,
           EXISTS (
               FROM known_wrong_runs AS w
               WHERE w.run_id IS NOT NULL AND w.gpu = d.gpu AND w.model = d.model AND w.framework = d.framework
                 AND w.precision = d.precision AND w.spec_decoding = d.spec_decoding
           ) AS is_known_wrong,
           'primary' AS source_kind, d.run_url AS source_url, 'aiconfigurator and InferenceX recipes' AS source_title,
           'throughput by Little''s law from measured latencies' AS note
    FROM benchmarks AS d
    LEFT JOIN hardware AS h ON h.gpu = d.gpu AND h.is_reference
    WHERE d.evidence = 'derived'
      AND NOT EXISTS (  -- a measured point of the same run always wins
          FROM measured_too AS m
          WHERE m.gpu = d.gpu AND m.model = d.model AND m.isl_tok = d.isl_tok AND m.osl_tok = d.osl_tok
            AND m.conc = d.conc AND m.framework = d.framework AND m.precision = d.precision
            AND m.spec_decoding = d.spec_decoding AND m.num_prefill_gpu = d.num_prefill_gpu
            AND m.num_decode_gpu = d.num_decode_gpu AND m.date = d.date
      )
      AND NOT EXISTS (  -- and so does one that a page shows, whose speed is the mean or the median of the same run
          FROM operating_points AS o
          WHERE o.evidence = 'measured' AND o.gpu = d.gpu AND o.model = d.model AND o.isl = d.isl_tok
            AND o.osl = d.osl_tok AND o.conc = d.conc AND o.framework = d.framework AND o.precision = d.precision
            AND coalesce(o.spec_decoding, d.spec_decoding) = d.spec_decoding AND o.as_of = d.date
            AND abs(ln(o.interactivity_tok_per_s_per_user / d.interactivity_tok_per_s_per_user)) < 0.06
      )
),
published AS (
    SELECT point_id,
           gpu, system, model, framework,
           coalesce(precision, 'not stated') AS precision,
           coalesce(spec_decoding, 'not stated') AS spec_decoding,
           is_disaggregated, num_prefill_gpu + num_decode_gpu AS num_gpu, num_prefill_gpu, num_decode_gpu,
           isl, osl, conc,
           interactivity_tok_per_s_per_user,
           total_tok_per_s_per_gpu,
           NULL::DOUBLE AS total_tok_per_s_per_gpu_low, NULL::DOUBLE AS total_tok_per_s_per_gpu_high,
           NULL::DOUBLE AS ttft_p99_s, NULL::DOUBLE AS tpot_p99_s, NULL::DOUBLE AS accuracy_frac,
           usd_per_mtok_total, is_cost_consistent,
           as_of, evidence, 'published' AS origin,
           point_id IN (SELECT w.point_id FROM known_wrong_runs AS w WHERE w.point_id IS NOT NULL) AS is_known_wrong,
           source_kind, source_url, source_title, note
    FROM operating_points
    JOIN point_gaps USING (point_id)
    WHERE reason IS NULL
)
SELECT * FROM measured
UNION ALL
SELECT * FROM derived
UNION ALL
SELECT * FROM published;
