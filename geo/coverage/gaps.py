"""From points to neighbourhoods: what one kind or service leaves uncovered, and what is nearest."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage import measures, walks
from geo.coverage.demand import Belongs, Bools, Demand, Ints, points_by_area
from geo.coverage.walks import Nearest, Walks


class Places(NamedTuple):
    """The assets of all kinds together, as indexes refer to them.

    shapes   of those with a place: points or areas, RD New; None for those without
    served   pairs (point, asset) of residents whose neighbourhood an asset without a place says it serves
    inside   distinct pairs area * len(shapes) + asset of assets that lie in an area
    """

    shapes: Sequence[BaseGeometry | None]
    served: Walks
    inside: Ints


class Reach(NamedTuple):
    """Everything that holds for all subjects of one run.

    known   whether the residents of an area are known at all, shape (areas,)
    """

    demand: Demand
    belongs: Belongs
    known: Bools
    places: Places
    walks: Walks
    detour: float


class Gap(NamedTuple):
    """One neighbourhood and one subject. People and metres are None where nobody lives or nothing is known."""

    residents: float | None
    covered: float | None
    covered_share: float | None
    uncovered: float | None
    covered_by_catchment: float | None
    median_m: float | None
    nearest: int | None
    nearest_m: float | None
    assets_in_reach: int
    assets_across_border: int


def reach(
    demand: Demand, belongs: Belongs, known: Bools, places: Places,
    norm_m: float, detour: float,
) -> Reach:  # fmt: skip
    """Walk once for all subjects: every pair of a demand point and an asset with a place, within the norm."""
    placed = np.array([i for i, shape in enumerate(places.shapes) if shape is not None], dtype=np.int64)
    found = walks.within(demand.xy, [s for s in places.shapes if s is not None], norm_m, detour)
    there = Walks(found.point, placed[found.asset] if len(placed) else found.asset, found.metres)
    return Reach(demand, belongs, known, places, there, detour)


def gaps(given: Reach, subject: Ints) -> list[Gap]:
    """Compute every area's gap for the assets of one subject.

    subject  indexes of its assets, ascending
    returns  one Gap an area, in the order of `belongs.area`
    """
    points, areas = len(given.demand.residents), len(given.known)
    people = given.demand.residents
    near = _nearest(given, subject)
    walked = walks.of_assets(given.walks, subject)
    served = walks.of_assets(given.places.served, subject)
    by_walk, by_catchment = measures.covered(walked, points), measures.covered(served, points)
    within = by_walk | by_catchment
    sums = [
        measures.sums(people * chosen, given.belongs, areas)
        for chosen in (np.ones(points), within, ~within, by_catchment & ~by_walk)
    ]
    medians = measures.medians(np.where(by_catchment, 0.0, near.metres), people, given.belongs, areas)
    mains = _mains(given, near, within)
    counts = _counts(given, walks.join(walked, served), walked)
    return [
        _gap([float(each[i]) for each in sums], float(medians[i]), mains[i], counts[i])
        if given.known[i] and sums[0][i] > 0
        else Gap(None, None, None, None, None, None, None, None, *counts[i])
        for i in range(areas)
    ]


def _gap(sums: Sequence[float], median: float, main: tuple[int, float] | None, counts: tuple[int, int]) -> Gap:
    residents, covered, uncovered, by_catchment = sums
    nearest, nearest_m = main or (None, None)
    finite = median if np.isfinite(median) else None
    return Gap(residents, covered, covered / residents, uncovered, by_catchment, finite, nearest, nearest_m, *counts)


def _nearest(given: Reach, subject: Ints) -> Nearest:
    """Find the nearest asset with a place, as an index among all assets."""
    placed = [int(i) for i in subject if given.places.shapes[i] is not None]
    shapes = [shape for i in placed if (shape := given.places.shapes[i]) is not None]
    found = walks.nearest(given.demand.xy, shapes, given.detour)
    index = np.append(np.array(placed, dtype=np.int64), -1)  # so that "none" stays -1
    return Nearest(index[found.asset], found.metres)


def _mains(given: Reach, near: Nearest, within: Bools) -> list[tuple[int, float] | None]:
    """Name for each area the asset nearest to most of its uncovered residents; of all where none is."""
    mains = []
    for points in points_by_area(given.belongs, len(given.known)):
        beyond = points[~within[points] & (given.demand.residents[points] > 0)]
        mains.append(measures.main_nearest(near, given.demand.residents, beyond if len(beyond) else points))
    return mains


def _counts(given: Reach, reached: Walks, walked: Walks) -> list[tuple[int, int]]:
    """Count for each area the assets in reach, and those of them that have their place outside it."""
    areas, assets = len(given.known), len(given.places.shapes)
    all_pairs = measures.in_reach(reached, given.belongs, assets)
    placed = measures.in_reach(walked, given.belongs, assets)
    outside = ~np.isin(placed[:, 0] * max(assets, 1) + placed[:, 1], given.places.inside)
    total = np.bincount(all_pairs[:, 0], minlength=areas)
    across = np.bincount(placed[outside, 0], minlength=areas)
    return [(int(t), int(a)) for t, a in zip(total, across, strict=True)]
