-- What changes over the life of one GPU, as one profile has it: prices, software, rents, tax and the time to start.
-- Grain: one parameter. Units: in the row. The choice between rows is that of inputs_for.
-- Example: FROM lifetime_inputs_for('gb300', 'typical') ORDER BY parameter
CREATE MACRO lifetime_inputs_for(of_gpu, of_profile) AS TABLE
FROM inputs_for(of_gpu, of_profile)
WHERE parameter IN ('lead_year', 'rent_decline_frac', 'software_growth_frac', 'tax_frac', 'token_price_decline_frac');
