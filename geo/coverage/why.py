"""Why an area stands where it stands: which assets carry it, which of them it cannot miss, and which to check first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Bools, Demand, Floats, Ints
from geo.coverage.gaps import Figures
from geo.coverage.measures import Reached
from geo.coverage.places import Places
from geo.coverage.policy import CLASSES, Policy
from geo.coverage.sums import EXACTLY, Nearby, mains
from geo.coverage.walks import Pairs, Walked
from geo.coverage.zones import Zones, plain, taken, turned

MOST = 5  # assets named of each sort
BLOCK = 4096  # assets whose walks are in memory at once
FEW_RESIDENTS = 50
NOBODY, FEW, SERVED = "nobody", "few", "served"


class Land(NamedTuple):
    """Where people live and assets lie.

    zones     which points lie in which area
    homes     which areas an asset lies in, by asset: none where it has no place, or lies outside all
    by_point  `zones` turned, where the caller has it; else it is made
    """

    zones: Zones
    demand: Demand
    homes: Zones
    by_point: Zones | None = None


class Why(NamedTuple):
    """What explains each area asked. Shape (areas,) or (areas, 5): most first, ties by index, -1 and 0 beyond the last.

    in_reach      assets within the norm of a point where somebody lives; across: those with a place outside the area
    by_catchment  residents who are covered only because an asset without a place says it serves them
    carriers      assets within the norm of most of its residents; carried: of how many
    fragile       assets without which most of its residents would be uncovered; lost: how many
    checks        assets of which a check would gain most certainty; gained: residents times doubt within the norm
    main          asset nearest to most of its uncovered residents, or of all where none is uncovered; -1 where none
    main_m        median walk of those residents to it; NaN where there is none
    """

    in_reach: Ints
    across: Ints
    by_catchment: Floats
    carriers: Ints
    carried: Floats
    fragile: Ints
    lost: Floats
    checks: Ints
    gained: Floats
    main: Ints
    main_m: Floats


class _Lies(NamedTuple):
    """Where points and assets lie. asked: the areas; row: of each area in the answer, or -1."""

    zones: Zones
    by_point: Zones
    homes: Zones
    asked: Ints
    row: Ints


class _Assets(NamedTuple):
    """Some of the assets: their number among all, and whether they have a place."""

    number: Ints
    placed: Bools


class _People(NamedTuple):
    """What is read of each point. within: assets within the norm."""

    residents: Floats
    suppressed: Bools
    within: Ints
    doubt: Floats
    only: Ints


def why(walked: Walked, places: Places, reached: Reached, land: Land, areas: Ints | None = None) -> Why:
    """Explain areas by the assets of one subject.

    walked   the walks to them within the norm
    places   the assets of the subject; of few areas all that are within the norm of anybody there will do
    reached  what `measures.reach` says of them
    areas    only these, in this order; the same answers as when all are asked
    """
    every = np.arange(len(land.zones.start) - 1)
    asked, back = (every, every) if areas is None else np.unique(areas, return_inverse=True)
    by_point = turned(land.zones, land.demand.count) if land.by_point is None else land.by_point
    row = np.full(len(every), -1)
    row[asked] = np.arange(len(asked))
    lies = _Lies(plain(land.zones), plain(by_point), plain(land.homes), asked, row)
    people = _People(land.demand.residents, land.demand.suppressed, reached.count, reached.doubt, reached.only)
    nearby = Nearby(land.demand.residents, reached.near_m, reached.nearest, reached.count)
    told = _unnamed(*mains(lies.zones, asked, nearby))
    placed = ~np.isnan(places.xy[:, 0])
    for first in range(0, places.count, BLOCK):
        index = np.arange(first, min(first + BLOCK, places.count))
        _name(walked(index), _Assets(index, placed[index]), people, lies, told)
    _by_catchment([*places.served.values()], people, lies, told)
    return Why._make(each[back] for each in told)


def reason(figures: Figures, i: int, policy: Policy) -> str:
    """Name what costs area i most: a class of policy.CLASSES by its people and severity; of equals the first.

    returns  NOBODY without residents, FEW below 50, SERVED where nothing costs anything
    """
    if not figures.residents[i] > 0:
        return NOBODY
    if figures.residents[i] < FEW_RESIDENTS:
        return FEW
    people = figures[figures._fields.index("people_none") :][: len(CLASSES)]
    costs = [severity * float(each[i]) for severity, each in zip(policy.severity, people, strict=True)]
    return CLASSES[costs.index(max(costs))] if max(costs) > 0 else SERVED


def _unnamed(main: Ints, main_m: Floats) -> Why:
    """Make an answer in which no asset stands yet but the main ones."""
    areas = len(main)
    return Why(
        np.zeros(areas, np.int64), np.zeros(areas, np.int64), np.zeros(areas),
        np.full((areas, MOST), -1), np.zeros((areas, MOST)), np.full((areas, MOST), -1), np.zeros((areas, MOST)),
        np.full((areas, MOST), -1), np.zeros((areas, MOST)), main, main_m,
    )  # fmt: skip


def _by_catchment(served: Sequence[Ints], people: _People, lies: _Lies, told: Why) -> None:
    """Sum the residents for whom all that is within the norm are assets without a place that serve them."""
    if not served:
        return
    point, times = np.unique(np.concatenate([np.unique(points) for points in served]), return_counts=True)
    alone = point[times == people.within[point]]
    where = taken(lies.by_point, alone)
    row = lies.row[where.point]
    residents = np.repeat(people.residents[alone], np.diff(where.start))
    told.by_catchment[:] = np.bincount(row[row >= 0], residents[row >= 0], minlength=len(told.by_catchment))


@compiled
def _name(walked: Pairs, assets: _Assets, people: _People, lies: _Lies, told: Why) -> None:
    """Go through the walks to each asset, and keep it where it is among the most of an area."""
    sums, last = np.zeros((len(lies.asked), 3)), np.full(len(lies.asked), -1)
    touched = np.empty(len(lies.asked), np.int64)
    for a in range(len(assets.number)):
        asset, n = assets.number[a], 0
        for i in walked.point[walked.start[a] : walked.start[a + 1]]:
            w = people.residents[i]
            if not (w > 0 or people.suppressed[i]):
                continue
            for k in range(lies.by_point.start[i], lies.by_point.start[i + 1]):
                row = lies.row[lies.by_point.point[k]]
                if row >= 0:
                    if last[row] != a:
                        last[row], touched[n], sums[row] = a, row, 0.0
                        n += 1
                    sums[row, 0] += w
                    sums[row, 1] += w * (people.only[i] == asset)
                    sums[row, 2] += w * people.doubt[i]
        homes = lies.homes.point[lies.homes.start[asset] : lies.homes.start[asset + 1]]
        for row in touched[:n]:
            told.in_reach[row] += 1
            told.across[row] += assets.placed[a] and not (homes == lies.asked[row]).any()
            _rank(asset, sums[row, 0], told.carriers[row], told.carried[row])
            _rank(asset, sums[row, 1], told.fragile[row], told.lost[row])
            _rank(asset, sums[row, 2], told.checks[row], told.gained[row])


@compiled
def _rank(asset: int, worth: float, named: Ints, most: Floats) -> None:
    """Put an asset among those named, most first, behind those that are worth as much; nothing is worth no name."""
    at = len(named)
    while at > 0 and worth > most[at - 1] * EXACTLY:
        at -= 1
    if at < len(named):
        named[at + 1 :], most[at + 1 :] = named[at:-1].copy(), most[at:-1].copy()
        named[at], most[at] = asset, worth
