-- The accuracy that is known of a measured point: that of its own run, else the newest of the same way of serving.
-- Grain: one measured point with a known score. Units: fraction. A score that a row brought itself goes before one
-- of an evaluation on the same GPU, engine, number format, speculation and topology; GSM8K goes before other tasks.
CREATE VIEW point_scores AS
WITH found AS (
    SELECT p.point_id,
           e.task, e.score_frac,
           coalesce(e.run_url = p.run_url, false) AS is_of_own_run,
           e.date, e.file_sha256, e.row_index
    FROM latest_points(as_of := DATE '9999-12-31') AS p
    JOIN evaluations AS e
      ON e.gpu = p.gpu AND e.model = p.model
     AND e.framework IS NOT DISTINCT FROM p.framework AND e.precision IS NOT DISTINCT FROM p.precision
     AND e.spec_decoding IS NOT DISTINCT FROM p.spec_decoding AND e.is_disagg IS NOT DISTINCT FROM p.is_disagg
    WHERE e.score_frac IS NOT NULL
    UNION ALL
    SELECT point_id, NULL, accuracy_frac, true, date, file_sha256,
           row_index
    FROM latest_points(as_of := DATE '9999-12-31')
    WHERE accuracy_frac IS NOT NULL
)
SELECT point_id, task, score_frac, is_of_own_run
FROM found
QUALIFY row_number() OVER (
    PARTITION BY point_id
    ORDER BY task IS NULL DESC, is_of_own_run DESC, task ILIKE '%gsm8k%' DESC, date DESC NULLS LAST, score_frac,
             file_sha256, row_index
) = 1;
