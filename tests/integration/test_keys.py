"""API keys with scopes: what each is for, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from geo import db
from geo.errors import InvalidInput
from geo.models import Asset, History
from geo.people import api_keys
from geo.people.models import ApiKey
from geo.rights import FOR_PEOPLE, KEY_SCOPES, OPERATIONS
from geo.vocabulary import Role
from tests.integration.commands import Kaart, refusal
from tests.integration.town import ACTIVITIES, ASSETS, COVERAGE, RUNS, Form, Town, feature, point, ways

IMPORTS = "/v1/imports"
MAPPING = """
    source = "test"
    source_id = "Nr"
    place = { lon = "X", lat = "Y" }
    columns = { name = "Naam" }
    constants = { kind = "community_room" }
"""
ROOM = feature(point(4.4701, 52.1801), kind="community_room", name="Kamer")


@pytest.fixture
def keys(town: Town) -> Mapping[str, str]:
    """Give an administrator's key of each scope."""
    with town.sessions() as session:
        made = {name: api_keys.create_key(session, f"a key to {name}", scopes=[name]) for name in KEY_SCOPES}
        made["import and coverage"] = api_keys.create_key(session, "a machine", scopes=["import", "coverage"])
        session.commit()
    return made


def send(town: Town, key: str, method: str, path: str, body: Any = None) -> httpx.Response:
    sent = {"data": body.fields, "files": body.files} if isinstance(body, Form) else {"json": body}
    return town.client.request(method, path, headers={"X-API-Key": key}, **sent)


def listed(number: int) -> Form:
    """Make the form with which one asset is imported."""
    content = f"Nr,Naam,X,Y\n{number},Kamer {number},4.4701,52.1801\n"
    return Form({"what": "assets", "mapping": MAPPING}, {"file": ("lijst.csv", content)})


def changes(town: Town) -> tuple[int, int]:
    counted = [select(func.count()).select_from(table) for table in (History, Asset)]
    with town.sessions() as session:
        history, assets = (session.scalar(each) or 0 for each in counted)
    return history, assets


def test_a_key_to_import_uploads_and_takes_back_and_writes_no_asset(town: Town, keys: Mapping[str, str]) -> None:
    key = keys["import"]
    made = send(town, key, "POST", IMPORTS, listed(1))
    assert made.status_code == 201, made.text
    job = f"{IMPORTS}/{made.json()['id']}"
    assert send(town, key, "POST", f"{job}/confirm").json()["status"] == "done"
    assert send(town, key, "GET", job).status_code == 200
    assert send(town, key, "POST", f"{job}/undo").status_code == 200
    before = changes(town)
    refused = send(town, key, "POST", ASSETS, ROOM)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This API key has the scopes 'import' only; this needs the scope 'write'."
    assert changes(town) == before


def test_a_key_to_write_writes_and_imports_nothing(town: Town, keys: Mapping[str, str]) -> None:
    made = send(town, keys["write"], "POST", ASSETS, ROOM)
    assert made.status_code == 201, made.text
    assert send(town, keys["write"], "DELETE", made.headers["location"]).status_code == 204
    assert send(town, keys["write"], "POST", IMPORTS, listed(2)).status_code == 403
    assert send(town, keys["write"], "GET", ASSETS).status_code == 403


def test_a_key_to_read_reads_what_its_role_may_and_changes_nothing(town: Town, keys: Mapping[str, str]) -> None:
    key = keys["read"]
    hidden = {"kind": "volunteer"}
    seen = town.client.get(ASSETS, params=hidden, headers={"X-API-Key": key}).json()["numberMatched"]
    assert seen == town.get(ASSETS, "admin", **hidden).json()["numberMatched"] > 0
    assert [send(town, key, "GET", path).status_code for path in (ACTIVITIES, COVERAGE, "/v1/", "/")] == [200] * 4
    before = changes(town)
    changing = [way for way in ways(town.app) if way.method not in ("GET", "HEAD")]
    assert len(changing) > 15
    for way in changing:
        path = way.path.replace("{", "").replace("}", "")
        answer = send(town, key, way.method, path, {})
        assert answer.status_code == 403, way
    assert changes(town) == before


def test_a_key_of_two_scopes_does_both_and_no_third(town: Town, keys: Mapping[str, str]) -> None:
    key = keys["import and coverage"]
    assert send(town, key, "GET", IMPORTS).status_code == 200
    assert send(town, key, "POST", RUNS, {}).status_code == 202
    refused = send(town, key, "PATCH", f"{ASSETS}/00000000-0000-4000-8000-000000000000", {"type": "Feature"})
    told = "This API key has the scopes 'coverage', 'import' only; this needs the scope 'write'."
    assert (refused.status_code, refused.json()["detail"]) == (403, told)


def test_a_scope_adds_nothing_to_what_a_role_may(town: Town) -> None:
    with town.sessions() as session:
        key = api_keys.create_key(session, "a visitor", scopes=["write"], role=Role.visitor)
        session.commit()
    refused = send(town, key, "POST", ASSETS, ROOM)
    assert (refused.status_code, "role 'visitor'" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize("scope", KEY_SCOPES)
def test_no_key_with_a_scope_is_let_in_where_only_people_are(town: Town, keys: Mapping[str, str], scope: str) -> None:
    asked = [way for way in ways(town.app) if way.name in FOR_PEOPLE]
    assert {way.name for way in asked} == FOR_PEOPLE & OPERATIONS.keys()
    for way in asked:
        path = way.path.replace("{", "").replace("}", "")
        assert send(town, keys[scope], way.method, path).status_code == 403, way


def test_a_key_is_made_for_something_until_a_day_and_the_list_tells(kaart: Kaart, database_url: str) -> None:
    made = kaart("key", "create", "gis", "--role", "admin", "--scope", "import", "--scope", "coverage", "--days", "30")
    kaart("key", "create", "all")
    engine = db.engine(database_url)
    with db.sessions(engine)() as session:
        kept = session.scalars(select(ApiKey).where(ApiKey.name == "gis")).one()
        assert api_keys.viewer_of(session, made.strip()).scopes == {"import", "coverage"}
    engine.dispose()
    assert kept.scopes == ["coverage", "import"]
    assert abs(kept.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in kaart("key", "list").splitlines()]
    told = {row[1]: (row[2], row[3], row[5]) for row in rows if len(row) == 7}
    assert told["gis"] == ("admin", "coverage import", f"{kept.expires_at:%Y-%m-%d}")
    assert told["all"][:2] == ("admin", "all")


def test_an_unknown_scope_is_refused_and_those_there_are_are_named(kaart: Kaart, town: Town) -> None:
    said = refusal(kaart, "key", "create", "x", "--scope", "import", "--scope", "imports")
    assert said == "✗ scope: 'imports' is no scope; there are read, write, import, coverage"
    assert "imports" not in kaart("key", "list")
    with town.sessions() as session, pytest.raises(InvalidInput):
        api_keys.create_key(session, "x", scopes=["everything"])
