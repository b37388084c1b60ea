"""From an order to a file, or to bytes that are sent while they are made."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Engine

from geo.exports import files, sheets, texts
from geo.exports.formats import Format
from geo.exports.reading import Opened, Order, opened

Told = Callable[[int], None]
STREAMS: Mapping[str, Callable[[Opened], Iterator[bytes]]] = {"geojson": texts.geojson, "csv": texts.comma_separated}
WRITERS: Mapping[str, Callable[[Opened, Path, Told], None]] = {
    "gpkg": files.geopackage,
    "fgb": files.flatgeobuf,
    "parquet": files.geoparquet,
    "xlsx": sheets.workbook,
}


def stream(engine: Engine, order: Order, wanted: Format) -> Iterator[bytes]:
    """Give a format that streams, part by part; the snapshot is let go when the iterator ends or is closed."""
    with opened(engine, order) as found:
        yield from STREAMS[wanted.key](found)


def write(found: Opened, wanted: Format, file: Path, told: Told) -> None:
    """Write any format to a file that does not exist yet; `told` hears now and then how many rows are done."""
    if wanted.key in WRITERS:
        WRITERS[wanted.key](found, file, told)
        return
    with file.open("xb") as made:
        for part in STREAMS[wanted.key](found):
            made.write(part)
    told(found.rows)
