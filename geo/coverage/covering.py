"""Sums over what each candidate covers: what one more adds, what a choice covers, and what a swap makes better."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.coverage.compiled import compiled
from geo.coverage.demand import Bools, Floats, Ints
from geo.coverage.walks import Pairs

BETTER = 1 + 1e-12  # a swap that gains less is rounding
MOST_ROUNDS = 100


class Cover(NamedTuple):
    """Which points each candidate covers: candidate c covers point[start[c]:start[c+1]].

    start   shape (candidates + 1,)
    point   indexes into `weight`, ascending for each candidate, shape (pairs,)
    weight  residents that nothing covers yet, > 0, shape (points,); every point is covered by some candidate
    """

    start: Ints
    point: NDArray[np.int32]
    weight: Floats


def of(pairs: Pairs, uncovered: Floats) -> Cover:
    """Keep the points where somebody is uncovered and some candidate reaches them, and number them anew.

    uncovered  residents, >= 0, shape (points,)
    returns    all candidates, those that cover nobody among them
    """
    wanted = uncovered > 0
    keep = wanted[pairs.point]
    reached = np.zeros(len(uncovered), dtype=bool)
    reached[pairs.point[keep]] = True
    number = np.cumsum(reached, dtype=np.int32) - 1
    before = np.concatenate([[0], np.cumsum(keep)])
    return Cover(before[pairs.start], number[pairs.point[keep]].astype(np.int32), uncovered[reached])


def without(cover: Cover, given: Bools) -> Cover:
    """Drop the points that are `given`, shape (points,); candidates stay."""
    return of(Pairs(cover.start, cover.point, np.empty(0)), np.where(given, 0.0, cover.weight))


@compiled
def times(cover: Cover, chosen: Ints) -> Ints:
    """Count how many of the chosen cover each point."""
    count = np.zeros(len(cover.weight), np.int64)
    for c in chosen:
        for k in range(cover.start[c], cover.start[c + 1]):
            count[cover.point[k]] += 1
    return count


@compiled
def gains(cover: Cover, count: Ints) -> Floats:
    """Sum for each candidate the residents that it covers and nothing chosen does, at points of which `count` is 0.

    The order of a sum depends on the candidate alone: the more is covered, the less each gains, to the last bit.
    """
    found = np.zeros(len(cover.start) - 1)
    for c in range(len(found)):
        total = 0.0
        for k in range(cover.start[c], cover.start[c + 1]):
            if count[cover.point[k]] == 0:
                total += cover.weight[cover.point[k]]
        found[c] = total
    return found


@compiled
def value(cover: Cover, chosen: Ints) -> float:
    """Sum the residents that a choice covers."""
    count, total = times(cover, chosen), 0.0
    for i in range(len(count)):
        if count[i] > 0:
            total += cover.weight[i]
    return total


@compiled
def one_by_one(cover: Cover, p: int, among: Ints) -> tuple[Ints, Floats, float]:
    """Choose p candidates of those `among`, each time the one that adds most, of equals the lowest, while any adds.

    returns  the chosen and what each added; and what no choice of p covers more than: at every step what is covered
             plus the p largest gains, for what a choice adds is at most the sum of what each of it adds
    """
    chosen, added = np.empty(p, np.int64), np.empty(p)
    if len(cover.weight) == 0:
        return chosen[:0], added[:0], 0.0
    allowed = np.zeros(len(cover.start) - 1, np.bool_)
    allowed[among] = True
    count, number, covered, bound = times(cover, chosen[:0]), 0, 0.0, cover.weight.sum()
    while True:
        gain = gains(cover, count)
        bound = min(bound, covered + np.sort(gain)[::-1][:p].sum())
        first = np.argmax(np.where(allowed, gain, -1.0))
        if number == p or gain[first] <= 0 or not allowed[first]:
            return chosen[:number], added[:number], bound
        chosen[number], added[number] = first, gain[first]
        number += 1
        covered += gain[first]
        for k in range(cover.start[first], cover.start[first + 1]):
            count[cover.point[k]] += 1


@compiled
def without_each(cover: Cover, chosen: Ints) -> Floats:
    """Give what every candidate would add if one of the chosen were not there, shape (chosen, candidates)."""
    found, count = np.empty((len(chosen), len(cover.start) - 1)), times(cover, chosen)
    for row in range(len(chosen)):
        _shift(cover, chosen[row], -1, count)
        found[row] = gains(cover, count)
        _shift(cover, chosen[row], 1, count)
    return found


@compiled
def polish(cover: Cover, chosen: Ints) -> Ints:
    """Swap one of the chosen at a time for the candidate that adds most in its stead, until no swap covers more."""
    chosen, count = chosen.copy(), times(cover, chosen)
    for _ in range(MOST_ROUNDS):
        better = False
        for row in range(len(chosen)):
            _shift(cover, chosen[row], -1, count)
            gain = gains(cover, count)
            first = np.argmax(gain)
            if gain[first] > gain[chosen[row]] * BETTER:
                chosen[row], better = first, True
            _shift(cover, chosen[row], 1, count)
        if not better:
            break
    return chosen


@compiled
def _shift(cover: Cover, candidate: int, by: int, count: Ints) -> None:
    for k in range(cover.start[candidate], cover.start[candidate + 1]):
        count[cover.point[k]] += by
