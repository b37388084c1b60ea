-- An address that is stored with a place already, word for word, is not asked again.
UPDATE incoming i SET place = a.place, area = a.area FROM asset a
WHERE num_nonnulls(i.place, i.area) = 0 AND i.asked IS NOT NULL AND a.source = :source AND a.source_id = i.source_id
  AND num_nonnulls(a.place, a.area) > 0
  AND (NOT 'address' = ANY (:mapped) OR a.address IS NOT DISTINCT FROM i.address)
  AND (NOT 'postcode' = ANY (:mapped) OR a.postcode IS NOT DISTINCT FROM i.postcode)
  AND (NOT 'city' = ANY (:mapped) OR a.city IS NOT DISTINCT FROM i.city);

-- Nor is one that waits for somebody to look at it, or of which somebody said that no place is right.
DELETE FROM incoming i USING address_doubt d
WHERE num_nonnulls(i.place, i.area) = 0 AND d.asked = i.asked AND (d.decided_at IS NULL OR d.choice IS NULL AND d.candidates <> '[]')
  AND d.record ->> 'source' = :source AND d.record ->> 'source_id' = i.source_id
RETURNING i.row, i.source_id, i.asked, d.decided_at IS NULL AS waits;

SELECT DISTINCT asked FROM incoming WHERE num_nonnulls(place, area) = 0 AND asked IS NOT NULL ORDER BY asked;

CREATE TEMP TABLE answered (asked text, place geometry(Point, 4326)) ON COMMIT DROP;

UPDATE incoming i SET place = answered.place FROM answered WHERE i.asked = answered.asked AND num_nonnulls(i.place, i.area) = 0;

-- A doubt that waits for somebody is none any more where its row now has a place, or asks for another address. Without
-- candidates it says that nobody looked at it: the same address is a question again.
UPDATE address_doubt d SET decided_at = now(), decided_by = actor(), choice = NULL, candidates = '[]'
FROM incoming i
WHERE d.decided_at IS NULL AND d.record ->> 'source' = :source AND d.record ->> 'source_id' = i.source_id;

-- What has no certain place after all that goes no further.
DELETE FROM incoming WHERE num_nonnulls(place, area) = 0 AND asked IS NOT NULL RETURNING row, source_id, asked
