"""Our vocabulary as HSDS taxonomies and taxonomy terms. Ids follow from names, so that they never change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from geo.vocabulary import GOALS, KINDS, SERVICES, TARGET_GROUPS, THEMES, Kind, Term

Told = dict[str, Any]  # one object of HSDS; what is not known is absent

NAMESPACE = UUID("0a58703d-01dd-4cb8-b798-1d636d3d7f4c")  # of taxonomies by name, and of terms as `taxonomy/key`
VOCABULARIES: Mapping[str, Mapping[str, Term]] = {
    "kinds": {key: term for key, term in KINDS.items() if key != Kind.volunteer},
    "themes": THEMES,
    "services": SERVICES,
    "goals": GOALS,
    "target_groups": TARGET_GROUPS,
}
ABOUT = {
    "kinds": ("Kinds of asset", "What a neighbourhood can lean on."),
    "themes": ("Themes", "What a service or an activity is about."),
    "services": ("Services", "What is offered. Each belongs to a theme."),
    "goals": ("Goals", "What something helps to reach."),
    "target_groups": ("Target groups", "For whom something is meant first."),
}


class Named(NamedTuple):
    """A term by its vocabulary and its key."""

    vocabulary: str
    key: str


def taxonomy_id(vocabulary: str) -> UUID:
    """Give the id of a taxonomy."""
    return uuid5(NAMESPACE, vocabulary)


def term_id(named: Named) -> UUID:
    """Give the id of a term."""
    return uuid5(NAMESPACE, f"{named.vocabulary}/{named.key}")


TAXONOMIES = {taxonomy_id(name): name for name in VOCABULARIES}
TERMS = {term_id(named): named for name, terms in VOCABULARIES.items() for named in (Named(name, key) for key in terms)}


def taxonomy(vocabulary: str) -> Told:
    """Tell one taxonomy."""
    name, about = ABOUT[vocabulary]
    return {"id": str(taxonomy_id(vocabulary)), "name": name, "description": about}


def term(named: Named) -> Told:
    """Tell one term in English; its description holds the Dutch label, and what it is called elsewhere."""
    found = VOCABULARIES[named.vocabulary][named.key]
    elsewhere = [f"OpenStreetMap: {found.osm}"] if found.osm else []
    elsewhere += [f"A partner may look for it as: {found.hsds}"] if found.hsds else []
    parent = {"parent_id": str(term_id(Named("themes", found.broader)))} if found.broader else {}
    return {
        "id": str(term_id(named)),
        "code": named.key,
        "name": found.en,
        "description": ". ".join([f"Dutch: {found.nl}", *elsewhere]) + ".",
        **parent,
        "taxonomy": f"Levende Kaart: {ABOUT[named.vocabulary][0]}",
        "taxonomy_detail": taxonomy(named.vocabulary),
        "language": "en",
        "taxonomy_id": str(taxonomy_id(named.vocabulary)),
    }


def holding(told: Iterable[Told], search: str) -> Iterator[Told]:
    """Give those whose name or description holds each word of a search, in whatever case."""
    words = search.casefold().split()
    for each in told:
        text = f"{each['name']} {each['description']}".casefold()
        if all(word in text for word in words):
            yield each
