-- Uses, counted where there is room for all of them. What was used in the stretch before this one counts for the part of it that still
-- lies within one stretch of now; what is refused is not counted. `seen.used` may be older than what others write just now
-- and serves only to reckon how long to wait.
WITH clock AS (
  SELECT make_interval(secs => %(per_s)s) AS stretch, date_bin(make_interval(secs => %(per_s)s), now(), 'epoch') AS began
), seen AS (
  SELECT began,
    extract(epoch FROM now() - began)::float8 AS passed_s,
    coalesce((SELECT used FROM allowance WHERE name = %(name)s AND asker = %(asker)s AND began_at = began - stretch), 0) AS before,
    coalesce((SELECT used FROM allowance WHERE name = %(name)s AND asker = %(asker)s AND began_at = began), 0) AS used
  FROM clock
), taken AS (
  INSERT INTO allowance AS kept (name, asker, began_at, used)
  SELECT %(name)s, %(asker)s, began, %(uses)s FROM seen WHERE before * (1 - passed_s / %(per_s)s) + %(uses)s <= %(most)s
  ON CONFLICT (name, asker, began_at) DO UPDATE SET used = kept.used + %(uses)s
  WHERE (SELECT before * (1 - passed_s / %(per_s)s) FROM seen) + kept.used + %(uses)s <= %(most)s
  RETURNING used
)
SELECT EXISTS (SELECT FROM taken) AS granted, passed_s, before, used FROM seen;

DELETE FROM allowance WHERE name = %(name)s AND began_at < now() - 2 * make_interval(secs => %(per_s)s)
