"""What if, siting and comparison over the API, against what then happens and against sums on paper."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select, text

from geo.channels import listening
from geo.coverage import questions, run
from geo.coverage.demand import Floats, lattice
from geo.coverage.models import Coverage, CoverageQuestion, CoverageRun
from geo.days import today
from geo.models import Asset, History
from geo.neighbourhoods import to_rd, to_wgs84
from geo.vocabulary import Kind
from tests.integration.town import (
    ASSETS,
    BUURTEN,
    COVERAGE,
    EAST,
    GEMEENTE,
    NOBODY,
    NORTH,
    RUNS,
    Town,
    covered,
    feature,
    live,
    spot,
)

WHAT_IF, SITING = "/v1/coverage/what-if", "/v1/coverage/siting"
HOURS = "Mo-Su 08:00-22:00"
NORM_M = 410  # no two points of a lattice of 100 m are exactly so far apart: places pass through degrees here
FIGURES = ("uncovered", "covered_share", "gap", "people_none", "people_served")


@pytest.fixture(scope="module")
def dorp(hamlet: Town) -> Iterator[Town]:
    """Give Testdorp with one room in the middle of West, a run by a norm of 410 m, and its live state kept."""
    room(hamlet, "Kamer West", 92500, 465500)
    covered(hamlet, norm_m=NORM_M, detour=1)
    with live(hamlet):
        yield hamlet


def room(town: Town, name: str, x: float, y: float, **more: object) -> str:
    """Add a community room at metres, RD New; give its id."""
    told = {"opening_hours": HOURS, "confirmed_on": today().isoformat(), **more}
    sent = feature(spot(x, y), kind="community_room", name=name, **told)
    answer = town.send("POST", ASSETS, sent)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def lonlat(x: float, y: float) -> dict[str, float]:
    lon, lat = shapely.get_coordinates(to_wgs84(shapely.Point(x, y)))[0].tolist()
    return {"lon": lon, "lat": lat}


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def ask(town: Town, path: str, **body: object) -> dict[str, Any]:
    answer = town.send("POST", path, {"kind": "community_room", **body}, NOBODY)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def now(town: Town) -> dict[str, dict[str, Any]]:
    """Give the live figures of community rooms, by the id of the neighbourhood."""
    found = town.get(COVERAGE, kind="community_room").json()["features"]
    return {row["properties"]["neighbourhood"]: row["properties"] for row in found}


def flaws(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 400, answer.text
    return {flaw["field"] for flaw in answer.json()["errors"]}


def test_what_if_says_what_is_then_true(dorp: Town) -> None:
    before = now(dorp)
    told = ask(dorp, WHAT_IF, add=[{**lonlat(93500, 465500), "opening_hours": HOURS, "capacity": 20}])
    changed = {row["neighbourhood"]: row for row in told["neighbourhoods"]}
    assert {row["code"] for row in told["neighbourhoods"]} == {EAST, "WK900101", GEMEENTE}
    assert {row["name"] for row in told["neighbourhoods"] if row["level"] == "buurt"} == {"East"}
    item = room(dorp, "Kamer Oost", 93500, 465500, capacity=20)
    until(lambda: now(dorp) != before)
    after = now(dorp)
    for area, row in changed.items():
        for name in FIGURES:
            assert row["before"][name] == pytest.approx(before[area][name]), (area, name)
            assert row["after"][name] == pytest.approx(after[area][name]), (area, name)
    others = after.keys() - changed.keys()
    assert {area: after[area]["gap"] for area in others} == {area: before[area]["gap"] for area in others}
    # On paper: the room reaches 52 of the 100 lattice points of East, of two residents each.
    assert told["after"]["uncovered"] == pytest.approx(told["before"]["uncovered"] - 104)
    closing = ask(dorp, WHAT_IF, close=[item])
    assert closing["after"]["uncovered"] == pytest.approx(told["before"]["uncovered"])
    moving = ask(dorp, WHAT_IF, move=[{"asset": item, **lonlat(92500, 466500)}])
    # North has 300 residents: 52 points of three.
    assert moving["after"]["uncovered"] == pytest.approx(told["before"]["uncovered"] - 156)
    assert dorp.send("DELETE", f"{ASSETS}/{item}", None).status_code == 204
    until(lambda: now(dorp)[f"{EAST}.2025"]["uncovered"] == pytest.approx(200))


def test_a_what_if_of_several_edits_is_of_all_at_once(dorp: Town) -> None:
    added = [lonlat(93500, 465500), lonlat(92500, 466500)]
    both = ask(dorp, WHAT_IF, add=added)
    before = both["before"]["uncovered"]
    gained = [before - ask(dorp, WHAT_IF, add=[each])["after"]["uncovered"] for each in added]
    assert both["after"]["uncovered"] == pytest.approx(before - sum(gained))
    assert both["before"]["residents"] == both["after"]["residents"] == pytest.approx(600)


def test_a_what_if_stores_nothing(dorp: Town) -> None:
    with dorp.sessions() as session:
        counts = [select(func.count()).select_from(table) for table in (History, Asset, Coverage, CoverageQuestion)]
        before, figures = [session.scalar(count) for count in counts], now(dorp)
        ask(dorp, WHAT_IF, add=[lonlat(93500, 465500)])
        assert [session.scalar(count) for count in counts] == before
        assert before[-1] == 0
        assert now(dorp) == figures


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"kind": "community_room"}, "body"),
        ({"kind": "volunteer", "close": []}, "kind"),
        ({"kind": "community_room", "service": "meals", "add": [{"lon": 4.5, "lat": 52.2}]}, "body"),
        ({"service": "nonsense", "add": [{"lon": 4.5, "lat": 52.2}]}, "body"),
        ({"kind": "initiative", "add": [{"lon": 4.5, "lat": 52.2}] * 21}, "add"),
        ({"kind": "initiative", "add": [{"lon": 52.2, "lat": 4.5}]}, "add.0"),
        ({"kind": "initiative", "add": [{"lon": 92500, "lat": 465500}]}, "add.0"),
        ({"kind": "initiative", "add": [{"lon": 4.5, "lat": 52.2, "opening_hours": "often"}]}, "add.0.opening_hours"),
        ({"kind": "initiative", "add": [{"lon": 4.5, "lat": 52.2, "capacity": -1}]}, "add.0.capacity"),
        ({"kind": "initiative", "add": [{"lon": 4.5, "lat": 52.2}], "foo": 1}, "foo"),
    ],
    ids=range(11),
)
def test_a_what_if_that_cannot_be_is_refused_by_field(dorp: Town, body: dict[str, object], field: str) -> None:
    assert flaws(dorp.send("POST", WHAT_IF, body, NOBODY)) == {field}


@pytest.mark.parametrize("edit", ["close", "move"])
def test_an_asset_that_is_none_of_the_subject_is_not_found(dorp: Town, edit: str) -> None:
    with dorp.sessions() as session:
        real = str(session.scalar(select(Asset.id).where(Asset.kind == Kind.community_room).limit(1)))
    for kind, asset in (("initiative", real), ("community_room", "00000000-0000-0000-0000-000000000000")):
        told = [asset] if edit == "close" else [{"asset": asset, **lonlat(92500, 465500)}]
        answer = dorp.send("POST", WHAT_IF, {"kind": kind, edit: told}, NOBODY)
        assert answer.status_code == 404
        assert answer.json()["detail"].endswith(f"there is no published asset {asset} among those of '{kind}'.")


def test_siting_finds_the_best_of_a_lattice(dorp: Town) -> None:
    told = ask(dorp, SITING, p=1, within=EAST)
    assert told["uncovered_before"] == pytest.approx(200)
    assert told["candidates"] == 100
    # Nobody in East lives within the norm of the room in West; each of the 100 points of East stands for two.
    best = max(reaches(xy, lattice(outline(EAST)), NORM_M) for xy in lattice(outline(EAST))) * 2
    assert (told["covered"], told["bound"], told["proven"]) == (pytest.approx(best), pytest.approx(best), True)
    (site,) = told["sites"]
    assert reaches(metres(site), lattice(outline(EAST)), NORM_M) * 2 == pytest.approx(site["gained"]) == site["alone"]
    gained = ask(dorp, WHAT_IF, add=[{"lon": site["lon"], "lat": site["lat"]}])
    assert gained["before"]["uncovered"] - gained["after"]["uncovered"] >= site["gained"] - 1e-6
    for other in site["alternatives"]:
        assert reaches(metres(other), lattice(outline(EAST)), NORM_M) * 2 == pytest.approx(best - other["lost"])


def test_a_quick_choice_is_no_better_than_the_exact_one_and_its_bound_holds(dorp: Town) -> None:
    exact, quick = (ask(dorp, SITING, p=3, within=GEMEENTE, step_m=200, exact=each) for each in (True, False))
    assert quick["covered"] <= exact["covered"] <= quick["bound"] + 1e-6
    assert sum(site["gained"] for site in exact["sites"]) == pytest.approx(exact["covered"])


def test_candidates_may_be_places_that_are_named_or_assets_of_another_kind(dorp: Town) -> None:
    far, near = lonlat(93950, 465950), lonlat(93500, 465500)
    named = ask(dorp, SITING, p=1, within=EAST, candidates=[[far["lon"], far["lat"]], [near["lon"], near["lat"]]])
    assert (named["sites"][0]["lon"], named["sites"][0]["asset"]) == (pytest.approx(near["lon"], abs=1e-6), None)
    school = dorp.send("POST", ASSETS, feature(spot(93500, 465500), kind="care_location", name="Kliniek")).json()["id"]
    until(lambda: ask(dorp, SITING, p=1, within=f"{EAST}.2025", **CLINICS)["sites"][0]["asset"] == school)


CLINICS: Mapping[str, object] = {"candidates": "assets", "candidate_kind": "care_location"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"p": 1, "within": "BU99999999"}, 404),
        ({"p": 1, "within": EAST, "candidates": "assets", "candidate_kind": "initiative"}, 400),
        ({"p": 1, "within": GEMEENTE, "step_m": 25}, 400),
        ({"p": 21, "within": EAST}, 400),
        ({"p": 0, "within": EAST}, 400),
        ({"p": 1, "within": EAST, "candidates": "assets"}, 400),
        ({"p": 1, "within": EAST, "candidates": [[52.2, 4.5]]}, 400),
        ({"p": 1, "within": EAST, "candidates": [[4.5, 52.2]] * 2001}, 400),
        ({"p": 1, "within": EAST, "step_m": 1}, 400),
    ],
    ids=range(9),
)
def test_siting_that_cannot_be_is_refused(dorp: Town, body: dict[str, object], status: int) -> None:
    answer = dorp.send("POST", SITING, {"kind": "community_room", **body}, NOBODY)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def outline(code: str) -> BaseGeometry:
    return next(area.outline for area in BUURTEN if area.code == code)


def metres(told: Mapping[str, float]) -> Floats:
    xy: Floats = shapely.get_coordinates(to_rd(shapely.Point(told["lon"], told["lat"])))[0]
    return xy


def reaches(xy: Floats, points: Floats, norm_m: float) -> int:
    """Count the points within a distance: by this test's own reckoning."""
    return int((np.hypot(*(points - xy).T) <= norm_m).sum())


def test_without_a_worker_a_question_is_answered_with_how_to_start_one(town: Town) -> None:
    answer = town.send("POST", WHAT_IF, {"kind": "initiative", "add": [{"lon": 4.47, "lat": 52.18}]}, NOBODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "kaart worker" in answer.json()["detail"]


def test_of_many_questions_at_once_no_more_than_four_wait(town: Town) -> None:
    body = {"kind": "initiative", "add": [{"lon": 4.47, "lat": 52.18}]}
    with listening(town.engine) as idle, ThreadPoolExecutor(4) as askers:  # a worker that never answers
        assert questions.hold(idle.connection)
        asked = [askers.submit(questions.ask, town.engine, body) for _ in range(4)]
        with town.sessions() as session:
            until(lambda: session.scalar(select(func.count()).select_from(CoverageQuestion)) == 4)
        fifth = town.send("POST", WHAT_IF, body, NOBODY)
        assert (fifth.status_code, fifth.headers["retry-after"]) == (503, "5")
        assert "Too many questions" in fifth.json()["detail"]
        assert {type(each.exception()).__name__ for each in asked} == {"Unavailable"}  # after twelve seconds
    with town.sessions() as session:
        assert session.scalar(select(func.count()).select_from(CoverageQuestion)) == 0


def test_a_crowd_of_questions_leaves_the_service_to_all_others(town: Town) -> None:
    body = {"kind": "initiative", "add": [{"lon": 4.47, "lat": 52.18}]}
    with listening(town.engine) as idle, ThreadPoolExecutor(30) as crowd:  # a worker that never answers
        assert questions.hold(idle.connection)
        asked = [crowd.submit(town.send, "POST", WHAT_IF, body, NOBODY) for _ in range(30)]
        with town.sessions() as session:
            until(lambda: session.scalar(select(func.count()).select_from(CoverageQuestion)) == 4)
        assert town.get(RUNS).status_code == 200
        told = [each.result().json()["detail"] for each in asked]
    assert sum("Too many questions" in detail for detail in told) == 26
    assert sum("did not answer in time" in detail for detail in told) == 4


def test_a_norm_that_is_asked_for_holds_for_subjects_with_a_policy_of_their_own(dorp: Town) -> None:
    made = covered(dorp, norm_m=500, policy={"norm_m": 700, "service": {"meals": {"min_open_hours": 10}}})
    with dorp.sessions() as session:
        kept = run.policies_of(session.get_one(CoverageRun, UUID(made["id"])))
    meals = kept.of(service="meals")
    assert (kept.base.norm_m, meals.norm_m, meals.min_open_hours) == (500, 500, 10)
    covered(dorp, norm_m=NORM_M, detour=1)  # the live state is as before


@pytest.mark.parametrize("told", [{"kind": {"volunteer": {}}}, {"service": {"mealz": {}}}])
def test_a_policy_of_a_subject_that_there_is_not_is_refused(dorp: Town, told: dict[str, Any]) -> None:
    answer = dorp.send("POST", RUNS, {"policy": told})
    assert answer.status_code == 400
    assert f"{next(iter(told))}.{next(iter(next(iter(told.values()))))} is none" in answer.json()["detail"]


def changes(town: Town, since: str, made: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Give what changed between two runs, by neighbourhood and kind."""
    answer = town.get(f"{RUNS}/{made}/changes", since=since)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["run"], told["since"], told["number"]) == (made, since, len(told["changes"]))
    return {(row["code"], row["kind"]): row for row in told["changes"]}


def because(row: Mapping[str, Any]) -> dict[str, list[str]]:
    return {each["asset"]: each["what"] for each in row["because"]}


def test_what_changed_between_two_runs_is_told_with_the_assets_because_of_which(dorp: Town) -> None:
    settings = {"norm_m": NORM_M, "detour": 1}
    north = room(dorp, "Kamer Noord", 92500, 466500)
    first = covered(dorp, **settings)["id"]
    east = room(dorp, "Kamer Oost", 93500, 465500)
    assert dorp.send("PATCH", f"{ASSETS}/{north}", change(opening_hours="Mo 09:00-10:00")).status_code == 200
    assert dorp.send("PATCH", f"{ASSETS}/{north}", change(name="Andere naam")).status_code == 200
    second = covered(dorp, **settings)["id"]
    found = changes(dorp, first, second)
    assert set(found) == {(code, "community_room") for code in (EAST, "WK900101", GEMEENTE)}
    # 52 of the 100 points of East come within the norm. One part of a week is six hours by policy: enough for North.
    of_east = found[EAST, "community_room"]
    assert (of_east["before"], of_east["after"]) == (
        {"gap": 100, "uncovered": pytest.approx(200), "covered_share": 0},
        {"gap": pytest.approx(48), "uncovered": pytest.approx(96), "covered_share": pytest.approx(0.52)},
    )
    assert (because(of_east), of_east["also"]) == ({east: ["added"]}, [])
    assert because(found[GEMEENTE, "community_room"]) == {east: ["added"], north: ["hours"]}

    moved = dorp.send("PATCH", f"{ASSETS}/{north}", change(spot(92900, 466900)))
    assert moved.status_code == 200
    assert dorp.send("DELETE", f"{ASSETS}/{east}", None).status_code == 204
    third = covered(dorp, **settings)["id"]
    found = changes(dorp, second, third)
    assert because(found[EAST, "community_room"]) == {east: ["closed"]}
    assert [each["name"] for each in found[EAST, "community_room"]["because"]] == [None]
    assert because(found[NORTH, "community_room"]) == {north: ["moved"]}
    assert changes(dorp, first, first) == {}
    assert dorp.send("DELETE", f"{ASSETS}/{north}", None).status_code == 204


def change(geometry: object = None, **properties: object) -> dict[str, object]:
    sent: dict[str, object] = {"type": "Feature", "properties": properties}
    return sent if geometry is None else {**sent, "geometry": geometry}


def test_where_no_asset_changed_the_policy_the_data_or_time_explains_it(dorp: Town) -> None:
    first, second = (covered(dorp, norm_m=norm_m, detour=1)["id"] for norm_m in (NORM_M, 200))
    assert {tuple(row["also"]) for row in changes(dorp, first, second).values()} == {("policy",)}
    third = covered(dorp, norm_m=200, detour=1)["id"]
    older = "UPDATE coverage SET gap = gap - 10 WHERE run_id = :run AND kind = 'community_room'"
    newer = "UPDATE coverage_run SET data = data || '{\"network_edges\": 7}' WHERE id = :run"
    with dorp.sessions.begin() as session:
        session.execute(text(older), {"run": second})
    assert {tuple(row["also"]) for row in changes(dorp, second, third).values()} == {("time",)}
    with dorp.sessions.begin() as session:
        session.execute(text(newer), {"run": third})
    assert {tuple(row["also"]) for row in changes(dorp, second, third).values()} == {("data",)}


def test_a_comparison_that_cannot_be_is_refused(dorp: Town) -> None:
    first, second = (covered(dorp, norm_m=NORM_M, detour=1)["id"] for _ in range(2))
    assert flaws(dorp.get(f"{RUNS}/{first}/changes", since=second)) == {"since"}
    assert flaws(dorp.get(f"{RUNS}/{first}/changes")) == {"since"}
    assert dorp.get(f"{RUNS}/{first}/changes", since="00000000-0000-0000-0000-000000000000").status_code == 404
    waiting = dorp.send("POST", RUNS, {}).json()["id"]
    assert dorp.get(f"{RUNS}/{waiting}/changes", since=first).status_code == 409


def test_an_asset_that_the_public_sees_from_a_day_on_explains_a_change(dorp: Town) -> None:
    """A day passes between two runs: told here by the day of the first, which is set back."""
    hidden = room(dorp, "Kamer Morgen", 93500, 465500, visible_from=(today() + timedelta(1)).isoformat())
    first = covered(dorp, norm_m=NORM_M, detour=1)["id"]
    with dorp.sessions.begin() as session:
        session.execute(text("UPDATE asset SET visible_from = :day WHERE id = :id"), {"day": today(), "id": hidden})
        last = session.scalar(select(func.max(History.id)))
        back = "UPDATE coverage_run SET computed_at = computed_at - interval '1 day', data = data || :told"
        session.execute(text(f"{back} WHERE id = :run"), {"run": first, "told": f'{{"last_change": {last}}}'})
    second = covered(dorp, norm_m=NORM_M, detour=1)["id"]
    assert because(changes(dorp, first, second)[EAST, "community_room"]) == {hidden: ["added"]}
    assert dorp.send("DELETE", f"{ASSETS}/{hidden}", None).status_code == 204


def test_an_asset_without_a_place_explains_a_change_where_it_serves(dorp: Town) -> None:
    settings = {"norm_m": NORM_M, "detour": 1}
    told = {"kind": "care_location", "name": "Thuiszorg", "opening_hours": HOURS, "confirmed_on": today().isoformat()}
    made = dorp.send("POST", ASSETS, feature(None, **told, catchment=[EAST]))
    assert made.status_code == 201, made.text
    item = made.json()["id"]
    first = covered(dorp, **settings)["id"]
    assert dorp.send("PATCH", f"{ASSETS}/{item}", change(catchment=[NORTH])).status_code == 200
    second = covered(dorp, **settings)["id"]
    found = changes(dorp, first, second)
    assert {because(row)[item] == ["catchment"] for row in found.values()} == {True}
    assert {EAST, NORTH, GEMEENTE} <= {code for code, _ in found}
