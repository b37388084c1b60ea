"""Files of whole collections, read back by programs of others and held against plain SQL of the database."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas
import openpyxl
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from geo.exports.formats import FORMATS
from tests.integration.exported import apart_m, counted_by_ogrinfo, kept, read, through_ogr2ogr
from tests.integration.town import Town

# By plain SQL, what the public may see: each row by its id, JSON as text, and its geometry.
SQL = {
    "assets": """SELECT a.id::text AS id, a.kind, a.name, a.summary, a.description,
        array_to_json(a.themes)::text AS themes, array_to_json(a.services)::text AS services,
        a.accessibility::text AS accessibility, a.growth::text AS growth,
        a.postcode, a.cost, a.opening_hours, a.capacity, a.ladder_level, a.demo, a.confirmed_on, a.created_at,
        a.version, a.source, a.licence, n.name AS neighbourhood_name, coalesce(place, area) AS geom
        FROM asset a LEFT JOIN neighbourhood n ON n.id = a.neighbourhood_id
        WHERE a.status = 'published' AND a.kind <> 'volunteer'""",
    "activities": """SELECT x.id::text AS id, x.title, x.theme, array_to_json(x.services)::text AS services, x.repeat,
        x.starts_on, x.ends_on, x.time_from::text AS time_from, x.asset_id::text AS asset, x.demo, x.updated_at,
        x.version, coalesce(x.place, a.place, a.area) AS geom
        FROM activity x LEFT JOIN asset a ON a.id = x.asset_id AND a.status = 'published'
        WHERE x.status = 'published'""",
    "neighbourhoods": """SELECT id, code, year, level, name, parent_id AS parent, residents, households,
        figures_missing::text AS figures_missing, in_force, schematic, updated_at, geom
        FROM neighbourhood WHERE in_force""",
    "coverage": """SELECT c.id::text AS id, c.run_id::text AS run, n.code, n.level, c.kind, c.service, c.residents,
        c.covered_share, c.gap, c.assets_in_reach, c.why::text AS why, r.computed_at, n.overview AS geom
        FROM coverage c JOIN neighbourhood n ON n.id = c.neighbourhood_id
        JOIN coverage_run r ON r.id = c.run_id AND r.live""",
}  # fmt: skip
NESTED = {"themes", "services", "accessibility", "growth", "figures_missing", "why"}
WITHIN_M = {"geojson": 0.012}  # seven decimals of a degree; 1 mm for all others
WILD = {
    "name": "=1+1",
    "summary": "Zij zei \"ja\", 'nee';\nen toen\t… 🌳 é € \\ </script>{{7*7}}",
    "description": "+31 71 123",
    "address": "@SUM(A1)",
    "cost": "-5 euro",
    "city": "\tX",
    "postcode": "0123 AB",
}
CRS = {"degrees": "EPSG:4326", "metres": "EPSG:28992"}


@pytest.fixture(scope="module", autouse=True)
def wild(town: Town) -> str:
    """Give the id of an asset whose words are all that a table can trip over; another has none at all."""
    with town.engine.begin() as connection:
        rows = "SELECT id FROM asset WHERE kind = 'community_room' AND place IS NOT NULL ORDER BY id LIMIT 2"
        found = [row.id for row in connection.execute(text(rows))]
        told = ", ".join(f"{name} = :{name}" for name in WILD)
        connection.execute(text(f"UPDATE asset SET {told} WHERE id = :id"), {**WILD, "id": found[0]})
        nothing = "summary = NULL, themes = '{}', services = '{}', capacity = NULL, opening_hours = NULL"
        connection.execute(text(f"UPDATE asset SET {nothing} WHERE id = :id"), {"id": found[1]})
    return str(found[0])


def stored(town: Town, collection: str, srid: int = 4326) -> dict[str, dict[str, Any]]:
    """Read a collection by plain SQL: the properties of each row by its id, `geom` as a shape."""
    with town.engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT *, ST_AsBinary(ST_Transform(geom, {srid})) AS shape FROM ({SQL[collection]}) t")
        )
        found = [dict(row) for row in rows.mappings()]
    return {row["id"]: {**row, "geom": row["shape"] and shapely.from_wkb(bytes(row["shape"]))} for row in found}


def same(name: str, value: Any, expected: Any) -> bool:
    """Tell whether a value that a program read is the one of the database; nothing and an empty text are the same."""
    nothing = value is None or (pd.api.types.is_scalar(value) and pd.isna(value))
    missing = bool(nothing) or (isinstance(value, str) and not value)
    if expected is None or missing:
        return missing and expected in (None, "")
    if name in NESTED:
        return bool((json.loads(value) if isinstance(value, str) else plain(value)) == json.loads(expected))
    if isinstance(expected, bool):
        return str(value).lower() in (("true", "1", "1.0") if expected else ("false", "0", "0.0"))
    if isinstance(expected, datetime):
        apart = abs(pd.Timestamp(value).tz_convert("UTC") - pd.Timestamp(expected))
        return bool(apart <= pd.Timedelta("1ms"))
    if isinstance(expected, date):
        return str(value).replace("/", "-")[:10] == expected.isoformat()
    if isinstance(expected, int | float):
        return bool(abs(float(value) - expected) <= 1e-12 * max(1.0, abs(expected)))
    return bool(str(value) == expected)


def plain(value: Any) -> Any:
    return value if isinstance(value, list | dict) else list(value)


def disarmed(expected: Any) -> Any:
    """Give a text as CSV tells it: what a spreadsheet would reckon with stands behind an apostrophe."""
    return f"'{expected}" if isinstance(expected, str) and expected[:1] in tuple("=+-@\t\r") else expected


def wrong(found: Mapping[Any, Any], row: Mapping[str, Any], form: str) -> list[str]:
    """Name the properties in which what was read is not what is stored."""
    told = {name: disarmed(value) if form == "csv" else value for name, value in row.items()}
    told = {name: value for name, value in told.items() if name not in ("geom", "shape")}
    return [
        f"{name}: {found.get(name)!r} is not {value!r}"
        for name, value in told.items()
        if not same(name, found.get(name), value)
    ]


@pytest.mark.parametrize("system", CRS)
@pytest.mark.parametrize("collection", SQL)
@pytest.mark.parametrize("form", FORMATS)
def test_what_geopandas_reads_equals_the_database(
    town: Town, tmp_path: Path, form: str, collection: str, system: str
) -> None:
    expected = stored(town, collection, 28992 if system == "metres" else 4326)
    frame = read(kept(town, tmp_path, collection, form, crs=CRS[system]))
    if form not in ("csv", "xlsx"):
        assert frame.crs == ("EPSG:28992" if system == "metres" else "EPSG:4326")
    assert len(frame) == len(expected) > 0
    if "id" not in frame:  # GDAL keeps a number that is the id of a GeoJSON feature as its own
        frame = geopandas.read_file(tmp_path / f"{collection}.{form}", fid_as_index=True).reset_index(names="id")
    per_m = 1.0 if system == "metres" else 111_320.0
    for found in frame.to_dict("records"):
        row = expected[str(found["id"])]
        assert wrong(found, row, form) == []
        assert apart_m(found["geometry"], row["geom"]) * per_m <= WITHIN_M.get(form, 0.001)


@pytest.mark.parametrize("system", CRS)
@pytest.mark.parametrize("collection", ["assets", "neighbourhoods"])
@pytest.mark.parametrize("form", sorted(FORMATS.keys() - {"parquet"}))  # Debian's GDAL has no Parquet
def test_what_ogr2ogr_reads_equals_the_database(
    town: Town, tmp_path: Path, form: str, collection: str, system: str
) -> None:
    expected = stored(town, collection, 4326)
    file = kept(town, tmp_path, collection, form, crs=CRS[system])
    assert counted_by_ogrinfo(file) == len(expected)
    lines = through_ogr2ogr(file)
    assert len(lines) == len(expected)
    for line in lines:
        found = {**line["properties"], "id": line["properties"].get("id", line.get("id"))}
        row = expected[str(found["id"])]
        assert wrong(found, row, form) == []
        if form not in ("csv", "xlsx"):  # their files name no system, so GDAL turns nothing into degrees
            shape = line["geometry"] and shapely.geometry.shape(line["geometry"])
            assert apart_m(shape, row["geom"]) * 111_320 <= WITHIN_M.get(form, 0.001) + 0.0005  # there and back


@pytest.mark.parametrize("form", FORMATS)
def test_words_that_trip_a_table_come_out_as_they_are_and_no_formula_is_one(
    town: Town, tmp_path: Path, wild: str, form: str
) -> None:
    found = next(row for row in read(kept(town, tmp_path, "assets", form)).to_dict("records") if row["id"] == wild)
    told = {name: disarmed(value) if form == "csv" else value for name, value in WILD.items()}
    assert {name: found[name] for name in WILD} == told


def test_a_csv_opens_in_pandas_and_begins_with_the_mark_by_which_excel_knows_utf_8(town: Town, tmp_path: Path) -> None:
    file = kept(town, tmp_path, "assets", "csv")
    assert file.read_bytes().startswith(b'\xef\xbb\xbf"id","kind","name"')
    frame = pd.read_csv(file)
    assert list(frame.columns[:3]) == ["id", "kind", "name"]
    points = frame.dropna(subset="lon")
    shapes = shapely.from_wkt(points["WKT"].to_numpy())
    assert (shapely.get_type_id(shapes) == 0).all()
    assert abs(shapely.get_x(shapes) - points["lon"]).max() < 1e-8
    assert abs(shapely.get_y(shapes) - points["lat"]).max() < 1e-8
    assert frame["version"].dtype == int


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_of_nothing_is_a_whole_file_without_rows(town: Town, tmp_path: Path, form: str) -> None:
    file = kept(town, tmp_path, "assets", form, q="nergens te vinden")
    if form == "xlsx":  # of a sheet with one line GDAL cannot tell that it is the names
        [names] = openpyxl.load_workbook(file)["rows"].iter_rows(values_only=True)
        assert names[:3] == ("id", "kind", "name")
        return
    frame = read(file)
    assert len(frame) == 0
    if form != "geojson":  # which tells its columns with its features
        assert {"id", "name", "updated_at"} <= {*frame.columns}
    if form != "parquet":
        assert counted_by_ogrinfo(file) == 0


FILTERS: list[tuple[str, dict[str, str], str]] = [
    ("assets", {"kind": "initiative"}, "SELECT id::text FROM asset WHERE status = 'published' AND kind = 'initiative'"),
    ("assets", {"kind": "initiative,care_location", "properties": "name"},
     "SELECT id::text FROM asset WHERE status = 'published' AND kind IN ('initiative', 'care_location')"),
    ("assets", {"filter": "kind = 'initiative' AND name LIKE 'A%'"},
     "SELECT id::text FROM asset WHERE status = 'published' AND kind = 'initiative' AND name LIKE 'A%'"),
    ("assets", {"bbox": "92500,466000,94500,468000", "bbox-crs": "EPSG:28992", "kind": "community_room"},
     """SELECT id::text FROM asset WHERE status = 'published' AND kind = 'community_room' AND
        ST_Intersects(ST_Transform(coalesce(place, area), 28992),
                      ST_MakeEnvelope(92500, 466000, 94500, 468000, 28992))"""),
    ("neighbourhoods", {"level": "wijk"}, "SELECT id FROM neighbourhood WHERE level = 'wijk' AND in_force"),
    ("community_rooms", {}, "SELECT id::text FROM asset WHERE status = 'published' AND kind = 'community_room'"),
    ("activities", {"datetime": "2026-11-22/2026-11-28", "theme": "eat"},
     """SELECT id::text FROM activity WHERE status = 'published' AND theme = 'eat' AND
        (repeat = 'weekly' AND starts_on <= '2026-11-28' AND coalesce(ends_on, 'infinity') >= '2026-11-22'
         OR repeat = 'once' AND starts_on BETWEEN '2026-11-22' AND '2026-11-28')"""),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("collection", "asked", "sql"), FILTERS, ids=range(len(FILTERS)))
def test_a_filter_leaves_the_rows_that_plain_sql_finds(
    town: Town, tmp_path: Path, form: str, collection: str, asked: dict[str, str], sql: str
) -> None:
    with town.engine.connect() as connection:
        expected = sorted(connection.execute(text(sql)).scalars())
    frame = read(kept(town, tmp_path, collection, form, **asked))
    assert sorted(frame["id"]) == expected
    assert expected
    if "properties" in asked:
        assert {*frame.columns} - {"id", "geometry", "lon", "lat", "WKT"} == {"name"}


def test_rows_stand_in_the_order_that_is_asked(town: Town, tmp_path: Path) -> None:
    frame = read(kept(town, tmp_path, "neighbourhoods", "parquet", level="buurt", sortby="-residents"))
    known = frame["residents"].dropna()
    assert known.is_monotonic_decreasing
    assert len(known) > 5
