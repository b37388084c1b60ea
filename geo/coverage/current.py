"""The numbers of the points and the assets of one subject, kept true while assets come, move, change and go."""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from geo.coverage import far, table, tally
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.grid import Shorts
from geo.coverage.measures import Loads, Reached, certainty, decay_of
from geo.coverage.places import SERVED
from geo.coverage.policy import Policy
from geo.coverage.roster import SERVES, Id, Roster, State, Undo
from geo.coverage.seek import Seek
from geo.coverage.tally import Before, Given, Seen, Sums, Touched
from geo.coverage.walks import Nearest, Pairs

NOTHING = np.empty(0, np.int32)


class Step(NamedTuple):
    """One edit that matters, worked out before anything is written.

    state  None where the asset, a known one, is gone
    walks  points that it will reach, ascending, and how far they are; None where its walks stay as they are
    """

    asset: Id
    state: State | None
    walks: tuple[Shorts, Floats] | None


class Current:
    """Points and assets of one subject. A sum of a point runs over assets in order of their ids, always from the first.

    reached  of the points; an asset is named by its slot
    loads    of the assets by slot; longer than there are slots in use
    """

    def __init__(self, demand: Demand, roster: Roster, policy: Policy, pairs: Pairs, near: Nearest) -> None:
        """Sum all. Pairs within the norm and the nearest are of all assets of the roster, and are taken over."""
        self._demand, self._roster, self._policy = demand, roster, policy
        points, slots = demand.count, len(roster.rows.rank)
        self._table = table.widened(table.of_pairs(pairs, points), slots)
        count, mask, only = np.zeros((3, points), np.int64)
        doubt, weight, supply, crowding = np.zeros((4, points))
        self.reached = Reached(near.metres, near.asset, count, doubt, mask, weight, supply, crowding, only)
        self.loads = Loads(*np.zeros((len(Loads._fields), slots)))
        self._seen = Seen(np.zeros(points, np.bool_), np.zeros(slots, np.bool_))
        self._cells = far.cells(demand.xy)
        self.sum_all()

    def sum_all(self) -> None:
        """Sum everything anew, from the walks within the norm and the assets as they are."""
        points = np.arange(self._demand.count, dtype=np.int32)
        slots = np.arange(len(self._roster.ids), dtype=np.int32)
        self._given = self._made()
        self._again(Touched(points, slots, slots))
        far.tighten(self._cells, points, self.reached)

    def walked(self, slots: Shorts) -> Pairs:
        """Give the walks within the norm to some assets."""
        return Pairs(*table.pairs(self._table, slots))

    def around(self, points: Shorts) -> Shorts:
        """List the assets within the norm of any of some points, in no order."""
        return tally.gathered(NOTHING, points, self._table.points, self._seen.slot)

    def follow(self, steps: Sequence[Step], way: Seek, undo: Undo) -> tuple[Shorts, float]:
        """Do steps, one for each asset, and sum what they touch.

        returns  the points whose numbers may be others now, and how many residents more are within the norm
        """
        self._widen(sum(step.asset not in self._roster.slot for step in steps))
        looked: list[Shorts] = []
        undo.append(partial(self._tighten, looked))  # to be done when distances are what they were
        touched, orphans = self._write(steps, way, undo)
        before = self._again(touched)
        sums = Sums(self.reached, self.loads)
        undo.append(partial(tally.put_back, before, sums))
        had_nothing, have_nothing, gained = tally.bare(before, sums, self._given)
        if len(touched.moved):
            looked.append(had_nothing)
            if len(orphans):
                orphans = orphans[self.reached.count[orphans] == 0]
            self._look_far(np.concatenate([have_nothing, orphans]), touched.moved, way, looked, undo)
        return np.concatenate([before.spread, *looked]), gained

    def _again(self, touched: Touched) -> Before:
        return tally.again(touched, self._table, self._given, Sums(self.reached, self.loads), self._seen)

    def _write(self, steps: Sequence[Step], way: Seek, undo: Undo) -> tuple[Touched, Shorts]:
        """Write steps to the roster and to the table.

        returns  what they touch, and the points with nothing within the norm whose nearest asset moved or went
        """
        slots, moved, points, orphans = [], [], [NOTHING], [NOTHING]
        for asset, state, walks in steps:
            known = asset in self._roster.slot
            slot = self._roster.slot[asset] if known else len(self._roster.ids)
            slots.append(slot)
            points.append(table.of_asset(self._table, slot))
            if state is None or walks is not None:
                moved.append(slot)
                if known:
                    orphans.append(self._owned(slot, way))
                    way.leave(slot, undo)
                    undo.append(partial(self._link, slot, *self._unlink(slot)))
            undo.append(partial(self._remake, slot))
            if state is None:
                self._roster.drop(asset, undo)
            else:
                self._roster.put(asset, state, undo)
            self._remake(slot)
            if walks is not None:
                self._link(slot, *walks)
                undo.append(partial(self._unlink, slot))
                way.enter(slot, undo)
                points.append(walks[0])
        numbers = (np.array(each, dtype=np.int32) for each in (slots, moved))
        return Touched(np.concatenate(points), *numbers), np.concatenate(orphans)

    def _link(self, slot: int, points: Shorts, metres: Floats) -> None:
        rank = self._roster.rows.rank
        if not table.link(self._table, slot, points, metres, rank):
            self._table = table.roomy(self._table, slot, points)
            table.link(self._table, slot, points, metres, rank)

    def _unlink(self, slot: int) -> tuple[Shorts, Floats]:
        return table.unlink(self._table, slot)

    def _owned(self, slot: int, way: Seek) -> Shorts:
        """List the points with nothing within the norm to which an asset is nearest."""
        near = far.open_to(self._cells, self._roster.rows.box[slot], way.least, self.reached)
        owned: Shorts = near[self.reached.nearest[near] == slot]
        return owned

    def _look_far(self, orphans: Shorts, moved: Shorts, way: Seek, looked: list[Shorts], undo: Undo) -> None:
        """Find what is nearest to points with nothing within the norm, where that may be another asset now.

        orphans  those whose nearest asset moved or went
        looked   gets all points of which what is nearest, or whether it is within the norm, changed
        """
        reached, rows = self.reached, self._roster.rows
        looked.append(orphans)
        if len(orphans):
            self._keep_near(orphans, undo)
            way.search(orphans)
        self._tighten(looked)
        for slot in moved:
            near = far.open_to(self._cells, rows.box[slot], way.least, reached)
            if len(near):
                self._keep_near(near, undo)
                metres = way.metres(slot, near, moved)
                looked.append(near[far.take(near, np.full_like(near, slot), metres, rows.rank, reached)])
                self._tighten(looked[-1:])
        for points in looked[1:]:
            low = points[reached.near_m[points] <= self._given.decay.norm_m]
            reached.near_m[low] = np.nextafter(self._given.decay.norm_m, np.inf)  # as measures.reach has it

    def _keep_near(self, points: Shorts, undo: Undo) -> None:
        for array in (self.reached.near_m, self.reached.nearest):
            undo.append(partial(array.__setitem__, points, array[points]))

    def _tighten(self, looked: Iterable[Shorts]) -> None:
        for points in looked:
            if len(points):
                far.tighten(self._cells, points, self.reached)

    def _made(self) -> Given:
        """Put together what the sums are made from."""
        rows, policy = self._roster.rows, self._policy
        capacity = np.where(np.isnan(rows.capacity), 0.0, rows.capacity)
        doubt, open_mask = 1 - certainty(rows.age_days, policy), _mask(rows.open_mask, rows.kind)
        return Given(self._demand.residents, capacity, doubt, open_mask, decay_of(policy))

    def _remake(self, slot: int) -> None:
        """Note the state of one asset, as the roster has it, where the sums find it."""
        rows, given = self._roster.rows, self._given
        capacity = float(rows.capacity[slot])
        given.capacity[slot] = 0.0 if math.isnan(capacity) else capacity
        given.doubt[slot] = 1 - certainty(rows.age_days[slot : slot + 1], self._policy)[0]
        given.open_mask[slot] = _mask(rows.open_mask[slot], rows.kind[slot])

    def _widen(self, more: int) -> None:
        """Make room for new assets, an eighth more than there are at a time."""
        if len(self._roster.ids) + more <= len(self.loads.load):
            return
        self._roster.widen(more)
        slots = len(self._roster.rows.rank)
        added = np.zeros(slots - len(self.loads.load))
        self.loads = Loads(*(np.concatenate([each, added]) for each in self.loads))
        self._table = table.widened(self._table, slots)
        self._seen = self._seen._replace(slot=np.zeros(slots, np.bool_))
        self._given = self._made()


def _mask(open_mask: Ints, kind: Ints) -> Ints:
    """Give hours as `Places.masks` does, of assets of some kinds of place."""
    masks: Ints = np.maximum(open_mask, 0) | SERVED * (kind == SERVES)
    return masks
