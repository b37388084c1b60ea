"""Every filter of the API finds what paper says it should, in a hamlet of three squares."""

from typing import Any

import pytest

from tests.integration.town import (
    ACTIVITIES,
    ASSETS,
    COVERAGE,
    EAST,
    GEMEENTE,
    NEIGHBOURHOODS,
    NORTH,
    WEST,
    Town,
    box,
    covered,
    feature,
    spot,
)

IN_WEST, IN_EAST, NOWHERE = spot(92500, 465500), spot(93500, 465500), None
IN_NORTH = box(92400, 466400, 92600, 466600)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2026-11-{day}" for day in range(23, 28))

RECORDS: list[dict[str, object]] = [
    feature(
        IN_WEST, kind="community_room", name="Aula", services=["meals", "meeting"], opening_hours="Mo 10:00-12:00",
        themes=["meet"], summary="Samen aan tafel",
    ),
    feature(IN_EAST, kind="community_room", name="Buurtkamer", services=["meals"], opening_hours="We 19:00-21:00"),
    feature(IN_NORTH, kind="initiative", name="Coöperatie ÉÉNHOORN", ladder_level=6),
    feature(NOWHERE, kind="care_location", name="Dagopvang 100%", services=["day_care"], neighbourhood=WEST,
            catchment=["WK900102"]),
    feature(NOWHERE, kind="initiative", name="Eetclub", services=["meals"], catchment=[GEMEENTE]),
]  # fmt: skip


@pytest.fixture(scope="module")
def village(hamlet: Town) -> Town:
    """Give Testdorp with five assets (A to E) and three activities."""
    made = [hamlet.send("POST", ASSETS, record).json()["id"] for record in RECORDS]
    walk = {"title": "Wandelen", "theme": "move", "repeat": "weekly", "starts_on": "2026-11-03", "asset": made[0]}
    market = {
        "title": "Kerstmarkt",
        "theme": "meet",
        "repeat": "once",
        "starts_on": "2026-12-12",
        "services": ["meals"],
    }
    course = {
        "title": "Cursus",
        "theme": "learn",
        "repeat": "weekly",
        "starts_on": "2026-11-05",
        "ends_on": "2026-11-19",
    }
    for record in (feature(None, **walk), feature(IN_EAST, **market), feature(None, **course, asset=made[3])):
        assert hamlet.send("POST", ACTIVITIES, record).status_code == 201
    covered(hamlet)
    return hamlet


def found(town: Town, path: str, **asked: Any) -> str:
    """Give the first letters of what is found, in the order of the answer."""
    answer = town.get(path, **asked).json()
    assert answer["numberMatched"] == answer["numberReturned"] == len(answer["features"])
    return "".join((item["properties"].get("name") or item["properties"]["title"])[0] for item in answer["features"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "ABCDE"),
        ({"kind": "community_room"}, "AB"),
        ({"kind": "community_room,initiative"}, "ABCE"),
        ({"kind": ["care_location", "initiative"]}, "CDE"),
        ({"kind": "volunteer"}, ""),
        ({"service": "meals"}, "ABE"),
        ({"service": "day_care,meeting"}, "AD"),
        ({"service": "nursing"}, ""),
        ({"service": "meals", "kind": "initiative"}, "E"),
        ({"q": "aula"}, "A"),
        ({"q": "BUURTKAMER"}, "B"),
        ({"q": "éénhoorn"}, "C"),
        ({"q": "coöperatie éénhoorn"}, "C"),
        ({"q": "tafel samen"}, "A"),
        ({"q": "aula buurtkamer"}, ""),
        ({"q": "maaltijden"}, "ABE"),
        ({"q": "100%"}, "D"),
        ({"q": "meals", "kind": "community_room"}, "AB"),
        ({"datetime": MONDAY}, "A"),
        ({"datetime": WEDNESDAY}, "B"),
        ({"datetime": f"{MONDAY}/{WEDNESDAY}"}, "AB"),
        ({"datetime": f"{TUESDAY}/{TUESDAY}"}, ""),
        ({"datetime": f"{THURSDAY}/2026-12-01"}, "A"),
        ({"datetime": f"{THURSDAY}/.."}, "AB"),
        ({"datetime": f"../{THURSDAY}"}, "AB"),
        ({"datetime": "2026-11-22T23:30:00Z"}, "A"),  # half past midnight on Monday in the Netherlands
        ({"datetime": "2026-11-22T22:30:00Z"}, ""),
        ({"neighbourhood": WEST}, "ADE"),
        ({"neighbourhood": f"{WEST}.2025"}, "ADE"),
        ({"neighbourhood": EAST}, "BE"),
        ({"neighbourhood": NORTH}, "CDE"),
        ({"neighbourhood": "WK900101"}, "ABDE"),
        ({"neighbourhood": "WK900102"}, "CDE"),
        ({"neighbourhood": GEMEENTE}, "ABCDE"),
        ({"neighbourhood": "BU99999999"}, ""),
        ({"neighbourhood": f"{WEST}.1999"}, ""),
    ],
    ids=str,
)
def test_a_filter_of_the_assets_finds_what_it_asks_for(village: Town, asked: dict[str, Any], expected: str) -> None:
    assert found(village, ASSETS, **asked) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "CKW"),
        ({"datetime": "2026-11-02"}, ""),
        ({"datetime": "2026-11-03"}, "W"),
        ({"datetime": "2026-11-04"}, ""),
        ({"datetime": "2026-11-05"}, "C"),
        ({"datetime": TUESDAY}, "W"),
        ({"datetime": WEDNESDAY}, ""),
        ({"datetime": "2026-11-19"}, "C"),
        ({"datetime": THURSDAY}, ""),
        ({"datetime": f"2026-11-19/{TUESDAY}"}, "CW"),
        ({"datetime": "2026-12-12"}, "K"),
        ({"datetime": "2026-12-12T12:00:00+01:00"}, "K"),
        ({"datetime": "2026-12-01/.."}, "KW"),
        ({"datetime": "../2026-11-03"}, "W"),
        ({"datetime": "../2026-11-02"}, ""),
        ({"datetime": "2026-11-20/2026-11-23"}, ""),
        ({"neighbourhood": WEST}, "CW"),
        ({"neighbourhood": EAST}, "K"),
        ({"neighbourhood": NORTH}, ""),
        ({"neighbourhood": "WK900101"}, "CKW"),
        ({"theme": "move,learn"}, "CW"),
        ({"service": "meals"}, "K"),
        ({"q": "wandelen"}, "W"),
        ({"q": "leren"}, "C"),
    ],
    ids=str,
)
def test_a_filter_of_the_activities_finds_what_it_asks_for(village: Town, asked: dict[str, Any], expected: str) -> None:
    assert found(village, ACTIVITIES, **asked) == expected


def bounds(west: float, south: float, east: float, north: float) -> str:
    """Give the degrees between two corners in metres, RD New."""
    corners = [spot(west, south)["coordinates"], spot(east, north)["coordinates"]]
    return ",".join(f"{degrees:.7f}" for corner in corners for degrees in corner)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("metres", "assets", "activities", "neighbourhoods"),
    [
        ((92490, 465490, 92510, 465510), "A", "W", 3),  # a spot in West: the buurt, its wijk, the gemeente
        ((92490, 465490, 93510, 465510), "AB", "KW", 4),
        ((92590, 466590, 92610, 466610), "C", "", 3),  # only a corner of the area
        ((92610, 466610, 92620, 466620), "", "", 3),
        ((90000, 460000, 99000, 470000), "ABC", "KW", 6),
        ((95000, 460000, 99000, 470000), "", "", 0),
    ],
)
def test_a_box_finds_what_touches_it(
    village: Town, metres: tuple[float, float, float, float], assets: str, activities: str, neighbourhoods: int
) -> None:
    asked = bounds(*metres)
    assert found(village, ASSETS, bbox=asked) == assets
    assert found(village, ACTIVITIES, bbox=asked) == activities
    assert len(found(village, NEIGHBOURHOODS, bbox=asked, level="buurt,wijk,gemeente")) == neighbourhoods


def test_a_box_may_have_heights_and_may_cross_the_date_line(village: Town) -> None:
    west, south, east, north = bounds(92490, 465490, 93510, 465510).split(",")
    assert found(village, ASSETS, bbox=f"{west},{south},-10,{east},{north},100") == "AB"
    assert found(village, ASSETS, bbox="170,-90,-170,90") == ""
    assert found(village, ASSETS, bbox="4,50,-170,54") == "ABC"


def test_a_neighbourhood_that_residents_drew_holds_what_lies_in_its_outline(village: Town) -> None:
    made = village.send("POST", NEIGHBOURHOODS, feature(box(92400, 465400, 93600, 465600), name="Ons lint")).json()
    for named in (made["id"], made["properties"]["code"]):
        assert found(village, ASSETS, neighbourhood=named) == "AB"
        assert found(village, ACTIVITIES, neighbourhood=named) == "KW"
        assert found(village, NEIGHBOURHOODS, neighbourhood=named) == "O"
    assert found(village, NEIGHBOURHOODS, level="drawn") == "O"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"level": "buurt"}, "WEN"),
        ({"level": "buurt,wijk"}, "WENWW"),
        ({"neighbourhood": "WK900101"}, "WEW"),
        ({"neighbourhood": WEST}, "W"),
        ({"q": "noord"}, "N"),
        ({"q": "wijk wk900102"}, "W"),
    ],
    ids=str,
)
def test_a_filter_of_the_neighbourhoods_finds_what_it_asks_for(
    village: Town, asked: dict[str, Any], expected: str
) -> None:
    assert found(village, NEIGHBOURHOODS, **asked) == expected


def test_coverage_is_that_of_now_unless_a_run_is_asked_for(village: Town) -> None:
    first = village.get("/v1/coverage/runs").json()["runs"][0]["id"]
    latest = covered(village, norm_m=300)
    asked = {"kind": "community_room", "neighbourhood": WEST}
    rows = [
        village.get(COVERAGE, **asked, **more).json()["features"]
        for more in ({}, {"run": latest["id"]}, {"run": first})
    ]
    assert [len(row) for row in rows] == [1, 1, 1]
    now, newest = ({**row[0]["properties"], "run": None, "computed_at": None} for row in rows[:2])
    assert now == newest
    assert [row[0]["properties"]["run"] for row in rows[1:]] == [latest["id"], first]
    assert [row[0]["properties"]["norm_m"] for row in rows] == [300, 300, 800]
    assert [run["id"] for run in village.get("/v1/coverage/runs").json()["runs"]][:2] == [latest["id"], first]
    assert village.get(COVERAGE, run="00000000-0000-0000-0000-000000000000").json()["numberMatched"] == 0


def test_the_residents_of_every_level_add_up(village: Town) -> None:
    rows = village.get(COVERAGE, kind="community_room", limit=100).json()["features"]
    told = {row["properties"]["code"]: row["properties"]["residents"] for row in rows}
    assert [told[code] for code in (WEST, EAST, NORTH, "WK900101", "WK900102", GEMEENTE)] == [
        100,
        200,
        300,
        300,
        300,
        600,
    ]
