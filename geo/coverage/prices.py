"""A bound on what any choice of places covers, by prices; and which candidates it settles before a solver is asked.

Every uncovered point has a price between 0 and its residents. A candidate is worth the prices of the points that it
covers, and what is not paid is given away: no choice of p covers more than all residents minus all prices plus the p
worthiest candidates. Prices are moved to make that bound low (Lagrangian relaxation of "covered only by what is
chosen"; its lowest bound is that of the linear programme). Steps follow a mean of directions (Barahona & Anbil 2000).
A candidate without which, or with which, the bound falls to what is covered already is settled (Beasley 1990).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from geo.coverage import covering
from geo.coverage.compiled import compiled
from geo.coverage.covering import Cover
from geo.coverage.demand import Bools, Floats, Ints

NEW = 0.1  # how much of a direction is new at each step
PATIENCE = 30  # steps without a lower bound before they are halved
SUMS_AT_ONCE, MOST_STEPS = 20_000_000, 250  # before a look at the clock
LOWER = 1e-4  # of what is left between the bound and the best choice, a fall that counts
LEAST_PACE, MOST_STEPS_OF_ALL = 1e-3, 10_000
EXACTLY = 1e-9  # what is nearer than this share is equal
MANY, MOST_TRIES, NEAR_PACE = 60, 200, 0.05  # candidates left that make it worth to look on near the lowest bound
FEW = 12  # candidates that are left to a solver, rather than looking for better prices


class Bound(NamedTuple):
    """What is known before a solver is asked.

    chosen   the best choice found, shape (p,)
    covered  residents that it covers
    bound    no choice of p covers more
    out      candidates that no better choice holds, shape (candidates,)
    sure     candidates that every better choice holds, shape (candidates,)
    """

    chosen: Ints
    covered: float
    bound: float
    out: Bools
    sure: Bools


class _State(NamedTuple):
    """Prices, the mean direction, the prices of the lowest bound, all (points,); the last choice and the best, (p,)."""

    price: Floats
    drift: Floats
    best: Floats
    last: Ints
    chosen: Ints


class _Known(NamedTuple):
    """What the best choice covers, the lowest bound, and for how many steps that has not fallen."""

    covered: float
    lowest: float
    stall: int


def grain(weight: Floats) -> float:
    """Give the largest number of which all weights are multiples, where they are whole; 0 where some is not."""
    if (weight != np.floor(weight)).any() or weight.sum() > 2**52:
        return 0.0
    return float(np.gcd.reduce(weight.astype(np.int64)))


def enough(covered: float, step: float) -> float:
    """Give what a choice must cover at least to be better, where all that can be covered are multiples of `step`."""
    return covered + max(0.999 * step, EXACTLY * covered)


def bound(cover: Cover, chosen: Ints, until: Callable[[], bool]) -> Bound:
    """Find prices that make the bound low, and better choices on the way.

    chosen   p distinct candidates to start from, fewer than there are
    until    says whether time is up; asked every few million sums
    """
    p, step = len(chosen), grain(cover.weight)
    price = cover.weight / np.bincount(cover.point, minlength=len(cover.weight))
    state = _State(price, np.zeros(len(price)), price.copy(), chosen.copy(), chosen.copy())
    known = _Known(covering.value(cover, chosen), float(cover.weight.sum()) * (p + 1), 0)
    pace, taken, steps = 1.0, 0, int(np.clip(SUMS_AT_ONCE // len(cover.point), 1, MOST_STEPS))
    while True:
        known = _keep(cover, state, _descend(cover, state, known, pace, steps))
        taken += steps
        out, sure = settled(cover, state.best, p, enough(known.covered, step))
        free = int((~out & ~sure).sum())
        if known.stall >= PATIENCE:
            pace /= 2
            state.price[:] = state.best
            known = known._replace(stall=0)
        if free <= FEW or pace < LEAST_PACE or taken >= MOST_STEPS_OF_ALL or until():
            break
    for _ in range(MOST_TRIES if free > MANY else 0):
        if until():
            break
        known = _keep(cover, state, _descend(cover, state, known, NEAR_PACE, 1))
    out, sure = settled(cover, state.best, p, enough(known.covered, step))
    return Bound(state.chosen, known.covered, max(known.lowest, known.covered), out, sure)


def _keep(cover: Cover, state: _State, known: _Known) -> _Known:
    """Polish the last choice, and keep it where it covers more than the best one."""
    tried = covering.polish(cover, state.last)
    better = covering.value(cover, tried)
    if better <= known.covered:
        return known
    state.chosen[:] = tried
    return known._replace(covered=better)


def settled(cover: Cover, price: Floats, p: int, better: float) -> tuple[Bools, Bools]:
    """Find candidates that no choice covering at least `better` holds, and those that every such choice holds."""
    worth = _worth(cover, price)
    order = np.argsort(-worth, kind="stable")
    lowest = (cover.weight - price).sum() + worth[order[:p]].sum()
    out, sure = np.zeros(len(worth), dtype=bool), np.zeros(len(worth), dtype=bool)
    out[order[p:]] = lowest - worth[order[p - 1]] + worth[order[p:]] < better
    sure[order[:p]] = lowest - worth[order[:p]] + worth[order[p]] < better
    return out, sure


@compiled
def _worth(cover: Cover, price: Floats) -> Floats:
    """Sum for each candidate the prices of the points that it covers."""
    found = np.zeros(len(cover.start) - 1)
    for c in range(len(found)):
        total = 0.0
        for k in range(cover.start[c], cover.start[c + 1]):
            total += price[cover.point[k]]
        found[c] = total
    return found


@compiled
def _descend(cover: Cover, state: _State, known: _Known, pace: float, steps: int) -> _Known:
    """Move prices, as many steps as told or until the bound stays where it is.

    pace  how long a step is, as a share of what would close the gap if the direction were right
    """
    covered, lowest, stall = known
    for _ in range(steps):
        worth = _worth(cover, state.price)
        state.last[:] = np.argsort(-worth, kind="mergesort")[: len(state.last)]
        here = (cover.weight - state.price).sum() + worth[state.last].sum()
        reached = covering.value(cover, state.last)
        if reached > covered:
            covered, state.chosen[:] = reached, state.last
        stall = 0 if here < lowest - LOWER * (lowest - covered) else stall + 1
        if here < lowest:
            lowest, state.best[:] = here, state.price
        if lowest <= covered * (1 + EXACTLY) or not _move(cover, state, pace * (here - covered)):
            stall = PATIENCE
        if stall >= PATIENCE:
            break
    return _Known(covered, lowest, stall)


@compiled
def _move(cover: Cover, state: _State, step: float) -> bool:
    """Lower the prices of points that the last choice covers more than once, raise those that it leaves out.

    returns  whether there was anything to move
    """
    count, length = covering.times(cover, state.last), 0.0
    for i in range(len(count)):
        wanted = 1.0 if state.price[i] < cover.weight[i] else min(1.0, float(count[i]))
        state.drift[i] += NEW * (count[i] - wanted - state.drift[i])
        if not _at_end(state.price[i], cover.weight[i], state.drift[i]):
            length += state.drift[i] ** 2
    if length * len(count) <= EXACTLY or step <= 0:
        return False
    for i in range(len(count)):
        state.price[i] = min(max(state.price[i] - step / length * state.drift[i], 0.0), cover.weight[i])
    return True


@compiled
def _at_end(price: float, weight: float, drift: float) -> bool:
    """Say whether a price is already as low or as high as it can be in the direction of the drift."""
    return (price <= 0 and drift > 0) or (price >= weight and drift < 0)
