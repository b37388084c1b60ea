"""HSDS as a partner reads it: every object is what the specification says, and every list holds what it should."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import event, text

from geo.days import today
from geo.hsds.terms import TERMS, Named, taxonomy_id, term_id
from geo.settings import CHECKOUT
from geo.vocabulary import ACCESSIBILITY, FUNDING, GOALS, SERVICES, TARGET_GROUPS, THEMES
from tests.integration.town import ACTIVITIES, ADMIN, AGREED, ASSETS, NOBODY, Town, feature, point, square

SCHEMAS = CHECKOUT.parent / "shared" / "data" / "standards" / "hsds"
HSDS = "/v1/hsds"
LISTS = ("organizations", "services", "service_at_locations", "locations", "taxonomies", "taxonomy_terms")
OF_RECORDS = LISTS[:4]
HOURS = (None, "Mo-Fr 09:00-17:00; PH off", "Tu[1] 10:00-12:00", "24/7", "Apr-Sep: Mo 09:00-17:00", "Mo off")
CANARY = "{{7*7}} </script><script>alert(1)</script> \u2028 & \"q\" 'p'"
SECRET = "canary-2b91"
NOBODY_KNOWS = "00000000-0000-4000-8000-000000000000"


def made(town: Town, path: str, geometry: object = None, **told: object) -> str:
    """Store a record, and give its id."""
    answer = town.send("POST", path, feature(geometry, **told))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def filled(town: Town) -> Town:
    """Give the demo municipality with made-up records of many shapes, and with some that nobody may see."""
    chance = Random("hsds")
    kinds, shapes = (
        ("community_room", "initiative", "care_location"),
        (None, point(4.47, 52.18), square(4.46, 52.17, 0.01)),
    )
    hosts = [shaped(town, chance, *told) for told in product(kinds, shapes, (None, "Straat 1"), (False, True))]
    for number, host in enumerate([None, None, *hosts[:12]]):
        for place, address in product((None, point(4.48, 52.19)), (None, "Achterzaal")):
            once = {"repeat": "once", "starts_on": "2020-02-29"}
            weekly = {"repeat": "weekly", "starts_on": "2020-03-02", "ends_on": [None, "2021-03-01"][number % 2]}
            told = {**(once if number % 3 == 0 else weekly), "cost": ["Gratis", None][number % 2]}
            told |= {"time_from": "19:30", "time_to": "21:00"} if number % 2 else {}
            words = {"title": f"Samen {number}", "summary": [None, CANARY][number % 2], "how_to_join": CANARY}
            made(town, ACTIVITIES, place, theme="meet", asset=host, address=address, **told, **words)
    hide(town)
    return town


def shaped(town: Town, chance: Random, kind: str, shape: object, address: str | None, run: bool) -> str:
    """Store an asset with values that are drawn by chance."""
    of_initiatives = {"growth": [{"stage": "ended", "since": "2024"}], "ladder_level": 3}
    return made(
        town, ASSETS, shape, kind=kind, address=address, name=f"Made {chance.random()}",
        summary=chance.choice([None, CANARY]), description=chance.choice([None, CANARY]),
        services=chance.sample([*SERVICES], 2), themes=chance.sample([*THEMES], 2), goals=[*GOALS],
        target_groups=chance.sample([*TARGET_GROUPS], 3), languages=["nl", "ar"], funding=[*FUNDING][:2],
        cost=chance.choice([None, "Gratis", "€ 2"]), accessibility=dict.fromkeys(ACCESSIBILITY, chance.random() < 0.5),
        postcode=chance.choice([None, "2341 AB"]), city=chance.choice([None, "Oegstgeest"]), capacity=12,
        opening_hours=chance.choice(HOURS), url=chance.choice([None, "https://example.org/é?a={{7*7}}"]),
        organisation={"name": CANARY, "url": "https://example.org/x", "legal_form": "foundation"} if run else None,
        neighbourhood="BU05790102", catchment=chance.choice([[], ["GM0579"]]), confirmed_on="2026-01-02",
        founded_in=1999, legal_form="association", source="test", source_id=str(chance.random()), confirmed_by=SECRET,
        **(of_initiatives if kind == "initiative" else {}),
    )  # fmt: skip


HIDDEN = (
    {"status": "proposed"},
    {"status": "archived"},
    {"visible_from": str(today() + timedelta(1))},
    {"visible_to": str(today() - timedelta(1))},
)


def hide(town: Town) -> None:
    """Store what nobody may see: assets that are not current, what takes place at them, and volunteers."""
    for number, why in enumerate(HIDDEN):
        whose = {"name": f"{SECRET} {number}"}
        told = {"name": SECRET, "organisation": whose, "address": SECRET, "postcode": "9999ZZ", "services": ["meals"]}
        host = made(town, ASSETS, point(4.44, 52.14), kind="initiative", **told, **why)
        made(town, ACTIVITIES, title=SECRET, theme="meet", repeat="once", starts_on="2030-01-01", asset=host)
    made(town, ACTIVITIES, title=SECRET, theme="meet", repeat="once", starts_on="2030-01-01", status="proposed")
    person = {"kind": "volunteer", "services": ["meals"], "contact": {"email": SECRET}, "consent": AGREED}
    made(town, ASSETS, point(4.4712358, 52.1813279), **person)


def everything(town: Town, name: str, who: str = NOBODY, per_page: int = 50, **asked: object) -> list[dict[str, Any]]:
    """Read a whole list, page by page."""
    found: list[dict[str, Any]] = []
    for page in range(1, 1000):
        answer = town.get(f"{HSDS}/{name}", who, page=page, per_page=per_page, **asked)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        found += told["contents"]
        assert (told["page_number"], told["size"]) == (page, len(told["contents"]))
        assert told["first_page"] == (page == 1)
        assert told["empty"] == (told["contents"] == [])
        if told["last_page"]:
            assert (len(found), told["total_pages"]) == (told["total_items"], -(-len(found) // per_page))
            return found
    raise AssertionError("the list has no end")


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


def by_sql(town: Town, statement: str, **values: object) -> list[str]:
    """Give ids as plain SQL finds them, in their order; `{asset}` and `{activity}` say what the public sees of a."""
    asset = """(a.kind <> 'volunteer' AND a.status = 'published' AND coalesce(a.visible_from <= :day, true)
      AND coalesce(a.visible_to >= :day, true))"""
    activity = f"""(v.status = 'published'
      AND (v.asset_id IS NULL OR EXISTS (SELECT 1 FROM asset a WHERE a.id = v.asset_id AND {asset})))"""
    asked = text(statement.format(asset=asset, activity=activity))
    with town.sessions() as session:
        return sorted(str(item) for item in session.scalars(asked, {"day": today(), **values}))


SEEN = {
    "services": "SELECT id FROM asset a WHERE {asset} UNION ALL SELECT id FROM activity v WHERE {activity}",
    "locations": """SELECT id FROM asset a WHERE {asset} AND num_nonnulls(place, area, address) > 0 UNION ALL
      SELECT id FROM activity v WHERE {activity} AND (place IS NOT NULL OR asset_id IS NULL AND address IS NOT NULL)""",
    "service_at_locations": """SELECT id FROM asset a WHERE {asset} AND num_nonnulls(place, area, address) > 0 UNION ALL
      SELECT id FROM activity v WHERE {activity} AND (place IS NOT NULL OR asset_id IS NULL AND address IS NOT NULL
      OR EXISTS (SELECT 1 FROM asset h WHERE h.id = v.asset_id AND num_nonnulls(h.place, h.area, h.address) > 0))""",
    "organizations": """SELECT DISTINCT coalesce(organisation_id, id) FROM asset a WHERE {asset} UNION ALL
      SELECT id FROM activity v WHERE {activity} AND asset_id IS NULL""",
}


# What the specification says


@cache
def compiled(name: str) -> Mapping[str, Any]:
    """Read the schema of an object: one of the three that are compiled, or what they hold of others."""
    if name == "location":
        return dict(compiled("service_at_location")["properties"]["location"])
    if name == "taxonomy_term":
        return dict(compiled("service")["properties"]["attributes"]["items"]["properties"]["taxonomy_term"])
    if name == "taxonomy":
        return dict(compiled("taxonomy_term")["properties"]["taxonomy_detail"])
    return dict(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))


def unknown(told: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Name what an object holds that its schema does not know: a schema alone lets it through."""
    if isinstance(told, dict):
        for name, value in told.items():
            if name not in schema["properties"]:
                yield f"{path}/{name}"
            else:
                yield from unknown(value, schema["properties"][name], f"{path}/{name}")
    elif isinstance(told, list):
        for each in told:
            yield from unknown(each, schema["items"], path)


def strings(told: Any, name: str) -> Iterator[str]:
    """Give each text that stands under a name, wherever it is."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from [value] if key == name and isinstance(value, str) else strings(value, name)
    elif isinstance(told, list):
        for each in told:
            yield from strings(each, name)


OBJECTS = ("organization", "service", "service_at_location", "location", "taxonomy", "taxonomy_term")
SINGULAR = dict(zip(LISTS, OBJECTS, strict=True))


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the schemas of the specification are not here")
@pytest.mark.parametrize("name", LISTS)
def test_every_object_is_what_the_specification_says(filled: Town, name: str) -> None:
    checker = Draft202012Validator(compiled(SINGULAR[name]), format_checker=Draft202012Validator.FORMAT_CHECKER)
    ways: list[dict[str, Any]] = [{}] if name not in OF_RECORDS[:3] else [{}, {"full": True}]
    if name == "organizations":
        ways.append({"full_service": True})
    listed = [each for way in ways for each in everything(filled, name, per_page=100, **way)]
    single = [filled.get(f"{HSDS}/{name}/{item}").json() for item in dict.fromkeys(ids(listed))]
    assert len(single) >= 5
    for told in (*listed, *single):
        assert [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in checker.iter_errors(told)] == []
        assert list(unknown(told, compiled(SINGULAR[name]))) == []
        for address in (*strings(told, "url"), *strings(told, "website")):
            assert address.isascii()
            assert urlsplit(address).scheme == "https"


def test_the_formats_of_the_specification_are_looked_at() -> None:
    schema = {"type": "object", "properties": {"id": {"format": "uuid"}, "at": {"format": "date-time"}}}
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert len(list(checker.iter_errors({"id": "1", "at": "yesterday"}))) == 2


def test_it_says_which_version_it_is_and_where_it_is_described(filled: Town) -> None:
    for path in (HSDS, f"{HSDS}/"):
        told = filled.get(path).json()
        assert told["version"] == "3.0"
        assert told["openapi_url"] == "http://kaart.test/v1/openapi.json"
        assert filled.get("/v1/openapi.json").status_code == 200
        assert urlsplit(told["profile"]).scheme == "https"


# What there is


@pytest.mark.parametrize("name", OF_RECORDS)
@pytest.mark.parametrize("per_page", [7, 100])
def test_a_list_holds_what_the_public_sees_each_once_and_in_one_order(filled: Town, name: str, per_page: int) -> None:
    listed = ids(everything(filled, name, per_page=per_page))
    assert listed == by_sql(filled, SEEN[name])


@pytest.mark.parametrize("name", LISTS)
def test_a_page_past_the_last_is_empty(filled: Town, name: str) -> None:
    told = filled.get(f"{HSDS}/{name}", page=1000, per_page=1000).json()
    assert (told["contents"], told["empty"], told["last_page"], told["size"]) == ([], True, True, 0)
    assert told["total_items"] > 4


@pytest.mark.parametrize("who", ["visitor", "steward", ADMIN])
@pytest.mark.parametrize("name", OF_RECORDS)
def test_whoever_asks_reads_what_a_visitor_reads(filled: Town, name: str, who: str) -> None:
    assert everything(filled, name, who, full=True) == everything(filled, name, full=True)


def test_nothing_that_is_hidden_and_no_volunteer_is_in_any_answer(filled: Town) -> None:
    unseen = "SELECT id FROM asset a WHERE NOT {asset} UNION ALL SELECT id FROM activity v WHERE NOT {activity}"
    idle = """SELECT o.id FROM organisation o
      WHERE NOT EXISTS (SELECT 1 FROM asset a WHERE o.id = a.organisation_id AND {asset})"""
    hidden = by_sql(filled, unseen) + by_sql(filled, idle)
    assert len(hidden) > 100
    assert by_sql(filled, "SELECT id FROM asset a WHERE kind = 'volunteer'")[0] in hidden
    way: dict[str, Any] = {"full": True}
    whole = json.dumps([everything(filled, name, ADMIN, **(way if name in OF_RECORDS else {})) for name in LISTS])
    assert SECRET not in whole
    assert "volunteer" not in whole.casefold()
    assert [item for item in hidden if item in whole] == []
    for name, item in product(OF_RECORDS, [*hidden[:: len(hidden) // 20], *hidden[-4:]]):
        answer = filled.get(f"{HSDS}/{name}/{item}", ADMIN)
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_a_question_about_what_is_hidden_is_answered_as_about_what_is_not_there(filled: Town) -> None:
    for name in OF_RECORDS:
        assert filled.get(f"{HSDS}/{name}", ADMIN, search=SECRET).json()["total_items"] == 0
    secret = by_sql(filled, "SELECT id FROM asset a WHERE NOT {asset}")
    assert filled.get(f"{HSDS}/services", ADMIN, postcode="9999ZZ").json()["total_items"] == 0
    known, never = (filled.get(f"{HSDS}/services", postcode=code, proximity="9") for code in ("9999ZZ", "9998ZZ"))
    assert (known.status_code, known.json()) == (never.status_code, never.json())
    for item in (secret[0], NOBODY_KNOWS):
        assert filled.get(f"{HSDS}/services", organization_id=item).json()["total_items"] == 0


def test_links_between_objects_lead_to_objects(filled: Town) -> None:
    there = {name: set(ids(everything(filled, name))) for name in OF_RECORDS}
    for told in everything(filled, "services", full=True):
        assert told["organization_id"] == told["organization"]["id"]
        assert told["organization_id"] in there["organizations"]
        for at in told.get("service_at_locations", []):
            assert at["id"] in there["service_at_locations"]
            assert at["location_id"] == at["location"]["id"]
            assert at["location_id"] in there["locations"]
        for attribute in told["attributes"]:
            assert attribute["taxonomy_term"]["id"] in map(str, TERMS)
    run = everything(filled, "organizations", full=True)
    assert sorted(item for told in run for item in ids(told["services"])) == sorted(there["services"])
    assert {item for told in run for item in ids(told.get("locations", []))} == there["locations"]


# What may be asked


def test_a_search_finds_what_the_same_words_find_in_the_collections(filled: Town) -> None:
    for words in ("maaltijden", "samen eten", "wandelen", "7*7", "zzzz", "%", "Samen 3"):
        read = (filled.get(path, q=words, limit=1000).json()["features"] for path in (ASSETS, ACTIVITIES))
        expected = {item["id"] for features in read for item in features}
        assert set(ids(everything(filled, "services", search=words))) == expected, words
        assert set(ids(everything(filled, "service_at_locations", search=words))) <= expected


def test_an_organization_is_found_by_its_name_and_by_what_it_runs(filled: Town) -> None:
    made(filled, ASSETS, kind="care_location", name="Zorgplek Xylofoon", organisation={"name": "Stichting Quagga"})
    for words in ("quagga", "xylofoon"):
        assert [told["name"] for told in everything(filled, "organizations", search=words)] == ["Stichting Quagga"]
    assert everything(filled, "organizations", search="quagga xylofoons") == []


def test_a_term_a_taxonomy_and_an_organization_let_through_what_carries_them(filled: Town) -> None:
    meals = """SELECT id FROM asset a WHERE {asset} AND 'meals' = ANY (services) UNION ALL
      SELECT id FROM activity v WHERE {activity} AND 'meals' = ANY (services)"""
    asked: dict[str, Any] = {"taxonomy_term_id": term_id(Named("services", "meals"))}
    assert ids(everything(filled, "services", **asked)) == by_sql(filled, meals)
    move = """SELECT id FROM asset a WHERE {asset} AND 'move' = ANY (themes) UNION ALL
      SELECT id FROM activity v WHERE {activity} AND theme = 'move'"""
    asked = {"taxonomy_term_id": term_id(Named("themes", "move"))}
    assert ids(everything(filled, "services", **asked)) == by_sql(filled, move)
    rooms = "SELECT id FROM asset a WHERE {asset} AND kind = 'community_room'"
    asked = {"taxonomy_term_id": term_id(Named("kinds", "community_room"))}
    assert ids(everything(filled, "services", **asked)) == by_sql(filled, rooms)
    goals = "SELECT id FROM asset a WHERE {asset} AND goals <> '{{}}'"
    assert ids(everything(filled, "services", taxonomy_id=taxonomy_id("goals"))) == by_sql(filled, goals)
    (whose,) = (told["id"] for told in everything(filled, "organizations") if told["name"] == CANARY)
    run = """SELECT id FROM asset a WHERE {asset} AND organisation_id = :whose UNION ALL
      SELECT v.id FROM activity v JOIN asset h ON h.id = v.asset_id WHERE {activity} AND h.organisation_id = :whose"""
    assert ids(everything(filled, "services", organization_id=whose)) == by_sql(filled, run, whose=whose)
    both = everything(filled, "services", organization_id=whose, taxonomy_term_id=term_id(Named("kinds", "initiative")))
    assert ids(both) == by_sql(filled, f"{run.partition('UNION')[0]} AND kind = 'initiative'", whose=whose)


def test_what_is_near_is_within_so_many_metres(filled: Town) -> None:
    near = """SELECT id FROM asset a WHERE {asset} AND coalesce(ST_DWithin(coalesce(place, area)::geography,
      ST_Point(4.47, 52.18, 4326)::geography, :metres), false)
      UNION ALL SELECT v.id FROM activity v LEFT JOIN asset h ON h.id = v.asset_id WHERE {activity}
      AND ST_DWithin(coalesce(v.place, h.place, h.area)::geography, ST_Point(4.47, 52.18, 4326)::geography, :metres)"""
    counts = []
    for metres in (0, 150, 400, 1500, 100_000):
        found = ids(everything(filled, "services", proximity=f"52.18,4.47,{metres}"))
        assert found == by_sql(filled, near, metres=metres)
        counts.append(len(found))
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[2] < counts[-1]


def test_a_place_300_metres_away_is_within_301_metres_and_not_within_299(filled: Town) -> None:
    degree_m = 111_265  # of latitude at 52 degrees, by the formula of the ellipsoid
    item = made(filled, ASSETS, point(6.0, 52.0 + 300 / degree_m), kind="care_location", name="Ver weg")
    for name in ("services", "service_at_locations", "locations"):
        for metres, found in ((299, []), (301, [item])):
            assert ids(everything(filled, name, proximity=f"52.0,6.0,{metres}")) == found


@pytest.mark.parametrize("circle", ["90,0,100000", "-90,180,1", "0,-180,100000", "52.18,4.47,0", "84.9,179.99,5000"])
def test_near_the_ends_of_the_world_there_is_an_answer(filled: Town, circle: str) -> None:
    assert filled.get(f"{HSDS}/locations", proximity=circle).status_code == 200


def test_a_postcode_is_where_it_is_and_with_metres_around_it(filled: Town) -> None:
    there = "SELECT id FROM asset a WHERE {asset} AND postcode = '2341 AB'"
    assert set(by_sql(filled, there)) <= set(ids(everything(filled, "services", postcode="2341ab")))
    assert everything(filled, "locations", postcode="2341 AB") == everything(filled, "locations", postcode="2341ab")
    hall = made(filled, ASSETS, point(6.2, 52.2), kind="care_location", name="Hal", postcode="7000 XY")
    hut = made(filled, ASSETS, point(6.2, 52.2001), kind="care_location", name="Hut")
    assert ids(everything(filled, "services", postcode="7000xy")) == [hall]
    assert ids(everything(filled, "services", postcode="7000xy", proximity="5")) == [hall]
    assert ids(everything(filled, "services", postcode="7000xy", proximity="50")) == sorted([hall, hut])


def test_what_was_modified_after_a_moment_is_what_changed_since(filled: Town) -> None:
    host = made(filled, ASSETS, point(4.5, 52.2), kind="initiative", name="Klok", organisation={"name": "Klokkenclub"})
    held = made(filled, ACTIVITIES, title="Luiden", theme="meet", repeat="once", starts_on="2030-01-01", asset=host)
    with filled.sessions() as session:
        moment = session.scalar(text("SELECT clock_timestamp()"))
    assert moment is not None
    since = {"modified_after": moment.isoformat()}
    assert {name: everything(filled, name, **since) for name in OF_RECORDS} == {name: [] for name in OF_RECORDS}
    changed = feature(summary="Later")
    del changed["geometry"]
    assert filled.send("PATCH", f"{ASSETS}/{host}", changed).status_code == 200
    assert ids(everything(filled, "services", **since)) == sorted([host, held])  # what is at it changed with it
    assert ids(everything(filled, "locations", **since)) == [host]
    last = {told["id"]: told["last_modified"] for told in everything(filled, "services", **since)}
    assert host in ids(everything(filled, "services", modified_after=last[host]))  # that very moment counts
    brief = {told["id"]: told["modified_date"] for told in everything(filled, "services", minimal=True, **since)}
    assert brief == last


def test_a_record_that_became_visible_by_its_day_counts_as_modified_on_that_day(filled: Town) -> None:
    item = made(filled, ASSETS, kind="initiative", name="Vandaag open", visible_from=str(today()))
    with filled.sessions() as session:
        session.execute(text("ALTER TABLE asset DISABLE TRIGGER USER"))
        session.execute(text("UPDATE asset SET updated_at = '2020-01-01' WHERE id = :item"), {"item": item})
        session.execute(text("ALTER TABLE asset ENABLE TRIGGER USER"))
        session.commit()
    told = filled.get(f"{HSDS}/services/{item}").json()
    midnight = f"{today() - timedelta(1)}T23:00:00.000Z", f"{today() - timedelta(1)}T22:00:00.000Z"  # winter, summer
    assert told["last_modified"] in midnight


def test_a_list_is_given_with_as_much_as_is_asked_for(filled: Town) -> None:
    plain, full = (everything(filled, "services", full=way)[0] for way in (False, True))
    assert "attributes" in full
    assert "attributes" not in plain
    assert plain.items() <= full.items()
    assert all(set(told) == {"id", "modified_date"} for told in everything(filled, "services", minimal=True))
    (run,) = (told for told in everything(filled, "organizations", full=True) if told["name"] == CANARY)
    whole = filled.get(f"{HSDS}/organizations/{run['id']}", full_service=True).json()
    assert "attributes" not in run["services"][0]
    assert all("attributes" in told for told in whole["services"])
    assert filled.get(f"{HSDS}/organizations/{run['id']}").json() == run


def test_terms_are_found_by_taxonomy_parent_and_word(filled: Town) -> None:
    def keys(**asked: Any) -> list[str]:
        return [told["code"] for told in everything(filled, "taxonomy_terms", **asked)]

    assert keys(taxonomy_id=taxonomy_id("goals")) == [*GOALS]
    assert keys(parent_id=term_id(Named("themes", "eat"))) == ["meals"]
    assert set(keys()) - set(keys(top_only=True)) == set(SERVICES)
    assert keys(search="food delivery") == ["groceries"]
    assert [told["name"] for told in everything(filled, "taxonomies", search="GOALS")] == ["Goals"]


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("services", "page", "0"), ("services", "page", "x"), ("services", "per_page", "0"),
        ("services", "per_page", "1001"), ("locations", "format", "ndjson"), ("services", "search", "\x00"),
        ("organizations", "modified_after", "yesterday"), ("services", "modified_after", "1700000000"),
        ("services", "taxonomy_term_id", "meals"), ("services", "taxonomy_term_id", NOBODY_KNOWS),
        ("organizations", "taxonomy_id", NOBODY_KNOWS), ("services", "organization_id", "x"),
        ("services", "minimal", "perhaps"), ("services", "full_service", "true"), ("locations", "minimal", "true"),
        ("taxonomy_terms", "parent_id", NOBODY_KNOWS), ("taxonomies", "taxonomy_id", NOBODY_KNOWS),
        ("organizations", "proximity", "52,4,500"), ("services", "bbox", "4,52,5,53"),
        ("services", "proximity", "500"), ("services", "proximity", "52,4"), ("services", "proximity", "4,52,NaN"),
        ("services", "proximity", "91,4,500"), ("services", "proximity", "52,181,5"),
        ("services", "proximity", "52,4,-1"), ("services", "proximity", "52,4,100001"),
        ("services", "proximity", "1e3,4,5"), ("services", "proximity", "५२,४,५"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_its_name(filled: Town, name: str, parameter: str, value: str) -> None:
    answer = filled.get(f"{HSDS}/{name}", **{parameter: value})
    assert answer.status_code == 400
    assert [flaw["field"] for flaw in answer.json()["errors"]] == [parameter]
    assert answer.json()["detail"].startswith(f"{parameter}: ")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("item", ["x", NOBODY_KNOWS, "00000000000040008000000000000000", "%00"])
def test_what_is_not_there_is_not_found(filled: Town, name: str, item: str) -> None:
    answer = filled.get(f"{HSDS}/{name}/{item}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_a_page_of_a_hundred_takes_a_handful_of_statements(filled: Town) -> None:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(filled.engine, "before_cursor_execute", note)
    try:
        for name in OF_RECORDS:
            said.clear()
            assert filled.get(f"{HSDS}/{name}", full=True, per_page=100).status_code == 200
            assert len(said) <= 8, said
    finally:
        event.remove(filled.engine, "before_cursor_execute", note)


# What it means


def test_a_room_with_an_activity_is_told_as_on_paper(filled: Town) -> None:
    room = made(
        filled, ASSETS, point(4.4705, 52.1805), kind="community_room", name="De Linde", summary="Huis van de buurt",
        description="Iedereen welkom.", services=["meals"], themes=["eat"], target_groups=["older_people"],
        cost="Gratis", languages=["nl"], address="Dorpsstraat 1", postcode="2341 AA", city="Oegstgeest", url="https://example.org/linde",
        opening_hours="Mo-We 10:00-12:00", accessibility={"step_free_entrance": True, "hearing_loop": False},
        organisation={"name": "Stichting De Linde", "legal_form": "foundation"}, confirmed_on="2026-10-01",
    )  # fmt: skip
    tea = made(
        filled, ACTIVITIES, title="Theetafel", theme="meet", repeat="weekly", starts_on="2026-01-07", asset=room,
        time_from="14:00", how_to_join="Kom langs", address="Zaal 2",
    )  # fmt: skip
    told = filled.get(f"{HSDS}/services/{room}").json()
    expected = {
        "name": "De Linde", "description": "Huis van de buurt\n\nIedereen welkom.", "url": "https://example.org/linde",
        "status": "active", "fees_description": "Gratis", "eligibility_description": "Older people",
        "assured_date": "2026-10-01",
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    assert told["organization"]["name"] == "Stichting De Linde"
    assert told["organization"]["legal_status"] == "Foundation"
    (when,) = told["schedules"]
    assert (when["freq"], when["byday"], when["opens_at"][:5]) == ("WEEKLY", "MO,TU,WE", "10:00")
    assert [(each["amount"], each["currency"]) for each in told["cost_options"]] == [(0, "EUR")]
    assert [(each["code"], each["name"]) for each in told["languages"]] == [("nl", "Dutch")]
    carried = {(each["link_type"], each["taxonomy_term"]["code"]) for each in told["attributes"]}
    groups = {("target_groups", "older_people")}
    assert carried == {("kinds", "community_room"), ("themes", "eat"), ("services", "meals"), *groups}
    (at,) = told["service_at_locations"]
    place = at["location"]
    assert (place["latitude"], place["longitude"], place["name"]) == (52.1805, 4.4705, "De Linde")
    assert (place["addresses"][0]["address_1"], place["addresses"][0]["postal_code"]) == ("Dorpsstraat 1", "2341 AA")
    assert [each["description"] for each in place["accessibility"]] == ["Step-free entrance: yes", "Hearing loop: no"]
    held = filled.get(f"{HSDS}/service_at_locations/{tea}").json()
    assert held["location"] == place
    assert held["description"] == "Zaal 2"
    assert held["service"]["application_process"] == "Kom langs"
    assert held["service"]["organization"] == told["organization"]
    assert [(each["byday"], each["dtstart"]) for each in held["service"]["schedules"]] == [("WE", "2026-01-07")]


def test_what_is_over_is_told_to_be_so(filled: Town) -> None:
    told = {"theme": "meet", "repeat": "weekly", "starts_on": "2020-01-01"}
    over = made(filled, ACTIVITIES, title="Voorbij", ends_on="2020-02-01", **told)
    goes_on = made(filled, ACTIVITIES, title="Nog steeds", **told)
    growth = [{"stage": "steady", "since": "2020"}, {"stage": "ended", "since": "2024"}]
    ended = made(filled, ASSETS, kind="initiative", name="Gestopt", growth=growth)
    status = {item: filled.get(f"{HSDS}/services/{item}").json()["status"] for item in (over, goes_on, ended)}
    assert status == {over: "defunct", goes_on: "active", ended: "defunct"}


def test_who_is_not_known_to_be_run_by_anybody_stands_for_itself(filled: Town) -> None:
    asset = made(filled, ASSETS, kind="initiative", name="Op zichzelf", legal_form="informal", founded_in=2019)
    held = made(filled, ACTIVITIES, title="Los", theme="meet", repeat="once", starts_on="2030-01-01")
    told = filled.get(f"{HSDS}/organizations/{asset}").json()
    assert (told["name"], told["legal_status"], told["year_incorporated"]) == ("Op zichzelf", "Informal", 2019)
    assert ids(told["services"]) == [asset]
    assert "No organisation is recorded" in told["description"]
    assert ids(filled.get(f"{HSDS}/organizations/{held}").json()["services"]) == [held]
