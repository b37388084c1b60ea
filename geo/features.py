"""Any collection → GeoJSON, made by the database: SQL to text, no object per row."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Select, Text, and_, cast, func, literal_column, select, true
from sqlalchemy.orm import Session

from geo import crs, cursors, queryables
from geo.catalogue import COLLECTIONS
from geo.collections import Collection, Wanted
from geo.cql2.reading import json_condition, text_condition
from geo.cql2.values import Known
from geo.crs import CRS84, Crs
from geo.cursors import Key
from geo.errors import Flaw, InvalidInput, NotFound
from geo.rights import Viewer, fields

Feature = dict[str, Any]
MOST_ARGUMENTS = 100  # of a function of PostgreSQL; an even number
READING = {"cql2-text": text_condition, "cql2-json": json_condition}


class Sorting(NamedTuple):
    """By which property features are ordered, and whether the highest come first."""

    name: str
    falling: bool = False


class Rendering(NamedTuple):
    """How features are given: in which system, with which properties (None: all), in which order (none: the usual)."""

    crs: Crs = CRS84
    properties: tuple[str, ...] | None = None
    sort: tuple[Sorting, ...] = ()

    @property
    def sorted_by(self) -> str:
        """Name the order, as it is asked for."""
        return ",".join(f"{'-' * each.falling}{each.name}" for each in self.sort)


class Stretch(NamedTuple):
    """Which part of all that match: at most `limit`, after passing over `offset`, or from where a cursor says."""

    limit: int
    offset: int = 0
    cursor: str | None = None


PLAIN = Rendering()


class Texts(NamedTuple):
    """The features of one page as GeoJSON texts, how many there are in all, and the cursor of the page after it."""

    features: list[str]
    matched: int
    cursor: str | None = None


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
    named = chosen_fields(viewer, name, look.properties)
    seen = [part for field in named for part in (_key(field), columns[field])]
    geometry = cast(func.ST_AsGeoJSON(crs.given_in(shown.geometry, look.crs), look.crs.digits, 0), JSON)
    feature = [_key("type"), _key("Feature"), _key("id"), shown.id, _key("geometry"), geometry]
    return cast(func.json_build_object(*feature, _key("properties"), _object(seen)), Text)


def chosen_fields(viewer: Viewer, name: str, asked: Sequence[str] | None) -> list[str]:
    """Name the fields that are shown: all that the viewer sees, or those of them that are asked for.

    raises InvalidInput for one that the viewer does not see
    """
    seen = fields(viewer, name)
    if asked is None:
        return seen
    if odd := [field for field in asked if field not in seen]:
        raise InvalidInput(
            f"properties: {odd[0]!r} is none of {name!r}. There are: {', '.join(seen)}.",
            *(Flaw("properties", f"{field!r} is no property of {name!r}") for field in odd),
        )
    return [field for field in seen if field in asked]


def order_of(viewer: Viewer, name: str, wanted: Wanted, sort: Sequence[Sorting]) -> list[ColumnElement[Any]]:
    """Give what a page is ordered by: what is asked, what is unknown at its end, and always by something unique."""
    return [key.ordered() for key in _keys_of(viewer, name, wanted, sort)]


def _keys_of(viewer: Viewer, name: str, wanted: Wanted, sort: Sequence[Sorting]) -> list[Key]:
    shown = collection(viewer, name)
    if not sort:
        return [Key(queryables.expression(column)) for column in shown.order]
    known = queryables.sortables(viewer, name, shown, wanted)
    if odd := [each.name for each in sort if each.name not in known]:
        raise InvalidInput(
            f"sortby: {name!r} is not ordered by {odd[0]!r}. It can be by: {', '.join(known)}.",
            *(Flaw("sortby", f"{field!r} is nothing to order by") for field in odd),
        )
    asked = [Key(known[each.name].columns[0], each.falling) for each in sort]
    return [*asked, Key(queryables.expression(shown.id))]


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
) -> Select[str, int, *tuple[Any, ...]]:
    """Select the texts of one page, and one feature more where there is more.

    Each row carries the number of all that match, counted once, and where a page after it begins.
    """
    shown, keys = collection(viewer, name), _keys_of(viewer, name, wanted, look.sort)
    source, where = shown.source(viewer), condition(viewer, name, wanted)
    matched = select(func.count()).select_from(source).where(where).correlate(None).scalar_subquery()
    begin = cursors.after(keys, cursors.read(stretch.cursor, look.sorted_by, keys)) if stretch.cursor else true()
    rows = select(text_of(viewer, name, wanted, look), matched, *cursors.told(keys)).select_from(source)
    ordered = rows.where(where, begin).order_by(*(key.ordered() for key in keys))
    return ordered.limit(stretch.limit + 1).offset(stretch.offset)


def texts(
    session: Session, viewer: Viewer, name: str, wanted: Wanted, *, stretch: Stretch, look: Rendering = PLAIN
) -> Texts:
    """Read one page as texts ready to be sent."""
    rows = session.execute(select_page(viewer, name, wanted, stretch, look)).all()
    if not rows and (stretch.offset or stretch.cursor):
        return Texts([], texts(session, viewer, name, wanted, stretch=Stretch(1)).matched)
    here = rows[: stretch.limit]
    further = cursors.written(look.sorted_by, here[-1][2:]) if len(rows) > len(here) else None
    return Texts([row[0] for row in here], rows[0][1] if rows else 0, further)


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
