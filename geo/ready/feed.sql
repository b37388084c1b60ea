-- What begins or ends with the days since it was last told; who comes second finds nothing to tell.
WITH days AS (
  SELECT day AS was, today_nl() AS now FROM turned WHERE day < today_nl() FOR UPDATE
), turning AS (
  SELECT r.id, r.to_day < days.now AS gone FROM ready_asset r, days
  WHERE (r.from_day > days.was AND r.from_day <= days.now AND r.to_day >= days.now)
    OR (r.from_day <= days.now AND r.to_day >= days.was AND r.to_day < days.now)
), told AS (
  INSERT INTO public_change (edition_id, collection, item, gone)
  SELECT this_edition(), 'assets', id::text, gone FROM turning
  UNION ALL
  SELECT this_edition(), 'activities', a.id::text, t.gone FROM turning t JOIN activity a ON a.asset_id = t.id
  WHERE a.status = 'published'
), day AS (
  UPDATE turned SET day = days.now FROM days RETURNING turned.day
)
SELECT touch('assets') FROM day;

-- Changes after one, in the order in which they were committed.
SELECT e.number, c.id, c.collection, c.item, c.gone, e.made_at
FROM edition e JOIN public_change c ON c.edition_id = e.id
WHERE e.number >= :number AND (e.number, c.id) > (:number, :id)
ORDER BY e.number, c.id LIMIT :limit;

-- Whether a mark was given.
SELECT EXISTS (SELECT FROM edition e JOIN public_change c ON c.edition_id = e.id WHERE e.number = :number AND c.id = :id);

-- The latest change there is.
SELECT e.number, c.id FROM edition e JOIN public_change c ON c.edition_id = e.id
WHERE e.number IS NOT NULL ORDER BY e.number DESC, c.id DESC LIMIT 1
