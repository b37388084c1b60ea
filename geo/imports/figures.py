"""Key figures of neighbourhoods that are stored: residents, older residents, households, people who live alone."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import select, text

from geo.errors import Flaw, InvalidInput
from geo.imports import boundaries, bulk, cbs, read, sums
from geo.imports.jobs import Task
from geo.imports.report import Line, Verdict
from geo.models import Neighbourhood
from geo.neighbourhoods import FIGURES
from geo.sql import statements
from geo.vocabulary import Level

MARKERS = "missing"  # the one key of a mapping that is no part: texts that stand for "no figure"
LONGEST_MAPPING = 20_000  # characters
NO_CODE = "is no code of an area, such as BU03630001, WK036300 or GM0363: perhaps a letter or a zero is missing"
MAKE, MATCH, DOUBLES, DROP, WRITE = statements("imports/figures.sql")


class Options(NamedTuple):
    """Of which areas the figures are.

    year      of the areas to fill; else of the file's own column, else of its name, else the areas in force
    layer     of a file with several
    mapping   TOML text: a part of `cbs.Columns` = a column of the file; missing = [texts that mean "no figure"]
    gemeente  code or name of the only municipality to take
    """

    year: int | None = None
    layer: str | None = None
    mapping: str | None = None
    gemeente: str | None = None


class Meaning(NamedTuple):
    """What somebody said of a file's columns."""

    columns: dict[str, str]
    missing: tuple[str, ...]


def load(task: Task, options: Options) -> None:
    """Fill in the key figures of areas that are stored, at any level. What CBS suppresses is NULL with its reason.

    Rows of areas that are not stored are skipped: a file of the whole country may be loaded for one municipality.
    Areas above, whose figures were the sums of their parts, are summed anew, unless the file gives them itself.

    raises InvalidInput where the file has no column of codes or none of figures, the mapping is wrong, or of the year
    that is told no area is stored
    """
    meaning = mapping(options.mapping or "")
    task.progress("reading", 0, None)
    frame = read.frame(task.file, layer=options.layer, columns=lambda names: _wanted(names, meaning))
    data = _without(frame.data, meaning.missing)
    columns = cbs.named(list(data.columns), meaning.columns)
    found = cbs.figures(data, columns)
    task.progress("checking", 0, len(data))
    rows = _checked(task, data, columns, found, options)
    told = list(found.known.columns)
    _tell_year(task, rows)
    rows = _matched(task, rows, columns.code)
    _write(task, rows, told)
    _tell(task, rows, told)


def _wanted(names: list[str], meaning: Meaning) -> list[str]:
    """Choose the columns to read. Raises InvalidInput where none holds codes, or none figures."""
    columns = cbs.named(names, meaning.columns)
    if all(getattr(columns, figure) is None for figure in FIGURES):
        raise InvalidInput(
            f"No column holds key figures of areas. There are: {', '.join(names[:12])}.",
            *(Flaw(figure, "no column tells of it") for figure in FIGURES),
        )
    return list({column for column in columns if column is not None})


def mapping(told: str) -> Meaning:
    """Read a mapping. Raises InvalidInput naming what is wrong in it."""
    if len(told) > LONGEST_MAPPING:
        raise InvalidInput(f"The mapping is longer than {LONGEST_MAPPING} characters.", Flaw("mapping", "is too long"))
    try:
        parsed = tomllib.loads(told)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"The mapping is no TOML: {error}.", Flaw("mapping", "is no TOML")) from None
    missing = parsed.pop(MARKERS, [])
    if not isinstance(missing, list):
        missing = [missing]
    known = ", ".join(cbs.Columns._fields)
    flaws = [
        Flaw(part, f"is no part of a mapping: those are {known}, {MARKERS}")
        for part in parsed
        if part not in cbs.Columns._fields
    ]
    flaws += [
        Flaw(part, "must be the name of a column, in quotes")
        for part, name in parsed.items()
        if not isinstance(name, str)
    ]
    if flaws:
        raise InvalidInput("The mapping is wrong: " + "; ".join(f"{f.field} {f.reason}" for f in flaws), *flaws)
    return Meaning(parsed, tuple(str(marker).strip().lower() for marker in missing))


def _without(data: pd.DataFrame, markers: Sequence[str]) -> pd.DataFrame:
    """Empty the cells that hold one of the texts that mean "no figure"; a number is one of them by its value."""
    if not markers:
        return data
    numbers = {float(marker) for marker in markers if marker.lstrip("-").replace(".", "", 1).isdecimal()}
    emptied = {
        name: column.mask(
            column.isin(numbers)
            if pd.api.types.is_numeric_dtype(column)
            else column.astype("string").str.strip().str.lower().isin(markers)
        )
        for name, column in data.items()
    }
    return pd.DataFrame(emptied, index=data.index)


def _checked(
    task: Task, data: pd.DataFrame, columns: cbs.Columns, found: cbs.Figures, options: Options
) -> pd.DataFrame:
    """Give the good rows as they are copied; tell of all others."""
    codes = cbs.codes(data[columns.code]).fillna("")
    rows = pd.DataFrame({"row": data.index.to_series(), "code": codes, "year": _years(task, data, columns, options)})
    rows = rows.join(found.known).join(found.reasons.add_suffix("_why"))
    if options.gemeente:
        elsewhere = codes.str[2:6] != _digits(task, data, columns, options.gemeente)
        task.report.count(Verdict.skipped, int(elsewhere.sum()))
        rows = rows.drop(index=rows.index[elsewhere])
    lines = _lines(rows, columns.code, found.flaws)
    for line in lines:
        task.report.say(line)
    refused = {line.row for line in lines}
    task.report.count(Verdict.refused, len(refused))
    good: pd.DataFrame = rows.drop(index=list(refused))
    return good


def _lines(rows: pd.DataFrame, field: str, flaws: Sequence[cbs.Flawed]) -> list[Line]:
    """Say of each row that cannot go in why not: a figure that cannot be, a code that is none."""
    codes = {int(row): str(code) for row, code in zip(rows.index, rows["code"], strict=True)}
    lines = [
        Line(flaw.row, Verdict.refused, codes[flaw.row], flaw.field, flaw.value, flaw.reason)
        for flaw in flaws
        if flaw.row in codes
    ]
    odd = rows.index[~rows["code"].str.fullmatch(cbs.CODE)]
    return lines + [Line(row, Verdict.refused, codes[row], field, codes[row], NO_CODE) for row in odd]


def _years(task: Task, data: pd.DataFrame, columns: cbs.Columns, options: Options) -> "pd.Series[Any]":
    """Give the year of each row, <NA> where nothing tells it.

    raises InvalidInput where rows have none, and the file's name tells of several
    """
    years = pd.Series(options.year, index=data.index, dtype="Int64")
    column = columns.year or columns.year_code  # the second one holds both: 2024BU05790101
    if options.year is None and column is not None:
        told = pd.to_numeric(data[column].astype("string").str.extract(r"(\d{4})")[0], errors="coerce")
        years = told.astype("Int64")
    named = boundaries.years_in_name(task.source.name)
    if not named or not years.isna().any():
        return years
    if len(named) > 1:
        raise InvalidInput(
            f"The file's name tells of the years {', '.join(map(str, named[:5]))}: give the right one with --year.",
            Flaw("year", "is not one"),
        )
    return years.fillna(named[0])


def _tell_year(task: Task, rows: pd.DataFrame) -> None:
    """Say the areas of which year are filled. Raises InvalidInput where years are told and none of them is stored."""
    told = sorted({int(year) for year in rows["year"].dropna()})
    if rows["year"].isna().any() or not told:
        some = f", or of {', '.join(map(str, told))} where a row says so" if told else ""
        task.report.note(f"Nothing says of which year the figures are: they fill the areas in force{some}.")
        return
    of_year = select(Neighbourhood.year).where(Neighbourhood.level != Level.drawn).distinct()
    stored = list(task.session.scalars(of_year.order_by(Neighbourhood.year)))
    years = ", ".join(map(str, told[:5])) + (" …" if len(told) > 5 else "")
    if not set(told) & set(stored):
        there = f"those of {', '.join(map(str, stored))}: give one with --year" if stored else "no areas at all"
        raise InvalidInput(
            f"These are figures of {years}, and no areas of that year are stored. There are {there}.",
            Flaw("year", "no areas of it are stored"),
        )
    task.report.note(f"These are the figures of {years}: they fill the areas of that year.")


def _digits(task: Task, data: pd.DataFrame, columns: cbs.Columns, gemeente: str) -> str:
    """Give the four digits of a municipality that is named. Raises InvalidInput where neither file nor store has it."""
    wanted = gemeente.strip()
    if cbs.CODE.fullmatch(wanted.upper()):
        return wanted.upper()[2:6]
    if columns.gemeente_name:
        named = data[columns.gemeente_name].astype("string").str.strip().str.casefold() == wanted.casefold()
        found = set(cbs.codes(data[columns.code])[named.fillna(False)].str[2:6].dropna())
        if len(found) == 1:
            return str(found.pop())
    stored = select(Neighbourhood.name, Neighbourhood.code).where(Neighbourhood.level == Level.gemeente)
    for name, code in task.session.execute(stored.order_by(Neighbourhood.id)):
        if name.casefold() == wanted.casefold():
            return str(code[2:6])
    raise InvalidInput(
        f"There is no municipality {wanted!r} in this file, nor is it stored: give its code, such as GM0363.",
        Flaw("gemeente", "is not known"),
    )


def _matched(task: Task, rows: pd.DataFrame, field: str) -> pd.DataFrame:
    """Copy the rows and find their areas. Of rows that say the same of one area it takes one; it refuses others."""
    session = task.session
    session.flush()
    session.execute(text("DROP TABLE IF EXISTS pg_temp.figures_in"))
    session.execute(text(MAKE))
    bulk.copy(session, "figures_in", rows)
    session.execute(text(MATCH))
    out: list[int] = []
    codes = rows["code"].to_dict()
    for numbers, contradict in session.execute(text(DOUBLES)):
        again = numbers if contradict else numbers[1:]
        task.report.count(Verdict.refused if contradict else Verdict.skipped, len(again))
        out += again
        those = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
        reason = f"the area stands in rows {those}, which do not say the same: which of them is right?"
        for row in again if contradict else ():
            task.report.say(Line(row, Verdict.refused, codes[row], field, codes[row], reason))
    session.execute(text(DROP), {"rows": out})
    good: pd.DataFrame = rows.drop(index=out)
    return good


def _write(task: Task, rows: pd.DataFrame, told: Sequence[str]) -> None:
    session = task.session
    task.progress("writing", 0, len(rows))
    above = sums.find(session, told)
    asked: dict[str, Any] = {figure: figure in told for figure in FIGURES}
    changed = session.scalar(text(WRITE), asked | {"told": list(told)}) or 0
    matched = session.scalar(text("SELECT count(id) FROM figures_in")) or 0
    task.report.count(Verdict.changed, changed)
    task.report.count(Verdict.unchanged, matched - changed)
    task.report.count(Verdict.skipped, len(rows) - matched)
    if any((renewed := sums.renew(session, above)).values()):
        levels = " and ".join(f"{number} {level} areas" for level, number in renewed.items() if number)
        task.report.note(f"Summed anew from their parts, as before: {levels}.")
    session.expire_all()
    task.progress("writing", len(rows), len(rows))


def _tell(task: Task, rows: pd.DataFrame, told: Sequence[str]) -> None:
    """Say which areas are not stored, and why figures are missing."""
    lost = task.session.scalars(text("SELECT code FROM figures_in WHERE id IS NULL ORDER BY row")).all()
    if lost:
        task.report.note(
            f"{len(lost):,} of {len(rows):,} rows are of areas that are not stored, and are skipped: "
            f"{', '.join(lost[:3])}{' …' if len(lost) > 3 else '.'}"
        )
    for figure in told:
        why = Counter(rows[f"{figure}_why"].dropna())
        if why:
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(why.items()))
            task.report.note(f"{figure}: {reasons} of {len(rows):,} rows; missing, not 0.")
