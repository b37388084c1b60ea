"""Where a page goes on: after the last feature of the one before, told by what orders the pages (keyset paging).

A page deep in the list costs what the first costs, and nothing is passed over or told twice when rows come and go.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    Text,
    Uuid,
    and_,
    cast,
    false,
    literal,
    or_,
    true,
)

from geo.errors import Flaw, InvalidInput

LONGEST = 4096  # characters of a cursor
READ: Mapping[type[Any], Callable[[str], object]] = {
    Boolean: {"true": True, "false": False}.__getitem__,
    Integer: int, Float: float, Numeric: float, DateTime: datetime.fromisoformat, Date: date.fromisoformat, Uuid: UUID,
}  # fmt: skip


class Key(NamedTuple):
    """Something that a list is ordered by. What is unknown comes last, whichever way it goes."""

    column: ColumnElement[Any]
    falling: bool = False

    def ordered(self) -> ColumnElement[Any]:
        """Give what stands in ORDER BY."""
        return (self.column.desc() if self.falling else self.column.asc()).nulls_last()


Values = tuple[str | None, ...]  # of a row, in the order of its keys, as the database writes them


def told(keys: Sequence[Key]) -> list[ColumnElement[str]]:
    """Give what must be read of a row, so that a page can begin after it."""
    return [cast(key.column, Text).label(f"key_{number}") for number, key in enumerate(keys)]


def written(sort: str, values: Sequence[str | None]) -> str:
    """Write down where a page ended. `sort` names the order that it was in: in another it means nothing."""
    return urlsafe_b64encode(json.dumps([sort, *values]).encode()).decode().rstrip("=")


def read(cursor: str, sort: str, keys: Sequence[Key]) -> Values:
    """Read a cursor. Raises InvalidInput for one that no page of this order gave."""
    if len(cursor) > LONGEST:
        _wrong()
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        _wrong()
    if not isinstance(found, list) or len(found) != len(keys) + 1 or found[0] != sort:
        _wrong()
    values = found[1:]
    for value, key in zip(values, keys, strict=True):
        if not (value is None or (isinstance(value, str) and _fits(value, key.column))):
            _wrong()
    return tuple(values)


def _fits(value: str, column: ColumnElement[Any]) -> bool:
    """Tell whether a text is a value that a column can have."""
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        return False
    for kind, reads in READ.items():
        if isinstance(column.type, kind):
            try:
                reads(value)
            except (ValueError, KeyError, OverflowError):
                return False
    return True


def _wrong() -> NoReturn:
    reason = "was not given by a page of this list: begin at its first page"
    raise InvalidInput(f"cursor: {reason}", Flaw("cursor", reason))


def after(keys: Sequence[Key], values: Values) -> ColumnElement[bool]:
    """Give the condition for the rows that come after the one with these values."""
    ways: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        column = key.column
        if value is None:
            ways.append(false())  # what is unknown comes last
            same.append(column.is_(None))
            continue
        bound = cast(literal(value, Text), column.type)
        further = or_(column < bound if key.falling else column > bound, column.is_(None))
        ways.append(and_(*same, further))
        same.append(column == bound)
    return and_(_from(keys[0], values[0]), or_(*ways))


def _from(key: Key, value: str | None) -> ColumnElement[bool]:
    """Say the same of the first key alone, roughly: an index can begin there."""
    if value is None:
        return key.column.is_(None)
    bound = cast(literal(value, Text), key.column.type)
    there = key.column <= bound if key.falling else key.column >= bound
    return or_(there, key.column.is_(None)) if getattr(key.column, "nullable", True) else and_(true(), there)
