"""Tables into files of the format that the name says, all at once when all are done: a stopped run leaves nothing."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from geo.coverage.columns import RD_NEW
from geo.errors import Flaw, InvalidInput, Unavailable

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
SUFFIXES = (".parquet", ".gpkg", ".csv", ".geojson")
SHAPE = "geometry"  # the column of WKB, RD New, that makes features of rows
FAULTS = (OSError, pa.ArrowException, DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError)
Add = Callable[[pa.Table], None]


class Writer(Protocol):
    """A file that is being written, table after table."""

    def add(self, table: pa.Table) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish the file."""


class Parquet:
    """A Parquet file, a row group for each table."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: pq.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Write rows."""
        if self._open is None:
            self._open = pq.ParquetWriter(self._file, table.schema, compression="zstd")
        self._open.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        if self._open is not None:
            self._open.close()


class Csv:
    """A CSV in UTF-8: commas, a point in numbers, nothing where there is no value."""

    def __init__(self, file: Path) -> None:
        self._stream: BinaryIO = file.open("wb")
        self._open: pa.csv.CSVWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Write rows."""
        if self._open is None:
            self._stream.write(f"{','.join(table.column_names)}\n".encode())
            options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
            self._open = pa.csv.CSVWriter(self._stream, table.schema, write_options=options)
        self._open.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        if self._open is not None:
            self._open.close()
        self._stream.close()


class Layer:
    """A layer of GDAL's. GeoJSON cannot be added to without being read again, so its rows wait until the end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: list[pa.Table] = []
        self._written = False

    def add(self, table: pa.Table) -> None:
        """Write rows; a column `geometry` holds their shapes."""
        self._waiting.append(table)
        if self._file.suffix == ".gpkg":
            self._write()

    def close(self) -> None:
        """Finish the file."""
        if self._waiting:
            self._write()

    def _write(self) -> None:
        table = pa.concat_tables(self._waiting)
        shaped = SHAPE in table.column_names
        pyogrio.write_arrow(
            table, self._file, layer=self._file.stem, driver=DRIVERS[self._file.suffix], append=self._written,
            geometry_name=SHAPE if shaped else None, geometry_type="Unknown" if shaped else None,
            crs=RD_NEW if shaped else None,
        )  # fmt: skip
        self._waiting, self._written = [], True


WRITERS: dict[str, Callable[[Path], Writer]] = {".parquet": Parquet, ".csv": Csv, ".gpkg": Layer, ".geojson": Layer}


def shaped(file: Path) -> bool:
    """Say whether a file's format is made for features, so that its tables have a column `geometry`."""
    return file.suffix.lower() in DRIVERS


def check(file: Path, option: str, inputs: Sequence[Path]) -> None:
    """Refuse a file that cannot be written, or that would take the place of one that is read, with InvalidInput."""
    if file.suffix.lower() not in SUFFIXES:
        why = f"cannot be written as {file.suffix or 'a file without a suffix'}: use {', '.join(SUFFIXES)}"
    elif not file.parent.is_dir():
        why = "cannot be written: there is no such folder"
    elif file.is_dir():
        why = "is a folder"
    elif any(file.resolve() == other.resolve() for other in inputs):
        why = "has the name of another file that is read or written: give it its own"
    else:
        return
    raise InvalidInput(f"{option} {file} {why}.", Flaw(option, why))


@contextmanager
def writing(files: Sequence[Path]) -> Iterator[list[Add]]:
    """Give for each file what adds rows to it. When the block ends well all take their names; else none is changed.

    raises Unavailable where the disk does not take them
    """
    with ExitStack() as folders:
        paths = [folders.enter_context(_place_beside(file)) for file in files]
        with ExitStack() as opened:
            writers = [opened.enter_context(_closing(path)) for path in paths]
            yield [partial(_add, writer, file) for writer, file in zip(writers, files, strict=True)]
        for path, file in zip(paths, files, strict=True):
            with _failing(file):
                path.replace(file)


@contextmanager
def _place_beside(file: Path) -> Iterator[Path]:
    """Give a name on the same disk as a file, in a folder of its own that goes when the block ends."""
    with _failing(file):
        folder = Path(tempfile.mkdtemp(prefix=f".{file.stem}-", dir=file.parent))
    try:
        yield folder / f"{file.stem}{file.suffix.lower()}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _closing(path: Path) -> Iterator[Writer]:
    with _failing(path), closing(WRITERS[path.suffix](path)) as writer:
        yield writer


def _add(writer: Writer, file: Path, table: pa.Table) -> None:
    with _failing(file):
        writer.add(table)


@contextmanager
def _failing(file: Path) -> Iterator[None]:
    """Turn the faults of a disk into one clear line."""
    try:
        yield
    except FAULTS as error:
        raise Unavailable(f"{file.name} cannot be written: {' '.join(str(error).split())[:200]}.") from None
