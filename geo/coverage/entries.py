"""Where walks to an asset leave the street: at one point of it, or wherever an area can be entered."""

from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.coverage import snapping
from geo.coverage.demand import Bools, Floats, Ints
from geo.coverage.places import Places
from geo.coverage.snapping import Pieces

STEP_M = 25.0  # between places on the edge of an area from which the nearest street is sought


class Entries(NamedTuple):
    """Stretches of street at which walks may end: asset a has those from start[a] to start[a + 1].

    edge    the edge of the network, shape (entries,)
    low_m   the walk along the edge from its first node to where the stretch begins, and high_m to where it ends;
            the same for a point
    leg_m   the straight line from the stretch to the asset
    lost    assets that have a place, and no street near; shape (assets,)
    """

    start: Ints
    edge: Ints
    low_m: Floats
    high_m: Floats
    leg_m: Floats
    lost: Bools


def of(found: Pieces, places: Places, limit_m: float) -> Entries:
    """Find the entries of all assets; one without a place, or with no street within `limit_m` metres, has none.

    A point has one: the nearest point of a street. An area is reached when any place in it is: it is entered, at no
    distance, along every stretch of street in it, and from the street that is nearest to each place on its edge (one
    in 25 metres is tried).
    """
    point = snapping.snap(found, places.xy, limit_m)
    edge, low, high, leg = point.edge.copy(), point.offset_m, point.offset_m, point.leg_m
    outlines = sorted(places.areas.items())
    edge[[asset for asset, _ in outlines]] = -1
    by_point = np.flatnonzero(edge >= 0)
    owner = [by_point]
    parts = [np.stack((edge, low, high, leg))[:, by_point]]
    for asset, outline in outlines:
        ways = _into(found, outline, limit_m)
        owner.append(np.full(ways.shape[1], asset))
        parts.append(ways)
    owners, all_ways = np.concatenate(owner), np.concatenate(parts, axis=1)
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=places.count)
    placed = np.array(np.isfinite(places.xy).all(axis=1), dtype=bool)
    placed[[asset for asset, _ in outlines]] = True
    edges, lows, highs, legs = all_ways[:, order]
    start = np.concatenate(([0], np.cumsum(counts)))
    return Entries(start, edges.astype(np.int64), lows, highs, legs, placed & (counts == 0))


def _into(found: Pieces, outline: BaseGeometry, limit_m: float) -> Floats:
    """Give edge, low_m, high_m and leg_m of the ways into an area, shape (4, ways)."""
    area = outline if outline.is_valid else shapely.make_valid(outline)
    rim = shapely.get_coordinates(shapely.segmentize(area, STEP_M))
    near = snapping.snap(found, rim, limit_m)
    reached = near.edge >= 0
    beside = np.stack((near.edge, near.offset_m, near.offset_m, near.leg_m))[:, reached]
    return np.concatenate((_within(found, area), np.unique(beside, axis=1)), axis=1)


def _within(found: Pieces, area: BaseGeometry) -> Floats:
    """Give the stretches of street in an area, as `_into` does."""
    near = snapping.around(found, area.bounds)
    ends = found.xy[near].reshape(-1, 2, 2)
    lines = np.asarray(shapely.linestrings(ends), dtype=object)
    shapely.prepare(area)
    meets = shapely.intersects(area, lines)
    near, ends, lines = near[meets], ends[meets], lines[meets]
    held = shapely.intersection(lines, area)
    parts, of_line = shapely.get_parts(held, return_index=True)
    corner, of_part = shapely.get_coordinates(parts, return_index=True)
    along = np.hypot(*(corner - ends[of_line[of_part], 0]).T)
    low, high = np.full(len(parts), np.inf), np.full(len(parts), -np.inf)
    np.minimum.at(low, of_part, along)
    np.maximum.at(high, of_part, along)
    piece = near[of_line]
    far, pace = found.far[piece], found.pace[piece]
    return np.stack((found.edge[piece], far + low * pace, far + high * pace, np.zeros(len(piece))))
