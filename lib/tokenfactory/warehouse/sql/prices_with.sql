-- Every price of the book, with its age (price_ages); and the prices of a scenario file if their basis is asked for.
-- Grain: one row of the price book, or of the prices that a scenario file brings. Units: USD per GPU-hour, days.
-- Example: FROM prices_with('your_quote') WHERE gpu = 'gb300' ORDER BY price_id
CREATE MACRO prices_with(own_basis) AS TABLE
SELECT *
FROM (FROM price_book UNION ALL BY NAME (FROM own_prices WHERE basis = own_basis)) JOIN price_ages USING (price_id);
