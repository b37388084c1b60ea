"""The demo municipality: its outlines fit, its records keep to the rules for real and invented names."""

import csv
import json
import re
import runpy
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import opening_hours
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo import vocabulary

DATA = Path(__file__).parents[2] / "data"
OUTLINES = DATA / "boundaries" / "oegstgeest.geojson"
TABLE = DATA / "boundaries" / "oegstgeest.csv"
RECORDS = DATA / "demo" / "oegstgeest.toml"
REAL_NAMES = {
    "Langer Zelfstandig Leven",
    "Vitality Club",
    "Oegstgeester Hofjes",
    "Voorzorgcirkels",
    "Club Oegstgeest",
    "Zorghulp",
    "Pact Zeker Thuis",
    "Jottem of Gemiva",
}
FIGURES = ("residents", "residents_65")
REACH_M = 800 / 1.3  # 800 m of walking, as a straight line

Record = dict[str, Any]


@cache
def table() -> dict[str, Record]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@cache
def features() -> list[Record]:
    read: list[Record] = json.loads(OUTLINES.read_text(encoding="utf-8"))["features"]
    return read


@cache
def outlines() -> dict[str, BaseGeometry]:
    """The outlines of the file, turned back into RD metres."""
    metres = Transformer.from_crs(4326, 28992, always_xy=True)

    def turned(spots: Any) -> Any:
        return np.column_stack(metres.transform(spots[:, 0], spots[:, 1]))

    return {f["properties"]["code"]: shapely.transform(shape(f["geometry"]), turned) for f in features()}


@cache
def records() -> dict[str, list[Record]]:
    return tomllib.loads(RECORDS.read_text(encoding="utf-8"))


def assets(kind: str | None = None, demo: bool | None = None) -> list[Record]:
    every = records()["asset"]
    return [one for one in every if kind in (None, one["kind"]) and demo in (None, one["demo"])]


def place(record: Record) -> BaseGeometry | None:
    """The point or area of a record in RD metres, if it has one."""
    if "area" in record:
        return shapely.from_wkt(record["area"])
    return shapely.Point(record["x"], record["y"]) if "x" in record else None


def share_in_reach(code: str, kind: str) -> float:
    """How much of the ground of one neighbourhood lies within reach of a place of this kind."""
    places = [spot for spot in map(place, assets(kind)) if spot is not None]
    outline = outlines()[code]
    reached = shapely.union_all([spot.buffer(REACH_M) for spot in places]).intersection(outline)
    return float(reached.area / outline.area)


# ------------------------------------------------------------------------------------------------- outlines


def test_every_buurt_of_the_table_has_one_outline_with_its_figures() -> None:
    assert [f["properties"]["code"] for f in features()] == sorted(table())
    for feature in features():
        row, properties = table()[feature["properties"]["code"]], feature["properties"]
        assert properties["name"] == row["name"]
        assert [str(properties[field]) for field in FIGURES] == [row[field] for field in FIGURES]
        assert properties["households"] is None
        assert properties["one_person_households"] is None


def test_the_residents_add_up_to_the_table_of_cbs() -> None:
    assert sum(f["properties"]["residents"] for f in features()) == 25950
    assert sum(f["properties"]["residents_65"] for f in features()) == 5505


def test_every_outline_says_that_it_is_schematic_and_where_it_belongs() -> None:
    for feature in features():
        properties = feature["properties"]
        assert properties["schematic"] is True
        assert (properties["level"], properties["year"], properties["gemeente"]) == ("buurt", 2024, "GM0579")
        assert properties["wijk"] == "WK" + properties["code"][2:8]
        assert feature["id"] == properties["code"] + ".2024"
    assert len({f["properties"]["wijk"] for f in features()}) == 5


@pytest.mark.parametrize("code", sorted(table()))
def test_an_area_is_within_three_percent_of_its_hectares(code: str) -> None:
    assert outlines()[code].area / 10_000 == pytest.approx(float(table()[code]["ha"]), rel=0.03)


@pytest.mark.parametrize("code", sorted(table()))
def test_an_outline_is_one_piece_without_holes_that_holds_its_centre(code: str) -> None:
    outline, row = outlines()[code], table()[code]
    assert outline.geom_type == "Polygon"
    assert outline.is_valid
    assert shapely.get_num_interior_rings(outline) == 0
    assert outline.contains(shapely.Point(float(row["x"]), float(row["y"])))


def test_the_outlines_fit_together_to_the_last_decimal() -> None:
    degrees = [shape(f["geometry"]) for f in features()]
    assert shapely.coverage_is_valid(degrees)
    whole = shapely.coverage_union_all(degrees)
    (piece,) = shapely.get_parts(whole)
    assert shapely.get_num_interior_rings(piece) == 0


def test_no_outline_has_spikes_or_slivers() -> None:
    for outline in outlines().values():
        assert 4 * np.pi * outline.area / outline.length**2 > 0.5
        assert outline.buffer(-60).geom_type == "Polygon"


def test_the_file_keeps_to_geojson() -> None:
    for feature in features():
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert shapely.LinearRing(ring).is_ccw
        assert np.array_equal(np.round(ring, 7), ring)
        assert shapely.box(4.4, 52.1, 4.55, 52.25).contains(shapely.Polygon(ring))


def test_drawing_again_gives_the_same_file_and_fits_before_rounding_too() -> None:
    script = runpy.run_path(str(DATA / "boundaries" / "draw.py"))
    buurten = script["read_table"](TABLE)
    arcs = script["draw"](buurten)
    pieces = script["cut"](arcs, [shapely.Point(buurt.x, buurt.y) for buurt in buurten])
    assert shapely.coverage_is_valid(pieces)
    assert script["as_geojson"](buurten, arcs) == OUTLINES.read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------------- records


def test_there_is_as_much_as_the_demo_promises() -> None:
    assert len(assets("community_room", demo=True)) >= 12
    assert len(assets("initiative", demo=True)) >= 14
    assert len(assets("care_location", demo=True)) >= 10
    assert len(records()["activity"]) == 40
    assert sum(group["count"] for group in records()["volunteers"]) == 90


def test_every_key_is_used_once() -> None:
    for table_name in ("organisation", "asset", "activity"):
        keys = [record["key"] for record in records()[table_name]]
        assert len(keys) == len(set(keys))
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key) for key in keys)


def test_every_record_says_whether_it_is_demo_and_where_it_comes_from() -> None:
    assert {record["name"] for record in assets(demo=False)} == REAL_NAMES
    assert {record["source"] for record in assets(demo=False)} == {"known names"}
    assert {record["source"] for record in assets(demo=True) + records()["activity"]} == {"demo"}
    assert all(record["demo"] is True for record in records()["activity"])


def test_a_real_name_stands_alone() -> None:
    allowed = {"key", "kind", "name", "summary", "neighbourhood", "demo", "source"}
    for record in assets(demo=False):
        assert set(record) == allowed
        assert record["neighbourhood"] == "GM0579"
    kinds = Counter(record["kind"] for record in assets(demo=False))
    assert kinds == {"initiative": 7, "care_location": 1}


def test_records_use_only_terms_of_the_vocabulary() -> None:
    lists = {
        "themes": vocabulary.THEMES,
        "services": vocabulary.SERVICES,
        "goals": vocabulary.GOALS,
        "target_groups": vocabulary.TARGET_GROUPS,
        "accessibility": vocabulary.ACCESSIBILITY,
        "funding": vocabulary.FUNDING,
    }
    for record in assets() + records()["activity"] + records()["volunteers"]:
        for field, terms in lists.items():
            assert vocabulary.unknown_terms(field, list(record.get(field, [])), terms) == [], record
    for record in assets():
        assert record["kind"] in {"community_room", "initiative", "care_location"}
        assert record.get("ladder_level", 1) in vocabulary.LADDER
        assert record.get("legal_form", "informal") in vocabulary.LEGAL_FORMS
        assert all(step["stage"] in vocabulary.GROWTH_STAGES for step in record.get("growth", []))
        assert all(re.fullmatch("[a-z]{2}", language) for language in record.get("languages", []))
    assert all(group["legal_form"] in vocabulary.LEGAL_FORMS for group in records()["organisation"])
    assert all(activity["theme"] in vocabulary.THEMES for activity in records()["activity"])


def test_only_initiatives_have_a_ladder_a_growth_and_a_legal_form() -> None:
    for record in assets("community_room") + assets("care_location"):
        assert not {"ladder_level", "growth", "legal_form", "founded_in"} & set(record)


def test_all_opening_hours_can_be_read() -> None:
    hours = [record["opening_hours"] for record in assets() if "opening_hours" in record]
    assert len(hours) > 25
    assert [text for text in hours if not opening_hours.validate(text)] == []


def test_every_place_lies_in_the_municipality_and_every_name_of_another_record_exists() -> None:
    whole = shapely.union_all(list(outlines().values()))
    organisations = {record["key"] for record in records()["organisation"]}
    for record in assets(demo=True) + [r for r in records()["activity"] if "asset" not in r]:
        spot = place(record)
        assert (spot is not None and whole.contains(spot)) or record["catchment"]
        assert set(record.get("catchment", [])) <= set(table())
        assert record.get("organisation", "stichting-lindekring") in organisations
    known = {record["key"] for record in assets()}
    assert {record["asset"] for record in records()["activity"] if "asset" in record} <= known


def test_some_are_well_served_and_some_are_not() -> None:
    for code in ("BU05790102", "BU05790402", "BU05790201", "BU05790203"):
        assert all(share_in_reach(code, kind) > 0.95 for kind in ("community_room", "initiative"))
    for code in ("BU05790501", "BU05790401", "BU05790101", "BU05790302"):
        assert share_in_reach(code, "community_room") < 0.6
    assert share_in_reach("BU05790302", "community_room") < 0.01


def test_some_records_were_confirmed_last_week_some_long_ago_and_some_never() -> None:
    days = [record.get("confirmed_days_ago") for record in assets(demo=True)]
    assert sum(day is not None and day <= 7 for day in days) >= 4
    assert sum(day is not None and 420 <= day <= 900 for day in days) >= 6
    assert days.count(None) >= 3


def test_records_differ_as_real_ones_do() -> None:
    names = [len(record["name"]) for record in assets(demo=True)]
    assert min(names) < 10
    assert 85 <= max(names) <= 95
    assert sum("summary" not in record for record in assets(demo=True)) >= 2
    assert sum("opening_hours" not in record for record in assets(demo=True)) >= 5
    assert sum("area" in record for record in assets()) == 2
    assert sum(place(record) is None and "catchment" in record for record in assets()) == 3


def test_every_day_of_the_week_has_something_to_do() -> None:
    weekly = Counter(r["weekday"] for r in records()["activity"] if r["repeat"] == "weekly")
    assert set(weekly) == set(range(7))
    assert min(weekly.values()) >= 3
    once = [r["in_days"] for r in records()["activity"] if r["repeat"] == "once"]
    assert len(once) == 10
    assert min(once) == 0
    assert max(once) == 20
    assert all(r["time_from"] < r["time_to"] for r in records()["activity"])


def test_some_groups_of_volunteers_are_large_enough_to_publish_and_some_are_not() -> None:
    cells: Counter[tuple[str, str]] = Counter()
    for group in records()["volunteers"]:
        assert set(group) == {"neighbourhood", "services", "count"}
        assert group["neighbourhood"] in table()
        for service in group["services"]:
            cells[group["neighbourhood"], service] += group["count"]
    assert sum(number >= 15 for number in cells.values()) == 3
    assert sum(number < 11 for number in cells.values()) >= 10
    assert cells["BU05790102", "odd_jobs"] == 17


def test_no_text_holds_a_phone_number_a_mail_address_a_foreign_host_or_the_avoided_word() -> None:
    text = RECORDS.read_text(encoding="utf-8")
    assert "mantelzorg" not in text.lower()
    assert "@" not in text
    assert not re.search(r"\b0\d[\d -]{7,}", text)
    assert all(host.endswith("example.org") for host in re.findall(r"https?://([^/\"]+)", text))
