"""What some points have and some assets bear, summed anew from the table of walks, always in the same order.

Nothing is added to a sum or taken from it: a product of doubts cannot be undone, and what is added and taken away
leaves a trace in the last bits. So the result is that of a full computation, whatever happened before.
"""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Bools, Floats, Ints
from geo.coverage.grid import Shorts
from geo.coverage.measures import Decay, Loads, Reached, weight
from geo.coverage.table import Lists, Table


class Given(NamedTuple):
    """What the sums are made from, beside the walks.

    residents  at each point, shape (points,)
    capacity   places, 0 where not known; doubt: 1 − p; open_mask: as `Places.masks` has it; by slot, shape (slots,)
    decay      how a walk weighs, and the norm
    """

    residents: Floats
    capacity: Floats
    doubt: Floats
    open_mask: Ints
    decay: Decay


class Sums(NamedTuple):
    """What is summed: of the points, which name assets by slot, and of the assets by slot."""

    reached: Reached
    loads: Loads


class Seen(NamedTuple):
    """Which points and slots stand in the list that is being made. All False before it and after."""

    point: Bools
    slot: Bools


class Touched(NamedTuple):
    """What an edit touches at once: points where anything within the norm changed, assets that changed, and of those
    the ones whose walks did.
    """

    points: Shorts
    slots: Shorts
    moved: Shorts


class Before(NamedTuple):
    """What there was until it was summed anew, to be put back: a row of each array, in its order.

    points  touched by the edit; reached: what they had, but for crowding
    assets  within the norm of those; loads: theirs
    spread  points within the norm of assets that are crowded otherwise, and those touched; crowding: theirs
    """

    points: Shorts
    reached: Floats
    assets: Shorts
    loads: Floats
    spread: Shorts
    crowding: Floats


@compiled
def gathered(first: Shorts, keys: Shorts, lists: Lists, seen: Bools) -> Shorts:
    """List what is told first, then what stands in any of some lists; each once."""
    most = len(first)
    for k in keys:
        most += lists.length[k]
    found, n = np.empty(most, np.int32), 0
    for each in first:
        if not seen[each]:
            seen[each], found[n] = True, each
            n += 1
    for k in keys:
        for each in lists.item[lists.start[k] : lists.start[k] + lists.length[k]]:
            if not seen[each]:
                seen[each], found[n] = True, each
                n += 1
    for each in found[:n]:
        seen[each] = False
    return found[:n].copy()


@compiled
def again(touched: Touched, table: Table, given: Given, sums: Sums, seen: Seen) -> Before:
    """Sum anew what an edit touches, as far as it spreads. What is nearest is written where it is within the norm."""
    points = gathered(touched.points, touched.points[:0], table.assets, seen.point)
    reached_before = _look(points, table, given, sums.reached)
    assets = gathered(touched.slots, points, table.points, seen.slot)
    loads_before = _loads(assets, sums.loads)
    _ask(touched.moved, table, given, sums.loads)
    _supply(points, table, given, sums)
    other = assets[_load(assets, table, given, sums)]
    spread = gathered(points, other, table.assets, seen.point)
    crowding_before = sums.reached.crowding[spread]
    _crowd(spread, table, given, sums)
    return Before(points, reached_before, assets, loads_before, spread, crowding_before)


@compiled
def bare(before: Before, sums: Sums, given: Given) -> tuple[Shorts, Shorts, float]:
    """List the touched points that had nothing within the norm, and those that have; and count who gained by it."""
    had, have, gained = np.empty_like(before.points), np.empty_like(before.points), 0.0
    n, m = 0, 0
    for k in range(len(before.points)):
        i = before.points[k]
        was, now = before.reached[2, k] == 0, sums.reached.count[i] == 0
        had[n], have[m] = i, i
        n += was
        m += now
        gained += given.residents[i] * (was - now)
    return had[:n].copy(), have[:m].copy(), gained


@compiled
def _look(points: Shorts, table: Table, given: Given, reached: Reached) -> Floats:
    """Sum for some points what is within the norm. Gives what was there before."""
    lists, before = table.points, np.empty((8, len(points)))
    for k in range(len(points)):
        i = points[k]
        before[0, k], before[1, k], before[2, k] = reached.near_m[i], reached.nearest[i], reached.count[i]
        before[3, k], before[4, k], before[5, k] = reached.doubt[i], reached.open_mask[i], reached.weight[i]
        before[6, k], before[7, k] = reached.supply[i], reached.only[i]
        doubt, mask, weighed, near, near_m = 1.0, 0, 0.0, -1, np.inf
        for at in range(lists.start[i], lists.start[i] + lists.length[i]):
            j = lists.item[at]
            doubt *= given.doubt[j]
            mask |= given.open_mask[j]
            weighed += weight(lists.metres[at], given.decay)
            if lists.metres[at] < near_m:
                near, near_m = j, lists.metres[at]
        if lists.length[i] > 0:
            reached.near_m[i], reached.nearest[i] = near_m, near
        reached.count[i], reached.doubt[i], reached.open_mask[i] = lists.length[i], doubt, mask
        reached.weight[i], reached.only[i] = weighed, near if lists.length[i] == 1 else -1
    return before


@compiled
def _loads(assets: Shorts, loads: Loads) -> Floats:
    """Give what some assets bear."""
    found = np.empty((5, len(assets)))
    for k in range(len(assets)):
        j = assets[k]
        found[0, k], found[1, k], found[2, k] = loads.demand[j], loads.load[j], loads.crowding[j]
        found[3, k], found[4, k] = loads.lost[j], loads.gain[j]
    return found


@compiled
def _ask(assets: Shorts, table: Table, given: Given, loads: Loads) -> None:
    """Sum the people who could come to some assets, weighed by their walk."""
    lists = table.assets
    for j in assets:
        total = 0.0
        for at in range(lists.start[j], lists.start[j] + lists.length[j]):
            total += given.residents[lists.item[at]] * weight(lists.metres[at], given.decay)
        loads.demand[j] = total


@compiled
def _supply(points: Shorts, table: Table, given: Given, sums: Sums) -> None:
    """Sum for some points the places per resident that they can walk to."""
    lists, demand = table.points, sums.loads.demand
    for i in points:
        total = 0.0
        for at in range(lists.start[i], lists.start[i] + lists.length[i]):
            j = lists.item[at]
            if demand[j] > 0:
                total += given.capacity[j] / demand[j] * weight(lists.metres[at], given.decay)
        sums.reached.supply[i] = total


@compiled
def _load(assets: Shorts, table: Table, given: Given, sums: Sums) -> Bools:
    """Sum who uses some assets, who loses cover without, whose cover is in doubt; tells whose crowding changed."""
    lists, reached, loads = table.assets, sums.reached, sums.loads
    changed = np.zeros(len(assets), np.bool_)
    for k in range(len(assets)):
        j = assets[k]
        load, lost, gain = 0.0, 0.0, 0.0
        for at in range(lists.start[j], lists.start[j] + lists.length[j]):
            i = lists.item[at]
            people = given.residents[i]
            gain += people * reached.doubt[i]
            if reached.count[i] == 1:
                lost += people
            if reached.weight[i] > 0:
                load += people * weight(lists.metres[at], given.decay) / reached.weight[i]
        crowding = np.nan
        if loads.demand[j] > 0:
            crowding = load / given.capacity[j] if load > 0 else 0.0
        changed[k] = not (crowding == loads.crowding[j] or (np.isnan(crowding) and np.isnan(loads.crowding[j])))
        loads.load[j], loads.lost[j], loads.gain[j], loads.crowding[j] = load, lost, gain, crowding
    return changed


@compiled
def _crowd(points: Shorts, table: Table, given: Given, sums: Sums) -> None:
    """Average for some points how crowded it is where they go, weighed by how much they go there."""
    lists, reached, loads = table.points, sums.reached, sums.loads
    for i in points:
        total = 0.0
        for at in range(lists.start[i], lists.start[i] + lists.length[i]):
            w, j = weight(lists.metres[at], given.decay), lists.item[at]
            if w > 0 and loads.load[j] > 0:
                total += w * loads.crowding[j]
        reached.crowding[i] = total / reached.weight[i] if reached.weight[i] > 0 else np.nan


@compiled
def put_back(before: Before, sums: Sums) -> None:
    """Take `again` back."""
    reached, loads = sums
    for k in range(len(before.points)):
        i, row = before.points[k], before.reached[:, k]
        reached.near_m[i], reached.nearest[i], reached.count[i] = row[0], int(row[1]), int(row[2])
        reached.doubt[i], reached.open_mask[i], reached.weight[i] = row[3], int(row[4]), row[5]
        reached.supply[i], reached.only[i] = row[6], int(row[7])
    for k in range(len(before.assets)):
        j, row = before.assets[k], before.loads[:, k]
        loads.demand[j], loads.load[j], loads.crowding[j], loads.lost[j], loads.gain[j] = row
    reached.crowding[before.spread] = before.crowding
