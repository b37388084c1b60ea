"""What a collection is, what may be asked of it, and the filters that several collections share."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple
from uuid import UUID

from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from geo.base import WGS84, Base
from geo.crs import CRS84, Crs
from geo.days import Days
from geo.models import Neighbourhood
from geo.rights import Viewer
from geo.vocabulary import COMPOUND, SERVICES, THEMES, Level, Term, keys_named, stem

Column = SQLColumnExpression[Any]
Columns = dict[str, Column]
Box = tuple[float, float, float, float]  # west, south, east, north; west > east crosses the date line


class Filtering(NamedTuple):
    """A filter in CQL2 as it was told, in which form, and the system in which its geometries are."""

    told: str
    language: str
    crs: Crs = CRS84


@dataclass(frozen=True)
class Wanted:
    """What is asked of a collection. An empty filter lets everything through."""

    bbox: Box | BaseGeometry | None = None  # a shape, where the box was told in another system than CRS84
    kind: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    theme: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    year: int | None = None  # of neighbourhoods; without it those in force
    neighbourhood: str | None = None  # id ("BU05790101.2024"), or a code, which means its latest year
    q: str = ""  # each word must occur in the text, or in the label of a theme or service
    datetime: Days | None = None
    run: UUID | None = None  # of coverage; None is the latest
    asset: UUID | None = None  # at which activities take place
    filter: Filtering | None = None

    def asked(self) -> dict[str, Any]:
        """Give the filters that are set, but for the one that is told in words of its own."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "filter"}
        return {name: value for name, value in given.items() if value not in (None, (), "")}


Filter = Callable[[Any], ColumnElement[bool]]


class Collection(NamedTuple):
    """How one collection is read. `filters` names all that may be asked of it; `columns` hold no table's secrets.

    `source` joins only what the viewer may see; `seen` says which rows the viewer may see at all.
    """

    title: Term
    about: Term
    id: Column
    key: Callable[[str], object | None]  # an item's id as it was sent → the value to look for, None if it cannot be one
    geometry: Column
    columns: Callable[[Wanted], Columns]
    source: Callable[[Viewer], FromClause]
    seen: Callable[[Viewer], ColumnElement[bool]]
    order: tuple[Column, ...]
    filters: dict[str, Filter]
    parts: tuple[str, ...] = ()  # of what is kept in editions, those that it is made of (`geo/ready`); none: not public
    origin: tuple[Column, Column] | None = None  # of each row who made it, and under which licence
    geometries: tuple[Column, ...] = ()  # of which `geometry` gives the first there is, each with an index of its own
    unasked: Callable[[Wanted], ColumnElement[bool]] = lambda _wanted: (
        true()
    )  # what a page holds unless asked otherwise
    there: Callable[[Viewer], bool] = lambda _viewer: True  # for whom else it does not exist


def part(whole: Collection, title: Term, about: Term, where: ColumnElement[bool], without: str) -> Collection:
    """Give a collection that holds those features of another of which something is true, without one of its filters."""
    return whole._replace(
        title=title,
        about=about,
        seen=lambda viewer: and_(whole.seen(viewer), where),
        filters={name: told for name, told in whole.filters.items() if name != without},
    )


def uuid_key(item: str) -> UUID | None:
    """Read an item's id that is a UUID in its usual form."""
    try:
        return UUID(item) if len(item) == 36 else None
    except ValueError:
        return None


def own(table: type[Base]) -> Columns:
    """Give a table's own columns by name. The visibility table decides which of them are shown."""
    return {column.key: column for column in table.__table__.columns}


def in_box(column: Column, box: Box | BaseGeometry) -> ColumnElement[bool]:
    """Say whether a geometry touches a box, or what a box of another system is in degrees."""
    if isinstance(box, BaseGeometry):
        return func.ST_Intersects(column, func.ST_GeomFromWKB(box.wkb, WGS84))
    west, south, east, north = box
    halves = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return or_(*(func.ST_Intersects(column, func.ST_MakeEnvelope(w, south, e, north, WGS84)) for w, e in halves))


def within(neighbourhood: str) -> ScalarSelect[str]:
    """Select the ids of a neighbourhood (by id, or by code in its latest year) and of all that lie in it by parent."""
    top = aliased(Neighbourhood)
    return below(select(top.id).where(_is(top, neighbourhood))).scalar_subquery()


def below(tops: Select[str]) -> Select[str]:
    """Select the ids of some neighbourhoods and of all that lie in them by parent; each once."""
    child = aliased(Neighbourhood)
    tree = tops.cte(recursive=True)
    tree = tree.union(select(child.id).where(child.parent_id == tree.c.id))
    return select(tree.c.id)


def around(neighbourhood: str) -> ScalarSelect[str]:
    """Select the ids of a neighbourhood (named as for `within`) and of all in which it lies by parent."""
    part, whole = aliased(Neighbourhood), aliased(Neighbourhood)
    tree = select(part.id, part.parent_id).where(_is(part, neighbourhood)).cte(recursive=True)
    tree = tree.union_all(select(whole.id, whole.parent_id).where(whole.id == tree.c.parent_id))
    return select(tree.c.id).scalar_subquery()


def _is(area: type[Neighbourhood], neighbourhood: str) -> ColumnElement[bool]:
    newer = aliased(Neighbourhood)
    latest = select(func.max(newer.year)).where(newer.code == neighbourhood).scalar_subquery()
    return or_(area.id == neighbourhood, and_(area.code == neighbourhood, area.year == latest))


def drawn(neighbourhood: str, place: Column) -> ColumnElement[bool]:
    """Say whether a place lies in a neighbourhood that residents drew: those have no children, only an outline."""
    area = aliased(Neighbourhood)
    asked = or_(area.id == neighbourhood, area.code == neighbourhood)
    outline = select(func.ST_Union(area.geom)).where(asked, area.level == Level.drawn).scalar_subquery()
    return func.ST_Intersects(place, outline)


def says(text: Column, q: str, services: Column, themes: Column) -> ColumnElement[bool]:
    """Say whether each word of `q` stands in the text, or in the label of a service or theme of the record.

    A short word must begin a word there ("eten" is not in "ontmoeten"); a longer one may end a compound.
    """

    def told(word: str) -> ColumnElement[bool]:
        begins = text.regexp_match(rf"(^|\W){re.escape(word)}")
        ways = [text.contains(word, autoescape=True) if len(word) >= COMPOUND else begins]
        for carried, terms in ((services, SERVICES), (themes, THEMES)):
            if named := keys_named(word, terms):
                ways.append(carried.op("&&")(keys(named)))
        return or_(*ways)

    return and_(True, *(told(word) for word in map(stem, q.lower().split())))


def keys(values: Sequence[str]) -> ColumnElement[Any]:
    """Bind keys of a vocabulary as a text array."""
    return cast(literal(list(values), ARRAY(Text)), ARRAY(Text))
