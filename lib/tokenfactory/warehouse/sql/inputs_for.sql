-- Everything that is assumed about owning one GPU, as one profile has it: of the hour, and of what changes over a life.
-- Grain: one parameter. Units: in the row. gpu_per_system counts the GPUs of the server or rack that usd_per_system buys.
-- A profile's own row goes before the typical one. What is about the GPU goes before what is about its kind of cooling,
-- and that before what is about everything. Typical PUE and load are those of site_inputs. A parameter without any
-- row is missing: no system price is known, for example.
-- Example: FROM inputs_for('gb300', 'typical') ORDER BY parameter
CREATE MACRO inputs_for(of_gpu, of_profile) AS TABLE
WITH candidates AS (
    SELECT key, profile, parameter, applies_to, value, low, high, unit, as_of, status, source_url, note
    FROM tco_inputs
    UNION ALL
    SELECT key, 'typical', parameter, applies_to, value, coalesce(low, value), coalesce(high, value), unit,
           NULL, status, source_url, note
    FROM site_inputs
    WHERE parameter IN ('load_frac', 'pue') AND effective_from IS NULL
    UNION ALL
    SELECT 'hardware-' || spec || '-' || gpu, 'typical', 'gpu_per_system', gpu, value, value, value, 'gpu',
           NULL, 'published', source_url, spec
    FROM hardware_specs
    WHERE spec = 'gpus_per_rack' OR (spec = 'gpus_per_node'
          AND gpu NOT IN (SELECT gpu FROM hardware_specs WHERE spec = 'gpus_per_rack'))
)
SELECT key, profile, parameter, applies_to, value, low, high, unit, as_of, status, source_url, note
FROM candidates
WHERE profile IN (of_profile, 'typical')
  AND (applies_to IN (of_gpu, 'all') OR applies_to = (
      SELECT CASE WHEN value > 0 THEN 'liquid' ELSE 'air' END
      FROM site_inputs
      WHERE parameter = 'liquid_heat_frac' AND applies_to = of_gpu))
QUALIFY row_number() OVER (
    PARTITION BY parameter ORDER BY profile = of_profile DESC, applies_to = of_gpu DESC, applies_to = 'all') = 1;
