"""The page of residents: a map and an equal list of what there is, and the card of one place or activity."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from geo.vocabulary import SERVICES, TARGET_GROUPS
from maps import linked
from maps.cards import Card, activity_card, place_card
from maps.frame import Frame, render
from maps.layers import resident_map
from maps.rows import SHOWN, Feature, Row, row_of


class Choice(NamedTuple):
    """One option of a filter."""

    value: str
    label: str
    chosen: bool


class Asked(NamedTuple):
    """What the visitor filled in. Empty means: no matter."""

    q: str = ""
    kinds: tuple[str, ...] = ()
    service: str = ""
    neighbourhood: str = ""
    when: str = "any"

    @property
    def anything(self) -> bool:
        """Say whether any filter is set."""
        return self != Asked()


class Turning(NamedTuple):
    """The addresses of the list's other pages; empty where there is none."""

    previous: str
    next: str


class Listing(NamedTuple):
    """What was found: one page of features, how many there are in all, and where the map fetches the same."""

    features: Sequence[Feature]
    total: int
    today: date
    turning: Turning
    sources: Mapping[str, str]  # "assets", "activities", "outlines" → address of GeoJSON; missing when filtered out
    neighbourhoods: Sequence[tuple[str, str]]  # (id, name), for the filter
    schematic: bool


def resident_page(frame: Frame, asked: Asked, listing: Listing) -> str:
    """Set the whole page: filters, list and the empty map that fetches its pins."""
    reader = frame.reader
    rows = [row_of(feature, listing.today, reader) for feature in listing.features]
    placed, unplaced = placed_first(rows)
    services = sorted((term.label(reader.language), key) for key, term in SERVICES.items())
    values = {
        "groups": {key: term.label(frame.reader.language) for key, term in TARGET_GROUPS.items()},
        "parts": resident_map(),
        "asked": asked,
        "listing": listing,
        "placed": placed,
        "unplaced": unplaced,
        "kinds": [Choice(key, term.label(reader.language), key in asked.kinds) for key, term in SHOWN.items()],
        "services": [Choice(key, label, key == asked.service) for label, key in services],
        "neighbourhoods": [Choice(key, name, key == asked.neighbourhood) for key, name in listing.neighbourhoods],
        "whens": [
            Choice("any", reader.say("Any day"), asked.when == "any"),
            Choice("today", reader.say("Today"), asked.when == "today"),
            Choice("week", reader.say("This week"), asked.when == "week"),
        ],
    }
    return render("resident.html", frame, values)


def placed_first(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Part the rows that stand on the map from those without a place of their own; each keeps its order."""
    return [row for row in rows if row.lon is not None], [row for row in rows if row.lon is None]


def place_page(frame: Frame, feature: Feature, activities: Sequence[Feature], today: date, root: str) -> str:
    """Set the card of one place as a page of its own, with the activities there. `root` is the service's address."""
    rows = [row_of({**activity, "collection": "activities"}, today, frame.reader) for activity in activities]
    told = linked.of_place(feature, f"{root}/places/{feature['id']}", frame.reader)
    return _card_page(frame, place_card(feature, today, frame.reader), rows, told)


def activity_page(frame: Frame, feature: Feature, host: Feature | None, today: date, root: str) -> str:
    """Set the card of one activity as a page of its own; `host` is the asset where it is, `root` as for a place."""
    told = linked.of_activity(feature, host, f"{root}/activities/{feature['id']}", frame.reader)
    return _card_page(frame, activity_card(feature, today, frame.reader), [], told)


def _card_page(frame: Frame, card: Card, activities: Sequence[Row], told: linked.Told) -> str:
    return render("card.html", frame, {"card": card, "activities": activities, "linked": linked.written(told)})
