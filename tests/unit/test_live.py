"""The live state beside a full computation, which goes another way: whatever the edits, they have the same numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from geo.coverage import demand, gaps, measures, network, zones
from geo.coverage.demand import Demand, Floats
from geo.coverage.gaps import Figures
from geo.coverage.live import Edit, Live, State
from geo.coverage.places import Places
from geo.coverage.policy import DECAYS, Policy
from geo.coverage.streets import Streets
from geo.coverage.walks import Line, Walks
from geo.coverage.zones import Zones
from geo.errors import InvalidInput

X, Y = 100_000.0, 400_000.0
IDENTICAL = ("near_m", "nearest", "count", "open_mask", "only")
NEVER_LOWER = (
    "covered_share",
    "certain_share",
    "open_hours",
    "worst_part_share",
    "per_1000",
    "choice",
    "reached_share",
)
NEVER_HIGHER = ("uncovered", "gap", "fgt1", "people_none")
TOWNS, SIDE = 5, 12_000


class World(NamedTuple):
    """People, their neighbourhoods and their walks."""

    walks: Walks
    people: Demand
    areas: Zones
    policy: Policy


def gathered(states: Sequence[State]) -> Places:
    """Make places of states."""
    return Places(
        np.array([s.xy or (math.nan, math.nan) for s in states], dtype=float).reshape(-1, 2),
        np.array([s.capacity for s in states], dtype=float),
        np.array([s.age_days for s in states], dtype=float),
        np.array([s.open_mask for s in states], dtype=np.int64),
        {i: s.area for i, s in enumerate(states) if s.area is not None},
        {i: s.served for i, s in enumerate(states) if s.served is not None},
    )


def assets_of(live: Live) -> dict[Any, State]:
    return {asset: live.roster.state(live.roster.slot[asset]) for asset in sorted(live.roster.slot)}


def live_of(world: World, assets: dict[Any, State]) -> Live:
    ids = sorted(assets)
    return Live(world.walks, world.people, world.areas, gathered([assets[each] for each in ids]), world.policy, ids)


def assert_as_computed_in_full(live: Live, world: World) -> None:
    """Compare all that a live state has with the measures of its assets, which know nothing of edits."""
    places, reached, loads = live.renumbered()
    full, full_loads = measures.reach(world.walks, places, world.people, world.policy)
    figures = gaps.figures(world.areas, world.people, full, world.policy)
    for name, found, expected in (
        *zip(full._fields, reached, full, strict=True),
        *zip(full_loads._fields, loads, full_loads, strict=True),
        *zip(figures._fields, live.figures, figures, strict=True),
    ):
        if name in IDENTICAL:
            np.testing.assert_array_equal(found, expected, name)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def some_state(chance: Generator, xy: Floats) -> State:
    """Draw an asset near people or far from all: mostly a place, else an area, a catchment, or nowhere at all."""
    spot = xy[chance.integers(len(xy))] + 100 * chance.integers(-3, 4, 2)
    if chance.random() < 0.2:
        spot = chance.uniform((X, Y), (X + SIDE, Y + SIDE))
    at = (float(spot[0]), float(spot[1]))
    known = State(
        at, [math.nan, 0.0, 5.0, 12.0][chance.integers(4)], [math.nan, 10.0, 400.0, 900.0][chance.integers(4)],
        [-1, 0, 1 << 3, (1 << 21) - 1, 0b111000][chance.integers(5)],
    )  # fmt: skip
    luck = chance.random()
    if luck < 0.1:
        return known._replace(area=shapely.Point(at).buffer(100 * int(chance.integers(1, 10)), 4))
    if luck < 0.18:
        return known._replace(xy=None, served=chance.integers(0, len(xy), chance.integers(0, 20)))
    return known._replace(xy=None) if luck < 0.2 else known


def some_edit(chance: Generator, live: Live, xy: Floats) -> Edit:
    """Draw an edit: an asset is added, closed, moved, confirmed, or its hours or its capacity change."""
    known = list(live.roster.slot)
    kind = chance.choice(6, p=[0.27, 0.23, 0.2, 0.1, 0.1, 0.1]) if known else 0
    if kind == 0:
        return Edit(int(chance.integers(0, 10_000)), some_state(chance, xy))
    asset = known[chance.integers(len(known))]
    state = live.roster.state(live.roster.slot[asset])
    if kind == 1:
        return Edit(asset, None)
    if kind == 2:
        there = some_state(chance, xy)
        return Edit(asset, state._replace(xy=there.xy, area=there.area, served=there.served))
    changed = (
        state._replace(age_days=float(chance.integers(0, 900))),
        state._replace(open_mask=int(chance.integers(-1, 1 << 21))),
        state._replace(capacity=float(chance.integers(0, 30))),
    )
    return Edit(asset, changed[kind - 3])


def by_line(chance: Generator) -> World:
    """Make towns whose people live in squares, so that equal distances are many; some live alone, far off."""
    return towns(chance, lambda xy, _: Line(xy, 1.3), Policy(supply_norm=0.01))


def by_streets(chance: Generator) -> World:
    """Make towns with streets, full of gaps; some hang together, others are islands; some people live off streets."""

    def walks(xy: Floats, centres: Floats) -> Walks:
        lines = [shapely.LineString([centres[0], centres[1]]), shapely.LineString([centres[1], centres[2]])]
        for centre in centres:
            for step in np.ndindex(13, 13):
                corner = centre + 200 * (np.array(step) - 6)
                ends = [corner + way for way in ([200, 0], [0, 200]) if chance.random() < 0.7]
                lines.extend(shapely.LineString([corner, end]) for end in ends)
        return Streets(network.of_lines(lines).network, xy, 1.3)

    return towns(chance, walks, Policy(supply_norm=0.01, min_open_hours=12.0))


def towns(chance: Generator, walks: Callable[[Floats, Floats], Walks], policy: Policy) -> World:
    centres = chance.uniform((X, Y), (X + SIDE, Y + SIDE), (TOWNS, 2)).round(-2)
    alone = chance.uniform((X, Y), (X + SIDE, Y + SIDE), (12, 2))
    xy = np.concatenate([*(chance.normal(centre, 500, (80, 2)) for centre in centres), alone]).round(-2)
    people = demand.at(xy, chance.integers(0, 30, len(xy)).astype(float), radius_m=70.72)
    block = np.floor((xy - (X, Y)) / 1500).astype(int) @ (100, 1)
    buurt = np.unique(block, return_inverse=True)[1].astype(np.int64)
    point, last = np.arange(len(xy)), int(buurt.max()) + 1  # all lie in one gemeente too, but for every seventh
    held = np.arange(len(xy)) % 7 > 0
    area = np.concatenate([buurt, np.full(held.sum(), last)])
    areas = zones.of_pairs(np.concatenate([point, point[held]]), area, last + 2)  # nobody lives in the last one
    return World(walks(xy, centres), people, areas, policy)


def some_live(chance: Generator, world: World, assets: int = 30) -> Live:
    return live_of(world, {100 * i: some_state(chance, world.people.xy) for i in range(assets)})


@pytest.mark.parametrize(("make", "each"), [(by_line, 25), (by_streets, 50)])
def test_a_thousand_random_edits_give_what_a_full_computation_gives(
    make: Callable[[Generator], World], each: int
) -> None:
    chance = default_rng(4)
    world = make(chance)
    live = some_live(chance, world)
    assert_as_computed_in_full(live, world)
    for number in range(1000):
        live.change([some_edit(chance, live, world.people.xy)])
        if number % each == each - 1:
            assert_as_computed_in_full(live, world)


@pytest.mark.parametrize("make", [by_line, by_streets])
def test_all_that_closes_and_the_first_that_opens_again_are_edits_as_any_other(
    make: Callable[[Generator], World],
) -> None:
    chance = default_rng(5)
    world = make(chance)
    live = some_live(chance, world, 8)
    for _ in range(4):
        for asset in list(live.roster.slot):
            live.change([Edit(asset, None)])
            assert_as_computed_in_full(live, world)
        assert not np.isfinite(live.reached.near_m).any()
        for _ in range(5):
            live.change([some_edit(chance, live, world.people.xy)])
            assert_as_computed_in_full(live, world)


@pytest.mark.parametrize("make", [by_line, by_streets])
def test_many_edits_at_once_give_what_they_give_one_by_one(make: Callable[[Generator], World]) -> None:
    chance = default_rng(6)
    world = make(chance)
    live = some_live(chance, world)
    for _ in range(40):
        edits = [some_edit(chance, live, world.people.xy) for _ in range(chance.integers(1, 12))]
        live.change(edits)
        assert_as_computed_in_full(live, world)


@given(st.integers(0, 2**32 - 1), st.sampled_from(DECAYS), st.sampled_from([100.0, 200.0, 500.0]))
@settings(deadline=None, max_examples=60)
def test_in_small_worlds_full_of_ties_every_edit_gives_what_a_full_computation_gives(
    seed: int, decay: str, norm_m: float
) -> None:
    chance = default_rng(seed)
    xy: Floats = np.array([X, Y]) + chance.integers(0, 8, (chance.integers(1, 12), 2)).astype(np.float64) * 100
    people = demand.at(xy, chance.integers(0, 3, len(xy)).astype(float), radius_m=50.0)
    areas = zones.of_pairs(np.arange(len(xy)), chance.integers(0, 3, len(xy)), 3)
    world = World(Line(xy, 1.0), people, areas, Policy(norm_m=norm_m, decay=decay, detour=1.0, supply_norm=1.0))
    live = some_live(chance, world, int(chance.integers(0, 6)))
    for _ in range(12):
        live.change([some_edit(chance, live, xy)])
        assert_as_computed_in_full(live, world)


def test_numbers_are_the_same_to_the_last_bit_whatever_the_edits_that_led_there() -> None:
    chance = default_rng(7)
    world = by_line(chance)
    live = some_live(chance, world)
    for _ in range(300):
        live.change([some_edit(chance, live, world.people.xy)])
    anew = live_of(world, assets_of(live))
    for found, expected in zip(
        (*live.renumbered()[1:], live.figures), (*anew.renumbered()[1:], anew.figures), strict=True
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def street(*metres: float) -> World:
    """Make people along a straight street, ten at each place, all in one neighbourhood; near is 400 metres."""
    xy = np.array([(X + east, Y) for east in metres])
    people = demand.at(xy, np.full(len(xy), 10.0))
    areas = zones.of_pairs(np.arange(len(xy)), np.zeros(len(xy), dtype=np.int64), 1)
    return World(Line(xy, 1.0), people, areas, Policy(norm_m=400.0, detour=1.0, grace_days=100.0, half_life_days=50.0))


def room(metres: float, capacity: float = 5.0, age_days: float = 0.0, open_mask: int = 1) -> State:
    return State((X + metres, Y), capacity, age_days, open_mask)


def test_people_whose_nearest_room_closes_go_to_the_next_one_however_far() -> None:
    live = live_of(street(0, 1000, 2000), {1: room(100), 2: room(1900), 3: room(5000)})
    assert live.reached.near_m.tolist() == [100, 900, 100]
    live.change([Edit(1, None)])
    assert live.reached.near_m.tolist() == [1900, 900, 100]
    live.change([Edit(2, None)])
    assert live.reached.near_m.tolist() == [5000, 4000, 3000]
    live.change([Edit(3, None)])
    assert live.reached.near_m.tolist() == [math.inf] * 3
    assert live.reached.nearest.tolist() == [-1] * 3
    live.change([Edit(7, room(1200))])
    assert live.reached.near_m.tolist() == [1200, 200, 800]
    assert [live.roster.ids[slot] for slot in live.reached.nearest] == [7, 7, 7]


def test_people_on_an_island_of_streets_are_reached_from_that_island_or_from_off_all_streets() -> None:
    streets = [shapely.LineString([(X, Y + north), (X + 1000, Y + north)]) for north in (0, 5000)]
    xy = np.array([(X + 100, Y), (X + 500, Y), (X + 500, Y + 5000)])
    areas = zones.of_pairs(np.arange(3), np.zeros(3, dtype=np.int64), 1)
    walks = Streets(network.of_lines(streets).network, xy, 1.3)
    world = World(walks, demand.at(xy, np.full(3, 10.0)), areas, Policy(norm_m=1000.0, detour=1.3))
    live = live_of(world, {1: room(0)})
    assert live.reached.near_m.tolist() == [100, 500, math.inf]
    live.change([Edit(2, room(1000))])
    assert live.reached.near_m.tolist() == [100, 500, math.inf]
    live.change([Edit(3, State((X + 500, Y - 300)))])  # 300 metres from the street: straight lines, to all
    assert live.reached.near_m.tolist() == [100, 390, 6890]
    live.change([Edit(4, State((X + 900, Y + 5000)))])
    assert live.reached.near_m.tolist() == [100, 390, 400]
    live.change([Edit(3, None), Edit(4, State((X + 900, Y)))])
    assert live.reached.near_m.tolist() == [100, 400, math.inf]
    assert_as_computed_in_full(live, world)


def test_who_is_served_without_a_place_does_not_make_the_others_reached() -> None:
    xy = np.array([(X, Y), (X + 4000, Y)])
    streets = network.of_lines([shapely.LineString([(X, Y), (X + 5000, Y)])]).network
    areas = zones.of_pairs(np.arange(2), np.zeros(2, dtype=np.int64), 1)
    world = World(Streets(streets, xy, 1.3), demand.at(xy, np.full(2, 10.0)), areas, Policy(norm_m=1000.0))
    live = live_of(world, {1: State(served=np.array([0]))})
    assert live.reached.near_m.tolist() == [0, math.inf]
    live.change([Edit(2, room(500))])
    assert live.reached.near_m.tolist() == [0, 3500]


def test_a_question_does_not_hide_a_room_that_comes_after_it() -> None:
    live = live_of(street(5000), {1: room(0)})
    assert live.what_if([Edit(2, room(4500))]).gained == 0
    live.change([Edit(3, room(2500))])
    assert live.reached.near_m.tolist() == [2500]


def test_of_equally_near_rooms_the_lowest_id_is_nearest_whenever_it_came() -> None:
    live = live_of(street(0), {20: room(100), 40: room(-100)})

    def nearest() -> int:
        return int(live.roster.ids[live.reached.nearest[0]] or 0)

    assert nearest() == 20
    live.change([Edit(30, room(100))])
    assert nearest() == 20
    live.change([Edit(10, room(-100))])
    assert nearest() == 10
    live.change([Edit(10, None)])
    assert nearest() == 20
    live.change([Edit(20, room(500))])
    assert nearest() == 30


def test_of_equally_far_rooms_the_lowest_id_is_nearest_too() -> None:
    live = live_of(street(0), {20: room(900), 40: room(-900)})
    live.change([Edit(10, room(-900)), Edit(30, room(900))])
    assert live.roster.ids[live.reached.nearest[0]] == 10
    live.change([Edit(10, None), Edit(20, None)])
    assert live.roster.ids[live.reached.nearest[0]] == 30


def test_a_room_at_exactly_the_norm_is_near() -> None:
    live = live_of(street(0), {})
    live.change([Edit(1, room(400))])
    assert live.figures.covered_share.tolist() == [1.0]
    live.change([Edit(1, room(400.001))])
    assert live.figures.covered_share.tolist() == [0.0]


def test_a_second_room_takes_half_of_the_load_and_leaves_nothing_to_lose() -> None:
    live = live_of(street(0, 100), {1: room(0)})
    assert live.loads.load.tolist() == [20.0]
    assert live.loads.lost.tolist() == [20.0]
    assert live.what_if([Edit(2, room(0))]).gained == 0.0
    live.change([Edit(2, room(0))])
    assert live.loads.load.tolist() == [10.0, 10.0]
    assert live.loads.lost.tolist() == [0.0, 0.0]
    assert live.reached.crowding.tolist() == [2.0, 2.0]


def test_what_if_says_what_would_change_and_who_comes_within_reach() -> None:
    live = live_of(street(0, 1000), {1: room(0, age_days=150.0)})
    found = live.what_if([Edit(2, room(1000))])
    assert found.areas.tolist() == [0]
    assert (found.before.covered_share.tolist(), found.after.covered_share.tolist()) == ([0.5], [1.0])
    assert (found.before.certain_share.tolist(), found.after.certain_share.tolist()) == ([0.25], [0.75])
    assert found.gained == 10.0
    assert live.what_if([Edit(1, None)]).gained == -10.0


@pytest.mark.parametrize("make", [by_line, by_streets])
def test_what_if_leaves_no_trace(make: Callable[[Generator], World]) -> None:
    chance = default_rng(8)
    world = make(chance)
    live = some_live(chance, world)
    for _ in range(60):
        before = [np.array(each) for each in (*live.reached, *live.loads, *live.figures)]
        known = assets_of(live)
        edits = [some_edit(chance, live, world.people.xy) for _ in range(chance.integers(1, 4))]
        found = live.what_if(edits)
        for old, new in zip(before, (*live.reached, *live.loads, *live.figures), strict=True):
            np.testing.assert_array_equal(old, new)
        assert repr(assets_of(live)) == repr(known)
        assert found.areas.tolist() == live.change(edits).areas.tolist()
        np.testing.assert_array_equal(np.array(live.figures)[:, found.areas], np.array(found.after))
        assert_as_computed_in_full(live, world)


def test_the_areas_that_are_told_are_exactly_those_with_other_figures() -> None:
    chance = default_rng(9)
    world = by_line(chance)
    live = some_live(chance, world)
    for _ in range(100):
        before = np.array(live.figures)
        told = live.change([some_edit(chance, live, world.people.xy)]).areas
        other = ~np.isclose(before, np.array(live.figures), rtol=0, atol=0, equal_nan=True).all(axis=0)
        assert told.tolist() == np.flatnonzero(other).tolist()


@pytest.mark.parametrize("make", [by_line, by_streets])
def test_the_walks_within_the_norm_are_known_without_walking_again(make: Callable[[Generator], World]) -> None:
    chance = default_rng(11)
    world = make(chance)
    live = some_live(chance, world)
    for _ in range(100):
        live.change([some_edit(chance, live, world.people.xy)])
    places, slots = live.roster.places()
    pairs = world.walks.pairs(places, world.policy.norm_m)
    for mine, other in zip(live.walked(slots), pairs, strict=True):
        np.testing.assert_array_equal(mine, other)
    some = np.unique(chance.integers(0, world.people.count, 40))
    within = np.repeat(slots, np.diff(pairs.start))[np.isin(pairs.point, some)]
    nearest = live.reached.nearest[some]
    assert live.around(some).tolist() == sorted({*within.tolist(), *nearest[nearest >= 0].tolist()})


@pytest.mark.parametrize("make", [by_line, by_streets])
def test_an_asset_that_is_added_makes_nothing_worse(make: Callable[[Generator], World]) -> None:
    chance = default_rng(10)
    world = make(chance)
    live = some_live(chance, world, 5)
    for asset in range(1, 60):
        found = live.what_if([Edit(asset * 7, some_state(chance, world.people.xy))])
        for name in NEVER_LOWER:
            assert not (getattr(found.after, name) < getattr(found.before, name) - 1e-9).any(), name
        for name in NEVER_HIGHER:
            assert not (getattr(found.after, name) > getattr(found.before, name) + 1e-9).any(), name
        assert found.gained >= 0
        live.change([some_edit(chance, live, world.people.xy)])


def test_an_edit_that_cannot_be_is_refused_and_those_beside_it_are_not_kept() -> None:
    live = live_of(street(0, 1000), {1: room(0)})
    wrong = (
        room(10, capacity=-1.0), room(10, age_days=-1.0), room(10, open_mask=1 << 21), State((4.9, 52.4)),
        State((math.inf, Y)), State(served=np.array([2])), State(served=np.array([-1])),
    )  # fmt: skip
    for state in wrong:
        with pytest.raises(InvalidInput):
            live.change([Edit(2, room(1000)), Edit(3, state)])
        assert live.figures.covered_share.tolist() == [0.5]
        assert list(live.roster.slot) == [1]


def test_what_is_no_news_changes_nothing() -> None:
    live = live_of(street(0, 1000), {1: room(0, capacity=math.nan)})
    assert live.change([Edit(1, room(0, capacity=math.nan))]).areas.tolist() == []
    assert live.change([Edit(5, None)]).areas.tolist() == []
    assert live.change([]).areas.tolist() == []
    assert live.change([Edit(2, room(1000)), Edit(2, None)]).areas.tolist() == []
    assert list(live.roster.slot) == [1]


def test_assets_are_given_in_order_of_distinct_ids() -> None:
    world = street(0)
    for ids in ([2, 1], [1, 1], [1]):
        with pytest.raises(InvalidInput):
            Live(world.walks, world.people, world.areas, gathered([room(0), room(1)]), world.policy, ids)


def test_hundreds_of_rooms_at_one_place_come_and_go() -> None:
    world = street(0, 100, 3000)
    live = live_of(world, {})
    for asset in range(300):
        live.change([Edit(-asset, room(10 * (asset % 7)))])  # each before all others: ranks are halved and run out
    assert live.reached.count.tolist() == [300, 300, 0]
    assert_as_computed_in_full(live, world)
    for asset in range(0, 300, 2):
        live.change([Edit(-asset, None)])
    for asset in range(400, 500):
        live.change([Edit(1 / asset, room(3000))])  # each between the same two
    assert live.reached.count.tolist() == [150, 150, 100]
    assert_as_computed_in_full(live, world)


def test_where_nobody_lives_nothing_is_served() -> None:
    empty = np.empty((0, 2))
    nobody = World(
        Line(empty, 1.3), demand.at(empty, np.empty(0)), Zones(np.zeros(3, np.int64), np.empty(0, np.int64)), Policy()
    )
    live = live_of(nobody, {1: room(0)})
    assert live.change([Edit(2, room(10))]).areas.tolist() == []
    assert live.figures.residents.tolist() == [0.0, 0.0]
    assert np.isnan(live.figures.covered_share).all()


def test_figures_of_two_levels_follow_the_same_edit() -> None:
    xy = np.array([(X, Y), (X + 1000, Y), (X + 2000, Y)])
    areas = zones.of_pairs(np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 1, 2, 2, 2]), 3)
    world = World(Line(xy, 1.0), demand.at(xy, np.array([10.0, 20, 10])), areas, Policy(norm_m=400.0, detour=1.0))
    live = live_of(world, {1: room(0)})
    assert live.figures.covered_share.tolist() == [1.0, 0.0, 0.25]
    assert live.change([Edit(2, room(2000))]).areas.tolist() == [1, 2]
    assert live.figures.covered_share.tolist() == [1.0, 1 / 3, 0.5]
    assert isinstance(live.figures, Figures)
