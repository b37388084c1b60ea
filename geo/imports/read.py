"""The one door through which every file comes in that people have: what it is, and its rows as they stand in it."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.imports import layers, limits, sheets, tables
from geo.imports.limits import Upload, refusal
from geo.imports.tables import Picker

FORMATS = {
    ".csv": ".csv", ".tsv": ".csv", ".txt": ".csv", ".xlsx": ".xlsx", ".geojson": ".geojson", ".json": ".geojson",
    ".gpkg": ".gpkg", ".shp": ".shp", ".zip": ".zip",
}  # fmt: skip
ACCEPTED = (
    "Accepted are CSV (.csv, .tsv, .txt), XLSX, GeoJSON (.geojson, .json), GeoPackage (.gpkg), Shapefile "
    "(.shp beside its .shx and .dbf), and a .zip with one of these."
)
NEEDED, WELCOME = (".shx", ".dbf"), (".prj", ".cpg")  # beside a .shp
SQLITE = b"SQLite format 3\0"
LOOKS = (
    (b"PK", "a zip or a workbook (.xlsx)"),
    (SQLITE, "a GeoPackage or another database"),
    (b"\xd0\xcf\x11\xe0", "an old workbook (.xls) or one with a password"),
    (b"\x00\x00\x27\x0a", "a Shapefile"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"<", "a web page or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)
HEAD_BYTES = 4096


class Frame(NamedTuple):
    """Rows of a file as they stand in it.

    data    attributes under the file's own names. The index is the row number as a person counts: the header of a CSV
            or XLSX is row 1 and its first record row 2; the first feature of a feature file is row 1. Records without
            any value are left out. CSV and XLSX give text, None where empty; feature files give typed values, lists and
            objects as JSON text, and no `fid`.
    shapes  geometries in `crs`, None where missing or too broken to be one; None for a table without geometry
    crs     EPSG code; None where the file does not say. GeoJSON that says nothing is 4326.
    """

    data: pd.DataFrame
    shapes: NDArray[np.object_] | None
    crs: int | None


def frame(file: Path, *, layer: str | None = None, columns: Picker | None = None) -> Frame:
    """Read a file; `columns` is given all column names and returns those to read, `layer` names a layer or a sheet.

    A table with a header only gives no rows. Raises InvalidInput, in one line that starts with the file's name: on a
    file beyond limits.LIMITS, of another format than its name says, damaged, empty (0 bytes), with a column name that
    is empty or twice there, a record longer than the header, or a choice of layers and none named.
    """
    with _opened(file, layer) as (upload, inner):
        if upload.path.suffix == ".csv":
            return Frame(tables.csv_data(upload, columns), None, None)
        if upload.path.suffix == ".xlsx":
            return Frame(sheets.sheet_data(upload, inner, columns), None, None)
        return Frame(*layers.layer_data(upload, inner, columns))


def fields(file: Path, *, layer: str | None = None) -> list[str]:
    """Name the columns of a file, without reading its rows. Raises as `frame` does, but for what is in the rows."""
    with _opened(file, layer) as (upload, inner):
        if upload.path.suffix == ".csv":
            return tables.csv_fields(upload)
        if upload.path.suffix == ".xlsx":
            return sheets.sheet_fields(upload, inner)
        return layers.layer_fields(upload, inner)


def digest(file: Path) -> str:
    """Give the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    limits.check_file(Upload(file, limits.shown(file)))
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(file: Path, layer: str | None) -> Iterator[tuple[Upload, str | None]]:
    """Give the file under a plain name of ours, with its format as suffix, and the layer to read of it.

    GDAL and SQLite read more into a name than a name (`;`, `!`, `.zip`, prefixes); here they never see the person's.
    """
    given = Upload(file, limits.shown(file))
    limits.check_file(given)
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise refusal(given, f"is of no format that is read. {ACCEPTED}")
    _check_looks(given, kind)
    with tempfile.TemporaryDirectory(prefix="kaart-") as folder:
        staged = Upload(Path(folder) / f"data{kind}", given.name)
        staged.path.symlink_to(file.absolute())
        if kind == ".shp":
            _stage_beside(given, Path(folder))
        if kind == ".zip":
            staged, layer = _unpack(staged, layer)
        if layer is not None and staged.path.suffix == ".csv":
            raise refusal(given, f"has no layers, so none called {layer!r}.")
        yield staged, layer


def _check_looks(upload: Upload, kind: str) -> None:
    """Refuse a file whose first bytes are not those of its format."""
    with upload.path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    looks = next((what for magic, what in LOOKS if head.startswith(magic) or text.startswith(magic)), None)
    fits = {
        ".csv": looks is None,
        ".xlsx": head.startswith(b"PK\x03\x04"),
        ".zip": head.startswith(b"PK\x03\x04"),
        ".geojson": text.startswith(b"{"),
        ".gpkg": head.startswith(SQLITE) and head[68:72] in (b"GPKG", b"GP10", b"GP11"),
        ".shp": head.startswith(b"\x00\x00\x27\x0a"),
    }
    if not fits[kind]:
        seen = f"it looks like {looks}" if looks else "its first bytes are not those of that format"
        raise refusal(upload, f"does not hold what its name says ({kind}): {seen}. {ACCEPTED}")


def _stage_beside(upload: Upload, folder: Path) -> None:
    """Put the files that belong to a .shp beside it."""
    beside = {
        other.suffix.lower(): other
        for other in upload.path.absolute().parent.iterdir()
        if other.stem == upload.path.stem
    }
    for suffix in (*NEEDED, *WELCOME):
        if suffix in beside:
            limits.check_file(Upload(beside[suffix], limits.shown(beside[suffix])))
            (folder / f"data{suffix}").symlink_to(beside[suffix])
    _check_beside(upload, set(beside))


def _check_beside(upload: Upload, found: set[str]) -> None:
    if missing := [suffix for suffix in NEEDED if suffix not in found]:
        raise refusal(upload, f"its {' and '.join(missing)} is missing: put all parts together, or in one .zip.")


def _unpack(upload: Upload, layer: str | None) -> tuple[Upload, str | None]:
    """Unpack the one file of a zip that can be read, with what belongs to it, beside it under a plain name."""
    members = {PurePosixPath(member.filename): member for member in limits.check_zip(upload) if not member.is_dir()}
    main, layer = _chosen(upload, [name for name in members if "__MACOSX" not in name.parts], layer)
    kind = FORMATS[main.suffix.lower()]
    parts = {main: kind}
    if kind == ".shp":
        suffixes = (*NEEDED, *WELCOME)
        own = [name for name in members if name.parent == main.parent and name.stem.lower() == main.stem.lower()]
        parts |= {name: name.suffix.lower() for name in own if name.suffix.lower() in suffixes}
        _check_beside(upload, set(parts.values()))
    for name, suffix in parts.items():
        with (upload.path.with_name(f"data{suffix}")).open("wb") as target:
            target.writelines(limits.unpacked(upload, [members[name]]))
    inner = Upload(upload.path.with_name(f"data{kind}"), f"{upload.name} ({limits.shown(Path(main.name))})")
    limits.check_file(inner)
    _check_looks(inner, kind)
    return inner, layer


def _chosen(upload: Upload, names: list[PurePosixPath], layer: str | None) -> tuple[PurePosixPath, str | None]:
    """Find the file to read in a zip: the only one, or the one that `layer` names; and the layer to read in that."""
    suffixes = {name: name.suffix.lower() for name in names if not name.name.startswith(".")}
    readable = [name for name, suffix in suffixes.items() if suffix in FORMATS and suffix not in (".zip", ".txt")]
    readable = readable or [name for name, suffix in suffixes.items() if suffix == ".txt"]  # else it is a readme
    if len(readable) == 1:
        return readable[0], layer
    named = [name for name in readable if layer in (name.stem, name.name)]
    if len(named) == 1:
        return named[0], None
    told = ", ".join(limits.shown(Path(name.name)) for name in readable[:20])
    if told:
        raise refusal(upload, f"holds more than one file that can be read: name one of {told}.")
    raise refusal(upload, f"holds no file that can be read. {ACCEPTED}")
