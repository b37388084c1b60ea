"""The collections beside the nouns: parts of them that open as layers of their own, and what is told of each."""

from typing import Any

import pytest
import shapely
from sqlalchemy import text

from geo.catalogue import COLLECTIONS
from geo.features import names
from geo.rights import FIELDS, VISITOR
from tests.integration.town import ADMIN, COVERAGE, Town

KINDS = {"community_rooms": "community_room", "initiatives": "initiative", "care_locations": "care_location"}
LEVELS = {"buurten": "buurt", "wijken": "wijk", "gemeenten": "gemeente", "drawn_neighbourhoods": "drawn"}
MEASURES = ("coverage_reach", "coverage_distance", "coverage_supply", "coverage_gaps")


def items(town: Town, name: str, who: str = "nobody", **asked: str) -> list[dict[str, Any]]:
    answer = town.client.get(
        f"/v1/collections/{name}/items", params={"limit": "10000", **asked}, headers=town.headers(who)
    )
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["features"]
    return told


@pytest.mark.parametrize("who", ["nobody", ADMIN])
def test_each_kind_and_each_level_is_a_collection_that_holds_those_and_no_others(town: Town, who: str) -> None:
    for part, kind in KINDS.items():
        assert items(town, part, who) == items(town, "assets", who, kind=kind) != []
    for part, level in LEVELS.items():
        assert items(town, part, who) == items(town, "neighbourhoods", who, level=level)
    assert items(town, "buurten", who) != []


def test_an_item_of_another_kind_is_not_in_the_collection(town: Town) -> None:
    room = items(town, "community_rooms")[0]["id"]
    assert town.get(f"/v1/collections/initiatives/items/{room}").status_code == 404
    assert town.get(f"/v1/collections/initiatives/items/{room}", "visitor").status_code == 404
    assert town.get("/v1/collections/initiatives/items", kind="initiative").status_code == 400


def test_no_collection_of_a_kind_is_of_volunteers(town: Town) -> None:
    assert not any("volunteer" in name for name in names(VISITOR))
    assert not any("volunteer" in str(items(town, name, ADMIN)) for name in KINDS)


def test_each_measure_of_coverage_is_a_collection_of_the_latest_run_and_of_any(town: Town) -> None:
    whole = {item["id"]: item["properties"] for item in items(town, "coverage")}
    with town.sessions() as session:
        dated = str(session.scalar(text("SELECT id FROM coverage_run WHERE NOT live ORDER BY computed_at LIMIT 1")))
    told = set[str]()
    for measure in MEASURES:
        part = {item["id"]: item["properties"] for item in items(town, measure)}
        assert part.keys() == whole.keys()
        for item, properties in part.items():
            assert set(properties) == set(FIELDS[measure])
            theirs = whole[item]
            assert properties == {field: theirs[field] for field in properties}
            told |= set(properties)
        assert {str(item["id"]) for item in items(town, measure, run=dated)} == {
            str(item["id"]) for item in items(town, "coverage", run=dated)
        }
    assert told == set(FIELDS["coverage"])
    assert town.get(COVERAGE).status_code == 200


def test_squares_are_shown_as_far_as_cbs_tells(town: Town) -> None:
    with town.sessions.begin() as session:
        job = session.scalar(text("SELECT id FROM import_job LIMIT 1")) or session.scalar(text(
            "INSERT INTO import_job (id, what, status, file_name, sha256, bytes, made_by) VALUES "
            "(gen_random_uuid(), 'squares', 'done', 'x', 'x', 1, 'test') RETURNING id"
        ))  # fmt: skip
        session.execute(text(
            "INSERT INTO square (id, code, year, x, y, residents, residents_65, children, job_id) VALUES "
            "('E0920N4650.2024', 'E0920N4650', 2024, 92050, 465050, 35, 5, 3, :job),"
            "('E0921N4650.2024', 'E0921N4650', 2024, 92150, 465050, 3, NULL, NULL, :job),"
            "('E0922N4650.2024', 'E0922N4650', 2024, 92250, 465050, NULL, NULL, NULL, :job),"
            "('E0920N4650.2023', 'E0920N4650', 2023, 92050, 465050, 30, 5, 5, :job)"
        ), {"job": job})  # fmt: skip
    [square] = items(town, "squares")
    assert square["id"] == "E0920N4650.2024"
    assert square["properties"] == {
        "code": "E0920N4650", "year": 2024, "residents": 35, "residents_65": 5, "one_person_households": None,
        "children": None,
    }  # fmt: skip
    [of_2023] = items(town, "squares", year="2023")
    assert of_2023["id"] == "E0920N4650.2023"
    assert items(town, "squares", crs="EPSG:28992")[0]["geometry"] == {
        "type": "Polygon",
        "coordinates": [[[92000, 465000], [92000, 465100], [92100, 465100], [92100, 465000], [92000, 465000]]],
    }
    assert items(town, "squares", bbox="92090,465090,92300,465300", **{"bbox-crs": "EPSG:28992"}) == [square]
    assert items(town, "squares", filter="residents > 35") == []


@pytest.mark.parametrize("name", names(VISITOR))
def test_each_collection_tells_where_it_lies_whose_it_is_and_in_two_languages(town: Town, name: str) -> None:
    told = town.get(f"/v1/collections/{name}").json()
    assert all(told["titles"][language] and told["descriptions"][language] for language in ("nl", "en"))
    found = [shapely.geometry.shape(item["geometry"]) for item in items(town, name) if item["geometry"]]
    if found:
        assert told["extent"]["spatial"]["bbox"][0] == pytest.approx(shapely.total_bounds(found), abs=0.02)
        assert told["attribution"]
        assert {"source", "licence"} == set(told["licences"][0])
    for item in items(town, name)[:50]:
        properties = item["properties"]
        if "source" in properties:
            assert {"source": properties["source"], "licence": properties["licence"]} in told["licences"]


def test_every_collection_is_made_of_parts_that_have_editions(town: Town) -> None:
    with town.sessions() as session:
        known = set(session.scalars(text("SELECT name FROM part")))
    assert {part for shown in COLLECTIONS.values() for part in shown.parts} == known
    assert COLLECTIONS["neighbours"].parts == ()
    assert all(COLLECTIONS[name].parts for name in names(VISITOR))
