-- Each specification of each GPU, as one figure with its spread over sources.
-- Grain: one GPU and specification. Units: in the name of the specification.
-- The value is the reference row's; where that is silent, the one all other sources agree on. Where they
-- disagree and the reference is silent, value is NULL: low and high show the disagreement.
-- hardware_ids names the rows that state the specification.
CREATE VIEW hardware_specs AS
WITH figures AS (
    UNPIVOT (
        SELECT gpu, is_reference, hardware_id, source_url,
               hbm_gb, hbm_tb_per_s,
               fp4_dense_pflops, fp4_sparse_pflops, fp8_dense_pflops, fp8_sparse_pflops,
               bf16_dense_pflops, bf16_sparse_pflops,
               tdp_w, scale_up_gb_per_s,
               scale_up_gpus::DOUBLE AS scale_up_gpus,
               gpus_per_node::DOUBLE AS gpus_per_node,
               gpus_per_rack::DOUBLE AS gpus_per_rack
        FROM hardware
    )
    ON COLUMNS(* EXCLUDE (gpu, is_reference, hardware_id, source_url))
    INTO NAME spec VALUE figure
)
SELECT gpu,
       spec,
       coalesce(
           max(figure) FILTER (WHERE is_reference),
           CASE WHEN min(figure) = max(figure) THEN max(figure) END
       ) AS value,
       min(figure) AS low,
       max(figure) AS high,
       count(*) AS num_sources,
       coalesce(min(source_url) FILTER (WHERE is_reference), min(source_url)) AS source_url,
       list(hardware_id ORDER BY hardware_id) AS hardware_ids
FROM figures
GROUP BY gpu, spec;
