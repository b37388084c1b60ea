-- The live state begins anew as a copy of a run; who keeps it is told.
DELETE FROM coverage WHERE run_id = :live;

INSERT INTO coverage (run_id,
  neighbourhood_id, kind, service, residents, covered, covered_share, uncovered, covered_by_catchment,
  median_m, nearest_id, nearest_m, assets_in_reach, assets_across_border, volunteers, per_1000, mean_m,
  reached_share, p90_m, depth_m, fgt1, choice, fragile_share, crowding, certain_share, open_hours, worst_part,
  worst_part_share, people_none, people_doubtful, people_closed, people_full, people_served, gap, covered_lo,
  covered_hi, band_lo, band_hi, unknown_residents, edge_share, fallback_share, demand_source, groups, why)
SELECT CAST(:live AS uuid),
  neighbourhood_id, kind, service, residents, covered, covered_share, uncovered, covered_by_catchment,
  median_m, nearest_id, nearest_m, assets_in_reach, assets_across_border, volunteers, per_1000, mean_m,
  reached_share, p90_m, depth_m, fgt1, choice, fragile_share, crowding, certain_share, open_hours, worst_part,
  worst_part_share, people_none, people_doubtful, people_closed, people_full, people_served, gap, covered_lo,
  covered_hi, band_lo, band_hi, unknown_residents, edge_share, fallback_share, demand_source, groups, why
FROM coverage WHERE run_id = :made ORDER BY id;

SELECT pg_notify('kaart_run', CAST(:made AS text))
