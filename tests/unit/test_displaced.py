"""Where a volunteer is shown: the geometry of it, on neighbourhoods drawn at random. RD New metres."""

from collections import Counter
from uuid import UUID, uuid5

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from geo.volunteers.spots import ATTEMPTS, FARTHEST_M, People, Rule, centre, displace, keeps, rule, seed

KEY = b"a key for these tests"
SPACE = UUID(int=7)
X, Y = 100_000.0, 400_000.0
BUURT = shapely.box(X, Y, X + 2000, Y + 2000)
HOME = (X + 1003.0, Y + 998.0)


def who(number: int) -> UUID:
    return uuid5(SPACE, str(number))


def drawn(given_rule: Rule, key: bytes, number: int) -> tuple[float, float] | None:
    return displace(given_rule, seed(key, who(number), given_rule))


def squares(each: float, buurt: shapely.Geometry = BUURT) -> People:
    """Give people on the centres of squares of 100 m, so many in each."""
    west, south, east, north = shapely.bounds(buurt)
    x, y = np.meshgrid(np.arange(west + 50, east, 100), np.arange(south + 50, north, 100))
    return People(np.column_stack([x.ravel(), y.ravel()]), np.full(x.size, each), 70.72)


@st.composite
def lives(draw: st.DrawFn) -> tuple[tuple[float, float], People, shapely.Polygon]:
    """Draw a neighbourhood with dwellings all over and around it, and a true place in it."""
    width, height = draw(st.integers(200, 2500)), draw(st.integers(200, 2500))
    corner = draw(st.integers(0, 100))
    buurt = shapely.Polygon(
        [(X, Y), (X + width, Y), (X + width, Y + height), (X + width * corner / 100, Y + height), (X, Y + height / 2)]
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 1500))
    xy = rng.uniform((X - 300, Y - 300), (X + width + 300, Y + height + 300), (count, 2))
    people = People(xy, rng.choice([0.0, 1, 2, 5], count), draw(st.sampled_from([0.0, 70.72])))
    place = shapely.get_coordinates(buurt.representative_point())[0] + rng.uniform(-50, 50, 2)
    assume(buurt.covers(shapely.Point(place)))
    return (float(place[0]), float(place[1])), people, buurt


def enough_m(place: tuple[float, float], people: People) -> float:
    """Measure plainly within how many metres twenty live, wherever in their square that is."""
    metres = np.hypot(*(people.xy - place).T) + people.radius_m
    within = (sum(people.residents[metres <= each]) >= 20 for each in sorted(metres))
    return next((each for each, enough in zip(sorted(metres), within, strict=True) if enough), np.inf)


@settings(max_examples=150)
@given(lives(), st.integers(0, 1000), st.binary(min_size=16, max_size=32))
def test_a_spot_is_as_far_as_twenty_residents_in_the_same_neighbourhood_and_could_be_of_others(
    drawn: tuple[tuple[float, float], People, shapely.Polygon], number: int, key: bytes
) -> None:
    place, people, buurt = drawn
    given_rule = rule(place, people, buurt)
    spot = displace(given_rule, seed(key, who(number), given_rule))
    least = max(100, enough_m(place, people))
    assert (given_rule.inner_m == np.inf) == (least > FARTHEST_M)
    if spot is None:
        return
    away = np.hypot(spot[0] - place[0], spot[1] - place[1])
    assert least <= away <= 2 * least
    assert buurt.covers(shapely.Point(spot))
    inside = [n for n, xy in enumerate(people.xy) if buurt.contains(shapely.Point(xy))]
    begins = {n: max(100, enough_m((people.xy[n][0], people.xy[n][1]), people)) for n in inside}
    metres = {n: np.hypot(*(people.xy[n] - spot)) for n in inside}
    could = [n for n in inside if begins[n] <= min(metres[n], FARTHEST_M) and metres[n] <= 2 * begins[n]]
    assert sum(people.residents[could]) >= 20
    assert max(np.hypot(*(people.xy[n] - place)) for n in could) >= 100
    assert spot == displace(given_rule, seed(key, who(number), given_rule))


def test_where_many_live_the_ring_begins_at_a_hundred_metres_and_where_few_live_farther() -> None:
    assert rule(HOME, squares(50)._replace(radius_m=0), BUURT).inner_m == 100
    many, few = rule(HOME, squares(20), BUURT), rule(HOME, squares(2), BUURT)
    assert many.inner_m == pytest.approx(67.18 + 70.72, abs=0.01)  # to the middle of the own square and on to a corner
    assert 200 < few.inner_m < 300  # ten squares
    assert rule(HOME, squares(0.1), BUURT).inner_m == np.inf
    assert displace(rule(HOME, squares(0.1), BUURT), b"any") is None


def test_nobody_has_a_spot_where_nobody_is_known_to_live() -> None:
    nobody = rule(HOME, People(np.empty((0, 2)), np.empty(0), 0.0), BUURT)
    assert nobody.inner_m == np.inf
    assert displace(nobody, b"any") is None


def test_where_no_spot_fits_in_the_neighbourhood_there_is_none() -> None:
    small = shapely.Point(HOME).buffer(90)
    assert drawn(rule(HOME, squares(50), small), KEY, 1) is None


def test_no_spot_is_given_that_few_others_could_have() -> None:
    west = shapely.box(X, Y, X + 1000, Y + 2000)
    lonely = People(np.array([HOME, (X + 3000, Y)]), np.array([25.0, 500.0]), 0.0)  # one house, and a town elsewhere
    assert rule(HOME, lonely, BUURT).inner_m == 100
    assert drawn(rule(HOME, lonely, BUURT), KEY, 1) is None
    assert not keeps((X + 1003.0, Y + 1148.0), rule(HOME, lonely, BUURT))
    assert not keeps((X + 1003.0, Y + 1148.0), rule(HOME, squares(50), west))


def of(number: int, place: tuple[float, float] = HOME, key: bytes = KEY) -> tuple[float, float]:
    spot = drawn(rule(place, squares(50), BUURT), key, number)
    assert spot is not None
    return spot


def test_who_lives_in_one_house_does_not_share_one_direction() -> None:
    assert len({of(number) for number in range(200)}) == 200


def test_another_key_gives_other_spots() -> None:
    assert not {of(number) for number in range(50)} & {of(number, key=b"another key") for number in range(50)}


def test_another_place_and_another_ring_draw_another_direction() -> None:
    def turn(place: tuple[float, float], residents: float) -> float:
        spot = drawn(rule(place, squares(residents), BUURT), KEY, 1)
        assert spot is not None
        return round(float(np.arctan2(spot[1] - place[1], spot[0] - place[0])), 6)

    turns = {turn(HOME, 50), turn(HOME, 2), turn((HOME[0] + 20, HOME[1] - 20), 50), turn((HOME[0] + 400, HOME[1]), 50)}
    assert len(turns) == 4


def test_directions_are_even_and_so_are_places_over_the_ring() -> None:
    given_rule = rule(HOME, squares(50), BUURT)
    away = np.array([displace(given_rule, seed(KEY, who(number), given_rule)) for number in range(4000)]) - HOME
    turns = np.floor((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) % 1) * 16)
    area = (np.hypot(*away.T) ** 2 - given_rule.inner_m**2) / (3 * given_rule.inner_m**2)
    for parts in (turns, np.floor(area * 16)):
        counted = Counter(parts.tolist())
        assert set(counted) == set(range(16))
        assert chisquare(list(counted.values())).pvalue > 0.001
    assert np.hypot(*away.mean(axis=0)) < 15  # four times the standard error, some 3.6 m


def test_the_middle_lies_in_the_neighbourhood_whatever_its_form() -> None:
    hook = shapely.box(X, Y, X + 1000, Y + 1000).difference(shapely.box(X + 100, Y + 100, X + 1000, Y + 1000))
    assert not hook.covers(hook.centroid)
    assert hook.covers(shapely.Point(centre(hook)))
    assert centre(BUURT) == (X + 1000, Y + 1000)


def test_a_spot_that_fits_is_kept_as_the_place_moves_a_little_and_not_when_it_moves_far() -> None:
    spot = of(1)
    near: Rule = rule((HOME[0] + 1, HOME[1]), squares(50), BUURT)
    away = np.hypot(*(near.place - spot))
    assert keeps(spot, near) == (near.inner_m <= away <= 2 * near.inner_m)
    assert not keeps(spot, rule((HOME[0] + 900, HOME[1] + 900), squares(50), BUURT))
    assert not keeps(spot, rule((spot[0] + 99, spot[1]), squares(50), BUURT))
    assert ATTEMPTS == 50
