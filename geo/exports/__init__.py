"""Whole collections as files, in the formats that planners use; a few thousand rows of them in memory at a time."""
