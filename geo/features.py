"""Any collection → GeoJSON, made by the database: SQL to text, no object per row."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Select, Text, and_, cast, func, literal_column, select
from sqlalchemy.orm import Session

from geo import activities, assets, crs, neighbourhoods, queryables
from geo.collections import Collection, Column, Wanted
from geo.coverage import results
from geo.cql2.reading import json_condition, text_condition
from geo.cql2.values import Known
from geo.crs import CRS84, Crs
from geo.errors import Flaw, InvalidInput, NotFound
from geo.rights import Viewer, fields
from geo.volunteers import shown as neighbours

Feature = dict[str, Any]
MOST_ARGUMENTS = 100  # of a function of PostgreSQL; an even number
READING = {"cql2-text": text_condition, "cql2-json": json_condition}

COLLECTIONS: Mapping[str, Collection] = {
    "assets": assets.SHOWN,
    "activities": activities.SHOWN,
    "neighbourhoods": neighbourhoods.SHOWN,
    "coverage": results.SHOWN,
    "neighbours": neighbours.SHOWN,
}


class Sorting(NamedTuple):
    """By which property features are ordered, and whether the highest come first."""

    name: str
    falling: bool = False


class Rendering(NamedTuple):
    """How features are given: in which system, with which properties (None: all), in which order (none: the usual)."""

    crs: Crs = CRS84
    properties: tuple[str, ...] | None = None
    sort: tuple[Sorting, ...] = ()


class Stretch(NamedTuple):
    """Which part of all that match: at most `limit`, after passing over `offset`."""

    limit: int
    offset: int = 0


PLAIN = Rendering()


class Texts(NamedTuple):
    """The features of one page as GeoJSON texts, and how many there are in all."""

    features: list[str]
    matched: int


class Page(NamedTuple):
    """The same as Python values."""

    features: list[Feature]
    matched: int


def names(viewer: Viewer) -> list[str]:
    """Name the collections that there are for a viewer."""
    return [name for name, shown in COLLECTIONS.items() if shown.there(viewer)]


def collection(viewer: Viewer, name: str) -> Collection:
    """Find a collection by its name; one that is not for the viewer is not there."""
    known = names(viewer)
    if name not in known:
        raise NotFound(f"There is no collection {name!r}. There are: {', '.join(known)}.")
    return COLLECTIONS[name]


def text_of(viewer: Viewer, name: str, wanted: Wanted, look: Rendering = PLAIN) -> ColumnElement[str]:
    """Give the expression that makes one feature's text, with the fields that the viewer sees and no others."""
    shown = collection(viewer, name)
    columns = shown.columns(wanted)
    named = _chosen_fields(viewer, name, look.properties)
    seen = [part for field in named for part in (_key(field), columns[field])]
    geometry = cast(func.ST_AsGeoJSON(crs.given_in(shown.geometry, look.crs), look.crs.digits), JSON)
    feature = [_key("type"), _key("Feature"), _key("id"), shown.id, _key("geometry"), geometry]
    return cast(func.json_build_object(*feature, _key("properties"), _object(seen)), Text)


def _chosen_fields(viewer: Viewer, name: str, asked: Sequence[str] | None) -> list[str]:
    """Name the fields that are shown: all that the viewer sees, or those of them that are asked for.

    raises InvalidInput for one that the viewer does not see
    """
    seen = fields(viewer, name)
    if asked is None:
        return seen
    if odd := [field for field in asked if field not in seen]:
        raise InvalidInput(
            f"{odd[0]!r} is no property of {name!r}. There are: {', '.join(seen)}.",
            *(Flaw("properties", f"{field!r} is no property of {name!r}") for field in odd),
        )
    return [field for field in seen if field in asked]


def _order(viewer: Viewer, name: str, wanted: Wanted, sort: Sequence[Sorting]) -> list[Column]:
    """Give what a page is ordered by: what is asked, what is unknown at its end, and always by something unique."""
    shown = collection(viewer, name)
    if not sort:
        return list(shown.order)
    known = queryables.sortables(viewer, name, shown, wanted)
    if odd := [each.name for each in sort if each.name not in known]:
        raise InvalidInput(
            f"{name!r} is not ordered by {odd[0]!r}. It can be by: {', '.join(known)}.",
            *(Flaw("sortby", f"{field!r} is nothing to order by") for field in odd),
        )
    columns = ((known[each.name].columns[0], each.falling) for each in sort)
    return [*((column.desc() if falling else column.asc()).nulls_last() for column, falling in columns), shown.id]


def _object(parts: Sequence[Any]) -> ColumnElement[Any]:
    """Make one JSON object of keys and values in turn: PostgreSQL takes 100 of them at a time, so texts are joined."""
    starts = range(0, max(len(parts), 1), MOST_ARGUMENTS)
    whole = [func.json_build_object(*parts[i : i + MOST_ARGUMENTS]) for i in starts]
    if len(whole) == 1:
        return whole[0]
    first, *rest = whole
    joined: ColumnElement[str] = cast(first, Text)
    for part in rest:
        joined = func.left(joined, -1).concat(", ").concat(func.substr(cast(part, Text), 2))
    return cast(joined, JSON)


def _key(name: str) -> ColumnElement[str]:
    return literal_column(f"'{name}'", Text)


def condition(viewer: Viewer, name: str, wanted: Wanted) -> ColumnElement[bool]:
    """Give the condition for a collection's rows that the viewer sees and wants.

    raises InvalidInput for a filter that the collection does not have
    """
    shown = collection(viewer, name)
    asked = wanted.asked()
    flaws = [Flaw(f, f"the collection {name!r} has no such filter") for f in asked if f not in shown.filters]
    if flaws:
        there = ", ".join(shown.filters)
        raise InvalidInput(f"{flaws[0].field!r} is no filter of {name!r}. Its filters: {there}.", *flaws)
    told = [shown.filters[key](value) for key, value in asked.items()]
    if wanted.filter:
        known = Known(queryables.queryables(viewer, name, shown, wanted), wanted.filter.crs)
        told.append(READING[wanted.filter.language](wanted.filter.told, known))
    return and_(shown.seen(viewer), shown.unasked(wanted), *told)


def select_page(
    viewer: Viewer, name: str, wanted: Wanted, stretch: Stretch, look: Rendering = PLAIN
) -> Select[str, int]:
    """Select the texts of one page; each row carries the number of all that match, counted once."""
    shown = collection(viewer, name)
    source, where = shown.source(viewer), condition(viewer, name, wanted)
    matched = select(func.count()).select_from(source).where(where).correlate(None).scalar_subquery()
    rows = select(text_of(viewer, name, wanted, look), matched).select_from(source).where(where)
    return rows.order_by(*_order(viewer, name, wanted, look.sort)).limit(stretch.limit).offset(stretch.offset)


def texts(
    session: Session, viewer: Viewer, name: str, wanted: Wanted, *, stretch: Stretch, look: Rendering = PLAIN
) -> Texts:
    """Read one page as texts ready to be sent."""
    rows = session.execute(select_page(viewer, name, wanted, stretch, look)).all()
    if rows or not stretch.offset:
        return Texts([row[0] for row in rows], rows[0][1] if rows else 0)
    return Texts([], texts(session, viewer, name, wanted, stretch=Stretch(1)).matched)


def page(session: Session, viewer: Viewer, name: str, wanted: Wanted, *, limit: int, offset: int = 0) -> Page:
    """Read one page as Python values, the same that the API sends."""
    read = texts(session, viewer, name, wanted, stretch=Stretch(limit, offset))
    return Page([json.loads(text) for text in read.features], read.matched)


def chosen(session: Session, viewer: Viewer, name: str, wanted: Wanted, items: Sequence[Any]) -> dict[Any, Feature]:
    """Read some items by id, those that the viewer sees; `wanted` says for when, as in the page that they are on."""
    shown = collection(viewer, name)
    rows = select(shown.id, text_of(viewer, name, wanted)).select_from(shown.source(viewer))
    seen = rows.where(shown.seen(viewer), shown.id.in_(items))
    return {item: json.loads(text) for item, text in session.execute(seen)}


def one_text(session: Session, viewer: Viewer, name: str, item: str, look: Rendering = PLAIN) -> str:
    """Read one feature as text; NotFound when it is not there or the viewer may not know that it is."""
    shown = collection(viewer, name)
    key = shown.key(item)
    where = and_(shown.seen(viewer), shown.id == key) if key is not None else None
    statement = select(text_of(viewer, name, Wanted(), look)).select_from(shown.source(viewer))
    found = session.scalar(statement.where(where)) if where is not None else None
    if found is None:
        raise NotFound(f"There is no item {item!r} in the collection {name!r}.")
    return found


def one(session: Session, viewer: Viewer, name: str, item: str) -> Feature:
    """Read one feature as Python values."""
    feature: Feature = json.loads(one_text(session, viewer, name, item))
    return feature
