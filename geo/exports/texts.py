"""GeoJSON and CSV, made while they are sent."""

import io
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from geo import features
from geo.crs import CRS84
from geo.exports import columns
from geo.exports.describing import metadata
from geo.exports.reading import Opened, batches

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()  # by which Excel knows UTF-8; GDAL and pandas pass over it
FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # how a text begins that a spreadsheet would reckon with
DISARMED = "'"


def geojson(opened: Opened) -> Iterator[bytes]:
    """Give a feature collection (RFC 7946), its metadata as members before the features.

    In another system than CRS84 it has the member `crs` of the older GeoJSON, by which GDAL and geopandas know it.
    """
    order = opened.order
    text = features.text_of(order.viewer, order.name, order.wanted, order.look)
    rows = batches(opened, [text])
    first = next(rows, None)  # what the database refuses, it refuses before anything is sent
    yield _head(opened)
    before = b"\n"
    for some in chain(() if first is None else (first,), rows):
        yield before + ",\n".join(row[0] for row in some).encode()
        before = b",\n"
    yield b"\n]}\n"


def _head(opened: Opened) -> bytes:
    told, look = metadata(opened, columns.shapes(opened.order)), opened.order.look
    head: dict[str, Any] = {
        "type": "FeatureCollection",
        "name": opened.order.name,
        "timeStamp": told["made_at"],
        "numberMatched": opened.rows,
    }
    if look.crs != CRS84:
        head["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{look.crs.srid}"}}
    whole = json.dumps({**head, "metadata": told}, ensure_ascii=False)
    return f'{whole[:-1]}, "features": ['.encode()


def comma_separated(opened: Opened) -> Iterator[bytes]:
    """Give a table as CSV (RFC 4180): texts in quotes, what is not known empty, formulas disarmed."""
    parts = columns.table(opened.order)
    rows = columns.arrow(opened, parts)
    first = next(rows, None)
    yield BOM + ",".join(f'"{part.name}"' for part in parts).encode() + b"\r\n"
    for batch in chain(() if first is None else (first,), rows):
        yield _lines(batch)


def _lines(batch: pa.RecordBatch) -> bytes:
    told = pa.record_batch([_told(column) for column in batch.columns], names=batch.schema.names)
    made = io.BytesIO()
    csv.write_csv(told, made, csv.WriteOptions(include_header=False, eol="\r\n"))
    return made.getvalue()


def _told(column: pa.Array) -> pa.Array:
    """Give a column as it is told: moments as ISO 8601, texts that look like formulas behind an apostrophe."""
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")
    if not pa.types.is_string(column.type):
        return column
    armed = pc.match_substring_regex(column, FORMULA)
    return pc.if_else(armed, pc.binary_join_element_wise(DISARMED, column, ""), column)
