"""Where people live, as points: residents spread over a lattice inside the outline of their neighbourhood."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import Flaw, InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LATTICE_M = 100.0


class Demand(NamedTuple):
    """Points that stand for residents.

    xy         RD New, metres, shape (points, 2)
    residents  people at each point, >= 0, may be fractional, shape (points,)
    """

    xy: Floats
    residents: Floats


class Belongs(NamedTuple):
    """Which points lie in which area: pairs, because drawn areas may overlap. Both of shape (pairs,)."""

    point: Ints
    area: Ints


def points_by_area(belongs: Belongs, areas: int) -> list[Ints]:
    """Give the points of each area, ascending where they came so; an empty array for an area without points."""
    order = np.argsort(belongs.area, kind="stable")
    ends = np.searchsorted(belongs.area[order], np.arange(areas + 1))
    return np.split(belongs.point[order], ends[1:-1]) if areas else []


def lattice(outline: BaseGeometry, step_m: float = LATTICE_M) -> Floats:
    """Lay points inside an outline: the centres of the national squares of `step_m` metres whose centre lies in it.

    outline  RD New, metres
    returns  shape (points, 2); one inner point where the outline is too small to hold a centre
    raises   InvalidInput where the outline is empty, or in degrees rather than metres
    """
    if outline.is_empty:
        raise InvalidInput("An empty outline holds no points.", Flaw("outline", "is empty"))
    west, south, east, north = outline.bounds
    if max(abs(west), abs(north)) < 1000:
        raise InvalidInput("Outlines must be in RD New metres.", Flaw("outline", "looks like degrees"))
    columns = np.arange(np.floor(west / step_m), np.ceil(east / step_m)) * step_m + step_m / 2
    rows = np.arange(np.floor(south / step_m), np.ceil(north / step_m)) * step_m + step_m / 2
    xy = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    shapely.prepare(outline)
    inside = xy[shapely.intersects_xy(outline, xy[:, 0], xy[:, 1])]
    return inside if len(inside) else np.array(outline.representative_point().coords)


def spread(outlines: Sequence[BaseGeometry], residents: Sequence[float]) -> tuple[Demand, Belongs]:
    """Spread each area's residents evenly over its lattice.

    outlines   RD New, metres; areas may not overlap, or people in the overlap stand twice
    residents  people per area, >= 0
    returns    the points in order of area, and for each the area that it came from
    """
    points = [lattice(outline) for outline in outlines]
    sizes = np.array([len(each) for each in points], dtype=np.int64)
    area = np.repeat(np.arange(len(points)), sizes)
    people = np.repeat(np.asarray(residents, dtype=float) / np.maximum(sizes, 1), sizes)
    xy = np.concatenate(points) if points else np.empty((0, 2))
    return Demand(xy, people), Belongs(np.arange(len(area)), area)


def points_of(xy: Floats) -> NDArray[np.object_]:
    """Make a geometry of each row of coordinates; shape (points,)."""
    made: NDArray[np.object_] = np.asarray(shapely.points(xy), dtype=object).reshape(len(xy))
    return made


def inside(xy: Floats, outlines: Sequence[BaseGeometry]) -> Belongs:
    """Find which points lie in which outline, edges included; a point may lie in several or in none."""
    tree = shapely.STRtree(points_of(xy))
    area, point = tree.query(np.asarray(outlines, dtype=object), predicate="intersects")
    order = np.lexsort((area, point))
    return Belongs(point[order], area[order])
