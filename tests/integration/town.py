"""What the tests of the service share: a demo municipality of their own, and a client that walks into its app."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import shapely
import uvicorn
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.routing import APIRoute
from shapely.geometry import mapping
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker
from starlette.routing import BaseRoute

from geo import folder, queue
from geo.coverage import jobs, watch
from geo.coverage.jobs import Shop
from geo.neighbourhoods import Area, to_wgs84
from geo.vocabulary import Level

ADMIN, NOBODY = "admin", "nobody"
BAD_KEYS = ("wrong", "expired", "revoked")
ASSETS = "/v1/collections/assets/items"
ACTIVITIES = "/v1/collections/activities/items"
NEIGHBOURHOODS = "/v1/collections/neighbourhoods/items"
COVERAGE = "/v1/collections/coverage/items"
RUNS = "/v1/coverage/runs"

# Testdorp on paper: three squares of a kilometre, RD New. West and East make one wijk, North is the other.
#   North |
#   West  | East
GEMEENTE = "GM9001"
WIJKEN = ("WK900101", "WK900102")
WEST, EAST, NORTH = "BU90010101", "BU90010102", "BU90010201"
BUURTEN = [
    Area(code, name, Level.buurt, shapely.box(x, y, x + 1000, y + 1000), {"residents": residents})
    for code, name, x, y, residents in (
        (WEST, "West", 92000, 465000, 100), (EAST, "East", 93000, 465000, 200), (NORTH, "Noord", 92000, 466000, 300),
    )
]  # fmt: skip


class Way(NamedTuple):
    """One method at one path, and the operation that it is."""

    name: str
    method: str
    path: str


class Form(NamedTuple):
    """What is sent as a form: plain fields, and files by field with the name and content of each."""

    fields: Mapping[str, str]
    files: Mapping[str, tuple[str, str]]


class Door(httpx.BaseTransport):
    """Carries the requests of an ordinary client straight into an app of this process."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._inside = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the app's whole answer."""
        return self.portal.call(self._carry, request)

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inside.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@dataclass(frozen=True)
class Town:
    """The demo municipality with one coverage run: its app, its database, a client, and keys by who holds them.

    keys   visitor, admin, wrong, expired, revoked
    """

    app: FastAPI
    engine: Engine
    sessions: sessionmaker[Session]
    client: httpx.Client
    keys: Mapping[str, str]

    def headers(self, who: str) -> dict[str, str]:
        """Give the headers that somebody sends; nobody sends none."""
        return {"X-API-Key": self.keys[who]} if who in self.keys else {}

    def get(self, path: str, who: str = "nobody", **asked: Any) -> httpx.Response:
        """Ask for a path; `asked` becomes its parameters."""
        return self.client.get(path, params=asked or None, headers=self.headers(who))

    def send(self, method: str, path: str, body: object, who: str = "admin") -> httpx.Response:
        """Send a body as JSON, or as the form that it is."""
        if isinstance(body, Form):
            return self.client.request(method, path, data=body.fields, files=body.files, headers=self.headers(who))
        return self.client.request(method, path, json=body, headers=self.headers(who))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app on a free port of this machine and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def shop(town: Town, said: list[str] | None = None) -> Shop:
    """Give what a worker's code needs to work on a town; a defect fails the test."""

    def note(what: str, error: BaseException) -> None:
        raise AssertionError(what) from error

    told = [] if said is None else said
    return Shop(town.engine, folder.secret(town.app.state.settings), threading.Event(), note, told.append)


def do_jobs(town: Town) -> None:
    """Have all jobs that wait done, by the code of the worker."""
    needed = shop(town)
    queue.work(town.engine, {jobs.NAME: jobs.work(needed)}, needed.stopping, wait=False)


def covered(town: Town, **asked: object) -> dict[str, Any]:
    """Ask for a coverage run as an administrator does, have it made, and give what is told of it."""
    answer = town.send("POST", RUNS, asked)
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting"), answer.text
    do_jobs(town)
    made: dict[str, Any] = town.get(answer.headers["location"]).json()
    assert made["status"] == "done", made
    return made


@contextmanager
def live(town: Town) -> Iterator[None]:
    """Have the live state of a town kept, and questions answered, by the code of the worker in a thread of its own."""
    said: list[str] = []
    needed = shop(town, said)
    thread = threading.Thread(target=watch.keep, args=(needed,))
    thread.start()
    try:
        until = time.monotonic() + 300  # it may have to compile
        while not said:
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield
    finally:
        needed.stopping.set()
        thread.join()


def ways(app: FastAPI) -> list[Way]:
    """Name every way into an app, mounted folders aside."""
    return [
        Way(route.name, method, route.path) for route in _routes(app.routes) for method in sorted(route.methods or ())
    ]


def _routes(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from _routes(getattr(getattr(route, "original_router", None), "routes", ()))


def feature(geometry: object = None, **properties: object) -> dict[str, object]:
    """Make a record as it is sent."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}


AGREED = {"purposes": ["offer"]}  # what every volunteer agrees to, or there is no record


def point(lon: float, lat: float) -> dict[str, object]:
    """Make a place."""
    return {"type": "Point", "coordinates": [lon, lat]}


def spot(x: float, y: float) -> dict[str, object]:
    """Make a place from metres, RD New."""
    return dict(mapping(to_wgs84(shapely.Point(x, y))))


def box(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """Make an area from metres, RD New."""
    return dict(mapping(to_wgs84(shapely.box(west, south, east, north))))


def square(west: float, south: float, side: float) -> dict[str, object]:
    """Make an area, degrees."""
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


A_JOB = """INSERT INTO import_job (id, what, status, file_name, sha256, bytes, made_by)
VALUES ('00000000-0000-4000-8000-000000000001', 'squares', 'done', 'none', '', 0, 'the tester')"""
SQUARES = """INSERT INTO square (id, code, year, x, y, residents, job_id)
SELECT code || '.' || year, code, year, x, 465050, residents, '00000000-0000-4000-8000-000000000001'
FROM (VALUES ('E1', 2023, 92050, 100), ('E2', 2024, 92150, 5), ('E3', 2024, 92250, 120), ('E4', 2024, 92350, 4),
  ('E5', 2024, 92450, NULL)) v (code, year, x, residents)"""  # of which a visitor sees two


def fill(town: Town) -> None:
    """Add a drawn neighbourhood and a few squares, once: of these the demo municipality has none."""
    with town.sessions.begin() as session:
        if session.scalar(text("SELECT EXISTS (SELECT FROM square)")):
            return
        session.execute(text(A_JOB))
        session.execute(text(SQUARES))
    assert town.send("POST", NEIGHBOURHOODS, feature(square(4.47, 52.18, 0.001), name="Ons hof")).is_success
