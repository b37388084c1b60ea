"""The sums over the people of each area, in machine code: one sweep over its points gives all figures."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.places import PARTS, SERVED
from geo.coverage.zones import Zones

FIGURES = 26
EXACTLY = 1 + 1e-12  # what is equal but for rounding is equal
EXACTLY_BELOW = 1 - 1e-12


class People(NamedTuple):
    """What is read of each point. within: assets within the norm."""

    residents: Floats
    radius_m: Floats
    near_m: Floats
    within: Ints
    doubt: Floats
    open_mask: Ints
    weight: Floats
    supply: Floats
    crowding: Floats


class Nearby(NamedTuple):
    """What is read of each point to tell what is nearest to most people. nearest: index of an asset, or -1."""

    residents: Floats
    near_m: Floats
    nearest: Ints
    within: Ints


class Rules(NamedTuple):
    """A policy as arrays: norm_m, detour, min_open_hours, supply_norm; the table that `week` makes; the severities."""

    limits: Floats
    week: Floats
    severity: Floats


@compiled
def sweep(zones: Zones, asked: Ints, people: People, rules: Rules) -> Floats:
    """Work out one column an area, its rows in the order of gaps.Figures."""
    out = np.full((FIGURES, len(asked)), np.nan)
    for column in range(len(asked)):
        mine = zones.point[zones.start[asked[column]] : zones.start[asked[column] + 1]]
        total = 0.0
        for i in mine:
            total += people.residents[i]
        out[0, column] = total
        if total > 0:
            out[1:9, column] = _walked(mine, total, people, rules)
            out[9:14, column] = _offered(mine, total, people)
            out[14:16, column] = _open(mine, total, people, rules)
            out[16:22, column] = _classed(mine, total, people, rules)
            out[22:26, column] = _bounds(mine, total, people, rules)
    return out


@compiled
def _walked(mine: Ints, total: float, people: People, rules: Rules) -> tuple[float, ...]:
    """From the covered share to FGT1."""
    norm = rules.limits[0]
    covered, uncovered, reached, metres, beyond, depth, short = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    walks, weights, n = np.empty(len(mine)), np.empty(len(mine)), 0
    for i in mine:
        w, d = people.residents[i], people.near_m[i]
        if w > 0 and d < np.inf:
            reached += w
            metres += w * d
            walks[n], weights[n] = d, w
            n += 1
        if people.within[i] > 0:
            covered += w
        elif w > 0:
            uncovered += w
            short += w * min(1.0, max(0.0, d / norm - 1.0))
            if d < np.inf:
                beyond += w
                depth += w * (d - norm)
    median = quantile(walks, weights, n, 0.5 * total)
    p90 = quantile(walks, weights, n, 0.9 * total)
    mean = metres / reached  # 0 / 0, NaN, where nobody reaches anything
    return covered / total, uncovered, mean, reached / total, median, p90, depth / beyond, short / total


@compiled
def quantile(walks: Floats, weights: Floats, n: int, target: float) -> float:
    """Give the smallest of the first n walks up to which at least `target` weight lies; NaN where all weigh less.

    Looks for it as quickselect does, and so puts both arrays in another order.
    """
    target *= EXACTLY_BELOW
    low, high, below = 0, n, 0.0
    while low < high:
        pivot = _middle(walks[low], walks[(low + high) // 2], walks[high - 1])
        first, last, at = low, high, low
        less, same = 0.0, 0.0
        while at < last:
            if walks[at] < pivot:
                less += weights[at]
                walks[at], walks[first] = walks[first], walks[at]
                weights[at], weights[first] = weights[first], weights[at]
                first += 1
                at += 1
            elif walks[at] > pivot:
                last -= 1
                walks[at], walks[last] = walks[last], walks[at]
                weights[at], weights[last] = weights[last], weights[at]
            else:
                same += weights[at]
                at += 1
        if below + less >= target:
            high = first
        elif below + less + same >= target:
            return pivot
        else:
            below += less + same
            low = last
    return np.nan


@compiled
def _middle(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@compiled
def _offered(mine: Ints, total: float, people: People) -> tuple[float, ...]:
    """From choice to the certain share."""
    choice, fragile, supply, sure, crowding, within = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in mine:
        w = people.residents[i]
        if w > 0:
            choice += w * people.within[i]
            fragile += w * (people.within[i] == 1)
            supply += w * people.supply[i]
            sure += w * (1.0 - people.doubt[i])
            if people.weight[i] > 0:
                within += w
                crowding += w * people.crowding[i]
    crowded = crowding / within if crowding < np.inf else np.nan
    return choice / total, fragile / total, 1000.0 * supply / total, crowded, sure / total


@compiled
def week(lengths: Floats) -> Floats:
    """Sum the lengths of the parts of the week for every mask of one of its thirds, seven bits; shape (3, 128)."""
    table = np.zeros((3, 128))
    for third in range(3):
        for mask in range(128):
            for bit in range(7):
                if mask >> bit & 1:
                    table[third, mask] += lengths[7 * third + bit]
    return table


@compiled
def _hours(mask: int, table: Floats) -> float:
    """Give the length of all parts in a mask; none where opening hours are not known."""
    return table[0, mask & 127] + table[1, mask >> 7 & 127] + table[2, mask >> 14 & 127] if mask > 0 else 0.0


@compiled
def _parts(mine: Ints, people: People) -> Floats:
    """Count the people who have something open within the norm, for each part of the week."""
    there = np.zeros(PARTS)
    for i in mine:
        mask, w = people.open_mask[i], people.residents[i]
        if mask > 0:
            for part in range(PARTS):
                there[part] += w if mask >> part & 1 else 0.0
    return there


@compiled
def _open(mine: Ints, total: float, people: People, rules: Rules) -> tuple[float, ...]:
    """Give the open hours, and the share with something open in the worst part of the week."""
    hours = 0.0
    for i in mine:
        hours += people.residents[i] * _hours(people.open_mask[i], rules.week)
    return hours / total, _parts(mine, people).min() / total


@compiled
def worst_parts(zones: Zones, asked: Ints, people: People) -> Ints:
    """Find the first part of the week in which fewest people have something open; -1 where nobody lives."""
    worst = np.full(len(asked), -1)
    for row in range(len(asked)):
        mine = zones.point[zones.start[asked[row]] : zones.start[asked[row] + 1]]
        if (people.residents[mine] > 0).any():
            there = _parts(mine, people)
            worst[row] = np.argmax(there <= there.min() * EXACTLY)
    return worst


@compiled
def shares(zones: Zones, asked: Ints, people: Floats, within: Ints) -> tuple[Floats, Floats]:
    """Sum people, of whom a NaN is not known, and give the share of them with something within the norm."""
    total, covered = np.zeros(len(asked)), np.zeros(len(asked))
    for row in range(len(asked)):
        for i in zones.point[zones.start[asked[row]] : zones.start[asked[row] + 1]]:
            if people[i] > 0:
                total[row] += people[i]
                covered[row] += people[i] if within[i] > 0 else 0.0
    return total, covered / total


@compiled
def _class_of(i: int, people: People, rules: Rules) -> int:
    """Give the first of policy.CLASSES that applies to the people of a point."""
    if people.within[i] == 0:
        return 0
    if people.doubt[i] > 0.5 * EXACTLY:
        return 1
    if _hours(people.open_mask[i], rules.week) < rules.limits[2] * EXACTLY_BELOW:
        return 2
    if people.supply[i] < rules.limits[3] * EXACTLY_BELOW:
        return 3
    return 4


@compiled
def classes(people: People, rules: Rules) -> Ints:
    """Give the class of each point."""
    found = np.empty(len(people.residents), np.int64)
    for i in range(len(found)):
        found[i] = _class_of(i, people, rules)
    return found


@compiled
def _classed(mine: Ints, total: float, people: People, rules: Rules) -> Floats:
    """Count people by class, and weigh them to the gap."""
    found = np.zeros(6)
    for i in mine:
        found[_class_of(i, people, rules)] += people.residents[i]
    for each in range(5):
        found[5] += rules.severity[each] * found[each]
    found[5] *= 100.0 / total
    return found


@compiled
def _bounds(mine: Ints, total: float, people: People, rules: Rules) -> tuple[float, ...]:
    """From the lowest covered share that the radius of the points allows to the share within 1.2 of the norm."""
    norm, detour = rules.limits[0] * EXACTLY, rules.limits[1]
    low, high, narrow, wide = 0.0, 0.0, 0.0, 0.0
    for i in mine:
        w, d, off = people.residents[i], people.near_m[i], people.radius_m[i] * detour
        covered = people.within[i] > 0
        low += w * (covered and (d + off <= norm or people.open_mask[i] & SERVED > 0))
        high += w * (covered or d - off <= norm)
        narrow += w * (d <= 0.8 * norm)
        wide += w * (d <= 1.2 * norm)
    return low / total, high / total, narrow / total, wide / total


@compiled
def mains(zones: Zones, asked: Ints, people: Nearby) -> tuple[Ints, Floats]:
    """Find for each area the asset nearest to most of those who are left out, or of all where nobody is.

    returns  the assets, of equals the lowest, -1 where none reaches anything; and the median walk of those people to it
    """
    main, main_m = np.full(len(asked), -1), np.full(len(asked), np.nan)
    for row in range(len(asked)):
        mine = zones.point[zones.start[asked[row]] : zones.start[asked[row] + 1]]
        mine = mine[people.residents[mine] > 0]
        beyond = mine[people.within[mine] == 0]
        if len(beyond) > 0:
            mine = beyond
        mine = mine[people.nearest[mine] >= 0]
        mine = mine[np.argsort(people.nearest[mine], kind="mergesort")]
        most, first = 0.0, 0
        while first < len(mine):
            last, residents = first, 0.0
            while last < len(mine) and people.nearest[mine[last]] == people.nearest[mine[first]]:
                residents += people.residents[mine[last]]
                last += 1
            if residents > most * EXACTLY:
                theirs, most = mine[first:last], residents
                main[row] = people.nearest[mine[first]]
                main_m[row] = quantile(people.near_m[theirs], people.residents[theirs], len(theirs), most / 2)
            first = last
    return main, main_m
