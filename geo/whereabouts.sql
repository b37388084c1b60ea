-- Which buurt in force holds each spot: the lowest code where outlines overlap, in a hole the nearest within 250 m.
-- `{spots}` is the name of a temporary table. From the outlines to the spots, so that each outline is prepared once.
UPDATE {spots} SET neighbourhood_id = NULL WHERE neighbourhood_id IS NOT NULL AND spot IS NOT NULL;

CREATE INDEX IF NOT EXISTS {spots}_spot ON {spots} USING gist (spot);

ANALYZE {spots};

UPDATE {spots} s SET neighbourhood_id = held.by
FROM (
  SELECT inside.row, (array_agg(n.id ORDER BY n.code, n.id))[1] AS by
  FROM neighbourhood n
  CROSS JOIN LATERAL (SELECT i.ctid AS row FROM {spots} i WHERE ST_Intersects(n.geom, i.spot) OFFSET 0) inside
  WHERE n.level = 'buurt' AND n.in_force
  GROUP BY inside.row
) held
WHERE s.ctid = held.row;

UPDATE {spots} s SET neighbourhood_id = near.id
FROM {spots} lost
CROSS JOIN LATERAL (
  SELECT n.id FROM neighbourhood n
  WHERE n.level = 'buurt' AND n.in_force AND ST_DWithin(n.geom, lost.spot, :hole_degrees)
    AND ST_Distance(n.geom::geography, lost.spot::geography) <= :hole_m
  ORDER BY ST_Distance(n.geom::geography, lost.spot::geography), n.code, n.id LIMIT 1
) near
WHERE s.ctid = lost.ctid AND lost.neighbourhood_id IS NULL AND lost.spot IS NOT NULL
