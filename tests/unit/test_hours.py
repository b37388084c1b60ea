"""Opening hours: the week in 21 parts, three a day, Monday morning first."""

from datetime import date

import pytest

from geo import hours
from geo.days import mask_of

ANY_DAY = date(2026, 11, 18)


def bits(text: str) -> set[int]:
    parsed = hours.parse(text)
    assert parsed is not None
    mask = hours.open_mask(parsed, ANY_DAY)
    return {bit for bit in range(21) if mask >> bit & 1}


def test_a_morning_on_monday_is_the_first_part_of_the_week() -> None:
    assert bits("Mo 09:00-12:00") == {0}


def test_a_part_counts_when_it_is_open_at_any_minute_of_it() -> None:
    assert bits("Su 11:59-18:01") == {18, 19, 20}


def test_an_hour_that_ends_where_a_part_begins_is_not_in_that_part() -> None:
    assert bits("Tu 12:00-18:00") == {4}


def test_always_open_is_open_in_all_parts() -> None:
    assert bits("24/7") == set(range(21))


def test_a_night_past_twelve_belongs_to_the_evening_before_only() -> None:
    assert bits("Fr 20:00-02:00") == {14}


def test_what_is_open_once_a_month_is_open_on_that_part() -> None:
    assert bits("Tu[1] 14:00-16:00") == {4}
    assert bits("Tu[-1] 14:00-16:00") == {4}


def test_public_holidays_do_not_change_the_ordinary_week() -> None:
    assert bits("Mo-Fr 09:00-12:00; PH off") == {0, 3, 6, 9, 12}


@pytest.mark.parametrize("text", ["", "morgen", "{{7*7}}", "Mo 25:00-26:00", "Mo " + "10:00-11:00," * 80, "<b>"])
def test_what_is_no_opening_time_is_not_read(text: str) -> None:
    assert hours.parse(text) is None


def test_the_mask_of_a_day_holds_its_three_parts() -> None:
    assert mask_of((date(2026, 11, 16), date(2026, 11, 16))) == 0b111  # a Monday
    assert mask_of((date(2026, 11, 22), date(2026, 11, 22))) == 0b111 << 18  # a Sunday


def test_the_mask_of_a_week_or_more_is_the_whole_week() -> None:
    assert mask_of((date(2026, 11, 18), date(2027, 11, 18))) == 2**21 - 1
