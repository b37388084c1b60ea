"""The formats of files that collections are exported in, and the systems of coordinates that a file can have."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

from geo import crs
from geo.crs import CRS84, Crs
from geo.errors import Flaw, InvalidInput
from geo.vocabulary import Term

XLSX_ROWS = 1_048_575  # of a sheet, beside the one with the names of the columns
SYSTEMS = (CRS84.srid, 28992)  # that a file can be in


class Format(NamedTuple):
    """One format. `streams`: it is sent while it is made; the others are files first."""

    key: str
    media_type: str
    title: Term
    about: Term
    streams: bool = False

    @property
    def ending(self) -> str:
        """Give how the name of such a file ends."""
        return f".{self.key}"


_ALL = (
    Format(
        "gpkg",
        "application/geopackage+sqlite3",
        Term("GeoPackage", "GeoPackage"),
        Term("Voor QGIS, ArcGIS en andere GIS-programma's.", "For QGIS, ArcGIS and other GIS programs."),
    ),
    Format(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Term("Excel", "Excel"),
        Term(
            "Voor Excel en LibreOffice, met een tweede blad met uitleg.",
            "For Excel and LibreOffice, with a second sheet that explains.",
        ),
    ),
    Format(
        "geojson",
        "application/geo+json",
        Term("GeoJSON", "GeoJSON"),
        Term("Voor kaarten op het web en voor programma's.", "For maps on the web and for programs."),
        streams=True,
    ),
    Format(
        "csv",
        "text/csv; charset=utf-8",
        Term("CSV", "CSV"),
        Term("Platte tekst voor programma's, komma ertussen.", "Plain text for programs, commas between."),
        streams=True,
    ),
    Format(
        "fgb",
        "application/vnd.flatgeobuf",
        Term("FlatGeobuf", "FlatGeobuf"),
        Term("Voor GIS: klein, en snel te openen.", "For GIS: small, and quick to open."),
    ),
    Format(
        "parquet",
        "application/vnd.apache.parquet",
        Term("GeoParquet", "GeoParquet"),
        Term("Voor analyse met Python, R of DuckDB.", "For analysis in Python, R or DuckDB."),
    ),
)
FORMATS: Mapping[str, Format] = {each.key: each for each in _ALL}
DEFAULT = FORMATS["geojson"]
_ENDINGS = {**{each.ending: each for each in _ALL}, ".json": DEFAULT, ".geoparquet": FORMATS["parquet"]}


def of_file(name: str) -> Format:
    """Find the format that a file's name ends in. Raises InvalidInput naming the endings there are."""
    found = _ENDINGS.get(PurePath(name).suffix.lower())
    if found is None:
        raise InvalidInput(f"The name of the file must end in one of: {', '.join(each.ending for each in _ALL)}.")
    return found


def system(told: Crs) -> Crs:
    """Give the system of a file: x before y, as programs expect of files, whatever order its authority names.

    raises InvalidInput for one that files are not given in
    """
    if told.srid not in SYSTEMS:
        reason = "must be CRS84 (or EPSG:4326), or EPSG:28992 (RD New): a file is in one of these"
        raise InvalidInput(f"crs: {reason}.", Flaw("crs", reason))
    return CRS84 if told.srid == CRS84.srid else crs.named(f"EPSG:{told.srid}", "crs")
