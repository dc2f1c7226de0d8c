-- Pairs of points of two GPUs, of whatever origin, on the same model and lengths that are equally fast for the user.
-- Grain: one pair of points. Units: as in points. Ratio is a over b, of total tokens per deployed GPU.
-- Equally fast: the speeds differ at most by the factor `tolerance`. Precision, speculation, engine and date
-- may differ: is_like_for_like says whether precision and speculation are stated and the same.
-- Example: FROM equal_speed_pairs('gb300', 'h200', 1.02) ORDER BY ALL LIMIT 5
CREATE MACRO equal_speed_pairs(gpu_a, gpu_b, tolerance) AS TABLE
SELECT a.model, a.isl, a.osl,
       a.point_id AS point_a, b.point_id AS point_b,
       a.interactivity_tok_per_s_per_user AS speed_a,
       b.interactivity_tok_per_s_per_user AS speed_b,
       a.total_tok_per_s_per_gpu AS tput_a,
       b.total_tok_per_s_per_gpu AS tput_b,
       a.total_tok_per_s_per_gpu / b.total_tok_per_s_per_gpu AS tput_ratio,
       a.precision AS precision_a, b.precision AS precision_b,
       a.spec_decoding AS spec_a, b.spec_decoding AS spec_b,
       a.framework AS framework_a, b.framework AS framework_b,
       a.as_of AS as_of_a, b.as_of AS as_of_b,
       a.evidence AS evidence_a, b.evidence AS evidence_b,
       a.evidence = 'measured' AND b.evidence = 'measured' AS is_measured,
       a.precision = b.precision AND a.spec_decoding = b.spec_decoding
           AND a.precision <> 'not stated' AND a.spec_decoding <> 'not stated' AS is_like_for_like,
       a.source_url AS source_a, b.source_url AS source_b
FROM points AS a
JOIN points AS b USING (model, isl, osl)
WHERE a.gpu = gpu_a
  AND b.gpu = gpu_b
  AND a.interactivity_tok_per_s_per_user BETWEEN b.interactivity_tok_per_s_per_user / tolerance
                                             AND b.interactivity_tok_per_s_per_user * tolerance;
