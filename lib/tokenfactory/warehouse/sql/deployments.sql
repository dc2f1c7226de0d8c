-- Measured deployments with what the decode model asks: GPUs that decode, how they share the model, requests on each.
-- Grain: one measured run of a configuration, old ones too. Units: tok/s per user; tok/s per GPU; tok.
-- tput_per_gpu counts total tokens over all GPUs; output_per_decode_gpu output tokens over those that decode. batch is
-- the requests in flight over the GPUs that decode, those still in prefill too. depth is the number of drafted tokens,
-- 0 without speculation, NULL where no recipe says it. attention_tp is 1 where attention runs data-parallel.
-- A published point, and one whose throughput was derived from measured latencies (evidence), is here where just one
-- recipe says how it was served. Runs known to have answered wrongly are not.
CREATE VIEW deployments AS
SELECT p.point_id, p.gpu, p.model, p.framework, p.precision, p.spec_decoding, p.is_disagg AS is_disaggregated,
       p.isl_tok AS isl, p.osl_tok AS osl, p.conc, p.image, p.date AS as_of, p.num_gpu,
       p.num_prefill_gpu, coalesce(p.num_decode_gpu, p.num_gpu) AS num_decode_gpu,
       p.decode_tp, p.decode_ep, coalesce(p.decode_num_workers, 1) AS decode_num_workers, p.decode_dp_attention,
       if(p.decode_dp_attention, 1, p.decode_tp) AS attention_tp,
       p.conc / coalesce(p.num_decode_gpu, p.num_gpu) AS batch,
       if(p.spec_decoding = 'none', 0, r.depth) AS depth,
       p.interactivity_tok_per_s_per_user AS speed, p.total_tok_per_s_per_gpu AS tput_per_gpu,
       p.output_tok_per_s_per_gpu * p.num_gpu / coalesce(p.num_decode_gpu, p.num_gpu) AS output_per_decode_gpu,
       p.run_url AS source_url, 'measured' AS evidence
FROM measured_points AS p
LEFT JOIN serving_recipes AS r
       ON r.gpu = p.gpu AND r.model = p.model AND r.framework = p.framework AND r.precision = p.precision
      AND r.isl = p.isl_tok AND r.osl = p.osl_tok AND r.conc = p.conc AND p.spec_decoding = 'mtp' AND r.depth > 0
      AND r.decode_num_workers = coalesce(p.decode_num_workers, 1) AND r.decode_tp = p.decode_tp
      AND r.decode_ep = p.decode_ep
WHERE p.workload = 'fixed_length' AND p.interactivity_tok_per_s_per_user > 0 AND p.total_tok_per_s_per_gpu > 0
  AND p.conc > 0 AND p.num_gpu > 0 AND NOT p.is_known_wrong
UNION ALL
SELECT o.point_id, o.gpu, o.model, o.framework, o.precision, o.spec_decoding, o.is_disaggregated,
       o.isl, o.osl, o.conc, NULL, o.as_of, o.num_prefill_gpu + o.num_decode_gpu, o.num_prefill_gpu, o.num_decode_gpu,
       r.decode_tp, r.decode_ep, r.decode_num_workers, true, 1, o.conc / o.num_decode_gpu, r.depth,
       o.interactivity_tok_per_s_per_user, o.total_tok_per_s_per_gpu, o.output_tok_per_s_per_decode_gpu, o.source_url,
       'measured'
FROM operating_points AS o
JOIN serving_recipes AS r
  ON r.gpu = o.gpu AND r.model = o.model AND r.framework = o.framework AND r.precision = o.precision
 AND r.isl = o.isl AND r.osl = o.osl AND r.conc = o.conc AND o.spec_decoding = 'mtp' AND r.depth > 0
 AND r.decode_num_workers * r.decode_tp = o.num_decode_gpu
WHERE o.evidence = 'measured' AND o.duplicate_of IS NULL AND o.interactivity_tok_per_s_per_user > 0
  AND o.total_tok_per_s_per_gpu > 0
UNION ALL
SELECT d.point_id, d.gpu, d.model, d.framework, d.precision, d.spec_decoding, d.is_disaggregated,
       d.isl, d.osl, d.conc, NULL, d.as_of, d.num_gpu, d.num_prefill_gpu, d.num_decode_gpu,
       r.decode_tp, r.decode_ep, r.decode_num_workers, r.decode_dp_attention,
       if(r.decode_dp_attention, 1, r.decode_tp), d.conc / d.num_decode_gpu, r.depth,
       d.interactivity_tok_per_s_per_user, d.total_tok_per_s_per_gpu, NULL, d.source_url, d.evidence
FROM points AS d
JOIN serving_recipes AS r
  ON r.gpu = d.gpu AND r.model = d.model AND r.framework = d.framework AND r.precision = d.precision
 AND r.isl = d.isl AND r.osl = d.osl AND r.conc = d.conc AND (r.depth > 0) = (d.spec_decoding = 'mtp')
 AND r.decode_num_workers * r.decode_tp = d.num_decode_gpu
WHERE d.evidence = 'derived'
QUALIFY count(*) OVER (PARTITION BY d.point_id) = 1;
