"""What the operators of a filter mean: a tree as CQL2 JSON has it, made into a condition on columns."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from geoalchemy2 import Geography
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, and_, cast, func, not_, or_

from geo.base import WGS84
from geo.cql2.values import Kind, Known, Node, Property, is_number, shape, storable, value, wrong

DEEPEST = 20  # operators within operators
FARTHEST_M = 100_000
M_PER_DEGREE = 111_320.0  # of latitude; a degree of longitude is shorter


def condition(node: Node, known: Known, depth: int) -> ColumnElement[bool]:
    """Read a node that is true or false of a row."""
    if depth > DEEPEST:
        raise wrong(f"has more than {DEEPEST} operators within operators")
    op, told = _operator(node)
    if op in ("and", "or"):
        parts = [condition(part, known, depth + 1) for part in _several(op, told)]
        return and_(*parts) if op == "and" else or_(*parts)
    if op == "not":
        return not_(condition(_exactly(op, told, 1)[0], known, depth + 1))
    if op == "isnull":
        return _whole(_property(_exactly(op, told, 1)[0], known)).is_(None)
    if op in COMPARISONS:
        return _compared(op, _exactly(op, told, 2), known)
    if op in OTHERS:
        return OTHERS[op](told, known)
    raise wrong(f"has the operator {op[:40]!r}, which is not supported; there are: {', '.join(SUPPORTED)}")


def _compared(op: str, told: list[Node], known: Known) -> ColumnElement[bool]:
    left, right = told
    if not _is_property(left):
        left, right, op = right, left, MIRRORED[op]
    asked = _property(left, known)
    if asked.kind == Kind.geometry or (asked.kind == Kind.yes_or_no and op not in ("=", "<>")):
        raise wrong(f"compares {left['property']!r} by {op!r}, which its kind ({asked.kind}) has not")
    return COMPARISONS[op](asked.columns[0], value(right, left["property"], asked))


def _between(told: Node, known: Known) -> ColumnElement[bool]:
    left, low, high = _exactly("between", told, 3)
    asked = _of_kind(left, known, Kind.number, Kind.day, Kind.moment, Kind.text)
    name = left["property"]
    return asked.columns[0].between(value(low, name, asked), value(high, name, asked))


def _in(told: Node, known: Known) -> ColumnElement[bool]:
    left, values = _exactly("in", told, 2)
    asked = _of_kind(left, known, Kind.number, Kind.day, Kind.moment, Kind.text, Kind.yes_or_no)
    if not isinstance(values, list) or not values:
        raise wrong("has an 'in' without a list of values")
    return asked.columns[0].in_([value(one, left["property"], asked) for one in values])


def _like(told: Node, known: Known) -> ColumnElement[bool]:
    left, pattern = _exactly("like", told, 2)
    asked = _of_kind(left, known, Kind.text)
    if not isinstance(pattern, str):
        raise wrong(f"compares {left['property']!r} with something that is no pattern")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise wrong("has a pattern that ends in a single \\")
    return asked.columns[0].like(storable(pattern))


def _after(told: Node, known: Known) -> ColumnElement[bool]:
    return _in_time("t_after", ">", told, known)


def _before(told: Node, known: Known) -> ColumnElement[bool]:
    return _in_time("t_before", "<", told, known)


def _in_time(op: str, sign: str, told: Node, known: Known) -> ColumnElement[bool]:
    left, right = _exactly(op, told, 2)
    _of_kind(left, known, Kind.day, Kind.moment)
    return _compared(sign, [left, right], known)


def _intersects(told: Node, known: Known) -> ColumnElement[bool]:
    left, right = _exactly("s_intersects", told, 2)
    asked, there = _of_kind(left, known, Kind.geometry), _bound(shape(right, known.crs))
    return and_(_may_touch(asked, there), func.ST_Intersects(_whole(asked), there))


def _within(told: Node, known: Known) -> ColumnElement[bool]:
    left, right = _exactly("s_within", told, 2)
    asked, there = _of_kind(left, known, Kind.geometry), _bound(shape(right, known.crs))
    return and_(_may_touch(asked, there), func.ST_Within(_whole(asked), there))


def _dwithin(told: Node, known: Known) -> ColumnElement[bool]:
    """Near by: metres over the ellipsoid."""
    left, right, metres, *unit = _exactly("s_dwithin", told, 3, 4)
    if unit and unit[0] not in METRES:
        raise wrong(f"measures in {str(unit[0])[:40]!r}; give metres")
    if not is_number(metres) or not 0 <= metres <= FARTHEST_M:
        raise wrong(f"asks for a distance that is not between 0 and {FARTHEST_M} metres")
    asked, told_shape = _of_kind(left, known, Kind.geometry), shape(right, known.crs)
    there, (_, south, _, north) = _bound(told_shape), told_shape.bounds
    up = metres / M_PER_DEGREE * 1.01 + 1e-9
    aside = up / max(0.01, math.cos(math.radians(min(89.0, max(abs(south), abs(north)) + up))))
    on_earth = (cast(geometry, Geography(srid=WGS84)) for geometry in (_whole(asked), there))
    return and_(_may_touch(asked, func.ST_Expand(there, aside, up)), func.ST_DWithin(*on_earth, metres))


def _may_touch(asked: Property, there: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say by boxes alone, which an index has, whether a geometry can touch another: of all that do it is true."""
    return or_(*(column.op("&&")(there) for column in asked.columns))


def _whole(asked: Property) -> ColumnElement[Any]:
    whole: ColumnElement[Any] = func.coalesce(*asked.columns) if len(asked.columns) > 1 else asked.columns[0]
    return whole


def _bound(told: BaseGeometry) -> ColumnElement[Any]:
    bound: ColumnElement[Any] = func.ST_GeomFromWKB(told.wkb, WGS84)
    return bound


COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "<>": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OTHERS: Mapping[str, Callable[[Node, Known], ColumnElement[bool]]] = {
    "between": _between, "in": _in, "like": _like, "t_after": _after, "t_before": _before,
    "s_intersects": _intersects, "s_within": _within, "s_dwithin": _dwithin,
}  # fmt: skip
SUPPORTED = ("and", "or", "not", "isNull", *COMPARISONS, *OTHERS)
METRES = ("m", "metre", "metres", "meter", "meters")


def _operator(node: Node) -> tuple[str, Node]:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        raise wrong("holds something that is neither true nor false of a feature")
    return node["op"].lower(), node.get("args")


def _exactly(op: str, told: Node, *numbers: int) -> list[Node]:
    if not isinstance(told, list) or len(told) not in numbers:
        raise wrong(f"gives {op!r} the wrong number of arguments")
    return told


def _several(op: str, told: Node) -> list[Node]:
    if not isinstance(told, list) or not told:
        raise wrong(f"gives {op!r} no arguments")
    return told


def _is_property(node: Node) -> bool:
    return isinstance(node, dict) and isinstance(node.get("property"), str)


def _property(node: Node, known: Known) -> Property:
    if not _is_property(node):
        raise wrong("compares two values; one side must be a property")
    if node["property"] not in known.properties:
        raise wrong(f"asks for {node['property'][:40]!r}; there are: {', '.join(known.properties)}")
    return known.properties[node["property"]]


def _of_kind(node: Node, known: Known, *kinds: Kind) -> Property:
    found = _property(node, known)
    if found.kind not in kinds:
        raise wrong(f"asks of {node['property']!r} ({found.kind}) what only {', '.join(kinds)} can be asked")
    return found
