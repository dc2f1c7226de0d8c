-- Operating points that can be compared: a throughput at a stated speed per user and workload.
-- Grain: one published point. Units: tok/s per GPU over all deployed GPUs; tok/s per user.
-- Throughput counts total tokens (input and output). Rows left out are in excluded_points.
-- speculation and precision are 'not stated' where the source is silent: silence matches nothing.
CREATE VIEW points AS
SELECT point_id,
       gpu, system, model, framework,
       coalesce(precision, 'not stated') AS precision,
       coalesce(spec_decoding, 'not stated') AS spec_decoding,
       is_disaggregated, num_prefill_gpu, num_decode_gpu,
       isl, osl, conc,
       interactivity_tok_per_s_per_user,
       total_tok_per_s_per_gpu,
       usd_per_mtok_total, is_cost_consistent,
       as_of, evidence, source_kind, source_url, source_title, note
FROM operating_points
JOIN point_gaps USING (point_id)
WHERE reason IS NULL;
