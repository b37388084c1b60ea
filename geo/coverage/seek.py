"""What is nearest to points that have nothing within the norm, found again when assets come, move and go."""

from functools import partial
from typing import Protocol

import numpy as np
import shapely

from geo.coverage import grid, ring
from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats
from geo.coverage.far import take
from geo.coverage.grid import Grid, Shorts
from geo.coverage.measures import Reached
from geo.coverage.policy import Policy
from geo.coverage.ring import LESS
from geo.coverage.roster import SPOT, Roster, State, Undo
from geo.coverage.walks import ROUNDING, Line, Pairs, Walks

AS_THE_CROW = 1 - 1e-6  # walking metres per metre as the crow flies, at least, but for rounding
MOST_ASKED, FARTHEST_ASKED_M = 100, 12_800.0  # where it is more, one search from all assets is quicker
APART_M = 1e-3  # more than rounding makes of a length


class Seek(Protocol):
    """A way to find what is nearest. Assets are named by slot, and stand in the roster."""

    least: float  # walking metres per metre as the crow flies: no walk is shorter

    def within(self, state: State) -> tuple[Shorts, Floats]:
        """Walk to one asset, as far as the norm: the points that reach it, ascending, and how far they are."""

    def enter(self, slot: int, undo: Undo) -> None:
        """Take note of an asset that has come."""

    def leave(self, slot: int, undo: Undo) -> None:
        """Take note that an asset goes."""

    def search(self, points: Shorts) -> None:
        """Write what of all is nearest to points that have nothing within the norm, and how far."""

    def metres(self, slot: int, points: Shorts, came: Shorts, /) -> Floats:
        """Measure the walks from points to one asset; inf will do where another is nearer.

        came  all assets that came in the same turn as this one; what is nearest to the points is known but for those
        """


class SeekByLine:
    """By straight lines times a detour: spots are searched ring by ring, areas that may be nearer are measured."""

    def __init__(self, walks: Line, roster: Roster, reached: Reached, policy: Policy) -> None:
        self.least = walks.detour
        self._walks, self._roster, self._reached, self._norm_m = walks, roster, reached, policy.norm_m
        self._ring = ring.of(roster.rows)

    def within(self, state: State) -> tuple[Shorts, Floats]:
        """Walk to one asset, as far as the norm: what `Line.pairs` gives, a spot much faster."""
        if state.xy is None or state.area is not None or state.served is not None:
            pairs = self._walks.pairs(state.places(), self._norm_m)
            return pairs.point, pairs.metres
        return _within(self._walks.grid, *state.xy, self._norm_m, self._walks.detour)

    def enter(self, slot: int, undo: Undo) -> None:
        """Take note of an asset that has come."""
        if self._roster.rows.kind[slot] == SPOT:
            x, y = self._roster.rows.xy[slot]
            self._put(slot, x, y)
            undo.append(partial(self._take, slot, x, y))

    def leave(self, slot: int, undo: Undo) -> None:
        """Take note that an asset goes."""
        if self._roster.rows.kind[slot] == SPOT:
            x, y = self._roster.rows.xy[slot]
            self._take(slot, x, y)
            undo.append(partial(self._put, slot, x, y))

    def _put(self, slot: int, x: float, y: float) -> None:
        more = len(self._roster.rows.rank) - len(self._ring.after)
        if more:
            after = np.concatenate([self._ring.after, np.full(more, ring.NONE, np.int32)])
            self._ring = self._ring._replace(after=after)
        ring.enter(self._ring, slot, x, y)

    def _take(self, slot: int, x: float, y: float) -> None:
        ring.leave(self._ring, slot, x, y)

    def search(self, points: Shorts) -> None:
        """Write what of all is nearest, and how far."""
        rows, xy, detour = self._roster.rows, self._walks.xy, self._walks.detour
        ring.search(self._ring, rows, points, xy, detour, self._reached)
        areas = np.array([*self._roster.areas], dtype=np.int32)
        if len(areas):
            point, slot = _perhaps(points, areas, rows.box, xy, self.least, self._reached)
            outlines = np.array([self._roster.areas[each] for each in slot], dtype=object)
            take(point, slot, shapely.distance(outlines, shapely.points(xy[point])) * detour, rows.rank, self._reached)

    def metres(self, slot: int, points: Shorts, _came: Shorts, /) -> Floats:
        """Measure the walks from points to one asset."""
        xy, outline = self._walks.xy[points], self._roster.areas.get(slot)
        if outline is not None:
            return np.asarray(shapely.distance(outline, shapely.points(xy))) * self._walks.detour
        x, y = (xy - self._roster.rows.xy[slot]).T
        straight: Floats = np.sqrt(x**2 + y**2)
        return straight * self._walks.detour


class SeekByWalks:
    """By walks of any kind, asked for as few assets, and as short, as will do.

    Points whose nearest asset went ask those around, farther and farther off. A new asset is asked as far as it may be
    nearer to anything. Then there are points that nothing reaches: that a new asset does not reach them either, only a
    search through all of the network can tell, or a witness (`_joins`).
    """

    def __init__(self, walks: Walks, roster: Roster, reached: Reached, xy: Floats, policy: Policy) -> None:
        self.least = AS_THE_CROW
        self._walks, self._roster, self._reached, self._xy, self._policy = walks, roster, reached, xy, policy
        self._fallback = walks.fallback()

    def within(self, state: State) -> tuple[Shorts, Floats]:
        """Walk to one asset, as far as the norm."""
        pairs = self._walks.pairs(state.places(), self._policy.norm_m)
        return pairs.point, pairs.metres

    def enter(self, slot: int, undo: Undo) -> None:
        """Take note of nothing: all is in the roster."""

    def leave(self, slot: int, undo: Undo) -> None:
        """Take note of nothing."""

    def search(self, points: Shorts) -> None:
        """Write what of all is nearest, and how far."""
        near_m, rank = self._reached.near_m, self._roster.rows.rank
        before = near_m[points][near_m[points] < np.inf]
        near_m[points], self._reached.nearest[points] = np.inf, -1
        limit_m = 2 * float(before.max(initial=self._policy.norm_m))
        while len(points):
            slots = self._around(points, limit_m)
            if limit_m > FARTHEST_ASKED_M or len(slots) > MOST_ASKED:
                self._search_all(points)
                return
            start, point, metres = self._walks.pairs(self._roster.some(slots), limit_m)
            slot, asked = np.repeat(slots, np.diff(start)), np.isin(point, points)
            take(point[asked], slot[asked], metres[asked], rank, self._reached)
            points = points[near_m[points] == np.inf]
            limit_m *= 2

    def metres(self, slot: int, points: Shorts, came: Shorts, /) -> Floats:
        """Measure the walks from points to one asset, as far as it may be the nearest."""
        most, one = self._reached.near_m[points], self._roster.some(np.array([slot]))
        limit_m = float(most[most < np.inf].max(initial=self._policy.norm_m))
        found = self._walks.pairs(one, limit_m)
        metres = np.full(len(points), np.inf)
        at = np.searchsorted(found.point, points)
        hit = np.append(found.point, -1)[at] == points
        metres[hit] = found.metres[at[hit]]
        lost = most == np.inf
        if lost.any() and not self._joins(slot, found, came):
            metres[lost] = self._walks.nearest(one).metres[points[lost]]
        return metres

    def _joins(self, slot: int, found: Pairs, came: Shorts) -> bool:
        """Say whether an asset surely hangs together with one that was there before: it reaches nothing unreached then.

        The witness is a point with a street near, from which both can be walked to along streets. It has a way to the
        older one, or that has no street near: then all points reach it by straight lines, and nothing is unreached. To
        the new one it has a way where its walk is not the straight line times the detour, as without a street near.
        """
        rows, reached, points = self._roster.rows, self._reached, found.point
        other = reached.nearest[points]
        older = (other >= 0) & ~np.isin(other, came) & (reached.near_m[points] > 0) & ~self._fallback[points]
        straight = np.hypot(*(self._xy[points] - rows.xy[slot]).T) * self._policy.detour
        along = (found.metres > 0) & (np.abs(found.metres - straight) > APART_M)
        return bool(rows.kind[slot] == SPOT and (older & along).any())

    def _around(self, points: Shorts, limit_m: float) -> Shorts:
        """List the assets that may be within a limit of any of these points."""
        low, high = self._xy[points].min(axis=0) - limit_m, self._xy[points].max(axis=0) + limit_m
        west, south, east, north = self._roster.rows.box[: len(self._roster.ids)].T
        near = (west <= high[0]) & (east >= low[0]) & (south <= high[1]) & (north >= low[1])
        return np.flatnonzero(near).astype(np.int32)

    def _search_all(self, points: Shorts) -> None:
        """Ask all walks."""
        places, slots = self._roster.places()
        near = self._walks.nearest(places)
        self._reached.near_m[points] = near.metres[points]
        self._reached.nearest[points] = np.append(slots, -1)[near.asset[points]]


@compiled
def _within(laid: Grid, x: float, y: float, norm_m: float, detour: float) -> tuple[Shorts, Floats]:
    """List the points within the norm of a spot, ascending, and their walking metres."""
    straight = norm_m / detour * ROUNDING * ROUNDING
    first, end = grid.rows(laid, y - straight, y + straight)
    most = 0
    for row in range(first, end):
        low, high = grid.run(laid, row, x - straight - laid.slack_m, x + straight + laid.slack_m)
        most += high - low
    points, metres, n = np.empty(most, np.int32), np.empty(most), 0
    for row in range(first, end):
        low, high = grid.run(laid, row, x - straight - laid.slack_m, x + straight + laid.slack_m)
        for at in range(low, high):
            walk = np.sqrt((laid.x[at] - x) ** 2 + (laid.y[at] - y) ** 2) * detour
            if walk <= norm_m * ROUNDING:
                points[n], metres[n] = laid.place[at], min(walk, norm_m)
                n += 1
    order = np.argsort(points[:n])
    return points[:n][order], metres[:n][order]


@compiled
def _perhaps(
    points: Shorts, areas: Shorts, box: Floats, xy: Floats, least: float, reached: Reached
) -> tuple[Shorts, Shorts]:
    """Pair points with the areas whose bounds are no farther than what is nearest."""
    point, slot = [np.int32(0) for _ in range(0)], [np.int32(0) for _ in range(0)]
    for j in areas:
        for i in points:
            dx = max(0.0, xy[i, 0] - box[j, 2], box[j, 0] - xy[i, 0])
            dy = max(0.0, xy[i, 1] - box[j, 3], box[j, 1] - xy[i, 1])
            if np.hypot(dx, dy) * least * LESS <= reached.near_m[i]:
                point.append(i)
                slot.append(j)
    return np.array(point, dtype=np.int32), np.array(slot, dtype=np.int32)
