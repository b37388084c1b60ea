"""Which points stand for the residents of each buurt: its addresses, else its squares, else a lattice inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage import demand, zones
from geo.coverage.demand import GROUPS, Bools, Demand, Floats, Ints

LATTICE = "lattice"


@dataclass(frozen=True)
class Buurt:
    """What is known of a buurt as a whole.

    outline    RD New, metres
    residents  its key figure; None where it is not known
    groups     key figures of groups by name; those that are not known are left out
    """

    outline: BaseGeometry
    residents: float | None
    groups: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Points with people, from one kind of source. All of shape (points,) but `xy`.

    name       'addresses' or 'squares'
    residents  NaN where it is not told
    groups     by a name of GROUPS; NaN where it is not told
    year       what it says of a buurt counts from its newest year there only
    """

    name: str
    radius_m: float
    xy: Floats
    residents: Floats
    year: Ints
    groups: Mapping[str, Floats]


class Settled(NamedTuple):
    """The points of all buurten, in order of buurt.

    buurt    of each point, shape (points,)
    sources  of each buurt, by name
    known    whether its residents are known at all, shape (buurten,)
    unknown  residents that its key figure has and its points have not, because their number is kept secret, >= 0
    """

    demand: Demand
    buurt: Ints
    sources: list[str]
    known: Bools
    unknown: Floats


def settle(buurten: Sequence[Buurt], sources: Sequence[Source], *, scale: bool = False) -> Settled:
    """Settle the residents of each buurt on points of the first source that has any in it, else on a lattice.

    Addresses of which no number is told share the key figure of their buurt evenly. A lattice point may stand for
    people anywhere in the outline: its radius says so.

    sources  the finest first
    scale    whether the points of a buurt are scaled to its key figure, where both are known
    """
    free = np.ones(len(buurten), dtype=bool)
    names = [LATTICE] * len(buurten)
    parts, places = [], []
    for source in sources:
        chosen, at = _in_free(source, buurten, free)
        parts.append(_points(source, chosen, at, buurten))
        places.append(at)
        for taken in np.unique(at):
            names[taken], free[taken] = source.name, False
    rest = np.flatnonzero(free)
    without = [buurten[i] for i in rest.tolist()]
    spread, of = demand.spread([each.outline for each in without], [each.residents or 0.0 for each in without])
    parts.append(_with_groups(spread, without, of))
    places.append(rest[of])
    people, buurt = _in_order(parts, np.concatenate(places))
    return _weighed(people, buurt, buurten, names, scale=scale)


def _in_free(source: Source, buurten: Sequence[Buurt], free: Bools) -> tuple[Ints, Ints]:
    """Find the points of a source in buurten without a finer one, of the newest year there, and their buurten."""
    at = zones.holding(source.xy, [buurt.outline for buurt in buurten])
    newest = np.full(len(buurten) + 1, -1, dtype=np.int64)
    np.maximum.at(newest, at, source.year)
    chosen = np.flatnonzero((at >= 0) & np.append(free, False)[at] & (source.year == newest[at]))
    return chosen, at[chosen]


def _points(source: Source, chosen: Ints, at: Ints, buurten: Sequence[Buurt]) -> Demand:
    people = source.residents[chosen].copy()
    told = np.zeros(len(buurten), dtype=bool)
    told[at[~np.isnan(people)]] = True
    if source.radius_m == 0:  # of addresses nobody tells who lives there: all share what the buurt has
        number = np.bincount(at, minlength=len(buurten))
        figure = np.array([np.nan if b.residents is None else b.residents for b in buurten], dtype=float)
        people = np.where(told[at], people, figure[at] / np.maximum(number[at], 1))
    groups = {name: source.groups.get(name, np.full(len(source.xy), np.nan))[chosen] for name in GROUPS}
    return demand.at(source.xy[chosen], people, radius_m=source.radius_m, groups=groups)


def _with_groups(spread: Demand, buurten: Sequence[Buurt], of: Ints) -> Demand:
    """Spread the groups of a buurt as its residents are spread."""
    sizes = np.maximum(np.bincount(of, minlength=len(buurten)), 1)
    figures = {name: np.array([b.groups.get(name, np.nan) for b in buurten], dtype=float) for name in GROUPS}
    groups = {name: (values / sizes)[of] if len(of) else np.empty(0) for name, values in figures.items()}
    return Demand(spread.xy, spread.residents, spread.radius_m, spread.suppressed, groups)


def _in_order(parts: Sequence[Demand], buurt: Ints) -> tuple[Demand, Ints]:
    """Put all points in order of buurt, and within it from south to north: neighbours then lie together in memory."""
    xy = np.concatenate([part.xy for part in parts])
    order = np.lexsort((xy[:, 0], xy[:, 1], buurt))
    whole = Demand(
        xy[order],
        np.concatenate([part.residents for part in parts])[order],
        np.concatenate([part.radius_m for part in parts])[order],
        np.concatenate([part.suppressed for part in parts])[order],
        {name: np.concatenate([part.groups[name] for part in parts])[order] for name in GROUPS},
    )
    return whole, buurt[order]


def _weighed(people: Demand, buurt: Ints, buurten: Sequence[Buurt], names: list[str], *, scale: bool) -> Settled:
    """Say what is known of each buurt, and scale its points to its key figure where that is asked."""
    figure = np.array([np.nan if b.residents is None else b.residents for b in buurten], dtype=float)
    total = np.bincount(buurt, people.residents, minlength=len(buurten))
    known = ~np.isnan(figure) | np.array([name != LATTICE for name in names], dtype=bool)
    secret = np.bincount(buurt, people.suppressed, minlength=len(buurten)) > 0
    if scale:
        factor = np.where(np.isnan(figure) | (total == 0), 1.0, figure / np.where(total > 0, total, 1.0))
        people = Demand(
            people.xy, people.residents * factor[buurt], people.radius_m, people.suppressed,
            {name: values * factor[buurt] for name, values in people.groups.items()},
        )  # fmt: skip
        total = total * factor
    unknown = np.where(secret & ~np.isnan(figure), np.maximum(0.0, np.nan_to_num(figure) - total), 0.0)
    return Settled(people, buurt, names, known, unknown)
