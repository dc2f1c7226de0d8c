-- Why a row cannot be used, with the field; the first reason that holds is the one that is said.
{% from "speeds.sql" import is_off %}
CREATE TABLE verdicts AS
SELECT file_no, row_index, adapter, raw_config,
       CASE
           WHEN problem IS NOT NULL THEN refused(problem_field, problem)
           WHEN config_problem IS NOT NULL THEN refused(config_problem_field, config_problem)
           WHEN error IS NOT NULL THEN refused('error', 'the source calls it failed: ' || left(error, 200))
           WHEN num_requests_ok = 0 THEN refused('num_requests_ok', 'no request succeeded')
           -- A clock that shows less than the day this was written is wrong.
           WHEN coalesce(date, run_date) > greatest(today() + 1, DATE '2026-12-01')
               THEN refused('date', strftime(coalesce(date, run_date), '%Y-%m-%d lies in the future'))
           WHEN is_superseded THEN refused('run_attempt', 'belongs to an older attempt of its run')
           WHEN workload NOT IN ('fixed_length', 'agentic', 'other')
               THEN refused('workload', 'is not fixed_length, agentic or other')
           {% for name, workloads, most in (
               ("isl_tok", "'fixed_length'", measured.LARGEST_TOK), ("osl_tok", "'fixed_length'", measured.LARGEST_TOK),
               ("conc", "'fixed_length', 'agentic'", measured.LARGEST_CONC)) %}
           WHEN {{ name }} < 1 THEN refused('{{ name }}', 'is not positive')
           WHEN {{ name }} > {{ most }} THEN refused('{{ name }}', 'is more than {{ most }}')
           WHEN {{ name }} IS NULL AND workload IN ({{ workloads }})
               THEN refused('{{ name }}', 'is missing; give {{ name }} in token-factory.yaml')
           {% endfor %}
           {% for c in NUMBERS %}
           WHEN {{ c.name }} < 0 THEN refused('{{ c.name }}', 'is negative')
           WHEN {{ c.name }} > {{ measured.LARGEST[c.unit] }} OR {{ c.name }} BETWEEN 5e-324 AND {{ measured.SMALLEST }}
               THEN refused('{{ c.name }}', printf('%.3g is beyond all measure ({{ "%g to %g %s" | format(
                   measured.SMALLEST, measured.LARGEST[c.unit], c.unit) }})', {{ c.name }}))
           {% endfor %}
           WHEN total IS NULL AND (workload <> 'other' OR output_deployed IS NULL)
               THEN refused('total_tok_per_s_per_gpu', 'is missing')
           WHEN coalesce(total, output_deployed) = 0 THEN refused('total_tok_per_s_per_gpu', 'is zero')
           WHEN residual > {{ RATE_TOLERANCE }} THEN refused(
               'total_tok_per_s_per_gpu', printf('input and output miss the total by %.3g%%', 100 * residual))
           WHEN coalesce(total, output_deployed) NOT BETWEEN
                {{ measured.SMALLEST }} AND {{ measured.LARGEST["tok/s/gpu"] }} THEN refused(
               'total_tok_per_s_per_gpu', printf('%.3g is beyond all measure', coalesce(total, output_deployed)))
           WHEN output_deployed > (1 + {{ RATE_TOLERANCE }}) * total THEN refused(
               'output_tok_per_s_per_gpu', printf('%.5g is more than the total, %.5g', output_deployed, total))
           -- One that makes more than this times what its users draw has a wrong unit or scope: of 2,800 rows of
           -- InferenceX none makes more than 1.08 times that.
           WHEN is_own AND workload = 'fixed_length' AND made_tok_per_s > 1.5 * drawn_tok_per_s THEN refused(
               'output_tok_per_s_per_gpu', printf('%d requests in flight draw %.6g output tokens a second at these'
                   || ' times, but the rates say %.6g on %d GPUs: one has another unit (s, ms) or scope (GPU,'
                   || ' deployment)', conc, drawn_tok_per_s, made_tok_per_s, num_gpu))
           WHEN workload <> 'agentic' AND {{ is_off("median") }} THEN refused(
               'interactivity_tok_per_s_per_user',
               printf('speed x time per token is %.3g, not 1', interactivity_tok_per_s_per_user * median_tpot_s))
       END AS verdict,
       if(verdict IS NULL, hash({% include "key.sql" %}), NULL) AS key_hash
FROM scoped;
