import json
import sqlite3
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyproj
import pytest
import shapely

from geo.errors import InvalidInput
from geo.imports import read
from geo.settings import CHECKOUT

DATA = CHECKOUT.parent / "shared" / "data"


def cells(frame: read.Frame) -> list[list[Any]]:
    return [list(row) for row in frame.data.itertuples(index=False)]


def table(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def book(folder: Path, *rows: list[Any], name: str = "book.xlsx") -> Path:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    made.save(folder / name)
    return folder / name


def feature(geometry: Mapping[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(folder: Path, *features: Any, name: str = "places.geojson", **members: Any) -> Path:
    text = json.dumps({"type": "FeatureCollection", **members, "features": features})
    return table(folder, text, name)


def places(crs: Any = 28992) -> gpd.GeoDataFrame:
    data = {"naam": ["De Brug", None], "inwoners": pd.array([12, None], dtype="Int64"), "m2": [1.5, None]}
    return gpd.GeoDataFrame(data, geometry=np.array([shapely.Point(155000, 463000), None]), crs=crs)


POINT = {"type": "Point", "coordinates": [5.0, 52.0]}


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_a_csv_is_read_with_any_usual_separator(tmp_path: Path, separator: str) -> None:
    lines = [["naam", "m2", "plaats"], ["De Brug", "12", "Ons dorp"], ["De Zon", "7", ""]]
    frame = read.frame(table(tmp_path, "\n".join(separator.join(line) for line in lines)))
    assert list(frame.data.columns) == ["naam", "m2", "plaats"]
    assert cells(frame) == [["De Brug", "12", "Ons dorp"], ["De Zon", "7", None]]
    assert frame.data.index.tolist() == [2, 3]
    assert (frame.shapes, frame.crs) == (None, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_csv_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    frame = read.frame(table(tmp_path, "naam;prijs\nCafé Zoë;€ 2\n".encode(encoding)))
    assert cells(frame) == [["Café Zoë", "€ 2"]]
    assert list(frame.data.columns) == ["naam", "prijs"]


def test_a_decimal_comma_and_leading_zeros_of_a_csv_stay_as_they_are(tmp_path: Path) -> None:
    frame = read.frame(table(tmp_path, "code;km\r\n0363;1,5\r\n0344;2,25\r\n"))
    assert cells(frame) == [["0363", "1,5"], ["0344", "2,25"]]


def test_a_quoted_value_may_hold_separators_quotation_marks_and_new_lines(tmp_path: Path) -> None:
    frame = read.frame(table(tmp_path, 'naam,over\n"Brug, De","zegt ""hoi""\nen dag"\nZon,x\n'))
    assert cells(frame) == [["Brug, De", 'zegt "hoi"\nen dag'], ["Zon", "x"]]
    assert frame.data.index.tolist() == [2, 3]


def test_the_separator_that_excel_is_told_is_followed(tmp_path: Path) -> None:
    assert cells(read.frame(table(tmp_path, "sep=|\na|b;c\n1|2;3\n"))) == [["1", "2;3"]]


def test_rows_without_values_are_left_out_and_still_counted(tmp_path: Path) -> None:
    frame = read.frame(table(tmp_path, "a;b\n1;2\n\n;\n3\n"))
    assert cells(frame) == [["1", "2"], ["3", None]]
    assert frame.data.index.tolist() == [2, 5]


def test_a_table_with_a_header_only_gives_no_rows(tmp_path: Path) -> None:
    for file in (table(tmp_path, "a;b\n"), book(tmp_path, ["a", "b"])):
        frame = read.frame(file)
        assert (list(frame.data.columns), len(frame.data)) == (["a", "b"], 0)


def test_only_the_columns_asked_for_are_given_in_the_order_of_the_file(tmp_path: Path) -> None:
    places().to_file(tmp_path / "places.gpkg")
    asked: list[list[str]] = []

    def pick(names: list[str]) -> list[str]:
        asked.append(names)
        return ["m2", "naam"]

    content = "naam;inwoners;m2\nx;1;2\n"
    for file in (table(tmp_path, content), book(tmp_path, ["naam", "inwoners", "m2"]), tmp_path / "places.gpkg"):
        assert list(read.frame(file, columns=pick).data.columns) == ["naam", "m2"]
    assert asked == [["naam", "inwoners", "m2"]] * 3


def test_a_column_asked_for_that_is_not_there_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in the file: b"):
        read.frame(table(tmp_path, "a\n1\n"), columns=lambda _: ["b"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a;b;a;c;c\n", "row 1: more than one column is called 'a', 'c'"),
        ("a;;b; \nx\n", "row 1: column 2 has no name"),
        (";;\n1;2;3\n", "row 1 has no column names"),
        ("a;b\n1;2\n1;2;3\n", "row 3 has values in 3 columns, but row 1 names 2. The cause may be a separator"),
        ('a;b\n1;2\n"x;y\n3;4\n', "row 3 has a quotation mark in the middle of a value, or one too few"),
        ('a;b\n1;"x"y\n', "row 2 has a quotation mark in the middle"),
        (b"a;b\n1;\0\n", "has NUL bytes"),
        ("a;b\n1;é\n".encode("utf-16-le"), "has NUL bytes in it: it is no text, or UTF-16 without its mark"),
        ("naam\né\n".encode() + "é\n".encode("cp1252"), "neither UTF-8 nor Windows-1252"),
        (b"naam\n\x81\n", "neither UTF-8 nor Windows-1252"),
        ("", "is empty (0 bytes)"),
        ("<html><body>404</body></html>", "does not hold what its name says (.csv): it looks like a web page or XML"),
        (b"PK\x03\x04", "it looks like a zip or a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it looks like an old workbook (.xls) or one with a password"),
    ],
)
def test_a_csv_that_is_not_right_is_refused_with_the_place_and_the_cause(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read.frame(table(tmp_path, content))
    assert str(refused.value).startswith("table.csv: ")
    assert told in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_cells_of_a_workbook_are_the_text_that_a_person_sees(tmp_path: Path) -> None:
    file = book(
        tmp_path,
        ["a", "b", "c", "d", "e"],
        ["De Brug", 12, 12.0, 0.1 + 0.2, True],
        [date(2026, 11, 22), datetime.fromisoformat("2026-11-22T13:05"), time(9, 30), None, -1.5],
    )
    changed = openpyxl.load_workbook(file)
    changed.worksheets[0]["A4"] = 363
    changed.worksheets[0]["A4"].number_format = "0000"
    changed.save(file)
    frame = read.frame(file)
    assert cells(frame) == [
        ["De Brug", "12", "12", "0.3", "TRUE"],
        ["2026-11-22", "2026-11-22T13:05:00", "09:30:00", None, "-1.5"],
        ["0363", None, None, None, None],
    ]
    assert frame.data.index.tolist() == [2, 3, 4]


def test_a_formula_gives_its_saved_value_and_empty_rows_at_the_end_are_dropped(tmp_path: Path) -> None:
    file = book(tmp_path, ["a", "b", None], ["1", "=1+1", None], [None, None, None])
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert (
        b"<f>1+1</f><v></v>" in parts[sheet] or b"<f>1+1</f><v />" in parts[sheet] or b"<f>1+1</f><v/>" in parts[sheet]
    )
    for empty in (b"<v></v>", b"<v />", b"<v/>"):
        parts[sheet] = parts[sheet].replace(b"<f>1+1</f>" + empty, b"<f>1+1</f><v>2</v>")
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert cells(read.frame(file)) == [["1", "2"]]


def test_a_sheet_is_read_by_its_name_and_else_the_first_that_is_not_hidden(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].title = "Verborgen"
    made.worksheets[0].sheet_state = "hidden"
    for title in ("Eerste", "Tweede"):
        made.create_sheet(title).append([title])
    made.worksheets[0].append(["Verborgen"])
    made.save(tmp_path / "book.xlsx")
    assert read.fields(tmp_path / "book.xlsx") == ["Eerste"]
    assert read.fields(tmp_path / "book.xlsx", layer="Tweede") == ["Tweede"]
    with pytest.raises(InvalidInput, match="no sheet 'Derde'; its sheets are: 'Verborgen', 'Eerste', 'Tweede'"):
        read.frame(tmp_path / "book.xlsx", layer="Derde")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["a", "b", "a"]], "row 1: more than one column is called 'a'"),
        ([["a", None, "b"]], "row 1: column 2 has no name"),
        ([["a"], [1], [1, None, "let op"]], "row 3 has values in 3 columns, but row 1 names 1"),
        ([], "row 1 has no column names"),
    ],
)
def test_a_workbook_that_is_not_right_is_refused_with_the_place(tmp_path: Path, rows: list[Any], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read.frame(book(tmp_path, *rows))
    assert str(refused.value).startswith("book.xlsx: ")
    assert told in str(refused.value)


def test_features_of_geojson_keep_their_types_and_lists_become_json_text(tmp_path: Path) -> None:
    values = {"naam": "Zoë", "n": 12, "km": 1.5, "open": True, "dag": "2026-01-02", "l": [1, 2], "o": {"b": ["x"]}}
    file = collection(tmp_path, feature(POINT, **values), feature(None))
    frame = read.frame(file)
    first = dict(zip(frame.data.columns, cells(frame)[0], strict=True))
    assert {name: json.loads(value) if name in "lo" else value for name, value in first.items()} == values
    assert type(first["n"]) is int
    assert [value for name, value in frame.data.loc[2].items() if name != "km"] == [None] * 6
    assert frame.data.index.tolist() == [1, 2]
    assert frame.shapes is not None
    assert frame.shapes.tolist() == [shapely.Point(5, 52), None]
    assert frame.crs == 4326


def test_a_geometry_too_broken_to_be_one_is_none_and_an_invalid_one_is_given(tmp_path: Path) -> None:
    bow_tie = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    file = collection(
        tmp_path,
        feature({"type": "Polygon", "coordinates": bow_tie}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
        feature({"type": "Blob", "coordinates": [5, 52]}),
    )
    shapes = read.frame(file).shapes
    assert shapes is not None
    assert shapes.tolist() == [shapely.Polygon(bow_tie[0]), None, None]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("urn:ogc:def:crs:EPSG::28992", 28992),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("EPSG:4258", 4258),
        ("EPSG:7415", 28992),
    ],
)
def test_the_coordinate_system_of_geojson_is_taken_from_its_crs_member(tmp_path: Path, name: str, code: int) -> None:
    file = collection(tmp_path, feature(POINT, crs="a field"), crs={"type": "name", "properties": {"name": name}})
    assert read.frame(file).crs == code


@pytest.mark.parametrize("suffix", [".gpkg", ".shp"])
def test_a_layer_is_read_with_its_geometries_and_coordinate_system(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"places{suffix}"
    places().to_file(file, engine="pyogrio")
    frame = read.frame(file)
    assert list(frame.data.columns) == ["naam", "inwoners", "m2"] == read.fields(file)
    assert cells(frame)[0] == ["De Brug", 12, 1.5]
    assert type(frame.data["inwoners"][1]) is int
    assert cells(frame)[1][:2] == [None, None]
    assert frame.shapes is not None
    assert frame.shapes.tolist() == [shapely.Point(155000, 463000), None]
    assert frame.crs == 28992


@pytest.mark.parametrize("told", ["esri", "renamed"])
def test_a_local_name_for_rd_new_is_still_28992(tmp_path: Path, told: str) -> None:
    places().to_file(tmp_path / "places.shp")
    text = pyproj.CRS.from_epsg(28992).to_wkt("WKT1_ESRI")
    name = text.split('"')[1]
    (tmp_path / "places.prj").write_text(text if told == "esri" else text.replace(name, "Ons eigen stelsel"))
    assert read.frame(tmp_path / "places.shp").crs == 28992


def test_a_layer_that_does_not_say_its_coordinate_system_gives_none(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        places(crs=None).to_file(tmp_path / "places.gpkg")
    assert read.frame(tmp_path / "places.gpkg").crs is None
    places().to_file(tmp_path / "places.shp")
    (tmp_path / "places.prj").unlink()
    assert read.frame(tmp_path / "places.shp").crs is None


def test_a_coordinate_system_without_a_code_is_refused_by_its_name(tmp_path: Path) -> None:
    crs = pyproj.CRS.from_proj4("+proj=tmerc +lat_0=52 +lon_0=5 +k=0.9 +x_0=1000 +y_0=2000 +ellps=bessel +units=m")
    places(crs=crs.to_wkt().replace("unknown", "Eigen", 1)).to_file(tmp_path / "places.gpkg")
    with pytest.raises(InvalidInput, match=r"places\.gpkg: is in the coordinate system 'Eigen': save it in EPSG:28992"):
        read.frame(tmp_path / "places.gpkg")


def test_of_more_layers_the_only_one_with_geometry_is_read_and_else_one_must_be_named(tmp_path: Path) -> None:
    file = tmp_path / "places.gpkg"
    places().to_file(file, layer="plekken")
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("CREATE TABLE stijlen (id INTEGER PRIMARY KEY, a TEXT)")
        base.execute("INSERT INTO stijlen VALUES (1, 'x')")
        base.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('stijlen', 'attributes')")
    assert len(read.frame(file).data) == 2
    alone = read.frame(file, layer="stijlen")
    assert (cells(alone), alone.shapes, alone.crs) == ([["x"]], None, None)
    places().to_file(file, layer="buurten", mode="a")
    with pytest.raises(InvalidInput, match="more than one layer, or none: name one of 'buurten', 'plekken', 'stijlen'"):
        read.frame(file)
    with pytest.raises(InvalidInput, match="no layer 'wijken'"):
        read.frame(file, layer="wijken")
    assert read.frame(file, layer="buurten").crs == 28992


def test_a_geopackage_of_a_later_version_is_read_without_a_warning_and_nothing_is_left_beside_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "places.gpkg"
    places().to_file(file)
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("PRAGMA user_version = 99900")
        base.execute("PRAGMA journal_mode = wal")
    assert len(read.frame(file).data) == 2
    assert [found.name for found in tmp_path.iterdir()] == ["places.gpkg"]


def test_a_geopackage_with_changes_not_yet_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "places.gpkg"
    places().to_file(file)
    with closing(sqlite3.connect(file)) as base:
        base.execute("PRAGMA journal_mode = wal")
        base.execute("CREATE TABLE x (a)")
        with pytest.raises(InvalidInput, match="changes that are not written yet"):
            read.frame(file)


@pytest.fixture
def shapefiles(tmp_path: Path) -> Path:
    for name in ("buurten", "wijken"):
        places().to_file(tmp_path / f"{name}.shp")
    (tmp_path / "leesmij.txt").write_text("Uitleg")
    return tmp_path


def zipped(folder: Path, *names: str) -> Path:
    with zipfile.ZipFile(folder / "alles.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, f"map/{name.upper()}")
    return folder / "alles.zip"


def parts(name: str) -> list[str]:
    return [f"{name}.{suffix}" for suffix in ("shp", "shx", "dbf", "prj", "cpg")]


def test_a_zip_with_one_shapefile_is_read(shapefiles: Path) -> None:
    frame = read.frame(zipped(shapefiles, *parts("buurten"), "leesmij.txt"))
    assert (len(frame.data), frame.crs) == (2, 28992)


def test_a_zip_with_more_files_is_refused_naming_them_unless_one_is_chosen(shapefiles: Path) -> None:
    file = zipped(shapefiles, *parts("buurten"), *parts("wijken"))
    with pytest.raises(InvalidInput, match=r"more than one file that can be read: name one of BUURTEN.SHP, WIJKEN.SHP"):
        read.frame(file)
    assert len(read.frame(file, layer="WIJKEN").data) == 2


def test_a_zip_may_hold_another_format_and_must_hold_one(shapefiles: Path) -> None:
    table(shapefiles, "a;b\n1;2\n")
    assert cells(read.frame(zipped(shapefiles, "table.csv", "leesmij.txt"))) == [["1", "2"]]
    with pytest.raises(InvalidInput, match=r"alles.zip: holds no file that can be read. Accepted are CSV"):
        read.frame(zipped(shapefiles, "buurten.dbf"))


def test_a_shapefile_without_its_other_parts_is_refused_naming_them(shapefiles: Path) -> None:
    with pytest.raises(InvalidInput, match=r"alles.zip: its .shx is missing"):
        read.frame(zipped(shapefiles, "buurten.shp", "buurten.dbf"))
    (shapefiles / "buurten.shx").unlink()
    (shapefiles / "buurten.dbf").unlink()
    with pytest.raises(InvalidInput, match=r"buurten.shp: its .shx and .dbf is missing"):
        read.frame(shapefiles / "buurten.shp")


def test_a_format_that_is_not_read_is_refused_naming_those_that_are(tmp_path: Path) -> None:
    for name in ("x.xls", "x.vrt", "x.gml", "x"):
        with pytest.raises(InvalidInput, match=rf"^{name}: is of no format that is read. Accepted are CSV .*XLSX, Geo"):
            read.frame(table(tmp_path, "a", name))


def test_layers_are_asked_only_of_files_that_have_them(tmp_path: Path) -> None:
    for file in (table(tmp_path, "a\n1\n"), collection(tmp_path, feature())):
        with pytest.raises(InvalidInput, match="has no layers, so none called 'x'"):
            read.frame(file, layer="x")


@pytest.mark.parametrize(
    "name", ["a;b.x", "a!b.zip!x", "new\nline", "GeoJSON:x", "{{7*7}} ' \" %s", "zip:x?y#z", "\udcff", "é" * 120]
)
def test_odd_file_names_change_nothing_and_refusals_stay_in_one_line(tmp_path: Path, name: str) -> None:
    places().to_file(tmp_path / "places.gpkg")
    good = (tmp_path / "places.gpkg").rename(tmp_path / f"{name}.gpkg")
    assert len(read.frame(good).data) == 2
    assert len(read.frame(collection(tmp_path, feature(), name=f"{name}.geojson")).data) == 1
    with pytest.raises(InvalidInput) as refused:
        read.frame(table(tmp_path, "", name=f"{name}.csv"))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 130


def test_a_digest_is_the_sha_256_of_the_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    assert read.digest(table(tmp_path, content)) == sha256(content).hexdigest()


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server on this machine, and the list of what it was asked for."""
    seen: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"EPSG:28992")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class calls it so
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", seen
        server.shutdown()


@pytest.mark.parametrize(
    "crs",
    [
        '"crs": {"type": "link", "properties": {"href": "URL", "url": "URL"}}',
        '"crs": {"type": "name", "TYPE": "URL", "properties": {"url": "URL"}}',
        '"CRS"  :  {"type": "\\u006cink", "properties": {"url": "URL"}}',
        '"\\u0063r\\u0073": {"type": "url", "properties": {"url": "URL"}}',
    ],
)
@pytest.mark.parametrize("padding", [0, (1 << 20) - 60, (1 << 20) - 45])
def test_no_file_makes_the_service_fetch_an_address(
    tmp_path: Path, asked: tuple[str, list[str]], crs: str, padding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    url, seen = asked
    text = '{"type": "FeatureCollection", ' + " " * padding + crs.replace("URL", url) + ', "features": []}'
    with pytest.raises(InvalidInput, match='names its coordinate system in a way that is not read: use "type": "name"'):
        read.frame(table(tmp_path, text, "x.geojson"))
    assert seen == []


@pytest.mark.parametrize(
    ("name", "rows", "columns", "crs"),
    [
        ("amsterdam/Kerncijfers_wijken_en_buurten_2024.csv", 628, 23, None),
        ("amsterdam/buurten_amsterdam_rd_kwb2024.gpkg", 518, 30, 28992),
        ("amsterdam/jetlag_buurten.geojson", 598, 3, 4326),
        ("amsterdam/osdpm_map.gpkg", 14_114, 17, 28992),
        ("amsterdam/social_services.geojson", 1_462, 9, 4326),
        ("amsterdam/vl09_buurten.geojson", 518, 14, 4326),
        ("baarn/baarn_buurten.geojson", 21, 223, 4326),
        ("nl/buurten_2024_approx.gpkg", 14_566, 32, 28992),
        ("nl/kerncijfers_buurten_2024.csv", 14_574, 28, None),
        ("schiedam/buurten_schiedam_vlaardingen_2024.gpkg", 110, 187, 28992),
        ("schiedam/vierkanten_100m_2024.gpkg", 1_605, 36, 28992),
    ],
)
def test_real_files_are_read_whole(name: str, rows: int, columns: int, crs: int | None) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not on this machine")
    frame = read.frame(DATA / name)
    assert (frame.data.shape, frame.crs) == ((rows, columns), crs)
    if frame.shapes is not None:
        assert not shapely.is_missing(frame.shapes).any()
    assert read.fields(DATA / name) == list(frame.data.columns)


def test_the_squares_of_schiedam_and_vlaardingen_hold_157_645_residents() -> None:
    file = DATA / "schiedam" / "vierkanten_100m_2024.gpkg"
    if not file.exists():
        pytest.skip("the squares are not on this machine")
    assert read.frame(file).data["aantal_inwoners"].sum() == 157_645
