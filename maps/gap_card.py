"""The card of one neighbourhood: why it is coloured as it is, who is missing what, and what would help."""

from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple

from geo.coverage.policy import CLASSES, Policy
from maps.cards import Fact
from maps.gap_doubts import doubts, share_words
from maps.gap_figures import day_part
from maps.gap_reasons import Place, Reasons, help_words, loss_words, sentences, volunteers
from maps.gap_words import EVERYONE, FEWEST_RESIDENTS, GROUPS, Properties, Subject, group_name
from maps.policy_words import class_name, policy_facts
from maps.reader import Reader, message
from maps.rows import Feature
from maps.runs import Run, when
from maps.since import Since, since_words


class Part(NamedTuple):
    """One part of the bar of residents: its class, where it starts and how wide it is (of 100), and its words."""

    key: str
    start: float
    width: float
    words: str


class Line(NamedTuple):
    """One class in the making of the gap score: people × weight = points."""

    name: str
    people: str
    weight: str
    points: str


class Listed(NamedTuple):
    """Places that matter here, under a heading; each with what is told of it. `closes` offers to try its closing."""

    heading: str
    places: list[tuple[Place, str]]
    closes: bool


class Look(NamedTuple):
    """What a card is told with: subject, run, the assets that it may name, and what came after a run of the past."""

    subject: Subject
    run: Run
    places: Mapping[str, Feature]
    since: Since | None = None

    @property
    def policy(self) -> Policy:
        """Give what was decided for the subject."""
        return self.run.policies.of(self.subject.kind, self.subject.service)


class GapCard(NamedTuple):
    """What is said of one neighbourhood and one subject. What could not be reckoned is empty."""

    id: str
    name: str
    title: str
    when: str
    since: list[str]
    sentences: list[str]
    help: str
    loss: str
    score: str
    share: str
    parts: list[Part]
    lines: list[Line]
    lists: list[Listed]
    facts: list[Fact]
    groups: list[Fact]
    doubts: list[str]
    source: str
    policy: list[Fact]
    schematic: bool


_SOURCES = {
    "squares": message("Residents: squares of 100 m from CBS."),
    "addresses": message("Residents: address by address."),
    "lattice": message("Residents: spread evenly over the neighbourhood, on a grid of %(lattice)s."),
    "mixed": message("Residents: from several sources."),
}


def gap_card(feature: Feature, look: Look, reader: Reader) -> GapCard:
    """Tell one row of coverage."""
    p = feature["properties"]
    told = Reasons(p, look.subject, look.policy, look.places)
    counted = look.subject.volunteers
    known = p["covered"] is not None and not counted
    parts = _parts(p, reader) if known else []
    return GapCard(
        id=p["neighbourhood"],
        name=p["name"],
        title=look.subject.title(reader),
        when=_when(look, reader),
        since=since_words(look.since, look.run, reader) if look.since else [],
        sentences=_volunteers(p, reader) if counted else sentences(told, reader),
        help=help_words(told, reader) if known else "",
        loss=loss_words(told, reader) if known else "",
        score=reader.number(p["gap"]) if parts else "",
        share=share_words(p, reader) if known else "",
        parts=parts,
        lines=_lines(p, look.policy, reader) if parts else [],
        lists=_lists(told, reader) if known else [],
        facts=_facts(p, reader) if known else [],
        groups=_groups(p, reader) if known else [],
        doubts=doubts(p, look.policy, look.run.walks, reader),
        source=_source(p, look.run, reader) if known else "",
        policy=[] if counted else policy_facts(look.run, look.subject, reader),
        schematic=p["schematic"],
    )


def _when(look: Look, reader: Reader) -> str:
    """Tell of when the figures are; numbers of volunteers follow the calculations, not each change."""
    if look.subject.volunteers and look.run.live:
        return reader.say("counted at the latest calculation")
    return when(look.run, reader)


def _volunteers(p: Properties, reader: Reader) -> list[str]:
    lines = volunteers(p, reader)
    if p["residents"] is not None and p["residents"] < FEWEST_RESIDENTS:
        count = reader.number(FEWEST_RESIDENTS)
        lines.append(reader.say("Fewer than %(count)s people live here: shares say little.", {"count": count}))
    return lines


def _parts(p: Properties, reader: Reader) -> list[Part]:
    """Part the residents into the five classes, from served to none, together 100. Empty of a run that had none."""
    if p["gap"] is None:
        return []
    people = [(key, p[f"people_{key}"]) for key in reversed(CLASSES)]
    total = sum(count for _, count in people) or 1.0
    widths = [100 * count / total for _, count in people]
    starts = accumulate(widths, initial=0.0)
    return [
        Part(key, round(start, 2), round(width, 2), f"{class_name(key, reader)} {reader.number(count)}")
        for (key, count), width, start in zip(people, widths, starts, strict=False)
        if round(count)
    ]


def _lines(p: Properties, policy: Policy, reader: Reader) -> list[Line]:
    """Show how the gap score is made: of each class that holds somebody, people × weight."""
    return [
        Line(
            class_name(key, reader),
            reader.number(p[f"people_{key}"]),
            reader.decimal(severity),
            reader.number(severity * p[f"people_{key}"]),
        )
        for key, severity in zip(CLASSES, policy.severity, strict=True)
        if round(p[f"people_{key}"])
    ]


def _lists(told: Reasons, reader: Reader) -> list[Listed]:
    def people(places: list[Place], text: str) -> list[tuple[Place, str]]:
        return [
            (place, reader.say(text, {"count": reader.number(place.people)})) for place in places if round(place.people)
        ]

    lists = [
        Listed(
            reader.say("These carry the neighbourhood"),
            people(told.named("carriers"), message("%(count)s residents within reach")),
            closes=True,
        ),
        Listed(
            reader.say("Closing this would hurt most"),
            people(told.named("fragile"), message("%(count)s residents would lose theirs")),
            closes=True,
        ),
        Listed(
            reader.say("Checking this would tell most"),
            people(told.named("checks"), message("certainty for %(count)s residents")),
            closes=False,
        ),
    ]
    return [each for each in lists if each.places]


def _facts(p: Properties, reader: Reader) -> list[Fact]:
    facts = [_walk(p, reader), _choice(p, reader), _open(p, reader), _room(p, reader)]
    if p["certain_share"] is not None:
        words = reader.say("%(share)s certain to have one", {"share": reader.percent(p["certain_share"])})
        facts.append(Fact(reader.say("Certainty"), [words]))
    return [fact for fact in facts if fact.lines]


def _walk(p: Properties, reader: Reader) -> Fact:
    texts = {
        "median_m": message("half live nearer than %(distance)s"),
        "p90_m": message("nine in ten live nearer than %(distance)s"),
    }
    lines = [
        reader.say(text, {"distance": reader.distance(p[name])}) for name, text in texts.items() if p[name] is not None
    ]
    return Fact(reader.say("Distance"), lines)


def _choice(p: Properties, reader: Reader) -> Fact:
    if p["assets_in_reach"] is None:
        return Fact(reader.say("Within reach"), [])
    lines = [reader.say_many("%(count)s place", "%(count)s places", p["assets_in_reach"])]
    if p["assets_across_border"]:
        lines[0] += reader.say_many(
            ", of which %(count)s across the border",
            ", of which %(count)s across the border",
            p["assets_across_border"],
        )
    if p["fragile_share"]:
        share = reader.percent(p["fragile_share"])
        lines.append(reader.say("%(share)s of the residents have just one", {"share": share}))
    return Fact(reader.say("Within reach"), lines)


def _open(p: Properties, reader: Reader) -> Fact:
    lines = []
    if p["open_hours"] is not None:
        lines.append(reader.say("on average %(hours)s a week", {"hours": reader.hours(p["open_hours"])}))
    if p["open_hours"] and p["worst_part"] is not None and p["worst_part_share"] < p["covered_share"]:
        values = {"part": day_part(p["worst_part"], reader), "share": reader.percent(p["worst_part_share"])}
        lines.append(reader.say("least on %(part)s: %(share)s find one open", values))
    return Fact(reader.say("Hours open"), lines)


def _room(p: Properties, reader: Reader) -> Fact:
    lines = []
    if p["per_1000"] is not None:
        lines.append(reader.say("%(number)s places per 1,000 residents", {"number": reader.tenths(p["per_1000"])}))
    if p["crowding"] is not None:
        lines.append(reader.say("%(number)s residents per place", {"number": reader.number(p["crowding"])}))
    return Fact(reader.say("Places"), lines)


def _groups(p: Properties, reader: Reader) -> list[Fact]:
    """Tell the share within reach of each group that is known, beside that of everyone."""
    told = {group: (p["groups"] or {}).get(group) for group in GROUPS if group != EVERYONE}
    known = {group: values for group, values in told.items() if values and values["covered_share"] is not None}
    if not known:
        return []
    everyone = Fact(group_name(EVERYONE, reader), [reader.percent(p["covered_share"])])
    return [everyone, *(_group(group, values, reader) for group, values in known.items())]


def _group(group: str, told: Mapping[str, float], reader: Reader) -> Fact:
    values = {"share": reader.percent(told["covered_share"]), "count": reader.number(told["residents"])}
    return Fact(group_name(group, reader), [reader.say("%(share)s of %(count)s", values)])


def _source(p: Properties, run: Run, reader: Reader) -> str:
    source = _SOURCES.get(p["demand_source"] or "")
    return reader.say(source, {"lattice": reader.distance(run.lattice_m)}) if source else ""
