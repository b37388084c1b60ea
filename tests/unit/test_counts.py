"""Numbers of volunteers as the public sees them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from geo.coverage.store import Area
from geo.vocabulary import SERVICES, Level
from geo.volunteers.counts import published, told, totals

KEY = b"a key for these tests"
COUNTS = st.integers(0, 10_000)


@given(st.integers(0, 10), st.text())
def test_ten_and_fewer_are_never_told(count: int, cell: str) -> None:
    assert published(KEY, cell, count) is None


@given(st.integers(15, 10_000), st.text())
def test_fifteen_and_more_are_always_told(count: int, cell: str) -> None:
    assert published(KEY, cell, count) is not None


@given(COUNTS, st.text())
def test_what_is_told_is_a_multiple_of_five_from_fifteen_up_and_less_than_five_away(count: int, cell: str) -> None:
    number = published(KEY, cell, count)
    assert number is None or (number % 5 == 0 and number >= 15 and abs(number - count) < 5)


@given(COUNTS, st.text())
def test_the_same_number_is_told_the_same_way_each_time(count: int, cell: str) -> None:
    assert published(KEY, cell, count) == published(KEY, cell, count)


@given(st.text())
def test_what_is_told_changes_every_five_and_between_counts_of_ten_and_more_only(cell: str) -> None:
    changes = [n for n in range(1, 200) if published(KEY, cell, n) != published(KEY, cell, n - 1)]
    assert 11 <= changes[0] <= 15
    assert {later - earlier for earlier, later in pairwise(changes)} == {5}
    assert published(KEY, cell, changes[0]) == 15


def test_over_many_cells_the_rounding_adds_nothing_and_takes_nothing() -> None:
    for count in (19, 20, 22, 23, 101):
        numbers = [published(KEY, str(cell), count) or 0 for cell in range(5000)]
        assert len(set(numbers)) == (1 if count % 5 == 0 else 2)
        assert abs(sum(numbers) / len(numbers) - count) < 0.15  # four times the largest standard error, 0.035


def test_a_window_begins_at_each_of_five_counts_equally_often() -> None:
    begins = [min(n for n in range(20) if published(KEY, str(cell), n)) for cell in range(5000)]
    assert all(abs(begins.count(n) - 1000) < 4 * 28.3 for n in range(11, 16))  # binomial, p = 1/5


def test_another_key_rounds_otherwise() -> None:
    numbers = [published(KEY, str(cell), 22) for cell in range(100)]
    assert numbers != [published(b"another key", str(cell), 22) for cell in range(100)]


def area(code: str, level: Level, parent: int) -> Area:
    return Area(f"{code}.2024", code, level, 2024, 100, parent)


WHOLE = [
    area("GM1", Level.gemeente, -1), area("WK1", Level.wijk, 0), area("WK2", Level.wijk, 0),
    area("BU11", Level.buurt, 1), area("BU12", Level.buurt, 1), area("BU21", Level.buurt, 2),
    area("DR1", Level.drawn, 2),
]  # fmt: skip


def test_people_count_in_their_neighbourhood_and_in_all_above_it() -> None:
    counted = {("BU11.2024", None): 3, ("BU12.2024", None): 4, ("BU21.2024", "meals"): 5, ("elsewhere", None): 6}
    assert totals(WHOLE, counted) == {
        (3, None): 3, (4, None): 4, (1, None): 7, (0, None): 7, (5, "meals"): 5, (2, "meals"): 5, (0, "meals"): 5,
    }  # fmt: skip


def test_official_neighbourhoods_are_told_of_by_service_and_drawn_ones_never() -> None:
    numbers = told(WHOLE, {(6, None): 50, (0, None): 50}, KEY)
    assert set(numbers) == {(at, service) for at in range(6) for service in (None, *SERVICES)}
    assert numbers[0, None] == 50
    assert numbers[1, None] is None


def test_a_neighbourhood_with_one_part_says_the_same_as_that_part() -> None:
    for count in range(40):
        numbers = told(WHOLE, {(2, None): count, (5, None): count, (0, None): count}, KEY)
        assert numbers[2, None] == numbers[5, None]
