"""Outlines as they come: mended where they cross themselves, and looked over for where they overlap or leave gaps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.checks import NETHERLANDS
from geo.errors import Flaw, InvalidInput

TOLD = 0.01  # the share of an area from which an overlap or a gap is told one by one
LEAST_M2 = 1.0  # what is smaller is how the last digits of coordinates fall
HAIR_M = 0.01  # an opening as narrow as this leaves a hole a hole,
MOST_CORNERS = 50_000  # where there are not so many of them that looking for hairs takes longer than all the rest
MOST_CROSSINGS = 1_000  # of one outline with itself: no mistake gives more, and the time to mend grows by their square
TANGLE = (
    f"crosses itself more than {MOST_CROSSINGS:,} times, so nobody can say what it encloses: perhaps its corners are "
    "not in their order"
)
LONG = 10_000  # corners, from which even to find out whether a tangle is sound may take many seconds
MOST_PAIRS = 20  # of areas that meet, for each area: neighbours give about three
FEW_PAIRS = 2_000  # that may always be looked at
AT_ONCE = 1_000_000  # pairs that are held in memory
POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
RD_BOUNDS = (-10_000.0, 290_000.0, 300_000.0, 640_000.0)  # west, south, east, north of the country, metres
Shapes = NDArray[np.object_]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Mended(NamedTuple):
    """Outlines without crossings; those that were sound are as they came.

    moved_m2   how much area lies elsewhere than it was drawn (as a map fills it), 0 where nothing was mended
    mended     which were not sound
    tangled    which cross themselves so often that nobody can say what they enclose: left empty
    """

    shapes: Shapes
    moved_m2: Floats
    mended: Flags
    tangled: Flags


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
    for at in np.flatnonzero(shapely.get_num_coordinates(shapes) > LONG):
        told[at] = told[at] or (TANGLE if _is_tangled(shapes[at]) else "")
    return told


def _kind(shape: BaseGeometry | None) -> str:
    return "is missing" if shape is None else f"is a {shape.geom_type}, not a polygon"


def mend(shapes: Shapes) -> Mended:
    """Take crossings out of outlines in metres, and leave what is no area (stray lines and points) out.

    An outline of which nothing is left is empty. Rings keep their role: holes stay holes.
    """
    long = shapely.get_num_coordinates(shapes) > LONG
    tangled, wrong = np.zeros(len(shapes), dtype=bool), np.ones(len(shapes), dtype=bool)
    tangled[long] = [_is_tangled(shape) for shape in shapes[long]]
    wrong[~tangled] = ~shapely.is_valid(shapes[~tangled])
    unsure = wrong & ~long
    tangled[unsure] = [_is_tangled(shape) for shape in shapes[unsure]]
    sound, moved = shapes.copy(), np.zeros(len(shapes))
    sound[tangled] = shapely.Polygon()
    torn = wrong & ~tangled
    sound[torn] = shapely.make_valid(shapes[torn], method="structure", keep_collapsed=False)
    drawn = [_areal(shape) for shape in shapely.make_valid(shapes[torn], method="linework")]
    moved[torn] = shapely.area(shapely.symmetric_difference(sound[torn], drawn))
    return Mended(sound, moved, wrong, tangled)


def _is_tangled(shape: BaseGeometry) -> bool:
    """Say whether an outline crosses itself more often than any mistake gives; it stops counting there."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    sides = shapely.linestrings(np.stack((corners[:-1], corners[1:]), axis=1)[ring[:-1] == ring[1:]])
    tree, step = shapely.STRtree(sides), max(5, AT_ONCE // (5 * max(1, len(sides))))
    most = 2 * MOST_CROSSINGS + 3 * len(sides)  # each side meets itself and the two beside it
    met = 0
    for first in range(0, len(sides), step):
        met += tree.query(sides[first : first + step], predicate="intersects").shape[1]
        if met > most:
            return True
    return False


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """Keep only what has an area."""
    parts: list[Any] = [part for part in shapely.get_parts(shape) if shapely.get_type_id(part) in POLYGONS]
    return shapely.union_all(parts)


def overlaps(shapes: Shapes) -> list[Overlap]:
    """Find every pair of sound outlines (metres) that share more than a square metre, the largest first.

    raises InvalidInput where the outlines lie on top of each other, so that there is no end of pairs
    """
    tree, areas = shapely.STRtree(shapes), shapely.area(shapes)
    step, most, met = max(1, AT_ONCE // max(1, len(shapes))), max(FEW_PAIRS, MOST_PAIRS * len(shapes)), 0
    found: list[Overlap] = []
    for first in range(0, len(shapes), step):
        one, other = tree.query(shapes[first : first + step], predicate="intersects")
        one = one + first
        once = one < other
        one, other = one[once], other[once]
        met += len(one)
        if met > most:
            raise InvalidInput(
                f"The areas of this file lie on top of each other: more than {most:,} pairs of {len(shapes):,} areas "
                "meet. Perhaps it holds several years, levels or layers: take one of them.",
                Flaw("geometry", "the areas lie on top of each other"),
            )
        m2 = shapely.area(shapely.intersection(shapes[one], shapes[other]))
        share = m2 / np.minimum(areas[one], areas[other])
        large = np.flatnonzero(m2 > LEAST_M2)
        found += [Overlap(int(one[at]), int(other[at]), float(m2[at]), float(share[at])) for at in large]
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
