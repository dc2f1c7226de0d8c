-- The newest run of every line, and where that run only adds points, the runs before it down to the nearest full
-- one: the newest point per recipe and concurrency counts, and the chain ends where the image changes.
-- Grain: one point. curve_date: the day of the newest run of the chain. The dashboard since September 2026.
-- Example: FROM latest_points_by_chain(as_of := DATE '2026-06-30') ORDER BY ALL LIMIT 5
CREATE MACRO latest_points_by_chain(as_of := current_date) AS TABLE
WITH line_runs AS (
    SELECT p.config_id, p.workload, p.isl_tok, p.osl_tok, p.scenario, p.offload_mode, p.run_id, p.date,
           max(p.run_started_at) AS run_started_at, max(p.image) AS image,
           coalesce(bool_and(r.is_append_only), false) AS is_append_only
    FROM measured_points AS p
    LEFT JOIN runs AS r ON r.run_id = p.run_id AND r.run_attempt IS NOT DISTINCT FROM p.run_attempt
    WHERE p.date <= as_of OR p.date IS NULL
    GROUP BY ALL
),
chains AS (
    SELECT * EXCLUDE (run_started_at, image, is_append_only),
           first_value(date) OVER newest AS curve_date,
           row_number() OVER newest AS place,
           coalesce(bool_and(is_append_only) OVER (newest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true)
               AND bool_and(image IS NOT DISTINCT FROM newest_image) OVER (newest ROWS UNBOUNDED PRECEDING) AS is_in_chain
    FROM (
        SELECT *, first_value(image) OVER (
            PARTITION BY config_id, workload, isl_tok, osl_tok, scenario, offload_mode
            ORDER BY date DESC NULLS LAST, run_started_at DESC NULLS LAST, run_id DESC NULLS LAST
        ) AS newest_image
        FROM line_runs
    )
    WINDOW newest AS (
        PARTITION BY config_id, workload, isl_tok, osl_tok, scenario, offload_mode
        ORDER BY date DESC NULLS LAST, run_started_at DESC NULLS LAST, run_id DESC NULLS LAST
    )
)
SELECT p.*, c.curve_date
FROM measured_points AS p
JOIN chains AS c
    ON c.config_id = p.config_id AND c.workload = p.workload
    AND c.isl_tok IS NOT DISTINCT FROM p.isl_tok AND c.osl_tok IS NOT DISTINCT FROM p.osl_tok
    AND c.scenario IS NOT DISTINCT FROM p.scenario AND c.offload_mode IS NOT DISTINCT FROM p.offload_mode
    AND c.run_id IS NOT DISTINCT FROM p.run_id AND c.date IS NOT DISTINCT FROM p.date
WHERE c.is_in_chain
QUALIFY c.place = min(c.place) OVER (
    PARTITION BY p.config_id, p.workload, p.isl_tok, p.osl_tok, p.scenario, p.offload_mode, p.recipe_fingerprint, p.conc
);
