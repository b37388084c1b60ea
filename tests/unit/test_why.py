"""What explains areas, against a slow count of the same; Testdorp's own cases stand in test_coverage."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from geo.coverage import demand, measures, places, walks, why, zones
from geo.coverage.demand import Ints
from geo.coverage.measures import Reached
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.walks import Line, Pairs
from geo.coverage.why import Land, Why

ORIGIN = np.array([100_000.0, 400_000.0])
AREAS = 8  # points lie in one of the first six, and some in one or both of the last two as well
ALL = 80  # of which the others are empty: so many that no asset is left out because it is far from them all
slow = settings(deadline=None, max_examples=60)  # the machine code is made at the first call
seeds = st.integers(0, 2**32 - 1)
norms = st.sampled_from([100.0, 400.0, 2000.0])


class Town(NamedTuple):
    assets: Places
    land: Land
    rule: Policy
    walks: Line
    reached: Reached


def town(seed: int, norm_m: float, assets: int = 12) -> Town:
    """Make people and assets, among which parks and assets without a place, in areas that overlap."""
    chance = default_rng(seed)
    points = 50
    residents = np.where(chance.random(points) < 0.1, np.nan, chance.integers(0, 9, points))
    people = demand.at(chance.integers(0, 30, (points, 2)) * 50 + ORIGIN, residents)
    ages = chance.choice([0.0, 545.0, np.nan], assets)
    made = places.at(chance.integers(0, 30, (assets, 2)) * 50 + ORIGIN, age_days=ages)
    made.xy[-2:] = np.nan
    served = {assets - 1: np.unique(chance.integers(0, points, 9))}
    parks = {0: shapely.Point(made.xy[0]).buffer(300)}
    made = replace(made, areas=parks, served=served)
    first, more = chance.integers(0, 6, points), np.flatnonzero(chance.random(points) < 0.3)
    point = np.concatenate([np.arange(points), more, more[::2]])
    area = np.concatenate([first, np.full(len(more), 6), np.full(len(more[::2]), 7)])
    homes = zones.of_pairs(chance.integers(0, AREAS, 20), chance.integers(0, assets - 2, 20), assets)
    rule = Policy(norm_m=norm_m)
    line = Line(people.xy, rule.detour)
    reached, _ = measures.reach(line, made, people, rule)
    return Town(made, Land(zones.of_pairs(point, area, ALL), people, homes), rule, line, reached)


def explained(of: Town, areas: Ints | None = None) -> Why:
    return why.why(walks.walked(of.walks, of.assets, of.rule.norm_m), of.assets, of.reached, of.land, areas)


@slow
@given(seeds, norms)
def test_the_explanation_is_what_a_slow_count_says(seed: int, norm_m: float) -> None:
    of = town(seed, norm_m)
    told, pairs = explained(of), of.walks.pairs(of.assets, norm_m)
    for area in range(AREAS):
        slowly = counted(of, pairs, area)
        for name, value in slowly.items():
            np.testing.assert_allclose(getattr(told, name)[area], value, rtol=1e-9, err_msg=name)


def counted(of: Town, pairs: Pairs, area: int) -> dict[str, float | list[float]]:
    """Go asset by asset through sets of points."""
    mine = set(of.land.zones.point[of.land.zones.start[area] : of.land.zones.start[area + 1]].tolist())
    people, reached = of.land.demand, of.reached
    w = people.residents
    reach = [
        {int(i) for i in pairs.point[pairs.start[a] : pairs.start[a + 1]] if i in mine} for a in range(of.assets.count)
    ]
    living = [[i for i in points if w[i] > 0 or people.suppressed[i]] for points in reach]
    homes = [set(of.land.homes.point[of.land.homes.start[a] : of.land.homes.start[a + 1]]) for a in range(len(reach))]
    there = [a for a, points in enumerate(living) if points]
    served = set().union(*(set(points.tolist()) for points in of.assets.served.values()))
    walked = set().union(*(points for a, points in enumerate(reach) if a not in of.assets.served))
    covered = set().union(*reach)
    carried = [sum(w[i] for i in points) for points in reach]
    lost = [sum(w[i] for i in reach[a] if sum(i in points for points in reach) == 1) for a in range(len(reach))]
    gained = [sum(w[i] * reached.doubt[i] for i in sorted(points)) for points in reach]
    main, main_m = nearest(of, [i for i in mine if w[i] > 0 and i not in covered] or [i for i in mine if w[i] > 0])
    (carriers, carried), (fragile, lost), (checks, gained) = (most(worth) for worth in (carried, lost, gained))
    return {
        "in_reach": len(there), "across": sum(area not in homes[a] and not np.isnan(of.assets.xy[a, 0]) for a in there),
        "by_catchment": sum(w[i] for i in (served & mine) - walked), "main": main, "main_m": main_m,
        "carriers": carriers, "carried": carried, "fragile": fragile, "lost": lost, "checks": checks, "gained": gained,
    }  # fmt: skip


def most(worth: list[float]) -> tuple[list[float], list[float]]:
    order = [a for a in sorted(range(len(worth)), key=lambda a: (-round(worth[a], 9), a)) if worth[a] > 0][:5]
    spare = 5 - len(order)
    return [*map(float, order), *[-1.0] * spare], [worth[a] for a in order] + [0.0] * spare


def nearest(of: Town, points: list[int]) -> tuple[int, float]:
    w, asset, metres = of.land.demand.residents, of.reached.nearest, of.reached.near_m
    named = sorted({int(asset[i]) for i in points if asset[i] >= 0})
    people = {a: sum(w[i] for i in points if asset[i] == a) for a in named}
    if not people:
        return -1, math.nan
    main = max(people, key=lambda a: (people[a], -a))
    walks = sorted((metres[i], w[i]) for i in points if asset[i] == main)
    summed = np.cumsum([weight for _, weight in walks])
    return main, walks[int(np.argmax(summed >= people[main] / 2))][0]


@slow
@given(seeds, norms, st.lists(st.integers(0, AREAS - 1), max_size=4))
def test_a_few_areas_are_explained_as_among_all(seed: int, norm_m: float, some: list[int]) -> None:
    of, areas = town(seed, norm_m, assets=40), np.array(some, dtype=np.int64)
    for one, part in zip(explained(of), explained(of, areas), strict=True):
        np.testing.assert_array_equal(one[areas], part)


@slow
@given(seeds)
def test_points_may_be_turned_before_they_are_asked_about(seed: int) -> None:
    of = town(seed, 400.0)
    turned = of._replace(land=of.land._replace(by_point=zones.turned(of.land.zones, of.land.demand.count)))
    for one, other in zip(explained(of), explained(turned), strict=True):
        np.testing.assert_array_equal(one, other)


def test_in_blocks_assets_are_named_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    of = town(4, 400.0, assets=30)
    whole = explained(of)
    monkeypatch.setattr(why, "BLOCK", 7)
    for one, other in zip(whole, explained(of), strict=True):
        np.testing.assert_array_equal(one, other)
