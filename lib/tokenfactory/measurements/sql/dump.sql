-- The database's table of results, which may have millions of rows, from its file ($2, number $1) to raw_points.
-- Numbers were declared DOUBLE, so that 1.5 is not rounded to a whole number without a word.
INSERT INTO raw_points BY NAME
SELECT * EXCLUDE refusal, refusal.field AS problem_field, refusal.reason AS problem
FROM (
    SELECT $1 AS file_no, 'inferencex_dump' AS adapter, c.number AS raw_config, u.number AS raw_run,
           if(j.benchmark_type = 'agentic_traces', 'agentic', 'fixed_length') AS workload,
           if(j.benchmark_type = 'agentic_traces', 'deployed', NULL) AS rate_scope,
           if(coalesce(lower(j.offload_mode), '') IN ('', 'none', 'off', 'false'), 'off', 'on') AS offload_mode,
           TRY_CAST(j.isl AS BIGINT) AS isl_tok, TRY_CAST(j.osl AS BIGINT) AS osl_tok, TRY_CAST(j.conc AS BIGINT) AS conc,
           TRY_CAST(left(j.date, 10) AS DATE) AS date, j.image, j.recipe_fingerprint,
           regexp_replace(left(j.error, {{ LONGEST }}), '{{ CONTROL }}', '?', 'g') AS error,
           {% for theirs, ours in METRICS.items() %}j.metrics."{{ theirs }}" AS {{ ours }}, {% endfor %}
           CASE
               WHEN c.number IS NULL THEN refused('config_id', 'is not in configs.json')
               WHEN u.number IS NULL THEN refused('workflow_run_id', 'is not in workflow_runs.json')
               {% for name, ours in (("isl", "isl_tok"), ("osl", "osl_tok"), ("conc", "conc")) %}
               WHEN j.{{ name }} <> floor(j.{{ name }}) OR j.{{ name }} NOT BETWEEN 0 AND 1e15
                   THEN refused('{{ ours }}', 'is not a whole number')
               {% endfor %}
               WHEN j.date IS NOT NULL AND TRY_CAST(left(j.date, 10) AS DATE) IS NULL
                   THEN refused('date', 'is not a date; write it as in 2026-05-31')
               WHEN year(TRY_CAST(left(j.date, 10) AS DATE)) NOT BETWEEN {{ YEARS[0] }} AND {{ YEARS[1] }}
                   THEN refused('date', 'is not between {{ YEARS[0] }} and {{ YEARS[1] }}')
               {% for name in ("image", "offload_mode", "recipe_fingerprint", "benchmark_type") %}
               WHEN length(j.{{ name }}) > {{ LONGEST }}
                   THEN refused('{{ name }}', 'is longer than {{ LONGEST }} characters')
               {% endfor %}
               {% for name in ("image", "recipe_fingerprint") %}
               WHEN regexp_matches(j.{{ name }}, '{{ CONTROL }}')
                   THEN refused('{{ name }}', 'holds control characters')
               {% endfor %}
           END AS refusal
    FROM read_json($2, format = 'array', maximum_object_size = {{ LARGEST_ELEMENT }}, columns = {{ COLUMNS }}) AS j
    LEFT JOIN config_keys AS c ON c.key = j.config_id
    LEFT JOIN run_keys AS u ON u.key = j.workflow_run_id
);
