"""What may be asked about each collection's properties: in filters, for order, and as a schema says it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Numeric,
    Text,
    Uuid,
    cast,
)

from geo.collections import Collection, Column, Wanted
from geo.cql2.values import Kind, Property
from geo.rights import Viewer, fields

GEOMETRY = "geometry"
FORMATS = {Kind.day: "date", Kind.moment: "date-time"}
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def queryables(viewer: Viewer, name: str, shown: Collection, wanted: Wanted) -> dict[str, Property]:
    """Give what the viewer may ask about the features of a collection: of what they see, each single value.

    Lists and what is made of several values are left out; services, kinds and such have parameters of their own.
    """
    columns = shown.columns(wanted)
    found = {field: _property(columns[field]) for field in fields(viewer, name)}
    known = {field: told for field, told in found.items() if told is not None}
    return {**known, GEOMETRY: Property(Kind.geometry, tuple(map(expression, shown.geometries or (shown.geometry,))))}


def sortables(viewer: Viewer, name: str, shown: Collection, wanted: Wanted) -> dict[str, Property]:
    """Give what the features of a collection may be ordered by: the same, but for the geometry."""
    return {field: told for field, told in queryables(viewer, name, shown, wanted).items() if field != GEOMETRY}


def held(viewer: Viewer, name: str, shown: Collection) -> dict[str, Property | None]:
    """Give all that the features of a collection hold for a viewer; None of what is no single value."""
    columns = shown.columns(Wanted())
    geometry = Property(Kind.geometry, (expression(shown.geometry),))
    return {**{field: _property(columns[field]) for field in fields(viewer, name)}, GEOMETRY: geometry}


def schema(properties: Mapping[str, Property | None]) -> dict[str, dict[str, Any]]:
    """Say of each property what its values are, as a JSON schema does."""
    return {name: _described(told) for name, told in properties.items()}


def _described(told: Property | None) -> dict[str, Any]:
    if told is None:
        return {}
    if told.kind == Kind.geometry:
        return {"x-ogc-role": "primary-geometry", "format": "geometry-any"}
    if told.kind in FORMATS:
        return {"type": "string", "format": FORMATS[told.kind]}
    return {"type": told.kind.value} | ({"enum": sorted(told.terms)} if told.terms else {})


def _property(told: Column) -> Property | None:
    """Say what kind of values a column has; None where it has several at once."""
    column = expression(told)
    kind = column.type
    if isinstance(kind, Enum):
        return Property(Kind.text, (column,), frozenset(kind.enums))
    if isinstance(kind, Uuid):
        return Property(Kind.text, (cast(column, Text),))
    for of, named in KINDS:
        if isinstance(kind, of):
            return Property(named, (column,))
    return None


def expression(column: Column) -> ColumnElement[Any]:
    """Give a column of a table or of a class as the expression that it is."""
    expression: ColumnElement[Any] = column.expression  # type: ignore[attr-defined]  # whichever it is, it has one
    return expression


KINDS: tuple[tuple[type[Any] | tuple[type[Any], ...], Kind], ...] = (
    (Boolean, Kind.yes_or_no),
    ((Integer, Float, Numeric), Kind.number),
    (DateTime, Kind.moment),
    (Date, Kind.day),
    (Text, Kind.text),
)
