"""Which points lie in which area: against plain shapely, with overlaps, holes, edges and corners."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng
from shapely.geometry.base import BaseGeometry

from geo.coverage import cells, zones
from geo.coverage.demand import Floats, Ints
from geo.coverage.zones import Zones

ORIGIN = np.array([100_000.0, 400_000.0])
SIDE = 20_000
LEFT, RIGHT = (shapely.box(x, 400_000, x + 1000, 401_000) for x in (100_000, 101_000))
seeds = st.integers(0, 2**32 - 1)
pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 5)), max_size=60)
slow = settings(deadline=None)  # the machine code is made at the first call


def plainly(xy: Floats, outlines: list[BaseGeometry], hole_m: float = 250.0) -> Ints:
    """Ask every outline about every point."""
    found = np.full(len(xy), -1)
    for area in range(len(outlines) - 1, -1, -1):
        found[shapely.intersects_xy(outlines[area], xy[:, 0], xy[:, 1])] = area
    lost = np.flatnonzero(found < 0)
    points = np.array([shapely.Point(spot) for spot in xy[lost]]).reshape(-1, 1)
    away = np.asarray(shapely.distance(points, np.array(outlines)))
    away[np.isnan(away)] = np.inf  # to an empty outline
    found[lost] = np.where(away.min(axis=1) <= hole_m, away.argmin(axis=1), -1)
    return found


def tangle(seed: int) -> tuple[Floats, list[BaseGeometry]]:
    """Make outlines that overlap, leave holes, lie within each other or apart; and points, some on edges."""
    chance = default_rng(seed)
    within = shapely.box(*ORIGIN, *(ORIGIN + SIDE))
    centres = shapely.MultiPoint(chance.uniform(0, SIDE, (30, 2)) + ORIGIN)
    cut = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(centres, extend_to=within)), within)
    grown = [shape.buffer(chance.choice([-150, 0, 200])).segmentize(chance.choice([100, 9000])) for shape in cut]
    ring = shapely.Point(*(ORIGIN + SIDE / 2)).buffer(5000).difference(shapely.Point(*(ORIGIN + SIDE / 2)).buffer(2000))
    islands = shapely.union(shapely.box(*ORIGIN, *(ORIGIN + 500)), shapely.box(*(ORIGIN + 800), *(ORIGIN + 990)))
    outlines = [*grown, ring, islands, shapely.Polygon()]
    shuffled = [outlines[i] for i in chance.permutation(len(outlines))]
    spots = chance.uniform(-1000, SIDE + 1000, (3000, 2)) + ORIGIN
    corners = shapely.get_coordinates(shuffled)
    middles = (corners[1:] + corners[:-1]) / 2
    return np.concatenate([spots, corners, middles, np.round(spots, -2)]), shuffled


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_area_of_a_point_is_what_shapely_says_of_each(seed: int) -> None:
    xy, outlines = tangle(seed)
    np.testing.assert_array_equal(zones.holding(xy, outlines), plainly(xy, outlines))


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_few_points_lie_where_they_lie_among_many(seed: int) -> None:
    xy, outlines = tangle(seed)
    np.testing.assert_array_equal(zones.holding(xy, outlines)[:50], zones.holding(xy[:50], outlines))


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_grid_is_unsure_only_of_points_on_an_edge(seed: int) -> None:
    xy, outlines = tangle(seed)
    told = cells.holding(xy, outlines)
    borders = shapely.union_all(shapely.boundary(np.array(outlines)))
    unsure = xy[told == cells.UNSURE]
    assert np.all(shapely.distance(shapely.points(unsure), borders) < 1e-6)
    sure = told != cells.UNSURE
    np.testing.assert_array_equal(told[sure], plainly(xy[sure], outlines, hole_m=-1))


@pytest.mark.parametrize("copies", [1, 2000], ids=["few", "many"])
def test_a_point_on_a_border_lies_in_the_first_of_both(copies: int) -> None:
    xy = np.tile([[101_000.0, 400_500], [101_000.0, 401_000], [102_000.0, 400_500], [100_000.0, 400_000]], (copies, 1))
    assert zones.holding(xy, [LEFT, RIGHT]).reshape(copies, 4).tolist() == [[0, 0, 1, 0]] * copies
    assert zones.holding(xy, [RIGHT, LEFT]).reshape(copies, 4).tolist() == [[0, 0, 0, 1]] * copies


@pytest.mark.parametrize("copies", [1, 2000], ids=["few", "many"])
def test_a_point_in_a_hole_goes_to_the_nearest_within_the_limit_which_is_included(copies: int) -> None:
    near, far = shapely.box(100_000, 400_000, 100_900, 401_000), shapely.box(101_000, 400_000, 102_000, 401_000)
    xy = np.tile([[100_950.0, 400_500], [100_960.0, 400_500], [102_250.0, 400_500], [102_250.1, 400_500]], (copies, 1))
    assert zones.holding(xy, [near, far]).reshape(copies, 4).tolist() == [[0, 1, 1, -1]] * copies
    assert zones.holding(xy, [near, far], hole_m=0).reshape(copies, 4).tolist() == [[-1] * 4] * copies


def test_an_area_within_another_that_comes_first_holds_nothing_and_the_other_way_round_all_its_own() -> None:
    inner = shapely.box(100_400, 400_400, 100_600, 400_600)
    xy = default_rng(0).uniform(0, 1000, (5000, 2)) + ORIGIN
    assert set(zones.holding(xy, [LEFT, inner])) == {0}
    own = zones.holding(xy, [inner, LEFT]) == 0
    np.testing.assert_array_equal(own, (np.abs(xy - ORIGIN - 500) <= 100).all(axis=1))


@pytest.mark.parametrize("points", [0, 3, 2000])
def test_without_outlines_or_with_empty_ones_points_lie_nowhere(points: int) -> None:
    xy = np.tile(ORIGIN, (points, 1))
    assert zones.holding(xy, []).tolist() == [-1] * points
    assert zones.holding(xy, [shapely.Polygon(), shapely.Polygon()]).tolist() == [-1] * points
    assert zones.inside(xy, [])[0].tolist() == []


@pytest.mark.parametrize("copies", [1, 2000], ids=["few", "many"])
def test_what_has_no_place_lies_nowhere(copies: int) -> None:
    xy = np.tile([[np.nan, np.nan], [100_500.0, 400_500]], (copies, 1))
    assert zones.holding(xy, [LEFT]).reshape(copies, 2).tolist() == [[-1, 0]] * copies
    assert zones.inside(xy[:2], [LEFT])[0].tolist() == [1]


def test_a_point_may_lie_in_several_areas_and_on_the_edge_of_them() -> None:
    point, area = zones.inside(
        np.array([[101_000.0, 400_500], [99_000.0, 400_500], [100_500.0, 400_500]]), [LEFT, RIGHT]
    )
    assert (point.tolist(), area.tolist()) == ([0, 0, 2], [0, 1, 0])


@slow
@given(pairs)
def test_zones_hold_each_pair_once_in_order_however_they_came(told: list[tuple[int, int]]) -> None:
    point, area = np.array(told, dtype=np.int64).reshape(-1, 2).T
    made = zones.of_pairs(point, area, 6)
    wanted = [sorted({p for p, a in told if a == each}) for each in range(6)]
    assert [made.point[made.start[a] : made.start[a + 1]].tolist() for a in range(6)] == wanted
    assert made.start[-1] == len(made.point)


@slow
@given(pairs)
def test_turned_twice_zones_are_as_they_were(told: list[tuple[int, int]]) -> None:
    point, area = np.array(told, dtype=np.int64).reshape(-1, 2).T
    made = zones.of_pairs(point, area, 6)
    by_point = zones.turned(made, 9)
    wanted = [sorted({a for p, a in told if p == each and a >= 0}) for each in range(9)]
    assert [by_point.point[by_point.start[p] : by_point.start[p + 1]].tolist() for p in range(9)] == wanted
    back = zones.turned(by_point, 6)
    assert (back.start.tolist(), back.point.tolist()) == (made.start.tolist(), made.point.tolist())


def test_some_areas_are_taken_in_the_order_asked() -> None:
    made = Zones(np.array([0, 2, 2, 5]), np.array([3, 4, 0, 1, 2]))
    some = zones.taken(made, np.array([2, 1, 0, 2]))
    assert (some.start.tolist(), some.point.tolist()) == ([0, 3, 3, 5, 8], [0, 1, 2, 3, 4, 0, 1, 2])
