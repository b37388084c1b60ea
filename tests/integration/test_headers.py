"""Every answer that there is, whatever became of the request, carries the headers that keep a browser safe."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from geo import db
from maps.files import STATIC
from tests.integration.town import ADMIN, ASSETS, NOBODY, Door, Town, feature, ways

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "geolocation=(self)",
    "cross-origin-opener-policy": "same-origin",
}
STRICTER = {"referrer-policy": {"no-referrer", "same-origin"}}  # what a page with a secret in its address may say
NOTHING = "default-src 'none'; frame-ancestors 'none'"
ROLES = (NOBODY, "visitor", ADMIN, "wrong")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NOBODY_LISTENS = "postgresql+psycopg://kaart@127.0.0.1:1/kaart"
EVERYBODYS = ("/v1/collections", "/v1/hsds")
Make = Callable[..., httpx.Client]


class Seen(NamedTuple):
    """What the crawl met: how often which status, as a page or not."""

    answers: Counter[tuple[int, bool]]

    def hold(self, answer: httpx.Response) -> None:
        """Check one answer."""
        asked = f"{answer.request.method} {answer.request.url} → {answer.status_code}"
        page = answer.headers.get("content-type", "").startswith("text/html")
        self.answers[answer.status_code, page] += 1
        for name, value in ALWAYS.items():
            assert answer.headers.get(name) in {value, *STRICTER.get(name, ())}, (asked, name)
        policy = answer.headers["content-security-policy"]
        assert policy == NOTHING or page, asked
        if page:
            assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; ")), asked
            assert "unsafe" not in policy, asked
            assert re.search(r"script-src 'self' 'nonce-[\w-]{20,}'(;|$)", policy), asked
        cached = set(re.split(r",\s*", answer.headers["cache-control"]))
        shared = answer.request.url.path.startswith("/static/")
        if "public" in cached and not shared:  # what everybody may see, asked by nobody in particular
            assert answer.request.url.path.startswith(EVERYBODYS), asked
            assert "x-api-key" not in answer.request.headers, asked
            assert "kaart_entry" not in answer.request.headers.get("cookie", ""), asked
            assert {"Accept", "Cookie", "X-API-Key"} <= set(answer.headers["vary"].split(", ")), asked
            assert answer.headers["etag"], asked
            return
        assert shared or cached & {"private", "no-store"}, asked


@pytest.fixture
def seen() -> Seen:
    return Seen(Counter())


@pytest.fixture
def make(town: Town, portal: BlockingPortal) -> Iterator[Make]:
    """Give a maker of clients of the town, or of another database, with some settings changed and a defect at /boom."""
    with ExitStack() as stack:

        def client(sessions: sessionmaker[Session] = town.sessions, **told: Any) -> httpx.Client:
            settings = town.app.state.settings.model_copy(update={"requests_a_minute": 0, **told})
            app = create_app(settings, sessions)
            for path in ("/boom", "/v1/boom"):
                app.add_api_route(path, boom, name="about_page")
            return stack.enter_context(httpx.Client(transport=Door(app, portal), base_url="http://kaart.test"))

        yield client


def boom() -> None:
    raise RuntimeError("a defect")


def paths(town: Town) -> dict[str, str]:
    """Give for every path with a parameter one that exists."""
    listed = {name: town.get(f"/v1/collections/{name}/items", limit=1).json() for name in ("assets", "activities")}
    asset, activity = (str(each["features"][0]["id"]) for each in listed.values())
    made = town.get("/v1/coverage/runs").json()["runs"][0]["id"]
    return {
        "/v1/collections/{collection}": "/v1/collections/assets",
        "/v1/collections/{collection}/items": ASSETS,
        "/v1/collections/{collection}/items/{item}": f"{ASSETS}/{asset}",
        "/places/{place}": f"/places/{asset}",
        "/activities/{activity}": f"/activities/{activity}",
        "/gaps/{neighbourhood}": "/gaps/BU05790102.2024",
        "/v1/coverage/runs/{run_id}": f"/v1/coverage/runs/{made}",
        "/v1/coverage/runs/{run_id}/changes": f"/v1/coverage/runs/{made}/changes?since={made}",
    }


def every_path(app: FastAPI) -> set[str]:
    return {way.path for way in ways(app)} | {"/v1/openapi.json", "/v1/nowhere", "/nowhere", "/static/nowhere"}


def test_every_route_answers_everybody_with_them_to_a_sound_question(town: Town, make: Make, seen: Seen) -> None:
    client, sound = make(), paths(town)
    pages = {way.path for way in ways(town.app) if way.method == "GET"}
    for path in sorted(pages):
        for who in ROLES:
            seen.hold(client.get(sound.get(path, path.replace("{", "").replace("}", "")), headers=town.headers(who)))
    assert seen.answers[200, True] >= 4 * 3  # pages and people
    assert seen.answers[200, False] >= 4 * 8


def test_every_route_answers_every_method_with_them_when_nothing_is_right(town: Town, make: Make, seen: Seen) -> None:
    client = make()
    for path in sorted(every_path(town.app)):
        told = path.replace("{", "").replace("}", "")
        for method in METHODS:
            for who in ROLES:
                seen.hold(client.request(method, told, headers=town.headers(who)))
    assert {(401, False), (403, False), (404, False), (404, True), (405, False), (405, True)} <= seen.answers.keys()


def test_every_file_is_sent_with_them(make: Make, seen: Seen) -> None:
    client = make()
    files = [path.relative_to(STATIC) for path in STATIC.rglob("*.*") if path.is_file()]
    endings = {path.suffix: path for path in files}  # one of each kind
    assert {".css", ".js"} <= endings.keys()
    for path in endings.values():
        for asked in (f"/static/{path}", f"/static/{path}?v=1"):
            answer = client.get(asked)
            seen.hold(answer)
            seen.hold(client.get(asked, headers={"If-None-Match": answer.headers["etag"]}))
    assert seen.answers[304, False]


def test_every_kind_of_refusal_and_failure_is_sent_with_them(town: Town, make: Make, seen: Seen) -> None:
    client = make()
    for path in ("/boom", "/v1/boom"):
        seen.hold(client.get(path))
    for path in (ASSETS, "/about"):
        seen.hold(client.get(path, params={"kind": "castle", "lang": "en"}))
        seen.hold(client.post(path, content=b" " * 1_000_001))
    seen.hold(client.get("/?kind=castle"))
    seen.hold(client.post(ASSETS, content=b"[" * 100_000, headers=town.headers(ADMIN)))
    seen.hold(client.options(ASSETS, headers={"Origin": "https://x.test", "Access-Control-Request-Method": "GET"}))
    seen.hold(client.options(ASSETS, headers={"Origin": "https://x.test", "Access-Control-Request-Method": "PUT"}))
    busy = make(requests_a_minute=1)
    for _ in range(2):
        for path in ("/v1/", "/about"):
            seen.hold(busy.get(path))
    nowhere = db.engine(NOBODY_LISTENS)
    down = make(db.sessions(nowhere))
    for path in (ASSETS, "/", "/readyz"):
        seen.hold(down.get(path))
    nowhere.dispose()
    wanted = [(status, page) for status in (400, 429, 500, 503) for page in (True, False)]
    assert {*wanted, (413, False)} <= seen.answers.keys()


def test_what_is_written_is_answered_with_them(town: Town, make: Make, seen: Seen) -> None:
    client, key = make(), town.headers(ADMIN)
    sent = feature(None, kind="initiative", name="Kop", services=["meals"], neighbourhood="BU05790102")
    made = client.post(ASSETS, json=sent, headers=key)
    assert made.status_code == 201, made.text
    seen.hold(made)
    seen.hold(client.delete(made.headers["location"], headers={**key, "If-Match": "*"}))
    assert {(201, False), (204, False)} <= seen.answers.keys()


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [("https://kaart.example.nl", "max-age=31536000"), ("http://kaart.test", None), (None, None)],
)
def test_a_browser_is_held_to_https_only_where_the_service_has_it(
    make: Make, public_url: str | None, expected: str | None
) -> None:
    client = make(public_url=public_url)
    for path in ("/about", "/v1/", "/nowhere", "/boom", "/static/nowhere", "/livez"):
        assert client.get(path).headers.get("strict-transport-security") == expected


def test_only_files_that_name_their_contents_may_be_kept_by_everybody(make: Make) -> None:
    client = make()
    css = next(path.relative_to(STATIC) for path in STATIC.rglob("*.css"))
    assert client.get(f"/static/{css}?v=1").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get(f"/static/{css}").headers["cache-control"] == "no-cache"
    assert client.get("/static/nowhere?v=1").headers["cache-control"] == "private, no-cache"
