"""Elements of an OpenStreetMap extract by their tags, each with one place. Memory grows with them, not the file."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import osmium
import shapely
from osmium.osm import NODE, WAY, Node, Relation, Way, osm_entity_bits
from shapely.geometry.base import BaseGeometry

from geo.errors import Flaw, InvalidInput
from geo.imports import pbf
from geo.imports.report import Progress

MOST_ELEMENTS = 200_000  # the whole country has about a quarter of this
Box = tuple[float, float, float, float]
Spot = tuple[float, float]


class Element(NamedTuple):
    """A node, way or relation; `place` (WGS 84) is None where the extract does not hold all of its outline."""

    id: str  # such as node/123
    tags: dict[str, str]
    place: shapely.Point | None


class Extract(NamedTuple):
    """What was found; `box` is what the file says that it covers (degrees), None where it does not say."""

    elements: list[Element]
    box: Box | None


class _Found(NamedTuple):
    """Elements on their way to a place: their tags, where nodes lie, and of what the others are made."""

    tags: dict[str, dict[str, str]]
    spots: dict[str, Spot | None]
    ways: dict[str, tuple[int, ...]]  # node numbers
    relations: dict[str, tuple[list[int], list[int]]]  # way numbers: outer, inner


def read(path: Path, tags: Iterable[tuple[str, str]], progress: Progress) -> Extract:
    """Read the elements that have one of the tags, in the order of the file: nodes, ways, relations.

    A building becomes one place: a point that lies in it, whatever its form. What is referred to is sought in a second
    and third reading, so that no more than that is held.

    raises  InvalidInput where the file is none, damaged, or far too large, or has too many such elements
    """
    pbf.look_at(path)
    file = osmium.io.File(str(path), "pbf")
    try:
        found = _tagged(file, list(tags), progress)
        members = {number for outer, inner in found.relations.values() for number in (*outer, *inner)}
        parts = {way.id: _numbers(way) for way in _by_number(file, WAY, members)}
        progress("reading outlines", len(parts), len(members))
        needed = {number for ends in (*found.ways.values(), *parts.values()) for number in ends}
        spots = {node.id: _spot(node) for node in _by_number(file, NODE, needed)}
        progress("reading places", len(spots), len(needed))
        return Extract(list(_placed(found, parts, spots)), _box(file))
    except (RuntimeError, UnicodeDecodeError):  # all that the reader says of bytes that it cannot read
        raise pbf.broken() from None


def _tagged(file: osmium.io.File, tags: list[tuple[str, str]], progress: Progress) -> _Found:
    found = _Found({}, {}, {}, {})
    for thing in osmium.FileProcessor(file).with_filter(osmium.filter.TagFilter(*tags)):
        if isinstance(thing, Node):
            name = f"node/{thing.id}"
            found.spots[name] = _spot(thing)
        elif isinstance(thing, Way):
            name = f"way/{thing.id}"
            found.ways[name] = _numbers(thing)
        elif isinstance(thing, Relation):
            name = f"relation/{thing.id}"
            found.relations[name] = _members(thing)
        else:
            continue
        found.tags[name] = dict(thing.tags)
        if len(found.tags) > MOST_ELEMENTS:
            reason = f"has more than {MOST_ELEMENTS:,} elements that may be assets: take a smaller extract"
            raise InvalidInput(f"This file {reason}.", Flaw("file", reason))
        if len(found.tags) % 1000 == 0:
            progress("reading elements", len(found.tags), None)
    progress("reading elements", len(found.tags), len(found.tags))
    return found


def _by_number(file: osmium.io.File, kind: osm_entity_bits, numbers: set[int]) -> Iterator[Any]:
    """Read the elements of one kind that have these numbers; the file is left alone where there are none."""
    if not numbers:
        return iter(())
    return iter(osmium.FileProcessor(file, kind).with_filter(osmium.filter.IdFilter(numbers)))


def _spot(node: Node) -> Spot | None:
    return (node.lon, node.lat) if node.location.valid() else None


def _numbers(way: Way) -> tuple[int, ...]:
    return tuple(each.ref for each in way.nodes)


def _members(relation: Relation) -> tuple[list[int], list[int]]:
    """Give the ways of a multipolygon, outer and inner; none for a relation that is no area."""
    if relation.tags.get("type") != "multipolygon":
        return [], []
    ways = [each for each in relation.members if each.type == "w"]
    return [each.ref for each in ways if each.role != "inner"], [each.ref for each in ways if each.role == "inner"]


def _placed(found: _Found, parts: dict[int, tuple[int, ...]], spots: dict[int, Spot | None]) -> Iterator[Element]:
    for name, tags in found.tags.items():
        if name in found.spots:
            spot = found.spots[name]
            place = None if spot is None else shapely.Point(spot)
        elif name in found.ways:
            place = _within(_line(found.ways[name], spots))
        else:
            outer, inner = ([_line(parts.get(n, ()), spots) for n in numbers] for numbers in found.relations[name])
            place = _among(outer, inner)
        yield Element(name, tags, place)


def _line(numbers: tuple[int, ...], spots: dict[int, Spot | None]) -> shapely.LineString | None:
    """Draw a way; None where one of its nodes is not in the extract."""
    corners = [spots.get(number) for number in numbers]
    whole = [corner for corner in corners if corner is not None]
    return shapely.LineString(whole) if len(whole) == len(corners) > 1 else None


def _within(line: shapely.LineString | None) -> shapely.Point | None:
    """Find a point in what a closed way encloses, or halfway an open one."""
    if line is None:
        return None
    if not line.is_ring and not (line.is_closed and len(line.coords) > 3):
        return line.interpolate(0.5, normalized=True)
    return shapely.make_valid(shapely.Polygon(line.coords)).representative_point()


def _among(outer: list[shapely.LineString | None], inner: list[shapely.LineString | None]) -> shapely.Point | None:
    """Find a point in what the outer ways enclose together and the inner ones do not; None where they enclose none."""
    if any(line is None for line in outer):
        return None
    area = _enclosed(outer).difference(_enclosed(inner))
    return None if area.is_empty else area.representative_point()


def _enclosed(lines: list[shapely.LineString | None]) -> BaseGeometry:
    rings = shapely.polygonize([line for line in lines if line is not None])
    return shapely.union_all(list(rings.geoms))


def _box(file: osmium.io.File) -> Box | None:
    box = osmium.io.Reader(file, osmium.osm.NOTHING).header().box()
    if not box.valid():
        return None
    low, high = box.bottom_left, box.top_right
    return low.lon, low.lat, high.lon, high.lat
