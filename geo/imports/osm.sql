-- Rows that are not written although they differ: somebody has decided on them, or their kind would have to change.
WITH left_alone AS (
  SELECT f.row, f.source_id, f.verdict, f.told, a.status, a.kind AS was, f.kind AS becomes
  FROM fate f JOIN asset a ON a.id = f.asset_id AND a.source = :source
  WHERE f.verdict = 'refused' OR f.verdict = 'changed' AND a.status <> 'proposed'
), settled AS (
  UPDATE fate f SET verdict = 'skipped' FROM left_alone l WHERE l.row = f.row
)
SELECT * FROM left_alone ORDER BY row;

-- What an earlier extract held in the same area, and this one does not.
SELECT a.id, a.source_id, a.name FROM asset a
WHERE a.source = :source AND a.status <> 'archived' AND a.source_id IS NOT NULL
  AND a.place && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
  AND a.source_id <> ALL (CAST(:seen AS text[]))
ORDER BY a.source_id, a.id
