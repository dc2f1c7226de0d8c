-- Usable rows in the columns of a stored point, and what was done to them.
{% from "speeds.sql" import is_off, is_fast_tail, speed %}
{% set speeds = measured.SPEED_OF %}
{# Energy of the whole deployment per token of a kind: version 1 counted one pool, so the total is shared out. #}
{% macro energy(kind) %}
if(is_energy_v1_of_pools,
   joules_per_total_token * total / nullif({{ kind }}_deployed, 0), joules_per_{{ kind }}_token)
{%- endmacro %}
{% macro role_energy(role, kind) %}
if(is_energy_usable, coalesce({{ role }}_joules_per_{{ kind }}_token,
   if(is_energy_v1_of_pools, joules_per_{{ kind }}_token, NULL)), NULL)
{%- endmacro %}

CREATE {{ STEP }} converted AS
SELECT {{ STORED | join(", ") }}, {% include "key.sql" %} AS key, run_attempt, is_own
FROM (
    SELECT * REPLACE (
        replace(image, '#', '/') AS image,
        total AS total_tok_per_s_per_gpu,
        output_deployed AS output_tok_per_s_per_gpu,
        input_deployed AS input_tok_per_s_per_gpu,
        {% for s in speeds %}{{ speed(s) }} AS {{ speeds[s] }}, {% endfor %}
        {% for name in measured.LATENCY_NAMES %}nullif({{ name }}, 0) AS {{ name }}, {% endfor %}
        coalesce(date, run_date) AS date),
        if(is_disagg, output_deployed * num_gpu / num_decode_gpu, output_deployed) AS output_tok_per_s_per_role_gpu,
        if(is_disagg, input_deployed * num_gpu / num_prefill_gpu, input_deployed) AS input_tok_per_s_per_role_gpu,
        if(is_power_usable, coalesce(avg_power_w, system_power_w / num_gpu) / 1000, NULL) AS avg_power_kw_per_gpu,
        if(is_power_usable, prefill_avg_power_w / 1000, NULL) AS prefill_power_kw_per_gpu,
        if(is_power_usable, decode_avg_power_w / 1000, NULL) AS decode_power_kw_per_gpu,
        if(is_energy_usable, joules_per_total_token, NULL) AS j_per_total_tok,
        coalesce(if(is_energy_usable, {{ energy("output") }}, NULL),
                 system_power_w / nullif(num_gpu * output_deployed, 0)) AS j_per_output_tok,
        if(is_energy_usable, {{ energy("input") }}, NULL) AS j_per_input_tok,
        if(is_energy_usable, joules_per_successful_query, NULL) AS j_per_request,
        {{ role_energy("prefill", "input") }} AS prefill_j_per_input_tok,
        {{ role_energy("decode", "output") }} AS decode_j_per_output_tok,
        if(is_power_usable AND has_power, power_version, NULL)::BIGINT AS power_schema_version,
        CASE WHEN NOT is_power_usable THEN NULL WHEN system_power_w IS NOT NULL THEN 'system_wall'
             WHEN has_power THEN 'gpu_board' END AS power_basis,
        residual AS identity_residual_frac,
        abs(littles_law_ratio - 1) > 0.1 AS has_littles_law_gap,
        1::BIGINT AS num_sources,
        NULL::DOUBLE AS repeats_spread_frac,
        nullif(list_concat(reading_repairs, list_filter([
            if(is_pool_rate_deployed, 'rates_were_per_deployed_gpu', NULL),
            if(total_stated IS NULL AND total IS NOT NULL, 'total_from_parts', NULL),
            if(workload <> 'agentic' AND (
                {% for s in speeds %}(nullif({{ speeds[s] }}, 0) IS NULL AND {{ s }}_tpot_s > 0) OR {% endfor %} false),
               'interactivity_from_time', NULL),
            if(has_power AND NOT is_power_usable, 'power_invalid_dropped', NULL),
            if(is_energy_usable AND is_energy_v1_of_pools AND joules_per_total_token IS NOT NULL,
               'energy_v1_converted', NULL),
            if(is_power_usable AND NOT is_energy_usable, 'energy_disagrees_dropped', NULL),
            if(0 IN ({{ (measured.LATENCY_NAMES + SPEEDS) | join(", ") }}), 'zero_latency_dropped', NULL),
            if({% for s in TAILS %}{{ is_off(s) }} OR {{ is_fast_tail(s) }} OR {% endfor %} false,
               'speed_percentile_replaced', NULL),
            if(date IS NULL AND run_date IS NOT NULL, 'date_from_run', NULL),
            if(is_run_adopted, 'run_from_same_measurement', NULL)
        ], lambda code: code IS NOT NULL)), []) AS repairs
    FROM scoped
);
