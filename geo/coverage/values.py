"""Values of columns: numbers, ids, names and places, each refused with its row, its value and the likely cause."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from geo.coverage.columns import RD_NEW, Sheet
from geo.coverage.demand import Bools, Floats, Ints
from geo.errors import Flaw, InvalidInput

NOTHING = ("", "NA", "NULL", "null", "NaN", "nan")  # how programs write that a number is missing
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^(?i:[+-]?(nan|inf|infinity))$"
WHOLE = r"^(0|-?[1-9]\d{0,17})$"  # as a program writes it: 007 and 1.0 are text
MOST_M = 1_000_000.0  # no place of RD New is farther from its origin than that
LONGITUDE, LATITUDE = 180.0, 90.0
NORTH_M = 289_000.0  # all of the Netherlands lies north of it, and west of 300 km east
POINT, MULTIPOINT, POLYGON, MULTIPOLYGON = 0, 4, 3, 6
TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
CHUNK = 1 << 20
SHOWN = 40  # letters of a value in a refusal


class Rule(NamedTuple):
    """What a number may be: from `low` to `high`, there, whole; in words, and what a wrong one likely comes from."""

    low: float = 0.0
    high: float = np.finfo(float).max
    needed: bool = False
    whole: bool = False
    words: str = "must be a number, 0 or more"
    cause: str = ""


METRES = Rule(
    low=-MOST_M, high=MOST_M, needed=True, words=f"must be metres in RD New ({RD_NEW})",
    cause="A record without a place has to be left out; larger numbers are of another coordinate system.",
)  # fmt: skip


def numbers(sheet: Sheet, field: str, rule: Rule) -> Floats:
    """Give a column of numbers, NaN where one is missing. Raises InvalidInput on what breaks the rule."""
    values = _parsed(sheet, field)
    missing = np.isnan(values)
    wrong = (values < rule.low) | (values > rule.high) | (missing if rule.needed else False)
    if rule.whole:
        wrong |= ~missing & (values != np.floor(values))
    if wrong.any():
        raise _wrong(sheet, field, wrong, f"{rule.words}. {rule.cause}".rstrip())
    return values


def _wrong(sheet: Sheet, field: str, wrong: Bools, why: str) -> InvalidInput:
    """Refuse the first of the wrong values, and say how many more there are."""
    row, more = int(wrong.argmax()), int(wrong.sum()) - 1
    value = sheet.columns[field][row].as_py()
    told = "is missing:" if value in (None, "") else f"is {str(value)[:SHOWN]!r}:"
    return sheet.refusal(row, field, f"{told} {why}" + (f" {more:,} more rows are wrong too." if more else ""))


def _parsed(sheet: Sheet, field: str) -> Floats:
    column = sheet.columns[field]
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(column)
    if sheet.typed:
        row = int(np.argmax(column.is_valid().to_numpy()))
        value = str(column[row].as_py())[:SHOWN]
        raise sheet.refusal(row, field, f"is {value!r}: no number. The program that made the file kept it as {kind}.")
    text = pc.utf8_trim_whitespace(column)
    if sheet.comma:
        text = pc.replace_substring(text, ",", ".")
    told = pc.if_else(pc.is_in(text, pa.array(NOTHING)), pa.scalar(None, pa.string()), text)
    try:
        return _floats(told.cast(pa.float64()))
    except pa.ArrowInvalid:
        right = pc.fill_null(pc.match_substring_regex(told, NUMBER), fill_value=True).to_numpy()
        why = "no number. It may stand in the wrong column, or be written with a unit or with dots between thousands."
        raise _wrong(sheet, field, ~right, why) from None


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.array(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def ids(sheet: Sheet, field: str) -> pa.Array:
    """Give a column of ids: whole numbers (int64), or text. Raises InvalidInput where one is missing or is neither."""
    column = names(sheet, field, numeric=True)
    if column.null_count:
        raise sheet.refusal(
            int(pc.index(column.is_null(), pa.scalar(value=True)).as_py()), field, "is missing: every row needs an id."
        )
    return column


def names(sheet: Sheet, field: str, *, numeric: bool = False) -> pa.Array:
    """Give a column of text, null where there is none; as whole numbers where `numeric` and all of them are."""
    column = sheet.columns[field]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        whole = _whole(sheet, field, column)
        return whole if numeric else whole.cast(pa.string())
    if not any(is_text(column.type) for is_text in TEXTS):
        raise sheet.refusal(0, field, f"is of type {column.type}: it must be text or a whole number.")
    text = column.cast(pa.string())
    told = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    whole = numeric and not sheet.typed and told.null_count < len(told)
    if whole and pc.all(pc.match_substring_regex(told, WHOLE)).as_py():
        told = told.cast(pa.int64())
    return told.combine_chunks()


def _whole(sheet: Sheet, field: str, column: pa.ChunkedArray) -> pa.Array:
    """Give whole numbers, also those that a program keeps as 1.0 because others are missing."""
    try:
        missing = pc.is_nan(column.cast(pa.float64(), safe=False))
        return pc.if_else(missing, None, column).cast(pa.int64()).combine_chunks()
    except pa.ArrowInvalid:
        values = _floats(column)
        broken = np.isfinite(values) & (values != np.floor(values)) | np.isinf(values)
        raise _wrong(sheet, field, broken, "no whole number. An id is one, or it is text.") from None


def points(sheet: Sheet, what: str) -> Floats:
    """Give places out of columns x and y, or else out of point shapes, RD New metres, shape (rows, 2).

    raises InvalidInput where one is missing, infinite, in degrees, or there is no such column or shape
    """
    if {"x", "y"} <= set(sheet.columns):
        xy = np.column_stack([numbers(sheet, name, METRES) for name in ("x", "y")])
    elif sheet.shapes is None:
        lacking = " and ".join(name for name in ("x", "y") if name not in sheet.columns)
        raise absent(sheet, lacking, f"and no geometry: the {what} need x and y, or points")
    else:
        xy = np.concatenate([np.empty((0, 2)), *_spots(sheet)])
    refuse_other_systems(sheet, xy)
    return xy


def absent(sheet: Sheet, field: str, why: str) -> InvalidInput:
    """Make the refusal of a file that lacks a column."""
    there = ", ".join(sheet.names[:30]) or "none"
    return InvalidInput(f"{sheet.name}: has no column {field} {why}. Its columns: {there}.", Flaw(field, "is missing"))


def outlines(sheet: Sheet, first: int, shapes: pa.Array) -> NDArray[np.object_]:
    """Make geometries of WKB, those from row `first` on. Raises InvalidInput where one is missing or broken."""
    made: NDArray[np.object_] = shapely.from_wkb(shapes.to_numpy(zero_copy_only=False), on_invalid="ignore")
    lost = shapely.is_missing(made) | shapely.is_empty(made)
    if lost.any():
        raise sheet.refusal(first + int(lost.argmax()), "geometry", "is missing, empty, or too broken to be one.")
    return made


def _spots(sheet: Sheet) -> Iterator[Floats]:
    """Give the coordinates of point shapes, some at a time: a geometry takes far more memory than its numbers."""
    whole = sheet.shapes.combine_chunks() if sheet.shapes is not None else pa.array([], pa.binary())
    for first in range(0, len(whole), CHUNK):
        made = outlines(sheet, first, whole.slice(first, CHUNK))
        kinds = shapely.get_type_id(made)
        single = (kinds == POINT) | ((kinds == MULTIPOINT) & (shapely.get_num_geometries(made) == 1))
        if not single.all():
            at = int(np.argmin(single))
            why = f"is a {made[at].geom_type}, not a point: give x and y, for instance of its centre."
            raise sheet.refusal(first + at, "geometry", why)
        xy = shapely.get_coordinates(made)
        far = ~(np.abs(xy) <= MOST_M).all(axis=1)
        if far.any():
            why = f"lies at {xy[far.argmax()].tolist()}: places are RD New metres ({RD_NEW})."
            raise sheet.refusal(first + int(far.argmax()), "geometry", why)
        yield xy


def refuse_other_systems(sheet: Sheet, xy: Floats) -> None:
    """Refuse places that cannot be RD New: all or a few in degrees, or east and north the wrong way round."""
    if not len(xy):
        return
    degrees = (np.abs(xy) <= (LONGITUDE, LATITUDE)).all(axis=1)
    if degrees.all() or (degrees.any() and xy[:, 1].max() >= NORTH_M):
        row = int(degrees.argmax())
        raise sheet.refusal(
            row, "x, y", f"{xy[row].tolist()} looks like degrees (WGS 84): save the file in {RD_NEW}, in metres."
        )
    turned = (xy[:, 0] >= NORTH_M) & (xy[:, 1] < NORTH_M) & (xy[:, 1] > 0)
    if turned.all():
        raise sheet.refusal(0, "x, y", f"{xy[0].tolist()} looks swapped: x is east, y is north.")


def order(sheet: Sheet, field: str, told: pa.Array) -> Ints:
    """Give the order of ids: numbers by size, text letter by letter. Raises InvalidInput on one that stands twice."""
    found = np.asarray(pc.sort_indices(told).to_numpy(), dtype=np.int64)
    if len(told) > 1:
        inorder = told.take(pa.array(found))
        same = pc.equal(inorder.slice(1), inorder.slice(0, len(inorder) - 1)).to_numpy(zero_copy_only=False)
        if same.any():
            at = int(same.argmax())
            one, other = sorted((int(found[at]), int(found[at + 1])))
            value = str(told[other].as_py())[:SHOWN]
            why = f"{value!r} stands in row {one + sheet.first} too: every id may stand there once."
            raise sheet.refusal(other, field, why)
    return found
