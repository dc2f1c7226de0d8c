-- How strong each input is that decides an answer: hours, powers, and what owning and a site are assumed to cost.
-- Grain: one row of price_book, power_book, tco_inputs or site_inputs, by its key. Units: none.
-- grade, the strongest first: measured; published (by the one whose figure it is, and read there); estimated (by
-- somebody, and read there); second hand (read in the press or in a copy alone); assumed (here, for want of a source).
-- grounds: what was checked. Points of throughput have theirs in `points`: evidence, source_kind and is_known_wrong.
-- Example: FROM input_grades WHERE grade = 'assumed' ORDER BY key
CREATE VIEW input_grades AS
WITH figures AS (
    SELECT price_id AS key, 'price_book' AS table_name, basis AS input, gpu AS applies_to, provider AS profile,
           effective_to IS NULL AND effective_from IS NOT NULL AS is_in_force,
           status, source_kind, source_url, accessed
    FROM price_book
    UNION ALL
    SELECT power_id, 'power_book', basis, gpu, provider, effective_to IS NULL AND effective_from IS NOT NULL,
           status, source_kind, source_url, accessed
    FROM power_book
    UNION ALL
    SELECT key, 'tco_inputs', parameter, applies_to, profile, true, status, source_kind, source_url, accessed
    FROM tco_inputs
    UNION ALL
    SELECT key, 'site_inputs', parameter, applies_to, 'typical', effective_to IS NULL, status, source_kind, source_url,
           accessed
    FROM site_inputs
)
SELECT key, table_name, input, applies_to, profile, is_in_force,
       CASE WHEN status = 'guess' THEN 'assumed'
            WHEN source_kind IN ('press', 'reprint') THEN 'second hand'
            WHEN status = 'estimate' THEN 'estimated'
            ELSE status END AS grade,
       CASE WHEN status = 'guess' AND source_url IS NULL THEN 'no source was found'
            WHEN status = 'guess' THEN 'chosen here; a source says something similar'
            WHEN accessed IS NULL THEN 'brought by a scenario'
            WHEN source_kind = 'press' THEN 'known from the press; its owner''s page was not read'
            WHEN source_kind = 'reprint' THEN 'read in a copy; its owner''s page was not read'
            ELSE 'its owner''s page was read on ' || accessed END AS grounds,
       source_url
FROM figures;
