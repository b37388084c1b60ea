"""Lines out of a layer of any format and coordinate system, with their length where a column tells it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from geo.base import RD_NEW, WGS84
from geo.errors import Flaw, InvalidInput
from geo.imports import areas, cbs, limits, outlines, read
from geo.imports.limits import Upload, refusal
from geo.imports.read import Frame
from geo.imports.report import Line, Verdict
from geo.imports.tables import Picker

PARQUET = (".parquet", ".geoparquet")
LENGTHS = ("metres", "meters", "length_m", "lengte_m", "length", "lengte")  # columns that are metres if they look so
LIKELY = (0.9, 3.0)  # times as long as drawn, for lengths that are metres
LONG, LONG_M = 2.0, 10.0  # a length that is so many times, and metres more than, what is drawn is told
LINES = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]
Flags = NDArray[np.bool_]


class Lines(NamedTuple):
    """What a layer holds. The parts of a line that has several are lines of their own.

    shapes   LineStrings, RD New, shape (lines,)
    metres   the walk along each, NaN where it is as long as drawn, shape (lines,)
    row      the row that each came from, as a person counts, shape (lines,)
    refused  what is wrong with other rows
    notes    what is to be said of the file
    """

    shapes: Shapes
    metres: Floats
    row: Ints
    refused: list[Line]
    notes: list[str]


def read_lines(file: Path, layer: str | None = None, length_field: str | None = None) -> Lines:
    """Read the lines of a layer: GeoPackage, GeoJSON, Shapefile, a zip of one, or GeoParquet.

    length_field  the column with metres; None: one that is called so and looks so, else lines are as long as drawn
    raises        InvalidInput where the file as a whole cannot be read, has no lines, no coordinate system and degrees,
                  or the lengths that were asked for are no metres
    """
    chosen: list[str] = []

    def wanted(found: list[str]) -> list[str]:
        chosen.extend(_length_column(found, length_field))
        return chosen

    frame = _parquet(file, wanted) if file.suffix.lower() in PARQUET else read.frame(file, layer=layer, columns=wanted)
    notes: list[str] = []
    drawn, reasons = _drawn(frame, notes)
    column = chosen[0] if chosen else None
    metres, strange = _lengths(frame.data, column)
    good = np.flatnonzero((reasons == "") & ~strange)
    if column is not None and not _likely(drawn[good], metres[good], int((reasons == "").sum())):
        if length_field is not None:
            why = "are no metres: together they are far from what is drawn"
            raise InvalidInput(f"The lengths in {length_field!r} {why}.", Flaw("length_field", why))
        column = None
        metres, strange = _lengths(frame.data, None)
        good = np.flatnonzero(reasons == "")
    refused = _refused(frame.data, reasons, column, strange)
    row = frame.data.index.to_numpy(dtype=np.int64)[good]
    told = _told(column, drawn[good], metres[good], row, notes)
    return Lines(*_parts(drawn[good], told, row), refused, notes)


def _lengths(data: pd.DataFrame, column: str | None) -> tuple[Floats, Flags]:
    """Give the lengths that a column tells, NaN where it tells none, and which of them can be no length."""
    if column is None:
        return np.full(len(data), np.nan), np.zeros(len(data), dtype=bool)
    metres, strange = cbs.numbers(data[column])
    return metres, strange | (metres < 0)


def _refused(data: pd.DataFrame, reasons: Shapes, column: str | None, strange: Flags) -> list[Line]:
    """Say of each bad row what is wrong with it."""
    number, refused = data.index.to_numpy(), Verdict.refused
    shapes = [Line(int(number[at]), refused, "", "geometry", "", reasons[at]) for at in np.flatnonzero(reasons != "")]
    if column is None:
        return shapes
    odd = np.flatnonzero((reasons == "") & strange)
    values = data[column].iloc[odd]
    why = "is no length in metres"
    return shapes + [
        Line(int(row), refused, "", column, str(value), why) for row, value in zip(number[odd], values, strict=True)
    ]


def _length_column(found: list[str], asked: str | None) -> list[str]:
    if asked is None:
        by_name = {name.lower(): name for name in reversed(found)}
        return [by_name[name] for name in LENGTHS if name in by_name][:1]
    if asked not in found:
        told = ", ".join(map(repr, found[:20])) or "none"
        raise InvalidInput(f"There is no column {asked!r}; there are: {told}.", Flaw("length_field", "is not there"))
    return [asked]


def _parquet(file: Path, columns: Picker) -> Frame:
    """Read GeoParquet, which GDAL may not know."""
    upload = Upload(file, limits.shown(file))
    limits.check_file(upload)
    try:
        with pq.ParquetFile(file) as opened:
            about, names = opened.metadata, [str(name) for name in opened.schema_arrow.names]
            limits.check_counts(upload, about.num_rows, 2)
            unpacked = sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups))
            if unpacked > limits.LIMITS.unpacked_bytes:
                raise refusal(upload, "becomes far too large when it is unpacked.")
            geo: dict[str, Any] = json.loads((opened.schema_arrow.metadata or {}).get(b"geo", b"{}"))
        if "primary_column" not in geo:
            raise refusal(upload, "holds no geometry as GeoParquet tells it.")
        shapes = str(geo["primary_column"])
        kept = columns([name for name in names if name != shapes])
        data = gpd.read_parquet(file, columns=[shapes, *kept])
    except (pa.ArrowException, ValueError, KeyError, TypeError, OSError, CRSError):
        raise limits.damaged(upload) from None
    crs = None if data.crs is None else data.crs.to_epsg(min_confidence=70) or (WGS84 if data.crs.is_geographic else 0)
    if crs == 0:
        raise refusal(upload, "is in a coordinate system without a code: save it in EPSG:28992.")
    index = pd.RangeIndex(1, len(data) + 1)
    return Frame(pd.DataFrame(data[kept]).set_axis(index), np.asarray(data[shapes].array, dtype=object), crs)


def _drawn(frame: Frame, notes: list[str]) -> tuple[Shapes, Shapes]:
    """Give the shapes in RD New, and for each why it can be no street; empty where it can."""
    if frame.shapes is None or not len(frame.data):
        raise InvalidInput("The file has no lines.", Flaw("geometry", "is missing"))
    kinds = shapely.get_type_id(frame.shapes)
    lines = np.isin(kinds, LINES)
    if not lines.any():
        named = ", ".join(sorted({shape.geom_type for shape in frame.shapes if shape is not None})) or "nothing"
        raise InvalidInput(f"The file holds no lines, but {named}.", Flaw("geometry", "is no line in any row"))
    reasons = np.full(len(kinds), "", dtype=object)
    reasons[~lines] = ["is missing" if s is None else f"is a {s.geom_type}, not a line" for s in frame.shapes[~lines]]
    shapes = shapely.force_2d(frame.shapes)
    odd = lines & (shapely.is_empty(shapes) | ~np.isfinite(shapely.bounds(shapes)).all(axis=1))
    reasons[odd] = "is empty, or holds a coordinate that is no number"
    good = np.flatnonzero(lines & ~odd)
    shapes[good], reasons[good] = _in_metres(shapes[good], frame.crs, notes)
    return shapes, reasons


def _in_metres(shapes: Shapes, crs: int | None, notes: list[str]) -> tuple[Shapes, list[str]]:
    """Turn lines into RD New, and say for each why it cannot lie where the file says; empty where it can."""
    if crs is None:
        if len(shapes) and all(outlines.misplaced(shapes, degrees=False)):
            raise InvalidInput(
                "The file does not say its coordinate system, and its numbers are no RD New metres: save it with one.",
                Flaw("crs", "is not said"),
            )
        notes.append("The file does not say its coordinate system; by its numbers it is RD New metres (EPSG:28992).")
        crs = RD_NEW
    degrees = CRS.from_epsg(crs).is_geographic
    turned = areas.turn(shapes, crs)
    reasons = outlines.misplaced(shapes if degrees else turned, degrees=degrees)
    if len(shapes) and all(reasons):
        raise InvalidInput(
            f"The lines cannot lie where the file says: the first {reasons[0]}.", Flaw("geometry", reasons[0])
        )
    return turned, reasons


def _told(column: str | None, drawn: Shapes, metres: Floats, row: Ints, notes: list[str]) -> Floats:
    """Say what is odd about the lengths that a column tells, and give them; NaN where they are not to be used."""
    known = ~np.isnan(metres)
    long = shapely.length(drawn)
    if column is None or not known.any():
        return np.full(len(drawn), np.nan)
    notes.append(f"Lengths are those of the column {column!r}, as metres.")
    if missing := int((~known).sum()):
        notes.append(f"{missing:,} lines have no length there: they are as long as they are drawn.")
    far = np.flatnonzero(known & (metres > LONG * long) & (metres > long + LONG_M))
    if len(far):
        worst = far[np.argmax(metres[far] - long[far])]
        notes.append(
            f"{len(far):,} lines are said to be more than {LONG:g} times as long as they are drawn, and are taken so: "
            f"row {row[worst]:,} is {metres[worst]:,.0f} m for {long[worst]:,.0f} m."
        )
    return metres


def _likely(drawn: Shapes, metres: Floats, rows: int) -> bool:
    """Say whether the lengths that can be some may be metres: of most rows, and together about as many as are drawn."""
    known = ~np.isnan(metres)
    if 2 * len(metres) < rows:
        return False
    together = float(shapely.length(drawn[known]).sum())
    return LIKELY[0] * together <= float(metres[known].sum()) <= LIKELY[1] * together


def _parts(shapes: Shapes, metres: Floats, row: Ints) -> tuple[Shapes, Floats, Ints]:
    """Make the parts of lines lines of their own, each with its share of the length."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    long, whole = shapely.length(parts), shapely.length(shapes)[of]
    share = np.divide(long, whole, out=np.ones(len(parts)), where=whole > 0)
    return parts, metres[of] * share, row[of]
