-- How the snapshot in use and the shipped rows stand to each other: five counts.
-- An older run that another shipped run had replaced already is no news; nor is a run that ships and was given again.
WITH pool AS (
    SELECT *, origin = 'shipped' AS is_shipped,
           point_id IN (SELECT point_id FROM latest_points(as_of := DATE '9999-12-31')) AS is_newest,
           coalesce(run_id IN (SELECT regexp_extract(run_url, '/runs/([0-9]+)', 1) FROM benchmarks), false) AS ships
    FROM measured_points
),
lines AS (
    SELECT is_shipped, is_newest, bool_or(is_newest AND NOT ships) OVER line AS is_line_of_a_new_run,
           date IS NOT DISTINCT FROM max(date) FILTER (ships) OVER line AS is_newest_that_ships
    FROM pool
    WINDOW line AS (PARTITION BY {{ measured.LINE | join(", ") }}, source, is_known_wrong)
)
SELECT count(*) FILTER (NOT is_shipped) AS num_given,
       count(*) FILTER (NOT is_shipped AND is_newest) AS num_newest,
       (SELECT count(*) FROM benchmarks WHERE evidence = 'measured') - count(*) FILTER (is_shipped) AS num_same_run,
       count(*) FILTER (is_shipped AND is_newest_that_ships AND is_line_of_a_new_run) AS num_older_run,
       count(*) FILTER (is_shipped AND is_newest) AS num_beside
FROM lines
