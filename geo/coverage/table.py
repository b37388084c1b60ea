"""Who can walk to what, by point and by asset, so that an asset comes, moves and goes without a pass over all."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.grid import Shorts
from geo.coverage.walks import Pairs

SPARE = 2  # how many more assets a point can hold before its list has to move


class Lists(NamedTuple):
    """Lists in one long row: list k is item[start[k] : start[k] + length[k]], and may grow to room[k] where it is.

    metres  beside each item, how far the walk to it is
    end     where the row is free from, shape (1,)
    """

    start: Ints
    length: Ints
    room: Ints
    item: Shorts
    metres: Floats
    end: Ints


class Table(NamedTuple):
    """The walks within the norm. A slot is the place of an asset in all arrays; it keeps it as long as it is there.

    assets  by slot: the points that it reaches, ascending
    points  by point: the slots that it can walk to, in order of rank
    """

    assets: Lists
    points: Lists


def of_pairs(pairs: Pairs, points: int) -> Table:
    """Make a table of walks whose assets stand in order of rank: asset a of the pairs gets slot a."""
    table = Table(_empty(np.diff(pairs.start)), _empty(np.bincount(pairs.point, minlength=points) + SPARE))
    _fill(pairs.start, pairs.point, pairs.metres, table)
    return table


def _empty(room: Ints, more: int = 0) -> Lists:
    """Make empty lists with some room each. A quarter of the row stays free, which takes no memory until it is used."""
    end = room.sum(keepdims=True)
    free = int(end[0] + more) * 5 // 4 + 16
    return Lists(np.cumsum(room) - room, np.zeros_like(room), room, np.zeros(free, np.int32), np.zeros(free), end)


@compiled
def _fill(start: Ints, point: Shorts, metres: Floats, table: Table) -> None:
    """Write pairs, asset by asset, into empty lists."""
    for a in range(len(start) - 1):
        for k in range(start[a], start[a + 1]):
            _append(table.assets, a, point[k], metres[k])
            _append(table.points, point[k], a, metres[k])


@compiled
def _append(lists: Lists, k: int, item: int, metres: float) -> None:
    at = lists.start[k] + lists.length[k]
    lists.item[at], lists.metres[at] = item, metres
    lists.length[k] += 1


def of_asset(table: Table, slot: int) -> Shorts:
    """Give the points that an asset reaches."""
    start = table.assets.start[slot]
    return table.assets.item[start : start + table.assets.length[slot]].copy()


@compiled
def pairs(table: Table, slots: Shorts) -> tuple[Ints, Shorts, Floats]:
    """Give the points that some assets reach, and how far they are, as `walks.Pairs` has them, in the order asked."""
    lists = table.assets
    start = np.zeros(len(slots) + 1, np.int64)
    for k in range(len(slots)):
        start[k + 1] = start[k] + lists.length[slots[k]]
    point, metres = np.empty(start[-1], np.int32), np.empty(start[-1])
    for k in range(len(slots)):
        first = lists.start[slots[k]]
        point[start[k] : start[k + 1]] = lists.item[first : first + lists.length[slots[k]]]
        metres[start[k] : start[k + 1]] = lists.metres[first : first + lists.length[slots[k]]]
    return start, point, metres


def widened(table: Table, slots: int) -> Table:
    """Make place for slots up to this number; new ones reach nobody."""
    more = np.zeros(slots - len(table.assets.start), np.int64)
    start, length, room = (np.concatenate([each, more]) for each in table.assets[:3])
    return table._replace(assets=Lists(start, length, room, *table.assets[3:]))


def roomy(table: Table, slot: int, points: Shorts) -> Table:
    """Give the table with room for one asset more at these points, for which `link` found none.

    All lists are laid one after the other again: that takes as long as making the table, once in many edits.
    """
    assets, lists = table
    if len(points) > assets.room[slot] and assets.end[0] + len(points) > len(assets.item):
        assets = _packed(assets, 0, len(points))
    if lists.end[0] + _wanted(lists, points) > len(lists.item):
        lists = _packed(lists, SPARE, 0)
    return Table(assets, lists)


@compiled
def _wanted(lists: Lists, points: Shorts) -> int:
    """Count the items that are needed at the end before each of these lists can take one more."""
    wanted = 0
    for i in points:
        if lists.length[i] == lists.room[i]:
            wanted += 2 * lists.length[i] + SPARE
    return wanted


def _packed(lists: Lists, spare: int, more: int) -> Lists:
    """Lay lists one after the other, with some spare room each and room for more at the end."""
    packed = _empty(lists.length + spare, more)
    _carry(lists, packed)
    return packed


@compiled
def _carry(old: Lists, new: Lists) -> None:
    for k in range(len(old.start)):
        for at in range(old.start[k], old.start[k] + old.length[k]):
            _append(new, k, old.item[at], old.metres[at])


@compiled
def link(table: Table, slot: int, points: Shorts, metres: Floats, rank: Floats) -> bool:
    """Let an asset that reaches nobody reach these points, ascending; or say that there is no room, and do nothing.

    rank  of each slot; decides where the asset stands in the lists of the points
    """
    own, lists = table
    if lists.end[0] + _wanted(lists, points) > len(lists.item):
        return False
    if len(points) > own.room[slot]:
        if own.end[0] + len(points) > len(own.item):
            return False
        own.start[slot], own.room[slot] = own.end[0], len(points)
        own.end[0] += len(points)
    for k in range(len(points)):
        i = points[k]
        _append(own, slot, i, metres[k])
        if lists.length[i] == lists.room[i]:
            _move(lists, i)
        first = lists.start[i]
        at = first + lists.length[i]
        while at > first and rank[lists.item[at - 1]] > rank[slot]:
            lists.item[at], lists.metres[at] = lists.item[at - 1], lists.metres[at - 1]
            at -= 1
        lists.item[at], lists.metres[at] = slot, metres[k]
        lists.length[i] += 1
    return True


@compiled
def _move(lists: Lists, k: int) -> None:
    """Give a list twice the room, at the end."""
    old, to = lists.start[k], lists.end[0]
    for at in range(lists.length[k]):
        lists.item[to + at], lists.metres[to + at] = lists.item[old + at], lists.metres[old + at]
    lists.start[k], lists.room[k] = to, 2 * lists.length[k] + SPARE
    lists.end[0] += lists.room[k]


@compiled
def unlink(table: Table, slot: int) -> tuple[Shorts, Floats]:
    """Let an asset reach nobody any more; gives the points it reached and how far they were, as `link` takes them."""
    own, lists = table.assets, table.points
    first, end = own.start[slot], own.start[slot] + own.length[slot]
    points, metres = own.item[first:end].copy(), own.metres[first:end].copy()
    for i in points:
        at, last = lists.start[i], lists.start[i] + lists.length[i] - 1
        while lists.item[at] != slot:
            at += 1
        for m in range(at, last):
            lists.item[m], lists.metres[m] = lists.item[m + 1], lists.metres[m + 1]
        lists.length[i] -= 1
    own.length[slot] = 0
    return points, metres
