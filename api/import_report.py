"""What an import says of its rows: a short table for the screen, a whole one as CSV."""

import csv
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from geo.errors import InvalidInput
from geo.imports.report import Line, Verdict
from geo.models import ImportJob

URGENT = [Verdict.refused, Verdict.doubtful, Verdict.duplicate, Verdict.missing, Verdict.archived, Verdict.changed]


def lines(job: ImportJob) -> list[Line]:
    """Give the lines that are kept of an import, in the order of the file."""
    return [Line(**{**told, "verdict": Verdict(told["verdict"])}) for told in _kept(job, "lines")]


def _kept(job: ImportJob, part: str) -> list[Any]:
    found = job.report.get(part)
    return found if isinstance(found, list) else []


def shown(job: ImportJob, most: int) -> RenderableType:
    """Lay out counts, notes and the lines that ask for attention most, those of one verdict together."""
    counted = ", ".join(f"{number:g} {verdict}" for verdict, number in job.counts.items() if number) or "no rows"
    parts: list[RenderableType] = [f"{escape(job.file_name)}: {counted}"]
    parts += [f"· {escape(note)}" for note in _kept(job, "notes")]
    told = sorted(lines(job), key=lambda line: (_urgency(line.verdict), line.row))
    if told:
        table = Table(Column("row", justify="right"), "what", "field", "value", "why")
        for line in told[:most]:
            row = f"{line.row}" if line.row else "–"
            table.add_row(row, line.verdict.value, *(escape(text) for text in (line.field, line.value, line.reason)))
        parts.append(table)
    if len(told) > most:
        parts.append(f"… and {len(told) - most} more lines: --report FILE.csv writes all")
    return Group(*parts)


def _urgency(verdict: Verdict) -> int:
    return URGENT.index(verdict) if verdict in URGENT else len(URGENT)


def write(job: ImportJob, file: Path) -> None:
    """Write the lines as CSV that a spreadsheet opens. Raises InvalidInput where that is not possible."""
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as opened:
            sheet = csv.writer(opened, delimiter=";")
            sheet.writerow(Line._fields)
            sheet.writerows([_harmless(value) for value in line] for line in lines(job))
    except OSError as error:
        raise InvalidInput(f"Cannot write the report to {file}: {error.strerror}.") from None


def _harmless(value: object) -> object:
    """Keep a spreadsheet from taking a value of somebody's file for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
