"""Opening hours in OSM syntax as spans that come back every week or month, where they can be told so without loss."""

import re
from typing import NamedTuple

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
WEEK = tuple(range(7))
WEEKLY = 0  # in place of which of the days of a month
LAST_MINUTE = "23:59"

_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_ITEM = rf"(?:PH|SH|{_DAY}(?:-{_DAY}|\[(?:-1|[1-5])\])?)"
_TIMES = r"\d?\d:\d\d-\d?\d:\d\d"
_RULE = re.compile(rf"(?:(?P<days>{_ITEM}(?:,{_ITEM})*) )?(?P<times>off|closed|{_TIMES}(?:,{_TIMES})*)")


class Span(NamedTuple):
    """From when to when (local time), on which weekdays (Monday is 0), and on the how manieth of them in a month.

    `closes` may lie before `opens`: that is on the next day.
    """

    days: tuple[int, ...]
    nth: int
    opens: str
    closes: str


Hours = dict[tuple[int, int], list[tuple[str, str]]]  # (weekday, nth) → from when to when


def spans(written: str) -> list[Span] | None:
    """Tell opening hours as spans, holidays left out; None where they are richer than that."""
    text = re.sub(r"\s*([,;-])\s*", r"\1", " ".join(written.split())).rstrip(";")
    if text == "24/7":
        return [Span(WEEK, WEEKLY, "00:00", LAST_MINUTE)]
    hours: Hours = {}
    for rule in text.split(";"):
        found = _RULE.fullmatch(rule)
        if found is None or not _take(hours, (found["days"] or "Mo-Su").split(","), found["times"]):
            return None
    weekly = {day for day, nth in hours if nth == WEEKLY}
    if any(nth != WEEKLY and day in weekly for day, nth in hours):
        return None  # one day of a month stands in for a weekly one: no rule that repeats says so
    told: dict[tuple[int, str, str], list[int]] = {}
    for (day, nth), times in sorted(hours.items()):
        for opens, closes in times:
            told.setdefault((nth, opens, closes), []).append(day)
    return [Span(tuple(days), nth, opens, closes) for (nth, opens, closes), days in sorted(told.items())]


def _take(hours: Hours, items: list[str], times: str) -> bool:
    """Let one rule take the place of what earlier rules say of its days; False where it cannot be told."""
    closed = times in ("off", "closed")
    for day, nth in (place for item in items for place in _places(item)):
        if closed and nth != WEEKLY:
            return False
        hours.pop((day, nth), None)
        if not closed:
            hours[day, nth] = [_clock(part) for part in times.split(",")]
    return True


def _places(item: str) -> list[tuple[int, int]]:
    if item in ("PH", "SH"):
        return []
    first = DAYS.index(item[:2])
    if "[" in item:
        return [(first, int(item[3:-1]))]
    last = DAYS.index(item[-2:])
    return [((first + step) % 7, WEEKLY) for step in range((last - first) % 7 + 1)]


def _clock(part: str) -> tuple[str, str]:
    opens, closes = (f"{int(end[:-3]) % 24:02}{end[-3:]}" for end in part.split("-"))
    return opens, LAST_MINUTE if part.endswith("-24:00") else closes
