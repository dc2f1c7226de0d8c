-- The inputs of an owned hour of one GPU, as one profile has them: those of inputs_for that do not change over a life.
-- Grain: one parameter. Units: in the row. gpu_per_system counts the GPUs of the server or rack that usd_per_system buys.
-- Example: FROM tco_inputs_for('gb300', 'typical') ORDER BY parameter
CREATE MACRO tco_inputs_for(of_gpu, of_profile) AS TABLE
FROM inputs_for(of_gpu, of_profile)
WHERE parameter NOT IN ('lead_year', 'rent_decline_frac', 'software_growth_frac', 'tax_frac', 'token_price_decline_frac');
