"""CBS squares of 100 m: where people live, far finer than a buurt, and who they are."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text

from geo.base import RD_NEW, WGS84
from geo.errors import Flaw, InvalidInput
from geo.imports import bulk, cbs, comparison, read
from geo.imports.jobs import Task
from geo.imports.report import Line, Verdict
from geo.neighbourhoods import to_rd
from geo.sql import statements

# How CBS names a column: first as in the files of 2024, then as in earlier years (in capitals up to 2018).
CODE = ("crs28992res100m", "c28992r100", "vierkant_100m")
NAMES: dict[str, tuple[str, ...]] = {
    "residents": ("aantal_inwoners", "inwoner", "inwoners"),
    "residents_65": ("aantal_inwoners_65_jaar_en_ouder", "inw_65pl"),
    "one_person_households": ("aantal_eenpersoonshuishoudens", "aantal_1_persoonshuishoudens", "tothh_eenp"),
    "children": ("aantal_inwoners_0_tot_15_jaar", "inw_014"),
}
COARSER = re.compile(r"(crs28992res|c28992r|vierkant_)(500|1000)m?")
YEAR = re.compile(r"(?<!\d)20[012]\d(?!\d)")
SIDE_M = 100
ASIDE_M = 75.0  # how far the shape's middle may lie from the square that the code names
MOST = 100_000  # people in a hectare
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MAKE, KEEP, WRITE, _ = statements("imports/squares.sql")


class Options(NamedTuple):
    """The year of the figures, where the file's name does not say it; the layer, where the file has several."""

    year: int | None = None
    layer: str | None = None


def load(task: Task, options: Options) -> None:
    """Import the squares of a file. Suppressed is NULL, never 0; a square without any figure is skipped.

    raises InvalidInput where the file holds no squares of 100 m, or its year is not known
    """
    year = _year(task, options)
    columns: dict[str, str] = {}

    def wanted(found: list[str]) -> list[str]:
        columns.update(_columns(found))
        return list(columns.values())

    task.progress("reading", 0, None)
    frame = read.frame(task.file, layer=options.layer, columns=wanted)
    task.progress("checking", 0, len(frame.data))
    squares = _checked(task, frame, columns)
    _write(task, squares, columns, year)
    _tell(task, squares, columns)
    comparison.tell(task, squares)


def _year(task: Task, options: Options) -> int:
    if options.year is not None:
        return options.year
    told = set(YEAR.findall(task.source.name))
    if len(told) != 1:
        raise InvalidInput(
            f"Of which year are these squares? The name {task.source.name!r} does not say: give --year.",
            Flaw("year", "is missing"),
        )
    return int(told.pop())


def _columns(found: Sequence[str]) -> dict[str, str]:
    """Find the columns under the names of any year. Raises InvalidInput where code or residents are not there."""
    by_name = {name.lower(): name for name in found}
    columns = {
        field: next(by_name[name] for name in names if name in by_name)
        for field, names in {"code": CODE, **NAMES}.items()
        if by_name.keys() & set(names)
    }
    missing = [field for field in ("code", "residents") if field not in columns]
    if not missing:
        return columns
    if coarse := [name for name in by_name if COARSER.fullmatch(name)]:
        raise InvalidInput(f"The squares of this file are not those of 100 m: it has a column {coarse[0]}.")
    wanted = {"code": CODE, "residents": NAMES["residents"]}
    raise InvalidInput(
        f"This is no file of CBS's squares of 100 m: it has the columns {', '.join(found[:12])}.",
        *(Flaw(field, f"no column is named {' or '.join(wanted[field])}") for field in missing),
    )


def _checked(task: Task, frame: read.Frame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Give the good squares with code, x, y and figures (NaN where suppressed); tell of all others."""
    data = frame.data
    codes = data[columns["code"]].astype("string").str.strip().str.upper().fillna("")
    corners, bad = _corners(codes)
    squares = pd.DataFrame({"code": codes, "x": corners[:, 0] + SIDE_M // 2, "y": corners[:, 1] + SIDE_M // 2})
    _refuse(task, squares[bad], "code", codes[bad], "is no code of a square of 100 m, such as E0846N4376")
    for field in NAMES:
        if field not in columns:
            squares[field] = np.nan
            continue
        given = data[columns[field]]
        squares[field], wrong = _counts(given)
        reason = f"is no number of people or households from 0 to {MOST}"
        _refuse(task, squares[wrong & ~bad], columns[field], given[wrong & ~bad], reason)
        bad = bad | wrong
    aside = _aside(frame, squares) & ~bad
    reason = f"names a square more than {ASIDE_M:g} m from where its shape lies: wrong code, or wrong coordinates"
    _refuse(task, squares[aside], "code", codes[aside], reason)
    good = _once(task, squares[~(bad | aside)])
    empty = good[list(NAMES)].isna().all(axis=1)
    task.report.count(Verdict.skipped, int(empty.sum()))
    return good[~empty]


def _once(task: Task, squares: pd.DataFrame) -> pd.DataFrame:
    """Take one of rows that say the same of a square; refuse all that say different things of it."""
    twice = squares[squares["code"].duplicated(keep=False)]
    same = twice.duplicated(["code", *NAMES])
    task.report.count(Verdict.skipped, int(same.sum()))
    rows = twice.index.to_series().groupby(twice["code"]).transform(lambda those: ", ".join(map(str, those[:5])))
    odd = twice["code"].isin(twice.loc[~same, "code"].loc[lambda codes: codes.duplicated()]) & ~same
    for numbers, those in twice[odd].groupby(rows[odd]):
        reason = f"stands in rows {numbers}, which do not say the same: which of them is right?"
        _refuse(task, those, "code", those["code"], reason)
    good: pd.DataFrame = squares.drop(index=twice.index[same | odd])
    return good


def _corners(codes: "pd.Series[Any]") -> tuple[NDArray[np.int64], Flags]:
    """Read south-western corners (metres, RD New) out of codes, and which of them are no codes: those mean nothing."""
    letters = codes.to_numpy("U11").view(np.uint32).reshape(-1, 11).astype(np.int64)  # the last is 0 in a code
    digits = np.delete(letters[:, :10], (0, 5), axis=1) - ord("0")
    good = (letters[:, 0] == ord("E")) & (letters[:, 5] == ord("N")) & (letters[:, 10] == 0)
    good &= ((digits >= 0) & (digits <= 9)).all(axis=1)
    return digits.reshape(-1, 2, 4) @ np.array([1000, 100, 10, 1]) * SIDE_M, ~good


def _refuse(task: Task, rows: pd.DataFrame, field: str, values: "pd.Series[Any]", reason: str) -> None:
    task.report.count(Verdict.refused, len(rows))
    for row, code, value in zip(rows.index, rows["code"], values, strict=True):
        task.report.say(Line(int(row), Verdict.refused, code, field, str(value), reason))


def _counts(given: "pd.Series[Any]") -> tuple[Floats, Flags]:
    """Give the figures as floats, NaN where there is none, and which of them are no figures at all."""
    values, strange = cbs.numbers(given)
    values = np.where(values <= cbs.OLDER_MISSING, np.nan, values)  # all of CBS's codes for what is suppressed
    with np.errstate(invalid="ignore"):
        return values, strange | (values < 0) | (values > MOST) | (np.mod(values, 1) > 0)


def _aside(frame: read.Frame, squares: pd.DataFrame) -> Flags:
    """Tell which squares lie elsewhere than their code says; none where the file has no shapes or no known system."""
    if frame.shapes is None or frame.crs not in (RD_NEW, WGS84):
        return np.zeros(len(squares), bool)
    there = ~(shapely.is_missing(frame.shapes) | shapely.is_empty(frame.shapes))
    spots = shapely.get_coordinates(shapely.centroid(frame.shapes[there]))
    if frame.crs == WGS84:
        spots = shapely.get_coordinates(to_rd(shapely.MultiPoint(spots)))
    metres = np.zeros(len(squares))
    metres[there] = np.hypot(*(spots - squares.loc[there, ["x", "y"]].to_numpy(float)).T)
    return metres > ASIDE_M


def _write(task: Task, squares: pd.DataFrame, columns: Mapping[str, str], year: int) -> None:
    session = task.session
    task.progress("writing", 0, len(squares))
    session.execute(text("DROP TABLE IF EXISTS pg_temp.squares_in"))
    session.execute(text(MAKE))
    whole = {name: squares[name].astype("Int64") for name in ("x", "y", *NAMES)}
    bulk.copy(session, "squares_in", pd.DataFrame({"code": squares["code"], **whole}))
    asked: dict[str, object] = {"year": year}
    if absent := [field for field in NAMES if field not in columns]:
        session.execute(text(KEEP), asked | {field: field not in absent for field in NAMES if field != "residents"})
    new, changed = session.execute(text(WRITE), asked | {"job": task.job.id}).one()
    task.report.count(Verdict.new, new)
    task.report.count(Verdict.changed, changed)
    task.report.count(Verdict.unchanged, len(squares) - new - changed)
    task.progress("writing", len(squares), len(squares))


def _tell(task: Task, squares: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Say what the file holds in all: residents, and of how many squares each figure is not given."""
    task.report.note(f"{len(squares):,} squares hold {int(squares['residents'].sum()):,} residents.")
    for field in NAMES:
        if field not in columns:
            task.report.note(f"The file has no column for {field}: what is stored of it stays.")
        elif hidden := int(squares[field].isna().sum()):
            task.report.note(
                f"{columns[field]} is suppressed in {hidden:,} of {len(squares):,} squares: unknown, not 0."
            )
