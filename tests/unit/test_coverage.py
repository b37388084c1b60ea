"""Coverage on Testdorp: two buurten side by side, worked out on paper.

West is 400 by 200 m with 80 residents, East the same with 40. The lattice gives each eight points, 100 m apart, so ten
residents a point in West and five in East. A point is named by the metres of its centre: (50, 50) … (750, 150).
The walks of West to a room at (50, 50): 0, 100, 200 and 300 m in the lower row, 100, 141, 224 and 316 in the upper.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import shapely

from geo.coverage import demand, gaps, measures, places, walks, why, zones
from geo.coverage.demand import Demand
from geo.coverage.gaps import Figures
from geo.coverage.measures import Loads, Reached
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.walks import Line
from geo.coverage.why import Land, Why
from geo.coverage.zones import Zones
from geo.errors import InvalidInput

X, Y = 100_000, 400_000
WEST = shapely.box(X, Y, X + 400, Y + 200)
EAST = shapely.box(X + 400, Y, X + 800, Y + 200)
CORNER = np.array([X, Y])
BOTH = 2  # the municipality, of which West and East are the first two areas
NEAR = Policy(norm_m=200, detour=1)
NOWHERE = (float("nan"), float("nan"))
ALWAYS = (1 << 21) - 1


class Village(NamedTuple):
    """All that is computed of it."""

    people: Demand
    zones: Zones
    reached: Reached
    loads: Loads
    figures: Figures
    why: Why

    def of(self, area: int) -> dict[str, float]:
        return {name: float(values[area]) for name, values in self.figures._asdict().items()}


def rooms(*spots: tuple[float, float], served: dict[int, range] | None = None, **known: Sequence[float]) -> Places:
    """Put rooms at metres from the corner of the village; certain and always open, unless told otherwise."""
    told = {"age_days": np.zeros(len(spots)), "open_mask": np.full(len(spots), ALWAYS)}
    told |= {name: np.array(values) for name, values in known.items()}
    made = places.at(np.array(spots, dtype=float).reshape(-1, 2) + CORNER, **told)
    return replace(made, served={asset: np.array(points) for asset, points in (served or {}).items()})


def village(
    assets: Places, policy: Policy = NEAR, residents: tuple[float, float] = (80, 40), people: Demand | None = None
) -> Village:
    spread, buurt = demand.spread([WEST, EAST], residents)
    here = people or spread
    points = np.arange(here.count)
    in_areas = zones.of_pairs(np.tile(points, 2), np.concatenate([buurt, np.full(len(buurt), BOTH)]), 3)
    placed = np.flatnonzero(~np.isnan(assets.xy[:, 0]))
    asset, home = zones.inside(assets.xy[placed], [WEST, EAST, WEST.union(EAST)])
    homes = zones.of_pairs(home, placed[asset], assets.count)
    ways = Line(here.xy, policy.detour)
    reached, loads = measures.reach(ways, assets, here, policy)
    told = why.why(walks.walked(ways, assets, policy.norm_m), assets, reached, Land(in_areas, here, homes))
    return Village(here, in_areas, reached, loads, gaps.figures(in_areas, here, reached, policy), told)


def test_residents_stand_on_the_centres_of_the_national_squares() -> None:
    points = demand.lattice(WEST)
    assert sorted((points - CORNER).tolist()) == [[x, y] for x in (50, 150, 250, 350) for y in (50, 150)]


def test_an_outline_too_small_for_a_centre_keeps_its_residents_on_a_point_inside() -> None:
    tiny = shapely.box(X + 10, Y + 10, X + 20, Y + 20)
    people, _ = demand.spread([tiny], [7])
    assert people.residents.tolist() == [7]
    assert tiny.contains(shapely.Point(people.xy[0]))


def test_degrees_where_metres_are_wanted_are_refused() -> None:
    with pytest.raises(InvalidInput, match="RD New metres"):
        demand.lattice(shapely.box(4.4, 52.1, 4.5, 52.2))


def test_an_empty_outline_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        demand.lattice(shapely.Polygon())


def test_one_room_covers_those_who_can_walk_to_it_the_limit_itself_included() -> None:
    made = village(rooms((50, 50)))
    west, east = made.of(0), made.of(1)
    assert (west["residents"], west["uncovered"], west["covered_share"]) == (80, 30, 0.625)
    assert (east["residents"], east["uncovered"], east["covered_share"]) == (40, 40, 0)


def test_the_limit_itself_is_included_whatever_the_detour_makes_of_its_last_bits() -> None:
    for limit, detour in [(800, 1.3), (200, 1.1), (500, 1.7)]:
        people = demand.at(np.array([[X, Y], [X + limit / detour + 0.001, Y]]), np.array([3.0, 4]))
        policy = Policy(norm_m=limit, detour=detour)
        reached, _ = measures.reach(Line(people.xy, detour), rooms((-limit / detour, 0)), people, policy)
        figures = gaps.figures(Zones(np.array([0, 1]), np.array([0])), people, reached, policy)
        told = (figures.covered_share, figures.covered_lo, figures.covered_hi, figures.fgt1)
        assert [each.tolist() for each in told] == [[1], [1], [1], [0]]


def test_distances_are_told_in_five_ways() -> None:
    # Half of West's eight points lie within the fourth walk (141), nine tenths within the eighth (316). Beyond 200 m
    # are 300, 223.6 and 316.2: by 100, 23.6 and 116.2, which is 0.5, 0.118 and 0.581 of the norm.
    west = village(rooms((50, 50))).of(0)
    assert (west["median_m"], west["p90_m"]) == pytest.approx((141.42, 316.23), abs=0.01)
    assert west["mean_m"] == pytest.approx((0 + 100 + 200 + 300 + 100 + 141.42 + 223.61 + 316.23) / 8, abs=0.01)
    assert west["depth_m"] == pytest.approx((100 + 23.61 + 116.23) / 3, abs=0.01)
    assert west["fgt1"] == pytest.approx((0.5 + 0.11803 + 0.58114) / 8, abs=1e-5)
    assert west["reached_share"] == 1


def test_in_the_east_nobody_is_less_than_twice_the_norm_away() -> None:
    # 400 412 500 510 600 608 700 707: the fourth closes half of them, the eighth nine tenths.
    east = village(rooms((50, 50))).of(1)
    assert (east["median_m"], east["p90_m"], east["fgt1"]) == pytest.approx((509.90, 707.11, 1), abs=0.01)


def test_choice_counts_rooms_and_fragile_is_who_has_just_one() -> None:
    # Within 200 m of (150, 50) are all but (350, 150), of which the way is 224 m: seven points; five have both.
    west = village(rooms((50, 50), (150, 50))).of(0)
    assert (west["covered_share"], west["choice"], west["fragile_share"]) == (0.875, 12 / 8, 2 / 8)


def test_places_are_shared_by_nearness() -> None:
    # 1 − (d/200)² is 1, 0.75, 0, 0.75 and 0.5 for those within reach: ten people each make 30. So 15 places give 0.5 a
    # person at the door, and 15 in all. Forty people have a part in them: 2.67 a place.
    made = village(rooms((50, 50), capacity=[15]))
    assert made.of(0)["per_1000"] == pytest.approx(1000 * 15 / 80)
    assert made.of(0)["crowding"] == pytest.approx(40 / 15)
    assert made.of(1)["per_1000"] == 0
    assert np.isnan(made.of(1)["crowding"])


def test_without_capacity_there_are_no_places_and_crowding_is_not_told() -> None:
    for capacity in ([0.0], [float("nan")]):
        west = village(rooms((50, 50), capacity=capacity)).of(0)
        assert west["per_1000"] == 0
        assert np.isnan(west["crowding"])


def test_a_record_ages() -> None:
    # After the grace and one half-life, half of the certainty is left: no longer doubtful. A day later it is.
    west = village(rooms((50, 50), age_days=[180 + 365])).of(0)
    assert (west["certain_share"], west["people_doubtful"]) == (0.625 / 2, 0)
    assert village(rooms((50, 50), age_days=[180 + 366])).of(0)["people_doubtful"] == 50


def test_a_record_that_was_never_confirmed_is_not_certain_at_all() -> None:
    west = village(rooms((50, 50), age_days=[float("nan")])).of(0)
    assert (west["certain_share"], west["people_doubtful"]) == (0, 50)


def test_hours_are_those_of_all_rooms_in_reach_together() -> None:
    # Monday morning, and Monday morning and afternoon: twelve hours for who has both or the second, six for the first.
    made = village(rooms((50, 50), (150, 50), open_mask=[0b1, 0b11]))
    assert made.of(0)["open_hours"] == 7 * 12 / 8
    assert made.of(0)["worst_part_share"] == 0
    assert gaps.worst_part(made.zones, made.people, made.reached, NEAR).tolist() == [2, 0, 2]


def test_unknown_hours_count_as_not_open() -> None:
    west = village(rooms((50, 50), open_mask=[-1])).of(0)
    assert (west["open_hours"], west["worst_part_share"], west["people_closed"]) == (0, 0, 50)


def test_what_is_always_open_is_open_in_the_worst_part_of_the_week() -> None:
    assert village(rooms((50, 50))).of(0)["worst_part_share"] == 0.625


def test_residents_fall_in_the_first_class_that_applies() -> None:
    # Places a person: 0.5, 0.375, 0, 0.375 and 0.25; two of the five points are below 0.3.
    enough = NEAR._replace(supply_norm=0.3)
    west = village(rooms((50, 50), capacity=[15]), enough).of(0)
    assert [west[f"people_{name}"] for name in ("none", "doubtful", "closed", "full", "served")] == [30, 0, 0, 20, 30]
    assert west["gap"] == pytest.approx(100 * (30 + 0.25 * 20) / 80)
    shut = village(rooms((50, 50), capacity=[15], open_mask=[0]), enough).of(0)
    assert (shut["people_closed"], shut["people_full"]) == (50, 0)
    assert shut["gap"] == pytest.approx(100 * (30 + 25) / 80)


def test_the_interval_asks_how_far_from_their_point_people_may_live() -> None:
    # 70.72 m nearer or farther: certain are 0, 100 and 100; possible all but 300 and 316.
    lattice, _ = demand.spread([WEST, EAST], [80, 40])
    squares = demand.at(lattice.xy, lattice.residents, radius_m=demand.SQUARE_RADIUS_M)
    west = village(rooms((50, 50)), people=squares).of(0)
    assert (west["covered_lo"], west["covered_share"], west["covered_hi"]) == (3 / 8, 5 / 8, 6 / 8)


def test_the_detour_lengthens_the_way_from_where_people_live_too() -> None:
    # The norm is 200 / 1.25 = 160 m, the radius stays 70.72 m: certain is 0; possible all up to 230 m, six points.
    lattice, _ = demand.spread([WEST, EAST], [80, 40])
    squares = demand.at(lattice.xy, lattice.residents, radius_m=demand.SQUARE_RADIUS_M)
    west = village(rooms((50, 50)), NEAR._replace(detour=1.25), people=squares).of(0)
    assert (west["covered_lo"], west["covered_share"], west["covered_hi"]) == (1 / 8, 4 / 8, 6 / 8)


def test_on_the_lattice_anybody_may_live_anywhere_so_little_is_certain() -> None:
    # From (50, 50) to the far corner it is 381 m; all but (350, …) may live at the room itself.
    west = village(rooms((50, 50)), NEAR._replace(norm_m=100)).of(0)
    assert (west["covered_lo"], west["covered_share"], west["covered_hi"]) == (0, 3 / 8, 1)


def test_the_band_shows_what_a_norm_a_fifth_less_or_more_would_say() -> None:
    # Within 160 m are 0, 100, 100 and 141; within 240 m also 200 and 224.
    west = village(rooms((50, 50))).of(0)
    assert (west["band_lo"], west["band_hi"]) == (4 / 8, 6 / 8)


def test_the_municipality_is_the_sum_of_its_buurten() -> None:
    made = village(rooms((350, 50)))
    west, east, both = made.of(0), made.of(1), made.of(BOTH)
    assert both["residents"] == 120
    assert both["uncovered"] == west["uncovered"] + east["uncovered"]
    assert both["covered_share"] == pytest.approx((80 * west["covered_share"] + 40 * east["covered_share"]) / 120)


def test_two_rooms_at_one_spot_cover_nobody_twice_and_the_first_is_the_nearest() -> None:
    made = village(rooms((50, 50), (50, 50)))
    assert (made.of(0)["covered_share"], made.of(0)["choice"], made.of(0)["fragile_share"]) == (0.625, 1.25, 0)
    assert (made.why.in_reach[0], made.why.main[0]) == (2, 0)


def test_without_any_room_all_are_left_out_and_nothing_is_nearest() -> None:
    made = village(rooms())
    west = made.of(0)
    assert (west["covered_share"], west["uncovered"], west["gap"], west["fgt1"]) == (0, 80, 100, 1)
    assert (west["reached_share"], west["choice"], west["per_1000"], west["certain_share"]) == (0, 0, 0, 0)
    assert np.isnan([west["mean_m"], west["median_m"], west["p90_m"], west["depth_m"], west["crowding"]]).all()
    assert (made.why.in_reach[0], made.why.main[0]) == (0, -1)
    assert np.isnan(made.why.main_m[0])


def test_where_nobody_lives_the_figures_are_missing_never_zero() -> None:
    west = village(rooms((50, 50)), residents=(0, 40)).of(0)
    assert west.pop("residents") == 0
    assert np.isnan(list(west.values())).all()


def test_a_walk_to_an_area_ends_at_its_edge() -> None:
    # The park runs from 0 to 100 in x: inside it is no distance, (150, y) is 50 m from it, (350, y) is 250.
    park = replace(rooms((50, 100)), areas={0: shapely.box(X, Y, X + 100, Y + 200)})
    west = village(park).of(0)
    assert (west["covered_share"], west["median_m"]) == (0.75, 50)


def test_an_asset_without_a_place_serves_those_it_names_and_is_an_island_for_all_others() -> None:
    made = village(rooms(NOWHERE, served={0: range(8, 16)}))
    west, east = made.of(0), made.of(1)
    assert (east["covered_share"], east["median_m"]) == (1, 0)
    assert (west["covered_share"], west["reached_share"], west["fgt1"]) == (0, 0, 1)
    assert np.isnan([west["median_m"], west["mean_m"], west["depth_m"]]).all()
    assert made.of(BOTH)["reached_share"] == pytest.approx(40 / 120)
    assert np.isnan(made.of(BOTH)["median_m"])


def test_people_whose_number_is_secret_are_in_no_sum() -> None:
    lattice, _ = demand.spread([WEST, EAST], [80, 40])
    some = demand.at(lattice.xy, np.where(np.arange(16) < 4, np.nan, lattice.residents))
    assert village(rooms((50, 50)), people=some).of(0)["residents"] == 40


def test_a_group_is_counted_as_far_as_it_is_known() -> None:
    # Of the points at 0, 100 and 300 m is known: two, none and six older people; the others say nothing.
    lattice, _ = demand.spread([WEST, EAST], [80, 40])
    older = np.full(16, np.nan)
    older[[0, 1, 3]] = 2, 0, 6
    some = demand.at(lattice.xy, lattice.residents, groups={"residents_65": older})
    made = village(rooms((50, 50)), people=some)
    people, share = gaps.group_share(made.zones, made.people, made.reached, NEAR, "residents_65")
    assert people.tolist() == [8, 0, 8]
    assert share[[0, BOTH]].tolist() == [0.25, 0.25]
    assert np.isnan(share[1])
    with pytest.raises(InvalidInput, match="children"):
        gaps.group_share(made.zones, made.people, made.reached, NEAR, "children")


def test_the_nearest_is_told_for_those_who_are_left_out() -> None:
    # Left out in West are the points at 224, 300 and 316 metres: the second closes half of the thirty residents.
    told = village(rooms((50, 50))).why
    assert (told.main[0], told.main_m[0]) == (0, 300)
    assert (told.main[1], told.main_m[1]) == (0, pytest.approx(509.90, abs=0.01))


def test_where_nobody_is_left_out_the_nearest_is_told_for_all() -> None:
    told = village(rooms((50, 50)), NEAR._replace(norm_m=1000)).why
    assert (told.main[0], told.main_m[0]) == (0, pytest.approx(141.42, abs=0.01))


def test_of_rooms_that_are_nearest_to_as_many_the_first_is_named() -> None:
    # (50, 250) and (50, -50) lie on either side; each is nearest to a row of four.
    told = village(rooms((50, 250), (50, -50)), NEAR._replace(norm_m=1000)).why
    assert told.main[0] == 0


def test_a_room_across_the_border_counts_and_is_named_as_such() -> None:
    # (450, 50) is 100 m from (350, 50), 141 from (350, 150) and 200 from (250, 50).
    made = village(rooms((450, 50)))
    assert made.of(0)["covered_share"] == 3 / 8
    assert made.why.in_reach.tolist() == [1, 1, 1]
    assert made.why.across.tolist() == [1, 0, 0]


def test_a_room_outside_all_areas_is_across_the_border_for_all_that_it_reaches() -> None:
    told = village(rooms((400, -50))).why
    assert told.across.tolist() == [1, 1, 1]


def test_an_asset_without_a_place_lies_across_no_border_and_is_counted_apart() -> None:
    told = village(rooms(NOWHERE, served={0: range(8, 16)})).why
    assert (told.in_reach.tolist(), told.across.tolist()) == ([0, 1, 1], [0, 0, 0])
    assert told.by_catchment.tolist() == [0, 40, 40]


def test_who_can_walk_to_a_room_is_not_counted_as_covered_by_a_catchment_only() -> None:
    made = village(rooms((50, 50), NOWHERE, NOWHERE, served={1: range(8), 2: range(8)}))
    assert made.of(0)["covered_share"] == 1
    assert made.why.by_catchment.tolist() == [30, 0, 30]


def test_what_reaches_only_people_whose_number_is_secret_is_in_reach_but_carries_nobody() -> None:
    people = demand.at(CORNER + np.array([[50, 50], [650, 50]]), np.array([np.nan, 10]))
    one = zones.of_pairs(np.arange(2), np.array([0, 1]), 2)
    assets = rooms((50, 50))
    line, homes = Line(people.xy, 1), zones.of_pairs(np.array([0]), np.array([0]), 1)
    reached, _ = measures.reach(line, assets, people, NEAR)
    told = why.why(walks.walked(line, assets, NEAR.norm_m), assets, reached, Land(one, people, homes))
    assert told.in_reach.tolist() == [1, 0]
    assert told.carriers[0].tolist() == [-1] * 5


def test_assets_are_named_by_the_residents_they_carry_would_leave_behind_or_could_make_sure() -> None:
    # (50, 50) reaches five points of West, and (150, 50) the same and two more: 50 and 70 people, of whom 20 have
    # nothing else. One is half a half-life too old, p = ½^½; the other was never confirmed, and adds no certainty.
    made = village(rooms((50, 50), (150, 50), age_days=[180 + 365 / 2, np.nan]))
    assert made.why.carriers[0].tolist() == [1, 0, -1, -1, -1]
    assert made.why.carried[0].tolist() == [70, 50, 0, 0, 0]
    assert (made.why.fragile[0].tolist(), made.why.lost[0].tolist()) == ([1, -1, -1, -1, -1], [20, 0, 0, 0, 0])
    assert made.why.checks[0].tolist() == [1, 0, -1, -1, -1]
    assert made.why.gained[0][:2] == pytest.approx([50 * (1 - 0.5**0.5) + 20, 50 * (1 - 0.5**0.5)])
    assert made.loads.lost.tolist() == [0, 20]


def test_of_six_that_carry_as_many_the_first_five_are_named() -> None:
    told = village(rooms(*[(50, 50)] * 6)).why
    assert told.carriers[0].tolist() == [0, 1, 2, 3, 4]
    assert told.in_reach[0] == 6


@pytest.mark.parametrize(
    ("residents", "policy", "assets", "reason"),
    [
        ((0, 40), NEAR, rooms((50, 50)), "nobody"),
        ((49, 40), NEAR, rooms((50, 50)), "few"),
        ((80, 40), NEAR, rooms((50, 50)), "none"),
        ((80, 40), NEAR._replace(norm_m=300), rooms((50, 50), age_days=[5000]), "doubtful"),
        ((80, 40), NEAR._replace(norm_m=300), rooms((50, 50), open_mask=[-1]), "closed"),
        ((80, 40), NEAR._replace(norm_m=900, supply_norm=1), rooms((50, 50), capacity=[1]), "full"),
        ((80, 40), NEAR._replace(norm_m=900), rooms((50, 50)), "served"),
        ((80, 40), NEAR._replace(severity=(0.0,) * 5), rooms((50, 50)), "served"),
    ],
)
def test_the_main_reason_is_the_class_that_costs_most(
    residents: tuple[float, float], policy: Policy, assets: Places, reason: str
) -> None:
    assert why.reason(village(assets, policy, residents).figures, 0, policy) == reason


def test_of_classes_that_cost_as_much_the_worst_is_the_reason() -> None:
    # 40 of West's people have none, and 40 only a closed room: with equal severities both cost as much.
    closed = NEAR._replace(norm_m=150, severity=(0.5, 0.5, 0.5, 0.25, 0.0))
    made = village(rooms((50, 50), open_mask=[-1]), closed)
    assert (made.of(0)["people_none"], made.of(0)["people_closed"]) == (40, 40)
    assert why.reason(made.figures, 0, closed) == "none"
