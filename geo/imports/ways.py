"""The ways of an OpenStreetMap extract that one may walk, with the nodes at which they meet."""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from osmium.osm import NODE, RELATION, WAY, osm_entity_bits

from geo.checks import NETHERLANDS
from geo.errors import Flaw, InvalidInput
from geo.imports import pbf, walking
from geo.imports.report import Progress
from geo.neighbourhoods import to_rd

MOST_CORNERS = 50_000_000  # of ways together; the whole country has about 20 million
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Walked(NamedTuple):
    """Ways as `network.cut` takes them. A way of which the extract lacks nodes is several lines, without those.

    corners   RD New, metres, shape (corners, 2)
    line      the line of each corner, ascending from 0
    node      where lines meet: equal at the same node; -1 at a corner that one line has to itself and does not end at
    way       which way each line is of, shape (lines,)
    left_out  how many ways with `highway` are not walked, by the tag that says so
    torn      how many ways lack nodes, or have some outside the Netherlands
    """

    corners: Floats
    line: Ints
    node: Ints
    way: Ints
    left_out: Counter[str]
    torn: int


def read(path: Path, progress: Progress) -> Walked:
    """Read what one may walk, areas along their outlines: squares to walk on are ways, or relations of ways.

    raises  InvalidInput where the file is no .osm.pbf, damaged, or far too large
    """
    pbf.look_at(path)
    file = osmium.io.File(str(path), "pbf")
    try:
        left_out: Counter[str] = Counter()
        outlines = _outlines(file)
        refs, sizes = _refs(file, outlines, left_out, progress)
        number, which = np.unique(refs, return_inverse=True)
        spots = _spots(file, number, progress)
    except (RuntimeError, UnicodeDecodeError):  # all that the reader says of bytes that it cannot read
        raise pbf.broken() from None
    return _lines(which, np.repeat(np.arange(len(sizes)), sizes), spots, left_out)


def _outlines(file: osmium.io.File) -> set[int]:
    """Give the ways around areas that are walked and are relations; the ways themselves need not say so."""
    found: set[int] = set()
    for area in _each(file, RELATION, osmium.filter.KeyFilter("highway")):
        if area.tags.get("type") == "multipolygon" and walking.why_not(dict(area.tags)) is None:
            found.update(member.ref for member in area.members if member.type == "w")
    return found


def _each(file: osmium.io.File, kind: osm_entity_bits, which: Any) -> Iterator[Any]:
    """Read the elements of one kind that pass a filter."""
    return iter(osmium.FileProcessor(file, kind).with_filter(which))


def _refs(file: osmium.io.File, outlines: set[int], left_out: Counter[str], progress: Progress) -> tuple[Ints, Ints]:
    """Give the numbers of the nodes of all ways that are walked, one way after the other, and how many each has."""
    refs, sizes = array("q"), array("q")
    for nodes in _walked(file, outlines, left_out):
        refs.extend(nodes)
        sizes.append(len(nodes))
        if len(sizes) % 10_000 == 0:
            progress("reading ways", len(sizes), None)
        if len(refs) > MOST_CORNERS:
            reason = f"has ways with more than {MOST_CORNERS:,} corners: take a smaller extract"
            raise InvalidInput(f"This file {reason}.", Flaw("file", reason))
    progress("reading ways", len(sizes), len(sizes))
    return np.array(refs, dtype=np.int64), np.array(sizes, dtype=np.int64)


def _walked(file: osmium.io.File, outlines: set[int], left_out: Counter[str]) -> Iterator[list[int]]:
    """Give the nodes of each way that is walked; count the others."""
    around = outlines.copy()
    for way in _each(file, WAY, osmium.filter.KeyFilter("highway")):
        why = walking.why_not(dict(way.tags))
        if why and way.id not in around:
            left_out[why] += 1
        else:
            around.discard(way.id)
            yield [node.ref for node in way.nodes]
    if around:
        for way in _each(file, WAY, osmium.filter.IdFilter(around)):
            yield [node.ref for node in way.nodes]


def _spots(file: osmium.io.File, number: Ints, progress: Progress) -> Floats:
    """Give where nodes lie, by their number, ascending: degrees; NaN where it is not in the extract, or abroad."""
    spots = np.full((len(number), 2), np.nan)
    found, places = array("q"), array("d")
    if len(number):
        for node in _each(file, NODE, osmium.filter.IdFilter(number.tolist())):
            if node.location.valid():
                found.append(node.id)
                places.extend((node.lon, node.lat))
            if len(found) % 100_000 == 0:
                progress("reading places", len(found), len(number))
    spots[np.searchsorted(number, np.array(found, dtype=np.int64))] = np.array(places).reshape(-1, 2)
    west, south, east, north = NETHERLANDS
    here = (spots[:, 0] >= west) & (spots[:, 0] <= east) & (spots[:, 1] >= south) & (spots[:, 1] <= north)
    spots[~here] = np.nan
    progress("reading places", len(number), len(number))
    return spots


def _lines(which: Ints, way: Ints, spots: Floats, left_out: Counter[str]) -> Walked:
    """Cut ways where a node is missing, and say at which nodes lines meet."""
    there = np.isfinite(spots[which, 0])
    torn = len(np.unique(way[~there]))
    begins = np.ones(len(way), dtype=bool)
    begins[1:] = (way[1:] != way[:-1]) | ~there[:-1]
    line = np.cumsum(begins)[there]
    which, way = which[there], way[there]
    sizes = np.bincount(line)
    long = sizes[line] > 1
    which, way, line = which[long], way[long], np.unique(line[long], return_inverse=True)[1]
    ends = np.ones(len(line), dtype=bool)
    ends[1:-1] = (line[1:-1] != line[:-2]) | (line[1:-1] != line[2:])
    shared = np.bincount(which, minlength=len(spots)) > 1
    used = spots[which]
    corners = shapely.get_coordinates(to_rd(shapely.LineString(used))) if len(used) else used
    of = way[np.flatnonzero(np.diff(line, prepend=-1))]
    return Walked(corners, line, np.where(ends | shared[which], which, -1), of, left_out, torn)
