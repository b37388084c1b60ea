"""The rules of a record, each with the flaw it gives."""

from datetime import date
from typing import Any

import pytest
import shapely

from geo import checks
from geo.vocabulary import Kind

TODAY = date(2026, 11, 22)
ROOM = {"kind": Kind.community_room, "name": "De Zaal"}
WALK = {"title": "Wandelen", "theme": "move", "starts_on": date(2026, 1, 5)}


def fields(values: dict[str, Any]) -> list[str]:
    return [flaw.field for flaw in checks.asset_flaws(values, TODAY)]


def test_a_room_with_a_name_is_sound() -> None:
    assert fields(ROOM) == []


@pytest.mark.parametrize("name", [None, "", "   "])
def test_an_asset_needs_a_name(name: str | None) -> None:
    assert fields({**ROOM, "name": name}) == ["name"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("themes", ["nope"]),
        ("services", ["vervoer"]),
        ("goals", ["x"]),
        ("target_groups", ["all"]),
        ("funding", ["x"]),
        ("accessibility", {"lift": True}),
        ("languages", ["nld"]),
        ("languages", ["NL"]),
        ("legal_form", "nv"),
        ("opening_hours", "ma-vr 9-17 uur"),
        ("founded_in", 999),
        ("founded_in", 2027),
        ("confirmed_on", date(2026, 11, 23)),
        ("ladder_level", 3),
        ("growth", [{"stage": "idea", "since": "2020"}]),
        ("contact", {"email": "somebody"}),
    ],
)
def test_each_wrong_value_is_named(field: str, value: object) -> None:
    assert set(fields({**ROOM, field: value})) == {field}


def test_an_initiative_climbs_a_ladder_of_six() -> None:
    initiative = {**ROOM, "kind": Kind.initiative, "growth": [{"stage": "idea", "since": "2020"}]}
    assert fields({**initiative, "ladder_level": 6}) == []
    assert fields({**initiative, "ladder_level": 7}) == ["ladder_level"]
    assert fields({**initiative, "growth": [{"stage": "later", "since": "2020"}]}) == ["growth"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "ftp://example.org",
        "https://",
        "https://a b.nl",
        "x",
    ],
)
def test_only_web_addresses_are_linked(url: str) -> None:
    assert fields({**ROOM, "url": url}) == ["url"]


def test_it_cannot_be_visible_until_a_day_before_it_is() -> None:
    assert fields({**ROOM, "visible_from": TODAY, "visible_to": date(2026, 11, 21)}) == ["visible_to"]


@pytest.mark.parametrize(
    ("x", "y", "cause"),
    [
        (52.18, 4.47, "latitude, longitude"),
        (92_000, 465_000, "RD New"),
        (13.4, 52.5, "outside the Netherlands"),
        (0, 0, "outside the Netherlands"),
    ],
)
def test_a_place_elsewhere_is_refused_with_the_likely_cause(x: float, y: float, cause: str) -> None:
    flaws = checks.asset_flaws({**ROOM, "place": shapely.Point(x, y)}, TODAY)
    assert [flaw.field for flaw in flaws] == ["geometry"]
    assert cause in flaws[0].reason


def test_an_area_that_crosses_itself_is_refused() -> None:
    bow = shapely.Polygon([(4.4, 52.1), (4.5, 52.2), (4.5, 52.1), (4.4, 52.2)])
    assert fields({**ROOM, "area": bow}) == ["geometry"]


@pytest.mark.parametrize(
    "field",
    ["name", "summary", "description", "address", "postcode", "city", "url", "cost", "organisation", "opening_hours"],
)
def test_nothing_that_tells_who_a_volunteer_is_may_stand_in_the_open(field: str) -> None:
    assert field in fields({"kind": Kind.volunteer, "services": ["meals"], field: "Jan, Dorpsstraat 1"})


def test_a_volunteer_has_a_place_and_a_contact_that_stay_private() -> None:
    person = {
        "kind": Kind.volunteer,
        "services": ["meals"],
        "place": shapely.Point(4.47, 52.18),
        "contact": {"phone": "1"},
    }
    assert fields(person) == []


def test_an_activity_needs_a_title_and_a_theme_that_is_known() -> None:
    assert [f.field for f in checks.activity_flaws({**WALK, "title": " ", "theme": "fun"}, TODAY)] == ["title", "theme"]


def test_an_activity_ends_after_it_starts() -> None:
    from_to = {"time_from": "18:00", "time_to": "17:00", "ends_on": date(2026, 1, 4)}
    assert [f.field for f in checks.activity_flaws({**WALK, **from_to}, TODAY)] == ["ends_on", "time_to"]


def test_all_flaws_are_told_at_once() -> None:
    assert set(fields({"kind": Kind.community_room, "themes": ["x"], "url": "x"})) == {"name", "themes", "url"}
