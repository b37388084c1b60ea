"""What exports promise before any row is read."""

import json

import pyarrow as pa
import pytest

from geo import definitions
from geo.crs import CRS84, KNOWN
from geo.errors import InvalidInput
from geo.exports import formats, sheets, texts
from geo.exports.reading import names
from geo.rights import FIELDS, VISITOR


@pytest.mark.parametrize("collection", FIELDS)
def test_every_field_that_anybody_sees_is_defined_in_both_languages(collection: str) -> None:
    told = definitions.of(collection, [*FIELDS[collection]])
    assert [*told] == [*FIELDS[collection]]
    for name, term in told.items():
        assert term.nl.endswith("."), name
        assert term.en.endswith("."), name
        assert term.nl != term.en, name


def test_nothing_is_defined_that_is_no_field() -> None:
    known = {field for fields in FIELDS.values() for field in fields}
    assert {*definitions.EVERYWHERE, *definitions.OF_COVERAGE} <= known


def test_who_offers_something_is_exported_for_nobody() -> None:
    assert "neighbours" not in names(VISITOR)
    assert "assets" in names(VISITOR)


@pytest.mark.parametrize(
    ("name", "key"),
    [("a.gpkg", "gpkg"), ("A.GeoJSON", "geojson"), ("x.y.json", "geojson"), ("b.fgb", "fgb"), ("c.parquet", "parquet"),
     ("c.geoparquet", "parquet"), ("d.CSV", "csv"), ("e.xlsx", "xlsx")],
)  # fmt: skip
def test_a_files_ending_says_its_format(name: str, key: str) -> None:
    assert formats.of_file(name).key == key


@pytest.mark.parametrize("name", ["a", "a.shp", "gpkg", ".gpkg.zip"])
def test_an_ending_that_is_none_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.gpkg, \.xlsx, \.geojson, \.csv, \.fgb, \.parquet"):
        formats.of_file(name)


def test_a_file_is_in_degrees_or_in_metres_of_the_netherlands_x_before_y() -> None:
    by_uri = {crs.uri.rpartition("OGC/")[2] if crs == CRS84 else crs.uri.rpartition("/")[2]: crs for crs in KNOWN}
    assert formats.system(by_uri["4326"]) == CRS84
    assert formats.system(by_uri["28992"]).srid == 28992
    for other in ("3857", "4258"):
        with pytest.raises(InvalidInput, match="crs: must be CRS84"):
            formats.system(by_uri[other])


@pytest.mark.parametrize("armed", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=", "-"])
def test_a_text_that_a_spreadsheet_would_reckon_with_stands_behind_an_apostrophe(armed: str) -> None:
    assert cells(pa.array([armed, "a" + armed, "", None])) == [f"'{armed}", "a" + armed, "", None]


def test_numbers_stay_numbers_and_nothing_stays_nothing() -> None:
    assert cells(pa.array([-5, None])) == [-5, None]
    assert cells(pa.array([-0.5, None])) == [-0.5, None]
    assert cells(pa.array([True, None])) == [True, None]


def cells(column: pa.Array) -> list[object]:
    found: list[object] = texts._told(column).to_pylist()
    return found


def test_a_sheet_takes_as_many_rows_as_excel_and_no_more() -> None:
    sheets.check(1_048_575)
    with pytest.raises(InvalidInput, match=r"xlsx holds at most 1,048,575 rows, and these are 1,048,576"):
        sheets.check(1_048_576)


def test_formats_have_names_in_both_languages_and_media_types_of_their_own() -> None:
    told = [form.media_type for form in formats.FORMATS.values()]
    assert len({*told}) == len(told) == 6
    assert json.dumps([form.about for form in formats.FORMATS.values()])
