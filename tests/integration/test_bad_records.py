"""Bad records: a refusal that names the field, or plain text that is given back as it came."""

import json
from typing import Any

import pytest

from tests.integration.evil import EVIL, ROOM, SPOT, WALK, WHOLE, assert_a_sound_page, assert_clear, fields
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, NEIGHBOURHOODS, Town, feature, point, square

GROWN = {"kind": "initiative", "name": "Samen"}
TEXTS = [
    *((ASSETS, field) for field in "name summary description cost address postcode city opening_hours url".split()),
    *((ASSETS, field) for field in "source source_id licence confirmed_by".split()),
    *((ACTIVITIES, field) for field in "title summary cost how_to_join address source source_id licence".split()),
    (NEIGHBOURHOODS, "name"),
]  # every text field that can be sent, and the path that takes it


@pytest.mark.parametrize(("path", "field"), TEXTS)
def test_evil_text_in_a_record_is_refused_by_name_or_given_back_as_it_came(town: Town, path: str, field: str) -> None:
    geometry, whole = WHOLE[path]
    for evil in EVIL:
        answer = town.send("POST", path, feature(geometry, **{**whole, field: evil}))
        assert_clear(answer, (field, evil))
        if answer.status_code == 400:
            assert fields(answer) == {field}
            continue
        assert answer.status_code == 201, answer.text
        item = answer.json()["id"]
        shown = town.get(f"{path}/{item}", ADMIN).json()["properties"]
        assert shown[field] == evil
        page = town.get({ASSETS: f"/places/{item}", ACTIVITIES: f"/activities/{item}"}.get(path, "/"))
        assert page.status_code == 200
        assert_a_sound_page(page)
        if path != NEIGHBOURHOODS:
            assert town.send("DELETE", f"{path}/{item}", None).status_code == 204


@pytest.mark.parametrize(("path", "field"), TEXTS)
@pytest.mark.parametrize(
    "unstorable",
    ["\x00", "a\x00b", "\ud800", "a\udfff", "x" * 30_000],
    ids=["nul", "a nul", "half", "other half", "long"],
)
def test_text_that_cannot_be_stored_is_refused_by_name(town: Town, path: str, field: str, unstorable: str) -> None:
    geometry, whole = WHOLE[path]
    body = json.dumps(feature(geometry, **{**whole, field: unstorable}))
    answer = town.client.post(path, content=body, headers=town.headers(ADMIN) | {"Content-Type": "application/json"})
    assert (answer.status_code, fields(answer)) == (400, {f"properties.{field}"})


def test_evil_text_stands_as_text_in_the_lists_of_the_pages(town: Town) -> None:
    made = [
        town.send("POST", ASSETS, feature(SPOT, kind="initiative", name=evil, summary=evil, address=evil))
        for evil in EVIL
    ]
    activity = {**WALK, "summary": EVIL[0], "how_to_join": EVIL[4], "cost": EVIL[2]}
    walks = [town.send("POST", ACTIVITIES, feature(SPOT, **{**activity, "title": evil})) for evil in EVIL]
    assert {answer.status_code for answer in made + walks} == {201}
    for path in ("/", "/?lang=en", "/?q={{7*7}}", "/?q=<img src=x onerror=alert(1)>", "/?when=week"):
        page = town.get(path)
        assert page.status_code == 200
        assert_a_sound_page(page)
    assert "&lt;img src=x onerror=alert(1)&gt;" in town.get("/").text
    assert "{{7*7}}" in town.get("/").text
    town.client.cookies.clear()


WRONG: list[Any] = [
    None,
    True,
    -1,
    1e300,
    10**30,
    "x",
    "",
    [],
    ["x"],
    [None],
    [[]],
    {},
    {"x": None},
    {"": []},
    ["meals"] * 51,
]
ASSET_FIELDS = """kind name summary description themes services goals target_groups languages cost accessibility address
 postcode city capacity opening_hours organisation url source source_id licence demo status confirmed_on confirmed_by
 visible_from visible_to ladder_level growth legal_form funding founded_in neighbourhood catchment contact""".split()
ACTIVITY_FIELDS = """title summary theme services repeat starts_on ends_on time_from time_to cost how_to_join asset
 address source source_id licence demo status confirmed_on""".split()
EVERY_FIELD = [*((ASSETS, field) for field in ASSET_FIELDS), *((ACTIVITIES, field) for field in ACTIVITY_FIELDS)]


@pytest.mark.parametrize(("path", "field"), EVERY_FIELD)
def test_a_value_of_the_wrong_type_is_refused_by_name_or_stored_as_it_is(town: Town, path: str, field: str) -> None:
    geometry, whole = WHOLE[path]
    item = town.send("POST", path, feature(geometry, **whole)).json()["id"]
    for wrong in WRONG:
        for method, to in (("POST", path), ("PATCH", f"{path}/{item}")):
            sent = {**whole, field: wrong} if method == "POST" else {field: wrong}
            answer = town.send(method, to, feature(geometry, **sent))
            assert_clear(answer, (method, field, wrong))
            assert answer.status_code in (200, 201, 400, 409), (field, wrong, answer.text)
            if answer.status_code == 400:
                named = {name.removeprefix("properties.").split(".")[0] for name in fields(answer)}
                assert field in named, (field, wrong, answer.text)
            elif method == "PATCH":
                assert_shown(town, path, item)


def assert_shown(town: Town, path: str, item: str) -> None:
    """Hold that whatever was stored can be read as a feature and as a page."""
    page = {ASSETS: f"/places/{item}", ACTIVITIES: f"/activities/{item}"}[path]
    assert town.get(f"{path}/{item}", ADMIN).status_code == 200
    assert town.get(page).status_code in (200, 404)


GROWTH = [
    "2024-13",
    "2024-02-30",
    "0000",
    "2024-00",
    "24",
    "2024-1",
    "٢٠٢٤",
    "2024-01-01T00",
    "{{7*7}}",
    "",
    None,
    2024,
]


@pytest.mark.parametrize("since", GROWTH)
def test_a_growth_stage_since_a_day_that_is_none_is_refused(town: Town, since: object) -> None:
    answer = town.send("POST", ASSETS, feature(None, **GROWN, growth=[{"stage": "idea", "since": since}]))
    assert answer.status_code == 400
    assert "growth" in answer.text


@pytest.mark.parametrize("since", ["2024", "2024-02", "2024-02-29", "0001", "9999-12-31"])
def test_a_growth_stage_since_a_year_a_month_or_a_day_is_shown(town: Town, since: str) -> None:
    made = town.send("POST", ASSETS, feature(None, **GROWN, growth=[{"stage": "idea", "since": since}]))
    assert made.status_code == 201
    assert_shown(town, ASSETS, made.json()["id"])


@pytest.mark.parametrize("day", ["0001-01-01", "1582-10-10", "9999-12-31"])
@pytest.mark.parametrize("repeat", ["once", "weekly"])
def test_an_activity_at_an_end_of_the_calendar_is_shown(town: Town, day: str, repeat: str) -> None:
    told = {
        **WALK,
        "repeat": repeat,
        "starts_on": day,
        "confirmed_on": "0001-01-01",
        "time_from": "00:00",
        "time_to": "23:59:59.999",
    }
    made = town.send("POST", ACTIVITIES, feature(SPOT, **told))
    assert made.status_code == 201
    assert_shown(town, ACTIVITIES, made.json()["id"])
    for path in ("/", "/?when=week", f"{ACTIVITIES}?datetime=9999-12-31", f"{ACTIVITIES}?datetime=../0001-01-02"):
        assert town.get(path).status_code == 200


NO_BODIES: list[bytes] = [
    b"", b"null", b"[]", b"1", b'"x"', b"true", b"{", b"{'a': 1}", b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"{}",
    b"[" * 100_000,
    b'{"a":' * 100_000, b'{"properties": ' * 50_000 + b"1" + b"}" * 50_000, b"9" * 100_000, b'"\\ud800"',
    b'{"\\ud800": 1}',
    b'{"type": "Feature", "properties": {"\\u0000": 1}}', b'{"type": "Feature", "properties": {"\\ud800": 1}}',
    b'{"type": "Feature", "geometry": {"type": "\\ud800"}, "properties": {}}', b'{"type": "\\ud800", "properties": {}}',
    b'{"type": "Feature", "properties": {"accessibility": {"\\ud800": true}}}', b"<xml/>", b"a=1&b=2",
    b'{"type": "Feature", "properties": {"capacity": ' + b"1" * 5000 + b"}}",
    b'{"type": "Feature", "properties": {"capacity": NaN}}',
    b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [NaN, 1e999]}, "properties": {}}',
    b'{"type": "FeatureCollection", "features": []}', b'{"__proto__": {"type": "Feature"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", NO_BODIES, ids=[f"{n}-{body[:12]!r}" for n, body in enumerate(NO_BODIES)])
def test_a_body_that_is_no_record_is_refused(town: Town, body: bytes) -> None:
    headers = town.headers(ADMIN) | {"Content-Type": "application/json"}
    for path in (ASSETS, ACTIVITIES, NEIGHBOURHOODS):
        answer = town.client.post(path, content=body, headers=headers)
        assert answer.status_code == 400, path
        assert_clear(answer, path)
    if body != b"{}":
        answer = town.client.post("/v1/coverage/runs", content=body, headers=headers)
        assert answer.status_code == 400
        assert_clear(answer)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/html", "multipart/form-data", "application/x-www-form-urlencoded", "x", ""]
)
def test_a_body_that_says_it_is_no_json_is_refused(town: Town, content_type: str) -> None:
    body = json.dumps(feature(SPOT, **ROOM))
    answer = town.client.post(ASSETS, content=body, headers=town.headers(ADMIN) | {"Content-Type": content_type})
    if content_type:
        assert (answer.status_code, fields(answer)) == (400, {"body"})
    assert_clear(answer)


@pytest.mark.parametrize("norm", [0, -1, 1e300, 50_001, "x", None, [], True, {}])
def test_a_run_with_a_norm_that_is_none_is_refused(town: Town, norm: object) -> None:
    if norm is not None and norm is not True:
        assert fields(town.send("POST", "/v1/coverage/runs", {"norm_m": norm})) == {"norm_m"}
    assert fields(town.send("POST", "/v1/coverage/runs", {"detour": 0.5})) == {"detour"}
    assert fields(town.send("POST", "/v1/coverage/runs", {"foo": norm})) == {"foo"}


SHAPES: list[object] = [
    {}, [], "x", 1, {"type": "Point"}, {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": [4.47]},
    {"type": "Point", "coordinates": [4.47, None]}, {"type": "Point", "coordinates": [4.47, 52.18, 1, 2]},
    point(52.18, 4.47), point(92000, 465000), point(0, 0), point(1e308, -1e308), point(4.47, 91),
    {"type": "LineString", "coordinates": []},
    {"type": "GeometryCollection", "geometries": []}, {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[]]},
    {"type": "Polygon", "coordinates": [[[4.4, 52.1], [4.5, 52.2], [4.5, 52.1], [4.4, 52.2], [4.4, 52.1]]]},
    {"type": "Polygon", "coordinates": [[[4.4, 52.1]] * 4]},
    {"type": "Polygon", "coordinates": [[[4.4, 52.1], [1e308, -1e308]] * 2]},
    {"type": "Polygon", "coordinates": [[[4.4, 52.1], [4.5, 52.1, 1], [4.5, 52.2], [4.4, 52.1]]]},
    {"type": "MultiPolygon", "coordinates": [[]]},
    {"type": "MultiPolygon", "coordinates": [square(4.4, 52.1, 0.1)["coordinates"]] * 2},
    {"type": "point", "coordinates": [4.47, 52.18]},
    {"type": ["Point"], "coordinates": [4.47, 52.18]}, {**point(4.47, 52.18), "crs": "EPSG:28992"},
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=[f"{n}-{str(shape)[:40]}" for n, shape in enumerate(SHAPES)])
def test_a_geometry_that_cannot_be_a_place_here_is_refused_by_name(town: Town, shape: object) -> None:
    for path, (_, whole) in WHOLE.items():
        answer = town.send("POST", path, feature(shape, **whole))
        assert answer.status_code == 400, path
        assert {name.split(".")[0] for name in fields(answer)} == {"geometry"}, answer.text


@pytest.mark.parametrize("sent", ["x", "1.5", "-1", '"1', "'1'", "W/", "9" * 20, "٣", "NaN", '"1", "2"', ""])
def test_a_version_that_is_none_is_refused(town: Town, sent: str) -> None:
    item = town.send("POST", ASSETS, feature(SPOT, **ROOM)).json()["id"]
    headers = {b"X-API-Key": town.keys[ADMIN].encode(), b"If-Match": sent.encode()}
    answer = town.client.patch(f"{ASSETS}/{item}", json=feature(name="Zaal"), headers=headers)
    assert answer.status_code in ((400, 200) if sent == '"1' else (400,))
    assert_clear(answer)
