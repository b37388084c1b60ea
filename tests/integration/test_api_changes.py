"""Changing records through the API: what is stored, what is left alone, what the history keeps, and who may not win."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from geo.models import Asset, History, Organisation
from tests.integration.town import (
    ACTIVITIES,
    ADMIN,
    ASSETS,
    EAST,
    GEMEENTE,
    NORTH,
    WEST,
    Town,
    box,
    feature,
    spot,
)

IN_WEST, IN_EAST = spot(92500, 465500), spot(93500, 465500)
ROOM = {"kind": "community_room", "name": "Kamer"}
WALK = {"title": "Wandelen", "theme": "move", "repeat": "weekly", "starts_on": "2026-11-03"}
WHOLE: dict[str, Any] = {
    "kind": "initiative", "name": "Samen", "summary": "Kort", "description": "Lang", "themes": ["meet"],
    "services": ["meals"], "goals": ["by_neighbours"], "target_groups": ["older_people"], "languages": ["nl", "ar"],
    "cost": "€ 5", "accessibility": {"step_free_entrance": True, "hearing_loop": False}, "address": "Straat 1",
    "postcode": "2341 AA", "city": "Testdorp", "capacity": 40, "opening_hours": "Mo 10:00-12:00",
    "url": "https://example.org/samen", "source": "a list", "source_id": "7", "licence": "CC BY 4.0", "demo": False,
    "organisation": {"name": "Stichting Samen", "legal_form": "foundation", "url": None}, "status": "published",
    "confirmed_on": "2026-11-01", "confirmed_by": "Jo", "visible_from": "2026-01-01", "visible_to": "2099-01-01",
    "ladder_level": 6, "growth": [{"stage": "steady", "since": "2020-05"}], "legal_form": "association",
    "funding": ["gifts", "local_budget"], "founded_in": 1999,
}  # fmt: skip


def made(town: Town, path: str, record: object) -> dict[str, Any]:
    """Add a record and give it back."""
    answer = town.send("POST", path, record)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


def changed(town: Town, path: str, item: str, **values: object) -> dict[str, Any]:
    """Change a record and give it back."""
    answer = town.send("PATCH", f"{path}/{item}", {"type": "Feature", "properties": values})
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def placed(town: Town, item: str, geometry: object) -> dict[str, Any]:
    """Give an asset another geometry."""
    answer = town.send("PATCH", f"{ASSETS}/{item}", feature(geometry))
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def history(town: Town, item: str, table: str = "asset") -> list[History]:
    with town.sessions() as session:
        rows = select(History).where(History.row_id == item, History.row_table == table).order_by(History.id)
        return list(session.scalars(rows))


def flaws(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 400, answer.text
    return {flaw["field"] for flaw in answer.json()["errors"]}


def test_all_that_is_told_of_an_asset_is_given_back(hamlet: Town) -> None:
    answer = hamlet.send("POST", ASSETS, feature(IN_WEST, **WHOLE, catchment=[NORTH, "WK900101"]))
    assert answer.status_code == 201
    item = answer.json()
    assert answer.headers["location"] == f"http://kaart.test{ASSETS}/{item['id']}"
    assert hamlet.get(answer.headers["location"], ADMIN).json() == item
    assert {field: item["properties"][field] for field in WHOLE} == WHOLE
    assert item["properties"]["neighbourhood"] == f"{WEST}.2025"
    assert item["properties"]["catchment"] == [
        {"id": f"{NORTH}.2025", "name": "Noord"},
        {"id": "WK900101.2025", "name": "Wijk WK900101"},
    ]
    assert item["properties"]["version"] == 1
    assert item["geometry"]["coordinates"] == pytest.approx(IN_WEST["coordinates"], abs=1e-7)


def test_a_change_leaves_alone_what_is_not_sent(hamlet: Town) -> None:
    before = made(hamlet, ASSETS, feature(IN_WEST, **{**WHOLE, "source_id": "8"}, catchment=[NORTH]))
    after = changed(hamlet, ASSETS, before["id"], summary="Anders")
    moved = {"summary", "updated_at", "version"}
    assert {k: v for k, v in after["properties"].items() if k not in moved} == {
        k: v for k, v in before["properties"].items() if k not in moved
    }
    assert after["geometry"] == before["geometry"]
    assert (after["properties"]["summary"], after["properties"]["version"]) == ("Anders", 2)


@pytest.mark.parametrize(
    ("field", "empty"),
    [("summary", None), ("services", []), ("organisation", None), ("catchment", []), ("accessibility", {})],
)
def test_a_change_can_empty_a_field(hamlet: Town, field: str, empty: object) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **{**WHOLE, "source_id": str(uuid4())}, catchment=[NORTH]))
    assert changed(hamlet, ASSETS, item["id"], **{field: empty})["properties"][field] == empty


def test_the_history_keeps_every_version_of_a_record_and_who_made_it(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **ROOM))["id"]
    changed(hamlet, ASSETS, item, name="Zaal")
    assert hamlet.send("DELETE", f"{ASSETS}/{item}", None).status_code == 204
    rows = history(hamlet, item)
    told = [
        tuple(
            None if row is None else (row["name"], row["status"], row["version"]) for row in (step.before, step.after)
        )
        for step in rows
    ]
    new, renamed, gone = ("Kamer", "published", 1), ("Zaal", "published", 2), ("Zaal", "archived", 3)
    assert told == [(None, new), (new, renamed), (renamed, gone)]
    assert {step.changed_by for step in rows} == {"the tester"}


def test_an_archived_record_is_off_the_map_and_stays_stored(hamlet: Town) -> None:
    for path, record in ((ASSETS, feature(IN_WEST, **ROOM)), (ACTIVITIES, feature(IN_WEST, **WALK))):
        item = made(hamlet, path, record)["id"]
        assert hamlet.send("DELETE", f"{path}/{item}", None).status_code == 204
        assert hamlet.get(f"{path}/{item}").status_code == 404
        assert item not in hamlet.get(path, limit=1000).text
        assert hamlet.get(f"{path}/{item}", ADMIN).json()["properties"]["status"] == "archived"
        assert changed(hamlet, path, item, status="published")["properties"]["version"] == 3
        assert hamlet.get(f"{path}/{item}").status_code == 200


@pytest.mark.parametrize("path", [ASSETS, ACTIVITIES])
def test_what_is_not_there_cannot_be_changed_or_archived(hamlet: Town, path: str) -> None:
    assert hamlet.send("PATCH", f"{path}/{uuid4()}", feature()).status_code == 404
    assert hamlet.send("DELETE", f"{path}/{uuid4()}", None).status_code == 404


@pytest.mark.parametrize("path", [ASSETS, ACTIVITIES])
@pytest.mark.parametrize(
    ("sent", "status"), [('"1"', 200), ('W/"1"', 200), ("*", 200), ("1", 200), ('"2"', 409), ('"0"', 409)]
)
def test_a_change_meant_for_another_version_is_refused(hamlet: Town, path: str, sent: str, status: int) -> None:
    item = made(hamlet, path, feature(IN_WEST, **(ROOM if path == ASSETS else WALK)))["id"]
    headers = {**hamlet.headers(ADMIN), "If-Match": sent}
    for method in ("PATCH", "DELETE"):
        answer = hamlet.client.request(method, f"{path}/{item}", headers=headers, json=feature(summary="Nieuw"))
        expected = 409 if method == "DELETE" and sent != "*" else status
        assert answer.status_code == (204 if method == "DELETE" and sent == "*" else expected), answer.text
    shown = hamlet.get(f"{path}/{item}", ADMIN).json()["properties"]
    assert shown["summary"] == ("Nieuw" if status == 200 else None)


def at_once(town: Town, requests: Sequence[tuple[str, str, object, dict[str, str]]]) -> list[int]:
    """Send requests at the same moment and give their statuses in order of size."""

    def send(request: tuple[str, str, object, dict[str, str]]) -> int:
        method, path, body, more = request
        return town.client.request(method, path, json=body, headers={**town.headers(ADMIN), **more}).status_code

    with ThreadPoolExecutor(len(requests)) as pool:
        return sorted(pool.map(send, requests))


def test_of_writers_at_once_who_read_the_same_version_one_wins(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **ROOM))["id"]
    sent = [("PATCH", f"{ASSETS}/{item}", feature(name=f"Zaal {n}"), {"If-Match": '"1"'}) for n in range(4)]
    assert at_once(hamlet, sent) == [200, 409, 409, 409]
    assert len(history(hamlet, item)) == 2


def test_writers_at_once_who_change_different_fields_lose_nothing(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **ROOM))["id"]
    values: list[dict[str, object]] = [{"summary": "S"}, {"cost": "C"}, {"city": "Y"}, {"services": ["meals"]}]
    sent = [("PATCH", f"{ASSETS}/{item}", {"type": "Feature", "properties": told}, dict[str, str]()) for told in values]
    assert at_once(hamlet, sent) == [200, 200, 200, 200]
    shown = hamlet.get(f"{ASSETS}/{item}").json()["properties"]
    assert (shown["summary"], shown["cost"], shown["city"], shown["services"]) == ("S", "C", "Y", ["meals"])
    assert shown["version"] == 5


@pytest.mark.parametrize(("path", "told"), [(ASSETS, ROOM), (ACTIVITIES, WALK)])
def test_a_source_gives_each_of_its_identifiers_once(hamlet: Town, path: str, told: dict[str, object]) -> None:
    record = feature(IN_WEST, **told, source="a list", source_id=str(uuid4()))
    assert at_once(hamlet, [("POST", path, record, {}) for _ in range(3)]) == [201, 409, 409]
    again = hamlet.send("POST", path, record)
    assert again.status_code == 409
    assert "a list" in again.json()["detail"]


@pytest.mark.parametrize("field", ["kind", "source", "source_id"])
def test_what_a_record_is_and_where_it_came_from_stay(hamlet: Town, field: str) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **ROOM, source="a list", source_id=str(uuid4())))
    other = {"kind": "initiative", "source": "another", "source_id": "9"}[field]
    told = {"type": "Feature", "properties": {field: other}}
    assert flaws(hamlet.send("PATCH", f"{ASSETS}/{item['id']}", told)) == {field}
    assert changed(hamlet, ASSETS, item["id"], **{field: item["properties"][field]})["properties"]["version"] == 2


def test_a_refused_record_leaves_nothing_behind(hamlet: Town) -> None:
    with hamlet.sessions() as session:
        counted = select(func.count()).select_from
        before = [session.scalar(counted(table)) for table in (Asset, Organisation, History)]
        sent = feature(IN_WEST, **ROOM, organisation={"name": "Nieuw"}, catchment=["BU99999999"])
        assert flaws(hamlet.send("POST", ASSETS, sent)) == {"catchment"}
        assert [session.scalar(counted(table)) for table in (Asset, Organisation, History)] == before


def test_every_flaw_of_a_record_is_named_at_once(hamlet: Town) -> None:
    sent = feature(
        spot(10000, 10000), kind="community_room", services=["x"], url="javascript:alert(1)", ladder_level=9,
        opening_hours="altijd", confirmed_on="2099-01-01", languages=["zz"], founded_in=3000, contact={"a": "b"},
    )  # fmt: skip
    named = {"name", "services", "url", "ladder_level", "opening_hours", "confirmed_on", "languages", "founded_in"}
    assert flaws(hamlet.send("POST", ASSETS, sent)) == named | {"contact", "geometry"}


def test_a_place_decides_in_which_neighbourhood_a_record_lies(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **ROOM, neighbourhood=NORTH))
    assert item["properties"]["neighbourhood_name"] == "West"
    assert placed(hamlet, item["id"], IN_EAST)["properties"]["neighbourhood_name"] == "East"
    area = placed(hamlet, item["id"], box(92400, 466400, 92600, 466600))
    assert (area["properties"]["neighbourhood_name"], area["geometry"]["type"]) == ("Noord", "MultiPolygon")
    assert placed(hamlet, item["id"], spot(80000, 450000))["properties"]["neighbourhood"] is None
    assert placed(hamlet, item["id"], None)["geometry"] is None
    told = changed(hamlet, ASSETS, item["id"], neighbourhood=EAST)["properties"]
    assert (told["neighbourhood"], told["neighbourhood_name"]) == (f"{EAST}.2025", "East")


def test_who_an_asset_serves_can_be_changed_and_stands_in_the_history(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(None, **ROOM, catchment=[WEST, WEST, f"{EAST}.2025"]))
    ids = [area["id"] for area in item["properties"]["catchment"]]
    assert ids == [f"{WEST}.2025", f"{EAST}.2025"]
    after = changed(hamlet, ASSETS, item["id"], catchment=[GEMEENTE])["properties"]["catchment"]
    assert after == [{"id": f"{GEMEENTE}.2025", "name": "Testdorp"}]
    kept = changed(hamlet, ASSETS, item["id"], name="Zaal")["properties"]["catchment"]
    assert kept == after
    steps = [(step.before is None, step.after is None) for step in history(hamlet, item["id"], "asset_catchment")]
    assert sorted(steps) == sorted([(True, False)] * 3 + [(False, True)] * 2)


def test_an_organisation_is_one_however_many_assets_it_runs(hamlet: Town) -> None:
    told = {"name": "Welzijn", "legal_form": "foundation", "url": "https://example.org"}
    first = made(hamlet, ASSETS, feature(None, **ROOM, organisation=told))["properties"]["organisation"]
    second = made(hamlet, ASSETS, feature(None, **ROOM, organisation={"name": "Welzijn"}))["properties"]["organisation"]
    assert first == second == told
    with hamlet.sessions() as session:
        assert session.scalar(select(func.count()).where(Organisation.name == "Welzijn")) == 1


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"name": " "}, "organisation"),
        ({"name": "O", "legal_form": "gang"}, "organisation.legal_form"),
        ({"name": "O", "url": "javascript:alert(1)"}, "organisation.url"),
    ],
)
def test_an_organisation_that_is_none_is_refused_by_name(hamlet: Town, told: dict[str, str], field: str) -> None:
    assert flaws(hamlet.send("POST", ASSETS, feature(None, **ROOM, organisation=told))) == {field}


def test_opening_hours_decide_on_which_days_a_place_is_found(hamlet: Town) -> None:
    def open_days(name: str) -> list[int]:
        asked = [hamlet.get(ASSETS, q=name, datetime=f"2026-11-{day}").json()["numberMatched"] for day in range(23, 30)]
        return [number for number, times in enumerate(asked) if times]

    item = made(
        hamlet, ASSETS, feature(None, **{**ROOM, "name": "Openbaar"}, opening_hours="Mo-We 09:00-17:00; We off")
    )
    assert open_days("openbaar") == [0, 1]
    changed(hamlet, ASSETS, item["id"], opening_hours="Sa 23:00-03:00")  # the night after is not Sunday's morning
    assert open_days("openbaar") == [5]
    changed(hamlet, ASSETS, item["id"], opening_hours="24/7")
    assert open_days("openbaar") == [0, 1, 2, 3, 4, 5, 6]
    changed(hamlet, ASSETS, item["id"], opening_hours=None)
    assert open_days("openbaar") == []
