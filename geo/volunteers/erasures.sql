-- No activity is held at a person. The history of one that was written so past our rules forgets at whom it was.
UPDATE history SET before = before - 'asset_id', after = after - 'asset_id'
WHERE row_table = 'activity' AND row_id = ANY (:activities)
  AND (before ->> 'asset_id' = ANY (:ids) OR after ->> 'asset_id' = ANY (:ids));

-- An account in the history: who changed something, who made a record, who confirmed it.
UPDATE history SET
  changed_by = CASE WHEN changed_by = :name THEN :nobody ELSE changed_by END,
  before = before
    || CASE WHEN before ->> 'made_by' = :id THEN '{"made_by": null}'::jsonb ELSE '{}' END
    || CASE WHEN lower(trim(before ->> 'confirmed_by')) = ANY (:words)
         THEN jsonb_build_object('confirmed_by', CAST(:nobody AS text)) ELSE '{}' END,
  after = after
    || CASE WHEN after ->> 'made_by' = :id THEN '{"made_by": null}'::jsonb ELSE '{}' END
    || CASE WHEN lower(trim(after ->> 'confirmed_by')) = ANY (:words)
         THEN jsonb_build_object('confirmed_by', CAST(:nobody AS text)) ELSE '{}' END
WHERE changed_by = :name OR row_table IN ('asset', 'activity') AND (
  before ->> 'made_by' = :id OR after ->> 'made_by' = :id
  OR lower(trim(before ->> 'confirmed_by')) = ANY (:words) OR lower(trim(after ->> 'confirmed_by')) = ANY (:words))
