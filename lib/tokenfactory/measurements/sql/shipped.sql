-- The points that ship: of fixed lengths, measured by InferenceX, with a day.
-- A run without a day lies between the runs before and after it, whose numbers and days both only grow: the day of the
-- file is the one its number points to, and `repairs` says so. Known days of 166 runs never step back by more than two.
WITH known AS (
    SELECT run_id::BIGINT AS run, min(date) AS day FROM measured_points
    WHERE date IS NOT NULL AND regexp_full_match(run_id, '[0-9]{1,18}') GROUP BY ALL
),
near AS (
    SELECT u.run, max(k.run) FILTER (k.run < u.run) AS before, max(k.day) FILTER (k.run < u.run) AS day_before,
           min(k.run) FILTER (k.run > u.run) AS after, min(k.day) FILTER (k.run > u.run) AS day_after
    FROM (SELECT DISTINCT run_id::BIGINT AS run FROM measured_points
          WHERE date IS NULL AND regexp_full_match(run_id, '[0-9]{1,18}')) AS u, known AS k GROUP BY u.run
),
guessed AS (
    SELECT run::VARCHAR AS run_id,
           day_before + round((day_after - day_before) * (run - before) / (after - before))::INTEGER AS guessed_day
    FROM near WHERE day_after >= day_before
),
dated AS (
    SELECT * REPLACE (
        coalesce(date, guessed_day) AS date,
        coalesce(run_url, if(run_id IS NULL, source_url, '{{ RUN_PAGE }}' || run_id)) AS run_url,
        if(date IS NULL AND guessed_day IS NOT NULL, list_append(repairs, 'date_from_run_number'), repairs) AS repairs)
    FROM measured_points LEFT JOIN guessed USING (run_id)
    WHERE source = 'InferenceX' AND workload = 'fixed_length' AND offload_mode IS NOT DISTINCT FROM 'off'
      AND total_tok_per_s_per_gpu > 0 AND interactivity_tok_per_s_per_user > 0 AND isl_tok > 0 AND osl_tok > 0
)
SELECT {{ COLUMNS }}, run_id FROM dated WHERE date IS NOT NULL
