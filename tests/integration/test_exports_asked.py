"""Asking for exports: what is refused, what a file says of itself, who sees what, what stays when somebody leaves."""

import json
import os
import socket
import sqlite3
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas
import openpyxl
import pyogrio
import pytest
from pyarrow import parquet
from sqlalchemy import text

from api import exports
from geo import definitions
from geo.collections import Wanted
from geo.errors import Unavailable
from geo.exports import making, reading, sheets
from geo.exports.describing import KEY
from geo.exports.formats import FORMATS
from geo.features import Rendering, names
from geo.rights import FIELDS, VISITOR
from geo.vocabulary import Role
from tests.integration.commands import Kaart, refusal
from tests.integration.evil import fields
from tests.integration.exported import EXPORTS, kept, read, refused
from tests.integration.people import signed_in
from tests.integration.town import ADMIN, NOBODY, RUNS, Town, served


def test_the_list_of_exports_names_every_collection_and_format_and_its_links_work(town: Town) -> None:
    told = town.get(EXPORTS).json()
    assert [each["collection"] for each in told["exports"]] == names(VISITOR)
    assert {form["f"] for form in told["formats"]} == FORMATS.keys()
    small = next(each for each in told["exports"] if each["collection"] == "drawn_neighbourhoods")
    for link in small["links"]:
        answer = town.client.get(link["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_named_by_what_it_holds_and_the_day(town: Town, form: str) -> None:
    answer = town.get(f"{EXPORTS}/wijken", f=form, crs="EPSG:28992")
    day = answer.headers["date"] if "date" in answer.headers else time.strftime("%Y-%m-%d")
    assert answer.headers["content-disposition"] == f'attachment; filename="wijken-rd-{day}.{form}"'
    assert answer.headers["content-type"] == FORMATS[form].media_type
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/28992>"
    beside = answer.headers["link"].partition(">")[0].lstrip("<")
    told = town.client.get(beside).json()
    assert (told["collection"], told["crs"]) == ("wijken", "http://www.opengis.net/def/crs/EPSG/0/28992")


@pytest.mark.filterwarnings("ignore:.*non conformant file extension")  # an address is no name of a file
@pytest.mark.parametrize("form", ["geojson", "gpkg", "fgb"])
def test_geopandas_and_gdal_open_the_address_of_an_export(town: Town, form: str) -> None:
    with served(town.app) as address:
        where = f"{address}{EXPORTS}/buurten?f={form}"
        frame = geopandas.read_file(where)
        done = subprocess.run(["ogrinfo", "-ro", "-so", "-al", where], capture_output=True, text=True, check=True)
    assert len(frame) == town.get("/v1/collections/buurten/items").json()["numberMatched"] > 0
    assert frame.crs == "EPSG:4326"
    assert f"Feature Count: {len(frame)}" in done.stdout


REFUSED: list[tuple[str, dict[str, Any], int, set[str]]] = [
    ("neighbours", {}, 404, set()),
    ("secrets", {}, 404, set()),
    ("assets", {"f": "shp"}, 400, {"f"}),
    ("assets", {"crs": "EPSG:3857"}, 400, {"crs"}),
    ("assets", {"crs": "28992"}, 400, {"crs"}),
    ("assets", {"limit": 5}, 400, {"limit"}),
    ("assets", {"offset": 5}, 400, {"offset"}),
    ("assets", {"kind": "castle"}, 400, {"kind"}),
    ("assets", {"run": "latest"}, 400, {"run"}),
    ("assets", {"level": "buurt"}, 400, {"level"}),
    ("assets", {"properties": "contact"}, 400, {"properties"}),
    ("assets", {"sortby": "contact"}, 400, {"sortby"}),
    ("assets", {"filter": "contact = 'x'"}, 400, {"filter"}),
    ("assets", {"bbox": "5,53,4,52"}, 400, {"bbox"}),
    ("assets", {"datetime": "yesterday"}, 400, {"datetime"}),
]


@pytest.mark.parametrize("form", [None, "gpkg"])
@pytest.mark.parametrize(("collection", "asked", "status", "named"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_exported_is_refused_by_name(
    town: Town, collection: str, asked: dict[str, Any], status: int, named: set[str], form: str | None
) -> None:
    answer = refused(town, collection, **({"f": form} if form and "f" not in asked else {}), **asked)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    if status == 400:
        assert {name.partition(".")[0] for name in fields(answer)} == named


def test_where_people_are_shown_is_exported_for_nobody_whoever_asks(town: Town) -> None:
    assert town.get(f"{EXPORTS}/neighbours", ADMIN).status_code == 404
    person = signed_in(town, "iemand@example.nl", Role.contributor)
    assert person.client.get("/v1/collections/neighbours").status_code == 200
    for form in FORMATS:
        assert person.client.get(f"{EXPORTS}/neighbours?f={form}").status_code == 404
    assert "neighbours" not in person.client.get(EXPORTS).text


def test_who_may_see_more_exports_more_and_a_visitor_no_volunteer(town: Town, tmp_path: Path) -> None:
    for who in (NOBODY, "visitor", "planner"):
        public = read(kept(town, tmp_path, "assets", "parquet", who))
        assert "volunteer" not in set(public["kind"])
        assert "confirmed_by" not in public.columns
    whole = read(kept(town, tmp_path, "assets", "parquet", ADMIN))
    assert set(whole["kind"]) == {"community_room", "initiative", "care_location", "volunteer"}
    assert "confirmed_by" in whole.columns
    assert whole[whole["kind"] == "volunteer"].geometry.isna().all()


def test_more_rows_than_a_sheet_holds_are_refused_and_nothing_is_made(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 10)
    answer = refused(town, "assets", f="xlsx")
    assert (answer.status_code, fields(answer)) == (400, {"f"})
    assert "holds at most 10 rows" in answer.json()["detail"]


def whole(file: Path) -> dict[str, Any]:
    """Read what a file says of itself, wherever its format keeps that."""
    if file.suffix == ".geojson":
        return dict(json.loads(file.read_bytes())["metadata"])
    if file.suffix == ".parquet":
        return dict(json.loads(parquet.read_metadata(file).metadata[KEY.encode()]))
    return dict(json.loads(pyogrio.read_info(file)["layer_metadata"][KEY]))


@pytest.mark.parametrize("form", ["geojson", "parquet", "gpkg", "fgb", "metadata"])
@pytest.mark.parametrize("collection", ["community_rooms", "coverage_gaps"])
def test_a_file_tells_its_source_licence_date_run_and_what_each_column_means(
    town: Town, tmp_path: Path, collection: str, form: str
) -> None:
    file = kept(town, tmp_path, collection, form, neighbourhood="GM0579")
    told = json.loads(file.read_bytes()) if form == "metadata" else whole(file)
    listed = town.get(f"/v1/collections/{collection}/items", neighbourhood="GM0579", limit=1).json()
    assert told["rows"] == listed["numberMatched"] > 0
    assert told["asked"] == {"f": form, "neighbourhood": "GM0579"}
    assert told["title"].keys() == {"nl", "en"}
    assert told["made_at"][:10] == listed["timeStamp"][:10]
    assert {*told["columns"]} >= {"id", *FIELDS[collection], "geometry"} - {"confirmed_by"}
    assert told["columns"]["name"]["nl"] == definitions.of(collection, ["name"])["name"].nl
    assert sum(each["rows"] for each in told["sources"]) == told["rows"]
    assert all(each["licence"] for each in told["sources"])
    if collection == "coverage_gaps":
        [run] = told["runs"]
        same = next(each for each in town.get(RUNS).json()["runs"] if each["norm_m"] == run["norm_m"])
        assert (run["policy"], run["detour"], run["walks"]) == (same["policy"], same["detour"], same["walks"])


def test_a_geopackage_and_a_sheet_tell_what_columns_mean_where_people_look(town: Town, tmp_path: Path) -> None:
    meant = definitions.of("assets", ["opening_hours"])["opening_hours"]
    with sqlite3.connect(kept(town, tmp_path, "assets", "gpkg")) as package:
        query = "SELECT description FROM gpkg_data_columns WHERE column_name = 'opening_hours'"
        [(told,)] = package.execute(query).fetchall()
        [(about,)] = package.execute("SELECT description FROM gpkg_contents").fetchall()
    package.close()
    assert told == f"{meant.nl} / {meant.en}"
    assert "community rooms" in about.lower()
    book = openpyxl.load_workbook(kept(town, tmp_path, "assets", "xlsx"))
    lines = list(book["metadata"].iter_rows(values_only=True))
    assert ("opening_hours", meant.nl, meant.en) in lines
    assert any(line[0] == "sources" and "CC0-1.0" in str(line[1]) for line in lines)


def test_a_geoparquet_says_what_its_specification_asks(town: Town, tmp_path: Path) -> None:
    file = kept(town, tmp_path, "assets", "parquet", crs="EPSG:28992")
    geo = json.loads(parquet.read_metadata(file).metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], column["encoding"]) == ("1.1.0", "WKB")
    assert column["geometry_types"] == ["MultiPolygon", "Point"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 28992}
    assert column["bbox"] == pytest.approx(list(geopandas.read_parquet(file).total_bounds))


def test_a_sheet_holds_days_as_days_numbers_as_numbers_and_no_formula(town: Town, tmp_path: Path) -> None:
    with town.engine.begin() as connection:
        one = "(SELECT id FROM asset WHERE kind = 'initiative' ORDER BY id LIMIT 1)"
        connection.execute(
            text(f"UPDATE asset SET name = '=1+1', url = 'https://example.org', cost = '12' WHERE id = {one}")
        )
    sheet = openpyxl.load_workbook(kept(town, tmp_path, "assets", "xlsx"))["rows"]
    columns = {cell.value: at for at, cell in enumerate(sheet[1])}
    row = next(row for row in sheet.iter_rows(min_row=2) if row[columns["name"]].value == "=1+1")
    assert row[columns["name"]].data_type in ("s", "inlineStr")
    assert row[columns["url"]].hyperlink is None
    assert row[columns["cost"]].value == "12"
    assert row[columns["version"]].data_type == "n"
    assert row[columns["confirmed_on"]].data_type == "d"
    assert row[columns["demo"]].data_type == "b"


def order(name: str = "assets") -> reading.Order:
    return reading.Order(VISITOR, name, Wanted(), Rendering(), {})


def connections(town: Town) -> int:
    """Count the transactions that are open in the database of a town, but for our own."""
    with town.engine.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        return int(connection.scalar(text(query)) or 0) - 1


def test_an_export_shows_one_moment_whatever_happens_while_it_is_read(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    parts = making.stream(town.engine, order("activities"), FORMATS["geojson"])
    told = [next(parts), next(parts)]
    with town.engine.begin() as connection:
        before = connection.scalar(text("SELECT count(*) FROM activity WHERE status = 'published'"))
        connection.execute(text("UPDATE activity SET status = 'archived'"))
    try:
        found = json.loads(b"".join([*told, *parts]))
    finally:
        with town.engine.begin() as connection:
            connection.execute(text("UPDATE activity SET status = 'published'"))
    assert len(found["features"]) == found["numberMatched"] == before
    assert connections(town) == 0


@pytest.mark.parametrize("form", ["geojson", "csv", "gpkg"])  # two that are sent while they are made, and a file
def test_who_goes_away_leaves_no_transaction_no_file_and_no_place_taken(
    town: Town, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 50)
    monkeypatch.setattr(exports, "CHUNK_BYTES", 4096)
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    folder = exports.place(town.app.state.settings)
    with served(town.app) as address:
        place = urlsplit(address)
        for _ in range(2):
            with socket.create_connection((str(place.hostname), int(place.port or 0))) as gone:
                asked = f"GET {EXPORTS}/coverage?f={form} HTTP/1.1\r\nHost: kaart.test\r\n\r\n"
                gone.sendall(asked.encode())
                assert gone.recv(12) == b"HTTP/1.1 200"
            until = time.monotonic() + 60
            while (connections(town) or exports._taken.total()) and time.monotonic() < until:
                time.sleep(0.05)
            assert connections(town) == 0
            assert list(folder.iterdir()) == []


def test_more_exports_than_there_are_places_for_hear_when_to_come_back(town: Town) -> None:
    with ExitStack() as taken:
        for number in range(exports.AT_ONCE):
            taken.enter_context(exports._a_place(f"somebody {number}"))
        for form in (*FORMATS, "metadata"):
            answer = refused(town, "assets", f=form)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert town.get(f"{EXPORTS}/wijken").status_code == 200


def test_one_asker_does_not_take_all_the_places() -> None:
    with exports._a_place("one"), exports._a_place("one"):
        with pytest.raises(Unavailable), exports._a_place("one"):
            pass
        with exports._a_place("another"):
            pass
    assert exports._taken == {}


def test_an_export_is_told_in_the_log_without_what_was_asked(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    town.get(f"{EXPORTS}/wijken", "planner", f="csv", q="kanarie7f3a")
    refused(town, "wijken", f="csv", kind="initiative")
    written = capfd.readouterr().out
    [line] = [line for line in written.splitlines() if "exported" in line]
    assert all(word in line for word in ("wijken", "csv", "planner"))
    assert "kanarie7f3a" not in written


def test_what_a_process_left_half_done_is_swept_the_day_after(town: Town) -> None:
    folder = exports.place(town.app.state.settings)
    (folder / "export-left").mkdir()
    exports.sweep(town.app.state.settings)
    assert (folder / "export-left").exists()
    old = time.time() - 2 * 24 * 3600
    os.utime(folder / "export-left", (old, old))
    exports.sweep(town.app.state.settings)
    assert not (folder / "export-left").exists()


@pytest.fixture
def filled(kaart: Kaart) -> Kaart:
    kaart("demo", "load")
    return kaart


def test_the_command_writes_what_a_visitor_sees_and_says_how_much(filled: Kaart, tmp_path: Path) -> None:
    for form in FORMATS:
        file = tmp_path / f"plekken.{form}"
        said = filled("export", "assets", str(file), "--kind", "initiative", "--kind", "care_location")
        frame = read(file)
        assert set(frame["kind"]) == {"initiative", "care_location"}
        assert f"{len(frame):,} rows of assets" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*(f"plekken.{form}" for form in FORMATS), "plekken.csv.metadata.json"]
    )
    assert json.loads((tmp_path / "plekken.csv.metadata.json").read_text())["asked"]["kind"] == [
        "initiative",
        "care_location",
    ]


def test_the_command_takes_a_filter_a_box_a_neighbourhood_and_a_system(filled: Kaart, tmp_path: Path) -> None:
    file = tmp_path / "deel.bin"
    filled(
        "export", "community_rooms", str(file), "--format", "gpkg", "--crs", "28992", "--neighbourhood", "GM0579",
        "--filter", "name LIKE 'D%'", "--bbox", "4.4,52.1,4.6,52.3", "--properties", "name",
    )  # fmt: skip
    file.rename(tmp_path / "deel.gpkg")
    frame = read(tmp_path / "deel.gpkg")
    assert frame.crs == "EPSG:28992"
    assert list(frame.columns) == ["id", "name", "geometry"]
    assert len(frame) > 0
    assert all(name.startswith("D") for name in frame["name"])


def test_a_file_that_was_there_is_replaced_when_the_new_one_is_whole_and_else_stays(
    filled: Kaart, tmp_path: Path
) -> None:
    file = tmp_path / "plekken.geojson"
    file.write_text("old")
    for wrong, said in (
        (["assets", str(file), "--filter", "name ="], "filter"),
        (["assets", str(file), "--kind", "castle"], "--kind"),
        (["assets", str(file), "--crs", "3857"], "crs"),
        (["neighbours", str(file)], "There is no collection 'neighbours'"),
        (["assets", str(tmp_path / "plekken.shp")], "must end in one of"),
        (["assets", str(tmp_path / "nowhere" / "plekken.csv")], "Cannot write"),
    ):
        assert said in refusal(filled, "export", *wrong)
        assert file.read_text() == "old"
    filled("export", "assets", str(file))
    assert json.loads(file.read_text())["numberMatched"] == 48
    assert [path.name for path in tmp_path.iterdir()] == ["plekken.geojson"]
