-- The tables of several snapshots become those of one; `taken` is 0 for the one that was in use last. Of a file that is
-- in several, and of points of one measurement, those of the snapshot count that was in use last.
{% macro newest_of(table, key) %}
DELETE FROM {{ table }} AS a USING {{ table }} AS b WHERE {{ key }} AND a.taken > b.taken;
{%- endmacro %}
{% set same_file = "a.file = b.file AND a.file_sha256 = b.file_sha256" %}
CREATE TABLE repeated AS
SELECT DISTINCT a.file_no FROM documents AS a JOIN documents AS b ON {{ same_file }} AND a.taken > b.taken;
DELETE FROM stored_points WHERE file_no IN (FROM repeated);
{{ newest_of("excluded_rows", same_file) }}
{{ newest_of("ingested_files", same_file) }}
{{ newest_of("documents", same_file) }}
{{ newest_of("adapters", "a.adapter = b.adapter") }}

-- What one of them knows of a run holds for its points in all.
CREATE OR REPLACE TABLE runs AS
SELECT run_id, run_attempt,
       {% for c in measured.RUNS[2:] %}arg_min({{ c.name }}, taken) AS {{ c.name }}, {% endfor %} min(taken) AS taken
FROM runs GROUP BY run_id, run_attempt ORDER BY run_id, run_attempt;
ALTER TABLE run_facts RENAME TO raw_runs;
{% include "run_facts.sql" %}

ALTER TABLE run_facts ADD COLUMN taken INTEGER;
UPDATE stored_points AS p SET date = r.run_date
FROM run_facts AS r WHERE p.raw_run = r.raw_run AND p.date IS NULL;

{% for table in ("evaluations", "reliability", "availability") %}
CREATE OR REPLACE TABLE {{ table }} AS
SELECT DISTINCT ON (COLUMNS(* EXCLUDE taken)) * FROM {{ table }} ORDER BY ALL;
{% endfor %}

CREATE TABLE merged AS
WITH told AS (
    SELECT p.rowid AS place, p.*, c.is_own, r.run_id, p.total_tok_per_s_per_gpu AS total,
           p.output_tok_per_s_per_gpu AS output_deployed, {{ CONFIG_ID }} AS config_id
    FROM stored_points AS p JOIN (SELECT * EXCLUDE (config_id, taken) FROM configs) AS c USING (raw_config)
    LEFT JOIN run_facts AS r USING (raw_run)
)
SELECT place, file_no FROM told QUALIFY taken > min(taken) OVER (PARTITION BY {% include "key.sql" %});
DELETE FROM stored_points WHERE rowid IN (SELECT place FROM merged);
UPDATE ingested_files AS f SET num_points = num_points - n, num_merged = num_merged + n
FROM (SELECT file, file_sha256, count(*) AS n FROM merged JOIN documents USING (file_no) GROUP BY ALL) AS m
WHERE f.file = m.file AND f.file_sha256 IS NOT DISTINCT FROM m.file_sha256;
{% for table in TABLES %}
ALTER TABLE {{ table }} DROP COLUMN taken;
{% endfor %}
