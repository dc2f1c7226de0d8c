-- The one price of each GPU and basis in force on a day that pages compare: that of InferenceX TCO, or else the only one.
-- Grain: one GPU and basis. Units: USD per GPU-hour, days. Where two other providers, or two variants, have a price,
-- there is no one price. Pages that compare prices of two providers say so.
-- Example: FROM one_price(DATE '2026-07-31') WHERE basis = 'owning_hyperscaler' ORDER BY gpu
CREATE MACRO one_price(day) AS TABLE
SELECT *
FROM price_on(day)
QUALIFY rank() OVER (PARTITION BY gpu, basis ORDER BY provider = 'InferenceX TCO' DESC) = 1
    AND count(*) OVER (PARTITION BY gpu, basis, provider = 'InferenceX TCO') = 1;
