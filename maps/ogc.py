"""What the API answers, as pages: what there is, a collection, its features as a table, one feature, its properties.

A page holds what the same answer holds as JSON, for the same viewer: it is made from that answer and from nothing else.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from geo import definitions
from geo.exports.formats import FORMATS
from geo.vocabulary import (
    ACCESSIBILITY,
    FUNDING,
    GOALS,
    GROWTH_STAGES,
    KINDS,
    LEGAL_FORMS,
    LEVELS,
    SERVICES,
    TARGET_GROUPS,
    THEMES,
    Term,
)
from maps.frame import Frame, render
from maps.reader import Reader, message

ROOT = "/v1"
Told = Mapping[str, Any]

COLUMNS = 6  # of the table of features; one feature has a page with all that it holds
# Which properties the table shows, where the features have them; else the first few.
SHOWN = """name title kind service level code year next_on time_from asset_name themes services address
 neighbourhood_name residents covered_share gap nearest_m per_1000 confirmed_on""".split()
NAMES = ("name", "title", "code")  # what a feature is called, by the first of these that it has
TERMS: Mapping[str, Mapping[Any, Term]] = {
    "kind": KINDS, "level": LEVELS, "service": SERVICES, "services": SERVICES, "theme": THEMES, "themes": THEMES,
    "goals": GOALS, "target_groups": TARGET_GROUPS, "accessibility": ACCESSIBILITY, "legal_form": LEGAL_FORMS,
    "growth": GROWTH_STAGES, "funding": FUNDING,
}  # fmt: skip
UNCOUNTED = ("year", "founded_in", "version", "ladder_level")  # numbers that are no amounts
# Where the features of a collection are looked at on the map, by what its name begins with.
MAPS = {
    "assets": "/", "community_rooms": "/?kind=community_room", "initiatives": "/?kind=initiative",
    "care_locations": "/?kind=care_location", "activities": "/?kind=activity", "neighbourhoods": "/gaps",
    "buurten": "/gaps", "wijken": "/gaps?level=wijk", "coverage": "/gaps", "neighbours": "/",
}  # fmt: skip
CARDS = {
    **dict.fromkeys(("assets", "community_rooms", "initiatives", "care_locations"), "/places/"),
    "activities": "/activities/", "buurten": "/gaps/",
}  # fmt: skip
FIELDS = {
    "queryables": (message("Queryables"), message("What a filter (CQL2) can ask of these features.")),
    "sortables": (message("Sortables"), message("What these features can be put in order by.")),
    "schema": (message("Schema"), message("What each feature holds.")),
}


class Asked(NamedTuple):
    """What a page is of: a collection by name and title, the parameters, and whether it can be had as a file."""

    collection: str = ""
    title: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    exported: bool = False


class Value(NamedTuple):
    """One value as it is read; a number is set to the right, an address is a link."""

    text: str
    number: bool = False
    href: str = ""


class Cell(NamedTuple):
    """One value of a table or a list, with the name of its property and what that means."""

    name: str
    about: str
    value: Value


def landing(page: Frame, told: Told, asked: Asked) -> str:
    """Say what there is and how to open it. `told` has the address of the API among its links."""
    address = next(link["href"] for link in told["links"] if link["rel"] == "self").rstrip("/")
    return _page("landing", page, asked, {"api": address})


def conformance(page: Frame, told: Told, asked: Asked) -> str:
    """List the conformance classes, by the standard that they belong to."""
    classes: dict[str, list[tuple[str, str]]] = {}
    for uri in told["conformsTo"]:
        standard, _, name = uri.partition("/conf/")
        classes.setdefault(standard.rpartition("/spec/")[2], []).append((name, uri))
    return _page("conformance", page, asked, {"classes": classes})


def collections(page: Frame, told: Told, asked: Asked) -> str:
    """List the collections."""
    return _page("collections", page, asked, {"collections": [_named(page.reader, c) for c in told["collections"]]})


def collection(page: Frame, told: Told, asked: Asked) -> str:
    """Say what a collection is and in which ways it can be had."""
    licences = ", ".join(dict.fromkeys(each["licence"] for each in told["licences"] if each["licence"]))
    named = {"license": licences, "attribution": told["attribution"]}
    notes = {name: note for name, note in named.items() if note}
    values = {"collection": _named(page.reader, told), "crs": told["crs"], "filters": told["filters"], "notes": notes}
    return _page("collection", page, asked, values)


def items(page: Frame, told: Told, asked: Asked) -> str:
    """Set a page of features as a table, with ways to the pages beside it."""
    features = told["features"]
    columns = _columns(features)
    rows = [(_item_address(asked, each), _row(page.reader, each, columns)) for each in features]
    links = {link["rel"]: _here(link["href"]) for link in told["links"] if link["rel"] in ("next", "prev")}
    first = _beside(asked, ("cursor", "offset")) if "cursor" in dict(asked.parameters) else ""
    meanings = _meanings(page.reader, asked.collection, columns)
    numbers = {cell.name for _, cells in rows for cell in cells if cell.value.number}
    values = {
        "columns": [(name, meanings[name]) for name in columns], "numbers": numbers, "rows": rows,
        "links": links, "first": first,
        "matched": told["numberMatched"], "returned": told["numberReturned"],
    }  # fmt: skip
    return _page("items", page, asked, values)


def item(page: Frame, told: Told, asked: Asked) -> str:
    """Tell all that one feature holds."""
    held, reader = told["properties"], page.reader
    meanings = _meanings(reader, asked.collection, [*held])
    cells = [Cell(name, meanings[name], _value(reader, name, held[name])) for name in held]
    cells.append(Cell("geometry", definitions.GEOMETRY.label(reader.language), Value(_place(reader, told["geometry"]))))
    values = {"id": told["id"], "name": _name(told), "cells": cells, "card": _card(asked, told)}
    return _page("item", page, asked, values)


def fields(page: Frame, told: Told, asked: Asked, which: str) -> str:
    """List the properties that can be asked for, ordered by, or are there."""
    named = told["properties"]
    meanings = _meanings(page.reader, asked.collection, [*named])
    title, about = FIELDS[which]
    say = page.reader.say
    values = {
        "which": which, "heading": say(title), "about": say(about), "title": told["title"],
        "fields": [(name, _kind_of(named[name]), named[name].get("enum", []), meanings[name]) for name in named],
    }  # fmt: skip
    return _page("fields", page, asked, values)


def _page(name: str, page: Frame, asked: Asked, values: Mapping[str, object]) -> str:
    root = f"{ROOT}/collections/{quote(asked.collection)}" if asked.collection else ROOT
    shared: dict[str, object] = {
        "asked": asked,
        "root": root,
        "as_json": f"{page.path}?{urlencode([*_kept(asked, ()), ('f', 'json')])}",
        "map": next((way for start, way in MAPS.items() if asked.collection.startswith(start)), ""),
        "exports": [
            (form.title.label(page.reader.language), f"{ROOT}/exports/{quote(asked.collection)}?{_filters(asked, key)}")
            for key, form in FORMATS.items()
        ]
        if asked.exported
        else [],
    }
    return render(f"data_{name}.html", page, {**shared, **values})


def _named(reader: Reader, told: Told) -> dict[str, str]:
    """Give a collection's name, title and meaning in the language of the reader."""
    language = reader.language
    return {"id": told["id"], "title": told["titles"][language], "about": told["descriptions"][language]}


def _kept(asked: Asked, left_out: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in asked.parameters if name not in ("f", "lang", *left_out)]


def _filters(asked: Asked, form: str) -> str:
    """Give what was asked of a page, for all that match at once, as one kind of file."""
    system = ("crs",)  # a file may be in fewer
    return urlencode([*_kept(asked, ("limit", "offset", "cursor", *system)), ("f", form)])


def _beside(asked: Asked, left_out: tuple[str, ...]) -> str:
    kept = [(name, value) for name, value in asked.parameters if name not in left_out]
    return f"{ROOT}/collections/{quote(asked.collection)}/items" + (f"?{urlencode(kept)}" if kept else "")


def _here(href: str) -> str:
    """Give the part of an address that a page on the same site needs."""
    parts = urlsplit(href)
    path = parts.path[parts.path.index(f"{ROOT}/collections/") :]
    return f"{path}?{parts.query}" if parts.query else path


def _columns(features: list[Told]) -> list[str]:
    held = list(dict.fromkeys(name for each in features[:1] for name in each["properties"]))
    chosen = [name for name in SHOWN if name in held][:COLUMNS]
    return chosen if len(chosen) > 1 else held[:COLUMNS]


def _row(reader: Reader, feature: Told, columns: list[str]) -> list[Cell]:
    return [Cell(name, "", _value(reader, name, feature["properties"].get(name))) for name in columns]


def _item_address(asked: Asked, feature: Told) -> str:
    return f"{ROOT}/collections/{quote(asked.collection)}/items/{quote(str(feature['id']), safe='')}"


def _meanings(reader: Reader, collection_name: str, names: list[str]) -> dict[str, str]:
    known = [name for name in names if name != "geometry"]
    said = {name: term.label(reader.language) for name, term in definitions.of(collection_name, known).items()}
    return {**said, "geometry": definitions.GEOMETRY.label(reader.language)}


def _name(feature: Told) -> str:
    held = feature["properties"]
    return next((str(held[name]) for name in NAMES if held.get(name)), str(feature["id"]))


def _card(asked: Asked, feature: Told) -> str:
    """Give the address of the card that tells of a feature in sentences; empty where there is none."""
    if asked.collection in CARDS:
        return CARDS[asked.collection] + quote(str(feature["id"]), safe="")
    area = feature["properties"].get("neighbourhood")
    return f"/gaps/{quote(str(area), safe='')}" if asked.collection.startswith("coverage") and area else ""


def _kind_of(told: Told) -> str:
    return str(told.get("format") or told.get("type") or "")


def _value(reader: Reader, name: str, value: object) -> Value:
    """Write a value so that it can be read; nothing is a dash."""
    if isinstance(value, bool):
        return Value(reader.say("yes") if value else reader.say("no"))
    if isinstance(value, int | float):
        return Value(str(value) if name in UNCOUNTED else reader.decimal(value), number=True)
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return Value(value, href=value)
    return Value("; ".join(_words(reader, name, value)) or "–")


def _words(reader: Reader, name: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            term = TERMS.get(name, {}).get(key)
            yield f"{term.label(reader.language) if term else key}: {_value(reader, key, inside).text}"
    elif isinstance(value, list):
        for inside in value:
            yield from _words(reader, name, inside)
    elif isinstance(value, str):
        term = TERMS.get(name, {}).get(value)
        yield term.label(reader.language) if term else value
    elif value is not None:
        yield _value(reader, name, value).text


def _place(reader: Reader, geometry: Told | None) -> str:
    """Say what a geometry is and where it begins."""
    if geometry is None:
        return reader.say("no place")
    corners = list(_corners(geometry["coordinates"]))
    where = ", ".join(f"{number:.10g}" for number in corners[0])
    if len(corners) == 1:
        return f"{geometry['type']} {where}"
    return reader.say(
        "%(kind)s of %(count)s points, from %(where)s",
        {"kind": geometry["type"], "count": reader.number(len(corners)), "where": where},
    )


def _corners(coordinates: list[Any]) -> Iterator[list[float]]:
    if coordinates and isinstance(coordinates[0], list):
        for inside in coordinates:
            yield from _corners(inside)
    else:
        yield coordinates
