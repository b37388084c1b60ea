-- No activity is held at a person. The history of one that was written so past our rules forgets at whom it was.
UPDATE history SET before = before - 'asset_id', after = after - 'asset_id'
WHERE row_table = 'activity' AND row_id = ANY (:activities)
  AND (before ->> 'asset_id' = ANY (:ids) OR after ->> 'asset_id' = ANY (:ids));

-- An account in the history: who changed something, who made a record, who confirmed it.
UPDATE history h SET
  changed_by = CASE WHEN changed_by = :name THEN :nobody ELSE changed_by END,
  before = before || CASE WHEN names.made_before THEN '{"made_by": null}'::jsonb ELSE '{}' END
    || CASE WHEN names.confirmed_before THEN jsonb_build_object('confirmed_by', CAST(:nobody AS text)) ELSE '{}' END,
  after = after || CASE WHEN names.made_after THEN '{"made_by": null}'::jsonb ELSE '{}' END
    || CASE WHEN names.confirmed_after THEN jsonb_build_object('confirmed_by', CAST(:nobody AS text)) ELSE '{}' END
FROM (
  SELECT id, before ->> 'made_by' = :id AS made_before, after ->> 'made_by' = :id AS made_after,
    lower(btrim(before ->> 'confirmed_by', :blanks)) = ANY (:words)
      OR strpos(lower(before ->> 'confirmed_by'), :email) > 0 AS confirmed_before,
    lower(btrim(after ->> 'confirmed_by', :blanks)) = ANY (:words)
      OR strpos(lower(after ->> 'confirmed_by'), :email) > 0 AS confirmed_after
  FROM history WHERE changed_by = :name OR row_table IN ('asset', 'activity')
) names
WHERE names.id = h.id
  AND (h.changed_by = :name OR names.made_before OR names.made_after OR names.confirmed_before OR names.confirmed_after)
