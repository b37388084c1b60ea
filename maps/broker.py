"""The page of brokers: where what is missing, as a map, a ranking and a card that says in words why."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from geo.vocabulary import KINDS, LEVELS, SERVICES
from maps.frame import Frame, render
from maps.gap_card import Look, gap_card
from maps.gap_figures import FIGURES, head_of
from maps.gap_measures import MEASURES, VOLUNTEERS, Shown, about, bands
from maps.gap_words import EVERYONE, GROUPS, Subject, group_name
from maps.hours import in_words
from maps.layers import gap_map
from maps.policy_words import policy_facts
from maps.ranking import NAME, Ranking, rows_of, sort_of
from maps.reader import Reader
from maps.resident import Choice
from maps.rows import Feature
from maps.runs import AtWork, Run, run_choices, when, work_words

SHOWN_LEVELS = ("buurt", "wijk", "gemeente", "drawn")
DEFAULT_LEVEL = "buurt"
DEFAULT_MEASURE = "gap"
MOST_SITES = 10
NEW_PLACE = {"opening_hours": "Mo-Fr 09:00-17:00", "capacity": 30}  # what is tried out, until somebody knows better


class Asked(NamedTuple):
    """What a broker asked to see; `shown` is what can be shown of it, `run` is empty for now."""

    subject: Subject
    level: str
    measure: str
    group: str
    run: str
    sort: str
    shown: Shown

    @property
    def order(self) -> str:
        """Give the column that sets the order: the one asked for, or that of the measure."""
        return sort_of(self.shown, self.sort)

    def address(self, sort: str | None = None) -> str:
        """Give the address of the same page, in another order if told; what goes without saying is left out."""
        plain = {"measure": DEFAULT_MEASURE, "group": EVERYONE}
        asked = {
            "level": self.level, "measure": self.measure, "group": self.group, "run": self.run,
            "sort": self.sort if sort is None else sort,
        }  # fmt: skip
        told = {name: value for name, value in asked.items() if value != plain.get(name, "")}
        return f"/gaps?{subject_query(self.subject)}&{urlencode(told)}"


class Gaps(NamedTuple):
    """What there is to see. `run` is None before the first; `now` tells who is beyond reach now, beside an old run."""

    asked: Asked
    features: Sequence[Feature]
    run: Run | None
    runs: Sequence[Run]
    work: AtWork | None
    source: str  # address of the same coverage as GeoJSON
    now: Mapping[str, float | None]
    whole: Sequence[tuple[str, str]]  # id and name of each municipality


class Option(NamedTuple):
    """A group of subjects to choose from."""

    label: str
    choices: list[Choice]


class Column(NamedTuple):
    """One column of the ranking: its key, its head, the address that orders by it, and which end then comes first."""

    key: str
    head: str
    href: str
    order: str


def gaps_page(frame: Frame, gaps: Gaps) -> str:
    """Set the page: what to look at, the ranking, the empty map that is coloured from it, the legend."""
    reader, asked, run = frame.reader, gaps.asked, gaps.run
    query = subject_query(asked.subject, asked.run)
    ranking = Ranking(asked.shown, asked.order, query, gaps.now)
    policy = run.policies.of(asked.subject.kind, asked.subject.service) if run else None
    norm = reader.distance(policy.norm_m) if policy else ""
    values = {
        "parts": gap_map(),
        "gaps": gaps,
        "asked": asked,
        "rows": rows_of(gaps.features, ranking, reader),
        "legend": asked.shown.measure,
        "bands": bands(asked.shown, reader),
        "colouring": colouring(asked.shown, reader),
        "about": about(asked.shown, norm, reader),
        "when": when(run, reader) if run else "",
        "work": work_words(gaps.work, reader),
        "policy": policy_facts(run, asked.subject, reader) if run and not asked.subject.volunteers else [],
        "instead": instead(asked, reader),
        "choices": choices(gaps, reader),
        "columns": columns(asked, reader),
        "schematic": any(feature["properties"]["schematic"] for feature in gaps.features),
        "plans": plans(gaps, reader),
        "site_kinds": [(key, KINDS[key].label(reader.language).lower()) for key in KINDS if key != "volunteer"],
    }
    return render("broker.html", frame, values)


def gap_page(frame: Frame, feature: Feature, look: Look, asked_run: str) -> str:
    """Set the card of one neighbourhood as a page of its own."""
    back = f"/gaps?{subject_query(look.subject, asked_run)}"
    card = gap_card(feature, look, frame.reader)
    return render("gap.html", frame, {"card": card, "run": look.run, "back": back, "plans": look.run.live})


def choices(gaps: Gaps, reader: Reader) -> dict[str, object]:
    """Give what can be chosen, by the name of the field."""
    asked = gaps.asked
    volunteers = asked.subject.volunteers
    measures = [VOLUNTEERS] if volunteers else [key for key in MEASURES if key != VOLUNTEERS]
    return {
        "what": subjects(asked.subject, reader),
        "measure": [Choice(key, reader.say(MEASURES[key].title), key == asked.shown.key) for key in measures],
        "group": [
            Choice(key, group_name(key, reader), key == asked.shown.group)
            for key in ([EVERYONE] if volunteers else GROUPS)
        ],
        "level": [Choice(key, LEVELS[key].label(reader.language), key == asked.level) for key in SHOWN_LEVELS],
        "run": run_choices(gaps.runs, asked.run, reader),
    }


def instead(asked: Asked, reader: Reader) -> str:
    """Say why something else is shown than was asked; empty where it is what was asked."""
    if asked.subject.volunteers and (asked.measure != DEFAULT_MEASURE or asked.group != EVERYONE):
        return reader.say("Volunteers are counted, not measured: only their number is shown.")
    if asked.shown.key != asked.measure and asked.group != EVERYONE:
        values = {"group": group_name(asked.group, reader), "measure": reader.say(MEASURES[asked.measure].title)}
        return reader.say(
            "%(group)s: only known is who has one within reach, so that is shown instead of ‘%(measure)s’.", values
        )
    return ""


def columns(asked: Asked, reader: Reader) -> list[Column]:
    """Give the columns of the ranking, the name first."""
    told = [Column(NAME, reader.say("Neighbourhood"), asked.address(NAME), "ascending")]
    for key in asked.shown.measure.columns:
        order = "ascending" if FIGURES[key].falls else "descending"
        told.append(Column(key, head_of(key, asked.shown.group, reader), asked.address(key), order))
    return told


def colouring(shown: Shown, reader: Reader) -> dict[str, object]:
    """Give what the scripts need to colour a neighbourhood by a figure that they reckoned themselves."""
    measure = shown.measure
    figure = FIGURES[measure.figure]
    return {
        "field": figure.field, "rest": figure.rest, "cuts": measure.cuts, "falls": figure.falls,
        "write": figure.write.__name__, "said": reader.say(measure.said),
    }  # fmt: skip


def plans(gaps: Gaps, reader: Reader) -> dict[str, object] | None:
    """Give what the scripts need to try out places; None of volunteers, a group or the past: there nothing can."""
    asked = gaps.asked
    if asked.subject.volunteers or asked.run or asked.group != EVERYONE:
        return None
    named = {"kind": asked.subject.kind, "service": asked.subject.service}
    return {
        "subject": {name: value for name, value in named.items() if value},
        "one": asked.subject.one(reader),
        "sites": MOST_SITES,
        "new": NEW_PLACE,
        "assumed": assumed(reader),
        "whole": [{"id": id_, "name": reader.say("all of %(name)s", {"name": name})} for id_, name in gaps.whole],
    }


def assumed(reader: Reader) -> str:
    """Tell what a place that is tried out is taken to be."""
    hours = reader.listed([f"{days} {hours}" for days, hours in in_words(str(NEW_PLACE["opening_hours"]), reader)])
    values = {"hours": hours, "capacity": NEW_PLACE["capacity"]}
    return reader.say("A new place is taken to be open %(hours)s, with room for %(capacity)s people.", values)


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


def subject_query(subject: Subject, run: str = "") -> str:
    """Give a subject, and the run where one is asked for, as they stand in an address."""
    named = {"kind": subject.kind, "service": subject.service, "run": run}
    return urlencode({name: value for name, value in named.items() if value})
