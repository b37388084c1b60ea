-- Point records to the neighbourhoods in force. `whereabouts` holds where those with a place lie now.
UPDATE asset a SET neighbourhood_id = w.neighbourhood_id
FROM whereabouts w WHERE w.record = 'asset' AND w.id = a.id AND a.neighbourhood_id IS DISTINCT FROM w.neighbourhood_id;

UPDATE activity a SET neighbourhood_id = w.neighbourhood_id
FROM whereabouts w WHERE w.record = 'activity' AND w.id = a.id AND a.neighbourhood_id IS DISTINCT FROM w.neighbourhood_id;

-- What has no place goes by the same code; where that is gone, to where the middle of the old outline lies now.
UPDATE asset a SET neighbourhood_id = s.by FROM successor s WHERE a.neighbourhood_id = s.id;

UPDATE activity a SET neighbourhood_id = s.by FROM successor s WHERE a.neighbourhood_id = s.id;

INSERT INTO asset_catchment (asset_id, neighbourhood_id)
SELECT DISTINCT c.asset_id, s.by FROM asset_catchment c JOIN successor s ON s.id = c.neighbourhood_id
ON CONFLICT DO NOTHING;

DELETE FROM asset_catchment c USING successor s WHERE c.neighbourhood_id = s.id
