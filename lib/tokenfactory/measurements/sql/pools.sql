-- Pools of rows that store the number of all GPUs in both, found by the identity of their rates; then configurations
-- get their numbers: configs with one that is another only in its raw fields have the same config_id.
CREATE TABLE found_pools AS
SELECT r.rowid AS row, raw_config,
       c.num_prefill_gpu * (r.total_tok_per_s_per_gpu - r.output_tok_per_s_per_gpu)
           / nullif(r.input_tok_per_s_per_gpu - r.output_tok_per_s_per_gpu, 0) AS exact,
       round(exact) AS num_prefill,
       (SELECT count(*) FROM configs) - 1 + dense_rank() OVER (ORDER BY raw_config, num_prefill) AS new_config
FROM raw_points AS r JOIN configs AS c USING (raw_config)
WHERE c.is_total_in_both
  AND abs((r.input_tok_per_s_per_gpu + r.output_tok_per_s_per_gpu) / 2 - r.total_tok_per_s_per_gpu)
      > {{ RATE_TOLERANCE }} * r.total_tok_per_s_per_gpu
  AND abs(exact - num_prefill) < 0.01
  AND num_prefill BETWEEN 1 AND c.num_prefill_gpu - 1;

INSERT INTO configs
SELECT DISTINCT c.* REPLACE (
    new_config AS raw_config, num_prefill_gpu AS num_gpu, num_prefill AS num_prefill_gpu,
    num_prefill_gpu - num_prefill AS num_decode_gpu, false AS is_total_in_both,
    list_append(config_repairs, 'pools_from_identity') AS config_repairs)
FROM configs AS c JOIN found_pools USING (raw_config);

UPDATE raw_points SET raw_config = new_config FROM found_pools WHERE raw_points.rowid = found_pools.row;

CREATE OR REPLACE TABLE configs AS
SELECT * REPLACE (
    if(gpu IS NULL, NULL, dense_rank() OVER (
        ORDER BY {{ measured.CONFIGURATION | map(attribute="name") | join(", ") }}))::INTEGER AS config_id)
FROM configs ORDER BY raw_config;
