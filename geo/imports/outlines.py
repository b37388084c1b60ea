"""Outlines as they come: mended where they cross themselves, and looked over for where they overlap or leave gaps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.checks import NETHERLANDS

TOLD = 0.01  # the share of an area from which an overlap or a gap is told one by one
LEAST_M2 = 1.0  # what is smaller is how the last digits of coordinates fall
HAIR_M = 0.01  # an opening as narrow as this leaves a hole a hole,
MOST_CORNERS = 50_000  # where there are not so many of them that looking for hairs takes longer than all the rest
POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
RD_BOUNDS = (-10_000.0, 290_000.0, 300_000.0, 640_000.0)  # west, south, east, north of the country, metres
Shapes = NDArray[np.object_]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Mended(NamedTuple):
    """Outlines without crossings; those that were sound are as they came.

    moved_m2   how much area lies elsewhere than it was drawn (as a map fills it), 0 where nothing was mended
    mended     which were not sound
    """

    shapes: Shapes
    moved_m2: Floats
    mended: Flags


class Overlap(NamedTuple):
    """Two areas (by index) that both hold some square metres, and what share of the smaller one these are."""

    one: int
    other: int
    m2: float
    share: float


class Gap(NamedTuple):
    """A hole that areas enclose and none holds: the areas around it, and its share of the smallest of them."""

    around: tuple[int, ...]
    m2: float
    share: float


def flaws(shapes: Shapes) -> list[str]:
    """Say for each geometry why it cannot be an outline; empty where it can."""
    told = [
        "" if kind in POLYGONS else _kind(shape)
        for kind, shape in zip(shapely.get_type_id(shapes), shapes, strict=True)
    ]
    empty, odd = shapely.is_empty(shapes), ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    for at in np.flatnonzero(empty | odd):
        told[at] = told[at] or ("is empty" if empty[at] else "holds a coordinate that is no number")
    return told


def _kind(shape: BaseGeometry | None) -> str:
    return "is missing" if shape is None else f"is a {shape.geom_type}, not a polygon"


def mend(shapes: Shapes) -> Mended:
    """Take crossings out of outlines in metres, and leave what is no area (stray lines and points) out.

    An outline of which nothing is left is empty. Rings keep their role: holes stay holes.
    """
    wrong = ~shapely.is_valid(shapes)
    sound, moved = shapes.copy(), np.zeros(len(shapes))
    sound[wrong] = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
    drawn = [_areal(shape) for shape in shapely.make_valid(shapes[wrong], method="linework")]
    moved[wrong] = shapely.area(shapely.symmetric_difference(sound[wrong], drawn))
    return Mended(sound, moved, wrong)


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """Keep only what has an area."""
    parts: list[Any] = [part for part in shapely.get_parts(shape) if shapely.get_type_id(part) in POLYGONS]
    return shapely.union_all(parts)


def overlaps(shapes: Shapes) -> list[Overlap]:
    """Find every pair of sound outlines (metres) that share more than a square metre, the largest first."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = one < other
    one, other = one[once], other[once]
    m2, areas = shapely.area(shapely.intersection(shapes[one], shapes[other])), shapely.area(shapes)
    share = m2 / np.minimum(areas[one], areas[other])
    found = [
        Overlap(int(one[at]), int(other[at]), float(m2[at]), float(share[at])) for at in np.flatnonzero(m2 > LEAST_M2)
    ]
    return sorted(found, key=lambda overlap: (-overlap.m2, overlap))


def gaps(shapes: Shapes, whole: Sequence[BaseGeometry]) -> list[Gap]:
    """Find every hole of more than a square metre between sound outlines (metres), the largest first.

    whole   outlines that together cover all that is no gap: these ones or unions of them, and water between them
    """
    hair = HAIR_M if shapely.get_num_coordinates(list(whole)).sum() < MOST_CORNERS else None
    parts = shapely.get_parts(shapely.union_all(list(whole), grid_size=hair))
    rings = [ring for part in parts for ring in part.interiors]
    holes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    m2, areas = shapely.area(holes), shapely.area(shapes)
    hole, beside = shapely.STRtree(shapes).query(holes, "dwithin", 2 * HAIR_M) if len(holes) else ([], [])
    around: dict[int, list[int]] = {}
    for at, index in zip(hole, beside, strict=True):
        around.setdefault(int(at), []).append(int(index))
    found = [
        Gap(tuple(sorted(indexes)), float(m2[at]), float(m2[at] / min(areas[indexes])))
        for at, indexes in around.items()
        if m2[at] > LEAST_M2
    ]
    return sorted(found, key=lambda gap: (-gap.m2, gap))


def misplaced(shapes: Shapes, *, degrees: bool) -> list[str]:
    """Say for each outline why it cannot lie where its file says; empty where it can.

    degrees   whether the file says so (WGS 84, longitude first); else it says RD New, metres
    """
    right, other = (NETHERLANDS, RD_BOUNDS) if degrees else (RD_BOUNDS, NETHERLANDS)
    bounds = shapely.bounds(shapes)
    swapped = bounds[:, [1, 0, 3, 2]]
    called, otherwise = ("WGS 84 degrees", "RD New metres") if degrees else ("RD New metres", "WGS 84 degrees")
    causes = (
        (_within(bounds, right), ""),
        (_within(swapped, right), f"has its axes swapped: {called} have {'longitude' if degrees else 'x'} first"),
        (_within(bounds, other), f"is in {otherwise}, though the file says {called}: give the file its right CRS"),
        (_within(swapped, other), f"is in {otherwise} with its axes swapped, though the file says {called}"),
    )
    told = np.full(len(shapes), "lies outside the Netherlands", dtype=object)
    for fits, cause in reversed(causes):
        told[fits] = cause
    return list(told)


def _within(bounds: Floats, frame: tuple[float, float, float, float]) -> Flags:
    west, south, east, north = frame
    inside: Flags = (bounds[:, 0] >= west) & (bounds[:, 1] >= south) & (bounds[:, 2] <= east) & (bounds[:, 3] <= north)
    return inside
