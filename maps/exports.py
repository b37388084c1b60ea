"""The page on which planners download whole collections: what, as what, and which part of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from geo.exports.formats import FORMATS
from geo.vocabulary import KINDS, LEVELS, SERVICES, THEMES, Term
from maps.frame import Frame, render
from maps.reader import Reader, message
from maps.resident import Choice

FLAWS = {
    "neighbourhood": message("We know no neighbourhood by this name or code. Choose one from the list."),
    "days": message("The last day is before the first, or one of them is not a day."),
    "year": message("This is not a year, such as 2024."),
}
SYSTEMS = {
    "4326": message("Degrees (WGS 84): for maps on the web, and when in doubt"),
    "28992": message("Metres (RD New, EPSG:28992): for Dutch maps and distances"),
}


class Told(NamedTuple):
    """What is filled in. Empty means: no matter."""

    f: str = "gpkg"
    crs: str = "4326"
    kind: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    service: str = ""
    theme: str = ""
    neighbourhood: str = ""
    since: str = ""
    until: str = ""
    run: str = ""
    year: str = ""
    q: str = ""


class Collection(NamedTuple):
    """The collection that is chosen: its filters by name, what each of its columns means, and whether it has times."""

    name: str
    title: Term
    about: Term
    filters: Sequence[str]
    columns: Mapping[str, Term]
    timed: bool


class Around(NamedTuple):
    """What there is to choose from: collections, areas (name and code), runs; and where the service is."""

    collections: Mapping[str, Term]
    areas: Sequence[str]
    runs: Sequence[Choice]
    root: str


def exports_page(frame: Frame, chosen: Collection, around: Around, told: Told, flaws: Sequence[str] = ()) -> str:
    """Set the page. `flaws` names what was filled in wrong: neighbourhood, days, year."""
    reader = frame.reader
    language = reader.language
    values = {
        "chosen": chosen,
        "title": chosen.title.label(language),
        "about": chosen.about.label(language),
        "collections": [Choice(name, t.label(language), name == chosen.name) for name, t in around.collections.items()],
        "formats": [
            (Choice(key, form.title.label(language), key == told.f), form.about.label(language))
            for key, form in FORMATS.items()
        ],
        "systems": [Choice(key, reader.say(text), key == told.crs) for key, text in SYSTEMS.items()],
        "kinds": _choices(KINDS if chosen.name.startswith("coverage") else _PLACES, told.kind, reader),
        "levels": _choices(LEVELS, told.level, reader),
        "services": _choices(SERVICES, (told.service,), reader),
        "themes": _choices(THEMES, (told.theme,), reader),
        "areas": around.areas,
        "runs": around.runs,
        "told": told,
        "flaws": {name: reader.say(FLAWS[name]) for name in flaws},
        "columns": [(name, term.label(language)) for name, term in chosen.columns.items()],
        "where": f"{around.root}/v1/exports/{chosen.name}?{urlencode({'f': 'gpkg'})}",
        "command": f"kaart export {chosen.name} {chosen.name}.gpkg",
    }
    return render("exports.html", frame, values)


_PLACES = {key: term for key, term in KINDS.items() if key != "volunteer"}


def _choices(terms: Mapping[str, Term], chosen: Sequence[str], reader: Reader) -> list[Choice]:
    found = [Choice(str(key), term.label(reader.language), key in chosen) for key, term in terms.items()]
    return found if len(found) < 6 else sorted(found, key=lambda choice: choice.label)
