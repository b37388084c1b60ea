"""Who can walk to what: demand points, walking distances, measures and dated runs."""
