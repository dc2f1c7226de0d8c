-- Predictions of the decode model beside the first measured run of their configuration, once there is one.
-- Grain: one prediction. Units: as in predictions. error is predicted over measured speed, less one; NULL: not measured.
-- A run counts when it is not older than the prediction and shares experts over as many GPUs. Its requests per decode
-- GPU must be as many, within a tenth.
CREATE VIEW prediction_scores AS
SELECT p.*, d.point_id, d.speed AS measured_tok_per_s_per_user,
       d.output_per_decode_gpu AS measured_output_per_decode_gpu,
       p.interactivity_tok_per_s_per_user / d.speed - 1 AS error,
       d.speed BETWEEN p.interactivity_low AND p.interactivity_high AS is_in_range
FROM predictions AS p
LEFT JOIN deployments AS d
       ON d.model = p.model AND d.gpu = p.gpu AND d.precision = p.precision AND d.spec_decoding = p.spec_decoding
      AND d.isl = p.isl AND d.osl = p.osl AND d.decode_ep = p.ep AND d.as_of >= p.registered_on
      AND d.decode_dp_attention AND d.is_disaggregated AND abs(d.batch / p.batch - 1) <= 0.1
      AND coalesce(d.depth, p.depth) = p.depth
QUALIFY row_number() OVER (PARTITION BY p.prediction_id ORDER BY d.as_of, d.point_id) = 1;
