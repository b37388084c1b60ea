"""What the tiles of a collection hold: which properties, and at which zooms what. Always as a visitor sees it."""

from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Float, Integer, Numeric, Text, cast, func, select
from sqlalchemy.orm import Session

from geo import features, queryables
from geo.collections import Collection, Wanted
from geo.models import Neighbourhood
from geo.rights import VISITOR, fields
from geo.vocabulary import Level

EXTENT = 4096  # units along a side of a tile
BUFFER = 64  # units around it that are drawn too
LARGEST = 500_000  # bytes of a tile, before it is compressed
EVERYTHING_FROM = 14  # the zoom from which on a tile holds every feature, as long as it is not too large
OUTLINES_FROM = 12  # the zoom from which on areas have their own outlines, and no longer the overviews of them
LEVELS_FROM = {
    Level.gemeente: 0,
    Level.wijk: 9,
    Level.buurt: 11,
    Level.drawn: 11,
}  # the zoom from which on each is there
PROPERTIES = """name title kind service services theme next_on code level residents gap covered_share median_m choice
 confirmed_on""".split()
VARIETIES = {"kind": "kinds", "theme": "themes"}  # what a cluster tells of its features
WORDS = {"boolean": "Boolean", "number": "Number", "integer": "Number"}  # of TileJSON, for those of JSON schema
Expression = ColumnElement[Any]


def shown(name: str) -> Collection:
    """Find a collection that has tiles. Raises NotFound: what is not for everybody has none."""
    return features.collection(VISITOR, name)


def held(name: str) -> list[str]:
    """Name the properties that the features of a collection have in tiles, besides `id`."""
    seen = fields(VISITOR, name)
    return [field for field in PROPERTIES if field in seen]


def columns(name: str) -> list[Expression]:
    """Give `id` and what is held, each named and as one value."""
    collection = shown(name)
    found = {"id": collection.id, **collection.columns(Wanted())}
    return [_single(queryables.expression(found[field])).label(field) for field in ("id", *held(name))]


def _single(column: Expression) -> Expression:
    """Give a column as a tile can tell it: a number, yes or no, or a text; lists with commas between."""
    if isinstance(column.type, ARRAY):
        return func.array_to_string(column, ",")
    return column if isinstance(column.type, Boolean | Integer | Float | Numeric) else cast(column, Text)


def told(name: str) -> dict[str, str]:
    """Say of each property what its values are, those of clusters included, in the words of TileJSON."""
    known = queryables.schema(queryables.held(VISITOR, name, shown(name)))
    of_features = {field: WORDS.get(known[field].get("type", ""), "String") for field in held(name)}
    of_clusters = {"count": "Number", **{told: "String" for one, told in VARIETIES.items() if one in of_features}}
    of_id = WORDS["integer"] if isinstance(columns(name)[0].type, Integer) else "String"
    return {"id": of_id, **of_features, **(of_clusters if is_points(name) else {})}


def geometries(name: str) -> list[Column[Any]]:
    """Give the columns of a collection's geometry that have an index; the first is of the collection's own table."""
    collection = shown(name)
    found: list[Any] = [queryables.expression(column) for column in collection.geometries or (collection.geometry,)]
    return found


def is_points(name: str) -> bool:
    """Tell whether the features of a collection are points, or some of them at least."""
    return any(map(is_point, geometries(name)))


def is_point(column: Column[Any]) -> bool:
    """Tell whether a column holds points."""
    return getattr(column.type, "geometry_type", "") == "POINT"


def shape(name: str, zoom: int) -> Expression:
    """Give the geometry that a zoom draws: of areas at most zooms an overview, where there is one."""
    own = queryables.expression(shown(name).geometry)
    has_overview = zoom < OUTLINES_FROM and own is queryables.expression(Neighbourhood.geom)
    return queryables.expression(Neighbourhood.overview) if has_overview else own


def wanted(name: str, zoom: int) -> Wanted:
    """Say which features a zoom shows: of areas of several levels those whose level it is deep enough for."""
    if "level" not in shown(name).filters:
        return Wanted()
    return Wanted(level=tuple(level for level, first in LEVELS_FROM.items() if zoom >= first))


def attribution(session: Session, name: str) -> str:
    """Name the sources of a collection's features with their licences, between semicolons."""
    collection = shown(name)
    if collection.origin is None:
        return ""
    source, licence = collection.origin
    rows = select(source, licence).select_from(collection.source(VISITOR))
    found = session.execute(rows.where(features.condition(VISITOR, name, Wanted())).distinct())
    return "; ".join(sorted(f"{told[0]} ({told[1]})" if told[1] else str(told[0]) for told in found))
