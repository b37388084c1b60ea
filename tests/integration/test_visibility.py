"""The visibility table, proven for every route, role and field; what is known of a person is looked for everywhere."""

import struct
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select, text

from api.errors import LINKED
from geo import search
from geo.catalogue import COLLECTIONS
from geo.collections import Wanted
from geo.coverage import run
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies
from geo.days import today
from geo.features import names, page
from geo.hsds.terms import Named, taxonomy_id, term_id
from geo.imports.models import AddressDoubt
from geo.models import Activity, Asset, Neighbourhood
from geo.people import links
from geo.rights import FIELDS, OPERATIONS, VISITOR, Scope
from geo.vocabulary import LEVELS, SERVICES, Kind, LinkPurpose, Role, Status
from tests.integration.people import MARK, account
from tests.integration.town import (
    ACTIVITIES,
    ADMIN,
    AGREED,
    ASSETS,
    BAD_KEYS,
    COVERAGE,
    NEIGHBOURHOODS,
    NOBODY,
    Form,
    Town,
    covered,
    feature,
    fill,
    live,
    point,
    square,
    ways,
)

IMPORTS = "/v1/imports"
HSDS = ("organizations", "services", "service_at_locations", "locations", "taxonomies", "taxonomy_terms")
TILES = "/v1/collections/assets/tiles/WebMercatorQuad"
EMPTY = ("squares", "drawn_neighbourhoods")  # in the demo municipality
ROUTES = sorted(OPERATIONS.keys() - {"static"})
HOLDERS = {NOBODY: Role.visitor, **{role.value: role for role in Role}}  # of no key, or one of each role
ROOM = feature(point(4.4701, 52.1801), kind="community_room", name="Kamer")
WALK = feature(point(4.4701, 52.1801), title="Wandelen", theme="move", repeat="once", starts_on="2026-11-22")
LON, LAT = 4.4712358, 52.1813279  # the home of somebody who is not to be found
MAIL, PHONE = "canary-7f3a@example.org", "06-98127653"


class Example(NamedTuple):
    """A request that is sound, so that only the role decides; `status` is its answer where it is allowed.

    by_key   the answer to a key, where that is another one: a key has no account
    """

    path: str
    body: object = None
    status: int = 200
    by_key: int | None = None


@pytest.fixture(scope="module")
def examples(town: Town) -> Iterator[dict[str, Example]]:
    """Give one sound request for every operation that is a route, while the live state is kept."""
    with town.sessions() as session:
        rooms = select(Asset.id).where(Asset.kind == Kind.community_room).order_by(Asset.name)
        asset, old_asset = session.scalars(rooms.limit(2)).all()
        activity, old_activity = session.scalars(select(Activity.id).order_by(Activity.title).limit(2)).all()
        made = session.scalar(select(CoverageRun.id).where(~CoverageRun.live))
        volunteer = session.scalars(select(Asset.id).where(Asset.kind == Kind.volunteer).order_by(Asset.id)).first()
        initiative = session.scalar(select(Asset.id).where(Asset.kind == Kind.initiative).order_by(Asset.name).limit(1))
    organization = town.get("/v1/hsds/organizations").json()["contents"][0]["id"]
    change = {"type": "Feature", "properties": {}}
    plain = {
        "livez": "/livez", "readyz": "/readyz", "read_landing": "/v1/", "read_conformance": "/v1/conformance",
        "read_feed": "/v1/changes?limit=3",
        "read_openapi": "/v1/openapi.json", "read_vocabulary": "/v1/vocabulary", "read_collections": "/v1/collections",
        "read_collection": "/v1/collections/assets", "read_queryables": "/v1/collections/assets/queryables",
        "read_sortables": "/v1/collections/assets/sortables", "read_schema": "/v1/collections/assets/schema",
        "read_items": ASSETS, "read_item": f"{ASSETS}/{asset}",
        "read_exports": "/v1/exports", "read_export": "/v1/exports/wijken?f=gpkg", "exports_page": "/exports",
        "read_tile_matrix_sets": "/v1/tileMatrixSets", "read_tile_matrix_set": "/v1/tileMatrixSets/WebMercatorQuad",
        "read_tilesets": TILES.rpartition("/")[0], "read_tileset": TILES, "read_tilejson": f"{TILES}/tilejson",
        "read_tile": f"{TILES}/14/5398/8395",
        "read_runs": "/v1/coverage/runs", "read_run": f"/v1/coverage/runs/{made}", "resident_page": "/",
        "place_page": f"/places/{asset}", "activity_page": f"/activities/{activity}", "gaps_page": "/gaps",
        "gap_page": "/gaps/BU05790102.2024", "about_page": "/about", "read_hsds": "/v1/hsds/",
        **{f"read_hsds_{name}": f"/v1/hsds/{name}" for name in HSDS}, "read_hsds_service": f"/v1/hsds/services/{asset}",
        "read_hsds_service_at_location": f"/v1/hsds/service_at_locations/{asset}",
        "read_hsds_location": f"/v1/hsds/locations/{asset}",
        "read_hsds_organization": f"/v1/hsds/organizations/{organization}",
        "read_hsds_taxonomy": f"/v1/hsds/taxonomies/{taxonomy_id('services')}",
        "read_hsds_taxonomy_term": f"/v1/hsds/taxonomy_terms/{term_id(Named('services', 'meals'))}",
    }  # fmt: skip
    told = {
        **{name: Example(path) for name, path in plain.items()},
        "start_run": Example("/v1/coverage/runs", {}, 202),
        "read_changes": Example(f"/v1/coverage/runs/{made}/changes?since={made}"),
        "what_if": Example("/v1/coverage/what-if", {"kind": "initiative", "close": [str(initiative)]}),
        "siting": Example("/v1/coverage/siting", {"kind": "initiative", "p": 1, "within": "BU05790102"}),
        "create_asset": Example(ASSETS, ROOM, 201),
        "change_asset": Example(f"{ASSETS}/{asset}", change),
        "create_activity": Example(ACTIVITIES, WALK, 201),
        "change_activity": Example(f"{ACTIVITIES}/{activity}", change),
        "draw_neighbourhood": Example(NEIGHBOURHOODS, feature(square(4.47, 52.18, 0.001), name="Ons hof"), 201),
        "archive_asset": Example(f"{ASSETS}/{old_asset}", None, 204),
        "archive_activity": Example(f"{ACTIVITIES}/{old_activity}", None, 204),
        **examples_of_imports(town),
        **examples_of_signing_in(town),
        **examples_of_offering(volunteer),
    }
    with live(town):
        yield told


def examples_of_imports(town: Town) -> dict[str, Example]:
    """Give one sound request for every operation on imports, each on an import of its own."""
    jobs = []
    for number in range(3):
        made = town.send("POST", IMPORTS, listed(number))
        assert made.status_code == 201, made.text
        jobs.append(made.json()["id"])
    done, waiting, unwanted = (f"{IMPORTS}/{job}" for job in jobs)
    assert town.send("POST", f"{done}/confirm", None).json()["status"] == "done"
    with town.sessions() as session:
        record = {"kind": "community_room", "name": "Twijfel", "source": "test", "source_id": "doubt"}
        place = {"label": "Straat 1", "lon": 4.4701, "lat": 52.1801, "score": 9.0}
        doubt = AddressDoubt(job_id=jobs[0], row=1, asked="Straat", record=record, candidates=[place])
        session.add(doubt)
        session.commit()
        number = doubt.id
    return {
        "imports_page": Example("/imports"),
        "upload_import": Example(IMPORTS, listed(9), 201),
        "read_imports": Example(IMPORTS),
        "read_import": Example(done),
        "read_doubts": Example(f"{done}/doubts"),
        "decide_doubt": Example(f"{IMPORTS}/doubts/{number}", {"choice": 0}, 204),
        "undo_import": Example(f"{done}/undo"),
        "confirm_import": Example(f"{waiting}/confirm"),
        "discard_import": Example(unwanted, None, 204),
    }


def examples_of_signing_in(town: Town) -> dict[str, Example]:
    """Give one sound request for every operation on the own account; none of them lets anybody in."""
    with town.sessions() as session:
        made = account(session, "somebody@example.nl", Role.contributor)
        way = f"/welcome/{links.make(session, made, LinkPurpose.reset)}"
        session.commit()
    mark = Form({"csrf": MARK.findall(town.get("/sign-in").text)[0], "password": ""}, {})
    return {
        "sign_in_page": Example("/sign-in"),
        "sign_in": Example("/sign-in", mark, 400),
        "welcome_page": Example(way),
        "welcome": Example(way, mark, 400),
        "ask_provider": Example("/sign-in/provider", None, 404),  # there is none here; see test_provider
        "back_from_provider": Example("/sign-in/provider/back", None, 404),
        "sign_out": Example("/sign-out", None, 303),
        "account_page": Example("/account", None, 200, 404),
        "change_password": Example("/account/password", None, 303, 404),
        "sign_out_everywhere": Example("/account/sign-out-everywhere", None, 303, 404),
    }


def examples_of_offering(volunteer: UUID | None) -> dict[str, Example]:
    """Give one sound request for every operation on what people offer: keys offer nothing and ask nobody."""
    return {
        "volunteer_page": Example("/volunteer", None, 200, 404),
        "save_offer": Example("/volunteer", Form({"services": "meals"}, {}), 303, 404),
        "withdraw_consent": Example("/volunteer/withdraw", Form({"purpose": "map"}, {}), 303, 404),
        "renew_consent": Example("/volunteer/renew", None, 303, 404),
        "answer_request": Example(f"/requests/{volunteer}", Form({"reply": "declined"}, {}), 303, 404),
        "download_data": Example("/account/data", None, 200, 404),
        "erase_account": Example("/account/erase", Form({"password": ""}, {}), 200, 404),
        "offers_page": Example("/offers"),
        "ask_volunteer": Example(f"/offers/{volunteer}/ask", Form({"message": "Hallo"}, {}), 303, 403),
    }


def listed(number: int) -> Form:
    """Make the form with which one asset is imported."""
    mapping = """
        source = "test"
        source_id = "Nr"
        place = { lon = "X", lat = "Y" }
        columns = { name = "Naam" }
        constants = { kind = "community_room" }
    """
    content = f"Nr,Naam,X,Y\n{number},Kamer {number},4.4701,52.1801\n"
    return Form({"what": "assets", "mapping": mapping}, {"file": ("lijst.csv", content)})


@pytest.fixture(scope="module")
def volunteers(town: Town) -> list[str]:
    """Give the ids of all volunteers, one of them with a place and contacts that are easily recognised."""
    contact = {"email": MAIL, "telefoon": PHONE}
    person = feature(point(LON, LAT), kind="volunteer", services=["meals"], contact=contact, consent=AGREED)
    assert town.send("POST", ASSETS, person).status_code == 201
    with town.sessions() as session:
        return [str(item) for item in session.scalars(select(Asset.id).where(Asset.kind == Kind.volunteer))]


def test_every_route_is_an_operation_and_every_operation_a_route(town: Town) -> None:
    assert {way.name for way in ways(town.app)} | {"static"} == set(OPERATIONS)


def test_every_operation_is_tried(town: Town, examples: dict[str, Example]) -> None:
    assert set(examples) | {"static"} == set(OPERATIONS)


@pytest.mark.parametrize("who", HOLDERS)
@pytest.mark.parametrize("name", ROUTES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(
    town: Town, examples: dict[str, Example], name: str, who: str
) -> None:
    method = next(way.method for way in ways(town.app) if way.name == name)
    example = examples[name]
    answer = town.send(method, example.path, example.body, who)
    # What is for a neighbourhood or an owner only is for no key: see test_permits for people.
    if OPERATIONS[name].get(HOLDERS[who]) == Scope.everything:
        assert answer.status_code == (example.by_key or example.status), answer.text
        return
    if who == NOBODY and name in LINKED:
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next=%2F{example.path[1:]}")
        return
    assert answer.status_code == (401 if who == NOBODY else 403)
    if example.path.startswith("/v1"):
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("who", BAD_KEYS)
@pytest.mark.parametrize("name", ROUTES)
def test_a_key_that_is_not_valid_opens_nothing(town: Town, examples: dict[str, Example], name: str, who: str) -> None:
    method = next(way.method for way in ways(town.app) if way.name == name)
    answer = town.send(method, examples[name].path, examples[name].body, who)
    assert answer.status_code == 401
    if examples[name].path.startswith("/v1"):
        assert answer.json()["detail"] == "This API key is not valid: it is wrong, expired or revoked."
        assert answer.headers["www-authenticate"].startswith("ApiKey")


@pytest.mark.parametrize("who", [*HOLDERS, *BAD_KEYS])
def test_the_files_of_the_pages_are_for_everybody(town: Town, who: str) -> None:
    assert town.get("/static/kaart.css", who).status_code == 200


def test_what_is_refused_changes_nothing(town: Town, examples: dict[str, Example]) -> None:
    with town.sessions() as session:
        counted = text("SELECT (SELECT count(*) FROM history), (SELECT count(*) FROM coverage_run)")
        before = session.execute(counted).one()
        for way, who in product(ways(town.app), (NOBODY, "visitor", *BAD_KEYS)):
            if way.method != "GET" and Role.visitor not in OPERATIONS[way.name]:
                example = examples[way.name]
                assert town.send(way.method, example.path, example.body, who).status_code in (401, 403)
        assert session.execute(counted).one() == before


@pytest.mark.parametrize("who", HOLDERS)
@pytest.mark.parametrize("collection", names(VISITOR))
def test_a_role_sees_the_fields_of_the_table_and_no_other(town: Town, collection: str, who: str) -> None:
    allowed = [name for name, roles in FIELDS[collection].items() if HOLDERS[who] in roles]
    if collection in EMPTY:
        fill(town)
    found = town.get(f"/v1/collections/{collection}/items", who, limit=1000).json()["features"]
    assert found
    one = town.get(f"/v1/collections/{collection}/items/{found[0]['id']}", who).json()
    for item in (*found, one):
        assert list(item["properties"]) == allowed
        assert set(item) == {"type", "id", "geometry", "properties"}


def test_the_table_names_every_collection_and_no_secret() -> None:
    assert set(FIELDS) == set(COLLECTIONS)
    assert not {"contact", "place", "secret", "hash"} & {name for names in FIELDS.values() for name in names}


def public_assets(town: Town) -> set[str]:
    """Give the ids of the assets that the public may know of, by the columns themselves."""
    with town.sessions() as session:
        rows = session.scalars(select(Asset).where(Asset.kind != Kind.volunteer, Asset.status == Status.published))
        return {str(row.id) for row in rows if (row.visible_from or today()) <= today() <= (row.visible_to or today())}


QUESTIONS: list[dict[str, str]] = [
    *({"kind": kind, "service": service} for kind, service in product(("", *Kind), ("", *SERVICES))),
    *({"q": word} for word in ("", "a", "vrijwilliger", "volunteer", "maaltijden", MAIL, PHONE, "%", "_")),
    *({"kind": "volunteer", "neighbourhood": code} for code in ("GM0579", "BU05790102", "WK057901.2024")),
    {"kind": "volunteer", "bbox": f"{LON - 0.0001},{LAT - 0.0001},{LON + 0.0001},{LAT + 0.0001}"},
    {"kind": "volunteer", "datetime": "2026-11-22/2026-11-29"},
    {"kind": "volunteer", "service": "meals", "q": "a", "neighbourhood": "GM0579", "bbox": "3,50,8,54"},
]


@pytest.mark.parametrize("who", [NOBODY, "visitor"])
def test_no_question_about_assets_finds_or_counts_a_volunteer_for_a_visitor(
    town: Town, volunteers: list[str], who: str
) -> None:
    public = public_assets(town)
    for question in QUESTIONS:
        answer = town.get(ASSETS, who, **question, limit=1000).json()
        assert {item["id"] for item in answer["features"]} <= public, question
        assert answer["numberMatched"] == len(answer["features"]), question
        assert "volunteer" not in {item["properties"]["kind"] for item in answer["features"]}, question


def test_the_public_assets_are_all_that_a_visitor_counts(town: Town, volunteers: list[str]) -> None:
    assert town.get(ASSETS).json()["numberMatched"] == len(public_assets(town))
    assert town.get(ASSETS, kind="volunteer").json()["numberMatched"] == 0
    assert town.get(ASSETS, ADMIN, kind="volunteer").json()["numberMatched"] == len(volunteers)


def test_no_search_finds_a_volunteer_for_a_visitor(town: Town, volunteers: list[str]) -> None:
    people = set(volunteers)
    with town.sessions() as session:
        for kind, service, q in (*product(("", *Kind, "activity"), ("", *SERVICES), ("",)), ("", "", "a")):
            wanted = Wanted(kind=(kind,) if kind else (), service=(service,) if service else (), q=q)
            found = search.find(session, VISITOR, wanted, limit=1000)
            assert found.total == len(found.features)
            assert not people & {item["id"] for item in found.features}
            assert kind != "volunteer" or not found.total


@pytest.mark.parametrize("who", [NOBODY, "visitor"])
def test_a_volunteer_is_not_there_for_a_visitor(town: Town, volunteers: list[str], who: str) -> None:
    for item, collection in product(volunteers[-3:], COLLECTIONS):
        assert town.get(f"/v1/collections/{collection}/items/{item}", who).status_code == 404


@pytest.mark.parametrize("who", HOLDERS)
def test_a_volunteer_has_no_page_for_anybody(town: Town, volunteers: list[str], who: str) -> None:
    for item, place in product(volunteers[-3:], ("places", "activities", "gaps")):
        assert town.get(f"/{place}/{item}", who).status_code == 404


def test_no_activity_tells_of_a_volunteer(town: Town, volunteers: list[str]) -> None:
    sent = feature(title="Bij mij thuis", theme="meet", repeat="once", starts_on="2026-11-22", asset=volunteers[-1])
    refused = town.send("POST", ACTIVITIES, sent)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "asset")


def test_what_is_not_published_or_not_of_today_is_for_administrators(town: Town) -> None:
    hidden = [
        {"status": "proposed"},
        {"status": "archived"},
        {"visible_from": "2099-01-01"},
        {"visible_to": "2020-01-01"},
    ]
    for told in hidden:
        made = town.send("POST", ASSETS, feature(kind="community_room", name="Verborgen", services=["respite"], **told))
        item = made.json()["id"]
        walk = feature(title="Verborgen", theme="meet", repeat="weekly", starts_on="2026-11-22", asset=item)
        held = town.send("POST", ACTIVITIES, walk).json()["id"]
        paths = (f"{ASSETS}/{item}", f"{ACTIVITIES}/{held}", f"/places/{item}", f"/activities/{held}")
        assert [town.get(path).status_code for path in paths] == [404, 404, 404, 404]
        assert [town.get(path, ADMIN).status_code for path in paths] == [200, 200, 404, 404]
    for path in (ASSETS, ACTIVITIES):
        assert town.get(path, q="verborgen").json()["numberMatched"] == 0
        assert town.get(path, ADMIN, q="verborgen").json()["numberMatched"] == len(hidden)
    assert "Verborgen" not in town.get("/").text


# Every path that can be read, with all that may be asked of it that could lead to a person.
def readable(town: Town, examples: dict[str, Example], volunteers: list[str]) -> list[str]:
    paths = [examples[way.name].path for way in ways(town.app) if way.method == "GET"]
    paths += [f"/v1/collections/{name}/items?limit=1000" for name in COLLECTIONS]
    paths += [f"{ASSETS}/{volunteers[-1]}", f"{ASSETS}?kind=volunteer&limit=1000"]
    paths += [f"{COVERAGE}?kind=volunteer&level={level}&limit=1000" for level in LEVELS]
    paths += [f"/?service={service}" for service in SERVICES] + [f"/?page={n}&lang=en" for n in (1, 2)]
    paths += [f"/gaps?kind=volunteer&service={service}" for service in SERVICES]
    paths += [f"/gaps/{code}?kind=volunteer" for code in ("BU05790102", "WK057901", "GM0579")]
    return paths


def told_of(body: str) -> list[str]:
    """Find all that could only come from the secrets of the recognisable volunteer: words, degrees, and their bytes."""
    hexed = [struct.pack("<d", degrees).hex() for degrees in (LON, LAT)]
    canaries = [MAIL.partition("@")[0], PHONE, f"{LON:.7f}"[:-2], f"{LAT:.7f}"[:-2], *hexed]
    return [canary for canary in canaries if canary in body or canary.upper() in body]


@pytest.mark.parametrize("who", HOLDERS)
def test_the_place_and_contacts_of_a_person_are_in_no_answer(
    town: Town, examples: dict[str, Example], volunteers: list[str], who: str
) -> None:
    for path in readable(town, examples, volunteers):
        answer = town.get(path, who)
        assert answer.status_code in (200, 303, 400, 401, 403, 404), path
        assert told_of(answer.text) == [], path
        if who != ADMIN:
            assert not [item for item in volunteers if item in answer.text and item not in path], path


@pytest.mark.parametrize("who", HOLDERS)
def test_nobody_finds_a_person_by_their_contacts_or_their_place(town: Town, volunteers: list[str], who: str) -> None:
    here = f"{LON - 1e-6},{LAT - 1e-6},{LON + 1e-6},{LAT + 1e-6}"
    hof = town.send("POST", NEIGHBOURHOODS, feature(square(LON - 1e-5, LAT - 1e-5, 2e-5), name="Om het huis")).json()
    for asked in ({"q": MAIL}, {"q": PHONE}, {"bbox": here}, {"neighbourhood": hof["id"]}):
        assert town.get(ASSETS, who, **asked).json()["numberMatched"] == 0, asked


def test_the_place_and_contacts_of_a_person_can_be_read_in_no_table(town: Town, volunteers: list[str]) -> None:
    tables = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'")
    with town.sessions() as session:
        found = {
            table
            for table in session.scalars(tables).all()
            for row in session.scalars(text(f"SELECT t::text FROM {table} t"))
            if told_of(row)
        }
    assert found == set()


def test_what_a_person_wrote_is_in_no_log_not_even_when_the_database_fails(
    town: Town, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person = feature(
        point(LON, LAT),
        kind="volunteer",
        services=["meals"],
        contact={"email": MAIL, "telefoon": PHONE},
        consent=AGREED,
    )
    named = feature(point(LON, LAT), kind="volunteer", name=MAIL)
    with town.sessions() as session:
        session.execute(text("ALTER TABLE asset_secret RENAME TO gone"))
        session.commit()
        try:
            failed = town.send("POST", ASSETS, person)
        finally:
            session.execute(text("ALTER TABLE gone RENAME TO asset_secret"))
            session.commit()
    refused = town.send("POST", ASSETS, named)
    assert (failed.status_code, refused.status_code) == (503, 400)
    written = "".join(capfd.readouterr()) + caplog.text
    assert "database" in written
    assert told_of(written) == []
    assert told_of(failed.text + refused.text) == []


def true_counts(town: Town) -> dict[tuple[str, str | None], int]:
    """Count the volunteers of every official neighbourhood and service by walking up from their own, in plain SQL."""
    up = text(
        """WITH RECURSIVE up AS (
             SELECT a.id AS person, a.services, a.neighbourhood_id AS area FROM asset a
             WHERE a.kind = 'volunteer' AND a.status = 'published'
             UNION ALL SELECT up.person, up.services, n.parent_id FROM up JOIN neighbourhood n ON n.id = up.area)
           SELECT area, service, count(*) FROM up, unnest(array_append(services, NULL)) service
           WHERE area IS NOT NULL GROUP BY 1, 2"""
    )
    with town.sessions() as session:
        return {(area, service): number for area, service, number in session.execute(up)}


def published(town: Town) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Give what the public is told of volunteers, by neighbourhood and service."""
    rows = town.get(COVERAGE, limit=10_000).json()["features"]
    told = [row["properties"] for row in rows if row["properties"]["kind"] == "volunteer"]
    assert len({(row["neighbourhood"], row["service"]) for row in told}) == len(told)
    return {(row["neighbourhood"], row["service"]): row for row in told}


def test_numbers_of_volunteers_are_told_in_steps_of_five_and_those_of_ten_and_fewer_never(town: Town) -> None:
    rows, counts = published(town), true_counts(town)
    assert set(counts) <= set(rows)
    for cell, row in rows.items():
        number, true = row["volunteers"], counts.get(cell, 0)
        if number is None:
            assert true < 15, cell
        else:
            assert true > 10, cell
            assert number in (true // 5 * 5, -(-true // 5) * 5), cell
        expected = None if number is None or not row["residents"] else number / row["residents"] * 1000
        assert row["per_1000"] == pytest.approx(expected)
    assert {None} < {row["volunteers"] for row in rows.values()}


@pytest.mark.parametrize(
    "asked",
    [
        {"bbox": f"{LON - 0.001},{LAT - 0.001},{LON + 0.001},{LAT + 0.001}"},
        {"service": ["meals", "transport"]},
        {"level": ["buurt", "gemeente"], "service": "meals"},
        {"neighbourhood": "WK057901"},
        {"q": "haaswijk", "datetime": "2026-11-22"},
    ],
)
def test_whatever_is_asked_of_volunteers_picks_from_the_same_numbers_and_sums_nothing(
    town: Town, asked: dict[str, Any]
) -> None:
    rows = published(town)
    found = town.get(COVERAGE, kind="volunteer", limit=10_000, **asked).json()["features"]
    assert found
    for row in [each["properties"] for each in found]:
        assert row["volunteers"] == rows[row["neighbourhood"], row["service"]]["volunteers"]


def test_numbers_of_volunteers_are_the_same_each_time(town: Town) -> None:
    told = []
    for norm_m in (300, 800, 1200):
        covered(town, norm_m=norm_m)
        told.append({cell: row["volunteers"] for cell, row in published(town).items()})
    assert told[0] == told[1] == told[2]


def test_no_number_of_volunteers_is_told_for_an_area_that_anyone_can_draw(town: Town) -> None:
    drawn = town.send("POST", NEIGHBOURHOODS, feature(square(4.465, 52.175, 0.02), name="Groot hof")).json()["id"]
    covered(town)
    assert town.get(COVERAGE, level="drawn", kind="volunteer").json()["numberMatched"] == 0
    assert town.get(COVERAGE, neighbourhood=drawn).json()["numberMatched"] == 3 + len(SERVICES)


def test_a_volunteer_who_stopped_is_not_counted(town: Town) -> None:
    with town.sessions() as session:
        area = session.get_one(Neighbourhood, "BU05790102.2024")
        people = [
            Asset(kind=Kind.volunteer, services=["language"], source="test", neighbourhood_id=area.id) for _ in "x" * 12
        ]
        for person in people[:3]:
            person.visible_to = today().replace(year=2020)
        session.add_all(people)
        session.flush()
        run.run(session, Policies(), key=b"a key for tests only")
        told = Wanted(kind=("volunteer",), service=("language",), neighbourhood=area.id)
        found = page(session, VISITOR, "coverage", told, limit=10).features
        session.rollback()
    assert [row["properties"]["volunteers"] for row in found] == [None]
