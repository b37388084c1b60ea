"""Rows of text under a header, each with its number in the file; and how they are read from CSV of any usual kind."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from geo.errors import Flaw
from geo.imports import limits
from geo.imports.limits import MB, Upload, refusal

SEPARATORS = ";,\t|"
SAMPLE_CHARS = 1 << 16
SAMPLE_ROWS = 100
Picker = Callable[[list[str]], list[str]]


class Rows(NamedTuple):
    """A header, and the records below it, each with its row number; empty records are left out."""

    names: list[str]
    records: Iterator[tuple[int, Sequence[str | None]]]


class Layout(NamedTuple):
    """How a CSV is written; `lines` is at least the number of its records."""

    encoding: str
    separator: str
    lines: int
    skip: int


def csv_fields(upload: Upload) -> list[str]:
    """Name the columns of a CSV."""
    return _csv_rows(upload, _layout(upload)).names


def csv_data(upload: Upload, columns: Picker | None) -> pd.DataFrame:
    """Read a CSV (UTF-8, UTF-16 with its mark, Windows-1252; separated by ; , tab or |) as text, None where empty."""
    layout = _layout(upload)
    names = _csv_rows(upload, layout).names
    kept = picked(names, columns)
    if layout.lines > limits.LIMITS.rows or layout.lines * len(kept) > limits.LIMITS.cells:
        # Count first: what is too long must not be held in memory before it is refused.
        most = min(limits.LIMITS.rows, limits.LIMITS.cells // max(len(kept), 1)) + 1
        count = sum(1 for _, cells in islice(_csv_records(upload, layout), most + 1) if any(cells)) - 1
        limits.check_counts(upload, count, len(kept))
    return gathered(upload, _csv_rows(upload, layout), kept)


def picked(names: list[str], columns: Picker | None) -> list[str]:
    """Give the names that the caller wants, in the file's order. Raises ValueError on one that is not in the file."""
    wanted = names if columns is None else columns(list(names))
    if strange := set(wanted) - set(names):
        raise ValueError(f"not in the file: {', '.join(sorted(strange))}")
    return [name for name in names if name in set(wanted)]


def gathered(upload: Upload, rows: Rows, kept: list[str]) -> pd.DataFrame:
    """Hold the kept columns of all records, after every record was seen to fit the header."""
    width = len(rows.names)
    columns: list[list[str | None]] = [[] for _ in kept]
    places = [(rows.names.index(name), columns[at]) for at, name in enumerate(kept)]
    numbers: list[int] = []
    for number, cells in rows.records:
        if len(numbers) >= limits.LIMITS.rows or len(numbers) * len(kept) > limits.LIMITS.cells:
            limits.check_counts(upload, len(numbers) + 1, len(kept))
        numbers.append(number)
        held = min(len(cells), width)
        for place, column in places:
            column.append(cells[place] or None if place < held else None)
    data = {name: pd.Series(column, dtype=object) for name, column in zip(kept, columns, strict=True)}
    frame = pd.DataFrame(data, columns=pd.Index(kept, dtype=object), index=range(len(numbers)))
    return frame.set_axis(pd.Index(numbers, dtype="int64"))


def header(upload: Upload, cells: Sequence[str | None]) -> list[str]:
    """Check the names in row 1; empty ones at its end are left out, so that a value below them is one too many."""
    names = [cell or "" for cell in cells]
    while names and not names[-1].strip():
        names.pop()
    if not names:
        raise refusal(upload, "row 1 has no column names.", Flaw("row 1", "is empty"))
    if empty := [str(at) for at, name in enumerate(names, start=1) if not name.strip()]:
        flaw = Flaw("row 1", f"column {', '.join(empty)} has no name")
        raise refusal(upload, f"row 1: column {', '.join(empty)} has no name.", flaw)
    if (
        twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if len(set(names)) < len(names)
        else []
    ):
        told = ", ".join(repr(name) for name in twice[:5])
        raise refusal(upload, f"row 1: more than one column is called {told}.", Flaw("row 1", f"repeats {told}"))
    limits.check_counts(upload, 0, len(names))
    return names


def fits(upload: Upload, number: int, cells: Sequence[str | None], width: int) -> bool:
    """Tell whether a record holds anything; refuse one with a value to the right of the last name."""
    surplus = [cell for cell in cells[width:] if cell]
    if surplus:
        why = f"has values in {len(cells)} columns, but row 1 names {width}"
        cause = "a separator within a value, or a quotation mark too few" if upload.path.suffix == ".csv" else "a note"
        raise refusal(upload, f"row {number} {why}. The cause may be {cause}.", Flaw(f"row {number}", why))
    return any(cells)


def _layout(upload: Upload) -> Layout:
    """Find out encoding and separator, and refuse what is no text, reading the file once in chunks."""
    encoding, lines = _decoded(upload)
    with upload.path.open(encoding=encoding, newline="") as stream:
        sample = stream.read(SAMPLE_CHARS)
    if told := re.match(r"sep=([;,\t|])\r?\n", sample, re.IGNORECASE):  # Excel's own way; it does not show this line
        return Layout(encoding, told[1], lines, skip=1)
    return Layout(encoding, _separator(sample), lines, skip=0)


def _decoded(upload: Upload) -> tuple[str, int]:
    """Give the encoding that the whole file is valid in, and a bound on its lines."""
    with upload.path.open("rb") as stream:
        head = stream.read(3)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif head == codecs.BOM_UTF8:
        candidates = ["utf-8-sig"]
    else:
        candidates = ["utf-8", "cp1252"]
    for encoding in candidates:
        decoder, lines, accents = codecs.getincrementaldecoder(encoding)(), 0, False
        with upload.path.open("rb") as stream:
            try:
                while chunk := stream.read(MB):
                    text = decoder.decode(chunk)
                    if "\0" in text:
                        raise refusal(upload, "has NUL bytes in it: it is no text, or UTF-16 without its mark.")
                    lines += text.count("\n") + text.count("\r")
                    accents = accents or not text.isascii()
                decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                if accents or not bytes(error.object[: error.start]).isascii():
                    break  # other letters were valid: no other encoding, but a damaged file or two joined into one
                continue
        return encoding, lines + 1
    raise refusal(upload, "is neither UTF-8 nor Windows-1252 text from beginning to end: save it again as UTF-8.")


def _separator(sample: str) -> str:
    """Find the separator by which most records have as many values as the header, and then the most values."""
    best, found = (0.0, 1), SEPARATORS[0]
    for separator in SEPARATORS:
        try:
            records = list(islice(csv.reader(StringIO(sample, newline=""), delimiter=separator), SAMPLE_ROWS))
        except csv.Error:  # it is told when the rows are read
            continue
        if len(sample) == SAMPLE_CHARS and len(records) > 1 and len(records) < SAMPLE_ROWS:
            records.pop()  # cut off by the sample's end
        header, *below = [record for record in records if record] or [[]]
        equal = sum(len(record) == len(header) for record in below) / len(below) if below else 1.0
        if len(header) > 1 and (equal, len(header)) > best:
            best, found = (equal, len(header)), separator
    return found


def _csv_rows(upload: Upload, layout: Layout) -> Rows:
    csv.field_size_limit(limits.LIMITS.cell_bytes)
    records = _csv_records(upload, layout)
    names = header(upload, next(records, (1, []))[1])
    return Rows(names, (item for item in records if fits(upload, item[0], item[1], len(names))))


def _csv_records(upload: Upload, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        with upload.path.open(encoding=layout.encoding, newline="") as stream:
            lines = _lines(upload, stream)
            for _ in range(layout.skip):
                next(lines)
            for number, cells in enumerate(csv.reader(lines, delimiter=layout.separator, strict=True), start=1):
                yield number, cells
    except csv.Error as error:
        if "field limit" in str(error):
            why = f"has a value of more than {limits.LIMITS.cell_bytes:,} characters, or a quotation mark too few"
        else:
            why = "has a quotation mark in the middle of a value, or one too few"
        raise refusal(upload, f"row {number + 1} {why}.", Flaw(f"row {number + 1}", why)) from None


def _lines(upload: Upload, stream: Any) -> Iterator[str]:
    while line := stream.readline(limits.LIMITS.line_chars):
        if len(line) == limits.LIMITS.line_chars and line[-1] not in "\r\n":
            raise refusal(upload, f"has a line of more than {limits.LIMITS.line_chars:,} characters.")
        yield line
