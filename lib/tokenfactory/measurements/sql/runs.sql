-- Runs and what their rows share. What a table of runs says (workflow-info, the database) goes before what rows say;
-- a day that neither says may be known from elsewhere.
CREATE TABLE runs AS
WITH said AS (
    SELECT run_id, run_attempt, workflow_run_id, date, run_started_at, run_url, name, conclusion, commit_sha,
           is_append_only, 0 AS rank
    FROM raw_run_details
    UNION ALL
    SELECT DISTINCT u.run_id, u.run_attempt, u.workflow_run_id, r.date, u.run_started_at, u.run_url,
           NULL, NULL, NULL, NULL, 1
    FROM raw_points AS r JOIN raw_runs AS u USING (raw_run)
    UNION ALL
    SELECT DISTINCT u.run_id, u.run_attempt, NULL, try_cast(d.day AS DATE), NULL, NULL, NULL, NULL, NULL, NULL, 2
    FROM raw_points AS r JOIN raw_runs AS u USING (raw_run) JOIN known_days AS d USING (run_id)
)
SELECT run_id, run_attempt,
       {% for c in measured.RUNS[2:-1] %}arg_min({{ c.name }}, rank) AS {{ c.name }}, {% endfor %}
       coalesce(arg_min(is_append_only, rank), bool_and(a.says)) AS is_append_only
FROM said LEFT JOIN append_only AS a ON a.id = said.workflow_run_id
WHERE run_id IS NOT NULL
GROUP BY run_id, run_attempt
ORDER BY run_id, run_attempt;

{% include "run_facts.sql" %}

-- A row without a run that repeats a measurement of a known run was measured in it.
CREATE TABLE adopted AS
SELECT a.rowid AS row, min(b.raw_run) AS raw_run
FROM raw_points AS a
JOIN configs AS ca ON ca.raw_config = a.raw_config
JOIN configs AS cb ON cb.config_id = ca.config_id
JOIN raw_points AS b ON b.raw_config = cb.raw_config AND b.raw_run IS NOT NULL AND b.conc = a.conc
                    AND b.isl_tok IS NOT DISTINCT FROM a.isl_tok AND b.osl_tok IS NOT DISTINCT FROM a.osl_tok
WHERE a.raw_run IS NULL AND a.problem IS NULL
  AND abs(b.total_tok_per_s_per_gpu - a.total_tok_per_s_per_gpu) <= {{ SAME }} * a.total_tok_per_s_per_gpu
  AND abs(b.interactivity_tok_per_s_per_user - a.interactivity_tok_per_s_per_user)
      <= {{ SAME }} * a.interactivity_tok_per_s_per_user
GROUP BY a.rowid;
