"""Residents settled on points: addresses before squares before a lattice, on three buurten of 400 by 200 m."""

import numpy as np
import pytest
import shapely

from geo.coverage import residents
from geo.coverage.demand import SQUARE_RADIUS_M
from geo.coverage.residents import Buurt, Settled, Source

X, Y = 100_000, 400_000
OUTLINES = [shapely.box(X + west, Y, X + west + 400, Y + 200) for west in (0, 400, 800)]


def buurten(*figures: float | None) -> list[Buurt]:
    return [Buurt(outline, figure) for outline, figure in zip(OUTLINES, figures, strict=True)]


def squares(*told: tuple[float, float, float | None], year: int = 2024, older: float = -1) -> Source:
    """Make squares of (x, y, people); those with x = `older` are of the year before."""
    xy = np.array([(X + x, Y + y) for x, y, _ in told], dtype=float).reshape(-1, 2)
    people = np.array([number for *_, number in told], dtype=float)
    years = np.array([year - (x == older) for x, *_ in told], dtype=np.int64)
    return Source("squares", SQUARE_RADIUS_M, xy, people, years, {"residents_65": people / 2})


def addresses(*told: tuple[float, float, float | None]) -> Source:
    xy = np.array([(X + x, Y + y) for x, y, _ in told], dtype=float).reshape(-1, 2)
    people = np.array([number for *_, number in told], dtype=float)
    return Source("addresses", 0.0, xy, people, np.zeros(len(people), dtype=np.int64), {})


def of(settled: Settled, buurt: int) -> list[float]:
    people: list[float] = settled.demand.residents[settled.buurt == buurt].tolist()
    return people


def test_the_finest_source_in_a_buurt_counts_and_no_other() -> None:
    settled = residents.settle(
        buurten(80, 40, 24), [addresses((50, 50, None), (60, 50, None)), squares((50, 50, 70), (450, 50, 44))]
    )
    assert settled.sources == ["addresses", "squares", "lattice"]
    assert of(settled, 0) == [40, 40]  # two addresses share the key figure
    assert of(settled, 1) == [44]
    assert of(settled, 2) == [3] * 8


def test_an_address_has_no_radius_a_square_its_corner_and_a_lattice_point_the_whole_outline() -> None:
    settled = residents.settle(buurten(80, 40, 24), [addresses((50, 50, 3)), squares((450, 50, 44))])
    radius = settled.demand.radius_m
    assert radius[settled.buurt == 0].tolist() == [0]
    assert radius[settled.buurt == 1].tolist() == [SQUARE_RADIUS_M]
    # From (850, 50) the farthest corner of the third is (1200, 200): 350 by 150.
    assert radius[settled.buurt == 2].max() == pytest.approx(np.hypot(350, 150))


def test_a_suppressed_square_is_unknown_and_never_zero() -> None:
    settled = residents.settle(buurten(80, 40, 24), [squares((50, 50, 70), (150, 50, None), (450, 50, 40))])
    assert settled.demand.suppressed[settled.buurt == 0].tolist() == [False, True]
    assert settled.unknown.tolist() == [10, 0, 0]


def test_where_the_numbers_of_all_squares_are_secret_people_may_live_anywhere_in_the_outline() -> None:
    settled = residents.settle(buurten(80, None, 24), [squares((50, 50, None), (450, 50, None), (850, 50, 24))])
    assert settled.sources == ["lattice", "lattice", "squares"]
    assert of(settled, 0) == [10] * 8
    assert settled.known.tolist() == [
        True,
        False,
        True,
    ]  # of the second nobody says anything: not that nobody lives there


def row_of(number: int, west: float, people: float | None) -> list[tuple[float, float, float | None]]:
    """Make dwellings five metres apart, in one national square as long as they are at most twenty."""
    return [(west + 5 * n, 50, people) for n in range(number)]


def test_of_no_dwelling_the_residents_are_told_apart() -> None:
    street = [*row_of(9, 0, 2), (45, 50, 7)]  # ten in the first square
    alone = [*row_of(9, 100, 1), *row_of(3, 200, 5)]  # too few in two others: twelve together
    settled = residents.settle(buurten(80, 40, 24), [addresses(*street, *alone)])
    assert sorted(of(settled, 0)) == [2] * 12 + [2.5] * 10  # 24 people on twelve; 25 on ten


def test_too_few_dwellings_to_be_told_share_the_key_figure() -> None:
    settled = residents.settle(buurten(80, 40, 24), [addresses((50, 50, 7), (60, 50, None), (70, 50, None))])
    assert of(settled, 0) == pytest.approx([80 / 3] * 3)


def test_dwellings_of_which_nothing_is_told_share_what_is_left_of_the_key_figure() -> None:
    settled = residents.settle(buurten(80, 40, 24), [addresses(*row_of(10, 0, 3), (150, 50, None), (160, 50, None))])
    assert of(settled, 0) == [3] * 10 + [25] * 2
    assert settled.unknown[0] == 0


def test_a_square_counts_in_its_newest_year_only() -> None:
    settled = residents.settle(buurten(80, 40, 24), [squares((50, 50, 70), (150, 50, 99), (450, 50, 40), older=150)])
    assert of(settled, 0) == [70]
    old = residents.settle(buurten(80, 40, 24), [squares((50, 50, 70), (450, 50, 40), older=450)])
    assert of(old, 1) == [40]  # the newest there is


def test_points_are_scaled_to_the_key_figure_where_that_is_asked() -> None:
    told = squares((50, 50, 60), (150, 50, 20), (250, 50, None), (450, 50, 44))
    settled = residents.settle(buurten(100, None, 24), [told], scale=True)
    assert of(settled, 0) == [75, 25, 0]
    assert settled.unknown.tolist() == [0, 0, 0]
    assert of(settled, 1) == [44]  # there is no key figure to scale to
    assert settled.demand.groups["residents_65"][settled.buurt == 0][:2].tolist() == [37.5, 12.5]


def test_a_buurt_of_which_nothing_is_told_is_not_known_and_one_with_squares_is() -> None:
    settled = residents.settle(buurten(None, None, 0), [squares((450, 50, 44))])
    assert settled.known.tolist() == [False, True, True]


def test_groups_are_spread_as_residents_are_and_unknown_ones_stay_unknown() -> None:
    land = [Buurt(OUTLINES[0], 80, {"residents_65": 16}), Buurt(OUTLINES[1], 40), Buurt(OUTLINES[2], 24)]
    settled = residents.settle(land, [])
    older = settled.demand.groups["residents_65"]
    assert older[settled.buurt == 0].tolist() == [2] * 8
    assert np.isnan(older[settled.buurt == 1]).all()
    assert np.isnan(settled.demand.groups["children"]).all()


def test_a_square_in_no_buurt_is_left_out() -> None:
    settled = residents.settle(buurten(80, 40, 24), [squares((50, 50, 70), (9000, 50, 99))])
    assert settled.demand.residents.sum() == 70 + 40 + 24


def test_without_buurten_there_are_no_points() -> None:
    settled = residents.settle([], [squares((50, 50, 70))])
    assert (settled.demand.count, settled.sources) == (0, [])
