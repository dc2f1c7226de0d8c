-- Power figures in force on a day, of one owner: InferenceX TCO, or a scenario file (`your_power_` and its name). A GPU that
-- the owner has no figure of on a basis has those of the others.
-- Grain: one figure of a GPU on a basis. Units: kW per GPU, on the basis of the row.
-- Figures of a scenario file stand in the place of all of InferenceX's for the same GPU and basis, whatever the day: where
-- one does not hold on the day, there is none. Excludes figures without a period.
-- Example: FROM power_by(DATE '2026-07-31', 'InferenceX TCO') WHERE gpu = 'gb300' ORDER BY power_id
CREATE MACRO power_by(day, whose) AS TABLE
WITH chosen AS (
    SELECT * FROM (SELECT *, provider AS owner FROM power_book UNION ALL BY NAME FROM own_powers)
    WHERE owner = whose OR NOT starts_with(owner, 'your_power_')
    QUALIFY rank() OVER (PARTITION BY gpu, basis ORDER BY owner = whose DESC, owner = 'InferenceX TCO' DESC) = 1
)
SELECT *
FROM chosen
WHERE effective_from <= day
  AND (effective_to IS NULL OR day < effective_to);
