-- Why a published point cannot stand in a comparison at equal speed; NULL when it can.
-- Grain: one row of operating_points. The first reason that applies is named.
-- A page often shows a point of a run whose own row ships or was ingested: the same GPU, model, lengths and throughput
-- (to a part in a thousand, which is how pages round) at the same speed (to 3%: pages print means or medians), and
-- nothing stated that says otherwise. Then the row of the run counts.
CREATE VIEW point_gaps AS
WITH seen AS (
    SELECT DISTINCT o.point_id
    FROM operating_points AS o
    JOIN measured_points AS m
      ON m.gpu = o.gpu AND m.model = o.model AND m.isl_tok = o.isl AND m.osl_tok = o.osl
     AND m.total_tok_per_s_per_gpu BETWEEN o.total_tok_per_s_per_gpu / 1.001 AND o.total_tok_per_s_per_gpu * 1.001
     AND m.interactivity_tok_per_s_per_user BETWEEN o.interactivity_tok_per_s_per_user / 1.03
                                                AND o.interactivity_tok_per_s_per_user * 1.03
     AND coalesce(o.conc, m.conc) IS NOT DISTINCT FROM m.conc
     AND coalesce(o.precision, m.precision) IS NOT DISTINCT FROM m.precision
     AND coalesce(o.spec_decoding, m.spec_decoding) IS NOT DISTINCT FROM m.spec_decoding
    WHERE o.evidence = 'measured' AND m.workload = 'fixed_length' AND m.origin <> 'own'
)
SELECT point_id,
       CASE
           WHEN duplicate_of IS NOT NULL THEN 'same figure as another row'
           WHEN evidence = 'claimed' THEN 'claimed, not measured'
           WHEN workload <> 'fixed_length' THEN 'not a fixed-length workload'
           WHEN total_tok_per_s_per_gpu IS NULL THEN 'no total throughput'
           WHEN interactivity_tok_per_s_per_user IS NULL THEN 'no speed per user'
           WHEN isl IS NULL OR osl IS NULL THEN 'no sequence lengths'
           WHEN point_id IN (SELECT s.point_id FROM seen AS s) THEN 'the run itself is at hand'
       END AS reason
FROM operating_points;
