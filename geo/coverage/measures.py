"""What the walks mean for people: arrays in, arrays out. Definitions: docs/coverage.md."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.places import Places, check
from geo.coverage.policy import DECAYS, Policy
from geo.coverage.walks import Line, Nearest, Pairs, Walks, turns
from geo.errors import Flaw, InvalidInput

PAIRS_AT_ONCE = 100_000  # so that they stay in a cache from one sum to the next
PAIRS_KEPT = 8_000_000  # 96 MB; what is more is walked again for each of the three passes
FIRST_BLOCK, MOST_ASSETS = 256, 20_000  # assets at once, before it is known how many pairs they have, and at most
GAUSSIAN, STEP = DECAYS.index("gaussian"), DECAYS.index("step")
FLOOR = float(np.exp(-0.5))  # what is taken off a gaussian, so that it ends at 0


class Reached(NamedTuple):
    """What each demand point has of one subject. All of shape (points,). "Within T": at most the norm, inclusive.

    near_m     walking metres to the nearest asset, however far; inf where none is reached
    nearest    its index, of equally near ones the lowest; -1 where none is reached
    count      assets within T
    doubt      chance that none of those within T is there, Π(1 − p_j); 1 where there is none
    open_mask  when any of those within T is known to be open, 21 bits; and the bit places.SERVED where any serves it
    weight     Σ_j f_ij
    supply     A_i, places per resident; 0 where nothing is within T
    crowding   load per place of what residents use; NaN where weight is 0, inf where something without places is used
    only       the asset within T where there is exactly one, else -1
    """

    near_m: Floats
    nearest: Ints
    count: Ints  # type: ignore[assignment]  # the name is the field's; nobody counts values in a tuple of arrays
    doubt: Floats
    open_mask: Ints
    weight: Floats
    supply: Floats
    crowding: Floats
    only: Ints


class Loads(NamedTuple):
    """What each asset of one subject bears. All of shape (assets,).

    demand    Σ_i w_i f_ij
    load      Σ_i w_i f_ij / Σ_j' f_ij', residents
    crowding  load / capacity; NaN where demand is 0, inf where there is load on none or an unknown capacity
    lost      residents who lose cover when it closes
    gain      residents whose cover is not certain, Σ w_i doubt_i within T: what checking the record is worth
    """

    demand: Floats
    load: Floats
    crowding: Floats
    lost: Floats
    gain: Floats


class Decay(NamedTuple):
    """How a walk weighs: index into DECAYS, and the norm in metres."""

    kind: int
    norm_m: float


class Assets(NamedTuple):
    """What the sums need of each asset, in order of asset; all of shape (assets,).

    asset      its index among all
    capacity   places; 0 where it is not known
    unsure     1 − p
    open_mask  as `Places.masks` gives it
    """

    asset: Ints
    capacity: Floats
    unsure: Floats
    open_mask: Ints


def reach(walks: Walks, places: Places, demand: Demand, policy: Policy) -> tuple[Reached, Loads]:
    """Sum what every demand point has within reach of one subject, and what every asset bears.

    Memory stays flat: pairs are made in blocks of assets, and made again for each pass where they are too many to keep.
    The sums of a point run over the assets in the order of `walks.turns`, those of an asset over the points ascending.

    walks    made of demand.xy, for the detour of the policy
    places   the assets of the subject; where there are none, all is as `Reached` says of nothing within T
    raises   InvalidInput where the walks are of other points, and as `places.check`
    """
    check(places)
    n, pointed = demand.count, len(walks.fallback())
    if pointed != n:
        raise InvalidInput("The walks are of other points than the demand.", Flaw("walks", f"has {pointed} points"))
    reached = Reached(
        np.full(n, np.inf), np.full(n, -1), np.zeros(n, np.int64), np.ones(n), np.zeros(n, np.int64),
        np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, -1),
    )  # fmt: skip
    loads = Loads(*np.zeros((len(Loads._fields), places.count)))
    decay, residents = decay_of(policy), np.ascontiguousarray(demand.residents, dtype=float)
    sweep = _Sweep(walks, places, policy)
    for assets, pairs in sweep.pairs():
        _look(pairs, assets, decay, residents, reached, loads)
    _look_beyond(walks, places, policy.norm_m, reached)
    for assets, pairs in sweep.pairs():
        _share(pairs, assets, decay, residents, reached, loads)
    _crowd(loads, _known(places.capacity))
    for assets, pairs in sweep.pairs():
        _press(pairs, assets, decay, reached, loads)
    reached.crowding[reached.weight == 0] = np.nan
    return reached, loads


def certainty(age_days: Floats, policy: Policy) -> Floats:
    """Say how likely it is that a record still holds, p = 2^(−max(0, age − grace) / half-life).

    returns  the shape of `age_days`; 0 where the age is NaN
    """
    late = np.maximum(0.0, age_days - policy.grace_days)
    return np.where(np.isnan(age_days), 0.0, np.exp2(-late / policy.half_life_days))


def weights(metres: Floats, policy: Policy) -> Floats:
    """Weigh walks by the decay of the policy: 1 at the door, 0 beyond the norm.

    metres   >= 0, inf allowed, any shape
    source   quadratic: Epanechnikov, as in Langford et al. 2012; gaussian: Dai 2010
    """
    given = np.asarray(metres, dtype=float)
    found = np.empty(given.size)
    _weigh(given.ravel(), decay_of(policy), found)
    return found.reshape(given.shape)


class _Sweep:
    """The pairs of all assets, block by block, as often as they are asked for: kept as far as there is room."""

    def __init__(self, walks: Walks, places: Places, policy: Policy) -> None:
        self.walks, self.places, self.policy = walks, places, policy
        self.blocks: list[tuple[Assets, Places, Pairs | None]] = []

    def pairs(self) -> Iterator[tuple[Assets, Pairs]]:
        """Give blocks of assets with their pairs, in the order of `walks.turns`."""
        if not self.blocks:
            yield from self._first()
        else:
            for assets, places, pairs in self.blocks:
                yield assets, pairs or self.walks.pairs(places, self.policy.norm_m)

    def _first(self) -> Iterator[tuple[Assets, Pairs]]:
        """Find out how many assets make a block of the wanted number of pairs."""
        order = turns(self.places)
        first, size, kept = 0, FIRST_BLOCK, 0
        while first < len(order):
            chosen = order[first : first + size]
            places = self.places.take(chosen)
            pairs = self.walks.pairs(places, self.policy.norm_m)
            assets = Assets(
                chosen,
                _known(places.capacity),
                1 - certainty(places.age_days, self.policy),
                places.masks(),
            )
            kept += len(pairs.point)
            self.blocks.append((assets, places, pairs if kept <= PAIRS_KEPT else None))
            yield assets, pairs
            first += len(chosen)
            size = int(np.clip(PAIRS_AT_ONCE * len(chosen) / max(1, len(pairs.point)), 16, MOST_ASSETS))


def decay_of(policy: Policy) -> Decay:
    """Give how walks weigh by a policy."""
    return Decay(DECAYS.index(policy.decay), float(policy.norm_m))


def _known(capacity: Floats) -> Floats:
    """Count an unknown capacity as none."""
    return np.where(np.isnan(capacity), 0.0, capacity)


@compiled
def weight(metres: float, decay: Decay) -> float:
    """Weigh one walk, as `weights` does."""
    if metres > decay.norm_m:
        return 0.0
    if decay.kind == STEP:
        return 1.0
    share = metres / decay.norm_m
    if decay.kind == GAUSSIAN:
        return float((np.exp(-0.5 * share * share) - FLOOR) / (1 - FLOOR))
    return 1 - share * share


@compiled
def _weigh(metres: Floats, decay: Decay, found: Floats) -> None:
    for k in range(len(metres)):
        found[k] = weight(metres[k], decay)


@compiled
def _look(pairs: Pairs, assets: Assets, decay: Decay, residents: Floats, reached: Reached, loads: Loads) -> None:
    """First pass: what a point has within T, and how many ask for each asset."""
    for j in range(len(assets.asset)):
        index, unsure, mask, asked = assets.asset[j], assets.unsure[j], assets.open_mask[j], 0.0
        for k in range(pairs.start[j], pairs.start[j + 1]):
            i, metres = pairs.point[k], pairs.metres[k]
            best = reached.near_m[i]
            tie = metres == best and index < reached.nearest[i]
            if metres < best or tie:
                reached.near_m[i], reached.nearest[i] = metres, index
            w = weight(metres, decay)
            reached.count[i] += 1
            reached.doubt[i] *= unsure
            reached.open_mask[i] |= mask
            reached.weight[i] += w
            asked += residents[i] * w
        loads.demand[index] = asked


def _look_beyond(walks: Walks, places: Places, norm_m: float, reached: Reached) -> None:
    """Find the nearest for points that have nothing within the norm, and keep it beyond whatever rounding says."""
    none = np.flatnonzero(reached.count == 0)
    if isinstance(walks, Line):  # which can be asked for some points alone, where a network is flooded whole
        nobody = dict.fromkeys(places.served, np.empty(0, np.int64))
        near = walks.among(none).nearest(replace(places, served=nobody))
    else:
        every = walks.nearest(places)
        near = Nearest(every.asset[none], every.metres[none])
    reached.nearest[none] = near.asset
    reached.near_m[none] = np.maximum(near.metres, np.nextafter(norm_m, np.inf))
    only = np.flatnonzero(reached.count == 1)
    reached.only[only] = reached.nearest[only]


@compiled
def _share(pairs: Pairs, assets: Assets, decay: Decay, residents: Floats, reached: Reached, loads: Loads) -> None:
    """Second pass: places are shared among all who ask, residents among all that they reach."""
    for j in range(len(assets.asset)):
        index, load, lost, gain = assets.asset[j], 0.0, 0.0, 0.0
        rate = assets.capacity[j] / loads.demand[index] if loads.demand[index] > 0 else 0.0
        for k in range(pairs.start[j], pairs.start[j + 1]):
            i = pairs.point[k]
            w, people = weight(pairs.metres[k], decay), residents[i]
            reached.supply[i] += rate * w
            load += people * w / reached.weight[i] if w > 0 else 0.0
            lost += people if reached.count[i] == 1 else 0.0
            gain += people * reached.doubt[i]
        loads.load[index], loads.lost[index], loads.gain[index] = load, lost, gain


@compiled
def _crowd(loads: Loads, capacity: Floats) -> None:
    """Say how many residents come to a place of each asset."""
    for j in range(len(capacity)):
        if loads.demand[j] == 0:
            loads.crowding[j] = np.nan
        else:
            loads.crowding[j] = loads.load[j] / capacity[j] if loads.load[j] > 0 else 0.0


@compiled
def _press(pairs: Pairs, assets: Assets, decay: Decay, reached: Reached, loads: Loads) -> None:
    """Third pass: how crowded it is where the residents of a point go."""
    for j in range(len(assets.asset)):
        crowding = loads.crowding[assets.asset[j]]
        for k in range(pairs.start[j], pairs.start[j + 1]) if crowding > 0 else range(0):
            i, w = pairs.point[k], weight(pairs.metres[k], decay)
            if w > 0:
                reached.crowding[i] += w / reached.weight[i] * crowding
