"""Coverage on Testdorp: two buurten side by side, worked out on paper.

West is 400 by 200 m with 80 residents, East the same with 40. The lattice gives each eight points, 100 m apart, so ten
residents a point in West and five in East. A point is named by the metres of its centre: (50, 50) … (750, 150).
"""

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo.coverage import demand, gaps, measures, walks
from geo.coverage.demand import Belongs, Demand
from geo.coverage.gaps import Gap, Places, Reach
from geo.errors import InvalidInput

X, Y = 100_000, 400_000
WEST = shapely.box(X, Y, X + 400, Y + 200)
EAST = shapely.box(X + 400, Y, X + 800, Y + 200)
ALL = np.arange


def spot(x: float, y: float) -> shapely.Point:
    return shapely.Point(X + x, Y + y)


def village(
    shapes: Sequence[BaseGeometry | None], norm_m: float = 200, served: Sequence[tuple[int, int]] = ()
) -> Reach:
    people, belongs = demand.spread([WEST, EAST], [80, 40])
    pairs = np.array(served, dtype=np.int64).reshape(-1, 2)
    placed = [i for i, shape in enumerate(shapes) if shape is not None]
    within = [
        area * len(shapes) + i
        for area, outline in enumerate([WEST, EAST])
        for i in placed
        if outline.contains(shapes[i])
    ]
    places = Places(shapes, walks.served(pairs[:, 0], pairs[:, 1]), np.array(within, dtype=np.int64))
    return gaps.reach(people, belongs, np.array([True, True]), places, norm_m, detour=1)


def gaps_of(reach: Reach) -> list[Gap]:
    return gaps.gaps(reach, ALL(len(reach.places.shapes)))


def test_residents_stand_on_the_centres_of_the_national_squares() -> None:
    points = demand.lattice(WEST)
    assert sorted((points - [X, Y]).tolist()) == [[x, y] for x in (50, 150, 250, 350) for y in (50, 150)]


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
    # From (50, 50): 0, 100, 200 exactly, 300 along the row; 100, 141, 224, 316 in the row above. Five in reach.
    west, east = gaps_of(village([spot(50, 50)]))
    assert (west.residents, west.covered, west.uncovered, west.covered_share) == (80, 50, 30, 0.625)
    assert (east.covered, east.uncovered, east.covered_share) == (0, 40, 0)


def test_the_median_is_the_smallest_distance_within_which_half_of_the_residents_live() -> None:
    # West: 0 100 100 141 200 224 300 316, of which the fourth closes the first half. East: 400 412 500 510 …
    west, east = gaps_of(village([spot(50, 50)]))
    assert west.median_m == pytest.approx(141.42, abs=0.01)
    assert east.median_m == pytest.approx(509.90, abs=0.01)


def test_the_nearest_is_told_for_those_who_are_left_out() -> None:
    # Left out in West are the points at 224, 300 and 316 metres: the second closes half of the thirty residents.
    west, east = gaps_of(village([spot(50, 50)]))
    assert (west.nearest, west.nearest_m) == (0, 300)
    assert east.nearest == 0
    assert east.nearest_m == pytest.approx(509.90, abs=0.01)


def test_where_nobody_is_left_out_the_nearest_is_told_for_all() -> None:
    west, _ = gaps_of(village([spot(50, 50)], norm_m=1000))
    assert west.uncovered == 0
    assert west.nearest_m == pytest.approx(141.42, abs=0.01)


def test_a_room_across_the_border_counts_and_is_named_as_such() -> None:
    # (450, 50) is 100 m from (350, 50), 141 from (350, 150) and 200 from (250, 50).
    west, east = gaps_of(village([spot(450, 50)]))
    assert (west.covered, west.assets_in_reach, west.assets_across_border) == (30, 1, 1)
    assert (east.assets_in_reach, east.assets_across_border) == (1, 0)


def test_two_rooms_at_one_spot_cover_nobody_twice_and_the_first_is_the_nearest() -> None:
    west, _ = gaps_of(village([spot(50, 50), spot(50, 50)]))
    assert (west.covered, west.assets_in_reach, west.nearest) == (50, 2, 0)


def test_of_rooms_equally_far_the_first_is_the_nearest() -> None:
    near = walks.nearest(np.array([[X + 0.0, Y + 0.0]]), [spot(0, 90), spot(90, 0), spot(-90, 0)], detour=1)
    assert near.asset.tolist() == [0]


def test_without_any_room_all_are_left_out_and_nothing_is_nearest() -> None:
    west, _ = gaps_of(village([]))
    assert (west.covered, west.uncovered, west.covered_share) == (0, 80, 0)
    assert (west.median_m, west.nearest, west.nearest_m, west.assets_in_reach) == (None, None, None, 0)


def test_where_nobody_lives_or_nothing_is_known_the_figures_are_missing_never_zero() -> None:
    people, belongs = demand.spread([WEST, EAST], [0, 40])
    places = Places([spot(50, 50)], walks.served(ALL(0), ALL(0)), np.array([0]))
    reach = gaps.reach(people, belongs, np.array([True, False]), places, 200, detour=1)
    for gap in gaps_of(reach):
        assert gap[:8] == (None,) * 8


def test_a_walk_to_an_area_ends_at_its_edge() -> None:
    # The park runs from 0 to 100 in x: inside it is no distance, (150, y) is 50 m from it, (350, y) is 250.
    park = shapely.box(X, Y, X + 100, Y + 200)
    west, _ = gaps_of(village([park]))
    assert (west.covered, west.median_m) == (60, 50)


def test_an_asset_without_a_place_serves_those_it_names_and_is_counted_apart() -> None:
    # It serves all of East (points 8 to 15); nobody in West is reached.
    west, east = gaps_of(village([None], served=[(point, 0) for point in range(8, 16)]))
    assert (west.covered, west.assets_in_reach) == (0, 0)
    assert (east.covered, east.covered_by_catchment, east.median_m) == (40, 40, 0)
    assert (east.assets_in_reach, east.assets_across_border) == (1, 0)


def test_who_can_walk_to_a_room_is_not_counted_as_covered_by_a_catchment_only() -> None:
    west, _ = gaps_of(village([spot(50, 50), None], served=[(point, 1) for point in range(8)]))
    assert (west.covered, west.covered_by_catchment) == (80, 30)


def test_the_detour_lengthens_every_walk() -> None:
    found = walks.within(np.array([[X + 0.0, Y]]), [spot(100, 0)], limit_m=130, detour=1.3)
    assert found.metres.tolist() == [130]
    assert not len(walks.within(np.array([[X + 0.0, Y]]), [spot(100.01, 0)], limit_m=130, detour=1.3).metres)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf")])
def test_a_limit_or_detour_that_is_no_distance_is_refused(bad: float) -> None:
    with pytest.raises(InvalidInput):
        walks.within(np.zeros((1, 2)), [spot(0, 0)], limit_m=bad, detour=1)
    with pytest.raises(InvalidInput):
        walks.within(np.zeros((1, 2)), [spot(0, 0)], limit_m=1, detour=bad)


def test_the_median_of_nobody_is_infinite() -> None:
    assert measures.median(np.array([1.0, 2.0]), np.zeros(2)) == float("inf")


def test_a_median_weighs_residents_and_not_points() -> None:
    assert measures.median(np.array([100.0, 200, 300]), np.array([10.0, 1, 8])) == 100


places_of = st.lists(st.tuples(st.integers(-300, 1100), st.integers(-300, 500)), min_size=1, max_size=6)


@given(places_of, st.tuples(st.integers(-300, 1100), st.integers(-300, 500)), st.integers(50, 900))
def test_one_more_room_never_leaves_out_more(rooms: list[tuple[int, int]], more: tuple[int, int], norm_m: int) -> None:
    before = gaps_of(village([spot(*room) for room in rooms], norm_m))
    after = gaps_of(village([spot(*room) for room in (*rooms, more)], norm_m))
    for old, new in zip(before, after, strict=True):
        assert new.uncovered is not None
        assert old.uncovered is not None
        assert new.uncovered <= old.uncovered
        assert new.assets_in_reach >= old.assets_in_reach


@given(places_of, st.integers(50, 900))
def test_the_order_of_the_rooms_changes_no_figure(rooms: list[tuple[int, int]], norm_m: int) -> None:
    # Which of two equally near rooms is named does depend on the order: the first.
    straight = gaps_of(village([spot(*room) for room in rooms], norm_m))
    turned = gaps_of(village([spot(*room) for room in reversed(rooms)], norm_m))
    for old, new in zip(straight, turned, strict=True):
        assert new._replace(nearest=None, nearest_m=None) == old._replace(nearest=None, nearest_m=None)


@given(places_of, st.integers(50, 900))
def test_those_left_out_add_up_whatever_the_borders(rooms: list[tuple[int, int]], norm_m: int) -> None:
    parts = gaps_of(village([spot(*room) for room in rooms], norm_m))
    people, _ = demand.spread([WEST, EAST], [80, 40])
    whole = Belongs(ALL(16), np.zeros(16, dtype=np.int64))
    reach = village([spot(*room) for room in rooms], norm_m)
    together = gaps.gaps(reach._replace(demand=Demand(*people), belongs=whole, known=np.array([True])), ALL(len(rooms)))
    assert together[0].uncovered == pytest.approx(sum(part.uncovered or 0 for part in parts))
    assert together[0].covered == pytest.approx(sum(part.covered or 0 for part in parts))


def test_a_point_on_the_border_of_two_areas_lies_in_both() -> None:
    assert demand.inside(np.array([[X + 400.0, Y + 50]]), [WEST, EAST]).area.tolist() == [0, 1]
