"""All collections there are, by name: the nouns, and parts of them that programs open as layers of their own."""

from collections.abc import Mapping

from geo import activities, assets, neighbourhoods
from geo.collections import Collection, part
from geo.coverage import results
from geo.imports import shown as squares
from geo.models import Asset, Neighbourhood
from geo.vocabulary import Kind, Level, Term
from geo.volunteers import shown as neighbours


def _of_kind(kind: Kind, title: Term, about: Term) -> Collection:
    return part(assets.SHOWN, title, about, Asset.kind == kind, "kind")


def _of_level(level: Level, title: Term, about: Term) -> Collection:
    return part(neighbourhoods.SHOWN, title, about, Neighbourhood.level == level, "level")


def _measure(title: Term, about: Term) -> Collection:
    """Give a part of the results of coverage: the same rows, with the fields that the table of rights gives it."""
    return results.SHOWN._replace(title=title, about=about)


COLLECTIONS: Mapping[str, Collection] = {
    "assets": assets.SHOWN,
    "community_rooms": _of_kind(
        Kind.community_room,
        Term("Buurtkamers", "Community rooms"),
        Term("Waar buren elkaar ontmoeten.", "Where people from nearby meet."),
    ),
    "initiatives": _of_kind(
        Kind.initiative,
        Term("Bewonersinitiatieven", "Citizen initiatives"),
        Term("Wat bewoners zelf begonnen zijn.", "What residents have begun themselves."),
    ),
    "care_locations": _of_kind(
        Kind.care_location,
        Term("Zorglocaties", "Care locations"),
        Term("Waar zorg en ondersteuning te vinden zijn.", "Where care and support are to be found."),
    ),
    "activities": activities.SHOWN,
    "neighbourhoods": neighbourhoods.SHOWN,
    "buurten": _of_level(
        Level.buurt,
        Term("Buurten (CBS)", "Neighbourhoods (CBS buurten)"),
        Term("De kleinste officiële gebieden, met hun kerncijfers.", "The smallest official areas, with key figures."),
    ),
    "wijken": _of_level(
        Level.wijk,
        Term("Wijken (CBS)", "Districts (CBS wijken)"),
        Term("Officiële wijken, met hun kerncijfers.", "Official districts, with key figures."),
    ),
    "gemeenten": _of_level(
        Level.gemeente,
        Term("Gemeenten (CBS)", "Municipalities (CBS gemeenten)"),
        Term("Gemeenten, met hun kerncijfers.", "Municipalities, with key figures."),
    ),
    "drawn_neighbourhoods": _of_level(
        Level.drawn,
        Term("Getekende buurten", "Drawn neighbourhoods"),
        Term("Buurten zoals bewoners ze zelf tekenden.", "Neighbourhoods as residents drew them."),
    ),
    "coverage": results.SHOWN,
    "coverage_reach": _measure(
        Term("Bereik: wie heeft iets op loopafstand", "Coverage: who has something within walking distance"),
        Term(
            "Per buurt en soort of dienst: hoeveel bewoners binnen de norm wonen, en hoe zeker dat is.",
            "For each neighbourhood and kind or service: how many residents live within the norm, and how sure it is.",
        ),
    ),
    "coverage_distance": _measure(
        Term("Bereik: hoe ver bewoners lopen", "Coverage: how far residents walk"),
        Term(
            "Per buurt en soort of dienst: de loopafstanden naar het dichtstbijzijnde, in meters.",
            "For each neighbourhood and kind or service: the walks to the nearest, in metres.",
        ),
    ),
    "coverage_supply": _measure(
        Term("Bereik: keuze en ruimte", "Coverage: choice and room"),
        Term(
            "Per buurt en soort of dienst: hoeveel er te kiezen is, en hoeveel plaatsen er per bewoner zijn (E2SFCA).",
            "For each neighbourhood and kind or service: how much choice there is, and places per resident (E2SFCA).",
        ),
    ),
    "coverage_gaps": _measure(
        Term("Bereik: de gaten en waarom", "Coverage: the gaps and why"),
        Term(
            "Per buurt en soort of dienst: de gatscore, bewoners per klasse, en de voornaamste reden.",
            "For each neighbourhood and kind or service: the gap score, residents by class, and the main reason.",
        ),
    ),
    "squares": squares.SHOWN,
    "neighbours": neighbours.SHOWN,
}
