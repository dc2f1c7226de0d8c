-- Operating points that make a curve: one origin for each model, so that old figures do not mix with new ones.
-- Grain: one point. Units: as in all_points.
-- A model that the newest snapshot has measured is read from there alone, any other from the published figures;
-- origin says which.
CREATE VIEW points AS
SELECT *
FROM all_points
WHERE origin = 'snapshot'
   OR model NOT IN (SELECT model FROM all_points WHERE origin = 'snapshot');
