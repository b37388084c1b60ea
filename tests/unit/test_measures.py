"""What the walks mean for people: on a street worked out on paper, beside plain matrices, by law, beside PySAL."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import shapely
from access import Access  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import demand, measures, places
from geo.coverage.demand import Demand, Floats
from geo.coverage.measures import Loads, Reached
from geo.coverage.places import Places
from geo.coverage.policy import DECAYS, Policy
from geo.coverage.walks import Line
from geo.errors import InvalidInput
from tests.benchmarks.coverage import data

X, Y = 100_000.0, 400_000.0
STREET = Policy(norm_m=400.0, detour=1.0, half_life_days=365.0, grace_days=100.0)


def street(*metres: float) -> Floats:
    """Give places along one street."""
    return np.array([(X + east, Y) for east in metres]).reshape(-1, 2)


def reach(given: Places, people: Demand, policy: Policy = STREET) -> tuple[Reached, Loads]:
    return measures.reach(Line(people.xy, policy.detour), given, people, policy)


@pytest.fixture(scope="module")
def paper() -> tuple[Reached, Loads]:
    """Measure 10, 20, 30 and 40 residents at 0, 200, 600 and 1100 metres, and rooms at 0 and 400.

    Walks to room 0: 0, 200, 600, 1100; to room 1: 400, 200, 200, 700. Within 400 the weights 1 − (d/400)² are
    room 0: 1, 0.75; room 1: 0 (at 400 exactly), 0.75, 0.75.
    """
    people = demand.at(street(0, 200, 600, 1100), np.array([10.0, 20, 30, 40]))
    rooms = places.at(
        street(0, 400),
        capacity=np.array([5.0, 15]),
        age_days=np.array([465.0, 830]),
        open_mask=np.array([0b011, 0b110]),
    )
    return reach(rooms, people)


def test_the_nearest_is_told_however_far_and_the_number_within_the_norm(paper: tuple[Reached, Loads]) -> None:
    reached, _ = paper
    assert reached.near_m.tolist() == [0, 200, 200, 700]
    assert reached.nearest.tolist() == [0, 0, 1, 1]
    assert reached.count.tolist() == [2, 2, 1, 0]
    assert reached.only.tolist() == [-1, -1, 1, -1]


def test_what_is_open_is_what_any_room_within_the_norm_is(paper: tuple[Reached, Loads]) -> None:
    assert paper[0].open_mask.tolist() == [0b111, 0b111, 0b110, 0]


def test_doubt_is_the_chance_that_no_record_holds(paper: tuple[Reached, Loads]) -> None:
    # After the grace of 100 days: 365 days is one half-life, p = 1/2; 730 days is two, p = 1/4.
    assert paper[0].doubt == pytest.approx([0.5 * 0.75, 0.5 * 0.75, 0.75, 1.0])


def test_places_are_shared_among_all_who_can_walk_there(paper: tuple[Reached, Loads]) -> None:
    # Room 0: 5 places for 10·1 + 20·0.75 = 25 residents, 0.2 each; room 1: 15 for 20·0.75 + 30·0.75 = 37.5, 0.4 each.
    reached, loads = paper
    assert loads.demand == pytest.approx([25, 37.5])
    assert reached.weight == pytest.approx([1, 1.5, 0.75, 0])
    assert reached.supply == pytest.approx([0.2, 0.2 * 0.75 + 0.4 * 0.75, 0.4 * 0.75, 0])


def test_residents_are_shared_among_the_rooms_that_they_reach(paper: tuple[Reached, Loads]) -> None:
    # The 10 go to room 0, of the 20 half to each, the 30 to room 1: 20 to 5 places, 40 to 15.
    reached, loads = paper
    assert loads.load == pytest.approx([20, 40])
    assert loads.crowding == pytest.approx([4, 40 / 15])
    assert reached.crowding == pytest.approx([4, (4 + 40 / 15) / 2, 40 / 15, np.nan], nan_ok=True)


def test_closing_a_room_takes_cover_from_those_who_have_only_that(paper: tuple[Reached, Loads]) -> None:
    assert paper[1].lost.tolist() == [0, 30]


def test_checking_a_room_is_worth_the_doubt_of_all_within_its_reach(paper: tuple[Reached, Loads]) -> None:
    # 0.375 of the 10 and the 20 for both; room 1 also 0.75 of the 30.
    assert paper[1].gain == pytest.approx([30 * 0.375, 30 * 0.375 + 30 * 0.75])


def test_a_walk_of_exactly_the_norm_counts_and_weighs_nothing() -> None:
    reached, loads = reach(places.at(street(400), capacity=np.array([3.0])), demand.at(street(0), np.array([10.0])))
    assert (reached.count[0], reached.near_m[0], reached.weight[0], reached.supply[0]) == (1, 400, 0, 0)
    assert np.isnan(reached.crowding[0])
    assert (loads.demand[0], loads.lost[0]) == (0, 10)


def test_a_walk_of_exactly_the_norm_by_a_detour_counts_whatever_the_last_bits() -> None:
    people = demand.at(street(*np.arange(0, 50, 0.7)), np.ones(72))
    for east in range(0, 50, 7):
        reached, _ = reach(places.at(street(east + 800 / 1.3)), people, Policy(norm_m=800.0, detour=1.3))
        met = np.flatnonzero(reached.count)
        assert met.tolist() == list(range(round(east / 0.7), 72))
        assert reached.near_m.tolist() == pytest.approx((east + 800 / 1.3 - np.arange(0, 50, 0.7)) * 1.3)
        assert (reached.near_m[met] <= 800).all()


def test_of_rooms_at_one_spot_each_counts_and_each_bears_its_part() -> None:
    people = demand.at(street(0), np.array([30.0]))
    reached, loads = reach(places.at(street(0, 0, 0), capacity=np.array([1.0, 2, 3])), people)
    assert (reached.count[0], reached.nearest[0], reached.only[0]) == (3, 0, -1)
    assert reached.supply == pytest.approx([6 / 30])
    assert loads.load == pytest.approx([10, 10, 10])


@pytest.mark.parametrize("capacity", [0.0, np.nan])
def test_a_room_of_no_or_unknown_capacity_adds_no_places_and_is_crowded_without_end(capacity: float) -> None:
    people = demand.at(street(0, 100), np.array([30.0, 0]))
    reached, loads = reach(places.at(street(0, 100), capacity=np.array([capacity, 6])), people)
    full = 6 / (30 * 15 / 16)
    assert reached.supply == pytest.approx([full * 15 / 16, full])
    assert loads.crowding[0] == np.inf
    assert reached.crowding.tolist() == [np.inf, np.inf]


def test_a_room_where_nobody_lives_near_bears_nothing_and_crowds_nobody() -> None:
    people = demand.at(street(0, 5000), np.array([0.0, 10]))
    reached, loads = reach(places.at(street(0, 0), capacity=np.array([4, 0.0])), people)
    assert (loads.demand.tolist(), loads.load.tolist()) == ([0, 0], [0, 0])
    assert np.isnan(loads.crowding).all()
    assert reached.supply.tolist() == [0, 0]
    assert reached.crowding.tolist() == pytest.approx([0, np.nan], nan_ok=True)


def test_unknown_opening_hours_count_as_never_open_and_an_unknown_age_as_not_certain_at_all() -> None:
    reached, _ = reach(places.at(street(0)), demand.at(street(0), np.array([1.0])))
    assert (reached.open_mask[0], reached.doubt[0]) == (0, 1)


def test_a_record_is_certain_during_the_grace_and_loses_half_in_each_half_life() -> None:
    ages = np.array([0, 100, 465, 830, np.nan, 1e9])
    assert measures.certainty(ages, STREET).tolist() == [1, 1, 0.5, 0.25, 0, 0]


def test_weights_end_at_the_norm() -> None:
    metres = np.array([[0, 200], [400, 401], [np.inf, 0]])
    quadratic = measures.weights(metres, STREET)
    assert quadratic.tolist() == [[1, 0.75], [0, 0], [0, 1]]
    assert measures.weights(metres, STREET._replace(decay="step")).tolist() == [[1, 1], [1, 0], [0, 1]]
    # exp(−1/8) = 0.8824969, exp(−1/2) = 0.6065307: (0.8824969 − 0.6065307) / (1 − 0.6065307) = 0.7013666
    gaussian = measures.weights(metres, STREET._replace(decay="gaussian"))
    assert gaussian == pytest.approx(np.array([[1, 0.7013666], [0, 0], [0, 1]]), abs=1e-7)


def test_without_assets_all_is_nothing_and_without_points_there_is_nothing() -> None:
    people = demand.at(street(0, 100), np.array([1.0, 2]))
    reached, loads = reach(places.at(np.empty((0, 2))), people)
    assert reached.near_m.tolist() == [np.inf] * 2
    assert reached.nearest.tolist() == reached.only.tolist() == [-1, -1]
    assert (reached.count.tolist(), reached.doubt.tolist(), reached.supply.tolist()) == ([0, 0], [1, 1], [0, 0])
    assert np.isnan(reached.crowding).all()
    assert [each.shape for each in loads] == [(0,)] * 5
    nobody = demand.at(np.empty((0, 2)), np.empty(0))
    reached, loads = reach(places.at(street(0)), nobody)
    assert [each.shape for each in reached] == [(0,)] * 9
    assert np.isnan(loads.crowding).all()


def test_degrees_and_walks_of_other_points_are_refused() -> None:
    people = demand.at(street(0), np.array([1.0]))
    unknown = np.array([np.nan])
    degrees = Places(np.array([[4.4, 51.9]]), unknown, unknown, np.array([-1]))
    with pytest.raises(InvalidInput, match="RD New"):
        reach(degrees, people)
    with pytest.raises(InvalidInput, match="other points"):
        measures.reach(Line(street(0, 1), 1.0), places.at(street(0)), people, STREET)


class Town(NamedTuple):
    """People, assets and a policy."""

    people: Demand
    assets: Places
    policy: Policy


steps = st.integers(0, 24).map(lambda n: 50.0 * n)
spots = st.tuples(steps, steps)


@st.composite
def towns(draw: st.DrawFn, most_assets: int = 10) -> Town:
    """Draw people and assets of every sort, on a grid so that ties and walks of exactly the norm occur."""
    homes = draw(st.lists(st.tuples(spots, st.sampled_from([0.0, 1, 2.5, 10, 35])), max_size=25))
    offer = st.tuples(
        spots,
        st.sampled_from([0.0, np.nan, 3, 20]),
        st.sampled_from([0.0, 200, 900, np.nan]),
        st.integers(-1, 2**21 - 1),
    )
    offers = draw(st.lists(offer, max_size=most_assets))
    n = len(offers)
    xy = np.array([each[0] for each in offers]).reshape(n, 2) + np.array([X, Y])
    forms = draw(st.lists(st.sampled_from("....as"), min_size=n, max_size=n))
    areas = {j: shapely.box(*xy[j], *(xy[j] + 80)) for j in range(n) if forms[j] == "a"}
    served = {j: np.arange(j % 2, len(homes), 2) for j in range(n) if forms[j] == "s"}
    xy[list(served)] = np.nan
    capacity = np.array([each[1] for each in offers], dtype=float)
    ages = np.array([each[2] for each in offers], dtype=float)
    masks = np.array([each[3] for each in offers], dtype=np.int64)
    people = demand.at(
        np.array([each[0] for each in homes]).reshape(-1, 2) + np.array([X, Y]), np.array([each[1] for each in homes])
    )
    policy = Policy(
        norm_m=draw(st.sampled_from([65.0, 130, 400, 800])),
        detour=draw(st.sampled_from([1.0, 1.3])),
        decay=draw(st.sampled_from(DECAYS)),
    )
    return Town(people, Places(xy, capacity, ages, masks, areas, served), policy)


def plainly(town: Town) -> dict[str, Floats]:
    """Measure everything with matrices of shape (assets, points), straight from the definitions."""
    people, assets, policy = town
    metres = np.full((assets.count, people.count), np.inf)
    for j in range(assets.count):
        if j in assets.served:
            metres[j, assets.served[j]] = 0
        else:
            shape = assets.areas.get(j, shapely.Point(assets.xy[j]))
            metres[j] = shapely.distance(shape, shapely.points(people.xy)) * policy.detour
    within = metres <= policy.norm_m * (1 + 1e-12)
    share = np.minimum(metres / policy.norm_m, 1)
    decay = {
        "step": np.ones_like(share),
        "quadratic": 1 - share**2,
        "gaussian": (np.exp(-(share**2) / 2) - np.exp(-0.5)) / (1 - np.exp(-0.5)),
    }[policy.decay]
    weight, residents = np.where(within, decay, 0.0), people.residents
    capacity = np.nan_to_num(assets.capacity)
    age = np.nan_to_num(assets.age_days, nan=np.inf)
    doubts = 1 - 0.5 ** (np.maximum(0, age - policy.grace_days) / policy.half_life_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        asked = weight @ residents
        rate = np.where(asked > 0, capacity / asked, 0)
        part = np.where(weight > 0, weight / weight.sum(axis=0), 0.0)
        load = part @ residents
        pressure = np.where(load > 0, load / capacity, 0.0)
        felt = np.where(part > 0, part * pressure[:, None], 0.0).sum(axis=0)
    doubt = np.where(within, doubts[:, None], 1.0).prod(axis=0)
    alone = within & (within.sum(axis=0) == 1)
    masks = np.maximum(assets.open_mask, 0) + (1 << 21) * np.isin(np.arange(assets.count), [*assets.served])
    return {
        "near_m": np.vstack([metres, np.full(people.count, np.inf)]).min(axis=0),
        "count": within.sum(axis=0),
        "doubt": doubt,
        "open_mask": np.bitwise_or.reduce(np.where(within, masks[:, None], 0), axis=0),
        "weight": weight.sum(axis=0),
        "supply": rate @ weight,
        "crowding": np.where(weight.sum(axis=0) > 0, felt, np.nan),
        "demand": asked,
        "load": load,
        "asset crowding": np.where(asked > 0, pressure, np.nan),
        "lost": alone @ residents,
        "gain": within @ (residents * doubt),
    }


@settings(deadline=None)
@given(towns())
def test_every_measure_is_what_plain_matrices_give(town: Town) -> None:
    reached, loads = reach(town.assets, town.people, town.policy)
    found: dict[str, Any] = {"asset crowding": loads.crowding, **reached._asdict()}
    found |= {name: values for name, values in loads._asdict().items() if name != "crowding"}
    for name, values in plainly(town).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@settings(deadline=None)
@given(towns())
def test_the_nearest_is_within_the_norm_exactly_where_something_is_and_the_only_one_is_it(town: Town) -> None:
    reached, _ = reach(town.assets, town.people, town.policy)
    assert ((reached.near_m <= town.policy.norm_m) == (reached.count > 0)).all()
    assert reached.only.tolist() == np.where(reached.count == 1, reached.nearest, -1).tolist()


@settings(deadline=None)
@given(towns())
def test_supply_adds_up_to_the_capacity_of_what_is_in_reach_of_anyone(town: Town) -> None:
    reached, loads = reach(town.assets, town.people, town.policy)
    capacity = np.nan_to_num(town.assets.capacity)
    assert town.people.residents @ reached.supply == pytest.approx(capacity[loads.demand > 0].sum(), rel=1e-9)


@settings(deadline=None)
@given(towns())
def test_loads_add_up_to_the_residents_who_reach_anything(town: Town) -> None:
    reached, loads = reach(town.assets, town.people, town.policy)
    assert loads.load.sum() == pytest.approx(town.people.residents[reached.weight > 0].sum(), rel=1e-9)


@settings(deadline=None)
@given(towns())
def test_no_sum_is_ever_not_a_number(town: Town) -> None:
    reached, loads = reach(town.assets, town.people, town.policy)
    for name in ("near_m", "doubt", "weight", "supply"):
        assert not np.isnan(getattr(reached, name)).any(), name
    for name in ("demand", "load", "lost", "gain"):
        assert np.isfinite(getattr(loads, name)).all(), name
    assert (np.isnan(reached.crowding) == (reached.weight == 0)).all()
    assert (np.isnan(loads.crowding) == (loads.demand == 0)).all()


@settings(deadline=None)
@given(towns(), st.data())
def test_one_asset_more_never_worsens_anything_for_anyone(town: Town, more: st.DataObject) -> None:
    if not town.assets.count:
        return
    kept = np.delete(np.arange(town.assets.count), more.draw(st.integers(0, town.assets.count - 1)))
    before, _ = reach(town.assets.take(kept), town.people, town.policy)
    after, _ = reach(town.assets, town.people, town.policy)
    assert (after.near_m <= before.near_m).all()
    assert (after.count >= before.count).all()
    assert (after.doubt <= before.doubt).all()
    assert (after.open_mask & before.open_mask == before.open_mask).all()
    assert (after.weight >= before.weight).all()
    assert (after.supply >= before.supply).all()


@settings(deadline=None)
@given(towns(), st.integers(0, 2**32))
def test_the_order_of_the_points_changes_nothing(town: Town, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(town.people.count)
    people = demand.at(town.people.xy[order], town.people.residents[order])
    served = {j: np.flatnonzero(np.isin(order, points)) for j, points in town.assets.served.items()}
    same(town, town._replace(people=people, assets=replace(town.assets, served=served)), order)


@settings(deadline=None)
@given(towns(), st.data())
def test_splitting_a_point_in_two_changes_nothing(town: Town, more: st.DataObject) -> None:
    if not town.people.count:
        return
    split = more.draw(st.integers(0, town.people.count - 1))
    twice = np.insert(np.arange(town.people.count), split, split)
    residents = np.where(twice == split, 0.5, 1.0) * town.people.residents[twice]
    served = {j: np.flatnonzero(np.isin(twice, points)) for j, points in town.assets.served.items()}
    people = demand.at(town.people.xy[twice], residents)
    same(town, town._replace(people=people, assets=replace(town.assets, served=served)), twice)


def same(town: Town, other: Town, points: Any) -> None:
    """Say that another town measures as this one, whose point `points[i]` is its point i."""
    reached, loads = reach(town.assets, town.people, town.policy)
    turned, borne = reach(other.assets, other.people, other.policy)
    for name in ("near_m", "nearest", "count", "doubt", "open_mask", "weight", "only"):
        assert getattr(turned, name).tolist() == getattr(reached, name)[points].tolist(), name
    for name in ("supply", "crowding"):
        np.testing.assert_allclose(getattr(turned, name), getattr(reached, name)[points], rtol=1e-9, err_msg=name)
    for name in Loads._fields:
        np.testing.assert_allclose(getattr(borne, name), getattr(loads, name), rtol=1e-9, atol=1e-12, err_msg=name)


@settings(deadline=None)
@given(towns(most_assets=40))
def test_blocks_that_are_not_kept_but_walked_again_change_not_a_bit(town: Town) -> None:
    whole = reach(town.assets, town.people, town.policy)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(measures, "FIRST_BLOCK", 3)
        small.setattr(measures, "MOST_ASSETS", 4)
        small.setattr(measures, "PAIRS_KEPT", 10)
        parts = reach(town.assets, town.people, town.policy)
    for one, other in zip((*whole[0], *whole[1]), (*parts[0], *parts[1]), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.filterwarnings("ignore::FutureWarning:access", "ignore::DeprecationWarning:access")
@pytest.mark.parametrize("decay", DECAYS)
def test_supply_is_that_of_pysal_access_where_it_has_a_value(decay: str) -> None:
    xy, residents = data.towns(3_000)
    rooms = places.at(data.assets(400), capacity=np.random.default_rng(3).integers(0, 50, 400).astype(float))
    people, policy = demand.at(xy, residents), Policy(norm_m=3000.0, decay=decay)
    reached, _ = reach(rooms, people, policy)
    theirs = pysal(people, rooms, policy)
    reaching = reached.count > 0
    assert 500 < reaching.sum() < 3_000
    np.testing.assert_allclose(reached.supply[reaching], theirs[reaching], rtol=1e-9)
    assert np.isnan(theirs[~reaching]).all()  # where ours is 0
    assert (reached.supply[~reaching] == 0).all()


def pysal(people: Demand, rooms: Places, policy: Policy) -> Floats:
    """Let PySAL share the places of rooms, with our pairs and its own sums; NaN where nothing is in reach."""
    pairs = Line(people.xy, policy.detour).pairs(rooms, policy.norm_m)
    asset = np.repeat(np.arange(rooms.count), np.diff(pairs.start))
    costs = pd.DataFrame({"home": pairs.point.astype(int), "room": asset, "metres": pairs.metres})
    homes = pd.DataFrame({"home": range(people.count), "residents": people.residents})
    offers = pd.DataFrame({"room": range(rooms.count), "places": rooms.capacity})
    access = Access(
        demand_df=homes, demand_index="home", demand_value="residents", supply_df=offers, supply_index="room",
        supply_value="places", cost_df=costs, cost_origin="home", cost_dest="room", cost_name="metres",
    )  # fmt: skip
    found = access.enhanced_two_stage_fca(weight_fn=lambda metres: float(measures.weights(np.array(metres), policy)))
    return np.asarray(found.iloc[:, 0].reindex(range(people.count)), dtype=float)
