"""Small OpenStreetMap extracts, written by osmium's own writer."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import osmium
from osmium.osm.mutable import Node, Relation, Way

Tags = dict[str, str]
Spot = tuple[float, float]


class Area(NamedTuple):
    """A way along corners (closed by the writer), by its number."""

    number: int
    corners: tuple[Spot, ...]
    tags: Tags


class Joined(NamedTuple):
    """A multipolygon: its number, the numbers of its outer ways and of its inner ones."""

    number: int
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    tags: Tags


def node(number: int, spot: Spot, **tags: str) -> tuple[int, Spot, Tags]:
    """Make a node; `addr__street` stands for addr:street."""
    return number, spot, {key.replace("__", ":"): value for key, value in tags.items()}


def write(
    path: Path,
    nodes: Iterable[tuple[int, Spot, Tags]] = (),
    areas: Iterable[Area] = (),
    joined: Iterable[Joined] = (),
    box: tuple[float, float, float, float] | None = None,
) -> Path:
    """Write an extract; the corners of areas become nodes numbered from 1000 * the number of the area."""
    header = osmium.io.Header()
    if box is not None:
        header.add_box(osmium.osm.Box(*box))
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for number, spot, tags in sorted(nodes):
            writer.add_node(Node(id=number, version=1, location=spot, tags=tags))
        for area in areas:
            for place, corner in enumerate(area.corners):
                writer.add_node(Node(id=1000 * area.number + place, version=1, location=corner))
        for area in areas:
            refs = [1000 * area.number + place for place in range(len(area.corners))]
            writer.add_way(Way(id=area.number, version=1, nodes=[*refs, refs[0]], tags=area.tags))
        for each in joined:
            members = [("w", n, "outer") for n in each.outer] + [("w", n, "inner") for n in each.inner]
            tags = {"type": "multipolygon", **each.tags}
            writer.add_relation(Relation(id=each.number, version=1, members=members, tags=tags))
    return path
