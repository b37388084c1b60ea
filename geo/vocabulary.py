"""The controlled terms, with their Dutch and English labels and their place in other vocabularies.

A record holds only keys. `osm` is the OpenStreetMap tag that most nearly means the same, `hsds` the Open Referral
taxonomy term (Human Services Data Specification) under which a partner would look for it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from geo.errors import Flaw

COMPOUND = 5  # letters: a word this long is sought inside compounds too, as "maaltijd" in "buurtmaaltijd"


class Kind(StrEnum):
    """The four kinds of asset. Volunteers are people: they are counted, never shown."""

    community_room = "community_room"
    initiative = "initiative"
    care_location = "care_location"
    volunteer = "volunteer"


class Level(StrEnum):
    """Three official levels, and neighbourhoods drawn by residents themselves."""

    buurt = "buurt"
    wijk = "wijk"
    gemeente = "gemeente"
    drawn = "drawn"


class Status(StrEnum):
    """The life of a record: proposed by anyone, published by someone who may, archived when it is over."""

    proposed = "proposed"
    published = "published"
    archived = "archived"


class Repeat(StrEnum):
    """How often an activity takes place: once on its first day, or every week from then on."""

    once = "once"
    weekly = "weekly"


class What(StrEnum):
    """What an import brings in."""

    boundaries = "boundaries"
    figures = "figures"
    squares = "squares"
    dwellings = "dwellings"
    assets = "assets"
    osm = "osm"
    network = "network"
    demo = "demo"


class JobStatus(StrEnum):
    """The life of an import: looked at and waiting for a yes; refused as a whole; done; taken back."""

    checked = "checked"
    refused = "refused"
    done = "done"
    undone = "undone"


class RunStatus(StrEnum):
    """The life of a coverage run: asked for, at work, done, or given up with the reason."""

    waiting = "waiting"
    working = "working"
    done = "done"
    failed = "failed"


class Role(StrEnum):
    """Who asks. What each may is told in `geo/rights.py`; no role has all that another has, but for admin."""

    visitor = "visitor"  # has no account
    contributor = "contributor"
    steward = "steward"  # looks after the records of given neighbourhoods
    broker = "broker"  # sociaal makelaar of given neighbourhoods
    planner = "planner"
    admin = "admin"


class LinkPurpose(StrEnum):
    """What a one-time link lets a person do."""

    invite = "invite"
    reset = "reset"


class Purpose(StrEnum):
    """What a volunteer agrees to; each is asked and withdrawn by itself."""

    offer = "offer"  # to be counted, and told without name to brokers: without it there is no record
    contact = "contact"  # that brokers ask something through us
    map = "map"  # to be seen by signed-in neighbours, near but not at the true place


class Means(StrEnum):
    """How consent was given."""

    online = "online"  # by the person, signed in
    paper = "paper"  # to an administrator, who keeps the proof
    demo = "demo"  # by nobody: the person is invented
    earlier = "earlier"  # before consent was kept; ends soon, so that it is asked


class Reply(StrEnum):
    """What became of a request to a volunteer."""

    waiting = "waiting"
    accepted = "accepted"
    declined = "declined"


class Erased(StrEnum):
    """What kind of person was forgotten."""

    volunteer = "volunteer"
    account = "account"


class Term(NamedTuple):
    """One controlled term. `broader` is the key of the theme that a service belongs to."""

    nl: str
    en: str
    broader: str | None = None
    osm: str | None = None
    hsds: str | None = None

    def label(self, language: str) -> str:
        """Give the label in `nl` or `en`; any other language gets English."""
        return self.nl if language == "nl" else self.en


KINDS: dict[str, Term] = {
    "community_room": Term("Buurtkamer", "Community room", osm="amenity=community_centre"),
    "initiative": Term("Initiatief", "Citizen initiative", osm="office=association"),
    "care_location": Term("Zorglocatie", "Care location", osm="amenity=social_facility"),
    "volunteer": Term("Vrijwilliger", "Volunteer"),
}

LEVELS: dict[str, Term] = {
    "buurt": Term("Buurt", "Neighbourhood (buurt)"),
    "wijk": Term("Wijk", "District (wijk)"),
    "gemeente": Term("Gemeente", "Municipality"),
    "drawn": Term("Zelf getekend", "Drawn by residents"),
}

STATUSES: dict[str, Term] = {
    "proposed": Term("Voorgesteld", "Proposed"),
    "published": Term("Zichtbaar", "Published"),
    "archived": Term("Gearchiveerd", "Archived"),
}

THEMES: dict[str, Term] = {
    "meet": Term("Ontmoeten", "Meeting people", hsds="Social Activities"),
    "eat": Term("Eten", "Food", hsds="Food"),
    "move": Term("Bewegen", "Being active", hsds="Exercise"),
    "home": Term("Hulp in en om huis", "Help in and around the house", hsds="Help at Home"),
    "get_about": Term("Op pad", "Getting about", hsds="Transit"),
    "learn": Term("Taal en leren", "Language and learning", hsds="Education"),
    "care": Term("Zorg", "Care", hsds="Health"),
    "breathe": Term("Op adem komen", "Catching breath", hsds="Respite Care"),
}

SERVICES: dict[str, Term] = {
    "transport": Term("Vervoer", "Transport", "get_about", "amenity=community_transport", "Transportation"),
    "odd_jobs": Term("Klussen", "Odd jobs", "home", "social_facility=outreach", "Home Maintenance"),
    "meals": Term("Maaltijden", "Meals", "eat", "social_facility=soup_kitchen", "Meals"),
    "meeting": Term("Ontmoeting", "Meeting place", "meet", "amenity=community_centre", "Social Activities"),
    "exercise": Term("Bewegen", "Exercise", "move", "leisure=fitness_centre", "Exercise"),
    "groceries": Term("Boodschappen", "Groceries", "home", "service:shopping=yes", "Food Delivery"),
    "child_minding": Term("Oppassen", "Child minding", "home", "amenity=childcare", "Childcare"),
    "language": Term("Taal", "Language", "learn", "amenity=language_school", "Language Classes"),
    "paperwork": Term("Administratieve hulp", "Help with paperwork", "home", "office=advice", "Navigating the System"),
    "neighbourly_help": Term("Burenhulp", "Neighbourly help", "home", "social_facility=outreach", "Help at Home"),
    "day_activities": Term("Dagbesteding", "Day activities", "meet", "social_facility=workshop", "Adult Day Programs"),
    "day_care": Term("Dagopvang", "Day care", "care", "social_facility=day_care", "Adult Day Care"),
    "care_coordination": Term(
        "Zorgcoördinatie", "Care coordination", "care", "social_facility=outreach", "Case Management"
    ),
    "personal_care": Term(
        "Persoonlijke verzorging", "Personal care", "care", "social_facility=ambulatory_care", "Personal Care"
    ),
    "nursing": Term("Verpleging", "Nursing", "care", "healthcare=nurse", "Nursing"),
    "care_housing": Term("Zorgwoningen", "Care housing", "care", "social_facility=assisted_living", "Assisted Living"),
    "respite": Term("Respijt", "Respite", "breathe", "social_facility=respite_care", "Respite Care"),
}

GOALS: dict[str, Term] = {
    "safe_at_home": Term("Veilig thuis wonen", "Living safely at home"),
    "care_nearby": Term("Zorg die naar de buurt komt", "Care that comes to the neighbourhood"),
    "by_neighbours": Term("Activiteiten en hulp door buurtgenoten", "Activities and help by neighbours"),
}

TARGET_GROUPS: dict[str, Term] = {
    "everyone": Term("Iedereen", "Everyone"),
    "older_people": Term("Ouderen", "Older people"),
    "living_alone": Term("Mensen die alleen wonen", "People living alone"),
    "dementia": Term("Mensen met dementie", "People with dementia"),
    "caring_for_another": Term("Mensen die zorgen voor een ander", "People who look after someone"),
    "disability": Term("Mensen met een beperking", "People with a disability"),
    "newcomers": Term("Nieuwkomers", "Newcomers"),
    "families": Term("Gezinnen", "Families"),
    "young_people": Term("Jongeren", "Young people"),
}

ACCESSIBILITY: dict[str, Term] = {
    "step_free_entrance": Term("Drempelvrije ingang", "Step-free entrance", osm="wheelchair=yes"),
    "accessible_toilet": Term("Toegankelijk toilet", "Accessible toilet", osm="toilets:wheelchair=yes"),
    "hearing_loop": Term("Ringleiding", "Hearing loop", osm="hearing_loop=yes"),
    "quiet_space": Term("Prikkelarme ruimte", "Quiet space", osm="quiet_space=yes"),
    "dementia_friendly": Term("Dementievriendelijk", "Dementia friendly"),
    "guide_dog_welcome": Term("Hulphond welkom", "Guide dog welcome", osm="dog=guide"),
}

LADDER: dict[int, Term] = {
    1: Term("Informeren", "Informing"),
    2: Term("Raadplegen", "Consulting"),
    3: Term("Adviseren", "Advising"),
    4: Term("Coproduceren", "Co-producing"),
    5: Term("Meebeslissen", "Deciding together"),
    6: Term("Zelfbeheer", "Self-management"),
}

GROWTH_STAGES: dict[str, Term] = {
    "idea": Term("Idee", "Idea"),
    "starting": Term("Start", "Starting"),
    "growing": Term("Groei", "Growing"),
    "steady": Term("Bestendig", "Steady"),
    "renewing": Term("Vernieuwing", "Renewing"),
    "ended": Term("Gestopt", "Ended"),
}

LEGAL_FORMS: dict[str, Term] = {
    "informal": Term("Informeel", "Informal"),
    "association": Term("Vereniging", "Association"),
    "foundation": Term("Stichting", "Foundation"),
    "cooperative": Term("Coöperatie", "Cooperative"),
    "limited_company": Term("Besloten vennootschap (BV)", "Private limited company (BV)"),
    "public_body": Term("Overheid", "Public body"),
    "religious_body": Term("Kerkgenootschap", "Religious body"),
}

FUNDING: dict[str, Term] = {
    "local_budget": Term("Lokaal budget", "Local budget"),
    "right_to_cooperate": Term("Right to cooperate", "Right to cooperate"),
    "right_to_challenge": Term("Right to challenge", "Right to challenge"),
    "subsidy": Term("Subsidie", "Subsidy"),
    "contribution": Term("Contributie", "Membership fees"),
    "gifts": Term("Giften", "Gifts"),
    "own_income": Term("Eigen inkomsten", "Own income"),
    "care_funding": Term("Zorgfinanciering", "Care funding"),
}

# How CBS marks a figure that it does not give; the figure itself is then missing, never 0.
FIGURE_REASONS: dict[str, Term] = {
    "secret": Term("Geheim gehouden door CBS", "Kept secret by CBS"),
    "later": Term("Komt later bij CBS", "Not yet published by CBS"),
    "stopped": Term("Niet meer geteld door CBS", "No longer counted by CBS"),
    "not_given": Term("Niet bekend", "Not given"),
}


def unknown_terms(field: str, keys: list[str], terms: Mapping[str, Term]) -> list[Flaw]:
    """Name each key that the vocabulary does not hold; an empty list where all are known."""
    known = ", ".join(terms)
    return [Flaw(field, f"{key!r} is not one of: {known}") for key in keys if key not in terms]


def stem(word: str) -> str:
    """Leave off the ending of a Dutch verb or plural, so that "wandelen" finds "wandelclub"; short words stay whole."""
    return word[:-2] if len(word) >= COMPOUND + 2 and word.endswith("en") else word


def keys_named(word: str, terms: Mapping[str, Term]) -> list[str]:
    """Give the keys of the terms whose Dutch or English label holds a word; a short one must begin a word there."""
    found = stem(word.casefold())
    return [key for key, term in terms.items() if _holds(f"{term.nl} {term.en}".casefold(), found)]


def _holds(label: str, word: str) -> bool:
    if len(word) >= COMPOUND:
        return word in label
    return len(word) > 2 and any(part.startswith(word) for part in label.split())
