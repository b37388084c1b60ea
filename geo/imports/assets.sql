-- The good rows of a file: the columns of an asset, and what the file says beside them.
CREATE TEMP TABLE incoming ON COMMIT DROP AS
SELECT 0 AS row, asset.*, '' AS asked, '' AS organisation, '' AS organisation_legal_form, '' AS organisation_url,
       '{}'::text[] AS catchment
FROM asset WITH NO DATA;

-- What becomes of each of them. `spot` is there for those that are written, so that their neighbourhood is found.
CREATE TEMP TABLE fate (
  row integer, source_id text, asset_id uuid, verdict text, archived boolean, fields text, told text,
  kind text, called text, spot geometry(Geometry, 4326), neighbourhood_id text
) ON COMMIT DROP;

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
ORDER BY a.source_id, a.id
