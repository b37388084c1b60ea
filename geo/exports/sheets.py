"""Excel: the rows on one sheet, what they mean on another; every text is a text, whatever it begins with."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from geo.errors import Flaw, InvalidInput
from geo.exports import columns
from geo.exports.columns import WKT
from geo.exports.describing import lines, metadata
from geo.exports.formats import XLSX_ROWS
from geo.exports.reading import Opened

LONGEST = 32_767  # signs in a cell
SHEETS = ("rows", "metadata")
FIRST_DAY = columns.EPOCH.replace(1900, 3, 1)  # before it Excel's calendar has a day that never was
Told = Callable[[int], None]
Write = Callable[[int, int, Any], Any]


def check(rows: int) -> None:
    """Refuse more rows than a sheet holds with InvalidInput."""
    if rows > XLSX_ROWS:
        reason = f"xlsx holds at most {XLSX_ROWS:,} rows, and these are {rows:,}: ask for fewer, or another format"
        raise InvalidInput(f"f: {reason}.", Flaw("f", reason))


def workbook(opened: Opened, file: Path, told: Told) -> None:
    """Write a workbook row by row. Moments are texts (ISO 8601, UTC): Excel knows no time zones."""
    check(opened.rows)
    options = {"constant_memory": True, "tmpdir": str(file.parent)}
    parts = columns.table(opened.order)
    with xlsxwriter.Workbook(str(file), options) as book:
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet(SHEETS[0])
        sheet.freeze_panes(1, 0)
        for at, part in enumerate(parts):
            sheet.write_string(0, at, part.name, bold)
        ways = [_way(part.name, part.type, sheet, day) for part in parts]
        done = 0
        for batch in columns.arrow(opened, parts):
            for values in zip(*(_plain(column) for column in batch.columns), strict=True):
                done += 1
                for at, (write, value) in enumerate(zip(ways, values, strict=True)):
                    if value is not None:
                        write(done, at, value)
            told(done)
        about = book.add_worksheet(SHEETS[1])
        about.set_column(0, 2, 48)
        for row, line in enumerate(lines(metadata(opened, parts))):
            for at, text in enumerate(line):
                about.write_string(row, at, text[:LONGEST], bold if at == 0 else None)


def _plain(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}" for moment in column.to_pylist()]
    found: list[Any] = column.to_pylist()
    return found


def _way(name: str, kind: pa.DataType, sheet: Worksheet, day: Any) -> Write:
    """Give how values of a column are written. A geometry that is too long for a cell is left out: half is none."""

    def text(row: int, at: int, value: str) -> None:
        if len(value) <= LONGEST or name != WKT:
            sheet.write_string(row, at, value[:LONGEST])

    def number(row: int, at: int, value: float) -> None:
        if math.isfinite(value):
            sheet.write_number(row, at, value)

    def date(row: int, at: int, value: Any) -> None:
        if value < FIRST_DAY:
            sheet.write_string(row, at, value.isoformat())
        else:
            sheet.write_datetime(row, at, value, day)

    if pa.types.is_boolean(kind):
        way: Write = sheet.write_boolean
        return way
    if pa.types.is_date(kind):
        return date
    return number if pa.types.is_integer(kind) or pa.types.is_floating(kind) else text
