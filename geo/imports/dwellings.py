"""Dwellings, such as those of the BAG: where exactly people live, and how many where that is told."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.base import RD_NEW, WGS84
from geo.coverage.models import DemandAddress
from geo.errors import Flaw, InvalidInput
from geo.imports import bulk, cbs, read
from geo.imports.jobs import Task
from geo.imports.report import Line, Verdict
from geo.neighbourhoods import to_rd

# The names under which columns are known, the surest first.
IDS = ("identificatie", "id", "nummeraanduiding", "adresseerbaarobject_id")
EAST, NORTH = ("x", "x_rd", "rd_x"), ("y", "y_rd", "rd_y")
PEOPLE = ("residents", "inwoners", "bewoners", "aantal_inwoners")
MOST = 10_000  # people behind one door
LAND = (-7_000.0, 289_000.0, 300_000.0, 629_000.0)  # of the national grid: west, south, east, north
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Options(NamedTuple):
    """The layer, where the file has several."""

    layer: str | None = None


def load(task: Task, options: Options) -> None:
    """Import the dwellings of a file, in RD New, or with shapes in RD New or WGS 84.

    Where the number of residents is not told, the dwellings of a buurt share its key figure. Those of an earlier import
    stay stored, and count where this one has none.

    raises InvalidInput where the file has no places
    """
    task.progress("reading", 0, None)
    frame = read.frame(task.file, layer=options.layer)
    task.progress("checking", 0, len(frame.data))
    columns = {name.lower(): name for name in frame.data.columns}
    xy = _places(frame, columns)
    named = _first(columns, IDS)
    ids = frame.data[named].astype("string").str.strip() if named else frame.data.index.astype("string").to_series()
    people, odd = _people(frame, columns)
    rows = pd.DataFrame(
        {"id": ids.fillna("").to_numpy(), "x": xy[:, 0], "y": xy[:, 1], "residents": people}, index=frame.data.index
    )
    good = _good(task, rows, odd)
    task.progress("writing", 0, len(good))
    bulk.copy(task.session, DemandAddress.__tablename__, good.assign(job_id=str(task.job.id)))
    task.progress("writing", len(good), len(good))
    task.report.count(Verdict.new, len(good))
    told = int(good["residents"].notna().sum())
    task.report.note(f"{len(good):,} dwellings; of {told:,} it is told how many live there.")


def _first(columns: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _places(frame: read.Frame, columns: dict[str, str]) -> Floats:
    """Give x and y in RD New, NaN where they are missing or no numbers, shape (rows, 2)."""
    if frame.shapes is not None:
        if frame.crs not in (RD_NEW, WGS84):
            told = "does not say" if frame.crs is None else f"says EPSG:{frame.crs}"
            raise InvalidInput(
                f"Dwellings come in RD New (EPSG:28992) or WGS 84 (EPSG:4326); the file {told}.",
                Flaw("crs", "must be EPSG:28992 or EPSG:4326"),
            )
        spots = np.full((len(frame.shapes), 2), np.nan)
        there = ~(shapely.is_missing(frame.shapes) | shapely.is_empty(frame.shapes))
        centres = shapely.centroid(frame.shapes[there])
        spots[there] = shapely.get_coordinates(to_rd(centres) if frame.crs == WGS84 else centres)
        return spots
    east, north = _first(columns, EAST), _first(columns, NORTH)
    if east is None or north is None:
        raise InvalidInput(
            f"This file has no places: it has the columns {', '.join(list(columns.values())[:12])}.",
            Flaw("x", "no column is named x, and the file has no shapes"),
        )
    return np.stack([cbs.numbers(frame.data[name])[0] for name in (east, north)], axis=1)


def _people(frame: read.Frame, columns: dict[str, str]) -> tuple[Floats, Flags]:
    """Give residents, NaN where they are not told, and which of them are no numbers of people."""
    named = _first(columns, PEOPLE)
    if named is None:
        return np.full(len(frame.data), np.nan), np.zeros(len(frame.data), dtype=bool)
    people, strange = cbs.numbers(frame.data[named])
    people = np.where(people <= cbs.OLDER_MISSING, np.nan, people)
    with np.errstate(invalid="ignore"):
        return people, strange | (people < 0) | (people > MOST)


def _good(task: Task, rows: pd.DataFrame, odd: Flags) -> pd.DataFrame:
    """Give the rows that can be stored; tell of all others."""
    west, south, east, north = LAND
    aside = ~(rows["x"].between(west, east) & rows["y"].between(south, north))
    places = rows["x"].astype(str) + ", " + rows["y"].astype(str)
    nameless, twice = rows["id"] == "", rows["id"].duplicated(keep="first") & (rows["id"] != "")
    reasons = (
        (nameless, "id", rows["id"], "is missing"),
        (twice, "id", rows["id"], "stands in an earlier row too"),
        (aside, "x, y", places, "is no place in the Netherlands in RD New metres: degrees, swapped, or missing?"),
        (pd.Series(odd, index=rows.index), "residents", rows["residents"], f"is no number of people from 0 to {MOST}"),
    )
    bad = pd.Series(False, index=rows.index)
    for flags, field, values, reason in reasons:
        for row in rows.index[flags & ~bad]:
            line = Line(int(row), Verdict.refused, str(rows["id"][row]), field, str(values[row]), reason)
            task.report.say(line)
        bad |= flags
    task.report.count(Verdict.refused, int(bad.sum()))
    kept: pd.DataFrame = rows[~bad]
    return kept
