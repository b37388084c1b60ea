"""Imports over the web: a file goes in by upload, report and yes, and nothing of it stays that nobody wanted."""

import json
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import func, select, text
from starlette.types import Message

from api import uploads
from geo import db
from geo.imports import jobs
from geo.imports.models import AddressDoubt
from geo.models import Asset, History, ImportJob
from geo.settings import Settings
from geo.vocabulary import What
from tests.integration.town import ADMIN, ASSETS, NOBODY, Town, served

IMPORTS = "/v1/imports"
MAPPING = """
source = "Lijst van de gemeente"
source_id = "Nr"
place = { lon = "Lengte", lat = "Breedte" }
columns = { name = "Naam" }
constants = { kind = "community_room" }
"""
TWO = "Nr,Naam,Lengte,Breedte\n1,Kamer Een,4.4701,52.1801\n2,Kamer Twee,4.4702,52.1802\n"
NAMELESS = "Nr,Naam,Lengte,Breedte\n1,Kamer Een,4.4701,52.1801\n2,,4.4702,52.1802\n"
ZIP = b"PK\x03\x04" + bytes(100)


@pytest.fixture(scope="module")
def folder(town_settings: Settings) -> Path:
    """Give the folder in which uploads wait, without what other tests left there."""
    place = uploads.place(town_settings)
    for left in place.iterdir():
        shutil.rmtree(left)
    return place


@pytest.fixture(autouse=True)
def nothing_stays(town: Town) -> Iterator[None]:
    """Take back and discard whatever a test leaves."""
    yield
    for job in told(town.get(IMPORTS, ADMIN))["imports"]:
        if job["what"] == "demo":
            continue
        if job["status"] == "done":
            assert town.send("POST", f"{IMPORTS}/{job['id']}/undo", None).status_code == 200
        elif job["status"] != "undone":
            assert town.send("DELETE", f"{IMPORTS}/{job['id']}", None).status_code == 204


def told(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    return body


def upload(town: Town, content: str | bytes, who: str = ADMIN, **form: Any) -> httpx.Response:
    """Send a file of assets; `form` changes the other fields, None leaves one out."""
    name = form.pop("name", "lijst.csv")
    fields = {"what": "assets", "mapping": MAPPING, **form}
    data = {field: value for field, value in fields.items() if value is not None}
    return town.client.post(IMPORTS, data=data, files={"file": (name, content)}, headers=town.headers(who))


def checked(town: Town, content: str | bytes = TWO, **form: Any) -> dict[str, Any]:
    answer = upload(town, content, **form)
    assert answer.status_code == 201, answer.text
    return told(answer)


def confirm(town: Town, job: str, asked: str = "") -> httpx.Response:
    return town.send("POST", f"{IMPORTS}/{job}/confirm{asked}", None)


def counts(job: dict[str, Any]) -> dict[str, int]:
    """Give how many rows met which fate, without those that none met."""
    return {verdict: count for verdict, count in job["counts"].items() if count}


def names(town: Town) -> list[str]:
    """Give the names of what was imported here and is on the map."""
    found = town.get(ASSETS, limit=1000).json()["features"]
    ours = [item["properties"] for item in found if item["properties"]["source"] == "Lijst van de gemeente"]
    return sorted(item["name"] for item in ours)


def fields(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 400, answer.text
    return {flaw["field"] for flaw in told(answer)["errors"]}


def test_a_file_goes_in_by_upload_report_and_yes_and_out_again_by_undo(town: Town, folder: Path) -> None:
    answer = upload(town, TWO)
    job = told(answer)
    assert (answer.status_code, job["status"], counts(job)) == (201, "checked", {"new": 2})
    assert answer.headers["location"].endswith(f"{IMPORTS}/{job['id']}")
    assert answer.headers["cache-control"] == "no-store"
    assert (job["file_name"], job["bytes"], job["made_by"]) == ("lijst.csv", len(TWO), "the tester")
    assert names(town) == []
    done = told(confirm(town, job["id"]))
    assert (done["id"], done["status"], counts(done)) == (job["id"], "done", {"new": 2})
    assert names(town) == ["Kamer Een", "Kamer Twee"]
    assert not (folder / job["id"]).exists()
    assert told(town.get(f"{IMPORTS}/{job['id']}", ADMIN)) == done
    newest = told(town.get(IMPORTS, ADMIN, limit=1))["imports"]
    assert [(each["id"], each["status"], each["kept_until"]) for each in newest] == [(job["id"], "done", None)]
    undone = told(town.send("POST", f"{IMPORTS}/{job['id']}/undo", None))
    assert undone["removed"] == 2
    assert names(town) == []
    assert told(town.get(f"{IMPORTS}/{job['id']}", ADMIN))["undone_by"] == "the tester"


def test_a_file_waits_where_only_the_service_reads_it_and_under_no_name_of_its_sender(town: Town, folder: Path) -> None:
    job = checked(town, name="../../etc/C:\\x\\ja\u202e\x9f.csv")
    [file] = (folder / job["id"]).iterdir()
    assert (file.name, job["file_name"]) == ("file.csv", "ja.csv")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, file.parent)} == {0o700}
    assert file.read_text() == TWO


def test_a_row_that_cannot_go_in_is_told_and_holds_back_the_others_until_it_is_skipped(town: Town) -> None:
    job = checked(town, NAMELESS)
    assert (job["status"], counts(job)) == ("refused", {"new": 1, "refused": 1})
    [line] = [line for line in job["report"]["lines"] if line["verdict"] != "new"]
    assert (line["row"], line["verdict"], line["field"]) == (3, "refused", "name")
    assert line["reason"]
    assert told(confirm(town, job["id"]))["status"] == "refused"
    assert names(town) == []
    done = told(confirm(town, job["id"], "?skipBad=true"))
    assert (done["id"], done["status"], counts(done)) == (job["id"], "done", {"new": 1, "refused": 1})
    assert names(town) == ["Kamer Een"]


def test_a_second_import_of_the_same_in_between_makes_the_first_change_nothing(town: Town) -> None:
    first, second = checked(town), checked(town)
    assert counts(told(confirm(town, second["id"]))) == {"new": 2}
    with town.sessions() as session:
        before = session.scalar(select(func.count()).select_from(History))
        done = told(confirm(town, first["id"]))
        assert (done["status"], counts(done)) == ("done", {"unchanged": 2})
        assert session.scalar(select(func.count()).select_from(History)) == before


def test_what_is_discarded_leaves_nothing(town: Town, folder: Path) -> None:
    job = checked(town)
    assert town.send("DELETE", f"{IMPORTS}/{job['id']}", None).status_code == 204
    assert not (folder / job["id"]).exists()
    assert town.get(f"{IMPORTS}/{job['id']}", ADMIN).status_code == 404
    assert confirm(town, job["id"]).status_code == 404


def test_what_is_done_is_not_done_again_nor_discarded_and_is_undone_once(town: Town) -> None:
    job = checked(town)
    assert confirm(town, job["id"]).status_code == 200
    for refused in (confirm(town, job["id"]), town.send("DELETE", f"{IMPORTS}/{job['id']}", None)):
        assert (refused.status_code, told(refused)["detail"]) == (409, "This import is done already.")
    undone = [town.send("POST", f"{IMPORTS}/{job['id']}/undo", None).status_code for _ in range(2)]
    assert undone == [200, 409]


def test_a_file_that_waited_for_more_than_a_day_is_gone_and_the_answer_says_so(town: Town, folder: Path) -> None:
    job = checked(town)
    home = folder / job["id"]
    for path in (home / "file.csv", home):
        os.utime(path, (0, time.time() - timedelta(days=1, seconds=1).total_seconds()))
    assert told(town.get(f"{IMPORTS}/{job['id']}", ADMIN))["kept_until"] is None
    answer = confirm(town, job["id"])
    assert answer.status_code == 409
    assert "Upload lijst.csv again" in told(answer)["detail"]
    checked(town)
    assert not home.exists()
    assert confirm(town, job["id"]).status_code == 409


def test_a_file_that_is_not_the_one_that_was_checked_does_not_go_in(town: Town, folder: Path) -> None:
    job = checked(town)
    (folder / job["id"] / "file.csv").write_text(NAMELESS)
    answer = confirm(town, job["id"])
    assert (answer.status_code, told(answer)["detail"]) == (
        409,
        "The file is not the one that was checked: upload it again.",
    )
    assert names(town) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", ""), ("x.csv", ZIP), ("x.gpkg", TWO), ("x.geojson", "{"), ("x", TWO), ("x.exe", TWO), ("x.xlsx", ZIP)],
)
def test_a_file_that_is_none_is_refused_and_leaves_nothing(
    town: Town, folder: Path, name: str, content: str | bytes
) -> None:
    before = told(town.get(IMPORTS, ADMIN))
    answer = upload(town, content, name=name)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert told(answer)["detail"]
    assert told(town.get(IMPORTS, ADMIN)) == before
    assert list(folder.iterdir()) == []


def test_each_field_that_is_wrong_is_named(town: Town, folder: Path) -> None:
    assert fields(upload(town, TWO, what="castles")) == {"what"}
    assert fields(upload(town, TWO, what="demo")) == {"what"}
    assert fields(upload(town, TWO, what=None)) == {"what"}
    assert fields(upload(town, TWO, what=["assets", "assets"])) == {"what"}
    assert fields(upload(town, TWO, colour="red")) == {"colour"}
    assert fields(upload(town, TWO, options="[]")) == {"options"}
    assert fields(upload(town, TWO, options="{" * 5000)) == {"options"}
    assert fields(upload(town, TWO, options='{"year": NaN}')) == {"options.year"}
    assert fields(upload(town, TWO, options='{"layer": 1.5, "year": []}')) == {"options.layer", "options.year"}
    assert fields(upload(town, TWO, options='{"layer": "a\\u0000"}')) == {"options.layer"}
    assert "maximum size" in told(upload(town, TWO, mapping="x" * 200_001))["detail"]
    assert fields(town.send("POST", IMPORTS, {"what": "assets"})) == {"what", "file"}
    assert fields(upload(town, TWO, what="squares", mapping=None, options='{"archive_missing": true}'))
    assert list(folder.iterdir()) == []


def test_nobody_can_tell_the_service_which_address_to_ask_for_places(town: Town) -> None:
    answer = upload(town, TWO, options=json.dumps({"locatieserver": "http://127.0.0.1:1"}))
    assert fields(answer) == {"options.locatieserver"}


def test_a_mapping_may_be_sent_as_a_file_too(town: Town) -> None:
    mapping = MAPPING.encode("utf-8-sig")
    files: dict[str, tuple[str, str | bytes]] = {"file": ("lijst.csv", TWO), "mapping": ("lijst.toml", mapping)}
    answer = town.client.post(IMPORTS, data={"what": "assets"}, files=files, headers=town.headers(ADMIN))
    assert counts(told(answer)) == {"new": 2}
    for bad in (b"\xff\xfe", b"x" * 200_001, b"source ="):
        files["mapping"] = ("lijst.toml", bad)
        refused = town.client.post(IMPORTS, data={"what": "assets"}, files=files, headers=town.headers(ADMIN))
        assert fields(refused) == {"mapping"}


def test_while_another_import_is_at_work_nothing_else_is_done_and_nothing_stays_behind(
    town: Town, folder: Path
) -> None:
    done, job = checked(town, NAMELESS), checked(town)
    assert told(confirm(town, done["id"], "?skipBad=true"))["status"] == "done"
    with town.sessions() as other:
        other.execute(select(func.pg_advisory_xact_lock(jobs.IMPORT_LOCK)))
        answers = [
            upload(town, TWO),
            confirm(town, job["id"]),
            town.send("DELETE", f"{IMPORTS}/{job['id']}", None),
            town.send("POST", f"{IMPORTS}/{done['id']}/undo", None),
        ]
    assert [answer.status_code for answer in answers] == [409, 409, 409, 409]
    assert [each.name for each in folder.iterdir()] == [job["id"]]
    assert told(confirm(town, job["id"]))["status"] == "done"


class Carried:
    """A body that counts how much of it was asked for."""

    def __init__(self, total: int) -> None:
        self.total, self.read = total, 0

    async def receive(self) -> Message:
        part = min(1 << 16, self.total - self.read)
        self.read += part
        return {"type": "http.request", "body": bytes(part), "more_body": self.read < self.total}


def status_of(town: Town, portal: BlockingPortal, who: str, body: Carried, length: bool) -> int:
    """Send a body straight into the app; gives the status of the answer."""
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    headers += [(b"content-length", str(body.total).encode())] if length else []
    headers += [(name.lower().encode(), value.encode()) for name, value in town.headers(who).items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": IMPORTS,
        "raw_path": IMPORTS.encode(), "query_string": b"", "headers": headers, "scheme": "http", "root_path": "",
        "server": ("kaart.test", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    answered: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    portal.call(town.app, scope, body.receive, send)
    return answered[0]


@pytest.mark.parametrize("who", [NOBODY, "visitor", "wrong", "expired", "revoked"])
@pytest.mark.parametrize("length", [True, False])
def test_of_somebody_who_may_not_upload_nothing_is_read(
    town: Town, portal: BlockingPortal, folder: Path, who: str, length: bool
) -> None:
    body = Carried(40_000_000)
    assert status_of(town, portal, who, body, length) == (403 if who == "visitor" else 401)
    assert body.read == 0
    assert list(folder.iterdir()) == []


def test_a_body_larger_than_any_upload_is_refused_before_it_is_read_or_as_soon_as_it_shows(
    town: Town, portal: BlockingPortal, folder: Path
) -> None:
    told_before, found_out, of_nobody = Carried(60_000_000), Carried(600_000_000), Carried(60_000_000)
    assert status_of(town, portal, ADMIN, told_before, length=True) == 413
    assert status_of(town, portal, NOBODY, of_nobody, length=True) == 413
    assert (told_before.read, of_nobody.read) == (0, 0)
    assert status_of(town, portal, ADMIN, found_out, length=False) in (400, 413)
    assert found_out.read < 52_000_000
    assert list(folder.iterdir()) == []


def test_sixty_megabytes_of_nobody_are_refused_at_once_over_a_real_connection(town: Town, folder: Path) -> None:
    head = "POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with served(town.app) as address:
        port = int(address.rpartition(":")[2])
        for length, status in ((60_000_000, b"413"), (40_000_000, b"401")):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                began = time.monotonic()
                connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
                assert connection.recv(12) == b"HTTP/1.1 " + status
                assert time.monotonic() - began < 1
    assert list(folder.iterdir()) == []


def test_a_file_of_more_than_a_megabyte_goes_in_here_and_nowhere_else(town: Town) -> None:
    rows = "".join(f"{number},{'x' * 150},4.47,52.18\n" for number in range(10_000))
    large = "Nr,Naam,Lengte,Breedte\n" + rows
    assert len(large) > 1_500_000
    assert counts(checked(town, large))["new"] == 10_000
    assert town.client.post(f"{IMPORTS}/", content=large, headers=town.headers(ADMIN)).status_code == 413


def doubtful(town: Town, job: str) -> int:
    """Let an import leave an address that is not certain, as one that looks addresses up does."""
    record = {"name": "Kamer Drie", "kind": "community_room", "source": "Lijst van de gemeente", "source_id": "3"}
    places = [{"label": f"Straat {n}", "lon": 4.47 + n / 1000, "lat": 52.18, "score": 9.0 - n} for n in (1, 2)]
    with town.sessions() as session:
        doubt = AddressDoubt(job_id=job, row=4, asked="Straat", record=record, candidates=places)
        session.add(doubt)
        session.commit()
        return doubt.id


def test_a_doubtful_address_is_decided_by_a_person_once(town: Town) -> None:
    job = checked(town)["id"]
    confirm(town, job)
    doubt = doubtful(town, job)
    [open_one] = told(town.get(f"{IMPORTS}/{job}/doubts", ADMIN))["doubts"]
    assert (open_one["id"], open_one["row"], len(open_one["candidates"])) == (doubt, 4, 2)
    assert told(town.get(IMPORTS, ADMIN, limit=1))["imports"][0]["open_doubts"] == 1
    path = f"{IMPORTS}/doubts/{doubt}"
    assert fields(town.send("POST", path, {"choice": 2})) == {"choice"}
    assert fields(town.send("POST", path, {"choice": True})) == {"choice"}
    assert fields(town.send("POST", path, {})) == {"choice"}
    assert town.send("POST", path, {"choice": 1}).status_code == 204
    assert names(town) == ["Kamer Drie", "Kamer Een", "Kamer Twee"]
    found = town.get(ASSETS, limit=1000).json()["features"]
    [place] = [item["geometry"]["coordinates"] for item in found if item["properties"]["name"] == "Kamer Drie"]
    assert place == pytest.approx([4.472, 52.18])
    assert told(town.get(f"{IMPORTS}/{job}/doubts", ADMIN)) == {"doubts": []}
    assert told(town.get(f"{IMPORTS}/{job}", ADMIN))["open_doubts"] == 0
    assert town.send("POST", path, {"choice": 0}).status_code == 409


def test_where_no_candidate_is_right_nothing_is_added(town: Town) -> None:
    job = checked(town)["id"]
    confirm(town, job)
    assert town.send("POST", f"{IMPORTS}/doubts/{doubtful(town, job)}", {"choice": None}).status_code == 204
    assert names(town) == ["Kamer Een", "Kamer Twee"]
    assert told(town.get(f"{IMPORTS}/{job}/doubts", ADMIN)) == {"doubts": []}


def test_what_is_not_there_is_not_found(town: Town) -> None:
    nothing = uuid4()
    for method, after in (("GET", ""), ("DELETE", ""), ("POST", "/confirm"), ("POST", "/undo"), ("GET", "/doubts")):
        path = f"{IMPORTS}/{nothing}{after}"
        assert town.client.request(method, path, headers=town.headers(ADMIN)).status_code == 404, path
    assert town.send("POST", f"{IMPORTS}/doubts/123456789", {"choice": 0}).status_code == 404
    assert town.send("POST", f"{IMPORTS}/doubts/{10**30}", {"choice": 0}).status_code in (400, 404)


def test_the_list_takes_a_limit_and_nothing_else(town: Town) -> None:
    assert fields(town.get(IMPORTS, ADMIN, limit=0)) == {"limit"}
    assert fields(town.get(IMPORTS, ADMIN, colour="red")) == {"colour"}
    job = checked(town)["id"]
    assert fields(confirm(town, job, "?skipBad=perhaps")) == {"skipBad"}
    assert fields(confirm(town, job, "?skip_all=true")) == {"skip_all"}


def test_the_description_of_the_api_tells_how_a_file_is_sent(town: Town) -> None:
    described = town.get("/v1/openapi.json").json()["paths"][IMPORTS.removeprefix("/v1")]["post"]["requestBody"]
    schema = described["content"]["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {"what", "file", "mapping", "options"}
    assert schema["required"] == ["what", "file"]
    assert set(schema["properties"]["what"]["enum"]) == {each.value for each in What} - {"demo"}


def test_an_import_may_take_longer_than_other_statements(town: Town) -> None:
    def slow(task: jobs.Task) -> None:
        task.session.execute(text("SELECT pg_sleep(1.3)"))

    def unwatched(step: str, done: int, total: int | None) -> None:
        """Take what is told of the progress, and do nothing."""

    engine = db.engine(town.engine.url.render_as_string(hide_password=False), statement_timeout_s=1)
    order, source = jobs.Order(What.assets, slow, {}), jobs.Source(None, "x", "", 0)
    with db.sessions(engine)() as session:
        assert jobs.check(session, order, source, by="tester", progress=unwatched).counts == {}
        session.rollback()
        assert session.scalar(text("SHOW statement_timeout")) == "1s"
    engine.dispose()


def test_the_page_holds_no_data_and_is_the_same_for_everybody(town: Town) -> None:
    job = checked(town, name="geheime lijst.csv")
    pages = [town.get("/imports", who).text for who in (NOBODY, "visitor", ADMIN)]
    assert all("geheime lijst" not in page and job["id"] not in page for page in pages)
    with town.sessions() as session:
        assert session.get(ImportJob, job["id"]) is not None
        assert session.scalar(select(func.count()).where(Asset.source == "Lijst van de gemeente")) == 0
