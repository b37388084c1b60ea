"""Reading a filter that was sent: how long and how deep it may be is looked at before anything takes it apart."""

import json

import cql2
from sqlalchemy import ColumnElement

from geo.cql2.conditions import DEEPEST, condition
from geo.cql2.values import Known, wrong

LONGEST = 2048  # characters
MOST_BRACKETS = 10  # within brackets, as text: 3 ms of a text that is none; 20 would take seconds
JSON_BRACKETS = 3 * DEEPEST + 8  # an operator is an object in a list; a multipolygon adds four lists


def text_condition(told: str, known: Known) -> ColumnElement[bool]:
    """Give the condition that a filter in CQL2 text asks for. Raises InvalidInput saying what is wrong with it."""
    _must_be_short(told)
    _must_be_flat(told)
    try:
        node = cql2.parse_text(told).to_json()
    except (ValueError, cql2.ParseError) as error:
        raise wrong(f"is no CQL2 text{_place(error)}") from None
    return condition(node, known, 0)


def json_condition(told: str, known: Known) -> ColumnElement[bool]:
    """Give the condition that a filter in CQL2 JSON asks for. Raises InvalidInput saying what is wrong with it."""
    _must_be_short(told)
    if _depth(told) > JSON_BRACKETS:
        raise wrong(f"has more than {DEEPEST} operators within operators")
    try:
        node = json.loads(told)
    except ValueError:
        raise wrong("is no JSON") from None
    return condition(node, known, 0)


def _must_be_flat(told: str) -> None:
    """Refuse brackets that are too deep or do not close: the library takes twice as long for each one more.

    A quote ends at the next one of its sort: two in a row stand for one, and no other sign escapes any.
    """
    depth, quote = 0, ""
    for sign in told:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth > MOST_BRACKETS:
                raise wrong(f"has more than {MOST_BRACKETS} brackets within brackets")
            if depth < 0:
                break
    if depth or quote:
        raise wrong("has a bracket or a quote that is not closed")


def _must_be_short(told: str) -> None:
    if len(told) > LONGEST:
        raise wrong(f"has {len(told)} characters, more than {LONGEST}")


def _depth(told: str) -> int:
    """Count how many brackets of a JSON text stand within one another, those in quotes aside."""
    depth, deepest, quoted, escaped = 0, 0, False, False
    for sign in told:
        if quoted:
            quoted, escaped = sign != '"' or escaped, sign == "\\" and not escaped
        elif sign == '"':
            quoted, escaped = True, False
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _place(error: Exception) -> str:
    """Say where the reading stopped, in the words of the library's first line."""
    first = str(error).split("\n", 1)[0].strip().removeprefix("-->").strip()
    line, _, column = first.partition(":")
    return f" at character {column}" if line == "1" and column.isdecimal() else ""
