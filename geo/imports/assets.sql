-- The good rows of a file: the columns of an asset, and what the file says beside them.
CREATE TEMP TABLE incoming ON COMMIT DROP AS
SELECT 0 AS row, asset.*, '' AS asked, '' AS organisation, '' AS organisation_legal_form, '' AS organisation_url,
       '{}'::text[] AS catchment
FROM asset WITH NO DATA;

-- What becomes of each of them. `spot` is there for those that are written, so that their neighbourhood is found.
CREATE TEMP TABLE fate (
  row integer, source_id text, asset_id uuid, verdict text, archived boolean, fields text, told text, back text,
  kind text, called text, spot geometry(Geometry, 4326), neighbourhood_id text
) ON COMMIT DROP;

-- The records of the source, held until the import ends: what becomes of them is said of what they are then.
SELECT count(*) FROM (SELECT id FROM asset WHERE source = :source ORDER BY id FOR UPDATE) held;

-- What people here corrected, and the file says otherwise: fields that were changed last by no import, beside what the
-- source told last. A field of which it never told anything is none of them.
CREATE TEMP TABLE corrected ON COMMIT DROP AS
WITH touched AS (
  SELECT i.row, i.source_id, a.id::text AS id,
    to_jsonb(i) || jsonb_build_object('place', coalesce(i.place, i.area)::text, 'organisation_id', CASE
      WHEN i.organisation IS NULL THEN NULL
      ELSE coalesce((SELECT o.id::text FROM organisation o WHERE o.name = i.organisation), i.organisation) END) AS file,
    to_jsonb(a) || jsonb_build_object('place', coalesce(a.place, a.area)::text) AS stored
  FROM incoming i JOIN asset a ON a.source = :source AND a.source_id = i.source_id
  WHERE EXISTS (SELECT FROM history h
                WHERE h.row_table = 'asset' AND h.row_id = a.id::text AND h.job_id IS NULL AND h.before IS NOT NULL)
), kept AS NOT MATERIALIZED (
  SELECT id, row_id, job_id,
    before || jsonb_build_object('place', coalesce(before ->> 'place', before ->> 'area')) AS before,
    after || jsonb_build_object('place', coalesce(after ->> 'place', after ->> 'area')) AS after
  FROM history WHERE row_table = 'asset'
)
SELECT t.row, t.source_id, field, t.file -> field IS DISTINCT FROM source.told AS both_of_them,
       t.stored ->> field AS stored, t.file ->> field AS file
FROM touched t CROSS JOIN unnest(CAST(:fields AS text[])) AS field
CROSS JOIN LATERAL (
  SELECT k.job_id FROM kept k WHERE k.row_id = t.id AND k.before -> field IS DISTINCT FROM k.after -> field
  ORDER BY k.id DESC LIMIT 1
) last
CROSS JOIN LATERAL (
  SELECT k.after -> field AS told FROM kept k
  WHERE k.row_id = t.id AND k.job_id IS NOT NULL AND k.before -> field IS DISTINCT FROM k.after -> field
  ORDER BY k.id DESC LIMIT 1
) source
WHERE t.file -> field IS DISTINCT FROM t.stored -> field AND last.job_id IS NULL
  AND (field <> 'place' OR t.file ->> 'place' IS NOT NULL);

-- What an import archived because it was gone, and is in the source again: it becomes what it was.
UPDATE fate f SET back = b.was, verdict = 'changed', archived = false, fields = concat_ws(', ', f.fields, 'status'),
  told = concat_ws('; ', f.told, format('status: archived → %s, as it is in the source again', b.was)), spot = b.spot
FROM (
  SELECT g.row, last.was, coalesce(i.place, ST_PointOnSurface(i.area)) AS spot
  FROM fate g JOIN incoming i USING (row)
  CROSS JOIN LATERAL (
    SELECT h.job_id, h.before ->> 'status' AS was FROM history h
    WHERE h.row_table = 'asset' AND h.row_id = g.asset_id::text
      AND h.before ->> 'status' IS DISTINCT FROM h.after ->> 'status'
    ORDER BY h.id DESC LIMIT 1
  ) last
  WHERE g.archived AND g.verdict IN ('changed', 'unchanged') AND last.job_id IS NOT NULL AND last.was IS NOT NULL
) b
WHERE b.row = f.row;

-- Organisations that are new by their name; what is known of the others is not overwritten.
INSERT INTO organisation (id, name, legal_form, url)
SELECT DISTINCT ON (i.organisation) gen_random_uuid(), i.organisation, i.organisation_legal_form, i.organisation_url
FROM incoming i JOIN fate f USING (row)
WHERE i.organisation IS NOT NULL AND f.verdict IN ('new', 'changed')
ORDER BY i.organisation, i.row
ON CONFLICT (name) DO NOTHING;

-- Whom assets served and serve no more.
DELETE FROM asset_catchment c USING fate f JOIN incoming i USING (row)
WHERE f.verdict = 'changed' AND c.asset_id = f.asset_id AND c.neighbourhood_id <> ALL (coalesce(i.catchment, '{}'));

-- Whom assets serve now.
INSERT INTO asset_catchment (asset_id, neighbourhood_id)
SELECT f.asset_id, unnest(i.catchment) FROM fate f JOIN incoming i USING (row) WHERE f.verdict IN ('new', 'changed')
ON CONFLICT DO NOTHING;

-- New rows that are called like another of the same kind within 100 m, stored or new in the same file. Where more
-- than fifty lie so near, as at the middle of a town that a file gives for want of an address, only so many are compared.
SELECT f.row, f.source_id, f.called AS name, near.row AS other_row, near.source AS other_source, near.source_id AS other_id,
       near.name AS other_name, near.metres
FROM fate f
CROSS JOIN LATERAL (
  SELECT * FROM (
    SELECT * FROM (
      SELECT 0 AS row, a.source, a.source_id, a.name, a.kind::text AS kind, a.place AS spot FROM asset a
      WHERE a.place && ST_Expand(f.spot, :degrees_lon, :degrees_lat) AND a.status <> 'archived' LIMIT :most
    ) stored
    UNION ALL
    SELECT * FROM (
      SELECT n.row, :source AS source, n.source_id, n.called AS name, n.kind, n.spot FROM fate n
      WHERE n.spot && ST_Expand(f.spot, :degrees_lon, :degrees_lat) AND n.verdict = 'new' LIMIT :most
    ) others
  ) both_of_them
  CROSS JOIN LATERAL (SELECT ST_Distance(spot::geography, f.spot::geography) AS metres) far
  WHERE kind = f.kind AND lower(name) % lower(f.called) AND row < f.row AND metres <= :near_m
  ORDER BY similarity(lower(name), lower(f.called)) DESC, metres, row, source, source_id LIMIT 1
) near
WHERE f.verdict = 'new' AND f.spot IS NOT NULL
ORDER BY f.row;

-- What an earlier import of the source brought, and the file no longer holds.
SELECT a.id, a.source_id, a.name FROM asset a
WHERE a.source = :source AND a.status = 'published' AND a.kind <> 'volunteer'
  AND a.source_id NOT IN (SELECT source_id FROM fate UNION ALL SELECT unnest(CAST(:seen AS text[])))
ORDER BY a.source_id, a.id;

-- What an earlier import of the source brought, and the mapping leaves out now.
SELECT a.source_id, a.name FROM asset a
WHERE a.source = :source AND a.status = 'published' AND a.kind <> 'volunteer'
  AND a.source_id IN (SELECT unnest(CAST(:skipped AS text[]))) AND a.source_id NOT IN (SELECT source_id FROM fate)
ORDER BY a.source_id, a.id
