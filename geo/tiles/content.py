"""A tile's bytes, made by the database in one round trip: no object per feature.

Points are clustered where they are many; areas too small to see are left out, and where a tile still grows too large
the largest are kept. From zoom 14 on a tile holds every feature, as long as it is not too large.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    Dialect,
    Float,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import Session

from geo import features
from geo.base import WGS84
from geo.rights import VISITOR
from geo.tiles import layers, matrix
from geo.tiles.layers import BUFFER, EVERYTHING_FROM, EXTENT, LARGEST, OUTLINES_FROM, VARIETIES, Expression
from geo.tiles.matrix import Tile

MANY = 1000  # points of a tile: where there are more they are clustered, unless the zoom shows everything
MOST = 5_000  # features that may fit into a tile at all
CELLS = 32  # along a side of a tile, of the grid by which points are clustered
STEP = 4  # units that an outline may leave out where it is an overview anyway
PIXEL = 8  # units: an area smaller than such a square is left out, unless the zoom shows everything
SHORTER = 0.6  # a degree of longitude as a part of one of latitude, in the Netherlands
LOOKED_UP_FROM = 10  # the zoom from which on it pays to look up first what lies in a tile in another table
MERCATOR = 3857
A_FEATURE, A_CORNER, A_PROPERTY = 24, 4, 16  # bytes that each takes at most, the text of a property aside
DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]
BOUND = ("row", "col", "west", "south", "east", "north", "left", "bottom", "right", "top")


class Question(NamedTuple):
    """A statement for psycopg, and the values that it is asked with; one row comes back, of one value."""

    statement: str
    values: Mapping[str, Any]


def read(session: Session, name: str, tile: Tile) -> bytes:
    """Give one tile of a collection, at most `LARGEST` bytes; none where nothing lies in it.

    raises NotFound where the collection has no tiles
    """
    asked = question(name, tile)
    return bytes(session.connection().exec_driver_sql(asked.statement, dict(asked.values)).scalar() or b"")


def question(name: str, tile: Tile) -> Question:
    """Give the question whose answer is a tile of a collection. Raises NotFound where the collection has no tiles."""
    layers.shown(name)
    asked = _of_zoom(name, tile.zoom)
    bounds = (*matrix.bounds(tile), *matrix.bounds(tile, BUFFER / EXTENT))
    return asked._replace(values={**asked.values, **dict(zip(BOUND, (tile.row, tile.col, *bounds), strict=True))})


@cache
def _of_zoom(name: str, zoom: int) -> Question:
    """Compose the question for the tiles of one zoom; which tile it is for is bound."""
    statement = _points(name, zoom) if layers.is_points(name) else _areas(name, zoom)
    whole = statement.compile(dialect=DIALECT).construct_expanded_state(dict.fromkeys(BOUND, 0))
    make: Mapping[str, Any] = whole.processors
    told = {field: value for field, value in whole.parameters.items() if field not in BOUND}
    return Question(whole.statement, {f: make[f](value) if f in make else value for f, value in told.items()})


def _points(name: str, zoom: int) -> Select[bytes]:
    """Give each point while they are few, else clusters."""
    most = MOST if zoom >= EVERYTHING_FROM else MANY
    place = layers.shape(name, zoom).label("place")
    found = _materialized(_found(name, zoom, *layers.columns(name), place).limit(most + 1), "found")
    few = select(func.count()).select_from(found).scalar_subquery() <= most
    each = select(*(column for column in found.c if column.name != "place"), _drawn(found.c.place, zoom))
    return _unless_large(case((few, _tile(name, each))), _tile(name, _clusters(name, zoom)))


def _clusters(name: str, zoom: int) -> Select[Any]:
    """Put together the points of each cell of a grid over the tile itself: each point is in one tile only."""
    held = {column.name: column for column in layers.columns(name)}
    variety = next((field for field in held if field in VARIETIES), None)
    sort = held[variety] if variety else cast(None, Text).label("sort")
    middles = (c if layers.is_point(c) else func.ST_Centroid(c) for c in layers.geometries(name))
    middle = func.coalesce(*middles)
    x, y = func.ST_X(middle), func.ST_Y(middle)
    cell = (_cell(x, "west", "east").label("across"), _cell(y, "south", "north").label("up"))
    sums = (func.count().label("number"), func.sum(x).label("x"), func.sum(y).label("y"))
    grouped = _found(name, zoom, *cell, sort.label("sort"), *sums).group_by("across", "up", "sort")
    parts = grouped.subquery("parts").c
    number = cast(func.sum(parts.number), Float)
    mean = func.ST_SetSRID(func.ST_MakePoint(func.sum(parts.x) / number, func.sum(parts.y) / number), WGS84)
    kinds = func.string_agg(parts.sort, aggregate_order_by(literal_column("','"), parts.sort))
    told = [cast(number, Integer).label("count"), *([kinds.label(VARIETIES[variety])] if variety else [])]
    # Said of the whole cell and not of its parts: PostgreSQL would guess that next to nothing is left, and sort.
    inside = and_(func.min(parts.across).between(0, CELLS - 1), func.min(parts.up).between(0, CELLS - 1))
    return select(*told, _drawn(mean, zoom)).group_by(parts.across, parts.up).having(inside)


def _cell(at: Expression, first: str, last: str) -> Expression:
    return cast(func.floor((at - _bound(first)) / (_bound(last) - _bound(first)) * CELLS), Integer)


def _areas(name: str, zoom: int) -> Select[bytes]:
    """Give each area that can be seen; where they make too large a tile, the largest of them."""
    held = [column.name for column in layers.columns(name)]
    shapes = _shapes(name, zoom)
    each = func.unnest(*(shapes.c[field] for field in held)).table_valued(*held, name="each").render_derived()
    texts = (A_PROPERTY + func.coalesce(func.octet_length(cast(each.c[field], Text)), 0) for field in held)
    cost = sum(texts, A_FEATURE + A_CORNER * func.ST_NPoints(shapes.c.geom))
    running = func.sum(cost).over(order_by=(shapes.c.size.desc(), each.c.id)).label("running")
    rows = select(*(each.c[field] for field in held), shapes.c.geom, running)
    kept = _materialized(rows.select_from(shapes, each).where(shapes.c.geom.is_not(None)), "kept")
    given = select(*(kept.c[field] for field in held), kept.c.geom)
    return _unless_large(_tile(name, given), _tile(name, given.where(kept.c.running <= LARGEST)))


def _shapes(name: str, zoom: int) -> CTE:
    """Draw the areas that a tile may show, the largest if they are many: each outline once, with all who have it.

    The properties of those who have it are arrays, all in one order. Small outlines are drawn with fewer corners.
    """
    shape, (key,) = layers.shape(name, zoom), layers.geometries(name)[0].table.primary_key
    size, held = func.ST_Area(shape).label("size"), layers.columns(name)
    found = _found(name, zoom, *held, size, key.label("key"))
    if zoom < EVERYTHING_FROM:
        found = found.where(size.element >= (PIXEL * _unit(zoom)) ** 2 * SHORTER)
    some = found.order_by(size.desc(), layers.shown(name).id).limit(MOST).subquery("some")
    fewer = shape if zoom >= OUTLINES_FROM else func.ST_Simplify(shape, STEP * _unit(zoom), True)
    drawn = select(_drawn(fewer, zoom)).where(key == some.c.key).scalar_subquery()
    arrays = (func.array_agg(some.c[column.name]).label(column.name) for column in held)
    return _materialized(
        select(drawn.label("geom"), func.max(some.c.size).label("size"), *arrays).group_by(some.c.key), "shapes"
    )


def _unit(zoom: int) -> float:
    """Give one unit of a tile in degrees of longitude."""
    return float(360 / 2**zoom / EXTENT)


def _found(name: str, zoom: int, *columns: Expression) -> Select[Any]:
    """Select from what a visitor sees of a collection, at a zoom, in and around a tile."""
    where = and_(_near(name, zoom), features.condition(VISITOR, name, layers.wanted(name, zoom)))
    return select(*columns).select_from(layers.shown(name).source(VISITOR)).where(where)


def _near(name: str, zoom: int) -> Expression:
    """Say whether a feature lies in or around a tile, so that an index on each of its geometries is of use.

    Where one of them is another table's, what lies there is looked up first: no index spans two tables.
    """
    box = func.ST_MakeEnvelope(_bound("left"), _bound("bottom"), _bound("right"), _bound("top"), WGS84)
    geometries = layers.geometries(name)
    own = geometries[0].table
    there = [column for column in geometries if column.table is not own]
    here = or_(*(column.op("&&")(box) for column in geometries if column.table is own))
    if not there:
        return here
    if zoom < LOOKED_UP_FROM:
        return or_(here, *(column.op("&&")(box) for column in there))
    (other,) = {column.table for column in there}
    (key,) = other.primary_key
    (link,) = (column for column in own.columns if column.references(key))
    beside = other.alias()
    ids = select(beside.c[key.name]).where(or_(*(beside.c[column.name].op("&&")(box) for column in there)))
    return or_(here, link == any_(func.array(ids.scalar_subquery())))


def _bound(name: str) -> Expression:
    return bindparam(name, type_=Float)


def _drawn(geometry: Expression, zoom: int) -> Expression:
    """Turn a geometry in degrees into units of the tile, cut off where its buffer ends; NULL where nothing is left."""
    tile = func.ST_TileEnvelope(zoom, bindparam("col", type_=Integer), bindparam("row", type_=Integer))
    projected = func.ST_Transform(geometry, MERCATOR)
    return func.ST_AsMVTGeom(projected, tile, EXTENT, BUFFER, True).label("geom")


def _tile(name: str, rows: Select[Any]) -> Expression:
    """Make a tile of rows, with one layer named as the collection."""
    each = rows.subquery("each")
    return select(func.ST_AsMVT(each.table_valued(), name, EXTENT, "geom")).scalar_subquery()


def _unless_large(tile: Expression, other: Expression) -> Select[bytes]:
    """Give a tile unless it is none or too large: then another, which is made only in that case."""
    whole = _materialized(select(tile.label("tile")), "whole")
    return select(case((func.octet_length(whole.c.tile) <= LARGEST, whole.c.tile), else_=other))


def _materialized(rows: Select[Any], name: str) -> CTE:
    """Have rows made once, before what asks for them is."""
    return rows.cte(name).prefix_with("MATERIALIZED")
