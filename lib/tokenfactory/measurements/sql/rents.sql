-- Each observation of a rent: its GPU, the price of one of them and how it was read, or why it is left out.
WITH named AS (
    SELECT *, $gpus[list_position($names, upper(regexp_replace(gpu_model, '[ -]', '_', 'g')))] AS gpu,
           CASE
               WHEN {% for name in COLUMNS %}{{ name }} IS NULL OR {% endfor %} false
                   THEN 'a date, name or number is missing or cannot be read'
               WHEN NOT isfinite(price_median_usd) OR price_median_usd <= 0 OR gpu_count < 1
                   THEN 'not a positive price of a positive number of GPUs'
               WHEN gpu IS NULL THEN 'not a GPU of the data, or another build of one'
               WHEN NOT list_contains($rentals, rental_type) THEN 'not a kind of rent that is known'
           END AS obstacle
    FROM observed
),
usable AS (
    SELECT *, price_median_usd AS price, price_median_usd / gpu_count AS share,
           median(price) FILTER (gpu_count = 1) OVER (PARTITION BY gpu, rental_type) AS market,
           -- A machine of 8: only beside a count of one, and only where the price of one GPU is out of the question.
           if(gpu_count = 1 AND abs(ln(price / market)) > ln($plausible), price / $in_a_machine, NULL) AS eighth
    FROM named WHERE obstacle IS NULL
),
-- What a provider asks for a GPU if it says it both ways: the price of one offer is a GPU's share of another.
said_twice AS (
    SELECT provider, gpu, rental_type, median(m.share) AS twice
    FROM (SELECT DISTINCT provider, gpu, rental_type, share FROM usable WHERE gpu_count > 1) AS m
    JOIN (SELECT DISTINCT provider, gpu, rental_type, price FROM usable) AS s USING (provider, gpu, rental_type)
    WHERE abs(ln(s.price / m.share)) < $same
    GROUP BY ALL
),
wanted AS (
    SELECT *, coalesce(
        median(price) FILTER (gpu_count = 1 AND abs(ln(price / market)) <= ln($plausible))
            OVER (PARTITION BY provider, gpu, rental_type), twice, market) AS wanted
    FROM usable LEFT JOIN said_twice USING (provider, gpu, rental_type)
),
read AS (
    SELECT *, list_min([abs(ln(x / wanted)) FOR x IN [price, share, eighth]]) AS nearest,
           CASE nearest WHEN abs(ln(price / wanted)) THEN 'as one GPU' WHEN abs(ln(share / wanted)) THEN 'as the machine'
                        WHEN abs(ln(eighth / wanted)) THEN 'as a machine of 8' END AS read_as,
           CASE read_as WHEN 'as one GPU' THEN price WHEN 'as the machine' THEN share
                        WHEN 'as a machine of 8' THEN eighth END AS usd_per_gpu_hour
    FROM wanted
)
SELECT named.gpu, read_as, usd_per_gpu_hour,
       CASE WHEN obstacle IS NOT NULL THEN obstacle
            WHEN market IS NULL THEN 'nobody rents out a single one, so machine and GPU cannot be told apart'
            WHEN abs(ln(usd_per_gpu_hour / market)) > ln($plausible)
                THEN printf('more than %g times above or below the market in every reading', $plausible)
       END AS reason
FROM named LEFT JOIN (SELECT place, read_as, usd_per_gpu_hour, market FROM read) USING (place)
ORDER BY place
