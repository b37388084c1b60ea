"""What requests may say: days, times and boxes."""

from datetime import date, time
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.asking import box_of, days_of
from api.texts import Day, Time

DAY: TypeAdapter[date] = TypeAdapter(Day)
TIME: TypeAdapter[time] = TypeAdapter(Time)


def test_a_day_and_a_time_are_written_out() -> None:
    assert DAY.validate_python("2026-11-22") == date(2026, 11, 22)
    assert TIME.validate_python("18:30") == time(18, 30)


@pytest.mark.parametrize("bad", [0, 1, 1.5, True, "0", "1494012444", "-1", "", "22 november", "2026", None])
def test_a_number_is_no_day_and_no_time(bad: Any) -> None:
    for form in (DAY, TIME):
        with pytest.raises(ValidationError):
            form.validate_python(bad)


def test_a_box_is_four_numbers_or_six_with_heights() -> None:
    assert box_of("4,52,5,53") == (4, 52, 5, 53)
    assert box_of("4, 52, 0, 5, 53, 100") == (4, 52, 5, 53)


@pytest.mark.parametrize(
    "bad", ["1_0,52,11,53", "4,52,5", "", "a,b,c,d", "4,53,5,52", "nan,52,5,53", "4,52,5,inf", "4;52;5;53"]
)
def test_what_is_no_box_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"must|lies|has its"):
        box_of(bad)


def test_an_interval_may_be_open_at_one_end() -> None:
    assert days_of("2026-11-22/..")[0] == date(2026, 11, 22)
    assert days_of("../2026-11-22")[1] == date(2026, 11, 22)
    with pytest.raises(ValueError, match="must be a day"):
        days_of("../..")
