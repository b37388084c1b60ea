"""The card of one neighbourhood: why it is coloured as it is, in sentences a council member can repeat."""

from typing import Any, NamedTuple

from maps.cards import Fact
from maps.gap_words import FEWEST_RESIDENTS, Subject
from maps.reader import Reader
from maps.rows import Feature

Properties = dict[str, Any]


class Part(NamedTuple):
    """One part of the bar of residents: its key, where it starts and how wide it is (of 100), and its words."""

    key: str
    start: float
    width: float
    words: str


class GapCard(NamedTuple):
    """What is said of one neighbourhood and one subject. `parts` is empty where nothing could be reckoned."""

    id: str
    name: str
    title: str
    sentences: list[str]
    parts: list[Part]
    facts: list[Fact]
    schematic: bool


def gap_card(feature: Feature, subject: Subject, norm_m: float, reader: Reader) -> GapCard:
    """Tell one row of coverage."""
    p = feature["properties"]
    known = p["covered"] is not None and not subject.volunteers
    if subject.volunteers:
        sentences = _volunteers(p, reader)
    elif known:
        sentences = _reach(p, subject, norm_m, reader)
    else:
        sentences = [reader.say("How many people live here is not known, so nothing can be calculated.")]
    if p["residents"] is not None and p["residents"] < FEWEST_RESIDENTS:
        count = reader.number(FEWEST_RESIDENTS)
        sentences.append(reader.say("Fewer than %(count)s people live here: shares say little.", {"count": count}))
    return GapCard(
        id=p["neighbourhood"],
        name=p["name"],
        title=subject.title(reader),
        sentences=sentences,
        parts=_parts(p, reader) if known else [],
        facts=_facts(p, reader) if known else [],
        schematic=p["schematic"],
    )


def _reach(p: Properties, subject: Subject, norm_m: float, reader: Reader) -> list[str]:
    residents, beyond = round(p["residents"]), round(p["uncovered"])
    values = {
        "beyond": reader.number(beyond),
        "residents": reader.number(residents),
        "norm": reader.distance(norm_m),
        "one": subject.one(reader),
    }
    if beyond == 0:
        told = reader.say("All %(residents)s residents live within %(norm)s on foot of %(one)s.", values)
    elif beyond == residents:
        told = reader.say("None of the %(residents)s residents lives within %(norm)s on foot of %(one)s.", values)
    else:
        told = reader.say(
            "%(beyond)s of %(residents)s residents live farther than %(norm)s on foot from %(one)s.", values
        )
    return [told, *_nearest(p, beyond, reader), *_catchment(p, reader)]


def _nearest(p: Properties, beyond: int, reader: Reader) -> list[str]:
    if p["nearest_m"] is None:
        return [reader.say("There is none on the map.")]
    if p["nearest_name"] is None:  # gone since the run
        return [
            reader.say("The nearest is typically %(distance)s away.", {"distance": reader.distance(p["nearest_m"])})
        ]
    values = {"name": p["nearest_name"], "distance": reader.distance(p["nearest_m"])}
    if beyond:
        return [reader.say("For most of them the nearest is %(name)s, typically %(distance)s away.", values)]
    return [reader.say("For most the nearest is %(name)s, typically %(distance)s away.", values)]


def _catchment(p: Properties, reader: Reader) -> list[str]:
    count = round(p["covered_by_catchment"] or 0)
    if not count:
        return []
    return [
        reader.say_many(
            "%(count)s resident counts as reached only because something without an address works for this area.",
            "%(count)s residents count as reached only because something without an address works for this area.",
            count,
        )
    ]


def _volunteers(p: Properties, reader: Reader) -> list[str]:
    if p["volunteers"] is None:
        return [reader.say("Fewer than 10 volunteers are known here; so few are not counted out loud.")]
    told = reader.say_many(
        "About %(count)s volunteer is known here.", "About %(count)s volunteers are known here.", p["volunteers"]
    )
    rounded = reader.say("Numbers are rounded to 5, and distances are not measured: volunteers are people.")
    if p["per_1000"] is None:
        return [told, rounded]
    return [
        told,
        reader.say("That is %(number)s per 1,000 residents.", {"number": reader.tenths(p["per_1000"])}),
        rounded,
    ]


def _parts(p: Properties, reader: Reader) -> list[Part]:
    """Part the residents into reached, reached through an area served, and beyond; in that order, together 100."""
    total = p["residents"] or 1
    served = p["covered_by_catchment"] or 0
    people = [("reached", p["covered"] - served), ("served", served), ("beyond", p["uncovered"])]
    words = {
        "reached": reader.say("within reach"),
        "served": reader.say("served without an address"),
        "beyond": reader.say("beyond reach"),
    }
    parts, start = [], 0.0
    for key, count in people:
        width = 100 * max(0.0, count) / total
        if count >= 0.5:
            parts.append(Part(key, round(start, 2), round(width, 2), f"{words[key]} {reader.number(count)}"))
        start += width
    return parts


def _facts(p: Properties, reader: Reader) -> list[Fact]:
    facts = []
    if p["median_m"] is not None:
        half = reader.say("half live nearer than %(distance)s", {"distance": reader.distance(p["median_m"])})
        facts.append(Fact(reader.say("Distance"), [half]))
    if p["assets_in_reach"] is not None:
        lines = [reader.say_many("%(count)s place", "%(count)s places", p["assets_in_reach"])]
        if p["assets_across_border"]:
            lines[0] += reader.say_many(
                ", of which %(count)s across the border",
                ", of which %(count)s across the border",
                p["assets_across_border"],
            )
        facts.append(Fact(reader.say("In reach"), lines))
    return facts
