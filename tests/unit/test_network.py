"""Streets as a graph, and walks along them: on paper, and beside scipy on streets that are drawn at random."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from geo.coverage import network, snapping
from geo.coverage.demand import Floats
from geo.coverage.network import Network
from geo.coverage.places import Places
from geo.coverage.streets import Streets
from geo.coverage.walks import Line, Walks
from geo.errors import InvalidInput

X, Y = 90_000.0, 460_000.0
NOWHERE = (np.nan, np.nan)
Spot = tuple[float, float]


def at(*spots: Spot) -> Floats:
    """Give places by their metres from a corner of the village."""
    placed: Floats = np.array(spots, dtype=float).reshape(-1, 2) + np.array([X, Y])
    return placed


def points_of(xy: Floats) -> NDArray[np.object_]:
    return np.array(shapely.points(xy), dtype=object)


def line(*spots: Spot) -> shapely.LineString:
    return shapely.LineString(at(*spots))


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def streets(*lines: shapely.LineString, metres: Sequence[float] | None = None) -> Network:
    return network.of_lines(lines, None if metres is None else np.array(metres)).network


def assets(
    *spots: Spot, areas: Mapping[int, BaseGeometry] | None = None, served: Mapping[int, list[int]] | None = None
) -> Places:
    none = np.full(len(spots), np.nan)
    points = {asset: np.array(each, dtype=np.int64) for asset, each in (served or {}).items()}
    return Places(at(*spots), none, none, np.full(len(spots), -1), areas or {}, points)


def met(walks: Walks, places: Places, limit_m: float = 1e6) -> list[Any]:
    """List pairs as (asset, point, metres)."""
    pairs = walks.pairs(places, limit_m)
    asset = np.repeat(np.arange(places.count), np.diff(pairs.start))
    return list(zip(asset.tolist(), pairs.point.tolist(), pairs.metres.tolist(), strict=True))


def nearest(walks: Walks, places: Places) -> list[Any]:
    found = walks.nearest(places)
    return list(zip(found.asset.tolist(), found.metres.tolist(), strict=True))


def ends_of(made: Network) -> set[frozenset[Spot]]:
    """Give the edges by the places of their nodes, in metres from the corner of the village."""
    spots = [(round(x - X, 3), round(y - Y, 3)) for x, y in made.xy.tolist()]
    return {frozenset((spots[u], spots[v])) for u, v in made.ends.tolist()}


# From lines to a network.


def test_lines_meet_where_they_share_a_corner() -> None:
    made = streets(line((0, 0), (100, 0), (200, 0)), line((100, -50), (100, 0), (100, 50)))
    assert (made.nodes, made.edges) == (5, 4)
    assert ends_of(made) >= {frozenset(((0, 0), (100, 0))), frozenset(((100, 0), (100, 50)))}
    assert made.metres.tolist().count(100) == made.metres.tolist().count(50) == 2


def test_ends_that_are_less_than_a_decimetre_apart_are_one_place() -> None:
    made = streets(line((0, 0), (100, 0)), line((100.09, 0), (200, 0)), line((200.11, 0), (300, 0)))
    assert (made.nodes, len(network.parts(made).nodes)) == (5, 2)
    assert made.metres == pytest.approx([100, 100, 99.89])  # the second begins where the first ends


def test_an_end_that_touches_the_middle_of_a_line_meets_it() -> None:
    made = streets(line((0, 0), (100, 0)), line((40, 0.05), (40, 80)), line((70, 0.2), (70, 80)))
    assert ends_of(made) >= {
        frozenset(((0, 0), (40, 0))),
        frozenset(((40, 0), (100, 0))),
        frozenset(((40, 0), (40, 80))),
    }
    assert len(network.parts(made).nodes) == 2


def test_lines_that_only_cross_do_not_meet() -> None:
    made = streets(line((0, 0), (100, 0)), line((50, -50), (50, 50)))
    assert (made.nodes, made.edges, len(network.parts(made).nodes)) == (4, 2, 2)


def test_a_line_meets_itself() -> None:
    made = streets(line((0, 0), (100, 0), (100, 100), (50, 100), (50, 0)))  # its end touches its beginning
    assert ends_of(made) == {frozenset(((0, 0), (50, 0))), frozenset(((50, 0),))}
    assert sorted(made.metres.tolist()) == [50, 300]


def test_a_length_that_is_given_counts_and_a_part_of_a_line_has_its_share() -> None:
    made = streets(line((0, 0), (100, 0)), line((25, 0), (25, 10)), metres=[120, 15])
    assert sorted(made.metres.tolist()) == [15, 30, 90]


def test_no_length_is_shorter_than_its_line_is_drawn_and_which_are_is_told() -> None:
    lines = [line((0, 0), (30, 40)), line((30, 40), (30, 90)), line((30, 90), (0, 90)), line((0, 90), (0, 0))]
    made = network.of_lines(lines, np.array([49.0, np.nan, 29.995, 90.0]))
    assert made.network.metres[np.argsort(made.line)].tolist() == [50, 50, 30, 90]
    assert made.lifted.tolist() == [0]  # the third is rounded, which is no mistake


def test_a_line_that_leads_nowhere_is_left_out_and_told() -> None:
    lines = [line((0, 0), (100, 0)), line((50, 0), (50, 0)), line((100, 0), (100.05, 0)), line((0, 0), (5, 5), (0, 0))]
    made = network.of_lines(lines, np.array([100.0, 390.0, 0.1, 15.0]))
    assert made.lost.tolist() == [1, 2]
    assert sorted(made.network.metres.tolist()) == [15, 50, 50]  # there and back again is a way


def test_parts_that_do_not_hang_together_are_told_the_largest_first() -> None:
    made = streets(
        line((0, 0), (10, 0)), line((500, 0), (800, 0)), line((800, 0), (800, 50)), line((0, 900), (40, 900))
    )
    found = network.parts(made)
    assert (found.metres.tolist(), found.nodes.tolist()) == ([350, 40, 10], [3, 2, 2])
    assert sorted(made.xy[found.part == 1, 0] - X) == [0, 40]


def test_islands_that_are_too_small_are_left_out_and_the_largest_part_never() -> None:
    lines = [
        line((0, 0), (10, 0)),
        line((500, 0), (500, 40), (800, 0)),
        line((800, 0), (800, 50)),
        line((0, 9), (40, 9)),
    ]
    made = network.of_lines(lines)
    less = network.without_islands(made, 40)
    assert (less.network.nodes, less.line.tolist(), less.lost.tolist()) == (5, [3, 1, 2], [0])
    assert ends_of(less.network) == ends_of(made.network) - {frozenset(((0, 0), (10, 0)))}
    assert [drawn.wkt for drawn in less.network.drawn()] == [lines[at].wkt for at in less.line]
    assert network.without_islands(made, 1e9).line.tolist() == [1, 2]
    assert network.without_islands(made, 0).network.xy.tolist() == made.network.xy.tolist()


@pytest.mark.parametrize(
    ("lines", "metres"),
    [
        ([shapely.Point(X, Y)], None),
        ([shapely.LineString()], None),
        ([shapely.LineString([(4.3, 52.0), (4.4, 52.0)])], None),
        ([shapely.LineString([(X, Y), (X, np.inf)])], None),
        ([shapely.LineString([(X, Y), (X + 9, Y)])], [-1.0]),
        ([shapely.LineString([(X, Y), (X + 9, Y)])], [np.inf]),
    ],
)
def test_what_makes_no_street_is_refused(lines: list[BaseGeometry], metres: list[float] | None) -> None:
    with pytest.raises(InvalidInput):
        network.of_lines(lines, None if metres is None else np.array(metres))


def test_the_edges_are_drawn_from_their_first_node_to_their_last() -> None:
    made = streets(line((0, 0), (10, 10), (50, 0)), line((50, 0), (90, 0)), line((50, 0), (50, 70), (0, 0)))
    for edge, drawn in enumerate(made.drawn()):
        assert np.array_equal(made.xy[made.ends[edge]], shapely.get_coordinates(drawn)[[0, -1]])
        assert made.metres[edge] == pytest.approx(drawn.length)


# From a place to a street.


def test_a_place_goes_to_the_nearest_point_of_an_edge_and_not_to_its_ends() -> None:
    made = streets(line((0, 0), (100, 0), (100, 100)), metres=[300])
    found = snapping.snap(snapping.pieces(made), at((40, 30), (130, 50), (-30, -40), (-251, 0), NOWHERE), 250)
    assert found.offset_m[:4].tolist() == [60, 225, 0, 0]
    assert found.leg_m.tolist() == [30, 30, 50, np.inf, np.inf]
    assert found.edge.tolist() == [0, 0, 0, -1, -1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([30.0, 250.0, 5000.0]))
def test_the_nearest_street_is_the_one_that_shapely_finds(seed: int, count: int, limit_m: float) -> None:
    made = network.of_lines(drawn_at_random(seed, count)).network
    xy = at(*np.random.default_rng(seed + 1).uniform(-3000, 6000, (50, 2)).tolist())
    found = snapping.snap(snapping.pieces(made), xy, limit_m)
    lines, points = made.drawn(), points_of(xy)
    away = shapely.distance(points[:, None], lines[None, :]).min(axis=1)
    assert ((found.edge >= 0) == (away <= limit_m)).all()
    near = found.edge >= 0
    assert found.leg_m[near] == pytest.approx(away[near], abs=1e-7)
    snapped = shapely.line_interpolate_point(lines[found.edge[near]], found.offset_m[near])
    assert shapely.distance(snapped, points[near]) == pytest.approx(away[near], abs=1e-6)


# Walks on paper.

TRIANGLE = (line((0, 0), (300, 0)), line((300, 0), (300, 400)), line((300, 400), (0, 0)))


def test_a_walk_is_the_shortest_way_round_with_both_legs() -> None:
    walks = Streets(streets(*TRIANGLE), at((0, 10), (300, 200), (320, 400)), 1.3)
    places = assets((150, -5), (310, 0))
    assert met(walks, places) == [
        (0, 0, pytest.approx(5 + 150 + 6 + 8)),  # (0, 10) lies 6 from the slope, 8 along it: a triangle of 3, 4, 5
        (0, 1, 5 + 150 + 200),
        (0, 2, 5 + 150 + 400 + 20),
        (1, 0, pytest.approx(10 + 300 + 6 + 8)),
        (1, 1, 10 + 200),
        (1, 2, 10 + 400 + 20),
    ]
    assert nearest(walks, places) == [(0, pytest.approx(169)), (1, 210), (1, 430)]


def test_along_the_way_round_when_that_is_shorter() -> None:
    walks = Streets(streets(*TRIANGLE, metres=[1500, 400, 500]), at((300, 0)), 1.3)
    assert met(walks, assets((0, 0), (30, 0))) == [(0, 0, 900), (1, 0, 150 + 900)]


def test_on_one_edge_the_walk_is_the_stretch_between_in_both_directions() -> None:
    walks = Streets(streets(line((0, 0), (1000, 0))), at((300, 3), (900, -4)), 1.3)
    assert met(walks, assets((500, 2), (100, 0), (1100, 0))) == [
        (0, 0, 205), (0, 1, 406), (1, 0, 203), (1, 1, 804), (2, 0, 803), (2, 1, 204),
    ]  # fmt: skip


def test_on_one_edge_the_way_round_may_be_shorter_than_the_stretch_between() -> None:
    walks = Streets(streets(line((0, 0), (0, 100), (100, 100), (100, 0)), line((0, 0), (100, 0))), at((0, 10)), 1.3)
    assert met(walks, assets((100, 10))) == [(0, 0, 120)]
    loop = Streets(streets(line((0, 0), (0, 100), (100, 100), (100, 0), (0, 0))), at((0, 10)), 1.3)
    assert met(loop, assets((10, 0), (50, 100))) == [(0, 0, 20), (1, 0, 140)]


def test_of_two_ways_between_the_same_corners_the_shorter_is_walked() -> None:
    walks = Streets(streets(line((0, 0), (50, 80), (100, 0)), line((0, 0), (100, 0))), at((0, 0)), 1.3)
    assert met(walks, assets((100, 0))) == [(0, 0, 100)]


def test_a_dead_end_is_walked_out_of_again() -> None:
    walks = Streets(streets(line((0, 0), (100, 0)), line((100, 0), (200, 0)), line((100, 0), (100, 70))), at((0, 0)), 1)
    assert met(walks, assets((100, 70), (200, 0))) == [(0, 0, 170), (1, 0, 200)]


def test_nobody_walks_from_an_island_to_the_mainland() -> None:
    walks = Streets(streets(line((0, 0), (100, 0)), line((0, 20), (100, 20))), at((50, 0), (50, 20)), 1.3)
    assert met(walks, assets((60, 0))) == [(0, 0, 10)]
    assert nearest(walks, assets((60, 0))) == [(0, 10), (-1, np.inf)]
    assert not walks.fallback().any()


def test_a_place_500_m_from_every_street_is_never_at_no_distance() -> None:
    walks = Streets(streets(line((0, 0), (100, 0))), at((50, 0), (50, 100)), 1.3)
    places = assets((50, 500))
    assert met(walks, places) == [(0, 0, 650), (0, 1, 520)]  # straight, times the detour
    assert nearest(walks, places) == [(0, 650), (0, 520)]
    assert not walks.fallback().any()


def test_a_resident_far_from_every_street_walks_straight_times_the_detour_and_is_told_apart() -> None:
    walks = Streets(streets(line((0, 0), (100, 0))), at((0, 250), (0, 251), NOWHERE), 2)
    places = assets((0, 0), (0, 751))
    assert met(walks, places) == [(0, 0, 250), (0, 1, 502), (1, 0, 1002), (1, 1, 1000)]
    assert nearest(walks, places) == [(0, 250), (0, 502), (-1, np.inf)]
    assert walks.fallback().tolist() == [False, True, True]


def test_how_far_a_street_may_be_can_be_set() -> None:
    walks = Streets(streets(line((0, 0), (100, 0))), at((0, 30), (0, 29)), 1.5, limit_m=29)
    assert walks.fallback().tolist() == [True, False]
    assert met(walks, assets((100, 0))) == [(0, 0, pytest.approx(1.5 * np.hypot(30, 100), abs=1e-6)), (0, 1, 129)]


@pytest.mark.parametrize("norm", [800.0, 800.8, 800 / 1.3 * 1.3, 1.0, 123.456789])
def test_a_walk_of_exactly_the_norm_is_within_it(norm: float) -> None:
    steps = np.linspace(0, norm, 10)
    made = streets(*[line((0, y), (0, z)) for y, z in pairwise(steps.tolist())])
    walks = Streets(made, at((0, 0)), 1.3)
    assert met(walks, assets((0, norm)), norm) == [(0, 0, pytest.approx(norm, rel=1e-12))]
    assert walks.pairs(assets((0, norm)), norm).metres[0] <= norm
    assert nearest(walks, assets((0, norm))) == [(0, pytest.approx(norm, rel=1e-12))]
    assert met(walks, assets((0, norm)), norm - 0.001) == []


def test_decimals_on_paper_stay_exact() -> None:
    walks = Streets(streets(*[line((n, 0), (n + 1, 0)) for n in range(8)], metres=[100.1] * 8), at((0, 0)), 1.3)
    assert met(walks, assets((8, 0)), 800.8) == [(0, 0, 800.8)]
    assert nearest(walks, assets((8, 0))) == [(0, 800.8)]


def test_of_equally_near_assets_the_first_is_the_nearest() -> None:
    lines = [line((0, 0), (100, 0)), line((100, 0), (200, 0)), line((100, 0), (100, 100))]
    walks = Streets(streets(*lines), at((100, 0), (100, 60), (150, 0), (50, 0)), 1.3)
    places = assets((200, 0), (0, 0), (0, 0), (200, 0))
    assert nearest(walks, places) == [(0, 100), (0, 160), (0, 50), (1, 50)]
    assert nearest(walks, places.take(np.array([1, 2, 3]))) == [(0, 100), (0, 160), (2, 50), (0, 50)]


def test_a_house_exactly_between_two_streets_goes_to_one_of_them_whatever_their_order() -> None:
    lines = [line((0, 0), (100, 0)), line((0, 40), (100, 40))]
    for order in (lines, lines[::-1]):
        walks = Streets(streets(*order), at((50, 20)), 1.3)
        assert nearest(walks, assets((80, 0), (90, 40))) == [(0, 50)]  # the southern one


def test_whom_an_asset_serves_is_there_at_once_and_nobody_else() -> None:
    walks = Streets(streets(line((0, 0), (100, 0))), at((0, 0), (50, 0), (50, 999)), 1.3)
    places = assets((40, 0), NOWHERE, NOWHERE, served={1: [0, 2]})
    assert met(walks, places, 300) == [(0, 0, 40), (0, 1, 10), (1, 0, 0), (1, 2, 0)]
    assert nearest(walks, places) == [(1, 0), (0, 10), (1, 0)]


# Areas.


def test_in_an_area_one_is_there_and_outside_it_the_walk_ends_where_a_street_enters_it() -> None:
    made = streets(line((0, 0), (1000, 0)), line((0, 0), (0, 300)), line((1000, 0), (1000, 300)))
    walks = Streets(made, at((0, 300), (400, 30), (450, 0), (600, 5), (1000, 100), (500, 40)), 1.3)
    park = assets((500, 0), areas={0: box(400, -50, 600, 50)})
    assert met(walks, park) == [
        (0, 0, 700), (0, 1, 0), (0, 2, 0), (0, 3, 0), (0, 4, 500), (0, 5, 0),
    ]  # fmt: skip
    assert nearest(walks, park) == [(0, 700), (0, 0), (0, 0), (0, 0), (0, 500), (0, 0)]


def test_an_area_may_hold_several_stretches_of_one_street() -> None:
    made = streets(line((0, 0), (1000, 0)))
    walks = Streets(made, at((0, 0), (490, 0), (1000, 0), (500, 60)), 1.3)
    horseshoe = box(100, -50, 900, 400) - box(200, -80, 800, 300)
    assert met(walks, assets((500, 350), areas={0: horseshoe})) == [(0, 0, 100), (0, 1, 290), (0, 2, 100), (0, 3, 360)]


def test_an_area_that_no_street_enters_is_entered_from_the_nearest_street_on_each_side() -> None:
    made = streets(line((0, 0), (1000, 0)), line((0, 140), (1000, 140)))
    walks = Streets(made, at((0, 0), (0, 140), (500, 0)), 1.3)
    field = assets((500, 70), areas={0: box(450, 20, 550, 120)})
    assert met(walks, field) == [(0, 0, 470), (0, 1, 470), (0, 2, 20)]


def test_an_area_with_no_street_near_is_as_far_as_the_straight_line_to_its_edge_times_the_detour() -> None:
    walks = Streets(streets(line((0, 0), (100, 0))), at((50, 0), (50, 700)), 1.5)
    heath = assets((50, 800), areas={0: box(0, 600, 100, 900)})
    assert met(walks, heath) == [(0, 0, 900), (0, 1, 0)]
    assert nearest(walks, heath) == [(0, 900), (0, 0)]


def test_a_larger_area_is_never_farther() -> None:
    walks = Streets(network.of_lines(drawn_at_random(3, 40)).network, at(*spots_at_random(4, 200)), 1.3)
    before = np.full(200, np.inf)
    for reach in (5, 40, 150, 500):
        after = walks.nearest(assets((700, 900), areas={0: box(700 - reach, 900 - reach, 700 + reach, 900 + reach)}))
        assert (after.metres <= before + 13).all()  # one place in 25 m of its edge is tried
        before = after.metres
    assert np.isfinite(before).any()


def test_an_area_that_crosses_itself_is_entered_all_the_same() -> None:
    walks = Streets(streets(line((0, 0), (1000, 0))), at((0, 0)), 1.3)
    bow = shapely.Polygon(at((400, -50), (500, 50), (500, -50), (400, 50)))
    assert met(walks, assets((420, 0), areas={0: bow})) == [(0, 0, pytest.approx(400))]


# Laws.


def drawn_at_random(seed: int, count: int) -> list[shapely.LineString]:
    """Draw streets with bends, some twice between the same corners, some to themselves, in several parts."""
    rng = np.random.default_rng(seed)
    corners = np.round(rng.uniform(0, 2500, (max(3, count // 2), 2)), 2)
    lines = []
    for _ in range(count):
        u, v = rng.integers(0, len(corners), 2)
        near = corners[np.argsort(np.hypot(*(corners - corners[u]).T))[1:4]]
        end = near[rng.integers(0, len(near))] if rng.random() < 0.8 else corners[v]
        middle = np.round((corners[u] + end) / 2 + rng.uniform(-60, 60, (rng.integers(1, 3), 2)), 2)
        lines.append(line(*map(tuple, np.vstack((corners[u], middle, end)).tolist())))
    return lines


def spots_at_random(seed: int, count: int) -> list[Spot]:
    return [(float(x), float(y)) for x, y in np.random.default_rng(seed).uniform(-300, 2800, (count, 2))]


def by_scipy(lines: list[shapely.LineString], times: Floats, xy: Floats, limit_m: float) -> tuple[Floats, Floats]:
    """Walk between places the plain way: each is a node, and so is the point of the street that it goes to.

    returns  metres between all places, shape (places, places), inf where a street is missing; and the leg of each
    """
    points = points_of(xy)
    away = shapely.distance(points[:, None], np.array(lines)[None, :])
    street, leg = away.argmin(axis=1), away.min(axis=1)
    names: dict[object, int] = {}
    shortest: dict[tuple[int, int], float] = {}

    def join(one: object, other: object, metres: float) -> None:
        u, v = sorted(names.setdefault(name, len(names)) for name in (one, other))
        shortest[u, v] = min(shortest.get((u, v), np.inf), metres)

    for place in range(len(xy)):
        names.setdefault(("place", place), len(names))
    for n, each in enumerate(lines):
        stops: list[tuple[float, object]] = [(0.0, each.coords[0]), (each.length, each.coords[-1])]
        for place in np.flatnonzero((street == n) & (leg <= limit_m)).tolist():
            stops.append((each.project(points[place]), ("stop", place)))
            join(("place", place), ("stop", place), leg[place])
        stops.sort(key=lambda stop: stop[0])
        for (far, one), (farther, other) in pairwise(stops):
            join(one, other, (farther - far) * times[n])
    u, v = np.array(list(shortest)).T
    graph = coo_array((np.array(list(shortest.values())), (u, v)), shape=(len(names), len(names))).tocsr()
    return dijkstra(graph, directed=False, indices=np.arange(len(xy)))[:, : len(xy)], leg


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 70), st.sampled_from([40.0, 250.0]), st.booleans())
def test_walks_are_those_that_scipy_finds_when_every_place_is_a_node(
    seed: int, count: int, limit_m: float, longer: bool
) -> None:
    lines = drawn_at_random(seed, count)
    times = np.random.default_rng(seed).uniform(1, 1.5, count) if longer else np.ones(count)
    homes, rooms = at(*spots_at_random(seed + 1, 40)), assets(*spots_at_random(seed + 2, 12))
    made = network.of_lines(lines, times * shapely.length(lines), meet_m=1e-6).network
    walks = Streets(made, homes, 1.3, limit_m)
    between, leg = by_scipy(lines, times, np.concatenate((rooms.xy, homes)), limit_m)
    wanted = between[:12, 12:]
    aside = (leg[:12, None] > limit_m) | (leg[None, 12:] > limit_m)
    straight = np.hypot(*(rooms.xy[:, None] - homes[None]).transpose(2, 0, 1)) * 1.3
    wanted = np.where(aside, straight, wanted)
    found = np.full((12, 40), np.inf)
    for asset, point, metres in met(walks, rooms, 1e6):
        found[asset, point] = metres
    assert found == pytest.approx(wanted, abs=1e-3)
    some = met(walks, rooms, 700)
    assert {(a, p) for a, p, _ in some} == {(a, p) for a, p in np.argwhere(found <= 700).tolist()}
    assert all(metres == found[a, p] for a, p, metres in some)
    least = walks.nearest(rooms)
    assert least.metres.tolist() == found.min(axis=0).tolist()
    assert least.asset.tolist() == np.where(np.isfinite(found.min(axis=0)), found.argmin(axis=0), -1).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60))
def test_a_walk_is_as_long_in_both_directions_and_never_shorter_than_the_crow_flies(seed: int, count: int) -> None:
    made = network.of_lines(drawn_at_random(seed, count)).network
    here, there = spots_at_random(seed + 1, 20), spots_at_random(seed + 2, 20)
    out = met(Streets(made, at(*here), 1.3), assets(*there))
    back = met(Streets(made, at(*there), 1.3), assets(*here))
    assert sorted((a, p, metres) for a, p, metres in out) == sorted((a, p, metres) for p, a, metres in back)
    for a, p, metres in out:
        assert metres >= np.hypot(*(at(there[a])[0] - at(here[p])[0])) - 2e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 50))
def test_neither_the_order_of_lines_nor_streets_elsewhere_change_a_walk(seed: int, count: int) -> None:
    lines = drawn_at_random(seed, count)
    homes, rooms = at(*spots_at_random(seed + 1, 30)), assets(*spots_at_random(seed + 2, 8))
    turned = [each.reverse() for each in lines[::-1]] + [line((90_000, 40_000), (95_000, 44_000))]
    one, other = (Streets(network.of_lines(each).network, homes, 1.3) for each in (lines, turned))
    assert met(one, rooms) == met(other, rooms)
    assert nearest(one, rooms) == nearest(other, rooms)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 50))
def test_the_nearest_is_the_least_of_all_pairs_with_areas_those_served_and_those_aside(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    spots = [*spots_at_random(seed + 2, 8), (9000.0, 9000.0), NOWHERE, NOWHERE]
    west, south = rng.uniform(0, 2000, 2)
    areas = {2: box(west, south, west + 400, south + 300), 5: box(8000, 8000, 8100, 8100)}
    rooms = assets(*spots, areas=areas, served={9: [3, 7, 39]})
    homes = at(*spots_at_random(seed + 1, 38), (8050, 8050), (5000, 5000))
    walks = Streets(network.of_lines(drawn_at_random(seed, max(count, 1))[:count]).network, homes, 1.3)
    found = np.full((rooms.count, 40), np.inf)
    for asset, point, metres in met(walks, rooms):
        found[asset, point] = metres
    least = walks.nearest(rooms)
    assert least.metres.tolist() == found.min(axis=0).tolist()
    assert least.asset.tolist() == np.where(np.isfinite(found.min(axis=0)), found.argmin(axis=0), -1).tolist()
    halves = [met(walks, rooms.take(np.arange(*ends)), 900) for ends in ((0, 4), (4, rooms.count))]
    whole = [*halves[0], *((asset + 4, point, metres) for asset, point, metres in halves[1])]
    assert met(walks, rooms, 900) == whole == [pair for pair in met(walks, rooms) if pair[2] <= 900]


def test_without_any_street_all_walks_are_straight() -> None:
    homes, rooms = at(*spots_at_random(1, 20)), assets(*spots_at_random(2, 5), areas={1: box(0, 0, 500, 500)})
    walks = Streets(streets(), homes, 1.3)
    assert walks.fallback().all()
    straight = Line(homes, 1.3)
    assert walks.nearest(rooms).metres == pytest.approx(straight.nearest(rooms).metres, abs=1e-6)
    assert met(walks, rooms) == [pytest.approx(pair, abs=1e-6) for pair in met(straight, rooms)]


def test_no_assets_and_no_residents_give_no_walks() -> None:
    made = streets(*TRIANGLE)
    nobody, none = Streets(made, at(), 1.3), assets()
    assert (met(nobody, assets((0, 0))), nearest(nobody, assets((0, 0)))) == ([], [])
    assert met(Streets(made, at((0, 0)), 1.3), none) == []
    assert nearest(Streets(made, at((0, 0)), 1.3), none) == [(-1, np.inf)]


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_a_limit_or_detour_that_is_no_positive_number_is_refused(wrong: float) -> None:
    made, homes = streets(*TRIANGLE), at((0, 0))
    with pytest.raises(InvalidInput):
        Streets(made, homes, wrong)
    with pytest.raises(InvalidInput):
        Streets(made, homes, 1.3, wrong)
    with pytest.raises(InvalidInput):
        Streets(made, homes, 1.3).pairs(assets((0, 0)), wrong)
    with pytest.raises(InvalidInput):
        Streets(made, np.array([[4.3, 52.0]]), 1.3)
