"""What is looked at on the map of gaps, and for whom; and how its figures read when several of them are told."""

import re
from typing import Any, NamedTuple

from geo.vocabulary import KINDS, SERVICES
from maps.reader import Reader, message

Properties = dict[str, Any]

FEWEST_RESIDENTS = 50  # below this a neighbourhood is grey: a share of so few people says little
EVERYONE = "everyone"
UNIT = re.compile(r"[^\d.,]+$")  # at the end of a figure that was written

_ONE_OF = {
    "community_room": message("a community room"),
    "initiative": message("a citizen initiative"),
    "care_location": message("a care location"),
}
# A group of residents: its name, the head of its column, and how it is named inside a sentence.
GROUPS = {
    EVERYONE: (message("Everyone"), message("Everyone"), message("all residents")),
    "residents_65": (message("Aged 65 and over"), message("65+"), message("people of 65 and over")),
    "one_person_households": (
        message("People living alone"),
        message("Living alone"),
        message("people who live alone"),
    ),
    "children": (message("Children up to 15"), message("Children"), message("children")),
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


def group_name(group: str, reader: Reader) -> str:
    """Name a group of residents in a list of choices."""
    return reader.say(GROUPS[group][0])


def group_head(group: str, reader: Reader) -> str:
    """Name a group at the head of a narrow column."""
    return reader.say(GROUPS[group][1])


def group_within(group: str, reader: Reader) -> str:
    """Name a group inside a sentence."""
    return reader.say(GROUPS[group][2])


def without(share: float) -> float:
    """Give what a share leaves, without the dust of binary fractions."""
    return max(0.0, round(1.0 - float(share), 9))


def span(low: str, high: str) -> str:
    """Write two figures as a range, with their unit once: 41–76%, 400–800 m."""
    unit = UNIT.search(high)
    same = low.endswith(unit[0]) if unit else True
    return f"{low.removesuffix(unit[0]) if unit else low}–{high}" if same else f"{low} – {high}"
