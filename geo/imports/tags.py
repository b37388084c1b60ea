"""Which OpenStreetMap tags may be a neighbourhood's asset, and what they say of it: a judgement, and a person decides.

An asset is a place or a group that people of a neighbourhood can lean on together. So a place to meet, to be helped or
cared for near home is a candidate; what everybody already finds by its trade (shops, dentists), what only treats by
appointment, and what must not be found (shelters) is none. A wrong candidate costs somebody one click; a missing one
is never seen. Where a tag does not say what happens in a place, no service is guessed: whoever accepts it adds them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from geo import checks, hours
from geo.imports.streets import POSTCODE
from geo.vocabulary import ACCESSIBILITY, SERVICES, Kind

ROOM, INITIATIVE, CARE = Kind.community_room, Kind.initiative, Kind.care_location
Tags = Mapping[str, str]
Tag = tuple[str, str]


class Fits(NamedTuple):
    """What a tag says of an asset; the themes of its services need not be named."""

    kind: Kind
    services: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()


# The first that an element has counts: what says more stands before what says less.
ASSETS: dict[Tag, Fits] = {
    # Social facilities, by what they do. Housing with care is a place where a neighbourhood's older people live, and
    # its restaurant and rooms are often open to the street.
    ("social_facility", "soup_kitchen"): Fits(INITIATIVE, ("meals",)),
    ("social_facility", "food_bank"): Fits(INITIATIVE, ("groceries",), ("eat",)),
    ("social_facility", "clothing_bank"): Fits(INITIATIVE, themes=("home",)),
    ("social_facility", "workshop"): Fits(CARE, ("day_activities",)),
    ("social_facility", "day_care"): Fits(CARE, ("day_care",)),
    ("social_facility", "ambulatory_care"): Fits(CARE, ("personal_care",)),
    ("social_facility", "outreach"): Fits(CARE, ("care_coordination",)),  # also tagged on street work
    ("social_facility", "assisted_living"): Fits(CARE, ("care_housing",)),
    ("social_facility", "group_home"): Fits(CARE, ("care_housing",)),
    ("social_facility", "nursing_home"): Fits(CARE, ("care_housing", "nursing"), target_groups=("older_people",)),
    ("social_facility", "respite_care"): Fits(CARE, ("respite",), target_groups=("caring_for_another",)),
    ("social_facility", "hospice"): Fits(CARE, ("nursing",)),
    ("amenity", "nursing_home"): Fits(CARE, ("care_housing", "nursing"), target_groups=("older_people",)),  # older tag
    ("amenity", "retirement_home"): Fits(CARE, ("care_housing",), target_groups=("older_people",)),  # older tag
    ("amenity", "food_bank"): Fits(INITIATIVE, ("groceries",), ("eat",)),
    ("amenity", "food_sharing"): Fits(INITIATIVE, themes=("eat",)),
    ("amenity", "social_facility"): Fits(CARE),  # of no kind that is told
    # Rooms to meet. A church is one: most have a room, coffee and somebody who knows the street.
    ("amenity", "community_centre"): Fits(ROOM, ("meeting",)),
    ("amenity", "social_centre"): Fits(ROOM, ("meeting",)),
    ("amenity", "youth_centre"): Fits(ROOM, ("meeting",), target_groups=("young_people",)),
    ("amenity", "social_club"): Fits(INITIATIVE, ("meeting",)),
    ("amenity", "library"): Fits(ROOM, themes=("learn", "meet")),  # help with language or papers is no tag
    ("amenity", "toy_library"): Fits(INITIATIVE, themes=("meet",), target_groups=("families",)),
    ("amenity", "place_of_worship"): Fits(ROOM, themes=("meet",)),
    # Care at the scale of a neighbourhood: who is asked first, and who comes home.
    ("amenity", "doctors"): Fits(CARE, themes=("care",)),
    ("amenity", "clinic"): Fits(CARE, themes=("care",)),
    ("amenity", "health_centre"): Fits(CARE, themes=("care",)),  # older tag
    ("healthcare", "doctor"): Fits(CARE, themes=("care",)),
    ("healthcare", "clinic"): Fits(CARE, themes=("care",)),
    ("healthcare", "centre"): Fits(CARE, themes=("care",)),
    ("healthcare", "nurse"): Fits(CARE, ("nursing",)),
    ("healthcare", "community_health_worker"): Fits(CARE, ("care_coordination",)),
    ("healthcare", "home_care"): Fits(CARE, ("personal_care",)),
    ("healthcare", "hospice"): Fits(CARE, ("nursing",)),
    # People who do something together.
    ("club", "senior"): Fits(INITIATIVE, ("meeting",), target_groups=("older_people",)),
    ("club", "elderly"): Fits(INITIATIVE, ("meeting",), target_groups=("older_people",)),
    ("club", "social"): Fits(INITIATIVE, ("meeting",)),
    ("club", "community"): Fits(INITIATIVE, ("meeting",)),
    ("club", "charity"): Fits(INITIATIVE, themes=("meet",)),
    ("club", "ethnic"): Fits(INITIATIVE, themes=("meet",)),
    ("club", "immigrant"): Fits(INITIATIVE, themes=("meet",), target_groups=("newcomers",)),
    ("club", "women"): Fits(INITIATIVE, themes=("meet",)),
    ("club", "youth"): Fits(INITIATIVE, themes=("meet",), target_groups=("young_people",)),
    ("club", "scout"): Fits(INITIATIVE, themes=("meet",), target_groups=("young_people",)),
    ("club", "music"): Fits(INITIATIVE, themes=("meet",)),
    ("club", "culture"): Fits(INITIATIVE, themes=("meet",)),
    ("club", "gardening"): Fits(INITIATIVE, themes=("meet",)),
    ("garden:type", "community"): Fits(INITIATIVE, themes=("meet", "move")),
    ("office", "association"): Fits(INITIATIVE, themes=("meet",)),  # a trade's association too: dismiss it
    ("office", "charity"): Fits(INITIATIVE, themes=("meet",)),
    ("office", "ngo"): Fits(INITIATIVE, themes=("meet",)),
}

# Some of those who live there are looked for: their address is not ours to show, whatever else is tagged.
NEVER: dict[Tag, str] = {
    ("social_facility", "shelter"): "a shelter: who stays there must not be found by this map",
    ("social_facility", "housing"): "homes of people: who lives there must not be found by this map",
    ("social_facility:for", "abused"): "for people who were abused: they must not be found by this map",
    ("social_facility:for", "victim"): "for victims: they must not be found by this map",
    ("access", "no"): "closed to everybody",
}

# Near enough to be expected here, and counted, so that nobody wonders where they are.
OTHERS: dict[Tag, str] = {
    ("amenity", "pharmacy"): "found by its trade",
    ("amenity", "dentist"): "treats by appointment",
    ("healthcare", "dentist"): "treats by appointment",
    ("healthcare", "physiotherapist"): "treats by appointment",
    ("healthcare", "psychotherapist"): "treats by appointment",
    ("healthcare", "alternative"): "treats by appointment",
    ("amenity", "hospital"): "serves a region, not a neighbourhood",
    ("amenity", "childcare"): "a place that is paid for and has a waiting list, not neighbours who mind a child",
    ("amenity", "kindergarten"): "a place that is paid for and has a waiting list, not neighbours who mind a child",
    ("amenity", "public_bookcase"): "a thing: nobody can be met there or asked",
    ("club", "sport"): "for its members, at their field",
    ("leisure", "fitness_centre"): "found by its trade",
    ("leisure", "sports_centre"): "for its members, or found by its trade",
}

TARGET_GROUPS = {
    "senior": "older_people", "elderly": "older_people", "dementia": "dementia", "disabled": "disability",
    "handicapped": "disability", "migrant": "newcomers", "immigrant": "newcomers", "refugee": "newcomers",
    "child": "families", "family": "families", "juvenile": "young_people", "youth": "young_people",
    "student": "young_people", "carer": "caring_for_another",
}  # fmt: skip
FOR = ("social_facility:for", "community_centre:for", "club:for")
SITES = ("website", "contact:website", "url")
LONGEST = 200  # characters of one value
UNNAMED = "without a name"


def wanted() -> list[Tag]:
    """Give every tag for which an element is worth a look."""
    return [*ASSETS, *OTHERS]


def why_not(tags: Tags) -> str | None:
    """Say why an element is no candidate; None where it is one."""
    if never := next((why for (key, value), why in NEVER.items() if value in parts(tags, key)), None):
        return never
    if fits(tags) is None:
        return next((f"{key}={value}: {why}" for (key, value), why in OTHERS.items() if tags.get(key) == value), "")
    return None if said(tags, "name") else UNNAMED


def fits(tags: Tags) -> Fits | None:
    """Find what an element may be; None where it is nothing that the table holds."""
    return next((found for (key, value), found in ASSETS.items() if tags.get(key) == value), None)


def values(tags: Tags) -> dict[str, Any]:
    """Make the values of an asset from the tags of a candidate; what is not told, or not readable, is left out."""
    asset = fits(tags)
    if asset is None:
        raise ValueError("is no candidate")
    broader = [SERVICES[service].broader for service in asset.services]
    groups = [TARGET_GROUPS[each] for key in FOR for each in parts(tags, key) if each in TARGET_GROUPS]
    operator = said(tags, "operator")
    given = {
        "kind": asset.kind,
        "name": said(tags, "name"),
        "services": list(asset.services),
        "themes": list(dict.fromkeys([*asset.themes, *filter(None, broader)])) or _theme(asset.kind),
        "target_groups": list(dict.fromkeys([*asset.target_groups, *groups])),
        "accessibility": accessibility(tags),
        "address": " ".join(filter(None, (said(tags, "addr:street"), said(tags, "addr:housenumber"))))[:LONGEST],
        "postcode": postcode(tags),
        "city": said(tags, "addr:city"),
        "opening_hours": opening_hours(tags),
        "url": url(tags),
        "organisation": {"name": operator} if operator else None,
    }
    return {field: value for field, value in given.items() if value}


def _theme(kind: Kind) -> list[str]:
    return ["care"] if kind == CARE else ["meet"]


def accessibility(tags: Tags) -> dict[str, bool]:
    """Read what is told of an entrance, a toilet and the like: yes, or no; "limited" is neither and is left out.

    Guide dogs are welcome everywhere by law: where dogs are not, that says nothing of them.
    """
    told = {}
    for term, meaning in ACCESSIBILITY.items():
        key, _, value = (meaning.osm or "").partition("=")
        if key and tags.get(key) == value:
            told[term] = True
        elif key and value == "yes" and tags.get(key) == "no":
            told[term] = False
    return told


def postcode(tags: Tags) -> str | None:
    """Give the postcode as it is written, with a space; None where it is none."""
    found = POSTCODE.fullmatch(tags.get("addr:postcode", "").strip())
    return f"{found[1]} {found[2].upper()}" if found else None


def opening_hours(tags: Tags) -> str | None:
    """Give the opening hours where they can be read."""
    told = tags.get("opening_hours", "")
    return told if told and hours.parse(told) else None


def url(tags: Tags) -> str | None:
    """Give the web address, where it is one."""
    for key in SITES:
        told = tags.get(key, "").split(";")[0].strip()
        whole = f"https://{told}" if told.startswith("www.") else told
        if whole and len(whole) <= 2000 and not checks.url_flaws(whole):
            return whole
    return None


def parts(tags: Tags, key: str) -> list[str]:
    """Give the values of a tag that may hold several."""
    return [part.strip() for part in tags.get(key, "").split(";") if part.strip()]


def said(tags: Tags, key: str) -> str | None:
    """Give the text of a tag in one line; None where there is none."""
    plain = "".join(sign for sign in tags.get(key, "") if sign.isprintable() or sign.isspace())
    return " ".join(plain.split())[:LONGEST] or None
