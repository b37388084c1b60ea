-- Bring neighbourhoods of one level and year from the temporary table `coming` in; rows that stay are not written.
UPDATE coming c SET
  was = n.geom,
  residents = CASE WHEN 'residents' = ANY(CAST(:told AS text[])) THEN c.residents ELSE n.residents END,
  residents_65 = CASE WHEN 'residents_65' = ANY(CAST(:told AS text[])) THEN c.residents_65 ELSE n.residents_65 END,
  households = CASE WHEN 'households' = ANY(CAST(:told AS text[])) THEN c.households ELSE n.households END,
  one_person_households = CASE WHEN 'one_person_households' = ANY(CAST(:told AS text[]))
    THEN c.one_person_households ELSE n.one_person_households END,
  figures_missing = (c.figures_missing - CAST(:untold AS text[])) || (n.figures_missing - CAST(:told AS text[]))
FROM neighbourhood n WHERE n.id = c.id;

UPDATE coming c SET stays = true FROM neighbourhood n
WHERE n.id = c.id AND (n.name, n.level, n.parent_id, n.source, n.licence, n.schematic, n.residents, n.residents_65,
    n.households, n.one_person_households, n.figures_missing, n.geom)
  IS NOT DISTINCT FROM (c.name, c.level, c.parent_id, c.source, c.licence, c.schematic, c.residents, c.residents_65,
    c.households, c.one_person_households, c.figures_missing, c.geom);

SELECT count(*) FILTER (WHERE was IS NULL) AS new, count(*) FILTER (WHERE was IS NOT NULL AND NOT stays) AS changed,
  count(*) FILTER (WHERE stays) AS unchanged
FROM coming;

UPDATE neighbourhood n SET
  name = c.name, level = c.level, parent_id = c.parent_id, source = c.source, licence = c.licence,
  schematic = c.schematic, residents = c.residents, residents_65 = c.residents_65, households = c.households,
  one_person_households = c.one_person_households, figures_missing = c.figures_missing, geom = c.geom,
  overview = c.overview
FROM coming c WHERE n.id = c.id AND NOT c.stays;

INSERT INTO neighbourhood (id, code, year, name, level, parent_id, source, licence, schematic, residents, residents_65,
  households, one_person_households, figures_missing, geom, overview)
SELECT id, code, year, name, level, parent_id, source, licence, schematic, residents, residents_65,
  households, one_person_households, figures_missing, geom, overview
FROM coming WHERE was IS NULL ORDER BY id;

ANALYZE neighbourhood;

DROP TABLE IF EXISTS pg_temp.touched;

CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT near.id FROM (
  SELECT o.id FROM coming c JOIN neighbourhood o ON o.level = c.level AND o.geom && c.geom WHERE NOT c.stays
  UNION SELECT o.id FROM coming c JOIN neighbourhood o ON o.level = c.level AND o.geom && c.was WHERE NOT c.stays
  UNION SELECT o.id FROM coming c JOIN neighbourhood o ON o.level = c.level AND o.code = c.code WHERE NOT c.stays
) near
WHERE EXISTS (SELECT FROM neighbourhood WHERE level <> 'drawn' AND year <> (SELECT min(year) FROM coming));

-- A later year puts a row out of force that has its code, or whose middle it holds.
UPDATE neighbourhood n SET in_force = judged.stands
FROM (
  SELECT old.id, NOT EXISTS (
      SELECT FROM neighbourhood newer WHERE newer.code = old.code AND newer.year > old.year AND newer.level = old.level
    ) AND NOT EXISTS (
      SELECT FROM neighbourhood newer WHERE newer.level = old.level AND newer.year > old.year
        AND ST_Intersects(newer.geom, ST_PointOnSurface(old.geom))
    ) AS stands
  FROM neighbourhood old JOIN touched ON touched.id = old.id
  WHERE old.level <> 'drawn'
) judged
WHERE n.id = judged.id AND n.in_force <> judged.stands
