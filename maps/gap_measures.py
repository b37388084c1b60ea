"""By what the map of gaps can be coloured, in which classes, and what the legend says of them."""

import math
from itertools import pairwise
from typing import NamedTuple

from maps.gap_figures import FIGURES, hidden, value_of
from maps.gap_words import EVERYONE, FEWEST_RESIDENTS, Properties, Subject, group_within, span
from maps.reader import Reader, message

UNKNOWN, FEW = "unknown", "few"
VOLUNTEERS = "volunteers"  # the one measure of people who are counted and not measured


class Measure(NamedTuple):
    """One way to look at the map.

    title    how it is called among the choices
    about    what it tells, after the name of the subject; `%(norm)s` and `%(group)s` are filled in
    legend   the head of the legend
    said     how the figure of one neighbourhood is told; `%(figure)s` is filled in
    figure   the figure that colours, as `gap_figures` calls it
    cuts     where a darker class begins, lightest first
    columns  the figures of the ranking
    unknown  why a neighbourhood can be without
    """

    title: str
    about: str
    legend: str
    said: str
    figure: str
    cuts: tuple[float, ...]
    columns: tuple[str, ...]
    unknown: str = message("unknown")


SHARE_CUTS = (0.10, 0.25, 0.50, 0.75)
REACH_CUTS = (0.90, 0.75, 0.50, 0.25)

MEASURES: dict[str, Measure] = {
    "gap": Measure(
        message("Gap score"),
        message("gap score, from 0 (everybody well served) to 100 (nobody)"),
        message("Gap score, 0 to 100"),
        message("gap score %(figure)s"),
        "gap", (10, 25, 50, 75), ("gap", "uncovered", "certain"),
    ),
    "uncovered": Measure(
        message("Residents beyond reach"),
        message("%(group)s farther than %(norm)s on foot"),
        message("Share beyond reach"),
        message("%(figure)s beyond reach"),
        "share", SHARE_CUTS, ("uncovered", "share", "nearest"),
    ),
    "covered": Measure(
        message("Share within reach"),
        message("share of %(group)s within %(norm)s on foot"),
        message("Share within reach"),
        message("%(figure)s within reach"),
        "covered", REACH_CUTS, ("covered", "uncovered", "nearest"),
    ),
    "choice": Measure(
        message("Choice"),
        message("how many there are within %(norm)s on foot, on average"),
        message("How many to choose from"),
        message("%(figure)s to choose from"),
        "choice", (3, 2, 1, 0.5), ("choice", "fragile", "uncovered"),
    ),
    "supply": Measure(
        message("Places per 1,000"),
        message("places per 1,000 residents, shared with all who can walk there"),
        message("Places per 1,000 residents"),
        message("%(figure)s places per 1,000"),
        "supply", (40, 20, 10, 5), ("supply", "crowding", "uncovered"),
    ),
    "crowding": Measure(
        message("Crowding"),
        message("residents per place, where one is within reach"),
        message("Residents per place"),
        message("%(figure)s residents per place"),
        "crowding", (25, 50, 100, 200), ("crowding", "supply", "uncovered"),
        message("nothing within reach, or its size not known"),
    ),
    "certain": Measure(
        message("Certainty"),
        message("how certain it is that there still is one within reach"),
        message("How certain"),
        message("%(figure)s certain"),
        "certain", REACH_CUTS, ("certain", "covered", "uncovered"),
    ),
    "open": Measure(
        message("Hours open"),
        message("hours a week that one within reach is open, on average"),
        message("Hours open a week"),
        message("%(figure)s a week"),
        "open", (40, 20, 10, 4), ("open", "worst", "uncovered"),
    ),
    "worst": Measure(
        message("Worst moment of the week"),
        message("share that has one open within reach in the part of the week when fewest do"),
        message("Share that finds one open"),
        message("%(figure)s at the worst moment"),
        "worst", REACH_CUTS, ("worst", "open"),
    ),
    "nearest": Measure(
        message("Walk of half the residents"),
        message("half of all residents walk less than this"),
        message("Half walk less than"),
        message("half within %(figure)s"),
        "nearest", (400, 800, 1200, 1600), ("nearest", "far", "uncovered"),
    ),
    "far": Measure(
        message("Walk of nine in ten"),
        message("nine in ten residents walk less than this"),
        message("Nine in ten walk less than"),
        message("nine in ten within %(figure)s"),
        "far", (400, 800, 1200, 1600), ("far", "nearest", "uncovered"),
    ),
    VOLUNTEERS: Measure(
        message("Volunteers per 1,000"),
        message("for every 1,000 residents; fewer than 15 are not told"),
        message("Volunteers per 1,000 residents"),
        message("%(figure)s per 1,000"),
        "per_1000", (20, 10, 5, 2), ("per_1000", "volunteers"),
        message("fewer than 15 volunteers, or unknown"),
    ),
}  # fmt: skip

# Of a group of residents only this is known: whether they have one nearby.
OF_GROUPS: dict[str, Measure] = {
    "uncovered": MEASURES["uncovered"]._replace(
        figure="group_share",
        columns=("group_uncovered", "group_share", "share"),
        unknown=message("not known of this group"),
    ),
    "covered": MEASURES["covered"]._replace(
        figure="group_covered",
        columns=("group_covered", "covered", "group_uncovered"),
        unknown=message("not known of this group"),
    ),
}


class Shown(NamedTuple):
    """The measure that is shown, of which group. Made by `shown`, so that the two always go together."""

    key: str
    group: str

    @property
    def measure(self) -> Measure:
        """Give the measure as it is of this group."""
        return MEASURES[self.key] if self.group == EVERYONE else OF_GROUPS[self.key]


class Band(NamedTuple):
    """One class of the legend: its key (0 is lightest), and what it holds, in words."""

    key: str
    words: str


def shown(subject: Subject, measure: str, group: str) -> Shown:
    """Choose what can be shown nearest to what is asked; volunteers are counted only, groups only found or not."""
    if subject.volunteers:
        return Shown(VOLUNTEERS, EVERYONE)
    key = "gap" if measure == VOLUNTEERS else measure
    return Shown(key if group == EVERYONE or key in OF_GROUPS else "covered", group)


def band_of(p: Properties, of: Shown) -> str:
    """Give the key of the class in which a neighbourhood falls."""
    if p["residents"] is not None and p["residents"] < FEWEST_RESIDENTS:
        return FEW
    figure = FIGURES[of.measure.figure]
    value = value_of(of.measure.figure, p, of.group)
    if value is None:
        return UNKNOWN
    return str(sum(value < cut if figure.falls else value >= cut for cut in of.measure.cuts))


def bands(of: Shown, reader: Reader) -> list[Band]:
    """Give the classes as the legend tells them, lightest first."""
    measure = of.measure
    figure = FIGURES[measure.figure]
    write = Reader.decimal if figure.write is Reader.tenths else figure.write
    cuts = [write(reader, cut) for cut in measure.cuts]
    inner = [span(low, high) for low, high in (sorted_pair(pair, figure.falls) for pair in pairwise(cuts))]
    low = reader.say("less than %(to)s", {"to": cuts[-1] if figure.falls else cuts[0]})
    high = reader.say("%(from)s or more", {"from": cuts[0] if figure.falls else cuts[-1]})
    words = [high, *inner, low] if figure.falls else [low, *inner, high]
    few = reader.say("fewer than %(count)s residents", {"count": FEWEST_RESIDENTS})
    known = [Band(str(number), text) for number, text in enumerate(words)]
    return [*known, Band(UNKNOWN, reader.say(measure.unknown)), Band(FEW, few)]


def sorted_pair(pair: tuple[str, str], falls: bool) -> tuple[str, str]:
    """Put the lower of two limits first."""
    return (pair[1], pair[0]) if falls else pair


def about(of: Shown, norm: str, reader: Reader) -> str:
    """Tell what the measure tells."""
    return reader.say(of.measure.about, {"norm": norm, "group": group_within(of.group, reader)})


def value_words(p: Properties, of: Shown, reader: Reader) -> str:
    """Give the one figure by which a neighbourhood is coloured, with its unit."""
    value = value_of(of.measure.figure, p, of.group)
    if value is None:
        return reader.say("fewer than 15") if hidden(p) else reader.say("unknown")
    if value == math.inf:
        return reader.say("none within reach")
    return reader.say(of.measure.said, {"figure": FIGURES[of.measure.figure].write(reader, value)})
