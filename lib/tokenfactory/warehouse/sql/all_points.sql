-- Every operating point with a throughput at a stated speed per user and workload, measured anew or published.
-- Grain: one point; what a snapshot measured may stand in a published row too. Units: tok/s per GPU over all
-- deployed GPUs; tok/s per user; seconds; fractions. Throughput counts total tokens (input and output).
-- Of a snapshot the newest run of every line counts. Published rows left out are in excluded_points, snapshot rows
-- in excluded_rows. speculation and precision are 'not stated' where the source is silent: silence matches nothing.
CREATE VIEW all_points AS
WITH measured AS (
    SELECT concat('snapshot-', left(file_sha256, 8), '-', row_index) AS point_id,
           p.gpu, h.system, p.model, p.framework,
           coalesce(p.precision, 'not stated') AS precision,
           coalesce(p.spec_decoding, 'not stated') AS spec_decoding,
           p.is_disagg AS is_disaggregated, p.num_prefill_gpu, p.num_decode_gpu,
           p.isl_tok AS isl, p.osl_tok AS osl, p.conc,
           p.interactivity_tok_per_s_per_user,
           p.total_tok_per_s_per_gpu,
           p.p99_ttft_s AS ttft_p99_s, p.p99_tpot_s AS tpot_p99_s, p.accuracy_frac,
           NULL::DOUBLE AS usd_per_mtok_total, NULL::BOOLEAN AS is_cost_consistent,
           p.date AS as_of, 'measured' AS evidence, 'snapshot' AS origin,
           'primary' AS source_kind, coalesce(p.run_url, p.source_url) AS source_url, p.source AS source_title,
           nullif(array_to_string(p.repairs, ', '), '') AS note
    FROM latest_points(as_of := DATE '9999-12-31') AS p
    LEFT JOIN hardware AS h ON h.gpu = p.gpu AND h.is_reference
    WHERE p.workload = 'fixed_length'
      AND p.total_tok_per_s_per_gpu > 0
      AND p.interactivity_tok_per_s_per_user > 0
      AND p.isl_tok IS NOT NULL AND p.osl_tok IS NOT NULL
),
published AS (
    SELECT point_id,
           gpu, system, model, framework,
           coalesce(precision, 'not stated') AS precision,
           coalesce(spec_decoding, 'not stated') AS spec_decoding,
           is_disaggregated, num_prefill_gpu, num_decode_gpu,
           isl, osl, conc,
           interactivity_tok_per_s_per_user,
           total_tok_per_s_per_gpu,
           NULL::DOUBLE AS ttft_p99_s, NULL::DOUBLE AS tpot_p99_s, NULL::DOUBLE AS accuracy_frac,
           usd_per_mtok_total, is_cost_consistent,
           as_of, evidence, 'published' AS origin, source_kind, source_url, source_title, note
    FROM operating_points
    JOIN point_gaps USING (point_id)
    WHERE reason IS NULL
)
SELECT * FROM measured
UNION ALL
SELECT * FROM published;
