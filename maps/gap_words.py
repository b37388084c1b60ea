"""What the figures of a coverage run say, in words; and the classes in which a map of gaps is coloured."""

from itertools import pairwise
from typing import Any, NamedTuple

from geo.vocabulary import KINDS, SERVICES
from maps.reader import Reader, message

Properties = dict[str, Any]

FEWEST_RESIDENTS = 50  # below this a neighbourhood is grey: a share of so few people says little
CUTS = (0.10, 0.25, 0.50, 0.75)  # shares beyond the norm at which a darker class begins, the same for every subject
VOLUNTEER_CUTS = (20.0, 10.0, 5.0, 2.0)  # volunteers per 1,000 residents below which a darker class begins

UNKNOWN, FEW = "unknown", "few"

_ONE_OF = {
    "community_room": message("a community room"),
    "initiative": message("a citizen initiative"),
    "care_location": message("a care location"),
}


class Subject(NamedTuple):
    """What is mapped: a kind of asset or a service; volunteers may have both."""

    kind: str | None
    service: str | None

    @property
    def volunteers(self) -> bool:
        """Say whether people are counted instead of distances measured."""
        return self.kind == "volunteer"

    def title(self, reader: Reader) -> str:
        """Name the subject: Buurtkamer, Maaltijden, or Vrijwilligers · Maaltijden."""
        kind = KINDS[self.kind].label(reader.language) if self.kind else ""
        service = SERVICES[self.service].label(reader.language) if self.service else ""
        return " · ".join(word for word in (reader.say("Volunteers") if self.volunteers else kind, service) if word)

    def one(self, reader: Reader) -> str:
        """Name one of them within a sentence: een buurtkamer, or een plek voor maaltijden."""
        if self.service:
            label = SERVICES[self.service].label(reader.language)
            return reader.say("a place for %(service)s", {"service": label[0].lower() + label[1:]})
        return reader.say(_ONE_OF[str(self.kind)])


class Band(NamedTuple):
    """One class of the legend: its key (0 is lightest), and what it holds, in words."""

    key: str
    words: str


def band_of(p: Properties) -> str:
    """Give the key of the class in which a neighbourhood falls."""
    if p["residents"] is not None and p["residents"] < FEWEST_RESIDENTS:
        return FEW
    if p["kind"] == "volunteer":
        if p["per_1000"] is None:
            return UNKNOWN
        return str(sum(p["per_1000"] < cut for cut in VOLUNTEER_CUTS))
    share = beyond(p)
    return UNKNOWN if share is None else str(sum(share >= cut for cut in CUTS))


def beyond(p: Properties) -> float | None:
    """Give the share of residents beyond the norm, 0 to 1; None where residents are unknown or none."""
    return None if p["covered_share"] is None else max(0.0, round(1.0 - float(p["covered_share"]), 9))


def bands(subject: Subject, reader: Reader) -> list[Band]:
    """Give the classes as the legend tells them, lightest first."""
    if subject.volunteers:
        cuts = [reader.number(cut) for cut in VOLUNTEER_CUTS]
        words = [reader.say("%(from)s or more", {"from": cuts[0]})]
        words += [f"{low} – {high}" for high, low in pairwise(cuts)]
        words += [reader.say("fewer than %(to)s", {"to": cuts[-1]})]
        unknown = reader.say("fewer than 10 volunteers, or unknown")
    else:
        edges = [0, *(round(cut * 100) for cut in CUTS), 100]
        words = [f"{low} – {high}%" for low, high in pairwise(edges)]
        unknown = reader.say("unknown")
    known = [Band(str(number), text) for number, text in enumerate(words)]
    return [
        *known,
        Band(UNKNOWN, unknown),
        Band(FEW, reader.say("fewer than %(count)s residents", {"count": FEWEST_RESIDENTS})),
    ]


def value_words(p: Properties, reader: Reader) -> str:
    """Give the one figure by which a neighbourhood is coloured, with its unit."""
    if p["kind"] == "volunteer":
        if p["volunteers"] is None:
            return reader.say("fewer than 10")
        if p["per_1000"] is None:
            return reader.say("unknown")
        return reader.say("%(number)s per 1,000", {"number": reader.tenths(p["per_1000"])})
    share = beyond(p)
    return reader.say("unknown") if share is None else reader.percent(share)
