"""Who can walk to what: pairs of a demand point and an asset with the walking metres between them."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage import closest, grid
from geo.coverage.demand import Bools, Floats, Ints, refuse_degrees
from geo.coverage.places import Places
from geo.errors import Flaw, InvalidInput

CELL_M = 400.0
TURN_M = 2_000.0
FARTHEST_M = 1e9  # no two places are so far apart
ROUNDING = 1 + 1e-12  # a walk of exactly the limit is in, whatever the last bits of the product with the detour


class Pairs(NamedTuple):
    """Walks within a limit, by asset: asset a has point[start[a]:start[a+1]], ascending, at metres[...]; no pair twice.

    start   shape (assets + 1,)
    point   index of the demand point, shape (pairs,)
    metres  walking metres, >= 0, <= the limit, finite, shape (pairs,)
    """

    start: Ints
    point: NDArray[np.int32]
    metres: Floats


class Nearest(NamedTuple):
    """The nearest asset of each demand point. Both of shape (points,).

    asset   its index, of equally near ones the lowest; -1 where none is reached
    metres  walking metres; inf where none is reached
    """

    asset: Ints
    metres: Floats


class Walks(Protocol):
    """A way to walk from the demand points that it was made of. Assets with an area, and those that serve, included."""

    def pairs(self, places: Places, limit_m: float) -> Pairs:
        """Find all pairs of at most `limit_m` walking metres, the limit itself included. Arrays are the caller's."""

    def nearest(self, places: Places) -> Nearest:
        """Find the nearest asset of every demand point, however far. Arrays are the caller's."""

    def fallback(self) -> Bools:
        """Say of each point whether its walks are straight lines for want of a network; shape (points,)."""


Walked = Callable[[Ints], Pairs]  # gives the walks within the norm to some of the assets, by index


def walked(walks: Walks, places: Places, norm_m: float) -> Walked:
    """Walk to the assets that are asked for, when they are."""
    return lambda index: walks.pairs(places.take(index), norm_m)


def check(value: float, name: str) -> None:
    """Refuse a distance or factor that is no positive, finite number with InvalidInput."""
    if not (np.isfinite(value) and value > 0):
        raise InvalidInput(f"{name} must be a positive number.", Flaw(name, f"is {value}"))


def cell_order(xy: Floats) -> Ints:
    """Give the order in which demand points are summed fastest: by cell of 400 m, row by row; NaN last.

    xy       RD New, metres, shape (points, 2)
    returns  indexes, shape (points,); of points in one cell the lowest first, so that ordering twice changes nothing
    """
    return _by_cell(xy, CELL_M)


def turns(places: Places) -> Ints:
    """Give the order in which a point's sums run over the assets: by cell of 2 km, so that a cache holds what is used.

    Which cell an asset is in depends on its place alone, so that a part of the assets is summed in the same order.
    """
    return _by_cell(places.xy, TURN_M)


def _by_cell(xy: Floats, cell_m: float) -> Ints:
    cell = np.floor(xy / cell_m)
    return np.lexsort((cell[:, 0], cell[:, 1]))


class Line:
    """Straight lines times a detour. Made once of the demand points; quickest where they stand in `cell_order`."""

    def __init__(self, xy: Floats, detour: float) -> None:
        """Sort the points into cells.

        xy      RD New, metres, shape (points, 2); a point with a NaN is reached by what serves it, and nothing else
        detour  walking metres per metre as the crow flies
        raises  InvalidInput on a detour that is no positive number, and on degrees
        """
        check(detour, "detour")
        self.xy = np.ascontiguousarray(xy, dtype=float).reshape(-1, 2)
        refuse_degrees(self.xy, "demand")
        self.detour = float(detour)
        self.grid = grid.of(self.xy, CELL_M)

    def pairs(self, places: Places, limit_m: float) -> Pairs:
        """Find all pairs of at most `limit_m` walking metres. Raises InvalidInput on a limit that is not positive."""
        check(limit_m, "limit_m")
        limit = _limit(float(limit_m), self.detour)
        spots = _spots(places, len(self.xy))
        visits = grid.of(spots, TURN_M).place
        counts = np.zeros(places.count, dtype=np.int64)
        grid.count_within(self.grid, spots, visits, limit, counts)
        others = dict(self._others(places, limit))
        for asset, (point, _) in others.items():
            counts[asset] = len(point)
        start = np.concatenate([[0], np.cumsum(counts)])
        found = grid.Found(start, np.empty(start[-1], np.int32), np.empty(start[-1]))
        grid.fill_within(self.grid, self.xy, spots, visits, limit, found)
        for asset, (point, metres) in others.items():
            found.point[start[asset] : start[asset + 1]] = point
            found.metres[start[asset] : start[asset + 1]] = metres
        return Pairs(*found)

    def nearest(self, places: Places) -> Nearest:
        """Find the nearest asset of every demand point, however far."""
        asset, metres = np.full(len(self.xy), -1), np.full(len(self.xy), np.inf)
        spots = _spots(places, len(self.xy))
        closest.find_nearest(self.grid, grid.of(spots, grid.cell_for(spots)), self.detour, asset, metres)
        if any(not outline.is_empty for outline in places.areas.values()):
            self._nearer(places, asset, metres)
        for index, point in places.served.items():
            theirs = point[(metres[point] > 0) | (asset[point] > index)]
            asset[theirs], metres[theirs] = index, 0.0
        return Nearest(asset, metres)

    def fallback(self) -> Bools:
        """Say that no point has a network to fall back from."""
        return np.zeros(len(self.xy), dtype=bool)

    def among(self, points: Ints) -> "Line":
        """Give the walks of some of the points, which are then numbered as they stand in `points`."""
        return Line(self.xy[points], self.detour)

    def _others(self, places: Places, limit: grid.Limit) -> Iterator[tuple[int, tuple[Ints, Floats]]]:
        """Give the pairs of each asset that is no point: areas, and those that serve."""
        if places.areas:
            most = np.broadcast_to(limit.straight, max(len(self.xy), self.grid.rows))  # one number in memory
            for asset, outline in places.areas.items():
                point, metres = self._around(outline, most, most)
                within = metres <= limit.metres * ROUNDING
                yield asset, (point[within], np.minimum(metres[within], limit.metres))
        for asset, served in places.served.items():
            point = np.unique(served)
            yield asset, (point, np.zeros(len(point)))

    def _nearer(self, places: Places, asset: Ints, metres: Floats) -> None:
        """Lay the areas over the nearest spots. Only points nearer to an area's bounds than to anything else are asked.

        A corner of each area is no nearer than the area itself, so that the nearest corner says how far to look.
        """
        outlines = {index: outline for index, outline in sorted(places.areas.items()) if not outline.is_empty}
        corners = np.array([shapely.get_coordinates(outline)[0] for outline in outlines.values()])
        most = np.full(len(self.xy), np.inf)
        tips = grid.of(corners, grid.cell_for(corners))
        closest.find_nearest(self.grid, tips, self.detour, np.empty(len(most), np.int64), most)
        most = np.minimum(most, metres) / self.detour * ROUNDING
        row_most = grid.most_of_rows(self.grid, most)
        for index, outline in outlines.items():
            point, away = self._around(outline, most, row_most)
            nearer = (away < metres[point]) | ((away == metres[point]) & (index < asset[point]))
            theirs, away = point[nearer], away[nearer]
            asset[theirs], metres[theirs] = index, away
            most[theirs] = np.minimum(most[theirs], away / self.detour * ROUNDING)

    def _around(self, outline: BaseGeometry, most: Floats, row_most: Floats) -> tuple[Ints, Floats]:
        """Give, ascending, the points at most `most` metres from an area's bounds, and their walking metres to it."""
        near = np.empty(len(self.xy) + 1, np.int32)
        number = 0 if outline.is_empty else grid.near_box(self.grid, np.array(outline.bounds), most, row_most, near)
        point = np.sort(near[:number]).astype(np.int64)
        away: Floats = np.asarray(shapely.distance(outline, shapely.points(self.xy[point])))
        return point, away * self.detour


def _limit(limit_m: float, detour: float) -> grid.Limit:
    """Find the largest squared distance of which the root times the detour is within the limit, to the last bit."""
    most = min(limit_m, FARTHEST_M) * ROUNDING
    squared = (most / detour) ** 2
    while np.sqrt(np.nextafter(squared, np.inf)) * detour <= most:
        squared = float(np.nextafter(squared, np.inf))
    while np.sqrt(squared) * detour > most:
        squared = float(np.nextafter(squared, 0))
    return grid.Limit(limit_m, detour, squared, float(np.sqrt(squared)) * ROUNDING)


def _spots(places: Places, points: int) -> Floats:
    """Give where the assets are that are points, shape (assets, 2); NaN for all others."""
    for asset, served in places.served.items():
        strange = served[(served < 0) | (served >= points)]
        if len(strange):
            reason = f"names point {strange[0]} of {points}"
            raise InvalidInput(f"Asset {asset} serves point {strange[0]}, which there is not.", Flaw("served", reason))
    spots = places.xy.copy()
    spots[[*places.areas, *places.served]] = np.nan
    return spots
