"""The columns of a file: from the properties of a collection to Arrow, with one type for each that every format knows.

What has parts (a list, an object) becomes its JSON as text, the same in all formats that cannot nest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    Time,
    Uuid,
    case,
    cast,
    func,
    type_coerce,
)

from geo import crs, definitions, features
from geo.collections import Column
from geo.crs import CRS84
from geo.exports.reading import Opened, Order, batches

ID, GEOMETRY, WKT = "id", "geometry", "WKT"
EPOCH = date(1970, 1, 1)
DECIMALS = {CRS84.srid: 9, 28992: 4}  # of a text: a tenth of a millimetre
MOMENT = pa.timestamp("us", tz="UTC")
MEANING = b"GDAL:OGR:comment"  # under which GDAL looks for what a column means


class Part(NamedTuple):
    """One column: its name, how it is read, its type, and the type in which its values come if that is another."""

    name: str
    column: Column
    type: pa.DataType
    comes_as: pa.DataType | None = None


def shapes(order: Order) -> list[Part]:
    """Give the columns of a file that holds geometries: the identifier, the properties, the geometry as WKB."""
    there = crs.given_in(features.collection(order.viewer, order.name).geometry, order.look.crs)
    return [*_properties(order), Part(GEOMETRY, type_coerce(func.ST_AsBinary(there), LargeBinary), pa.binary())]


def table(order: Order) -> list[Part]:
    """Give the columns of a table: the same with x and y of what is a point, and the geometry as text (WKT)."""
    there = crs.given_in(features.collection(order.viewer, order.name).geometry, order.look.crs)
    x, y = ("lon", "lat") if order.look.crs == CRS84 else ("x", "y")
    is_point = func.GeometryType(there) == "POINT"
    written = type_coerce(func.ST_AsText(there, DECIMALS[order.look.crs.srid]), Text)
    return [
        *_properties(order),
        Part(x, type_coerce(case((is_point, func.ST_X(there))), Float), pa.float64()),
        Part(y, type_coerce(case((is_point, func.ST_Y(there))), Float), pa.float64()),
        Part(WKT, written, pa.string()),
    ]


def _properties(order: Order) -> list[Part]:
    shown = features.collection(order.viewer, order.name)
    columns = shown.columns(order.wanted)
    named = features.chosen_fields(order.viewer, order.name, order.look.properties)
    return [_part(ID, shown.id), *(_part(field, columns[field]) for field in named)]


def _part(name: str, column: Column) -> Part:
    told: ColumnElement[Any] = column.expression  # type: ignore[attr-defined]  # of a table or of a class
    make = next((make for kinds, make in WAYS if isinstance(told.type, kinds)), _nested)
    return make(name, told)


def _text(name: str, told: ColumnElement[Any]) -> Part:
    return Part(name, cast(told, Text), pa.string())


def _nested(name: str, told: ColumnElement[Any]) -> Part:
    return Part(name, cast(func.to_json(told), Text), pa.string())


def _moment(name: str, told: ColumnElement[Any]) -> Part:
    since = cast(func.floor(func.extract("epoch", told) * 1_000_000), BigInteger)
    return Part(name, since, MOMENT, pa.int64())


def _day(name: str, told: ColumnElement[Any]) -> Part:
    return Part(name, cast(told - EPOCH, Integer), pa.date32(), pa.int32())


# The first that fits: how a column of a type is read. What is none of these has parts.
WAYS: Sequence[tuple[tuple[type[Any], ...], Callable[[str, ColumnElement[Any]], Part]]] = (
    ((Boolean,), lambda name, told: Part(name, told, pa.bool_())),
    ((Integer,), lambda name, told: Part(name, cast(told, BigInteger), pa.int64())),
    ((Float, Numeric), lambda name, told: Part(name, cast(told, Float), pa.float64())),
    ((DateTime,), _moment),
    ((Date,), _day),
    ((Enum, Uuid, Time, Text), _text),
)


def meanings(order: Order, parts: Sequence[str]) -> Mapping[str, dict[str, str]]:
    """Give what each column of a file means, in Dutch and English."""
    own = {ID: definitions.IDENTIFIER, GEOMETRY: definitions.GEOMETRY, WKT: definitions.WRITTEN}
    own |= dict.fromkeys(("lon", "x"), definitions.EAST) | dict.fromkeys(("lat", "y"), definitions.NORTH)
    told = own | definitions.of(order.name, [name for name in parts if name not in own])
    return {name: {"nl": told[name].nl, "en": told[name].en} for name in parts}


def schema(order: Order, parts: Sequence[Part]) -> pa.Schema:
    """Give the Arrow schema of columns; each says what it means."""
    told = meanings(order, [part.name for part in parts])
    comments = {name: {MEANING: f"{each['nl']} / {each['en']}".encode()} for name, each in told.items()}
    return pa.schema([pa.field(part.name, part.type, metadata=comments[part.name]) for part in parts])


def arrow(opened: Opened, parts: Sequence[Part]) -> Iterator[pa.RecordBatch]:
    """Read all rows as Arrow, some thousands at a time."""
    made = schema(opened.order, parts)
    for rows in batches(opened, [part.column for part in parts]):
        values = zip(*rows, strict=True)
        arrays = [_array(part, list(column)) for part, column in zip(parts, values, strict=True)]
        yield pa.record_batch(arrays, schema=made)


def _array(part: Part, values: list[Any]) -> pa.Array:
    found = pa.array(values, part.comes_as or part.type)
    return found if part.comes_as is None else found.cast(part.type)
