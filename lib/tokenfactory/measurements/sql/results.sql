-- The tables of a snapshot. Rows of one measurement: the last one read counts, and the others fill what it does not
-- state. Of somebody's own repeats each number is the median; a speed is that of the median time.
CREATE TABLE set_aside AS
SELECT file_no, row_index, verdict IS NULL AS is_repeated
FROM verdicts
WHERE verdict IS NOT NULL
   OR key_hash IN (SELECT key_hash FROM verdicts WHERE verdict IS NULL GROUP BY ALL HAVING count(*) > 1);

CREATE TABLE repeats AS
SELECT *,
       is_own {% for name in ("total_tok_per_s_per_gpu", "interactivity_tok_per_s_per_user") %}
       {{ "OR" if loop.first else "AND" }} abs({{ name }} - first_value({{ name }}) OVER newest)
           <= {{ SAME }} * {{ name }} IS NOT FALSE
       {% endfor %} AS is_same,
       row_number() OVER newest AS rank,
       -- The same row read twice is no repeat.
       row_number() OVER (
           PARTITION BY key, rate, interactivity_tok_per_s_per_user ORDER BY file_no DESC, row_index DESC
       ) = 1 AS is_first
FROM (SELECT *, coalesce(total_tok_per_s_per_gpu, output_tok_per_s_per_gpu) AS rate FROM converted)
SEMI JOIN (FROM set_aside WHERE is_repeated) USING (file_no, row_index)
WINDOW newest AS (PARTITION BY key ORDER BY file_no DESC, row_index DESC);

CREATE VIEW stored_points AS
SELECT {{ STORED | join(", ") }} FROM converted ANTI JOIN set_aside USING (file_no, row_index)
UNION ALL BY NAME
SELECT arg_min(raw_run, (run_attempt IS NULL, rank)) AS raw_run, count(*) AS num_sources,
       if(bool_or(is_own) AND count(*) FILTER (is_first) > 1,
          (max(rate) - min(rate)) / median(rate) FILTER (is_first), NULL) AS repeats_spread_frac,
       list_distinct(flatten(list(repairs)) || if(
           bool_or(is_own) AND count(*) FILTER (is_first) > 1, ['median_of_repeats'], [])) AS repairs,
       {% for s, speed in measured.SPEED_OF.items() %}
       if(bool_or(is_own), coalesce(1 / median({{ s }}_tpot_s) FILTER (is_first), median({{ speed }}) FILTER (is_first)),
          arg_min({{ speed }}, rank)) AS {{ speed }},
       {% endfor %}
       {% for name in MEDIANS %}
       if(bool_or(is_own), median({{ name }}) FILTER (is_first), arg_min({{ name }}, rank)) AS {{ name }},
       {% endfor %}
       {% for name in OTHERS %} arg_min({{ name }}, rank) AS {{ name }}, {% endfor %}
FROM repeats WHERE is_same GROUP BY key;

CREATE TABLE excluded AS
SELECT file_no, row_index, verdict.field, verdict.reason, 'measured_points' AS belongs_to, adapter, raw_config
FROM verdicts WHERE verdict IS NOT NULL
UNION ALL
SELECT file_no, row_index, 'total_tok_per_s_per_gpu',
       'another row of the same point and run has other values; the last one read counts',
       'measured_points', adapter, raw_config
FROM repeats WHERE NOT is_same
UNION ALL
SELECT e.file_no, e.row_index, c.problem_field, c.problem, 'evaluations', e.adapter, e.raw_config
FROM raw_evaluations AS e JOIN configs AS c USING (raw_config) WHERE c.problem IS NOT NULL
UNION ALL
SELECT file_no, row_index, field, reason, belongs_to, adapter, NULL FROM raw_excluded;

CREATE TABLE excluded_rows AS
SELECT file, row_index, field, reason, belongs_to, file_sha256, adapter, raw_keys
FROM excluded JOIN documents USING (file_no) LEFT JOIN configs USING (raw_config)
ORDER BY file_no, row_index;

CREATE TABLE evaluations AS
SELECT {{ measured.EVALUATIONS | map(attribute="name") | join(", ") }}
FROM raw_evaluations JOIN configs AS c USING (raw_config) JOIN documents USING (file_no)
WHERE c.problem IS NULL
ORDER BY file_no, row_index;

CREATE TABLE reliability AS SELECT DISTINCT * EXCLUDE (file_no) FROM raw_reliability ORDER BY ALL;
CREATE TABLE availability AS SELECT DISTINCT * EXCLUDE (file_no) FROM raw_availability ORDER BY ALL;

-- One row per file: where its rows went. Those refused late were staged as rows of another table.
CREATE TABLE file_counts AS
WITH went AS (
    SELECT file_no, 'points' AS place FROM verdicts ANTI JOIN set_aside USING (file_no, row_index)
    UNION ALL SELECT file_no, if(rank = 1, 'points', 'merged') FROM repeats WHERE is_same
    UNION ALL SELECT file_no, 'excluded' FROM excluded
    UNION ALL SELECT file_no, 'refused late' FROM raw_evaluations JOIN configs AS c USING (raw_config)
              WHERE c.problem IS NOT NULL
)
SELECT file_no, {% for place in ("points", "merged", "excluded", "refused late") %}
       count(*) FILTER (place = '{{ place }}') AS num_{{ place | replace(" ", "_") }}, {% endfor %}
FROM documents LEFT JOIN went USING (file_no) GROUP BY file_no ORDER BY file_no;
