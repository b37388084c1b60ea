"""The card of one place or activity: its facts as words, ready to be set in a page."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from babel.core import UnknownLocaleError
from babel.localedata import load as locale_data

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
    Term,
)
from maps.confirmed import Confirmed, confirmed
from maps.hours import in_words
from maps.reader import Reader
from maps.rows import SHOWN, Feature, middle, served
from maps.when import in_full

Properties = dict[str, Any]


class Fact(NamedTuple):
    """A question that a visitor has, and the answer in one or more lines. `href` makes the first line a link."""

    label: str
    lines: list[str]
    href: str = ""


class Card(NamedTuple):
    """All that is told of one record, in the order in which it is read."""

    kind: str
    kind_label: str
    name: str
    summary: str
    description: str
    facts: list[Fact]
    confirmed: Confirmed
    demo: bool
    source: str
    lon: float | None
    lat: float | None


def place_card(feature: Feature, today: date, reader: Reader) -> Card:
    """Tell all about one place or initiative. A fact that nobody gave is left out."""
    p = feature["properties"]
    opening = [f"{days}: {hours}" if days else hours for days, hours in in_words(p["opening_hours"] or "", reader)]
    facts = [
        Fact(reader.say("What"), _labels(p["services"], SERVICES, reader) or _labels(p["themes"], THEMES, reader)),
        Fact(reader.say("When"), opening),
        Fact(reader.say("Where"), _where(feature, reader)),
        Fact(reader.say("Costs"), [p["cost"]]),
        Fact(reader.say("Accessibility"), _access(p["accessibility"] or {}, reader)),
        Fact(reader.say("For whom"), _labels(p["target_groups"], TARGET_GROUPS, reader)),
        Fact(reader.say("Languages"), [reader.listed([language(code, reader) for code in p["languages"] or []])]),
        Fact(reader.say("Room for"), [_room_for(p["capacity"], reader)]),
        _organisation(p["organisation"], reader),
        *(_initiative_facts(p, reader) if p["kind"] == "initiative" else []),
        Fact(reader.say("Helps with"), _labels(p["goals"], GOALS, reader)),
        _website(p["url"], reader),
    ]
    return _card(feature, facts, today, reader)


def activity_card(feature: Feature, today: date, reader: Reader) -> Card:
    """Tell all about one activity."""
    p = feature["properties"]
    asset = Fact(
        reader.say("Where"),
        [p["asset_name"] or "", *_where(feature, reader)],
        f"/places/{p['asset']}" if p["asset"] and p["asset_name"] else "",
    )
    theme = _labels([p["theme"]] if p["theme"] else [], THEMES, reader)
    facts = [
        Fact(reader.say("When"), in_full(p, today, reader)),
        asset,
        Fact(reader.say("Costs"), [p["cost"]]),
        Fact(reader.say("Joining in"), [p["how_to_join"]]),
        Fact(reader.say("What"), _labels(p["services"], SERVICES, reader) or theme),
    ]
    return _card(feature, facts, today, reader)


def _card(feature: Feature, facts: list[Fact], today: date, reader: Reader) -> Card:
    p = feature["properties"]
    kind = p.get("kind", "activity")
    told = [fact._replace(lines=[line for line in fact.lines if line]) for fact in facts]
    lon, lat = middle(feature["geometry"])
    return Card(
        kind=kind,
        kind_label=SHOWN[kind].label(reader.language),
        name=p.get("name") or p.get("title") or reader.say("Without a name"),
        summary=p["summary"] or "",
        description=p.get("description") or "",
        facts=[fact for fact in told if fact.lines],
        confirmed=confirmed(p["confirmed_on"], today, reader),
        demo=bool(p["demo"]),
        source=" · ".join(word for word in (p.get("source"), p.get("licence")) if word),
        lon=lon,
        lat=lat,
    )


def _labels(keys: Iterable[str] | None, terms: dict[str, Term], reader: Reader) -> list[str]:
    """Give the labels as one line, or no line; a key that is no term stands as it is."""
    words = [terms[key].label(reader.language) if key in terms else key for key in keys or []]
    return [", ".join(words)] if words else []


def _where(feature: Feature, reader: Reader) -> list[str]:
    p = feature["properties"]
    town = f"{p.get('postcode') or ''} {p.get('city') or ''}".strip()
    serves = served(feature, reader)
    lies_in = reader.say("neighbourhood %(name)s", {"name": p["neighbourhood_name"]}) if p["neighbourhood_name"] else ""
    street = ", ".join(word for word in (p["address"], town) if word)
    return [street, lies_in if feature["geometry"] else "", serves]


def _access(known: dict[str, bool], reader: Reader) -> list[str]:
    yes = [term.label(reader.language) for key, term in ACCESSIBILITY.items() if known.get(key) is True]
    no = [term.label(reader.language) for key, term in ACCESSIBILITY.items() if known.get(key) is False]
    return [
        ", ".join(yes),
        reader.say("not: %(what)s", {"what": ", ".join(no)}) if no else "",
    ]


def language(code: str, reader: Reader) -> str:
    """Give the name of a language (ISO 639-1) in the reader's; an unknown code stands as it is."""
    try:
        names = locale_data(str(reader.locale.language))["languages"]
    except (UnknownLocaleError, KeyError):
        return code
    return str(names.get(code, code))


def _room_for(capacity: int | None, reader: Reader) -> str:
    return reader.say_many("%(count)s person", "%(count)s people", capacity) if capacity else ""


def _organisation(organisation: Properties | None, reader: Reader) -> Fact:
    label = reader.say("Organisation")
    if not organisation:
        return Fact(label, [])
    form = LEGAL_FORMS.get(organisation["legal_form"] or "")
    lines = [organisation["name"], form.label(reader.language) if form else ""]
    return Fact(label, lines, safe_link(organisation["url"]))


def _website(url: str | None, reader: Reader) -> Fact:
    link = safe_link(url)
    return Fact(reader.say("Website"), [urlsplit(link).netloc.removeprefix("www.")] if link else [], link)


def safe_link(url: str | None) -> str:
    """Give an http or https address as it is, and nothing for any other: `javascript:` is an address too."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return ""
    return url or "" if parts.scheme in ("http", "https") and parts.netloc else ""


def _initiative_facts(p: Properties, reader: Reader) -> list[Fact]:
    level = LADDER.get(p["ladder_level"] or 0)
    rung = {"word": level.label(reader.language), "level": p["ladder_level"]} if level else {}
    stages = [
        " ".join(
            word
            for word in (
                GROWTH_STAGES[step["stage"]].label(reader.language),
                reader.say("since %(month)s", {"month": reader.month(_first_day(step["since"]))})
                if step.get("since")
                else "",
            )
            if word
        )
        for step in p["growth"] or []
        if step["stage"] in GROWTH_STAGES
    ]
    legal_form = LEGAL_FORMS.get(p["legal_form"] or "")
    return [
        Fact(
            reader.say("Residents' say"),
            [reader.say("%(word)s (step %(level)s of 6 on the participation ladder)", rung) if level else ""],
        ),
        Fact(reader.say("Stage"), stages[-1:]),
        Fact(reader.say("Legal form"), [legal_form.label(reader.language) if legal_form else ""]),
        Fact(reader.say("Paid from"), _labels(p["funding"], FUNDING, reader)),
        Fact(reader.say("Founded in"), [str(p["founded_in"] or "")]),
    ]


def _first_day(written: str) -> date:
    """Read a date of which the day or the month may be missing: 2024, 2024-03, 2024-03-15."""
    year, month, day = (*written.split("-"), "01", "01")[:3]
    return date(int(year), int(month), int(day))
