"""The state of one subject in memory, which follows edits exactly: what is not touched by one is not looked at."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geo.coverage.current import Current, Step
from geo.coverage.demand import Demand, Ints
from geo.coverage.gaps import Figures
from geo.coverage.grid import Shorts
from geo.coverage.measures import Loads, Reached
from geo.coverage.places import Places, check
from geo.coverage.policy import Policy
from geo.coverage.roster import Edit, Id, Roster, State, Undo
from geo.coverage.seek import Seek, SeekByLine, SeekByWalks
from geo.coverage.summary import Change, Summary
from geo.coverage.walks import Line, Pairs, Walks
from geo.coverage.zones import Zones
from geo.errors import Flaw, InvalidInput

__all__ = ["Edit", "Followed", "Live", "Outcome", "State"]


class Outcome(NamedTuple):
    """What edits would change.

    areas          whose figures would be others, ascending
    before, after  figures of those areas, in that order
    gained         residents who would come within the norm, less those who would no longer be
    """

    areas: Ints
    before: Figures
    after: Figures
    gained: float


class Followed(NamedTuple):
    """What edits changed.

    areas   whose figures are others now, ascending
    points  whose numbers may be others now, and all from which one can walk to what was edited, as it was or is
    """

    areas: Ints
    points: Shorts


class Live:
    """What holds for one subject: figures of areas, numbers of points, loads of assets, kept true by edits.

    An asset keeps its slot (its index in `loads`, `reached.nearest` and `reached.only`) as long as it is there; when it
    is gone, the slot stays empty. `roster` tells which is where. Arrays are to be read only, and hold until the next
    call. All are as a full computation has them: numbers and distances identical, sums but for the last bits.
    """

    def __init__(
        self, walks: Walks, demand: Demand, zones: Zones, places: Places, policy: Policy, ids: Sequence[Id]
    ) -> None:
        """Work out everything once.

        walks   made of demand.xy
        places  the assets, in order of their ids
        ids     numbers, UUIDs or words; distinct, ascending, shape (assets,)
        raises  InvalidInput where the ids are not as many as the places, or do not ascend
        """
        self.walks, self.zones, self.policy = walks, zones, policy
        self.demand = replace(demand, residents=np.array(demand.residents), radius_m=np.array(demand.radius_m))
        self.roster = Roster(places, ids)
        pairs, near = walks.pairs(places, policy.norm_m), walks.nearest(places)
        self._current = Current(self.demand, self.roster, policy, pairs, near)
        self._summary = Summary(zones, self.demand, self.reached, policy)
        if isinstance(walks, Line):
            self._way: Seek = SeekByLine(walks, self.roster, self.reached, policy)
        else:
            self._way = SeekByWalks(walks, self.roster, self.reached, demand.xy, policy)

    @property
    def figures(self) -> Figures:
        """Give the figures of all areas."""
        return self._summary.figures

    @property
    def reached(self) -> Reached:
        """Give what each point has; an asset is named by its slot."""
        return self._current.reached

    @property
    def loads(self) -> Loads:
        """Give what each asset bears, by slot; 0 and NaN in a slot that is empty."""
        return Loads(*(each[: len(self.roster.ids)] for each in self._current.loads))

    def walked(self, slots: Ints) -> Pairs:
        """Give the walks within the norm to some assets, by slot."""
        return self._current.walked(slots.astype(np.int32))

    def around(self, points: Ints) -> Ints:
        """Give the slots of all assets within the norm of any of these points, and of what is nearest to any."""
        near = self.reached.nearest[points]
        return np.union1d(self._current.around(points.astype(np.int32)), near[near >= 0])

    def change(self, edits: Sequence[Edit]) -> Followed:
        """Keep some edits: all of them or, where one cannot be, none.

        edits   of several about one asset the last one holds; that an unknown one is gone is no news
        raises  InvalidInput on what `places.check` refuses, and on served points that there are not
        """
        undo: Undo = []
        try:
            change, points, _ = self._follow(edits, undo)
            return Followed(change.areas, points)
        except BaseException:
            _take_back(undo)
            raise

    def what_if(self, edits: Sequence[Edit]) -> Outcome:
        """Say what edits would change, and keep nothing of them. Raises InvalidInput as `change` does."""
        undo: Undo = []
        try:
            (areas, before, after), _, gained = self._follow(edits, undo)
            return Outcome(areas, Figures(*before), Figures(*after), gained)
        finally:
            _take_back(undo)

    def renumbered(self) -> tuple[Places, Reached, Loads]:
        """Give the assets that are there, in order of their ids, and what they and the points have, by that number."""
        places, slots = self.roster.places()
        number = np.full(len(self.roster.ids) + 1, -1)  # the last one is where -1 points to
        number[slots] = np.arange(len(slots))
        nearest, only = number[self.reached.nearest], number[self.reached.only]
        return places, self.reached._replace(nearest=nearest, only=only), Loads(*(each[slots] for each in self.loads))

    def _follow(self, edits: Sequence[Edit], undo: Undo) -> tuple[Change, Shorts, float]:
        """Do some edits, and note how to take them back; tells the points, and how many residents more are reached."""
        last = {edit.asset: edit for edit in edits}
        steps = [step for edit in last.values() if (step := self._step(edit))]
        points, gained = self._current.follow(steps, self._way, undo)
        return self._summary.settle(points, undo), points, gained

    def _step(self, edit: Edit) -> Step | None:
        """Work out the walks of an edit; None where it changes nothing."""
        slot, state = self.roster.slot.get(edit.asset), edit.state
        if state is None:
            return None if slot is None else Step(edit.asset, None, None)
        if not state.plausible():
            check(state.places())
        points = state.served
        if points is not None and len(points) and not 0 <= points.min() <= points.max() < self.demand.count:
            raise InvalidInput("An asset serves points that there are not.", Flaw("served", "is out of range"))
        old = None if slot is None else self.roster.state(slot)
        if old is None or not old.same_place(state):
            return Step(edit.asset, state, self._way.within(state))
        return None if np.array_equal(old[1:4], state[1:4], equal_nan=True) else Step(edit.asset, state, None)


def _take_back(undo: Undo) -> None:
    """Do what takes changes back, last first."""
    for step in reversed(undo):
        step()
