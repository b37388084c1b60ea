"""Features of GeoJSON, GeoPackage and Shapefile through GDAL, after what could fool or flood it was refused."""

import re
import sqlite3
import struct
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from geo.imports import limits, tables
from geo.imports.limits import MB, Upload, refusal
from geo.imports.tables import Picker

Shapes = NDArray[np.object_]
PREFIX = {".geojson": "GeoJSON:", ".gpkg": "", ".shp": ""}  # JSON is what several drivers would open, one runs commands
OPTIONS: dict[str, dict[str, str]] = {
    ".geojson": {"ARRAY_AS_STRING": "YES", "DATE_AS_STRING": "YES"},
    ".gpkg": {"IMMUTABLE": "YES", "LIST_ALL_TABLES": "NO"},
    ".shp": {},
}
SETTINGS = {
    "OGR_ARROW_MEM_LIMIT": 16 * MB,  # bytes of one batch
    "GDAL_HTTP_PROXY": "127.0.0.1:1",  # where nothing listens: no file may make GDAL fetch something
    "GDAL_HTTP_MAX_RETRY": "0",
}
BATCH_ROWS = 16_384
BATCH_CELLS = 2 * MB
SWELL = 16  # bytes in memory for one byte of the file, at most: more is one place in it told many times
GDAL_ERRORS = (
    DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, CRSError,
    pa.ArrowException, OSError, RuntimeError, UnicodeDecodeError,
)  # fmt: skip
RD_NEW, WGS84 = 28992, 4326
SAME = {7415: RD_NEW, 4979: WGS84}  # the same, with heights
CRS_CHARS = 20_000
COLLECTION = re.compile(  # the start of a geometry that holds geometries, in either byte order, with Z and M or not
    rb"\x01[\x04-\x07\xec-\xef\xd4-\xd7\xbc-\xbf][\x00\x03\x07\x0b]\x00[\x00\x20\x40\x60\x80\xa0\xc0\xe0]"
    rb"|\x00[\x00\x20\x40\x60\x80\xa0\xc0\xe0]\x00[\x00\x03\x07\x0b][\x04-\x07\xec-\xef\xd4-\xd7\xbc-\xbf]"
)


class Layer(NamedTuple):
    """Attributes, geometries (None where the layer has no such column) and EPSG code (None where it is not told)."""

    data: pd.DataFrame
    shapes: Shapes | None
    crs: int | None


def layer_fields(upload: Upload, layer: str | None) -> list[str]:
    """Name the attributes of a layer."""
    layer, _ = _checked(upload, layer)
    return _fields(upload, layer)


def layer_data(upload: Upload, layer: str | None, columns: Picker | None) -> Layer:
    """Read a layer; the rows count from 1. A geometry that is missing, or too broken to be one, gives None.

    Values are typed as the file has them; whole numbers stay whole and text stays text beside missing values (None).
    """
    layer, rows = _checked(upload, layer)
    if upload.path.suffix == ".geojson":  # its names are known only after it was read
        meta, table = _read(upload, None, None)
        kept = tables.picked([str(name) for name in meta["fields"]], columns)
    else:
        names = _fields(upload, layer)
        kept = tables.picked(names, columns)
        limits.check_counts(upload, rows or 0, len(kept))
        meta, table = _read(upload, layer, kept)
    if rows is not None and table.num_rows != rows:
        raise limits.damaged(upload)  # GDAL leaves out what it cannot read, and says nothing
    with _reading(upload):
        shapes = _shapes(upload, table)
        index = pd.RangeIndex(1, table.num_rows + 1)
        data = {name: _values(table.column(name)).set_axis(index) for name in kept}
    frame = pd.DataFrame(data, columns=pd.Index(kept, dtype=object), index=index)
    return Layer(frame, shapes, None if shapes is None else _epsg(upload, meta["crs"]))


def _checked(upload: Upload, layer: str | None) -> tuple[str | None, int | None]:
    """Refuse what would fool GDAL; give the layer to read, and how many rows it must give where that is known."""
    if upload.path.suffix == ".gpkg":
        return _check_geopackage(upload, layer)
    if layer is not None:
        raise refusal(upload, f"has no layers, so none called {layer!r}.")
    if upload.path.suffix == ".shp":
        _check_shapefile(upload)
    else:
        limits.check_json(upload)
    return None, None


@contextmanager
def _reading(upload: Upload) -> Iterator[None]:
    """Turn GDAL's faults into one clear line; its warnings are of no use to the person."""
    pyogrio.set_gdal_config_options(SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except GDAL_ERRORS as error:
            if upload.path.suffix == ".geojson":
                at = re.search(r"[Aa]t line (\d+), character (\d+)", str(error))
                where = f" The fault is in line {at[1]}, near character {at[2]}." if at else ""
                why = f"is no GeoJSON with features (a FeatureCollection), or a damaged one.{where}"
                raise refusal(upload, why) from None
            raise limits.damaged(upload) from None


def _source(upload: Upload) -> str:
    return PREFIX[upload.path.suffix] + str(upload.path)


def _fields(upload: Upload, layer: str | None) -> list[str]:
    with _reading(upload):
        info = pyogrio.read_info(_source(upload), layer=layer, **OPTIONS[upload.path.suffix])
    names = [str(name) for name in info["fields"]]
    limits.check_counts(upload, 0, len(names))
    return names


def _read(upload: Upload, layer: str | None, columns: list[str] | None) -> tuple[dict[str, Any], pa.Table]:
    """Read batch by batch, and stop at the first that goes beyond the limits."""
    files = [file for file in upload.path.parent.iterdir() if file.stem == upload.path.stem]
    most = SWELL * sum(file.stat().st_size for file in files) + 64 * MB
    rows, held, batches = 0, 0, []
    options: dict[str, Any] = {"columns": columns, "batch_size": BATCH_ROWS, **OPTIONS[upload.path.suffix]}
    if columns is not None:
        options["batch_size"] = max(1, min(BATCH_ROWS, BATCH_CELLS // (len(columns) + 1)))
    with _reading(upload), pyogrio.open_arrow(_source(upload), layer=layer, use_pyarrow=True, **options) as opened:
        meta, reader = opened
        limits.check_counts(upload, 0, len(meta["fields"]))
        for batch in reader:
            rows, held = rows + batch.num_rows, held + batch.nbytes
            limits.check_counts(upload, rows, len(meta["fields"]))
            if held > most:
                raise refusal(upload, f"gives more than {SWELL} times its size: it tells one place many times over.")
            batches.append(batch)
        return meta, pa.Table.from_batches(batches, schema=reader.schema)


def _values(column: pa.ChunkedArray) -> "pd.Series[Any]":
    """Give a column with None for missing; numbers with a fraction have NaN there."""
    if pa.types.is_floating(column.type) or (column.null_count == 0 and pa.types.is_integer(column.type)):
        return pd.Series(column.to_numpy())
    if pa.types.is_timestamp(column.type):
        return pd.Series(column.to_pandas())
    return pd.Series(column.to_pylist(), dtype=object)


def _shapes(upload: Upload, table: pa.Table) -> Shapes | None:
    told = [(field.metadata or {}).get(b"ARROW:extension:name", b"") for field in table.schema]
    at = next((at for at, name in enumerate(told) if name.endswith(b".wkb")), None)
    if at is None:
        return None
    found: Shapes = table.column(at).to_numpy()
    for number, blob in enumerate(found, start=1):
        if blob is None:
            continue
        if len(blob) > 9 * limits.LIMITS.nested and len(COLLECTION.findall(blob)) > limits.LIMITS.nested:
            raise refusal(upload, f"row {number} has a geometry of more than {limits.LIMITS.nested:,} collections.")
        if 8 <= int.from_bytes(blob[1:5], "little" if blob[0] else "big") % 0x20000000 % 1000 <= 17:
            raise refusal(upload, f"row {number} has a curve or a surface: save the layer with straight lines.")
    made: Shapes = shapely.from_wkb(found, on_invalid="ignore")
    return made


def _check_geopackage(upload: Upload, wanted: str | None) -> tuple[str, int]:
    """Refuse a GeoPackage that computes what it gives, is cut off or in use; give the layer and its number of rows."""
    path = upload.path.resolve()
    if (log := path.with_name(path.name + "-wal")).exists() and log.stat().st_size:
        raise refusal(upload, "has changes that are not written yet: close it in the program that has it open (QGIS).")
    computed = """SELECT name FROM sqlite_master WHERE type = 'view' OR sql LIKE 'CREATE VIRTUAL%'
        AND sql NOT LIKE 'CREATE VIRTUAL TABLE % USING rtree%(%' UNION ALL SELECT t.name FROM sqlite_master t
        JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.sql LIKE '% AS%(%' AND c.hidden IN (2, 3)"""
    try:
        with closing(sqlite3.connect(f"file:{upload.path}?mode=ro&immutable=1", uri=True)) as base:
            base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MB)
            if found := base.execute(computed).fetchone():
                raise refusal(upload, f"{found[0]!r} is a view or is computed: save it as a plain layer.")
            layers = base.execute(
                "SELECT table_name, data_type = 'features' FROM gpkg_contents "
                "WHERE data_type IN ('features', 'attributes') ORDER BY 1"
            ).fetchall()
            layer = _chosen(upload, layers, wanted)
            quoted = layer.replace('"', '""')
            counted = f'SELECT count(*) FROM (SELECT 1 FROM "{quoted}" LIMIT {limits.LIMITS.rows + 1})'  # noqa: S608 a name cannot be bound
            return layer, int(base.execute(counted).fetchone()[0])
    except sqlite3.Error:
        raise limits.damaged(upload) from None


def _chosen(upload: Upload, layers: list[tuple[str, int]], wanted: str | None) -> str:
    named = [name for name, _ in layers]
    told = ", ".join(map(repr, named[:20])) or "none"
    if wanted is not None and wanted not in named:
        raise refusal(upload, f"has no layer {wanted!r}; its layers are: {told}.")
    if wanted is not None or len(named) == 1:
        return wanted or named[0]
    if len(located := [name for name, has_geometry in layers if has_geometry]) == 1:
        return located[0]
    raise refusal(upload, f"has more than one layer, or none: name one of {told}.")


def _check_shapefile(upload: Upload) -> None:
    """Refuse a Shapefile whose three files are shorter than they say, or do not belong together."""
    heads = {suffix: upload.path.with_suffix(suffix) for suffix in (".shp", ".shx", ".dbf")}
    sizes = {suffix: file.stat().st_size for suffix, file in heads.items()}
    if min(sizes[".shp"], sizes[".shx"]) < 100 or sizes[".dbf"] < 32:
        raise limits.damaged(upload)
    start = {}
    for suffix, file in heads.items():
        with file.open("rb") as stream:
            start[suffix] = stream.read(32)
    for suffix in (".shp", ".shx"):
        if 2 * struct.unpack_from(">I", start[suffix], 24)[0] > sizes[suffix]:
            raise limits.damaged(upload)
    words = 2 * ((struct.unpack_from(">I", start[".shx"], 24)[0] - 50) // 4)  # an offset and a length for each shape
    index = np.fromfile(heads[".shx"], dtype=">i4", offset=100, count=max(words, 0))
    lengths = index.reshape(-1, 2)[:, 1].astype(np.int64)
    if lengths.min(initial=0) < 0 or 2 * (lengths + 4).sum() > sizes[".shp"]:
        raise refusal(upload, "its .shx gives more than the .shp holds: it tells one place many times over.")
    records, head, width = struct.unpack_from("<IHH", start[".dbf"], 4)
    limits.check_counts(upload, max(records, len(lengths)), max(head - 33, 0) // 32)
    if head + records * width > sizes[".dbf"]:
        raise limits.damaged(upload)
    if records != len(lengths):
        why = f"has {len(lengths):,} shapes but {records:,} records: its .shp and .dbf do not belong together."
        raise refusal(upload, why)


def _epsg(upload: Upload, told: str | None) -> int | None:
    """Give the EPSG code of a coordinate system, None where none is told. Refuses one that has no code."""
    if told is None or len(told) > CRS_CHARS:
        return None
    try:
        crs = pyproj.CRS.from_user_input(told)
    except pyproj.exceptions.CRSError:
        return None
    flat = crs.sub_crs_list[0] if crs.is_compound else crs
    if flat.is_engineering or flat.name.startswith("Undefined"):
        return None
    if _is_rd_new(flat):
        return RD_NEW
    code = WGS84 if told == "OGC:CRS84" or flat.name == "WGS 84 (CRS84)" else flat.to_epsg(min_confidence=70)
    if code is None:
        raise refusal(upload, f"is in the coordinate system {flat.name[:80]!r}: save it in EPSG:28992 or EPSG:4326.")
    return SAME.get(code, code)


def _is_rd_new(crs: pyproj.CRS) -> bool:
    """Tell RD New by its numbers, whatever a program calls it."""
    operation = crs.coordinate_operation
    if operation is None or not crs.is_projected or "tereographic" not in operation.method_name:
        return False
    return {round(float(param.value), 7) for param in operation.params} >= {155000.0, 463000.0, 0.9999079}
