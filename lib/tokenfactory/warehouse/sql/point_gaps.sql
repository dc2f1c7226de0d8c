-- Why a published point cannot stand in a comparison at equal speed; NULL when it can.
-- Grain: one row of operating_points. The first reason that applies is named.
CREATE VIEW point_gaps AS
SELECT point_id,
       CASE
           WHEN duplicate_of IS NOT NULL THEN 'same figure as another row'
           WHEN evidence = 'claimed' THEN 'claimed, not measured'
           WHEN workload <> 'fixed_length' THEN 'not a fixed-length workload'
           WHEN total_tok_per_s_per_gpu IS NULL THEN 'no total throughput'
           WHEN interactivity_tok_per_s_per_user IS NULL THEN 'no speed per user'
           WHEN isl IS NULL OR osl IS NULL THEN 'no sequence lengths'
       END AS reason
FROM operating_points;
