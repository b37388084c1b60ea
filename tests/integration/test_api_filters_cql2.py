"""Systems of coordinates, filters, order and properties, as OGC API Features parts 2 and 3 want them."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import mapping, shape
from sqlalchemy import text

from geo.crs import CRS84, KNOWN, Crs
from geo.vocabulary import Role
from tests.integration.people import signed_in
from tests.integration.town import ACTIVITIES, ASSETS, COVERAGE, NEIGHBOURHOODS, Town

PATHS = {"assets": ASSETS, "activities": ACTIVITIES, "neighbourhoods": NEIGHBOURHOODS, "coverage": COVERAGE}
RD = KNOWN[1]
Item = dict[str, Any]


def _in_rd(xy: Any) -> Any:
    return np.column_stack(pyproj.Transformer.from_crs("OGC:CRS84", 28992, always_xy=True).transform(*xy.T))


def items(town: Town, path: str, **asked: str) -> list[Item]:
    told_by_name = {name.replace("_", "-"): value for name, value in asked.items()}
    answer = town.client.get(path, params={"limit": "10000", **told_by_name})
    assert answer.status_code == 200, answer.text
    told: list[Item] = answer.json()["features"]
    return told


def refused(town: Town, path: str, **asked: str) -> str:
    answer = town.client.get(path, params={name.replace("_", "-"): value for name, value in asked.items()})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["detail"])


def points(item: Item) -> list[tuple[float, float]]:
    return [(x, y) for x, y, *_ in shapely.get_coordinates(shape(item["geometry"])).tolist()]


@pytest.mark.parametrize("crs", KNOWN, ids=lambda crs: crs.uri[-12:])
@pytest.mark.parametrize("name", PATHS)
def test_features_come_in_every_system_in_the_order_of_its_axes(town: Town, name: str, crs: Crs) -> None:
    there = pyproj.Transformer.from_crs("OGC:CRS84", crs.srid, always_xy=True)
    answer = town.get(PATHS[name], limit=50, crs=crs.uri)
    assert answer.headers["content-crs"] == f"<{crs.uri}>"
    told, plain = answer.json()["features"], town.get(PATHS[name], limit=50).json()["features"]
    assert [item["id"] for item in told] == [item["id"] for item in plain]
    metres = crs.srid in (28992, 3857)
    for item, known in zip(told, plain, strict=True):
        if known["geometry"] is None:
            assert item["geometry"] is None
            continue
        expected = [there.transform(*spot) if metres else spot for spot in points(known)]
        wanted = [spot[::-1] if crs.flipped else spot for spot in expected]
        for here, other in zip(points(item), wanted, strict=True):
            assert here == pytest.approx(other, abs=0.3 if metres else 3e-6)
    one = town.get(f"{PATHS[name]}/{told[0]['id']}", crs=crs.uri)
    assert one.headers["content-crs"] == f"<{crs.uri}>"
    assert one.json()["geometry"] == told[0]["geometry"]


def test_a_box_is_read_in_every_system(town: Town) -> None:
    places = {item["id"]: shape(item["geometry"]) for item in items(town, ASSETS) if item["geometry"]}
    in_rd = {item: shapely.transform(place, _in_rd) for item, place in places.items()}
    box = shapely.box(92_000, 464_500, 94_000, 466_500)
    expected = {item for item, place in in_rd.items() if place.intersects(box)}
    assert 3 < len(expected) < len(places)
    for crs, numbers in (
        (RD, box.bounds),
        (KNOWN[3], shapely.transform(box, _to(3857), interleaved=False).bounds),
        (KNOWN[4], [shapely.transform(box, _to(4326), interleaved=False).bounds[i] for i in (1, 0, 3, 2)]),
    ):
        found = {item["id"] for item in items(town, ASSETS, bbox=",".join(map(str, numbers)), bbox_crs=crs.uri)}
        assert found >= expected if crs != RD else found == expected
    short = {item["id"] for item in items(town, ASSETS, bbox="92000,464500,94000,466500", bbox_crs="EPSG:28992")}
    assert short == expected


def _to(srid: int) -> Any:
    return pyproj.Transformer.from_crs(28992, srid, always_xy=True).transform


def test_a_system_that_is_not_known_is_refused_with_those_that_are(town: Town) -> None:
    for parameter in ("crs", "bbox_crs", "filter_crs"):
        said = refused(town, ASSETS, **{parameter: "EPSG:31370", "filter": "name = 'x'", "bbox": "4,52,5,53"})
        assert parameter.replace("_", "-") in said
        assert CRS84.uri in said
    assert "bbox" in refused(town, ASSETS, bbox="4,52,5,53,6", bbox_crs=RD.uri)
    assert "outside the world" in refused(town, ASSETS, bbox="1e9,1e9,2e9,2e9", bbox_crs=RD.uri)
    assert "beginning" in refused(town, ASSETS, bbox="94000,464500,92000,466500", bbox_crs=RD.uri)


def _uur(told: Item) -> bool:
    return "uur" in told["name"] and told["kind"] != "care_location"


def _weekly(told: Item) -> bool:
    return bool(told["repeat"] == "weekly" and told["theme"] != "meet")


def _large(told: Item) -> bool:
    return bool(told["level"] == "buurt" and (told["residents"] or 0) >= 1000)


def _peopled(told: Item) -> bool:
    return (told["residents"] or 0) > 1000 and told["kind"] == "initiative"


@pytest.mark.parametrize(
    ("name", "told", "meant"),
    [
        ("assets", "kind = 'initiative'", lambda p: p["kind"] == "initiative"),
        ("assets", "name LIKE '%uur%' AND NOT kind = 'care_location'", _uur),
        ("assets", "capacity BETWEEN 10 AND 40", lambda p: p["capacity"] is not None and 10 <= p["capacity"] <= 40),
        ("assets", "capacity IS NULL", lambda p: p["capacity"] is None),
        ("assets", "kind IN ('initiative', 'care_location') OR demo = FALSE", lambda p: p["kind"] != "community_room"),
        ("assets", "confirmed_on < DATE('2026-01-01')", lambda p: (p["confirmed_on"] or "9") < "2026-01-01"),
        ("assets", "updated_at > TIMESTAMP('2020-01-01T00:00:00Z')", lambda p: p["updated_at"] > "2020"),
        ("activities", "repeat = 'weekly' AND theme <> 'meet'", _weekly),
        ("neighbourhoods", "level = 'buurt' AND residents >= 1000", _large),
        ("coverage", "residents > 1000 AND kind = 'initiative'", _peopled),
    ],
    ids=lambda told: told if isinstance(told, str) else "",
)  # fmt: skip
def test_a_filter_gives_the_features_that_it_means(town: Town, name: str, told: str, meant: Any) -> None:
    expected = [item["id"] for item in items(town, PATHS[name]) if meant(item["properties"])]
    assert [item["id"] for item in items(town, PATHS[name], filter=told)] == expected
    assert expected


def test_a_filter_as_json_means_the_same_and_goes_with_other_questions(town: Town) -> None:
    node = {"op": "=", "args": [{"property": "kind"}, "initiative"]}
    plain = items(town, ASSETS, filter="kind = 'initiative'")
    assert items(town, ASSETS, filter=json.dumps(node), filter_lang="cql2-json") == plain
    assert items(town, ASSETS, kind="initiative") == plain
    both = items(town, ASSETS, filter="name LIKE 'B%'", kind="initiative")
    assert {item["properties"]["name"][0] for item in both} == {"B"}
    assert {item["properties"]["kind"] for item in both} == {"initiative"}
    assert "filter-lang" in str(town.get(ASSETS, **{"filter": "x", "filter-lang": "ecql"}).json()["errors"])


def test_what_lies_near_or_within_is_found_in_metres_and_in_any_system(town: Town) -> None:
    places = {item["id"]: shape(item["geometry"]) for item in items(town, ASSETS) if item["geometry"]}
    spots = {item: place.coords[0] for item, place in places.items() if place.geom_type == "Point"}
    x, y = next(iter(spots.values()))
    geod = pyproj.Geod(ellps="WGS84")
    near = {item for item, at in spots.items() if geod.inv(x, y, at[0], at[1])[2] <= 800}
    told = f"s_dwithin(geometry, POINT({x} {y}), 800)"
    assert near == {item["id"] for item in items(town, ASSETS, filter=told)} & spots.keys()
    assert 1 < len(near) < len(spots)
    box = shapely.box(92_000, 464_500, 94_000, 466_500)
    node = {"op": "s_intersects", "args": [{"property": "geometry"}, mapping(box)]}
    by_filter = items(town, ASSETS, filter=json.dumps(node), filter_lang="cql2-json", filter_crs=RD.uri)
    by_box = items(town, ASSETS, bbox="92000,464500,94000,466500", bbox_crs=RD.uri)
    assert {item["id"] for item in by_filter} == {item["id"] for item in by_box} != set()


@pytest.mark.parametrize("name", PATHS)
def test_what_can_be_asked_is_told_and_can_be_asked(town: Town, name: str) -> None:
    root = f"/v1/collections/{name}"
    asked, sorted_by, held = (town.get(f"{root}/{path}").json() for path in ("queryables", "sortables", "schema"))
    shown = set(items(town, PATHS[name])[0]["properties"])
    assert set(asked["properties"]) - {"geometry"} == set(sorted_by["properties"]) < shown
    assert set(held["properties"]) == shown | {"geometry"}
    assert (asked["additionalProperties"], "additionalProperties" in held) == (False, False)
    for field in asked["properties"]:
        assert town.get(PATHS[name], filter=f"{field} IS NULL", limit=1).status_code == 200, field
    for field in sorted_by["properties"]:
        assert town.get(PATHS[name], sortby=f"-{field}", limit=1).status_code == 200, field
    for path in ("queryables", "sortables", "schema"):
        answer = town.get(f"{root}/{path}")
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"].endswith(f"{root}/{path}")


def test_features_come_in_the_order_that_is_asked_with_the_unknown_last(town: Town) -> None:
    for asked, rising in (("capacity,-name", True), ("-capacity,-name", False)):
        told = [item["properties"] for item in items(town, ASSETS, sortby=asked)]
        known = [each["capacity"] for each in told if each["capacity"] is not None]
        assert known == sorted(known, reverse=not rising)
        assert [each["capacity"] for each in told] == known + [None] * (len(told) - len(known))
    first = town.get(ASSETS, sortby="-name", limit=5).json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    second = town.client.get(following.removeprefix("http://kaart.test")).json()
    names = [item["properties"]["name"] for item in first["features"] + second["features"]]
    assert len(names) == 10
    with_all = [item["properties"]["name"] for item in items(town, ASSETS, sortby="-name")]
    assert names == with_all[:10]


def test_only_the_properties_that_are_asked_for_come(town: Town) -> None:
    for item in items(town, ASSETS, properties="name,kind"):
        assert set(item["properties"]) == {"name", "kind"}
    one = items(town, ASSETS)[0]["id"]
    assert set(town.get(f"{ASSETS}/{one}", properties="name").json()["properties"]) == {"name"}
    assert set(town.get(ASSETS, properties="", limit=1).json()["features"][0]["properties"]) == set()


def test_what_is_not_shown_is_not_asked_for_ordered_by_or_filtered(town: Town) -> None:
    for hidden in ("made_by", "confirmed_by", "password", "open_mask", "words"):
        assert hidden in refused(town, ASSETS, filter=f"{hidden} IS NULL")
        assert hidden in refused(town, ASSETS, sortby=hidden)
        assert hidden in refused(town, ASSETS, properties=hidden)
    steward = signed_in(town, "steward@example.nl", Role.steward, areas=["BU05790102"])
    assert steward.client.get(ASSETS, params={"filter": "confirmed_by IS NULL", "limit": 1}).status_code == 200


def test_a_filter_that_is_wrong_names_the_parameter_and_where(town: Town) -> None:
    answer = town.get(ASSETS, filter="kind = = 'x'")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == ["filter"]
    assert "character 8" in answer.json()["detail"]
    assert "SELECT" not in answer.text


@pytest.mark.parametrize(
    ("name", "sortby"),
    [
        *((name, "") for name in PATHS), ("assets", "-capacity"), ("assets", "confirmed_on,-name"), ("assets", "kind"),
        ("activities", "-next_on"), ("activities", "theme,-starts_on"), ("neighbourhoods", "-residents,level"),
        ("coverage", "-uncovered"), ("coverage", "nearest_name,level"), ("neighbourhoods", "-updated_at,schematic"),
    ],
)  # fmt: skip
def test_pages_follow_one_another_to_the_end_in_any_order(town: Town, name: str, sortby: str) -> None:
    whole = [item["id"] for item in items(town, PATHS[name], sortby=sortby)]
    limit = max(1, len(whole) // 7)
    answer, seen = town.client.get(PATHS[name], params={"limit": limit, "sortby": sortby}).json(), []
    while True:
        assert answer["numberMatched"] == len(whole)
        seen += [item["id"] for item in answer["features"]]
        onward = [link["href"] for link in answer["links"] if link["rel"] == "next"]
        if not onward:
            break
        answer = town.client.get(onward[0]).json()
    assert seen == whole
    assert len(whole) > limit


def test_a_page_begins_after_the_one_before_whatever_came_and_went(town: Town) -> None:
    first = town.client.get(ASSETS, params={"limit": 5}).json()
    onward = next(link["href"] for link in first["links"] if link["rel"] == "next")
    expected = town.client.get(onward).json()["features"]
    with town.sessions.begin() as session:
        session.execute(text("DELETE FROM activity WHERE asset_id = :id"), {"id": first["features"][4]["id"]})
        session.execute(text("UPDATE asset SET status = 'archived' WHERE id = :id"), {"id": first["features"][4]["id"]})
        session.execute(
            text("UPDATE asset SET name = 'AAA' || name WHERE id = :id"), {"id": first["features"][3]["id"]}
        )
    assert [item["id"] for item in town.client.get(onward).json()["features"]] == [item["id"] for item in expected]


def test_a_cursor_that_no_page_of_this_list_gave_is_refused_by_name(town: Town) -> None:
    by_name = next(
        link["href"] for link in town.client.get(ASSETS, params={"limit": 5}).json()["links"] if link["rel"] == "next"
    )
    cursor = parse_qs(urlsplit(by_name).query)["cursor"][0]
    for told in ("x", "e30", "bnVsbA", "W10", "A" * 4096, cursor[:-3], "WyIiLCJhIiwibm8tdXVpZCJd", "\u00e9"):
        assert "cursor" in refused(town, ASSETS, cursor=told)
    assert "cursor" in refused(town, ASSETS, cursor=cursor, sortby="kind")
    assert "cursor" in refused(town, ASSETS, cursor=cursor, offset="3")
    assert "cursor" in refused(town, NEIGHBOURHOODS, cursor=cursor)
