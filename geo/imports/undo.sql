DROP TABLE IF EXISTS pg_temp.written;

-- What one import did to the rows of one table: what each was before it, and who changed it since: `changed_since` by
-- hand, `later` the file of a later import. `told` is a row of which it said more than where it lies, `served` one
-- whose catchment it changed. An import that was taken back changed nothing: what it did and what undid it are kept
-- under the same job. Where a later import of outlines only pointed a row to another area, that is no change either.
CREATE TEMP TABLE written ON COMMIT DROP AS
WITH ours AS (
  SELECT id, row_id, before, after, row_table = :row_table AS own, row_table = 'asset_catchment' AS pair,
         row_table = :row_table AND before - '{neighbourhood_id,version,updated_at}'::text[]
           IS DISTINCT FROM after - '{neighbourhood_id,version,updated_at}'::text[] AS told
  FROM history WHERE job_id = :job AND row_table = ANY (:kept_as)
), done AS (
  SELECT row_id, max(id) AS last, bool_or(told) AS told, bool_or(pair) AS served,
         (array_agg(before ORDER BY id) FILTER (WHERE own))[1] AS before,
         (array_agg(after ORDER BY id DESC) FILTER (WHERE own))[1] ->> 'neighbourhood_id' AS lay_in,
         coalesce((array_agg(before IS NULL ORDER BY id) FILTER (WHERE own))[1], false) AS inserted,
         coalesce((array_agg(after IS NULL ORDER BY id DESC) FILTER (WHERE own))[1], false) AS gone
  FROM ours GROUP BY row_id
), since AS (
  SELECT done.row_id, bool_or(j.id IS NULL) AS by_hand, min(j.file_name) AS later
  FROM done
  JOIN history h ON h.row_table = ANY (:kept_as) AND h.row_id = done.row_id AND h.id > done.last
  LEFT JOIN import_job j ON j.id = h.job_id
  CROSS JOIN LATERAL (SELECT coalesce(j.what IN ('boundaries', 'demo'), false) AS outlines) came
  WHERE h.job_id IS DISTINCT FROM :job AND j.status IS DISTINCT FROM 'undone' AND CASE
    WHEN h.row_table = 'asset_catchment' AND outlines THEN done.served AND NOT done.inserted
    WHEN h.row_table = 'asset_catchment' THEN true
    WHEN h.row_table = 'asset_secret' THEN done.told
    ELSE done.told AND NOT (
      h.before - '{neighbourhood_id,version,updated_at}'::text[]
        IS NOT DISTINCT FROM h.after - '{neighbourhood_id,version,updated_at}'::text[]
      AND (outlines OR coalesce(h.after ->> 'place', h.after ->> 'area') IS NOT NULL))
    END
  GROUP BY done.row_id
)
SELECT done.*, coalesce(since.by_hand, false) AS changed_since, since.later FROM done LEFT JOIN since USING (row_id);

DROP TABLE IF EXISTS pg_temp.pairs;

-- Whom assets served and came to serve, where the asset stays and nobody changed it since: what this very undo does is
-- kept under the same job, so it is looked up before anything is written.
CREATE TEMP TABLE pairs ON COMMIT DROP AS
SELECT w.row_id::uuid AS asset_id, h.before ->> 'neighbourhood_id' AS was, h.after ->> 'neighbourhood_id' AS became
FROM history h JOIN written w USING (row_id)
WHERE h.job_id = :job AND h.row_table = 'asset_catchment' AND NOT (w.inserted OR w.gone OR w.changed_since);

DELETE FROM asset_catchment c USING pairs p WHERE c.asset_id = p.asset_id AND c.neighbourhood_id = p.became;

INSERT INTO asset_catchment (asset_id, neighbourhood_id)
SELECT DISTINCT a.id, n.id FROM pairs p JOIN asset a ON a.id = p.asset_id JOIN neighbourhood n ON n.id = p.was
ON CONFLICT DO NOTHING;

-- Outlines that are drawn anew when what was is written back.
SELECT n.id FROM neighbourhood n JOIN written w ON w.row_id = n.id
WHERE NOT w.inserted AND w.before ->> 'geom' IS DISTINCT FROM n.geom::text ORDER BY n.id;

-- Squares come without history, and carry the import that wrote them last: one that was of this import and is no more.
SELECT DISTINCT s.id FROM square s JOIN history h ON h.row_table = 'square' AND h.row_id = s.id
WHERE h.before ->> 'job_id' = CAST(:job AS text) AND s.job_id::text <> CAST(:job AS text) ORDER BY s.id LIMIT 3;

-- Records that others put into areas that go, and that would be nowhere then: those without a place, and catchments.
SELECT coalesce(told.name, '') AS name, count(*) OVER () AS records
FROM (
  SELECT id, name, 'asset' AS row_table FROM asset
  WHERE status <> 'archived' AND (neighbourhood_id = ANY (:going) OR id IN (
    SELECT c.asset_id FROM asset_catchment c WHERE c.neighbourhood_id = ANY (:going) AND NOT EXISTS (
      SELECT FROM history h WHERE h.row_table = 'asset_catchment' AND h.row_id = c.asset_id::text AND h.job_id = :job
        AND h.after ->> 'neighbourhood_id' = c.neighbourhood_id)))
  UNION ALL
  SELECT id, title, 'activity' FROM activity WHERE status <> 'archived' AND neighbourhood_id = ANY (:going)
) told
WHERE NOT EXISTS (
  SELECT FROM history h WHERE h.row_table = told.row_table AND h.row_id = told.id::text AND h.job_id = :job
    AND h.before IS NULL)
ORDER BY told.name, told.id LIMIT 3;

-- Organisations that came with the import, run nothing any more, and that no other import has to bring back.
DELETE FROM organisation o USING written w
WHERE w.row_id = o.id::text AND w.inserted AND NOT w.gone AND NOT w.changed_since AND w.later IS NULL
  AND NOT EXISTS (SELECT FROM asset a WHERE a.organisation_id = o.id)
  AND o.id::text NOT IN (
    SELECT h.before ->> 'organisation_id' FROM history h JOIN import_job j ON j.id = h.job_id
    WHERE h.row_table = 'asset' AND j.status = 'done' AND j.id <> :job AND h.before ->> 'organisation_id' IS NOT NULL)
