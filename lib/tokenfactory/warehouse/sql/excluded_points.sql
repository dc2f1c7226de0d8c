-- Published points that stand in no comparison, with the reason.
-- Grain: one row of operating_points.
CREATE VIEW excluded_points AS
SELECT point_id, gpu, model, reason, source_url
FROM operating_points
JOIN point_gaps USING (point_id)
WHERE reason IS NOT NULL;
