-- Squares of 100 m, from the temporary table `squares_in` that the file was copied into: written where they differ.
CREATE TEMP TABLE squares_in (
  code text, x integer, y integer,
  residents integer, residents_65 integer, one_person_households integer, children integer
) ON COMMIT DROP;

-- What the file has no column for stays as it is.
UPDATE squares_in SET
  residents_65 = CASE WHEN :residents_65 THEN squares_in.residents_65 ELSE square.residents_65 END,
  one_person_households =
    CASE WHEN :one_person_households THEN squares_in.one_person_households ELSE square.one_person_households END,
  children = CASE WHEN :children THEN squares_in.children ELSE square.children END
FROM square WHERE square.id = squares_in.code || '.' || CAST(:year AS integer);

WITH written AS (
  INSERT INTO square (id, code, year, x, y, residents, residents_65, one_person_households, children, job_id)
  SELECT code || '.' || CAST(:year AS integer), code, :year, x, y,
         residents, residents_65, one_person_households, children, :job
  FROM squares_in
  ON CONFLICT (id) DO UPDATE SET
    residents = excluded.residents, residents_65 = excluded.residents_65,
    one_person_households = excluded.one_person_households, children = excluded.children, job_id = excluded.job_id
  WHERE (square.residents, square.residents_65, square.one_person_households, square.children)
    IS DISTINCT FROM (excluded.residents, excluded.residents_65, excluded.one_person_households, excluded.children)
  RETURNING xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS new, count(*) FILTER (WHERE NOT added) AS changed FROM written;

-- The outlines (RD New) and key figures of the buurten to compare with.
SELECT coalesce(g.name, 'GM' || substr(n.code, 3, 4)) AS municipality, n.name, n.year, n.residents,
       ST_AsBinary(ST_Transform(n.geom, 28992)) AS outline
FROM neighbourhood n
LEFT JOIN neighbourhood g ON g.in_force AND g.level = 'gemeente' AND g.code = 'GM' || substr(n.code, 3, 4)
WHERE n.in_force AND n.level = 'buurt' AND n.residents IS NOT NULL
ORDER BY n.code, n.id
