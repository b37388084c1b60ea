"""Straight walks: beside a full matrix, scipy and geopandas, and on cases worked out on paper."""

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo.coverage import places, walks
from geo.coverage.demand import Floats
from geo.coverage.places import Places
from geo.coverage.walks import Line, Pairs
from geo.errors import InvalidInput
from tests.benchmarks.coverage import data

X, Y = 100_000.0, 400_000.0
NOWHERE = (np.nan, np.nan)


def at(*spots: tuple[float, float]) -> Floats:
    """Give places by their metres from a corner of the village."""
    placed: Floats = np.array(spots, dtype=float).reshape(-1, 2) + np.array([X, Y])
    return placed


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def assets_of(
    xy: Floats, areas: Mapping[int, BaseGeometry] | None = None, served: dict[int, list[int]] | None = None
) -> Places:
    none = np.full(len(xy), np.nan)
    points = {j: np.array(each, dtype=np.int64) for j, each in (served or {}).items()}
    return Places(xy, none, none, np.full(len(xy), -1), areas or {}, points)


def matrix(xy: Floats, given: Places, detour: float) -> Floats:
    """Measure everything to everything, the plain way: shape (assets, points), inf where nobody can go."""
    metres = np.full((given.count, len(xy)), np.inf)
    for j in range(given.count):
        if j in given.served:
            metres[j, given.served[j]] = 0.0
        elif j in given.areas:
            metres[j] = shapely.distance(shapely.points(xy), given.areas[j]) * detour
        elif np.isfinite(given.xy[j]).all():
            metres[j] = np.sqrt((xy[:, 0] - given.xy[j, 0]) ** 2 + (xy[:, 1] - given.xy[j, 1]) ** 2) * detour
    return metres


def listed(pairs: Pairs) -> list[tuple[int, int, float]]:
    asset = np.repeat(np.arange(len(pairs.start) - 1), np.diff(pairs.start))
    return list(zip(asset.tolist(), pairs.point.tolist(), pairs.metres.tolist(), strict=True))


def expected(metres: Floats, limit_m: float) -> list[tuple[int, int, float]]:
    asset, point = np.nonzero(metres <= limit_m * (1 + 1e-12))
    return list(zip(asset.tolist(), point.tolist(), np.minimum(metres[asset, point], limit_m).tolist(), strict=True))


steps = st.integers(-12, 12).map(lambda n: 50.0 * n)  # so that many walks are equally long
free = st.floats(-600, 600, allow_nan=False).map(lambda metres: round(metres, 3))
spots = st.one_of(st.tuples(steps, steps), st.tuples(free, free))
factors = st.sampled_from([1.0, 1.3, 1.7])
limits = st.sampled_from([1.0, 50.0, 65.0, 130.0, 250.0, 800.0, 5000.0])


@st.composite
def villages(draw: st.DrawFn) -> tuple[Floats, Places]:
    """Draw points and assets, of which some are areas, some serve and some are nowhere."""
    xy = at(*draw(st.lists(spots, max_size=30)))
    assets = at(*draw(st.lists(spots, max_size=12)))
    areas: dict[int, BaseGeometry] = {}
    served: dict[int, list[int]] = {}
    for j, form in enumerate(draw(st.lists(st.sampled_from("......asn"), min_size=len(assets), max_size=len(assets)))):
        if form == "a":
            areas[j] = shapely.box(*assets[j], *(assets[j] + (130, 70)))
        elif form == "s":
            served[j] = list(range(j % 3, len(xy), 3))
        if form in "sn":
            assets[j] = NOWHERE
    return xy, assets_of(assets, areas, served)


@settings(deadline=None)
@given(villages(), limits, factors)
def test_pairs_are_those_of_a_full_matrix_by_asset_with_points_ascending(
    village: tuple[Floats, Places], limit_m: float, detour: float
) -> None:
    xy, assets = village
    assert listed(Line(xy, detour).pairs(assets, limit_m)) == expected(matrix(xy, assets, detour), limit_m)


@settings(deadline=None)
@given(villages(), factors)
def test_the_nearest_is_that_of_a_full_matrix_and_a_tie_goes_to_the_lowest(
    village: tuple[Floats, Places], detour: float
) -> None:
    xy, assets = village
    metres = np.vstack([matrix(xy, assets, detour), np.full(len(xy), np.inf)])
    lowest = np.where(np.isinf(metres.min(axis=0)), -1, metres.argmin(axis=0))
    near = Line(xy, detour).nearest(assets)
    assert near.asset.tolist() == lowest.tolist()
    assert near.metres.tolist() == metres.min(axis=0).tolist()


@settings(deadline=None)
@given(villages(), limits, st.integers(1, 11))
def test_assets_in_blocks_have_the_walks_of_all_together(
    village: tuple[Floats, Places], limit_m: float, size: int
) -> None:
    xy, assets = village
    line = Line(xy, 1.3)
    together = []
    for first in range(0, assets.count, size):
        block = np.arange(first, min(first + size, assets.count))
        together += [(j + first, *rest) for j, *rest in listed(line.pairs(assets.take(block), limit_m))]
    assert together == listed(line.pairs(assets, limit_m))


@settings(deadline=None)
@given(villages(), st.integers(0, 2**32))
def test_the_order_of_the_points_changes_no_walk(village: tuple[Floats, Places], seed: int) -> None:
    xy, assets = village
    order = np.random.default_rng(seed).permutation(len(xy))
    served = {j: np.flatnonzero(np.isin(order, points)) for j, points in assets.served.items()}
    turned = replace(assets, served=served)
    back = [(j, int(order[i]), metres) for j, i, metres in listed(Line(xy[order], 1.3).pairs(turned, 800))]
    assert sorted(back) == listed(Line(xy, 1.3).pairs(assets, 800))
    near, moved = Line(xy, 1.3).nearest(assets), Line(xy[order], 1.3).nearest(turned)
    assert moved.asset.tolist() == near.asset[order].tolist()
    assert moved.metres.tolist() == near.metres[order].tolist()


@pytest.mark.parametrize("detour", [1.0, 1.1, 1.3, 1.7, 3.0])
@pytest.mark.parametrize("limit_m", [1.0, 99.9, 300.0, 500.0, 800.0, 1000.0, 1234.5])
def test_a_walk_of_exactly_the_limit_is_in_and_its_metres_are_the_limit_at_most(limit_m: float, detour: float) -> None:
    straight = limit_m / detour
    angles = np.linspace(0, 6, 50)
    on = np.stack([np.cos(angles), np.sin(angles)], axis=1) * straight
    room = places.at(np.array([[0.0, 2000.0]]))
    pairs = Line(room.xy + on * (1 - 1e-13), detour).pairs(room, limit_m)
    assert len(pairs.point) == 50
    assert pairs.metres.max() <= limit_m
    assert pairs.metres.min() == pytest.approx(limit_m)
    assert len(Line(room.xy + on * (1 + 1e-9), detour).pairs(room, limit_m).point) == 0


def test_three_hundred_east_and_four_hundred_north_is_five_hundred_metres() -> None:
    found = Line(at((300, 400), (300, 401)), 1.0).pairs(places.at(at((0, 0))), 500)
    assert listed(found) == [(0, 0, 500.0)]


def test_the_detour_makes_a_walk_longer_than_its_line() -> None:
    line = Line(at((0, 1000)), 1.3)
    assert line.nearest(places.at(at((0, 0)))).metres.tolist() == [1300.0]
    assert listed(line.pairs(places.at(at((0, 0))), 1299)) == []


def test_of_assets_at_one_spot_each_has_its_walks_and_the_lowest_is_the_nearest() -> None:
    line, rooms = Line(at((0, 0), (100, 0)), 1.0), places.at(at((900, 0), *[(50, 0)] * 40))
    assert set(line.nearest(rooms).asset.tolist()) == {1}
    assert np.diff(line.pairs(rooms, 50).start).tolist() == [0] + [2] * 40


def test_a_walk_to_an_area_ends_at_its_edge_and_is_0_inside() -> None:
    ring = box(0, 0, 400, 400) - box(100, 100, 300, 300)
    park = assets_of(at((50, 50)), {0: ring})
    line = Line(at((50, 200), (400, 0), (150, 200), (430, 440), (500, 700)), 1.3)
    assert line.nearest(park).metres == pytest.approx([0, 0, 65, 65, 1.3 * np.hypot(100, 300)])
    assert [(j, i) for j, i, _ in listed(line.pairs(park, 65))] == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_an_area_that_covers_a_room_is_nearer_and_of_two_at_one_place_the_lowest_is() -> None:
    park = box(-10, -10, 10, 10)
    both = assets_of(at((0, 0), (0, 0), (0, 0)), {1: park, 2: park})
    near = Line(at((0, 0), (5, 5), (110, 0)), 1.0).nearest(both)
    assert near.asset.tolist() == [0, 1, 1]
    assert near.metres.tolist() == [0, 0, 100]


def test_an_empty_area_and_an_asset_that_is_nowhere_reach_nobody() -> None:
    given = assets_of(np.array([NOWHERE, NOWHERE]), {0: shapely.Polygon()})
    line = Line(at((0, 0)), 1.0)
    assert line.nearest(given).asset.tolist() == [-1]
    assert line.nearest(given).metres.tolist() == [np.inf]
    assert line.pairs(given, 800).start.tolist() == [0, 0, 0]


def test_who_serves_a_neighbourhood_is_at_no_distance_of_its_points_and_reaches_no_other() -> None:
    serving = assets_of(np.array([NOWHERE, *at((0, 0))]), {}, {0: [2, 1, 2]})
    line = Line(at((0, 0), (1, 0), (500, 0)), 1.0)
    assert listed(line.pairs(serving, 600)) == [(0, 1, 0.0), (0, 2, 0.0), (1, 0, 0.0), (1, 1, 1.0), (1, 2, 500.0)]
    assert line.nearest(serving).asset.tolist() == [1, 0, 0]


def test_who_serves_a_point_that_there_is_not_is_refused() -> None:
    serving = assets_of(np.array([NOWHERE]), {}, {0: [3]})
    with pytest.raises(InvalidInput, match="point 3"):
        Line(at((0, 0)), 1.0).pairs(serving, 800)
    with pytest.raises(InvalidInput, match="point 3"):
        Line(at((0, 0)), 1.0).nearest(serving)


def test_a_point_that_is_nowhere_is_reached_only_by_what_serves_it() -> None:
    serving = assets_of(np.array([*at((0, 0)), NOWHERE]), {}, {1: [1]})
    line = Line(np.array([*at((0, 0)), NOWHERE, NOWHERE]), 1.0)
    assert listed(line.pairs(serving, 800)) == [(0, 0, 0.0), (1, 1, 0.0)]
    assert line.nearest(serving).asset.tolist() == [0, 1, -1]


def test_without_points_or_assets_there_are_no_walks() -> None:
    some, none = at((0, 0), (1, 1)), np.empty((0, 2))
    assert listed(Line(none, 1.3).pairs(places.at(some), 800)) == []
    assert listed(Line(some, 1.3).pairs(places.at(none), 800)) == []
    assert Line(none, 1.3).nearest(places.at(some)).asset.tolist() == []
    assert Line(some, 1.3).nearest(places.at(none)).asset.tolist() == [-1, -1]
    assert Line(some, 1.3).nearest(places.at(none)).metres.tolist() == [np.inf, np.inf]


def test_degrees_a_limit_of_nothing_and_a_detour_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidInput, match="RD New"):
        Line(np.array([[4.4, 51.9]]), 1.3)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InvalidInput, match="detour"):
            Line(at((0, 0)), wrong)
        with pytest.raises(InvalidInput, match="limit_m"):
            Line(at((0, 0)), 1.3).pairs(places.at(at((0, 0))), wrong)


def test_no_point_walks_along_a_straight_line_for_want_of_a_network() -> None:
    assert Line(at((0, 0), (1, 1)), 1.3).fallback().tolist() == [False, False]


def test_points_in_the_order_of_cells_stay_in_it_and_stand_so_in_the_grid() -> None:
    xy, _ = data.towns(20_000)
    xy = np.random.default_rng(5).permutation(np.vstack([xy, np.full((1, 2), np.nan)]))
    ordered = xy[walks.cell_order(xy)]
    assert walks.cell_order(ordered).tolist() == list(range(20_001))
    assert np.isnan(ordered[-1]).all()
    assert Line(ordered, 1.3).grid.place.tolist() == list(range(20_000))


def test_a_part_of_the_assets_is_summed_in_the_order_of_all() -> None:
    rooms = places.at(data.assets(500))
    part = np.arange(0, 500, 3)
    turn = walks.turns(rooms)
    assert part[walks.turns(rooms.take(part))].tolist() == [int(j) for j in turn if j % 3 == 0]


@pytest.fixture(scope="module")
def nation() -> tuple[Floats, Floats]:
    """Give people in towns all over the country, a few far off, and assets, some of them at one spot."""
    xy, _ = data.towns(20_000)
    rooms = data.assets(1_500)
    far = np.array([[-400_000.0, 900_000.0], [700_000.0, 100.0]])
    return np.vstack([xy, far]), np.vstack([rooms, rooms[:20], rooms[3:5] + np.array([0, 250_000])])


def test_over_a_nation_pairs_and_nearest_agree_with_the_tree_of_scipy(nation: tuple[Floats, Floats]) -> None:
    xy, rooms = nation
    line, straight = Line(xy, 1.3), 800 / 1.3
    pairs = line.pairs(places.at(rooms), 800)
    theirs = cKDTree(xy).query_ball_point(rooms, straight, return_sorted=True)
    assert [each.tolist() for each in np.split(pairs.point, pairs.start[1:-1])] == list(theirs)
    metres, _ = cKDTree(rooms).query(xy)
    near = line.nearest(places.at(rooms))
    np.testing.assert_allclose(near.metres, metres * 1.3, rtol=1e-13)
    assert not np.isin(near.asset, np.arange(1_500, 1_520)).any()  # a lower one is at the same spot


def test_over_a_nation_the_nearest_is_as_far_as_geopandas_says(nation: tuple[Floats, Floats]) -> None:
    xy, rooms = nation
    people = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=28992)
    offers = gpd.GeoDataFrame({"asset": range(len(rooms))}, geometry=gpd.points_from_xy(*rooms.T), crs=28992)
    joined = gpd.sjoin_nearest(people, offers, distance_col="metres")
    theirs = joined.groupby(level=0).agg({"metres": "min", "asset": "min"})
    near = Line(xy, 1.0).nearest(places.at(rooms))
    np.testing.assert_allclose(near.metres, theirs["metres"], rtol=1e-13)
    assert near.asset.tolist() == theirs["asset"].tolist()


def test_areas_over_a_nation_are_as_far_as_geopandas_says(nation: tuple[Floats, Floats]) -> None:
    xy, rooms = nation
    xy, rooms = xy[::5], rooms[:300]
    parks = {j: shapely.Point(rooms[j]).buffer(50 + 40 * j) for j in range(0, 300, 2)}
    offers = gpd.GeoDataFrame(geometry=[parks.get(j, shapely.Point(rooms[j])) for j in range(300)], crs=28992)
    people = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=28992)
    joined = gpd.sjoin_nearest(people, offers, distance_col="metres")
    theirs = joined.groupby(level=0).agg({"metres": "min", "index_right": "min"})
    given = assets_of(rooms, parks)
    near = Line(xy, 1.0).nearest(given)
    np.testing.assert_allclose(near.metres, theirs["metres"], rtol=1e-12, atol=1e-9)
    assert near.asset.tolist() == theirs["index_right"].tolist()
    inside = gpd.sjoin(people, offers, predicate="dwithin", distance=800.0)
    pairs = Line(xy, 1.0).pairs(given, 800)
    assert {(i, j) for j, i, _ in listed(pairs)} == set(zip(inside.index, inside["index_right"], strict=True))


def test_within_the_limit_the_nearest_is_the_shortest_pair_to_the_last_bit(nation: tuple[Floats, Floats]) -> None:
    xy, rooms = nation
    line = Line(xy, 1.3)
    near, pairs = line.nearest(places.at(rooms)), line.pairs(places.at(rooms), 800)
    shortest = np.full(len(xy), np.inf)
    np.minimum.at(shortest, pairs.point, pairs.metres)
    reached = np.isfinite(shortest)
    assert near.metres[reached].tolist() == shortest[reached].tolist()
    assert (near.metres[~reached] > 800).all()


def test_a_region_has_the_walks_that_it_has_in_the_whole_to_the_last_bit(nation: tuple[Floats, Floats]) -> None:
    xy, rooms = nation
    part = np.flatnonzero((xy[:, 0] > 100_000) & (xy[:, 1] < 450_000))
    whole, region = Line(xy, 1.3), Line(xy[part], 1.3)
    theirs = {(j, int(part[i]), metres) for j, i, metres in listed(region.pairs(places.at(rooms), 800))}
    assert theirs == {each for each in listed(whole.pairs(places.at(rooms), 800)) if each[1] in set(part.tolist())}
    near, all_near = region.nearest(places.at(rooms)), whole.nearest(places.at(rooms))
    assert near.metres.tolist() == all_near.metres[part].tolist()
    assert near.asset.tolist() == all_near.asset[part].tolist()
