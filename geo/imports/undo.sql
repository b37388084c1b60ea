-- What one import did to the rows of one table: what each was before it, and whether anybody changed it since.
-- An import that was taken back changed nothing: what it did and what undid it are kept under the same job.
CREATE TEMP TABLE written ON COMMIT DROP AS
SELECT done.row_id, done.before, done.inserted, done.gone,
       EXISTS (SELECT FROM history later
               WHERE later.row_table = :row_table AND later.row_id = done.row_id AND later.id > done.last
                 AND later.job_id IS DISTINCT FROM :job
                 AND NOT EXISTS (SELECT FROM import_job j WHERE j.id = later.job_id AND j.status = 'undone')
              ) AS changed_since
FROM (
  SELECT row_id, max(id) AS last,
         (array_agg(before ORDER BY id))[1] AS before,
         (array_agg(before IS NULL ORDER BY id))[1] AS inserted,
         (array_agg(after IS NULL ORDER BY id DESC))[1] AS gone
  FROM history WHERE job_id = :job AND row_table = :row_table
  GROUP BY row_id
) done
