"""Boundaries from a file: buurten, wijken or gemeenten as CBS and others give them, as neighbourhoods of one year."""

import re
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from geo import neighbourhoods, whereabouts
from geo.days import today
from geo.errors import Flaw, InvalidInput
from geo.imports import areas, cbs, outlines, parents, read
from geo.imports.cbs import Columns
from geo.imports.jobs import Task
from geo.imports.outlines import Shapes
from geo.imports.parents import Above
from geo.imports.report import Line, Verdict
from geo.neighbourhoods import FIGURES, LONGEST_NAME, Area, Origin, Written
from geo.vocabulary import Level

FIRST_YEAR = 1995
YEAR_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
GEMEENTE_CODE = re.compile(r"(?:GM)?(\d{4})", re.IGNORECASE)
OWN_CODE = re.compile(r"[\w ./()'-]{1,60}")  # what somebody may call an area: it becomes part of an id
NO_CODE = "is no code: that has 1 to 60 letters, digits, spaces and . _ - / ( ) ' only"
NO_CODE_OF_CBS = "is no code of CBS, such as BU05790101 or BU0363AA01"
LEVELS = {"BU": Level.buurt, "WK": Level.wijk, "GM": Level.gemeente}


class Options(NamedTuple):
    """What may be said of a file of boundaries. What is not said is looked for in the file.

    gemeente   the only one to take, by name or code (GM0579)
    level      buurt, wijk or gemeente
    source     who made it, and under which licence; of a file with CBS's codes CBS / Kadaster, CC BY 4.0
    """

    gemeente: str | None = None
    level: str = Level.buurt.value
    year: int | None = None
    layer: str | None = None
    code_field: str | None = None
    name_field: str | None = None
    source: str | None = None
    licence: str | None = None


class Found(NamedTuple):
    """A file as it was understood. `rows` has code, name, gemeente, wijk, water and shape, by row number."""

    rows: pd.DataFrame
    data: pd.DataFrame
    columns: Columns
    level: Level
    official: bool  # the codes are CBS's
    crs: int


def load(task: Task, options: Options) -> None:
    """Store the neighbourhoods of a file with the levels above them, and point records to those in force.

    raises  InvalidInput where the file as a whole holds no such boundaries, or nothing says of which year they are
    """
    task.progress("reading", 0, None)
    found = _found(task, options)
    origin = Origin(_year(task, found, options), *_maker(task, found, options), schematic=False)
    chosen, between = _chosen(task, found, options.gemeente)
    task.progress("checking outlines", 0, len(chosen))
    rows = areas.mended(task, areas.in_metres(task, areas.with_outlines(task, _named(task, chosen, found)), found.crs))
    rows = _with_figures(task, rows, found)
    rows = areas.once(task, rows, ["name", *_told(rows)])
    brought = _areas(rows, found.level)
    above = None
    if found.official and found.level == Level.buurt:
        above = parents.unions(task.session, brought, origin.year, chosen)
    areas.tell_overlaps(task, rows)
    areas.tell_gaps(task, rows, [*(area.outline for area in (above.gemeenten if above else brought)), *between])
    task.progress("storing", 0, len(rows))
    _store(task, brought, found, above, origin)
    moved = whereabouts.repoint(task.session)
    told = f" {moved:,} records point to another neighbourhood than before." if moved else ""
    task.report.note(f"These are the boundaries of {origin.year}.{told}")
    task.progress("storing", len(rows), len(rows))


def _found(task: Task, options: Options) -> Found:
    """Read the file and find out what is in it."""
    level = next((level for level in LEVELS.values() if level == options.level), None)
    if level is None:
        told = ", ".join(LEVELS.values())
        raise InvalidInput(f"The level must be one of: {told}.", Flaw("level", f"{options.level!r} is none of them"))
    frame = read.frame(task.file, layer=options.layer)
    if frame.shapes is None or not len(frame.data):
        raise InvalidInput(
            "The file has no outlines. Figures alone are imported as figures.", Flaw("geometry", "is missing")
        )
    given = {"code": options.code_field, "name": options.name_field}
    columns = cbs.named(list(frame.data.columns), {part: name for part, name in given.items() if name})
    codes = cbs.codes(frame.data[columns.code])
    official = bool(codes.str.fullmatch(cbs.CODE.pattern).any())
    parts = {"name": columns.name, "gemeente": columns.gemeente_name, "wijk": columns.wijk_name}
    texts = {part: _text(frame.data[column]) if column else pd.NA for part, column in parts.items()}
    water = cbs.is_water(frame.data[columns.water]) if columns.water else False
    plain = codes if official else _text(frame.data[columns.code])
    rows = pd.DataFrame({"code": plain, **texts, "water": water}, index=frame.data.index)
    polygons = np.isin(shapely.get_type_id(frame.shapes), outlines.POLYGONS)
    if not polygons.any():
        kinds = ", ".join(sorted({shape.geom_type for shape in frame.shapes if shape is not None})) or "nothing"
        raise InvalidInput(f"The file holds no polygons, but {kinds}.", Flaw("geometry", "is no polygon in any row"))
    crs = areas.known_crs(task, frame.crs, frame.shapes[polygons])
    return Found(rows.assign(shape=frame.shapes), frame.data, columns, level, official, crs)


def _text(values: "pd.Series[Any]") -> "pd.Series[Any]":
    text = values.astype("string").str.strip()
    return text.mask(text.eq(""))


def _year(task: Task, found: Found, options: Options) -> int:
    """Give the year that somebody says, else the one that a column has, else the one in the file's name."""
    told = [options.year] if options.year is not None else _years_told(found) or years_in_name(task.source.name)
    this_year = today().year
    if len(told) == 1 and FIRST_YEAR <= told[0] <= this_year + 1:
        return told[0]
    if not told:
        raise InvalidInput(
            "Nothing says of which year these boundaries are: give it with --year.", Flaw("year", "is missing")
        )
    if len(told) > 1:
        years = ", ".join(map(str, told[:5]))
        raise InvalidInput(
            f"The file tells of the years {years}: give the right one with --year.", Flaw("year", "is not one")
        )
    reason = f"must lie from {FIRST_YEAR} to {this_year + 1}"
    raise InvalidInput(f"The year {told[0]} {reason}: give the right one with --year.", Flaw("year", reason))


def _years_told(found: Found) -> list[int]:
    column = found.columns.year or found.columns.year_code  # the second holds both: 2024BU05790101
    if column is None:
        return []
    digits = found.data[column].astype("string").str.extract(r"^\s*(\d{4})", expand=False).dropna()
    return sorted({int(year) for year in digits.unique()})


def years_in_name(name: str) -> list[int]:
    """Give the years that stand in a file's name, each once."""
    return sorted({int(year) for year in YEAR_IN_NAME.findall(name)})


def _maker(task: Task, found: Found, options: Options) -> tuple[str, str | None]:
    """Give source and licence: as somebody says, else CBS's where the codes are, else the file's name and none."""
    if options.source or not found.official:
        return options.source or task.source.name, options.licence
    return cbs.SOURCE, options.licence or cbs.LICENCE


def _chosen(task: Task, found: Found, gemeente: str | None) -> tuple[pd.DataFrame, Shapes]:
    """Leave out water, what is no place, other levels and other municipalities; give also the outlines of the water.

    raises InvalidInput where nothing is left
    """
    rows = found.rows
    code = rows["code"].fillna("")
    letters = code.str[:2].where(code.str.fullmatch(cbs.CODE.pattern), "")
    other = letters.map(lambda two: two in LEVELS and LEVELS[two] != found.level) & found.official
    masks = {
        f"of another level than {found.level.value}": other,
        "water": rows["water"].astype(bool) & ~other,
        "no place (people without an address)": cbs.is_fictive(code).astype(bool) & found.official,
    }
    if gemeente and not _is_named_by(gemeente, rows, found):
        masks[f"not in {gemeente}"] = ~_in_gemeente(found, gemeente)
    out = pd.Series(False, index=rows.index)
    for why, mask in masks.items():
        count = int((mask & ~out).sum())
        if count:
            task.report.count(Verdict.skipped, count)
            task.report.note(f"{count:,} rows left out: {why}.")
        out |= mask
    if out.all():
        levels = ", ".join(sorted({LEVELS[two].value for two in letters if two}))
        told = f"The file has rows of: {levels}. " if levels else ""
        raise InvalidInput(f"No {found.level.value} is left to take. {told}", Flaw("level", "no row is of this one"))
    wet = rows[masks["water"] & ~other]
    return rows[~out], areas.water(wet, found.crs)


def _is_named_by(gemeente: str, rows: pd.DataFrame, found: Found) -> bool:
    """Take what was said as the name of the one municipality of a file that names none; say whether it was."""
    codes = rows["code"].str[2:6].dropna().unique()
    if GEMEENTE_CODE.fullmatch(gemeente) or not found.official or len(codes) != 1 or rows["gemeente"].notna().any():
        return False
    rows["gemeente"] = gemeente.strip()
    return True


def _in_gemeente(found: Found, gemeente: str) -> "pd.Series[Any]":
    """Say which rows lie in a municipality. Raises InvalidInput where none does, naming those that are there."""
    rows, wanted = found.rows, gemeente.strip()
    coded = GEMEENTE_CODE.fullmatch(wanted)
    names = rows["name"] if found.level == Level.gemeente else rows["gemeente"]
    if coded and found.official:
        mask = rows["code"].str[2:6].eq(coded[1]).fillna(False)
    else:
        mask = names.astype("string").str.casefold().eq(wanted.casefold()).fillna(False)
    if not mask.any():
        there = sorted(set(names.dropna()))
        near = get_close_matches(wanted, there, 3, 0.5) or there[:5]
        told = f" There are: {', '.join(near)}{' …' if len(there) > len(near) else ''}." if there else ""
        raise InvalidInput(
            f"No row lies in the municipality {wanted!r}.{told} Its code, such as GM0579, works too.",
            Flaw("gemeente", f"{wanted!r} is not in the file"),
        )
    return mask.astype(bool)


def _named(task: Task, rows: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Refuse rows without a code or a name, or whose code is none of CBS's where the others are, or is no code."""
    no_code = rows["code"].isna()
    form, cause = (cbs.CODE, NO_CODE_OF_CBS) if found.official else (OWN_CODE, NO_CODE)
    strange = [form.fullmatch(str(code)) is None for code in rows["code"]]
    reasons = np.where(no_code, "is missing", np.where(strange, cause, ""))
    rows = areas.refuse(task, rows, reasons, found.columns.code, list(rows["code"]))
    nameless, long = rows["name"].isna(), rows["name"].fillna("").str.len() > LONGEST_NAME
    reasons = np.where(nameless, "is missing", np.where(long, f"has more than {LONGEST_NAME} characters", ""))
    return areas.refuse(task, rows, reasons, found.columns.name or "name", list(rows["name"]))


def _with_figures(task: Task, rows: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Add the key figures that the file has, and why others are missing; refuse rows in which one cannot be."""
    read_figures = cbs.figures(found.data.loc[rows.index], found.columns)
    codes = rows["code"].to_dict()
    for flaw in read_figures.flaws:
        task.report.say(Line(flaw.row, Verdict.refused, codes[flaw.row], flaw.field, flaw.value, flaw.reason))
    bad = {flaw.row for flaw in read_figures.flaws}
    task.report.count(Verdict.refused, len(bad))
    whole = rows.join(read_figures.known).join(read_figures.reasons.add_suffix("_why"))
    return whole.drop(index=list(bad))


def _told(rows: pd.DataFrame) -> list[str]:
    return [figure for figure in FIGURES if figure in rows.columns]


def _store(task: Task, brought: list[Area], found: Found, above: Above | None, origin: Origin) -> None:
    """Write the areas, those above them where codes tell which these are, and say what became of them."""
    of: dict[str, str] = {}
    if above:
        wijken, gemeenten = parents.store(task.session, above, origin)
        of = {area.code: parents.code_above(area.code, Level.wijk) for area in brought}
        told = f"wijken: {_became(wijken)}; gemeenten: {_became(gemeenten)}"
        task.report.note(f"Above them, as unions of their buurten: {told}.")
        for code, number in above.unknown.items():
            task.report.note(
                f"{number:,} buurten of {code} were refused: the figures of what they lie in are not known."
            )
    elif found.official:
        of = parents.stored_above(task.session, brought, origin.year)
    written = neighbourhoods.load(task.session, brought, origin, of)
    for verdict in (Verdict.new, Verdict.changed, Verdict.unchanged):
        task.report.count(verdict, getattr(written, verdict.value))
    if found.official and found.level != Level.buurt:
        linked = parents.link(task.session, brought, found.level, origin.year)
        task.report.note(f"{linked:,} areas one level down now belong to these.")
    if not found.official:
        task.report.note("The codes are not CBS's, so nothing tells in which wijk and gemeente these areas lie.")


def _areas(rows: pd.DataFrame, level: Level) -> list[Area]:
    told = _told(rows)
    values = {figure: rows[figure].astype(object).to_list() for figure in told}
    reasons = {figure: rows[f"{figure}_why"].astype(object).to_list() for figure in told}
    return [
        Area(
            str(code), str(name), level, shape,
            {figure: None if values[figure][at] is pd.NA else int(values[figure][at]) for figure in told},
            {figure: str(reasons[figure][at]) for figure in told if values[figure][at] is pd.NA},
        )
        for at, (code, name, shape) in enumerate(zip(rows["code"], rows["name"], rows["shape"], strict=True))
    ]  # fmt: skip


def _became(written: Written) -> str:
    return (
        ", ".join(f"{number:,} {word}" for word, number in written._asdict().items() if number) or "as they are stored"
    )
