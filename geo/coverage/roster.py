"""The assets of one subject by their own id, in arrays where each keeps its slot while others come and go."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage.demand import DEGREES_BELOW, Floats, Ints
from geo.coverage.grid import Shorts
from geo.coverage.places import PARTS, UNKNOWN_HOURS, Places, check
from geo.errors import Flaw, InvalidInput

Id = Any  # hashable and ordered, all of one type: numbers, UUIDs, words
Undo = list[Callable[[], object]]  # what takes a change back, to be done last first
NOWHERE, SPOT, AREA, SERVES = range(4)


class State(NamedTuple):
    """One asset as it is now, in the words and units of `Places`. What is not told is not known.

    xy      RD New, metres; None for one without a place
    area    of one that is an area: its outline
    served  of one without a place that serves neighbourhoods: the demand points there
    """

    xy: tuple[float, float] | None = None
    capacity: float = math.nan
    age_days: float = math.nan
    open_mask: int = UNKNOWN_HOURS
    area: BaseGeometry | None = None
    served: Ints | None = None

    def places(self) -> Places:
        """Give this one asset as places."""
        return Places(
            np.array([self.xy or (np.nan, np.nan)], dtype=float), np.array([self.capacity], dtype=float),
            np.array([self.age_days], dtype=float), np.array([self.open_mask], dtype=np.int64),
            {} if self.area is None else {0: self.area}, {} if self.served is None else {0: self.served},
        )  # fmt: skip

    def plausible(self) -> bool:
        """Say whether `places.check` surely has nothing against it."""
        x, y = self.xy or (DEGREES_BELOW, DEGREES_BELOW)
        known = not (self.capacity < 0 or self.age_days < 0) and UNKNOWN_HOURS <= self.open_mask < 1 << PARTS
        return known and DEGREES_BELOW <= max(abs(x), abs(y)) < math.inf

    def same_place(self, other: "State") -> bool:
        """Say whether the walks to this asset are those to another."""
        if self.served is None or other.served is None:
            return self.served is other.served and self.xy == other.xy and self.area == other.area
        return np.array_equal(self.served, other.served)


class Edit(NamedTuple):
    """What became of one asset, new or known: its state from now on; None when it is gone."""

    asset: Id
    state: State | None


class Rows(NamedTuple):
    """The assets as arrays by slot.

    rank  the order of the ids: of equally near assets the one with the lowest is nearest, shape (slots,)
    xy, capacity, age_days, open_mask  as in `Places`
    kind  NOWHERE (and all slots that are empty), SPOT, AREA or SERVES, shape (slots,)
    box   west, south, east, north of a spot or an area, shape (slots, 4); NaN for all others
    """

    rank: Floats
    xy: Floats
    capacity: Floats
    age_days: Floats
    open_mask: Ints
    kind: Ints
    box: Floats


class Roster:
    """The assets, by id and by slot. Asset a of the start has slot a; a new one gets the slot after all others.

    rows   arrays by slot, longer than `ids`
    ids    by slot; None where the slot is empty
    slot   by id
    areas, served  by slot, as in `Places`
    """

    def __init__(self, places: Places, ids: Sequence[Id]) -> None:
        """Start. Raises InvalidInput where the ids are not as many as the places, or do not ascend."""
        if len(ids) != places.count or any(not low < high for low, high in pairwise(ids)):
            raise InvalidInput("Assets must stand in order of their ids.", Flaw("ids", "do not ascend"))
        check(places)
        self.ids: list[Id | None] = list(ids)
        self.slot: dict[Id, int] = {each: at for at, each in enumerate(ids)}
        self.areas, self.served = dict(places.areas), dict(places.served)
        self._order: list[Id] = list(ids)
        kind = np.where(np.isfinite(places.xy).all(axis=1), SPOT, NOWHERE)
        kind[list(places.areas)], kind[list(places.served)] = AREA, SERVES
        box = np.where((kind == SPOT)[:, None], np.tile(places.xy, 2), np.nan)
        for at, outline in places.areas.items():
            box[at] = outline.bounds
        rank = np.arange(places.count, dtype=float)
        self.rows = Rows(rank, places.xy, places.capacity, places.age_days, places.open_mask, kind, box)
        self.widen(0)

    def widen(self, more: int) -> None:
        """Make new arrays, long enough for some assets more."""
        n = len(self.ids)
        room = more + n // 8 + 8
        self.rows = Rows(*(np.concatenate([a[:n], np.zeros((room, *a.shape[1:]), a.dtype)]) for a in self.rows))

    def places(self) -> tuple[Places, Ints]:
        """Give the assets that are there in order of their ids, and the slot of each."""
        slots = np.array([self.slot[each] for each in self._order], dtype=np.int64)
        return self.some(slots), slots

    def some(self, slots: Ints | Shorts) -> Places:
        """Give some of the assets that are there."""
        at = {int(slot): index for index, slot in enumerate(slots)}
        rows = self.rows
        return Places(
            rows.xy[slots], rows.capacity[slots], rows.age_days[slots], rows.open_mask[slots],
            {at[slot]: outline for slot, outline in self.areas.items() if slot in at},
            {at[slot]: points for slot, points in self.served.items() if slot in at},
        )  # fmt: skip

    def state(self, slot: int) -> State:
        """Give what stands in a slot; of an empty one all is unknown."""
        rows, (x, y) = self.rows, self.rows.xy[slot].tolist()
        return State(
            None if math.isnan(x) or math.isnan(y) else (x, y), float(rows.capacity[slot]), float(rows.age_days[slot]),
            int(rows.open_mask[slot]), self.areas.get(slot), self.served.get(slot),
        )  # fmt: skip

    def put(self, asset: Id, state: State, undo: Undo) -> int:
        """Write the state of an asset, new or known; gives its slot. There must be room for a new one."""
        if asset in self.slot:
            slot = self.slot[asset]
            undo.append(partial(self._fill, slot, self.state(slot)))
        else:
            slot = len(self.ids)
            self.ids.append(None)
            self._enter(asset, slot)
            undo += [self.ids.pop, partial(self._leave, asset)]
        self._fill(slot, state)
        return slot

    def drop(self, asset: Id, undo: Undo) -> int:
        """Empty the slot of an asset that is gone; gives the slot."""
        slot = self.slot[asset]
        undo += [partial(self._fill, slot, self.state(slot)), partial(self._enter, asset, slot)]
        self._leave(asset)
        return slot

    def _fill(self, slot: int, state: State) -> None:
        rows, (x, y) = self.rows, state.xy or (math.nan, math.nan)
        rows.xy[slot, 0], rows.xy[slot, 1] = x, y
        rows.capacity[slot], rows.age_days[slot], rows.open_mask[slot] = state[1:4]
        rows.kind[slot], rows.box[slot] = NOWHERE, math.nan
        self.areas.pop(slot, None)
        self.served.pop(slot, None)
        if state.served is not None:
            rows.kind[slot], self.served[slot] = SERVES, state.served
        elif state.area is not None:
            rows.kind[slot], self.areas[slot], rows.box[slot] = AREA, state.area, state.area.bounds
        elif math.isfinite(x) and math.isfinite(y):
            rows.kind[slot], rows.box[slot] = SPOT, (x, y, x, y)

    def _enter(self, asset: Id, slot: int) -> None:
        """Give an id a slot, and a rank between those of its neighbours."""
        at = bisect_left(self._order, asset)
        self.ids[slot], self.slot[asset] = asset, slot
        before, after = self._order[max(at - 1, 0) : at], self._order[at : at + 1]
        self._order.insert(at, asset)
        rank = self.rows.rank
        low = rank[self.slot[before[0]]] if before else rank[self.slot[after[0]]] - 2 if after else -1.0
        high = rank[self.slot[after[0]]] if after else low + 2
        rank[slot] = (low + high) / 2
        if not low < rank[slot] < high:  # halved so often that nothing lies between them
            rank[[self.slot[each] for each in self._order]] = np.arange(len(self._order))

    def _leave(self, asset: Id) -> None:
        slot = self.slot.pop(asset)
        del self._order[bisect_left(self._order, asset)]
        self.ids[slot] = None
        self._fill(slot, State())
