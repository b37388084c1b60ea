"""The figures of the ranking: where each is found in a row of coverage, how it is written, and which end is worse."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from maps.gap_words import EVERYONE, Properties, group_head, span, without
from maps.reader import Reader, message

MONDAY = date(2024, 1, 1)  # any Monday
PARTS_A_DAY = 3
DAY_PARTS = (message("%(weekday)s morning"), message("%(weekday)s afternoon"), message("%(weekday)s evening"))


class Figure(NamedTuple):
    """One figure of a neighbourhood.

    head   the head of its column
    field  where it stands in a row of coverage, or, when `group`, in what that row tells of a group
    write  writes it for a reader
    falls  whether fewer is worse
    rest   whether what is told is 1 minus the field
    walk   whether it is a distance: then a missing one means that too few can reach any
    people whether what is told is a number of the group, the field being the share
    """

    head: str
    field: str
    write: Callable[[Reader, float], str]
    falls: bool = False
    rest: bool = False
    walk: bool = False
    group: bool = False
    people: bool = False


class Cell(NamedTuple):
    """One figure in the ranking. `meter` is a share to draw beside the words, from 0 to 100."""

    words: str
    small: str = ""
    meter: int | None = None


FIGURES: dict[str, Figure] = {
    "gap": Figure(message("Gap score"), "gap", Reader.number),
    "uncovered": Figure(message("Beyond reach"), "uncovered", Reader.number),
    "share": Figure(message("Share"), "covered_share", Reader.percent, rest=True),
    "covered": Figure(message("Within reach"), "covered_share", Reader.percent, falls=True),
    "choice": Figure(message("Choice"), "choice", Reader.tenths, falls=True),
    "fragile": Figure(message("Just one"), "fragile_share", Reader.percent),
    "supply": Figure(message("Per 1,000"), "per_1000", Reader.tenths, falls=True),
    "crowding": Figure(message("Crowding"), "crowding", Reader.number),
    "certain": Figure(message("Certain"), "certain_share", Reader.percent, falls=True),
    "open": Figure(message("Hours open"), "open_hours", Reader.hours, falls=True),
    "worst": Figure(message("Worst moment"), "worst_part_share", Reader.percent, falls=True),
    "nearest": Figure(message("Walk (half)"), "median_m", Reader.distance, walk=True),
    "far": Figure(message("Walk (9 in 10)"), "p90_m", Reader.distance, walk=True),
    "volunteers": Figure(message("Volunteers"), "volunteers", Reader.number, falls=True),
    "per_1000": Figure(message("Per 1,000"), "per_1000", Reader.tenths, falls=True),
    "group_covered": Figure("", "covered_share", Reader.percent, falls=True, group=True),
    "group_share": Figure("", "covered_share", Reader.percent, rest=True, group=True),
    "group_uncovered": Figure(
        message("Beyond reach"), "covered_share", Reader.number, rest=True, group=True, people=True
    ),
}


def value_of(key: str, p: Properties, group: str) -> float | None:
    """Find a figure in a row: None where unknown, inf where too few can reach any."""
    figure = FIGURES[key]
    row = (p["groups"] or {}).get(group, {}) if figure.group else p
    value: float | None = row.get(figure.field)
    if value is None:
        return math.inf if figure.walk and p["covered_share"] is not None else None
    told = without(value) if figure.rest else value
    return told * float(row["residents"]) if figure.people else told


def head_of(key: str, group: str, reader: Reader) -> str:
    """Give the head of a column; beside a group, what is told of all is told of everyone."""
    if key in ("group_covered", "group_share"):
        return group_head(group, reader)
    if group != EVERYONE and key in ("covered", "share"):
        return group_head(EVERYONE, reader)
    return reader.say(FIGURES[key].head)


def cell_of(key: str, p: Properties, group: str, reader: Reader) -> Cell:
    """Write one figure; the unknown is a dash, and so few volunteers that they are not told are `< 15`."""
    value = value_of(key, p, group)
    if value is None:
        return Cell("< 15" if key == "volunteers" and hidden(p) else "–")
    if value == math.inf:
        return Cell(reader.say("none"))
    words = FIGURES[key].write(reader, value)
    if key == "covered" and group == EVERYONE:
        return Cell(words, small=interval(p, reader))
    if key == "worst" and p["worst_part"] is not None and p["open_hours"]:
        return Cell(words, small=day_part(p["worst_part"], reader))
    return Cell(words, meter=round(100 * value)) if key == "certain" else Cell(words)


def hidden(p: Properties) -> bool:
    """Say whether a row is about volunteers, of whom there are too few to be told."""
    return bool(p["kind"] == "volunteer" and p["volunteers"] is None)


def badness(key: str, p: Properties, group: str) -> float:
    """Give a number that is higher where things are worse. The unknown is lowest; hidden volunteers are the fewest."""
    value = value_of(key, p, group)
    if value is None:
        return 0.0 if hidden(p) and FIGURES[key].falls else -math.inf
    return -value if FIGURES[key].falls else value


def interval(p: Properties, reader: Reader) -> str:
    """Write between which shares the covered share lies; empty where it is sure, or reads as one figure."""
    if p["covered_lo"] is None or p["covered_hi"] is None:
        return ""
    low, high = reader.percent(p["covered_lo"]), reader.percent(p["covered_hi"])
    return "" if low == high else span(low, high)


def day_part(part: int, reader: Reader) -> str:
    """Name one of the 21 parts of a week: 20 is zondagavond."""
    weekday = reader.weekday(MONDAY + timedelta(part // PARTS_A_DAY))
    return reader.say(DAY_PARTS[part % PARTS_A_DAY], {"weekday": weekday})
