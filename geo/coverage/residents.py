"""Which points stand for the residents of each buurt: its addresses, else its squares, else a lattice inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage import demand, zones
from geo.coverage.demand import GROUPS, Bools, Demand, Floats, Ints

LATTICE = "lattice"
POOL = 10  # dwellings, of fewer than which no number is ever told apart


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

    Of addresses no single one is ever told apart: those in a national square share what is told of them evenly, or
    with those of other squares where they are few. Those of which no number is told share what is left of the key
    figure. Squares count where the number of any of them in the buurt is told. A lattice point may stand for people
    anywhere in the outline: its radius says so.

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
    told = np.bincount(at[(at >= 0) & ~np.isnan(source.residents)], minlength=len(buurten)) > 0
    usable = free if source.radius_m == 0 else free & told
    newest = np.full(len(buurten) + 1, -1, dtype=np.int64)
    np.maximum.at(newest, at, source.year)
    chosen = np.flatnonzero((at >= 0) & np.append(usable, False)[at] & (source.year == newest[at]))
    return chosen, at[chosen]


def _points(source: Source, chosen: Ints, at: Ints, buurten: Sequence[Buurt]) -> Demand:
    people = source.residents[chosen].copy()
    if source.radius_m == 0:
        people = _shared(_pooled(people, source.xy[chosen], at), at, _figures(buurten))
    groups = {name: source.groups.get(name, np.full(len(source.xy), np.nan))[chosen] for name in GROUPS}
    return demand.at(source.xy[chosen], people, radius_m=source.radius_m, groups=groups)


def _figures(buurten: Sequence[Buurt]) -> Floats:
    return np.array([np.nan if buurt.residents is None else buurt.residents for buurt in buurten], dtype=float)


def _pooled(people: Floats, xy: Floats, at: Ints) -> Floats:
    """Let dwellings share evenly what is told of them: those of a square of 100 m, else all such in the buurt.

    returns  shape (dwellings,); NaN where nothing is told, and where fewer than POOL could share it
    """
    told = np.flatnonzero(~np.isnan(people))
    square = np.floor(xy[told] / demand.LATTICE_M)
    cell = np.unique(np.column_stack([at[told], square]), axis=0, return_inverse=True)[1].reshape(-1)
    few = np.bincount(cell)[cell] < POOL
    cell[few] = cell.max(initial=0) + 1 + at[told[few]]
    number = np.maximum(np.bincount(cell), 1)
    even = np.bincount(cell, people[told]) / number
    pooled = np.full(len(people), np.nan)
    pooled[told] = np.where(number[cell] < POOL, np.nan, even[cell])
    return pooled


def _shared(people: Floats, at: Ints, figure: Floats) -> Floats:
    """Let points of which nothing is told share evenly what is left of the key figure of their buurt."""
    told = ~np.isnan(people)
    left = figure - np.bincount(at[told], people[told], minlength=len(figure))
    number = np.bincount(at[~told], minlength=len(figure))
    return np.where(told, people, np.maximum(0.0, left[at]) / np.maximum(number[at], 1))


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
    figure = _figures(buurten)
    total = np.bincount(buurt, people.residents, minlength=len(buurten))
    settled = np.bincount(buurt[~people.suppressed], minlength=len(buurten)) > 0
    lattice = np.array([name == LATTICE for name in names], dtype=bool)
    known = np.where(lattice, ~np.isnan(figure), settled | (figure == 0))
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
