-- Assets that were written between two moments of the history: as each was before, and became.
WITH written AS (
  SELECT id, row_id, before, after FROM history
  WHERE row_table = 'asset' AND id > :since AND (CAST(:until AS bigint) IS NULL OR id <= :until)
), ends AS (
  SELECT row_id, min(id) AS first, max(id) AS last FROM written GROUP BY row_id
)
SELECT ends.row_id AS asset,
  (SELECT jsonb_object_agg(key, value) FROM jsonb_each(first.before) WHERE key = ANY(:fields)) AS before,
  (SELECT jsonb_object_agg(key, value) FROM jsonb_each(last.after) WHERE key = ANY(:fields)) AS after
FROM ends JOIN written first ON first.id = ends.first JOIN written last ON last.id = ends.last
WHERE coalesce(last.after, first.before) ->> 'kind' <> 'volunteer'
ORDER BY ends.row_id;

-- Which neighbourhoods assets began or ceased to serve.
SELECT DISTINCT row_id AS asset, coalesce(after, before) ->> 'neighbourhood_id' AS neighbourhood
FROM history
WHERE row_table = 'asset_catchment' AND id > :since AND (CAST(:until AS bigint) IS NULL OR id <= :until)
ORDER BY 1, 2;

-- Assets as they are, in the form of the history: those named, and those that the public begins or ceases to see by the day.
SELECT id::text AS asset, jsonb_build_object(
  'place', place::text, 'area', area::text, 'open_mask', open_mask, 'capacity', capacity, 'confirmed_on', confirmed_on,
  'services', services, 'kind', kind, 'status', status, 'visible_from', visible_from, 'visible_to', visible_to) AS record
FROM asset
WHERE kind <> 'volunteer' AND (id = ANY(CAST(:named AS uuid[])) OR status = 'published' AND (
  visible_from > :first AND visible_from <= :last OR visible_to >= :first AND visible_to < :last))
ORDER BY id
