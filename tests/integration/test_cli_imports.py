"""`kaart import` and what belongs to it, as a planner uses them, on a database of its own."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.commands import Kaart, Refused, refusal
from tests.integration.osm_extract import node, write
from tests.integration.pdok import Feature, Pdok, buurt, municipality, serving
from tests.integration.town import box

MAPPING = """
source = "Gemeente Testdorp"
source_id = "nr"
[place]
lon = "lengte"
lat = "breedte"
[columns]
name = "naam"
[values.soort]
"buurtkamer" = { kind = "community_room", services = ["meeting"] }
"""
GOOD = "1;Café De Brug;buurtkamer;4,47;52,18\n2;Het Anker;buurtkamer;4,48;52,19\n"
BAD = "3;Verkeerd om;buurtkamer;52,18;4,47\n"


@pytest.fixture
def rooms(tmp_path: Path) -> tuple[str, str]:
    """Give a list of rooms as a spreadsheet saves it, and its mapping."""
    file, toml = tmp_path / "kamers.csv", tmp_path / "kamers.toml"
    file.write_text("nr;naam;soort;lengte;breedte\n" + GOOD, encoding="cp1252")
    toml.write_text(MAPPING, encoding="utf-8")
    return str(file), str(toml)


@pytest.fixture
def buurten(tmp_path: Path) -> Path:
    """Give two buurten in CBS's form."""
    rows = [
        {
            "type": "Feature",
            "properties": {
                "buurtcode": f"BU999901{number:02}", "buurtnaam": f"Buurt {number}", "gemeentenaam": "Testdorp",
                "water": "NEE", "aantal_inwoners": 100 * number, "jaar": 2024,
            },
            "geometry": box(92_000 + 1000 * number, 465_000, 93_000 + 1000 * number, 466_000),
        }
        for number in (1, 2)
    ]  # fmt: skip
    file = tmp_path / "buurten.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    return file


def identifier(listed: str) -> str:
    [found] = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", listed)
    return str(found)


def test_a_list_is_tried_imported_listed_shown_and_taken_back(kaart: Kaart, rooms: tuple[str, str]) -> None:
    file, toml = rooms
    assert "2 new" in kaart("import", "assets", file, "--map", toml, "--dry-run")
    assert re.search(r"\basset +│ +0\b", kaart("db", "status"))
    assert "2 new" in kaart("import", "assets", file, "--map", toml)
    assert "2 unchanged" in kaart("import", "assets", file, "--map", toml, "--dry-run")
    listed = kaart("import", "list")
    assert "kamers.csv" in listed
    job = identifier(listed)
    assert "SHA-256" in kaart("import", "show", job)
    assert "There is no import" in refusal(kaart, "import", "undo", "nonsuch")
    assert "2 removed" in kaart("import", "undo", job[:8])
    assert "undone" in refusal(kaart, "import", "undo", job)
    assert re.search(r"\basset +│ +0\b", kaart("db", "status"))


def test_a_bad_row_stops_the_whole_file_and_is_named_with_its_likely_cause(
    kaart: Kaart, rooms: tuple[str, str], tmp_path: Path
) -> None:
    file, toml = rooms
    with Path(file).open("a", encoding="cp1252") as opened:
        opened.write(BAD)
    assert "would be imported" in refusal(kaart, "import", "assets", file, "--map", toml, "--dry-run")
    with pytest.raises(Refused) as refused:
        kaart("import", "assets", file, "--map", toml, "--report", str(tmp_path / "report.csv"))
    assert "nothing was imported" in str(refused.value)
    assert "latitude" in refused.value.printed
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as opened:
        [line] = [line for line in csv.DictReader(opened, delimiter=";") if line["verdict"] != "new"]
    assert (line["row"], line["verdict"], line["key"]) == ("4", "refused", "3")
    assert re.search(r"\basset +│ +0\b", kaart("db", "status"))
    assert "2 new" in kaart("import", "assets", file, "--map", toml, "--skip-bad")


def test_what_is_gone_from_the_source_is_archived_only_when_asked(kaart: Kaart, rooms: tuple[str, str]) -> None:
    file, toml = rooms
    kaart("import", "assets", file, "--map", toml)
    Path(file).write_text("nr;naam;soort;lengte;breedte\n" + GOOD.splitlines()[0] + "\n", encoding="cp1252")
    assert "1 missing" in kaart("import", "assets", file, "--map", toml)
    assert "1 archived" in kaart("import", "assets", file, "--map", toml, "--archive-missing")


def test_a_formula_in_somebody_s_file_is_no_formula_in_the_report(
    kaart: Kaart, rooms: tuple[str, str], tmp_path: Path
) -> None:
    file, toml = rooms
    Path(file).write_text("nr;naam;soort;lengte;breedte\n=1+1;x;=HYPERLINK(1);4,47;52,18\n", encoding="cp1252")
    refusal(kaart, "import", "assets", file, "--map", toml, "--report", str(tmp_path / "report.csv"))
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as opened:
        [line] = csv.DictReader(opened, delimiter=";")
    assert (line["key"], line["value"]) == ("'=1+1", "'=HYPERLINK(1)")


def test_a_place_beyond_all_neighbourhoods_is_doubted_and_written(
    kaart: Kaart, rooms: tuple[str, str], buurten: Path
) -> None:
    file, toml = rooms
    kaart("import", "boundaries", str(buurten))
    Path(file).write_text("nr;naam;soort;lengte;breedte\n1;Ver;buurtkamer;4,4;51,22\n", encoding="cp1252")
    told = " ".join(kaart("import", "assets", file, "--map", toml).split())
    assert "1 new" in told
    assert "lies in none of the neighbourhoods" in told


def test_boundaries_come_from_a_file_and_what_is_asked_wrongly_is_refused(kaart: Kaart, buurten: Path) -> None:
    assert "2 new" in kaart("import", "boundaries", str(buurten))
    assert "There is no file" in refusal(kaart, "import", "boundaries", "nowhere.gpkg")
    assert "--pdok YEAR --gemeente NAME" in refusal(kaart, "import", "boundaries")
    assert "needs --gemeente" in refusal(kaart, "import", "boundaries", "--pdok", "2024")
    assert "mapping" in refusal(kaart, "import", "figures", str(buurten), "--map", "nowhere.toml")


def test_boundaries_come_from_pdok(kaart: Kaart, monkeypatch: pytest.MonkeyPatch) -> None:
    collections: dict[str, Sequence[Feature]] = {
        "gemeenten": [municipality("GM9999", "Testdorp", 4.4, 52.1)],
        "buurten": [buurt("BU99990101", "Dorp", "Testdorp", (4.41, 52.11))],
    }
    with serving(Pdok(2024, collections)) as service:
        monkeypatch.setenv("KAART_PDOK_URL", service.url)
        assert "1 new" in kaart("import", "boundaries", "--pdok", "2024", "--gemeente", "Testdorp")
        assert "Testdorp" in refusal(kaart, "import", "boundaries", "--pdok", "2024", "--gemeente", "Testdrop")


def test_the_demo_goes_and_does_not_come_again(kaart: Kaart) -> None:
    kaart("demo", "load")
    assert "removed" in kaart("demo", "remove")
    assert refusal(kaart, "demo", "remove").startswith("✗ ")


def test_proposals_are_listed_accepted_and_dismissed(kaart: Kaart, tmp_path: Path) -> None:
    places = [
        node(1, (4.36, 52.0), amenity="community_centre", name="De Klok"),
        node(2, (4.37, 52.0), amenity="library", name="De Boekerij"),
    ]
    assert "2 new" in kaart("import", "osm", str(write(tmp_path / "a.osm.pbf", places)))
    listed = kaart("proposals", "list", "--source", "OpenStreetMap")
    ids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", listed)
    assert "Accepted: 1" in kaart("proposals", "accept", ids[0])
    assert "Dismissed: 1" in kaart("proposals", "dismiss", ids[1])
    assert kaart("proposals", "list") == "Nothing is proposed.\n"
    assert "No address waits" in kaart("import", "doubts", "list")
