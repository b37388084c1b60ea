"""GeoPackage, FlatGeobuf and GeoParquet: files that are written batch by batch."""

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pyproj
import shapely
from pyarrow import parquet

from geo.exports import columns
from geo.exports.columns import GEOMETRY
from geo.exports.describing import KEY, by_name, metadata
from geo.exports.reading import Opened

INDEXED = 1_000_000  # rows of a FlatGeobuf: its index is made in memory, about 110 bytes for each
GROUP_ROWS, GROUP_BYTES = 50_000, 32_000_000  # of a row group of GeoParquet, whichever comes first
GEOPARQUET = "1.1.0"
PLAINEST = "1.2"  # of GeoPackage: what older programs read without a word
Told = Callable[[int], None]


def geopackage(opened: Opened, file: Path, told: Told) -> None:
    """Write a GeoPackage: what columns mean stands in its data columns, all else in its metadata."""
    about = metadata(opened, columns.shapes(opened.order))
    options = {
        "layer_metadata": by_name(about),
        "layer_options": {"DESCRIPTION": about["description"]["en"], "IDENTIFIER": about["title"]["en"]},
        "dataset_options": {"VERSION": PLAINEST},
    }
    _write(opened, file, told, driver="GPKG", options=options)


def flatgeobuf(opened: Opened, file: Path, told: Told) -> None:
    """Write a FlatGeobuf. Its spatial index takes no row without a geometry, and memory: large ones have none."""
    about = metadata(opened, columns.shapes(opened.order))
    index = opened.nowhere == 0 and opened.rows <= INDEXED
    layer = {
        "TITLE": about["title"]["en"],
        "DESCRIPTION": about["description"]["en"],
        "SPATIAL_INDEX": "YES" if index else "NO",
    }
    _write(opened, file, told, driver="FlatGeobuf", options={"layer_metadata": by_name(about), "layer_options": layer})


def _write(opened: Opened, file: Path, told: Told, *, driver: str, options: dict[str, Any]) -> None:
    parts = columns.shapes(opened.order)
    failed: list[BaseException] = []

    def carried() -> Iterator[pa.RecordBatch]:
        """Keep what goes wrong while reading: on its way through GDAL it would become a text."""
        try:
            yield from _counted(columns.arrow(opened, parts), told)
        except BaseException as error:
            failed.append(error)
            raise

    reader = pa.RecordBatchReader.from_batches(columns.schema(opened.order, parts), carried())
    try:
        pyogrio.write_arrow(
            reader, file, layer=opened.order.name, driver=driver, geometry_name=GEOMETRY, geometry_type="Unknown",
            crs=f"EPSG:{opened.order.look.crs.srid}", **options,
        )  # fmt: skip
    except (RuntimeError, OSError, ValueError) as error:
        raise (failed[0] if failed else error) from None


def _counted(batches: Iterator[pa.RecordBatch], told: Told) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in batches:
        yield batch
        done += batch.num_rows
        told(done)


def geoparquet(opened: Opened, file: Path, told: Told) -> None:
    """Write a GeoParquet; what is in it as a whole (types, extent) is known at the end, and stands there."""
    parts = columns.shapes(opened.order)
    about = metadata(opened, parts)
    schema = columns.schema(opened.order, parts)
    box, types = np.array([np.inf, np.inf, -np.inf, -np.inf]), set()
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(_counted(columns.arrow(opened, parts), told)):
            writer.write_table(group)
            found = shapely.from_wkb(np.array(group[GEOMETRY].to_pylist(), dtype=object))
            shapes = found[~shapely.is_missing(found)]
            types |= {shape.geom_type for shape in shapes}
            if len(shapes):
                west, south, east, north = shapely.total_bounds(shapes)
                box = np.array([*np.minimum(box[:2], [west, south]), *np.maximum(box[2:], [east, north])])
        column = {
            "encoding": "WKB",
            "geometry_types": sorted(types),
            "crs": pyproj.CRS.from_epsg(opened.order.look.crs.srid).to_json_dict(),
            **({"bbox": box.tolist()} if types else {}),
        }
        geo = {"version": GEOPARQUET, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
        writer.add_key_value_metadata({"geo": json.dumps(geo), KEY: json.dumps(about, ensure_ascii=False)})


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Lay batches together until they are a row group."""
    waiting: list[pa.RecordBatch] = []
    for batch in chain(batches, (None,)):
        enough = sum(b.num_rows for b in waiting) >= GROUP_ROWS or sum(b.nbytes for b in waiting) >= GROUP_BYTES
        if waiting and (batch is None or enough):
            yield pa.Table.from_batches(waiting)
            waiting = []
        if batch is not None:
            waiting.append(batch)
