"""Where the next places help most: p candidates that cover most residents whom nothing covers yet (MCLP).

What exists is locked: whoever it covers needs nothing, so only the residents whom it leaves count, and no choice takes
it away. Church & ReVelle 1974; definitions: docs/coverage.md, measure 12.
"""

import math
import time
from typing import NamedTuple

import numpy as np

from geo.coverage import covering, prices, solver
from geo.coverage.covering import Cover
from geo.coverage.demand import Floats, Ints
from geo.coverage.walks import Pairs
from geo.errors import Flaw, InvalidInput

NEAR = 0.01  # of all that is newly covered: what a replacement may lose and still be nearly equal
MOST_ALTERNATIVES = 10
MOST_PAIRS = 300_000  # of more the solver would not see the end, nor keep to the time
SEARCH, SEARCH_MANY = 0.25, 0.75  # of the time limit, at most, for prices; the rest is for the solver
EXACTLY = 1e-9  # a bound that is nearer than this share is the same number


class Alternatives(NamedTuple):
    """Candidates that could stand in for one of the chosen, those that lose least first, of equals the lowest.

    candidate  their indexes
    lost       residents fewer that all of the choice then covers; below 0 where more, which cannot be once it is proven
    """

    candidate: Ints
    lost: Floats


class Sites(NamedTuple):
    """A choice of places. All arrays of shape (chosen,); fewer than p are chosen where one more would add nobody.

    chosen        candidates, in the order of what each adds when they are added one after another
    gained        residents that each adds in that order, sums to `covered`
    alone         residents that each would newly cover by itself
    covered       residents newly covered by all of them
    bound         no choice of p covers more
    proven        whether `covered` is the most that can be, to six digits where residents are no whole numbers
    alternatives  for each, what could stand in for it at a loss of at most 1 % of `covered`; at most ten
    """

    chosen: Ints
    gained: Floats
    alone: Floats
    covered: float
    bound: float
    proven: bool
    alternatives: list[Alternatives]


def uncovered(residents: Floats, within: Ints) -> Floats:
    """Give the residents whom nothing covers: of points with no asset `within` the norm. All of shape (points,)."""
    return np.where(within > 0, 0.0, residents)


def greedy(pairs: Pairs, uncovered: Floats, p: int) -> Sites:
    """Choose places one after another, each time the one that adds most, of equals the lowest. At once, but not exact.

    The choice covers at least 1 − (1 − 1/p)^p, more than 63 %, of what is possible; `bound` is mostly much nearer.

    pairs      walks within the norm by candidate
    uncovered  residents whom nothing covers, >= 0, may be fractional, shape (points,)
    raises     InvalidInput where p is below 1, a number of residents cannot be, or a pair names no point
    """
    cover = _cover(pairs, uncovered, p)
    chosen, _, bound = covering.one_by_one(cover, _most(cover, p), _all(cover))
    return _sites(cover, chosen, bound)


def best(pairs: Pairs, uncovered: Floats, p: int, time_limit_s: float = 30.0) -> Sites:
    """Choose the places that together cover most: exact, or as near as the time limit allows, which `bound` shows.

    time_limit_s  seconds on the clock; 0 gives the best of greedy, swaps and the first prices. What is not proven by
                  then is the best found, with a bound: how good that is depends on the machine
    others        as in `greedy`
    raises        as `greedy`, and on a time limit that is none; Unavailable where the solver fails
    """
    if not (math.isfinite(time_limit_s) and time_limit_s >= 0):
        raise InvalidInput("The time limit must be seconds, 0 or more.", Flaw("time_limit_s", f"is {time_limit_s}"))
    began = time.monotonic()
    cover = _cover(pairs, uncovered, p)
    first, _, bound = covering.one_by_one(cover, _most(cover, p), _all(cover))
    if (covering.times(cover, first) > 0).all():
        return _sites(cover, first, bound)
    until = began + time_limit_s * (SEARCH if len(cover.point) <= MOST_PAIRS else SEARCH_MANY)
    priced = prices.bound(cover, covering.polish(cover, first), lambda: time.monotonic() >= until)
    chosen, most = _finished(cover, priced, began + time_limit_s)
    return _sites(cover, chosen, min(bound, most))


def _finished(cover: Cover, priced: prices.Bound, ends: float) -> tuple[Ints, float]:
    """Settle what prices left open: a better choice, if there is one, holds all that is `sure`, nothing that is `out`.

    returns  the best choice, and what no choice covers more than
    """
    free, sure = np.flatnonzero(~priced.out & ~priced.sure), np.flatnonzero(priced.sure)
    left = len(priced.chosen) - len(sure)
    if left <= 0 or len(free) <= left:
        only = sure if left <= 0 else np.concatenate([sure, free])
        return _better(cover, priced.chosen, only[: len(priced.chosen)])
    if (seconds := ends - time.monotonic()) <= 0:
        return priced.chosen, priced.bound
    given = covering.times(cover, sure) > 0
    rest, stay = solver.small(covering.without(cover, given), free)
    if not len(stay):
        return _better(cover, priced.chosen, sure)
    if len(rest.point) > MOST_PAIRS:
        return priced.chosen, priced.bound
    begin = np.searchsorted(stay, np.setdiff1d(priced.chosen, sure))
    fits = np.isin(sure, priced.chosen).all() and np.isin(np.setdiff1d(priced.chosen, sure), stay).all()
    answer = solver.solve(rest, left, begin if fits else begin[:0], prices.grain(cover.weight), seconds)
    chosen, covered = _better(cover, priced.chosen, np.concatenate([sure, stay[answer.chosen]]))
    bound = covered if answer.proven else float(cover.weight[given].sum()) + answer.bound
    return chosen, min(priced.bound, max(covered, bound))


def _better(cover: Cover, first: Ints, second: Ints) -> tuple[Ints, float]:
    """Give the choice that covers more, the first of equals, and what it covers."""
    values = covering.value(cover, first), covering.value(cover, second)
    return (second, values[1]) if values[1] > values[0] * covering.BETTER else (first, values[0])


def _sites(cover: Cover, chosen: Ints, bound: float) -> Sites:
    """Put a choice in order, and say what each of it does."""
    chosen, gained, _ = covering.one_by_one(cover, len(chosen), chosen)
    covered, step = float(gained.sum()), prices.grain(cover.weight)
    bound = max(covered, np.floor(bound / step + 1e-3) * step if step else bound)
    proven = bool(bound <= covered * (1 + EXACTLY))
    alone = covering.gains(cover, covering.times(cover, chosen[:0]))[chosen]
    others = _alternatives(cover, chosen)
    return Sites(chosen, gained, alone, covered, covered if proven else float(bound), proven, others)


def _alternatives(cover: Cover, chosen: Ints) -> list[Alternatives]:
    """Find for each of the chosen what could stand in for it at a small loss, and adds somebody."""
    adds = covering.without_each(cover, chosen)
    covered, found = covering.value(cover, chosen), []
    for site, gain in zip(chosen, adds, strict=True):
        lost = gain[site] - gain
        fit = (lost <= NEAR * covered * (1 + EXACTLY)) & (gain > 0)
        fit[chosen] = False
        candidate = np.flatnonzero(fit)
        candidate = candidate[np.argsort(lost[candidate], kind="stable")][:MOST_ALTERNATIVES]
        found.append(Alternatives(candidate, lost[candidate]))
    return found


def _most(cover: Cover, p: int) -> int:
    return min(p, len(cover.start) - 1)


def _all(cover: Cover) -> Ints:
    return np.arange(len(cover.start) - 1)


def _cover(pairs: Pairs, uncovered: Floats, p: int) -> Cover:
    """Refuse what cannot be with InvalidInput, and keep what matters."""
    if p < 1:
        raise InvalidInput("At least one place must be chosen.", Flaw("p", f"is {p}"))
    uncovered = np.asarray(uncovered, dtype=float)
    bad = np.flatnonzero(~(np.isfinite(uncovered) & (uncovered >= 0)))
    if len(bad):
        row = int(bad[0])
        told = f"is {uncovered[row]} in row {row}"
        raise InvalidInput(
            f"Demand point {row}: uncovered residents cannot be {uncovered[row]}.", Flaw("uncovered", told)
        )
    start, point = pairs.start, pairs.point
    if not len(start) or start[0] != 0 or start[-1] != len(point) or (np.diff(start) < 0).any():
        raise InvalidInput("The pairs do not say which candidate each belongs to.", Flaw("start", "does not fit"))
    if len(point) and (point.min() < 0 or point.max() >= len(uncovered)):
        raise InvalidInput(f"A pair names no point of {len(uncovered)}.", Flaw("point", "is out of range"))
    first = np.zeros(len(point), dtype=bool)
    first[start[:-1][np.diff(start) > 0]] = True
    if (np.diff(point) <= 0)[~first[1:]].any():
        raise InvalidInput("The points of a candidate must ascend, each once.", Flaw("point", "does not ascend"))
    return covering.of(pairs, uncovered)
