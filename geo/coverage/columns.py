"""Columns out of a file of any format that planners have: Parquet, GeoPackage, CSV, GeoJSON, Shapefile."""

import codecs
import csv
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from geo.errors import Flaw, InvalidInput

RD_NEW = "EPSG:28992"
RD_NUMBERS = {155000.0, 463000.0, 0.9999079}  # false easting and northing, scale: whatever a program calls it
WKT = ("geometry", "geom", "wkt", "WKT")  # columns of a CSV that hold shapes
SEPARATORS = ",;\t|"
BLOCK_BYTES = 16 << 20  # of a CSV that are read at once; no record may be longer
MB = 1 << 20
FAULTS = (
    pa.ArrowException, DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, CRSError,
    UnicodeDecodeError, json.JSONDecodeError, RuntimeError, OSError,
)  # fmt: skip


class Sheet(NamedTuple):
    """The columns of a file that were wanted and are there.

    name     the file, as a person knows it
    columns  by name, as the file holds them; text where the format knows no types
    shapes   geometries as WKB; None where the file has none, or they are not wanted
    first    the number of the first record as a person counts: the header of a CSV is row 1, so 2; else 1
    typed    whether the file says what is text and what is a number
    names    all column names of the file
    comma    whether a comma may stand for the point in a number
    """

    name: str
    columns: dict[str, pa.ChunkedArray]
    shapes: pa.ChunkedArray | None
    first: int
    typed: bool
    names: list[str]
    comma: bool = False

    def refusal(self, row: int, field: str, why: str) -> InvalidInput:
        """Make the refusal of a value: `row` is an index, told as a person counts."""
        number = row + self.first
        return InvalidInput(f"{self.name}: row {number}, {field}: {why}", Flaw(f"row {number}, {field}", why))


class Wanted(NamedTuple):
    """What is read of a file: columns by name, and its shapes unless all columns of `instead` are there."""

    role: str
    columns: Sequence[str]
    instead: frozenset[str] = frozenset()

    def of(self, names: Sequence[str]) -> tuple[list[str], bool]:
        """Give the columns to read out of those that are there, and whether shapes are wanted too."""
        return [name for name in self.columns if name in names], not self.instead or not self.instead <= set(names)


def read(file: Path, wanted: Wanted) -> Sheet:
    """Read what is wanted of a file. Raises InvalidInput on a file that is absent, damaged, or in another CRS."""
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.", Flaw(wanted.role, "is no file"))
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(
            f"{file.name}: the {wanted.role} cannot be read from {file.suffix or 'a file without a suffix'}: "
            f"use {', '.join(READERS)}.",
            Flaw(wanted.role, "is of no format that is read"),
        )
    with _reading(file):
        return reader(file, wanted)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn the faults of readers into one clear line; the warnings of GDAL are of no use to the person."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except FAULTS as error:
            told = " ".join(str(error).split())[:200]
            raise InvalidInput(
                f"{file.name}: cannot be read as {file.suffix.lower()} ({told}). It may be damaged, cut off, or of "
                "another format than its name says.",
                Flaw("file", "cannot be read"),
            ) from None


def _csv(file: Path, wanted: Wanted) -> Sheet:
    encoding = _encoding(file)
    with file.open(encoding="utf-8-sig" if encoding == "utf8" else encoding, newline="") as stream:
        head = stream.readline()
        separator = max(SEPARATORS, key=head.count)
        names = next(csv.reader([head], delimiter=separator), [])
    kept, located = wanted.of(names)
    shapes = next((name for name in WKT if name in names), None) if located else None
    chosen = [*kept, *([shapes] if shapes else [])]
    if twice := [name for name in chosen if names.count(name) > 1]:
        raise InvalidInput(f"{file.name}: row 1 has more than one column {twice[0]!r}.", Flaw("row 1", "repeats"))
    table = pa.csv.read_csv(
        file,
        pa.csv.ReadOptions(encoding=encoding, block_size=BLOCK_BYTES),
        pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(chosen, pa.string()), include_columns=chosen),
    )
    sheet = Sheet(file.name, {name: table[name] for name in kept}, None, 2, False, names, separator != ",")
    return sheet if shapes is None else sheet._replace(shapes=_from_wkt(sheet, shapes, table[shapes]))


def _encoding(file: Path) -> str:
    """Say in which letters a text is written: UTF-8, or what Excel saves by default."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as stream:
        try:
            while chunk := stream.read(MB):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf8"


def _from_wkt(sheet: Sheet, field: str, told: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [text or None for text in told.to_pylist()]
    shapes = shapely.from_wkt(texts, on_invalid="ignore")
    for row, (text, shape) in enumerate(zip(texts, shapes, strict=True)):
        if text and shape is None:
            raise sheet.refusal(row, field, f"{text[:40]!r} is no geometry in well-known text (WKT).")
    return pa.chunked_array([pa.array(shapely.to_wkb(shapes), pa.binary())])


def _parquet(file: Path, wanted: Wanted) -> Sheet:
    with pq.ParquetFile(file) as opened:
        schema = opened.schema_arrow
        geo: dict[str, Any] = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        at = str(geo.get("primary_column", "geometry"))
        kept, located = wanted.of(schema.names)
        about: dict[str, Any] = geo.get("columns", {}).get(at, {})
        _check_crs(file, about.get("crs"))
        chosen = [*kept, *([at] if located and at in schema.names and at not in kept else [])]
        table = opened.read(columns=chosen)
    shapes = table[at] if located and at in schema.names else None
    if shapes is not None and about.get("encoding", "WKB") == "point":
        x, y = (shapes.combine_chunks().field(name).to_numpy(zero_copy_only=False) for name in ("x", "y"))
        shapes = pa.chunked_array([pa.array(shapely.to_wkb(shapely.points(x, y)), pa.binary())])
    elif shapes is not None and not (pa.types.is_binary(shapes.type) or pa.types.is_large_binary(shapes.type)):
        raise InvalidInput(f"{file.name}: {at} is no geometry as WKB or points.", Flaw(at, "is no geometry"))
    return Sheet(file.name, {name: table[name] for name in kept}, shapes, 1, True, list(schema.names))


def _layer(file: Path, wanted: Wanted) -> Sheet:
    layer = _chosen(file, wanted.role) if file.suffix.lower() == ".gpkg" else None
    info = pyogrio.read_info(file, layer=layer)
    names = [str(name) for name in info["fields"]]
    fid = str(info["fid_column"])
    by_fid = fid in wanted.columns and fid not in names  # then the file's own key is what is asked for
    kept, located = wanted.of([*names, fid] if by_fid else names)
    plain = file.suffix.lower() == ".geojson" and info["crs"] in ("EPSG:4326", "OGC:CRS84")  # what it is when untold
    _check_crs(file, None if plain else info["crs"])
    located = located and info["geometry_type"] is not None
    meta, table = pyogrio.read_arrow(
        file, layer=layer, columns=[name for name in kept if name in names], read_geometry=located, return_fids=by_fid
    )
    if by_fid:
        table = table.rename_columns([fid, *table.column_names[1:]])
    shapes = table[meta["geometry_name"] or "wkb_geometry"] if located else None
    columns = {name: table[name] for name in kept}
    if file.suffix.lower() == ".geojson" and not len(table):  # without features it cannot say what they would have
        columns = {name: pa.chunked_array([pa.nulls(0)]) for name in wanted.columns}
    return Sheet(file.name, columns, shapes, 1, True, names)


def _chosen(file: Path, role: str) -> str:
    """Choose a layer of a GeoPackage: its only one, or else the one that is called after what is asked of it."""
    layers = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
    if len(layers) == 1:
        return layers[0]
    if role in layers:
        return role
    raise InvalidInput(
        f"{file.name}: has {len(layers)} layers ({', '.join(layers[:20])}) and none is called {role!r}.",
        Flaw(role, "is not clear which layer"),
    )


def _check_crs(file: Path, told: object) -> None:
    """Refuse a coordinate system that is named and is not RD New, in plan; heights beside it do no harm."""
    if not told:
        return
    crs = pyproj.CRS.from_user_input(told)
    flat = crs.sub_crs_list[0] if crs.is_compound else crs
    operation = flat.coordinate_operation
    if flat.is_engineering or flat.name.startswith("Undefined"):
        return
    numbers = {round(float(param.value), 7) for param in operation.params} if operation and flat.is_projected else set()
    if not numbers >= RD_NUMBERS:
        raise InvalidInput(
            f"{file.name}: is in {flat.name[:80]!r}, not in RD New metres ({RD_NEW}): save it in {RD_NEW}.",
            Flaw("crs", f"is {flat.name[:80]!r}"),
        )


READERS: dict[str, Callable[[Path, Wanted], Sheet]] = {
    ".parquet": _parquet, ".geoparquet": _parquet, ".gpkg": _layer, ".csv": _csv, ".geojson": _layer, ".shp": _layer,
}  # fmt: skip
