"""Laws that the figures of areas keep for any people and any assets, and the same figures by their definitions."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from geo.coverage import demand, gaps, measures, places, policy, zones
from geo.coverage.demand import Bools, Demand, Floats, Ints
from geo.coverage.gaps import Figures
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.walks import Line
from geo.coverage.zones import Zones

X, Y = 100_000.0, 400_000.0
ORIGIN = np.array([X, Y])
SIDE = 2_000
BUURTEN, WIJKEN = 6, 3  # buurt b lies in wijk b // 2, and all in one gemeente, the last of ten areas
GEMEENTE = BUURTEN + WIJKEN
ADDED_UP = ("residents", "uncovered", *(f"people_{name}" for name in policy.CLASSES))
slow = settings(deadline=None)  # the machine code is made at the first call
seeds = st.integers(0, 2**32 - 1)
rules = st.builds(
    Policy,
    norm_m=st.sampled_from([50.0, 300.0, 800.0, 5000.0]),
    decay=st.sampled_from(policy.DECAYS),
    half_life_days=st.just(365.0),
    grace_days=st.just(180.0),
    min_open_hours=st.sampled_from([0.0, 4.0, 60.0]),
    supply_norm=st.sampled_from([0.0, 0.01, 0.2]),
    detour=st.sampled_from([1.0, 1.3]),
    severity=st.sampled_from([(1.0, 0.5, 0.5, 0.25, 0.0), (0.8, 0.7, 0.2, 0.2, 0.1)]),
    hours=st.sampled_from([(6.0,) * 21, tuple(float(part % 7) for part in range(21))]),
)


class Town(NamedTuple):
    people: Demand
    assets: Places
    zones: Zones
    buurt: Ints


def nested(buurt: Ints) -> Zones:
    """Put each point in its buurt, its wijk and the gemeente."""
    area = np.concatenate([buurt, BUURTEN + buurt // 2, np.full(len(buurt), GEMEENTE)])
    return zones.of_pairs(np.tile(np.arange(len(buurt)), 3), area, GEMEENTE + 1)


def town(seed: int, points: int = 60, assets: int = 8) -> Town:
    """Make people and assets that often share a spot or a line, some of them empty, unknown or without a place."""
    chance = default_rng(seed)
    spots = chance.integers(0, SIDE // 50, (points, 2)) * 50.0 + ORIGIN
    residents = np.where(chance.random(points) < 0.2, 0.0, chance.integers(1, 40, points) / chance.choice([1, 3]))
    residents[chance.random(points) < 0.1] = np.nan
    older = np.where(chance.random(points) < 0.3, np.nan, chance.integers(0, 5, points))
    buurt = chance.integers(0, BUURTEN - 1, points)  # nobody lives in the last
    radius_m = chance.choice([0.0, 70.72], points)
    people = demand.at(spots, residents, radius_m=radius_m, groups={"residents_65": older})
    return Town(people, _assets(chance, assets, points), nested(buurt), buurt)


def _assets(chance: Generator, assets: int, points: int) -> Places:
    made = places.at(
        chance.integers(0, SIDE // 50, (assets, 2)) * 50.0 + ORIGIN,
        capacity=chance.choice([0.0, 3.0, 12.5, np.nan], assets),
        age_days=chance.choice([0.0, 200.0, 545.0, 900.0, np.nan], assets),
        open_mask=chance.choice(np.array([-1, 0, 1, 0b111000111, (1 << 21) - 1]), assets),
    )
    placeless = np.flatnonzero(chance.random(assets) < 0.2)
    made.xy[placeless] = np.nan
    served = {int(i): np.unique(chance.integers(0, points, 7)) for i in placeless if chance.random() < 0.7}
    return replace(made, served=served)


def figures(of: Town, rule: Policy) -> Figures:
    reached, _ = measures.reach(Line(of.people.xy, rule.detour), of.assets, of.people, rule)
    return gaps.figures(of.zones, of.people, reached, rule)


def same(one: Figures, other: Figures) -> None:
    for name in Figures._fields:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-9, err_msg=name)


@settings(deadline=None, max_examples=50)
@given(seeds, rules)
def test_the_figures_are_what_their_definitions_say(seed: int, rule: Policy) -> None:
    of = town(seed)
    made, slowly = figures(of, rule), [by_definition(of, rule, area) for area in range(GEMEENTE + 1)]
    for name in Figures._fields:
        told = [one.get(name, math.nan) for one in slowly]
        np.testing.assert_allclose(getattr(made, name), told, rtol=1e-9, atol=1e-12, err_msg=name)


def by_definition(of: Town, rule: Policy, area: int) -> dict[str, float]:
    """Follow the table of measures word by word, with a matrix of all distances."""
    d = _distances(of, rule)
    inside = of.zones.point[of.zones.start[area] : of.zones.start[area + 1]]
    w, total = of.people.residents[inside], float(of.people.residents[inside].sum())
    if total == 0:
        return {"residents": 0.0}
    within = d[inside] <= rule.norm_m * (1 + 1e-12)
    near = d[inside].min(axis=1, initial=np.inf)
    a, crowding, weighed = (each[inside] for each in _supply(of, rule, d))
    p = np.nan_to_num(2.0 ** (-np.maximum(0, of.assets.age_days - rule.grace_days) / rule.half_life_days), nan=0.0)
    certain = 1 - np.prod(np.where(within, 1 - p, 1.0), axis=1)
    known = np.maximum(of.assets.open_mask, 0)
    there = np.array([[any(within[i] & (known >> part & 1 > 0)) for part in range(21)] for i in range(len(w))])
    hours = there @ np.array(rule.hours)

    def share(chosen: Floats | Bools) -> float:
        return float((w * chosen).sum() / total)

    def mean(values: Floats, chosen: Bools) -> float:
        people = w * chosen
        return float((values[people > 0] * people[people > 0]).sum() / people.sum()) if people.sum() > 0 else math.nan

    covered, finite = np.asarray(within.any(axis=1)), np.isfinite(near)
    tests = [covered, certain >= 0.5 - 1e-12, hours >= rule.min_open_hours, a >= rule.supply_norm * (1 - 1e-12)]
    kind = np.array([next((c for c, test in enumerate(tests) if not test[i]), 4) for i in range(len(w))])
    crowded = mean(crowding, weighed > 0)
    off = rule.detour * of.people.radius_m[inside]
    served = np.isin(inside, np.concatenate([np.empty(0), *of.assets.served.values()]))  # wherever they live
    return {
        "residents": total, "covered_share": share(covered), "uncovered": float(w[~covered].sum()),
        "mean_m": mean(near, finite), "reached_share": share(finite),
        "median_m": quantile(near, w, 0.5), "p90_m": quantile(near, w, 0.9),
        "depth_m": mean(near - rule.norm_m, finite & ~covered),
        "fgt1": share(np.minimum(1, np.maximum(0, near / rule.norm_m - 1))),
        "choice": share(within.sum(axis=1)), "fragile_share": share(within.sum(axis=1) == 1),
        "per_1000": 1000 * share(a), "crowding": crowded if math.isfinite(crowded) else math.nan,
        "certain_share": share(certain), "open_hours": share(hours),
        "worst_part_share": min(share(there[:, part]) for part in range(21)),
        **{f"people_{name}": float(w[kind == c].sum()) for c, name in enumerate(policy.CLASSES)},
        "gap": 100 * share(np.array(rule.severity)[kind]),
        "covered_lo": share(served | (near + off <= rule.norm_m * (1 + 1e-12))),
        "covered_hi": share(near - off <= rule.norm_m * (1 + 1e-12)),
        "band_lo": share(near <= 0.8 * rule.norm_m * (1 + 1e-12)),
        "band_hi": share(near <= 1.2 * rule.norm_m * (1 + 1e-12)),
    }  # fmt: skip


def _distances(of: Town, rule: Policy) -> Floats:
    d: Floats = np.linalg.norm(of.people.xy[:, None] - of.assets.xy[None], axis=2) * rule.detour
    d[np.isnan(d)] = np.inf
    for asset, points in of.assets.served.items():
        d[points, asset] = 0
    return d


def _supply(of: Town, rule: Policy, d: Floats) -> tuple[Floats, Floats, Floats]:
    """Share places by nearness (E2SFCA), and give the mean load on a place of what is used, and Σ f."""
    f = np.where(d <= rule.norm_m * (1 + 1e-12), measures.weights(np.minimum(d, rule.norm_m), rule), 0.0)
    w, s = of.people.residents, np.nan_to_num(of.assets.capacity, nan=0.0)
    wanted, sums = w @ f, f.sum(axis=1)
    r = np.divide(s, wanted, out=np.zeros_like(s), where=wanted > 0)
    parts = np.divide(f, sums[:, None], out=np.zeros_like(f), where=sums[:, None] > 0)
    load = w @ parts
    per_place = np.divide(load, s, out=np.where(load > 0, np.inf, 0.0), where=s > 0)
    crowding = np.array([sum(one * k for one, k in zip(row, per_place, strict=True) if one > 0) for row in parts])
    return np.asarray(f @ r), crowding, np.asarray(sums)


def quantile(values: Floats, weights: Floats, q: float) -> float:
    """Give the smallest v with weight(d ≤ v) ≥ q·W by trying them all; NaN where that is inf."""
    lived = weights > 0
    for v in np.unique(values[lived]):
        if weights[lived & (values <= v)].sum() >= q * weights.sum() * (1 - 1e-12):
            return float(v) if np.isfinite(v) else math.nan
    return math.nan


@slow
@given(
    st.lists(st.tuples(st.integers(0, 30) | st.just(math.inf), st.integers(0, 9)), min_size=1, max_size=200),
    st.floats(0.001, 1000),
)
def test_the_median_and_p90_are_those_of_a_plain_search(people: list[tuple[float, int]], unit: float) -> None:
    near, residents = np.array([d for d, _ in people], dtype=float), np.array([w * unit for _, w in people])
    made = gaps.figures(*_alone(near, residents), Policy())
    np.testing.assert_array_equal(made.median_m, quantile(near, residents, 0.5))
    np.testing.assert_array_equal(made.p90_m, quantile(near, residents, 0.9))


def _alone(near: Floats, residents: Floats) -> tuple[Zones, Demand, measures.Reached]:
    """Put people at given distances of something in one area."""
    n = len(near)
    reached = measures.Reached(
        near, np.zeros(n, np.int64), (near <= 800).astype(np.int64), np.ones(n), np.zeros(n, np.int64),
        np.zeros(n), np.zeros(n), np.full(n, np.nan), np.full(n, -1),
    )  # fmt: skip
    spots = np.stack([X + np.arange(n), np.full(n, Y)], axis=1)
    return Zones(np.array([0, n]), np.arange(n)), demand.at(spots, residents), reached


@slow
@given(seeds, rules)
def test_the_classes_sum_to_the_residents(seed: int, rule: Policy) -> None:
    made = figures(town(seed), rule)
    people = sum(getattr(made, f"people_{name}") for name in policy.CLASSES)
    lived = made.residents > 0
    np.testing.assert_allclose(people[lived], made.residents[lived], rtol=1e-12)
    np.testing.assert_array_equal(made.people_none, made.uncovered)


@slow
@given(seeds, rules)
def test_people_add_up_from_buurt_to_wijk_to_gemeente(seed: int, rule: Policy) -> None:
    made = figures(town(seed), rule)
    for name in ADDED_UP:
        buurten, wijken, gemeente = np.split(np.nan_to_num(getattr(made, name)), [BUURTEN, GEMEENTE])
        np.testing.assert_allclose(buurten.reshape(WIJKEN, 2).sum(axis=1), wijken, rtol=1e-12)
        np.testing.assert_allclose(wijken.sum(), gemeente, rtol=1e-12)


@slow
@given(seeds, rules)
def test_one_asset_more_makes_nothing_worse(seed: int, rule: Policy) -> None:
    after = town(seed)
    before = after._replace(assets=after.assets.take(np.arange(after.assets.count - 1)))
    old, new = figures(before, rule), figures(after, rule)
    for name in (
        "covered_share", "certain_share", "open_hours", "worst_part_share", "per_1000", "choice", "reached_share",
        "covered_lo", "covered_hi", "people_served",
    ):  # fmt: skip
        assert np.all(~(getattr(new, name) < getattr(old, name) - 1e-9)), name
    for name in ("gap", "fgt1", "uncovered", "median_m", "p90_m"):
        assert np.all(~(getattr(new, name) > getattr(old, name) + 1e-9)), name


@slow
@given(seeds, rules)
def test_the_order_of_people_and_assets_changes_nothing(seed: int, rule: Policy) -> None:
    of, chance = town(seed), default_rng(seed)
    turn, order = chance.permutation(of.people.count), chance.permutation(of.assets.count)
    served = {int(np.argmax(order == i)): np.flatnonzero(np.isin(turn, p)) for i, p in of.assets.served.items()}
    assets = Places(
        of.assets.xy[order],
        of.assets.capacity[order],
        of.assets.age_days[order],
        of.assets.open_mask[order],
        {},
        served,
    )
    buurt = of.buurt[turn]
    same(figures(of, rule), figures(Town(drawn(of.people, turn), assets, nested(buurt), buurt), rule))


def drawn(people: Demand, index: Ints) -> Demand:
    """Take points, in an order and as often as asked."""
    return Demand(people.xy[index], people.residents[index], people.radius_m[index], people.suppressed[index])


@slow
@given(seeds, rules)
def test_a_point_in_two_parts_is_as_good_as_one(seed: int, rule: Policy) -> None:
    of = town(seed)
    n = of.people.count
    people = drawn(of.people, np.tile(np.arange(n), 2))
    people.residents[:n] /= 3
    people.residents[n:] -= people.residents[:n]
    served = {i: np.concatenate([points, points + n]) for i, points in of.assets.served.items()}
    buurt = np.tile(of.buurt, 2)
    same(figures(of, rule), figures(Town(people, replace(of.assets, served=served), nested(buurt), buurt), rule))


@slow
@given(seeds, rules, st.lists(st.integers(0, GEMEENTE), max_size=5))
def test_a_few_areas_get_the_same_numbers_to_the_last_bit_as_all(seed: int, rule: Policy, some: list[int]) -> None:
    of, areas = town(seed), np.array(some, dtype=np.int64)
    reached, _ = measures.reach(Line(of.people.xy, rule.detour), of.assets, of.people, rule)
    every = gaps.figures(of.zones, of.people, reached, rule)
    for one, part in zip(every, gaps.figures(of.zones, of.people, reached, rule, areas), strict=True):
        np.testing.assert_array_equal(one[areas], part)
    worst = gaps.worst_part(of.zones, of.people, reached, rule)
    np.testing.assert_array_equal(worst[areas], gaps.worst_part(of.zones, of.people, reached, rule, areas))
    for one, part in zip(
        gaps.group_share(of.zones, of.people, reached, rule, "residents_65"),
        gaps.group_share(of.zones, of.people, reached, rule, "residents_65", areas), strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one[areas], part)


@slow
@given(seeds, rules)
def test_the_class_of_each_point_is_that_of_the_sums(seed: int, rule: Policy) -> None:
    of = town(seed)
    reached, _ = measures.reach(Line(of.people.xy, rule.detour), of.assets, of.people, rule)
    people = np.bincount(gaps.classes(of.people, reached, rule), of.people.residents, minlength=5)
    made = gaps.figures(of.zones, of.people, reached, rule)
    if made.residents[GEMEENTE] > 0:
        np.testing.assert_allclose(people, [getattr(made, f"people_{name}")[GEMEENTE] for name in policy.CLASSES])


@slow
@given(seeds, st.sampled_from([100.0, 400.0, 800.0]), st.sampled_from([1.0, 1.3]))
def test_the_interval_of_squares_holds_what_addresses_say(seed: int, norm_m: float, detour: float) -> None:
    chance = default_rng(seed)
    corner = chance.integers(0, 12, (30, 2)) * 100.0 + ORIGIN
    square = chance.integers(0, 30, 200)
    homes = corner[square] + chance.uniform(0, 100, (200, 2))
    squares = demand.at(corner + 50, np.bincount(square, minlength=30).astype(float), radius_m=demand.SQUARE_RADIUS_M)
    assets = places.at(chance.uniform(0, 1200, (4, 2)) + ORIGIN)
    _holds(squares, homes, assets, Policy(norm_m=norm_m, detour=detour))


@slow
@given(seeds, st.sampled_from([100.0, 400.0, 800.0]), st.sampled_from([1.0, 1.3]))
def test_the_interval_of_a_lattice_holds_what_addresses_say(seed: int, norm_m: float, detour: float) -> None:
    chance = default_rng(seed)
    outline = shapely.convex_hull(shapely.MultiPoint(chance.uniform(0, 900, (5, 2)) + ORIGIN))
    spots = chance.uniform(0, 900, (5000, 2)) + ORIGIN
    homes = spots[shapely.contains_xy(outline, spots[:, 0], spots[:, 1])]
    lattice, _ = demand.spread([outline], [len(homes)])
    _holds(lattice, homes, places.at(chance.uniform(-300, 1200, (2, 2)) + ORIGIN), Policy(norm_m=norm_m, detour=detour))


def _holds(rough: Demand, homes: Floats, assets: Places, rule: Policy) -> None:
    told, truth = (
        gaps.figures(Zones(np.array([0, each.count]), np.arange(each.count)), each, reached, rule)
        for each in (rough, demand.at(homes, np.ones(len(homes))))
        for reached, _ in [measures.reach(Line(each.xy, rule.detour), assets, each, rule)]
    )
    if truth.residents[0] > 0:
        assert told.covered_lo[0] <= truth.covered_share[0] + 1e-9
        assert truth.covered_share[0] <= told.covered_hi[0] + 1e-9


def test_the_worst_part_of_the_week_is_the_first_of_equals() -> None:
    of = town(1)
    reached, _ = measures.reach(Line(of.people.xy, 1.3), of.assets, of.people, Policy())
    worst = gaps.worst_part(of.zones, of.people, reached, Policy())
    for area in range(GEMEENTE):
        inside = of.zones.point[of.zones.start[area] : of.zones.start[area + 1]]
        w = of.people.residents[inside]
        sums = [float(w[reached.open_mask[inside] >> part & 1 > 0].sum()) for part in range(21)]
        assert worst[area] == (sums.index(min(sums)) if w.sum() > 0 else -1)


def test_areas_without_points_and_no_areas_at_all_are_told_as_such() -> None:
    nothing, people, reached = _alone(np.array([10.0]), np.array([5.0]))
    none = gaps.figures(Zones(np.array([0, 0, 1]), np.array([0])), people, reached, Policy())
    assert none.residents.tolist() == [0, 5]
    assert np.isnan(none.covered_share[0])
    assert gaps.figures(nothing, people, reached, Policy(), np.empty(0, np.int64)).gap.shape == (0,)


def test_arrays_that_may_not_be_written_are_read_all_the_same() -> None:
    of = town(3)
    reached, _ = measures.reach(Line(of.people.xy, 1.3), of.assets, of.people, Policy())
    locked = reached._replace(
        near_m=np.broadcast_to(reached.near_m, reached.near_m.shape), count=reached.count.astype(np.int32)
    )
    same(gaps.figures(of.zones, of.people, reached, Policy()), gaps.figures(of.zones, of.people, locked, Policy()))
