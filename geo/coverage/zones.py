"""Which points lie in which area: neighbourhoods at every level, and areas that somebody drew."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage import cells
from geo.coverage.demand import Floats, Ints
from geo.coverage.rows import distinct, gathered, spelled, whole

HOLE_M = 250.0
MANY = 1000  # points, from which a grid pays


class Zones(NamedTuple):
    """Which points lie in which area: area a holds point[start[a]:start[a+1]], ascending; a point may lie in several.

    start  shape (areas + 1,)
    point  shape (pairs,)
    """

    start: Ints
    point: Ints


def of_pairs(point: Ints, area: Ints, areas: int) -> Zones:
    """Put pairs of a point and an area in order of area, then point, in linear time; of equal ones one is kept.

    point, area  shape (pairs,), in any order; a pair whose area is -1 (no area) is left out
    areas        how many areas there are; one without points holds nothing
    """
    points = int(point.max()) + 1 if len(point) else 0
    start, held = gathered(whole(point), whole(area), points)
    return Zones(*distinct(*gathered(held, spelled(start), areas)))


def plain(zones: Zones) -> Zones:
    """Give zones in the layout that the machine code is made for; see `rows.whole`."""
    return Zones(whole(zones.start), whole(zones.point))


def turned(zones: Zones, points: int) -> Zones:
    """Turn areas of points into points of areas: start has shape (points + 1,), `point` holds areas, ascending."""
    return Zones(*gathered(whole(zones.point), spelled(whole(zones.start)), points))


def taken(zones: Zones, rows: Ints) -> Zones:
    """Keep some rows of a table, in the order asked: of areas what they hold, or of points (turned) where they lie."""
    length = np.diff(zones.start)[rows]
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(length)])
    steps = np.arange(start[-1]) - np.repeat(start[:-1], length)
    return Zones(start, zones.point[np.repeat(zones.start[rows], length) + steps])


def inside(xy: Floats, outlines: Sequence[BaseGeometry]) -> tuple[Ints, Ints]:
    """Find which points lie in which outline, edges included; a point may lie in several or in none.

    xy       RD New, metres, shape (points, 2)
    returns  pairs (point, area) in order of point, then area
    """
    tree = shapely.STRtree(_points(np.asarray(xy, dtype=float).reshape(-1, 2)))
    area, point = tree.query(np.asarray(outlines, dtype=object), predicate="intersects")
    order = np.lexsort((area, point))
    return point[order], area[order]


def holding(xy: Floats, outlines: Sequence[BaseGeometry], hole_m: float = HOLE_M) -> Ints:
    """Find the one area of each point: the lowest index in an overlap, the nearest outline in a hole between them.

    xy        RD New, metres, shape (points, 2)
    outlines  valid polygons, RD New; edges are included
    hole_m    how far a point in no outline may lie from the one it is given to, metres, inclusive; ties: lowest index
    returns   shape (points,); -1 where no outline is that near, and for a point with a NaN
    """
    spots = np.require(xy, np.float64, ["C", "W"]).reshape(-1, 2)
    found = cells.holding(spots, outlines) if len(spots) >= MANY else np.full(len(spots), cells.UNSURE)
    unsure = np.flatnonzero(found == cells.UNSURE)
    found[unsure] = -1
    point, area = inside(spots[unsure], outlines)
    found[unsure[point[::-1]]] = area[::-1]  # the lowest is written last
    lost = np.flatnonzero(found < 0)
    lost = lost[np.isfinite(spots[lost]).all(axis=1)]
    if len(lost) and len(outlines) and hole_m > 0:
        point, area = _nearest(spots[lost], outlines, hole_m)
        found[lost[point[::-1]]] = area[::-1]
    return found


def _nearest(xy: Floats, outlines: Sequence[BaseGeometry], limit_m: float) -> tuple[Ints, Ints]:
    """Pair points with the outlines nearest to them within a limit, in order of point, then outline."""
    tree = shapely.STRtree(np.asarray(outlines, dtype=object))
    point, area = tree.query_nearest(_points(xy), max_distance=limit_m, all_matches=True)
    order = np.lexsort((area, point))
    return point[order], area[order]


def _points(xy: Floats) -> NDArray[np.object_]:
    return np.asarray(shapely.points(xy), dtype=object).reshape(len(xy))
