"""Which ways of OpenStreetMap people walk in the Netherlands."""

import pytest

from geo.imports import walking


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": "steps"},
        {"highway": "pedestrian", "area": "yes"},
        {"highway": "cycleway"},  # Dutch walkers take them where there is no pavement
        {"highway": "residential", "oneway": "yes"},
        {"highway": "primary"},
        {"highway": "service", "access": "customers"},
        {"highway": "service", "access": "private", "foot": "yes"},
        {"highway": "footway", "access": "no", "foot": "permissive"},
        {"highway": "trunk", "foot": "yes"},
        {"highway": "trunk", "sidewalk": "right"},
        {"highway": "busway", "sidewalk:left": "yes"},
        {"highway": "primary", "motorroad": "yes", "foot": "designated"},
        {"highway": "bridleway", "foot": "yes"},
        {"highway": "path", "motor_vehicle": "private", "bicycle": "no"},
    ],
)
def test_people_walk_here(tags: dict[str, str]) -> None:
    assert walking.why_not(tags) is None


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"highway": "cycleway", "foot": "no"}, "foot=no"),
        ({"highway": "residential", "foot": "private"}, "foot=private"),
        ({"highway": "tertiary", "foot": "use_sidepath", "sidewalk": "both"}, "foot=use_sidepath"),
        ({"highway": "service", "access": "private"}, "access=private"),
        ({"highway": "footway", "access": "no", "sidewalk": "both"}, "access=no"),
        ({"highway": "motorway"}, "highway=motorway"),
        ({"highway": "trunk_link", "sidewalk": "no"}, "highway=trunk_link"),
        ({"highway": "busway"}, "highway=busway"),
        ({"highway": "bridleway"}, "highway=bridleway"),
        ({"highway": "primary", "motorroad": "yes"}, "motorroad=yes"),
        ({"highway": "construction", "foot": "yes"}, "highway=construction"),
        ({"highway": "proposed"}, "highway=proposed"),
        ({"building": "yes"}, "highway="),
    ],
)
def test_nobody_walks_here_and_the_tag_says_why(tags: dict[str, str], why: str) -> None:
    assert walking.why_not(tags) == why
