"""A country in regions, each with as much around it that all sums about its own points and assets are exact.

T is the norm, r the metres as the crow flies that no walk of T goes beyond. What is told of a point i of the region:

- its supply and its crowding sum over the assets j within T of i: those within r of the region;
- of such a j, R_j and load_j sum over the points i' within T of j: those within r of j, so within 2 r of the region;
- of such an i', load_j needs the weights of all assets within T of i': those within 3 r of the region.

What is told of an asset within r of the region (load, crowding, lost_if_closed, gain_if_checked) needs no more. So
points within 2 r and assets within 3 r are enough. An asset that is an area may be within r by its edge and lie far
away by the rest of it: the boxes reach r and 2 r beyond it too.

The nearest asset has no bound. It is certain when it is no farther than the edge of the box that assets were taken
from, as all others lie beyond that edge. The points where it is not are asked again with a wider box.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geo.coverage.demand import Bools, Floats, Ints

CELL_M = 5_000.0  # points in no area are kept together in squares of this side
SLACK, SLACK_M = 1 + 1e-9, 0.01  # so that rounding leaves nobody out


class Halo(NamedTuple):
    """How far around each region is read, for one subject. Boxes are west, south, east, north; shape (regions, 4).

    demand  where points are read, assets: where assets are
    owner   the region that tells of each asset, shape (assets,); -1 where no point is within the norm of it
    """

    demand: Floats
    assets: Floats
    owner: Ints


def divide(xy: Floats, area: Ints, most: int) -> Ints:
    """Divide points into regions of about equally many, at most `most` where areas allow: no area is cut in two.

    xy       RD New, metres, shape (points, 2)
    area     of each point, -1 where it is in none, shape (points,)
    returns  the region of each point, from 0, shape (points,)
    """
    if not len(xy):
        return np.empty(0, dtype=np.int64)
    cells = np.unique(np.floor(xy[area < 0] / CELL_M), axis=0, return_inverse=True)[1].ravel()
    unit = area.copy()
    unit[area < 0] = area.max(initial=-1) + 1 + cells
    _, unit, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    middle = np.column_stack([np.bincount(unit, xy[:, side]) / sizes for side in (0, 1)])
    region = np.zeros(len(sizes), dtype=np.int64)
    waiting, made = [np.arange(len(sizes))], 0
    while waiting:
        units = waiting.pop()
        if len(units) == 1 or sizes[units].sum() <= most:
            region[units] = made
            made += 1
        else:
            waiting.extend(_halved(units, middle, sizes))
    return region[unit]


def _halved(units: Ints, middle: Floats, sizes: Ints) -> tuple[Ints, Ints]:
    """Cut across the longer side, so that about half of the points come on either side."""
    spread = np.ptp(middle[units], axis=0)
    inorder = units[np.argsort(middle[units, int(spread[1] > spread[0])], kind="stable")]
    filled = np.cumsum(sizes[inorder])
    at = int(np.searchsorted(filled, filled[-1] / 2)) + 1
    at = min(max(at, 1), len(units) - 1)
    return inorder[:at], inorder[at:]


def boxes(xy: Floats, region: Ints) -> Floats:
    """Give the box around the points of each region, shape (regions, 4)."""
    order = np.argsort(region, kind="stable")
    starts = np.flatnonzero(np.diff(region[order], prepend=-1))
    if not len(starts):
        return np.empty((0, 4))
    inorder = xy[order]
    return np.column_stack([np.minimum.reduceat(inorder, starts), np.maximum.reduceat(inorder, starts)])


def halo(regions: Floats, extents: Floats, reach_m: float) -> Halo:
    """Say how far around regions is read.

    regions  boxes around the points of each, shape (regions, 4)
    extents  boxes around the assets of the subject: a point where it is one, shape (assets, 4)
    reach_m  r, metres
    """
    demand = np.empty_like(regions)
    owner = np.full(len(extents), -1, dtype=np.int64)
    for at in range(len(regions) - 1, -1, -1):
        near = touching(extents, widened(regions[at], reach_m))
        owner[near] = at
        demand[at] = widened(around([regions[at : at + 1], extents[near]]), reach_m)
    return Halo(demand, widened(demand, reach_m), owner)


def widened(box: Floats, metres: float) -> Floats:
    """Give boxes that reach so many metres farther on all sides."""
    by = metres * SLACK + SLACK_M
    return np.asarray(box + np.array([-by, -by, by, by]))


def touching(extents: Floats, box: Floats) -> Bools:
    """Say which boxes have something in common with one, edges included; shape (extents,)."""
    west, south, east, north = extents.T
    touched: Bools = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    return touched


def around(boxes: Sequence[Floats]) -> Floats:
    """Give the box around all boxes, each of shape (some, 4); a point at the origin where there is none."""
    every = np.concatenate(boxes)
    if not len(every):
        return np.zeros(4)
    return np.concatenate([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)])


def covers(box: Floats, other: Floats) -> bool:
    """Say whether one box lies in another, edges included."""
    return bool((box[:2] <= other[:2]).all() and (box[2:] >= other[2:]).all())


def certain(xy: Floats, near_m: Floats, box: Floats, detour: float) -> Bools:
    """Say of which points the nearest asset is known for sure: all that were left out lie beyond the box.

    near_m   walking metres to the nearest of those in the box, inf where there is none, shape (points,)
    detour   the least walking metres per metre as the crow flies
    """
    to_edge = np.minimum(xy - box[:2], box[2:] - xy).min(axis=1, initial=np.inf)
    sure: Bools = near_m * SLACK + SLACK_M <= to_edge * detour
    return sure
