"""The page of brokers: where what is missing, as a map, a ranking and a card that says in words why."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from geo.days import AMSTERDAM
from geo.vocabulary import KINDS, LEVELS, SERVICES
from maps.frame import Frame, render
from maps.gap_card import gap_card
from maps.gap_words import Subject, band_of, bands, beyond, value_words
from maps.layers import gap_map
from maps.reader import Reader
from maps.resident import Choice
from maps.rows import Feature

COLUMNS = ("name", "uncovered", "share", "nearest")  # of the ranking; each can set its order
SHOWN_LEVELS = ("buurt", "wijk", "gemeente", "drawn")


class Run(NamedTuple):
    """One dated computation and what it was made with."""

    computed_at: datetime
    norm_m: float
    detour: float
    lattice_m: float


class Gaps(NamedTuple):
    """What a broker looks at. `features` is the coverage of one subject and level; `run` is None before the first."""

    subject: Subject
    level: str
    sort: str
    features: Sequence[Feature]
    run: Run | None
    source: str  # address of the same coverage as GeoJSON


class Option(NamedTuple):
    """A group of subjects to choose from."""

    label: str
    choices: list[Choice]


class GapRow(NamedTuple):
    """One neighbourhood in the ranking, in words."""

    id: str
    name: str
    href: str
    band: str
    value: str
    share: str
    uncovered: str
    nearest: str
    order: tuple[float, float, float]  # people, share, metres; -1 where unknown


def gaps_page(frame: Frame, gaps: Gaps) -> str:
    """Set the page: what to look at, the ranking, the empty map that is coloured from it, the legend."""
    reader = frame.reader
    rows = ranked([gap_row(feature, gaps.subject, reader) for feature in gaps.features], gaps.sort)
    values = {
        "parts": gap_map(),
        "gaps": gaps,
        "rows": rows,
        "bands": bands(gaps.subject, reader),
        "norm": reader.distance(gaps.run.norm_m) if gaps.run else "",
        "run_day": reader.date(gaps.run.computed_at.astimezone(AMSTERDAM).date()) if gaps.run else "",
        "subjects": subjects(gaps.subject, reader),
        "levels": [Choice(key, LEVELS[key].label(reader.language), key == gaps.level) for key in SHOWN_LEVELS],
        "columns": [(key, address_of(gaps, key)) for key in COLUMNS],
        "schematic": any(feature["properties"]["schematic"] for feature in gaps.features),
    }
    return render("broker.html", frame, values)


def gap_page(frame: Frame, feature: Feature, subject: Subject, run: Run) -> str:
    """Set the card of one neighbourhood as a page of its own."""
    card = gap_card(feature, subject, run.norm_m, frame.reader)
    day = frame.reader.date(run.computed_at.astimezone(AMSTERDAM).date())
    values = {"card": card, "run": run, "run_day": day, "back": f"/gaps?{subject_query(subject)}"}
    return render("gap.html", frame, values)


def gap_row(feature: Feature, subject: Subject, reader: Reader) -> GapRow:
    """Tell one neighbourhood as a row."""
    p = feature["properties"]
    share = beyond(p)
    uncovered = p["uncovered"]
    nearest = p["median_m"]
    if subject.volunteers:
        share, uncovered, nearest = (p["per_1000"], p["volunteers"], None)
    unknown = "< 10" if subject.volunteers else reader.say("unknown")
    return GapRow(
        id=p["neighbourhood"],
        name=p["name"],
        href=f"/gaps/{p['neighbourhood']}?{subject_query(subject)}",
        band=band_of(p),
        value=value_words(p, reader),
        share="–" if share is None else reader.tenths(share) if subject.volunteers else reader.percent(share),
        uncovered=unknown if uncovered is None else reader.number(uncovered),
        nearest="–" if nearest is None else reader.distance(nearest),
        order=(_known(uncovered), _known(share), _known(nearest)),
    )


def _known(figure: float | None) -> float:
    return -1.0 if figure is None else float(figure)


def ranked(rows: Sequence[GapRow], sort: str) -> list[GapRow]:
    """Order the ranking: by people, share or distance with the most first, or by name. The unknown comes last."""
    by_name = sorted(rows, key=lambda row: row.name)
    if sort == "name":
        return by_name
    first = COLUMNS.index(sort) - 1
    return sorted(by_name, key=lambda row: (row.order[first], *row.order), reverse=True)


def subjects(chosen: Subject, reader: Reader) -> list[Option]:
    """Give what can be mapped, in groups; the values are those of the form."""
    kinds = [Choice(f"kind:{key}", Subject(key, None).title(reader), chosen == (key, None)) for key in KINDS]
    services = [Choice(f"service:{key}", Subject(None, key).title(reader), chosen == (None, key)) for key in SERVICES]
    people = [
        Choice(f"volunteer:{key}", Subject("volunteer", key).title(reader), chosen == ("volunteer", key))
        for key in SERVICES
    ]
    return [
        Option(reader.say("Kind of place, or volunteers"), kinds),
        Option(reader.say("Service"), sorted(services, key=lambda choice: choice.label)),
        Option(reader.say("Volunteers per service"), sorted(people, key=lambda choice: choice.label)),
    ]


def subject_of(what: str) -> Subject:
    """Read a value of the form: `kind:initiative`, `service:meals` or `volunteer:meals`; its key may be unknown."""
    name, _, key = what.partition(":")
    if name == "volunteer":
        return Subject("volunteer", key)
    return Subject(None, key) if name == "service" else Subject(key, None)


def subject_query(subject: Subject) -> str:
    """Give a subject as it stands in an address."""
    named = {"kind": subject.kind, "service": subject.service}
    return urlencode({name: value for name, value in named.items() if value})


def address_of(gaps: Gaps, sort: str) -> str:
    """Give the address of the same page in another order."""
    return f"/gaps?{subject_query(gaps.subject)}&{urlencode({'level': gaps.level, 'sort': sort})}"
