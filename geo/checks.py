"""The rules that a record must keep before it is stored. Each gives the flaws it finds; none changes anything."""

from collections.abc import Mapping
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
OF_INITIATIVES = ("ladder_level", "growth")
OF_PERSONS = frozenset(
    """kind themes services goals target_groups languages source source_id licence demo status confirmed_on
    visible_from visible_to neighbourhood place contact""".split()
)
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
    if values.get("contact"):
        flaws.append(Flaw("contact", "only volunteers have private contacts; give others a public url"))
    if values.get("kind") != Kind.initiative:
        flaws += [Flaw(f, "only initiatives have this") for f in OF_INITIATIVES if values.get(f)]
    return flaws + initiative_flaws(values, today) + shared_flaws(values, today)


def person_flaws(values: Values) -> list[Flaw]:
    """Refuse all that could tell who or where a volunteer is outside the two fields that are kept secret."""
    given = [f for f, value in values.items() if value not in (None, [], {}, ()) and f not in OF_PERSONS]
    return [Flaw(f, "a volunteer is a person: give this inside contact, which stays private") for f in given]


def initiative_flaws(values: Values, today: date) -> list[Flaw]:
    """Check what only initiatives have: ladder, growth, legal form, founding year."""
    flaws = []
    if values.get("ladder_level") is not None and values["ladder_level"] not in LADDER:
        flaws.append(Flaw("ladder_level", "the ladder has the levels 1 to 6"))
    if values.get("legal_form"):
        flaws += unknown_terms("legal_form", [values["legal_form"]], LEGAL_FORMS)
    growth = values.get("growth") or []
    flaws += unknown_terms("growth", [step["stage"] for step in growth], GROWTH_STAGES)
    flaws += [Flaw("growth", f"{step['since']!r} is no day") for step in growth if not _exists(step["since"])]
    if values.get("founded_in") is not None and not 1000 <= values["founded_in"] <= today.year:
        flaws.append(Flaw("founded_in", f"must be a year from 1000 to {today.year}"))
    return flaws


def _exists(since: str) -> bool:
    """Say whether a day exists of which the day, or the month too, may be left out: 2024, 2024-03, 2024-03-15."""
    try:
        date.fromisoformat(f"{since}-01-01"[: len("2024-01-01")])
    except ValueError:
        return False
    return True


def shared_flaws(values: Values, today: date) -> list[Flaw]:
    """Check what several kinds of record share: terms, place, hours, web address, days."""
    flaws = [
        flaw for field, terms in TERMS.items() for flaw in unknown_terms(field, list(values.get(field) or []), terms)
    ]
    flaws += [
        Flaw("languages", f"{code!r} is not a language code of two letters, such as nl or ar (ISO 639-1)")
        for code in values.get("languages") or []
        if code not in LANGUAGES
    ]
    if values.get("opening_hours") and hours.parse(values["opening_hours"]) is None:
        flaws.append(Flaw("opening_hours", "is not in OSM's syntax, such as 'Mo-Fr 09:00-17:00; We 19:00-21:00'"))
    flaws += url_flaws(values.get("url")) + day_flaws(values, today)
    for field in ("place", "area"):
        flaws += place_flaws("geometry", values.get(field))
    return flaws


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
    if not url:
        return []
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)
    except ValueError:
        good = False
    return [] if good else [Flaw("url", "must be a web address that starts with https:// or http://")]


def organisation_flaws(values: Values) -> list[Flaw]:
    """Find all that is wrong with what is told of an organisation."""
    flaws = [] if str(values.get("name") or "").strip() else [Flaw("organisation", "needs a name")]
    if values.get("legal_form"):
        flaws += unknown_terms("organisation.legal_form", [values["legal_form"]], LEGAL_FORMS)
    return flaws + [Flaw("organisation.url", flaw.reason) for flaw in url_flaws(values.get("url"))]


def day_flaws(values: Values, today: date) -> list[Flaw]:
    """Check that the days of a record can be true together."""
    flaws = []
    if values.get("confirmed_on") and values["confirmed_on"] > today:
        flaws.append(Flaw("confirmed_on", "lies in the future"))
    if values.get("visible_from") and values.get("visible_to") and values["visible_to"] < values["visible_from"]:
        flaws.append(Flaw("visible_to", "lies before visible_from"))
    return flaws


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
    if west <= bottom and south <= left and top <= east and right <= north:
        return [Flaw(field, f"{where} looks like latitude, longitude: give longitude first")]
    if left > 180 or bottom > 90:
        return [Flaw(field, f"{where} looks like RD New metres: give longitude and latitude in degrees (WGS 84)")]
    return [Flaw(field, f"{where} lies outside the Netherlands")]
