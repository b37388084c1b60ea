"""What the walks mean for people: arrays in, arrays out. Definitions: docs/coverage.md."""

import numpy as np

from geo.coverage.demand import Belongs, Bools, Floats, Ints, points_by_area
from geo.coverage.walks import Nearest, Walks


def covered(walks: Walks, points: int) -> Bools:
    """Say of each demand point whether any asset is within the limit of the walks; shape (points,)."""
    within = np.zeros(points, dtype=bool)
    within[walks.point] = True
    return within


def sums(values: Floats, belongs: Belongs, areas: int) -> Floats:
    """Add up a value of the points for each area; shape (areas,), 0 where an area has no points."""
    return np.bincount(belongs.area, values[belongs.point], minlength=areas).astype(float)


def median(values: Floats, weights: Floats) -> float:
    """Give the smallest value below or at which at least half of all weight lies.

    values   shape (n,), inf allowed
    weights  shape (n,), >= 0
    returns  inf where that much weight lies at inf, or where there is no weight at all
    """
    if not weights.sum() > 0:
        return float("inf")
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2 * (1 - 1e-12))])


def medians(values: Floats, weights: Floats, belongs: Belongs, areas: int) -> Floats:
    """Give the weighted median of each area; shape (areas,), inf where there is none."""
    points = points_by_area(belongs, areas)
    return np.array([median(values[each], weights[each]) for each in points], dtype=float)


def in_reach(walks: Walks, belongs: Belongs, assets: int) -> Ints:
    """List the distinct pairs (area, asset) in which some point of the area can walk to the asset; shape (pairs, 2)."""
    first = np.searchsorted(walks.point, belongs.point, side="left")
    count = np.searchsorted(walks.point, belongs.point, side="right") - first
    steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    asset = walks.asset[np.repeat(first, count) + steps]
    pairs = np.unique(np.repeat(belongs.area, count) * max(assets, 1) + asset)
    return np.stack(np.divmod(pairs, max(assets, 1)), axis=1)


def main_nearest(near: Nearest, weights: Floats, points: Ints) -> tuple[int, float] | None:
    """Among some points, find the asset that is nearest to most residents, and the median walk of those to it.

    returns  (index, metres); None where no resident has any asset; of equals the lowest index
    """
    reached = points[(near.asset[points] >= 0) & (weights[points] > 0)]
    if not len(reached):
        return None
    people = np.bincount(near.asset[reached], weights[reached])
    asset = int(people.argmax())
    theirs = reached[near.asset[reached] == asset]
    return asset, median(near.metres[theirs], weights[theirs])
