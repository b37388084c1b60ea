"""Opening hours in words. OpenStreetMap's syntax is rich: common forms are told in a sentence, others as written."""

import re
from typing import NamedTuple

from babel.dates import get_day_names

from maps.reader import Reader, message

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_ITEM = rf"(?:PH|SH|{_DAY}(?:-{_DAY}|\[(?:-1|[1-5])\])?)"
_SPAN = r"[0-2]?\d:[0-5]\d-[0-2]?\d:[0-5]\d\+?"
_RULE = re.compile(rf"(?:(?P<days>{_ITEM}(?:,{_ITEM})*)\s+)?(?P<times>off|closed|{_SPAN}(?:,{_SPAN})*)")
_NTH = re.compile(r"(\w\w)\[(-?\d)\]")


class Opening(NamedTuple):
    """Some days and the hours of those days, both in words; `days` is empty where it is every day."""

    days: str
    hours: str


def in_words(written: str, reader: Reader) -> list[Opening]:
    """Tell opening hours; an unusual form stands as written. Empty gives an empty list."""
    text = re.sub(r"\s*,\s*", ",", written.strip().rstrip(";"))
    text = re.sub(r"\s*-\s*", "-", text)
    if not text:
        return []
    if text == "24/7":
        return [Opening("", reader.say("always open"))]
    rules = [_RULE.fullmatch(rule.strip()) for rule in text.split(";")]
    openings = [
        Opening(_days(rule["days"] or "", reader), _hours(rule["times"], reader)) for rule in rules if rule is not None
    ]
    return openings if len(openings) == len(rules) else [Opening("", written.strip())]


def _days(items: str, reader: Reader) -> str:
    return reader.listed([_item(item, reader) for item in items.split(",")]) if items else ""


def _item(item: str, reader: Reader) -> str:
    if item == "PH":
        return reader.say("public holidays")
    if item == "SH":
        return reader.say("school holidays")
    if nth := _NTH.fullmatch(item):
        return reader.say(_NTH_TEXTS[int(nth[2])], {"day": _name(nth[1], reader)})
    if "-" in item:
        first, last = (_name(day, reader) for day in item.split("-"))
        return reader.say("%(first)s to %(last)s", {"first": first, "last": last})
    return _name(item, reader)


_NTH_TEXTS = {
    1: message("the first %(day)s of the month"),
    2: message("the second %(day)s of the month"),
    3: message("the third %(day)s of the month"),
    4: message("the fourth %(day)s of the month"),
    5: message("the fifth %(day)s of the month"),
    -1: message("the last %(day)s of the month"),
}


def _name(day: str, reader: Reader) -> str:
    return str(get_day_names("wide", locale=reader.locale)[DAYS.index(day)])


def _hours(times: str, reader: Reader) -> str:
    if times in ("off", "closed"):
        return reader.say("closed")
    return reader.listed([span.rstrip("+").replace("-", "–") for span in times.split(",")])
