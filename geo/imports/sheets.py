"""Rows of a workbook (XLSX) as text: what stands in a cell, as a person sees it."""

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pandas as pd
from defusedxml.ElementTree import ParseError
from openpyxl.utils.exceptions import InvalidFileException

from geo.imports import limits, tables
from geo.imports.limits import MB, Upload, refusal

SHEET_ROWS = 1_048_576  # a sheet cannot have more
TEXTS_PER_ROW = 5  # shared texts of a workbook, at most, for each row that a file may have
DIGITS = re.compile(r"0{2,}")  # a number format such as 0000, which shows 363 as 0363
ROW_OR_TEXT = re.compile(rb"<(?:\w+:)?(row|si)[\s>/]")
TAG_BYTES = 16  # enough for what is looked for, cut in two by the end of a chunk
DAMAGED_WORKBOOK = (
    InvalidFileException,
    zipfile.BadZipFile,
    ParseError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    EOFError,
    OSError,
)


def sheet_fields(upload: Upload, sheet: str | None) -> list[str]:
    """Name the columns of a sheet: the one of that name, else the first that is not hidden."""
    with _sheet(upload, sheet) as rows:
        return rows.names


def sheet_data(upload: Upload, sheet: str | None, columns: tables.Picker | None) -> pd.DataFrame:
    """Read a sheet as text, None where empty; a formula gives the value that it had when it was saved."""
    with _sheet(upload, sheet) as rows:
        return tables.gathered(upload, rows, tables.picked(rows.names, columns))


@contextmanager
def _sheet(upload: Upload, wanted: str | None) -> Iterator[tables.Rows]:
    """Open a workbook's sheet after it was seen to hide nothing."""
    _check_workbook(upload)
    with upload.path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations, which are not read
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        except DAMAGED_WORKBOOK:
            raise limits.damaged(upload) from None
        sheets = {page.title: page for page in book.worksheets if page.sheet_state == "visible" or wanted}
        if not sheets or (wanted is not None and wanted not in sheets):
            told = ", ".join(repr(name) for name in sheets) or "none"
            raise refusal(upload, f"has no sheet {wanted or ''!r}; its sheets are: {told}.")
        records = _sheet_records(upload, sheets[wanted] if wanted else next(iter(sheets.values())))
        names = tables.header(upload, next(records, (1, []))[1])
        yield tables.Rows(names, (item for item in records if tables.fits(upload, item[0], item[1], len(names))))


def _sheet_records(upload: Upload, page: Any) -> Iterator[tuple[int, list[str | None]]]:
    number = 0
    try:
        page.reset_dimensions()  # what the file says of its size is not believed
        for number, cells in enumerate(page.iter_rows(), start=1):
            if number > SHEET_ROWS:
                raise refusal(upload, f"has a row beyond {SHEET_ROWS:,}, where a sheet ends.")
            if cells or number == 1:
                yield number, [_shown(upload, number, cell) for cell in cells]
    except DAMAGED_WORKBOOK:
        raise refusal(upload, f"cannot be read at row {number + 1}. {limits.DOUBT}") from None


def _shown(upload: Upload, number: int, cell: Any) -> str | None:
    """Give a cell's text as a person sees it: 12 and not 12.0, 0363 where the format says so, a date as 2026-11-22."""
    value = cell.value
    if value is None or isinstance(value, str):
        if value and len(value) > limits.LIMITS.cell_bytes:
            raise refusal(upload, f"row {number} has a value of more than {limits.LIMITS.cell_bytes:,} characters.")
        return value or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        plain = f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"
        return plain.zfill(len(cell.number_format)) if DIGITS.fullmatch(cell.number_format) else plain
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _check_workbook(upload: Upload) -> None:
    """Refuse a workbook whose XML declares entities, is too long, or would have to be held in memory whole."""
    since, rows, texts, tail, first, xml = 0, 0, 0, b"", True, False
    for chunk in limits.unpacked(upload, limits.check_zip(upload)):
        if not chunk:  # the end of a part
            since, rows, tail, first = 0, 0, b"", True
            continue
        if first:
            first, xml = False, b"<" in chunk[:16]
            if xml and b"\0" in chunk[:16]:
                raise refusal(upload, "has a part that is not UTF-8: save it again as a workbook.")
        if not xml:
            continue
        window = tail + chunk
        if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
            raise refusal(upload, "declares XML entities, which no spreadsheet needs: it may be made to do harm.")
        marks = ROW_OR_TEXT.findall(window)
        rows, texts = rows + marks.count(b"row"), texts + marks.count(b"si")
        limits.check_counts(upload, rows - 1, 0)  # rows that are formatted and empty are counted too
        if texts > TEXTS_PER_ROW * limits.LIMITS.rows:
            raise refusal(upload, f"has more than {TEXTS_PER_ROW * limits.LIMITS.rows:,} different texts.")
        first_mark = ROW_OR_TEXT.search(window)
        since = len(window) - first_mark.start() if first_mark else since + len(chunk)
        if since > limits.LIMITS.part_bytes:
            most = f"{limits.LIMITS.part_bytes / MB:.0f} MB"
            why = f"has a row, or a part that is no table, of more than {most}: save the table alone, as CSV."
            raise refusal(upload, why)
        tag = window.rfind(b"<", len(window) - TAG_BYTES)
        tail = b"" if tag < 0 or ROW_OR_TEXT.match(window, tag) else window[tag:]
