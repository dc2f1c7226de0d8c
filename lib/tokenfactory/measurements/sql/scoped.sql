-- Raw rows with their configuration and run, and with every rate per deployed GPU: the identities that a row must keep.
--   total = input + output per deployed GPU; of disaggregated rows total x (P + D) = input x P + output x D where rates
--   are those of the pools; interactivity x time per token = 1; energy per token x throughput = power
-- Little's law (throughput x request time = tokens in flight) only flags: medians and warm-up bend it by a few percent.
CREATE VIEW joined AS
SELECT r.* EXCLUDE (row_index, workload, raw_run), u.raw_run,
       coalesce(r.row_index, r.rowid - f.first) AS row_index,
       coalesce(r.workload, 'fixed_length') AS workload,
       {% for kind in ("total", "output", "input") %}
       coalesce(r.{{ kind }}_tok_per_s_per_gpu, r.{{ kind }}_tok_per_s / c.num_gpu) AS {{ kind }}_stated,
       {% endfor %}
       r.rate_scope IS NOT DISTINCT FROM 'deployed'
           OR (r.output_tok_per_s_per_gpu IS NULL AND r.output_tok_per_s IS NOT NULL) AS is_deployed_stated,
       coalesce(r.power_metric_schema_version, 1) AS power_version,
       c.* EXCLUDE (raw_config, problem, problem_field),
       c.problem AS config_problem, c.problem_field AS config_problem_field,
       u.* EXCLUDE (raw_run),
       a.row IS NOT NULL AS is_run_adopted
FROM raw_points AS r
LEFT JOIN first_rows AS f ON f.file_no = r.file_no
LEFT JOIN configs AS c ON c.raw_config = r.raw_config
LEFT JOIN adopted AS a ON a.row = r.rowid
LEFT JOIN run_facts AS u ON u.raw_run = coalesce(r.raw_run, a.raw_run);

CREATE {{ STEP }} scoped AS
SELECT *,
       NOT is_deployed_stated AND is_disagg AND input_stated IS NOT NULL
           AND (num_prefill_gpu IS NULL
                OR abs(input_stated + output_stated - total_stated) <= {{ RATE_TOLERANCE }} * total_stated)
           AS is_pool_rate_deployed,
       is_disagg AND num_prefill_gpu IS NOT NULL AND NOT is_deployed_stated AND NOT is_pool_rate_deployed
           AS is_per_pool,
       if(is_per_pool, output_stated * num_decode_gpu / num_gpu, output_stated) AS output_deployed,
       if(is_per_pool, input_stated * num_prefill_gpu / num_gpu, input_stated) AS input_deployed,
       coalesce(total_stated, input_deployed + output_deployed) AS total,
       abs(input_deployed + output_deployed - total_stated) / nullif(total_stated, 0) AS residual,
       -- What the requests in flight draw at the row's times, and what the deployment makes: output tokens a second.
       conc * osl_tok / (
           coalesce(nullif(mean_ttft_s, 0), nullif(median_ttft_s, 0), 0) + (osl_tok - 1) * coalesce(
               nullif(mean_tpot_s, 0), nullif(median_tpot_s, 0), 1 / nullif(interactivity_tok_per_s_per_user, 0)))
           AS drawn_tok_per_s,
       num_gpu * coalesce(output_deployed, total * osl_tok / (isl_tok + osl_tok)) AS made_tok_per_s,
       -- Requests of the InferenceX load generator are uniform in 80 to 100% of the nominal length.
       if(workload = 'fixed_length',
          total * num_gpu * coalesce(nullif(mean_e2el_s, 0), nullif(median_e2el_s, 0))
          / (if(is_own, 1, 0.9) * (isl_tok + osl_tok)) / conc, NULL) AS littles_law_ratio,
       coalesce({{ POWER_FIELDS | join(", ") }}) IS NOT NULL AS has_power,
       coalesce(power_valid, 1) <> 0 AND power_version <= 2 AS is_power_usable,
       is_power_usable AND coalesce(
           abs(joules_per_total_token * total / nullif(avg_power_w, 0) - 1) <= {{ TIME_TOLERANCE }}, true)
           AS is_energy_usable,
       is_disagg AND power_version < 2 AS is_energy_v1_of_pools
FROM joined;
