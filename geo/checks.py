"""The rules that a record must keep before it is stored. Each gives the flaws it finds; none changes anything."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from shapely.geometry.base import BaseGeometry

from geo import hours
from geo.errors import Flaw, InvalidInput
from geo.vocabulary import (
    ACCESSIBILITY,
    FUNDING,
    GOALS,
    GROWTH_STAGES,
    LADDER,
    LEGAL_FORMS,
    SERVICES,
    TARGET_GROUPS,
    THEMES,
    Kind,
    Term,
    unknown_terms,
)

NETHERLANDS = (3.2, 50.7, 7.3, 53.7)  # degrees: west, south, east, north
Values = Mapping[str, Any]

TERMS: dict[str, dict[str, Term]] = {
    "themes": THEMES,
    "services": SERVICES,
    "goals": GOALS,
    "target_groups": TARGET_GROUPS,
    "funding": FUNDING,
    "accessibility": ACCESSIBILITY,
}
KEY, LINE, WORDS, ADDRESS, STORY = 100, 200, 1000, 2000, 20_000  # characters
LONGEST = {
    **dict.fromkeys("name cost address city source source_id licence confirmed_by".split(), LINE),
    **dict.fromkeys(("summary", "opening_hours"), WORDS),
    "description": STORY,
    "url": ADDRESS,
    **dict.fromkeys(("postcode", "legal_form"), KEY),
}
MOST_PLACES = 1_000_000
NOWHERE = "(0, 0) lies outside the Netherlands; it often stands for an unknown place"
UNREADABLE_HOURS = "is not in OSM's syntax, such as 'Mo-Fr 09:00-17:00; We 19:00-21:00'"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SPACE = re.compile(r"\s")
PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+([/?#][!-~]*)?"
)  # good beyond doubt, and nearly all are so: quick to see
OF_INITIATIVES = ("ladder_level", "growth")
OF_PERSONS = frozenset(
    """kind themes services goals target_groups languages source source_id licence demo status confirmed_on
    visible_from visible_to neighbourhood place contact consent account made_by""".split()
)
ONLY_OF_PERSONS = {
    "contact": "only volunteers have private contacts; give others a public url",
    "consent": "only volunteers give consent: other records are not about a person",
    "account": "only volunteers have an account of their own",
}
LANGUAGES = frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def refuse(flaws: list[Flaw]) -> None:
    """Raise InvalidInput naming every flaw, or return where there is none."""
    if flaws:
        raise InvalidInput("; ".join(f"{flaw.field}: {flaw.reason}" for flaw in flaws), *flaws)


def asset_flaws(values: Values, today: date) -> list[Flaw]:
    """Find all that is wrong with an asset's values, given whole."""
    if values.get("kind") == Kind.volunteer:
        return person_flaws(values) + shared_flaws(values, today)
    flaws = [] if str(values.get("name") or "").strip() else [Flaw("name", "an asset needs a name")]
    flaws += [Flaw(f, reason) for f, reason in ONLY_OF_PERSONS.items() if values.get(f)]
    flaws += together_flaws(values)
    for field, value in values.items():
        flaws += value_flaws(field, value, today)
    return flaws + geometry_flaws(values)


def person_flaws(values: Values) -> list[Flaw]:
    """Refuse all that could tell who or where a volunteer is outside the two fields that are kept secret."""
    given = [f for f, value in values.items() if value not in (None, [], {}, ()) and f not in OF_PERSONS]
    return [Flaw(f, "a volunteer is a person: give this inside contact, which stays private") for f in given]


def shared_flaws(values: Values, today: date) -> list[Flaw]:
    """Check what several kinds of record share: terms, place, hours, web address, days."""
    flaws = []
    for field in SHARED:
        flaws += value_flaws(field, values.get(field), today)
    return flaws + _order_flaws(values) + geometry_flaws(values)


def value_flaws(field: str, value: Any, today: date) -> list[Flaw]:
    """Find what is wrong with one value of a field, whatever the other fields hold; nothing where it is empty."""
    if not value and value in (None, "", [], {}, ()):
        return []
    flaws = text_flaws(field, value) if isinstance(value, str) else []
    if rule := RULES.get(field):
        flaws += rule(field, value, today)
    return flaws


def together_flaws(values: Values) -> list[Flaw]:
    """Find what cannot be true together: what only initiatives have, and days in the wrong order."""
    if values.get("kind") == Kind.initiative:
        return _order_flaws(values)
    return [Flaw(f, "only initiatives have this") for f in OF_INITIATIVES if values.get(f)] + _order_flaws(values)


def _order_flaws(values: Values) -> list[Flaw]:
    if values.get("visible_from") and values.get("visible_to") and values["visible_to"] < values["visible_from"]:
        return [Flaw("visible_to", "lies before visible_from")]
    return []


def geometry_flaws(values: Values) -> list[Flaw]:
    """Check the place and the area of a record, which come in as its geometry."""
    return [flaw for field in ("place", "area") for flaw in place_flaws("geometry", values.get(field))]


def text_flaws(field: str, text: str) -> list[Flaw]:
    """Refuse a text that is longer than its field, or that no database can hold."""
    longest = LONGEST.get(field, STORY)
    flaws = [Flaw(field, f"has {len(text)} characters, more than {longest}")] if len(text) > longest else []
    if reason := unstorable(text):
        flaws.append(Flaw(field, reason))
    return flaws


def unstorable(text: str) -> str | None:
    """Say why no database text can hold this: the NUL character, or half of a surrogate pair; None where one can."""
    found = UNSTORABLE.search(text)
    if found is None:
        return None
    nul = found[0] == "\x00"
    return "holds the character NUL, which cannot be stored" if nul else "holds half a character (a lone surrogate)"


def _terms_flaws(field: str, keys: Iterable[str], _today: date) -> list[Flaw]:
    return unknown_terms(field, list(keys), TERMS[field])


def _language_flaws(field: str, codes: Iterable[str], _today: date) -> list[Flaw]:
    wrong = [code for code in codes if code not in LANGUAGES]
    return [
        Flaw(field, f"{code!r} is not a language code of two letters, such as nl or ar (ISO 639-1)") for code in wrong
    ]


def _hours_flaws(field: str, told: str, _today: date) -> list[Flaw]:
    readable = hours.parse(told) is not None
    return [] if readable else [Flaw(field, UNREADABLE_HOURS)]


def _growth_flaws(field: str, steps: list[dict[str, str]], _today: date) -> list[Flaw]:
    flaws = unknown_terms(field, [step["stage"] for step in steps], GROWTH_STAGES)
    return flaws + [Flaw(field, f"{step['since']!r} is no day") for step in steps if not _exists(step["since"])]


def _exists(since: str) -> bool:
    """Say whether a day exists of which the day, or the month too, may be left out: 2024, 2024-03, 2024-03-15."""
    try:
        date.fromisoformat(f"{since}-01-01"[: len("2024-01-01")])
    except ValueError:
        return False
    return True


def _ladder_flaws(field: str, level: int, _today: date) -> list[Flaw]:
    return [] if level in LADDER else [Flaw(field, "the ladder has the levels 1 to 6")]


def _legal_flaws(field: str, form: str, _today: date) -> list[Flaw]:
    return unknown_terms(field, [form], LEGAL_FORMS)


def _founded_flaws(field: str, year: int, today: date) -> list[Flaw]:
    return [] if 1000 <= year <= today.year else [Flaw(field, f"must be a year from 1000 to {today.year}")]


def _capacity_flaws(field: str, people: int, _today: date) -> list[Flaw]:
    return [] if 0 <= people <= MOST_PLACES else [Flaw(field, f"must be a number from 0 to {MOST_PLACES}")]


def _confirmed_flaws(field: str, day: date, today: date) -> list[Flaw]:
    return [Flaw(field, "lies in the future")] if day > today else []


# What one value of a field must keep, whatever the other fields of its record hold.
RULES: dict[str, Callable[[str, Any, date], list[Flaw]]] = {
    **dict.fromkeys(TERMS, _terms_flaws),
    "languages": _language_flaws,
    "opening_hours": _hours_flaws,
    "url": lambda _field, url, _today: url_flaws(url),
    "confirmed_on": _confirmed_flaws,
    "ladder_level": _ladder_flaws,
    "legal_form": _legal_flaws,
    "growth": _growth_flaws,
    "founded_in": _founded_flaws,
    "capacity": _capacity_flaws,
}
SHARED = (*TERMS, "languages", "opening_hours", "url", "confirmed_on")


def activity_flaws(values: Values, today: date) -> list[Flaw]:
    """Find all that is wrong with an activity's values, given whole."""
    flaws = [] if str(values.get("title") or "").strip() else [Flaw("title", "an activity needs a title")]
    flaws += unknown_terms("theme", [values["theme"]], THEMES)
    if values.get("ends_on") and values["ends_on"] < values["starts_on"]:
        flaws.append(Flaw("ends_on", "lies before starts_on"))
    if values.get("time_from") and values.get("time_to") and values["time_to"] <= values["time_from"]:
        flaws.append(Flaw("time_to", "must be later than time_from"))
    return flaws + shared_flaws(values, today)


def url_flaws(url: str | None) -> list[Flaw]:
    """Let only web addresses through: anything else could run on the page that links it."""
    if not url or PLAIN_URL.fullmatch(url):
        return []
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not SPACE.search(url)
    except ValueError:
        good = False
    return [] if good else [Flaw("url", "must be a web address that starts with https:// or http://")]


def organisation_flaws(values: Values) -> list[Flaw]:
    """Find all that is wrong with what is told of an organisation."""
    flaws = [] if str(values.get("name") or "").strip() else [Flaw("organisation", "needs a name")]
    if values.get("legal_form"):
        flaws += unknown_terms("organisation.legal_form", [values["legal_form"]], LEGAL_FORMS)
    return flaws + [Flaw("organisation.url", flaw.reason) for flaw in url_flaws(values.get("url"))]


def place_flaws(field: str, shape: BaseGeometry | None) -> list[Flaw]:
    """Check that a geometry in WGS 84 is sound and lies in the Netherlands; say the likely cause where it does not."""
    if shape is None:
        return []
    if shape.is_empty or not shape.is_valid:
        return [Flaw(field, "is empty or crosses itself")]
    west, south, east, north = NETHERLANDS
    left, bottom, right, top = shape.bounds
    if west <= left and south <= bottom and right <= east and top <= north:
        return []
    where = f"({left:g}, {bottom:g})"
    if left == bottom == 0:
        return [Flaw(field, NOWHERE)]
    if west <= bottom and south <= left and top <= east and right <= north:
        return [Flaw(field, f"{where} looks like latitude, longitude: give longitude first")]
    if left > 180 or bottom > 90:
        return [Flaw(field, f"{where} looks like RD New metres: give longitude and latitude in degrees (WGS 84)")]
    return [Flaw(field, f"{where} lies outside the Netherlands")]
