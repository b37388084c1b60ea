"""Where one may walk, by the tags of OpenStreetMap: what is true in the Netherlands where a way says nothing itself."""

from collections.abc import Mapping

Tags = Mapping[str, str]

WALKED = frozenset(
    "footway path pedestrian steps living_street residential service unclassified tertiary tertiary_link secondary "
    "secondary_link primary primary_link track cycleway corridor platform elevator road crossing".split()
)
# Not for walkers, unless a way says that it has a sidewalk, or that one may walk there.
DRIVEN = frozenset("motorway motorway_link trunk trunk_link busway bus_guideway bridleway".split())
GRANTED = frozenset("yes designated permissive official destination customers permit".split())
# `use_sidepath`: whoever walks must take the path beside it, which is a way of its own.
DENIED = frozenset("no private use_sidepath".split())
CLOSED = frozenset("no private military emergency agricultural forestry delivery".split())
SIDEWALK = frozenset("yes both left right".split())
SIDES = ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right")


def why_not(tags: Tags) -> str | None:
    """Say why nobody may walk a way, as OpenStreetMap says it; None where one may.

    What is said of walkers (`foot`) goes before what is said of all (`access`), and that before what the kind of way
    means. Nothing is said of gates, of hours, or of one direction: walkers go both ways.
    """
    highway, foot = tags.get("highway", ""), tags.get("foot", "")
    known = highway in WALKED or highway in DRIVEN
    if not known:
        return f"highway={highway}"
    if foot in GRANTED:
        return None
    if foot in DENIED:
        return f"foot={foot}"
    if tags.get("access", "") in CLOSED:
        return f"access={tags['access']}"
    if any(tags.get(side, "") in SIDEWALK for side in SIDES):
        return None
    if highway in DRIVEN:
        return f"highway={highway}"
    return "motorroad=yes" if tags.get("motorroad") == "yes" else None
