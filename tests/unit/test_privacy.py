"""Numbers of volunteers as the public sees them."""

from hypothesis import given
from hypothesis import strategies as st

from geo.privacy import published_count

KEY = b"a key for these tests"


@given(st.integers(0, 9), st.text())
def test_fewer_than_ten_are_never_told(count: int, cell: str) -> None:
    assert published_count(KEY, cell, count) is None


@given(st.integers(10, 10_000), st.text())
def test_what_is_told_is_a_multiple_of_five_less_than_five_away(count: int, cell: str) -> None:
    told = published_count(KEY, cell, count)
    assert told is not None
    assert told % 5 == 0
    assert abs(told - count) < 5
    assert told >= 10


@given(st.integers(10, 10_000), st.text())
def test_the_same_number_is_told_the_same_way_each_time(count: int, cell: str) -> None:
    assert published_count(KEY, cell, count) == published_count(KEY, cell, count)


@given(st.integers(10, 10_000), st.text())
def test_one_more_volunteer_never_lowers_what_is_told(count: int, cell: str) -> None:
    assert (published_count(KEY, cell, count + 1) or 0) >= (published_count(KEY, cell, count) or 0)


def test_a_multiple_of_five_is_told_as_it_is() -> None:
    assert {published_count(KEY, str(cell), 25) for cell in range(50)} == {25}


def test_over_many_cells_the_rounding_adds_nothing_and_takes_nothing() -> None:
    told = [published_count(KEY, str(cell), 12) or 0 for cell in range(5000)]
    assert set(told) == {10, 15}
    assert abs(sum(told) / len(told) - 12) < 0.15  # four times the standard error of 0.035


def test_another_key_rounds_otherwise() -> None:
    told = [published_count(KEY, str(cell), 12) for cell in range(100)]
    assert told != [published_count(b"another key", str(cell), 12) for cell in range(100)]
