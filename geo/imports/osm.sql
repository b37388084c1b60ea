-- Rows that are not written although they differ: somebody has decided on them, or their kind would have to change.
WITH left_alone AS (
  SELECT f.row, f.source_id, f.verdict, f.told, a.status, a.kind AS was, f.kind AS becomes, touched.by_hand
  FROM fate f JOIN asset a ON a.id = f.asset_id AND a.source = :source
  CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM history h WHERE h.row_table = 'asset' AND h.row_id = a.id::text
                   AND h.job_id IS NULL AND h.before IS NOT NULL) AS by_hand
  ) touched
  WHERE f.verdict = 'refused' OR f.verdict = 'changed' AND f.back IS NULL AND (a.status <> 'proposed' OR touched.by_hand)
), settled AS (
  UPDATE fate f SET verdict = 'skipped' FROM left_alone l WHERE l.row = f.row
)
SELECT * FROM left_alone ORDER BY row;

-- What an earlier extract held in the same area, and this one does not; and whether somebody decided on it, or edited it.
SELECT a.id, a.source_id, a.name, a.status <> 'proposed' AS decided, EXISTS (
  SELECT FROM history h
  WHERE h.row_table = 'asset' AND h.row_id = a.id::text AND h.job_id IS NULL AND h.before IS NOT NULL) AS by_hand
FROM asset a
WHERE a.source = :source AND a.status <> 'archived' AND a.source_id IS NOT NULL
  AND a.place && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
  AND a.source_id <> ALL (CAST(:seen AS text[]))
ORDER BY a.source_id, a.id
