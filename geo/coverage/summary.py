"""The figures of all areas, kept while what their points have changes."""

from functools import partial
from typing import NamedTuple

import numpy as np

from geo.coverage import gaps
from geo.coverage.compiled import compiled
from geo.coverage.demand import Bools, Demand, Floats, Ints
from geo.coverage.gaps import Figures
from geo.coverage.grid import Shorts
from geo.coverage.measures import Reached
from geo.coverage.policy import Policy
from geo.coverage.roster import Undo
from geo.coverage.sums import People, Rules, sweep
from geo.coverage.zones import Zones, turned


class Change(NamedTuple):
    """The areas whose figures are others now, ascending; what those were and what they are, a column each."""

    areas: Ints
    before: Floats
    after: Floats


class _Where(NamedTuple):
    """The areas that hold each point; the points of each area; and the areas in the list that is being made."""

    of_point: Zones
    of_area: Zones
    seen: Bools


class Summary:
    """The figures of all areas, made of arrays that others write to: `settle` is told where."""

    def __init__(self, zones: Zones, demand: Demand, reached: Reached, policy: Policy) -> None:
        """Sum up all areas. The arrays of `demand` and `reached` are read again whenever areas are settled."""
        of_area = Zones(np.array(zones.start, dtype=np.int64), np.array(zones.point, dtype=np.int64))
        self._where = _Where(turned(of_area, demand.count), of_area, np.zeros(len(zones.start) - 1, np.bool_))
        self._people, self._rules = gaps.people(demand, reached), gaps.rules(policy)
        self._rows = np.full((len(self._where.seen), len(Figures._fields)), np.nan)
        self.settle_all([])

    @property
    def figures(self) -> Figures:
        """Give the figures of all areas."""
        return Figures(*self._rows.T)

    def settle(self, points: Shorts, undo: Undo) -> Change:
        """Sum up anew the areas in which some points lie, and tell which of them changed."""
        areas, new = _summed(points, self._where, self._people, self._rules)
        return self._replace(areas, new, undo)

    def settle_all(self, undo: Undo) -> Change:
        """Sum up all areas anew."""
        areas = np.arange(len(self._rows))
        return self._replace(areas, sweep(self._where.of_area, areas, self._people, self._rules), undo)

    def _replace(self, areas: Ints, new: Floats, undo: Undo) -> Change:
        old, other = _replaced(self._rows, areas, new)
        undo.append(partial(_replaced, self._rows, areas, old))
        if not other.all():
            return Change(areas[other], old[:, other], new[:, other])
        return Change(areas, old, new)


@compiled
def _summed(points: Shorts, where: _Where, people: People, rules: Rules) -> tuple[Ints, Floats]:
    """Find the areas in which points lie, ascending, and their figures: a column each, in the order of Figures."""
    start, area = where.of_point
    most = 0
    for i in points:
        most += start[i + 1] - start[i]
    areas, n = np.empty(most, np.int64), 0
    for i in points:
        for each in area[start[i] : start[i + 1]]:
            if not where.seen[each]:
                where.seen[each], areas[n] = True, each
                n += 1
    areas = np.sort(areas[:n])
    where.seen[areas] = False
    return areas, sweep(where.of_area, areas, people, rules)


@compiled
def _replaced(rows: Floats, areas: Ints, new: Floats) -> tuple[Floats, Bools]:
    """Write figures, a column for each area, into its row; gives what was there, and which areas changed."""
    old, changed = np.empty_like(new), np.zeros(len(areas), np.bool_)
    for k in range(len(areas)):
        for f in range(len(new)):
            was, now = rows[areas[k], f], new[f, k]
            changed[k] |= not (was == now or (np.isnan(was) and np.isnan(now)))
            old[f, k], rows[areas[k], f] = was, now
    return old, changed
