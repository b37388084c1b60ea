-- Key figures, from the temporary table `figures_in` that the file was copied into: written where they differ.
CREATE TEMP TABLE figures_in (
  row integer, code text, year integer, id text,
  residents integer, residents_65 integer, households integer, one_person_households integer,
  residents_why text, residents_65_why text, households_why text, one_person_households_why text
) ON COMMIT DROP;

-- The area of a row: the one of its year, or else the one in force.
UPDATE figures_in f SET id = n.id FROM neighbourhood n
WHERE n.code = f.code AND (n.year = f.year OR (f.year IS NULL AND n.in_force)) AND n.level <> 'drawn';

-- Rows of one area: their numbers, and whether they say different things.
SELECT array_agg(row ORDER BY row) AS rows,
  count(DISTINCT to_jsonb(f) - '{row,code,year,id}'::text[]) > 1 AS contradict
FROM figures_in f WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1 ORDER BY 1;

DELETE FROM figures_in WHERE row = ANY(CAST(:rows AS integer[]));

-- A figure of which the file has no column stays as it is.
WITH written AS (
  UPDATE neighbourhood n SET
    residents = CASE WHEN :residents THEN f.residents ELSE n.residents END,
    residents_65 = CASE WHEN :residents_65 THEN f.residents_65 ELSE n.residents_65 END,
    households = CASE WHEN :households THEN f.households ELSE n.households END,
    one_person_households = CASE WHEN :one_person_households THEN f.one_person_households ELSE n.one_person_households END,
    figures_missing = (n.figures_missing - CAST(:told AS text[])) || f.reasons
  FROM (
    SELECT *, jsonb_strip_nulls(jsonb_build_object(
      'residents', residents_why, 'residents_65', residents_65_why, 'households', households_why,
      'one_person_households', one_person_households_why)) AS reasons
    FROM figures_in
) f
  WHERE f.id = n.id AND (
    (:residents AND n.residents IS DISTINCT FROM f.residents)
    OR (:residents_65 AND n.residents_65 IS DISTINCT FROM f.residents_65)
    OR (:households AND n.households IS DISTINCT FROM f.households)
    OR (:one_person_households AND n.one_person_households IS DISTINCT FROM f.one_person_households)
    OR n.figures_missing IS DISTINCT FROM (n.figures_missing - CAST(:told AS text[])) || f.reasons
)
  RETURNING n.id
)
SELECT count(*) FROM written
