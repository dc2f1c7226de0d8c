-- What is known of the run of a row: its own words before those of the table of runs.
CREATE TABLE run_facts AS
WITH whole AS (
    SELECT run_id, min(date) AS date, max(run_attempt) AS last_attempt, max(run_started_at) AS run_started_at,
           arg_max(run_url, run_attempt) AS run_url, any_value(workflow_run_id) AS workflow_run_id
    FROM runs GROUP BY run_id
)
SELECT u.raw_run, u.run_id, u.run_attempt, w.date AS run_date,
       coalesce(u.run_started_at, w.run_started_at) AS run_started_at, coalesce(u.run_url, w.run_url) AS run_url,
       coalesce(u.run_attempt < w.last_attempt, false) AS is_superseded
FROM raw_runs AS u LEFT JOIN whole AS w USING (run_id);
