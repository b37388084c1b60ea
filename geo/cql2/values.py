"""What may stand in a filter: properties with the kind of their values, and values that fit them."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, literal

from geo.crs import CRS84, Crs, to_degrees
from geo.days import AMSTERDAM
from geo.errors import Flaw, InvalidInput

HIGHEST = 1e300
Node = Any  # what JSON can hold


class Kind(StrEnum):
    """What values a property has, as they are told in a schema."""

    text = "string"
    number = "number"
    yes_or_no = "boolean"
    day = "date"
    moment = "date-time"
    geometry = "geometry"


class Property(NamedTuple):
    """A property that may be asked about. `terms` are all values that it can have, where they are known.

    columns   one, or of a geometry several, of which a row fills one
    """

    kind: Kind
    columns: Sequence[ColumnElement[Any]]
    terms: frozenset[str] = frozenset()


class Known(NamedTuple):
    """What a filter may speak of: properties by name, and the system in which its geometries are told."""

    properties: Mapping[str, Property]
    crs: Crs = CRS84


def value(node: Node, name: str, asked: Property) -> Any:
    """Read a value that a property is compared with; it must be of the property's kind."""
    if asked.kind == Kind.number and is_number(node):
        return literal(node)
    if asked.kind == Kind.yes_or_no and isinstance(node, bool):
        return literal(node)
    if asked.kind == Kind.text and isinstance(node, str):
        if asked.terms and node not in asked.terms:
            raise wrong(f"compares {name!r} with {node[:40]!r}; it is one of: {', '.join(sorted(asked.terms))}")
        return literal(storable(node))
    if asked.kind in (Kind.day, Kind.moment):
        return literal(_time(node, name, asked.kind))
    raise wrong(f"compares {name!r} ({asked.kind}) with a value of another kind")


def _time(node: Node, name: str, kind: Kind) -> date | datetime:
    """Read a day or a moment; a day stands for the midnight, in the Netherlands, with which it begins."""
    told: Any = node
    if isinstance(node, dict):
        told = node.get("timestamp", node.get("date")) if kind == Kind.moment else node.get("date")
    try:
        if kind == Kind.day:
            return date.fromisoformat(told)
        moment = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        example = "DATE('2026-11-22')" if kind == Kind.day else "TIMESTAMP('2026-11-22T09:00:00Z')"
        raise wrong(f"compares {name!r} with something that is no {kind}, such as {example}") from None
    if len(told) == len("2026-11-22"):
        return moment.replace(tzinfo=AMSTERDAM)
    if moment.tzinfo is None:
        raise wrong(f"compares {name!r} with a moment without a time zone, such as Z")
    return moment


def is_number(node: Node) -> bool:
    """Tell whether a value is a number that the database can hold."""
    return isinstance(node, int | float) and not isinstance(node, bool) and math.isfinite(node) and abs(node) < HIGHEST


def shape(node: Node, crs: Crs) -> BaseGeometry:
    """Read a geometry that is told in a system, and give it in CRS84. Raises InvalidInput where it is none."""
    try:
        if isinstance(node, dict) and isinstance(node.get("bbox"), list):
            numbers = [float(node["bbox"][i]) for i in ((0, 1, 2, 3) if len(node["bbox"]) == 4 else (0, 1, 3, 4))]
            told: BaseGeometry = shapely.box(numbers[0], numbers[1], numbers[2], numbers[3])
        else:
            told = shapely.geometry.shape(node)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise wrong("holds something that is no geometry") from None
    there = to_degrees(shapely.force_2d(told), crs)
    west, south, east, north = there.bounds if not there.is_empty else (math.nan,) * 4
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise wrong(f"has a geometry that lies outside the world: give coordinates of {crs.uri}")
    if not there.is_valid:
        raise wrong(f"has a geometry that is not valid ({shapely.is_valid_reason(there).split('[')[0].lower()})")
    return there


def storable(told: str) -> str:
    """Give a text that the database can hold. Raises InvalidInput where it cannot."""
    if "\0" in told or (not told.isascii() and any("\ud800" <= sign <= "\udfff" for sign in told)):
        raise wrong("holds signs that no text of ours can have")
    return told


def wrong(reason: str) -> InvalidInput:
    """Give the refusal of a filter."""
    return InvalidInput(f"The filter {reason}.", Flaw("filter", reason))
