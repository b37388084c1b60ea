"""A thousand volunteers who are easily recognised, looked for in all that anybody can read, as every role."""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from random import Random
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit
from uuid import UUID
from zipfile import ZipFile

import numpy as np
import pytest
import shapely
from pyarrow import parquet
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import assets
from geo.catalogue import COLLECTIONS
from geo.coverage import run
from geo.coverage.policy import Policies
from geo.exports.formats import FORMATS
from geo.folder import secret
from geo.people import accounts
from geo.vocabulary import LEVELS, SERVICES, Kind, Means, Purpose, Reply, Role
from geo.volunteers import requests
from tests.integration.people import Person, account, browser, signed_in
from tests.integration.town import ASSETS, COVERAGE, NOBODY, Town, ways

MANY, WITH_ACCOUNT = 1000, 40
WORD = "kanarie7q"  # stands in every contact, message and answer of a canary
AREA = "GM0579"
BUURT = "BU05790102"
PAGES = 120  # that one viewer follows by links; the rest of the service is asked by its addresses
OTHER_ROLES = (Role.contributor, Role.steward, Role.planner, Role.admin)
DEGREES = re.compile(r"(?<![\w.-])-?\d{1,3}\.\d{5,17}(?!\d)")
BYTES = re.compile(r"(?:[0-9A-Fa-f]{2}){21,}")
LINK = re.compile(r"""(?:href|src|action|data-[a-z-]+)=["']([^"']+)["']""")


class Canary(NamedTuple):
    """A volunteer: the row, the true place, the words in the contact, and the e-mail address of the account, if any."""

    id: str
    lon: float
    lat: float
    words: str
    email: str | None


class Flock:
    """All canaries, and what tells them from everything else."""

    def __init__(self, canaries: list[Canary]) -> None:
        self.canaries = canaries
        self.eastward = sorted(canaries, key=lambda canary: canary.lon)
        self.lons = np.array([canary.lon for canary in self.eastward])
        self.bytes = {struct.pack("<d", degrees).hex(): c for c in canaries for degrees in (c.lon, c.lat)}

    def seen(self, body: str) -> set[str]:
        """Give the ids of all whose place or words can be read out of a text, however they are written."""
        found = {c.id for c in self.canaries if c.words in body} if WORD in unquote(body) else set()
        for run_of_hex in BYTES.findall(body):
            low = run_of_hex.lower()
            found |= {c.id for digits, c in self.bytes.items() if digits in low}
        return found | self._standing(DEGREES.findall(body))

    def _standing(self, told: list[str]) -> set[str]:
        """Find those whose longitude stands in a row of numbers with their latitude before or after it."""
        numbers = np.array(told, dtype=float)
        first, last = (np.searchsorted(self.lons, numbers + step) for step in (-1e-5, 1e-5))
        found = set()
        for at in map(int, np.flatnonzero(last > first)):
            for canary in self.eastward[int(first[at]) : int(last[at])]:
                beside = told[max(at - 1, 0) : at + 2]
                if _same(canary.lon, told[at]) and any(_same(canary.lat, other) for other in beside):
                    found.add(canary.id)
        return found


def _same(degrees: float, told: str) -> bool:
    """Tell whether a number says the same degrees, as precisely as it is written: a metre or less."""
    digits = len(told.partition(".")[2])
    return abs(degrees - float(told)) <= 0.51 * 10.0**-digits


@pytest.fixture(scope="module")
def flock(town: Town) -> Flock:
    """Give a thousand volunteers with consent to everything, some with an account, a request and an answer."""
    chance = Random("canaries")
    with town.sessions() as session:
        outline = shapely.from_wkb(
            session.scalars(
                text("SELECT ST_AsBinary(geom) FROM neighbourhood WHERE code = :code AND in_force"), {"code": BUURT}
            ).one()
        )
        west, south, east, north = outline.bounds
        canaries: list[Canary] = []
        while len(canaries) < MANY:
            spot = shapely.Point(chance.uniform(west, east), chance.uniform(south, north))
            if not outline.contains(spot):
                continue
            number, email = len(canaries), None
            if number < WITH_ACCOUNT:
                email = f"vrijwilliger{number}@example.nl"
                account(session, email, Role.contributor)
            words = f"{WORD}-{number:04d}x"
            purposes = list(Purpose) if email else [Purpose.offer, Purpose.map]
            made = assets.create(
                session,
                {
                    "kind": Kind.volunteer, "services": chance.sample(sorted(SERVICES), 2), "languages": ["nl"],
                    "place": spot, "contact": {"email": f"{words}@example.org", "telefoon": f"06-{words}"},
                    "account": email, "consent": {"purposes": purposes, "means": Means.online},
                },
            )  # fmt: skip
            canaries.append(Canary(str(made.id), spot.x, spot.y, words, email))
        _ask(session, canaries)
        run.run(session, Policies(), key=secret(town.app.state.settings))
        session.commit()
    return Flock(canaries)


def _ask(session: Session, canaries: list[Canary]) -> None:
    """Let the first be asked by a broker, who writes down their word, and answer."""
    broker = accounts.viewer(account(session, "vrager@example.nl", Role.broker, [AREA]))
    for canary in canaries[:10]:
        owner = accounts.viewer(account(session, str(canary.email), Role.contributor))
        asked = requests.ask(session, broker, UUID(canary.id), f"Help you? {canary.words}")
        requests.answer(session, owner, asked.id, Reply.accepted, f"Yes: {canary.words}")


def viewers(town: Town) -> Iterator[tuple[str, Person]]:
    """Give one of each role who is signed in, and who has nothing to do with the canaries; and a visitor."""
    yield NOBODY, browser(town)
    for role in Role:
        if role != Role.visitor:
            areas = [AREA] if role in accounts.WITH_AREAS else []
            yield role.value, signed_in(town, f"kijker-{role.value}@example.nl", role, areas)


def read_all(town: Town, person: Person, flock: Flock) -> Mapping[str, str]:
    """Give all that somebody can read: pages by their links, every address of the service, every page of every list."""
    read: dict[str, str] = {}
    waiting = ["/", "/gaps", "/about", "/account", "/volunteer", "/offers", "/imports", "/?lang=en"]
    waiting += _addresses(town, flock)
    pages = PAGES
    while waiting:
        path = waiting.pop(0)
        if path in read:
            continue
        answer = person.client.get(path)
        read[path] = f"{answer.headers}\n{answer.text}"
        assert answer.status_code < 500, path
        if answer.headers.get("content-type", "").startswith("text/html") and pages:
            pages -= 1
            waiting += [link for link in _links(path, answer.text) if link not in read]
        elif "json" in answer.headers.get("content-type", ""):
            waiting += [_path(link["href"]) for link in _told(answer.text).get("links", ()) if link["rel"] == "next"]
    return read


def _links(page: str, html: str) -> list[str]:
    found = {urljoin(f"http://kaart.test{page}", link.replace("&amp;", "&")) for link in LINK.findall(html)}
    ours = (link for link in found if urlsplit(link).netloc == "kaart.test")
    return sorted(path for path in map(_path, ours) if not path.startswith("/static") and "/sign-" not in path)


def _path(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _told(body: str) -> dict[str, list[dict[str, str]]]:
    told = json.loads(body or "null")
    return told if isinstance(told, dict) else {}


def _addresses(town: Town, flock: Flock) -> list[str]:
    """Give an address for every route that is read, for every list, and for questions that come near a person."""
    some = flock.canaries[:: MANY // 12]
    told = {"run": "latest", "collection": "assets", "job": some[0].id, "token": "x"}
    paths = [
        re.sub(r"{(\w+)[^}]*}", lambda part: told.get(part[1], some[0].id), way.path)
        for way in ways(town.app) if way.method == "GET"
    ]  # fmt: skip
    paths += [f"/v1/collections/{name}/items?limit=1000" for name in COLLECTIONS]
    paths += [f"{COVERAGE}?kind=volunteer&level={level}&limit=1000" for level in LEVELS]
    paths += [f"/gaps?kind=volunteer&service={service}" for service in sorted(SERVICES)[:6]]
    for canary in some:
        here = f"{canary.lon - 1e-4},{canary.lat - 1e-4},{canary.lon + 1e-4},{canary.lat + 1e-4}"
        paths += [f"/v1/collections/{name}/items?bbox={here}" for name in COLLECTIONS]
        paths += [f"{ASSETS}?q={canary.words}", f"/?q={canary.words}"]
        paths += [f"{root}/{canary.id}" for root in (ASSETS, "/v1/collections/neighbours/items", "/places")]
    return paths


def test_what_tells_a_canary_is_found_however_it_is_written(flock: Flock) -> None:
    one = flock.canaries[7]
    for told in (
        json.dumps({"coordinates": [one.lon, one.lat]}), f"{one.lat:.6f},{one.lon:.6f}", f"{one.lon:.5f} {one.lat:.5f}",
        shapely.Point(one.lon, one.lat).wkb_hex, shapely.Point(one.lon, one.lat).wkb.hex(), f"mailto:{one.words}@x",
        f"kanarie7q%2D{one.words[10:]}".replace("%2D", "-"),
    ):  # fmt: skip
        assert flock.seen(told) == {one.id}, told
    assert flock.seen(f"{one.lon + 2e-5:.7f},{one.lat:.7f}") == set()


@pytest.mark.parametrize(
    "who",
    [
        NOBODY,
        Role.broker.value,  # who sees most of volunteers
        *(pytest.param(role.value, marks=pytest.mark.slow) for role in OTHER_ROLES),
    ],
)
def test_no_page_answer_list_or_log_shows_a_canary(
    town: Town, flock: Flock, who: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person = dict(viewers(town))[who]
    read = read_all(town, person, flock)
    assert len(read) > 150
    for path, body in read.items():
        asked = {canary.id for canary in flock.canaries if canary.words in unquote(path)}  # told back to who asked
        assert flock.seen(body) - asked == set(), path
    for role, path in ((who, path) for path in read if path.startswith("/v1") and who in town.keys):
        assert flock.seen(town.get(path, role).text) <= {c.id for c in flock.canaries if c.words in path}, path
    assert flock.seen("".join(capfd.readouterr()) + caplog.text) == set()


WHOLE = ("assets", "activities", "neighbourhoods", "coverage")  # the other exports are parts of these


def told_in(form: str, content: bytes) -> bytes:
    """Give what a file tells, out of its wrapping."""
    if form == "xlsx":
        with ZipFile(BytesIO(content)) as parts:
            return b"".join(map(parts.read, parts.namelist()))
    if form == "parquet":
        table = parquet.read_table(BytesIO(content))
        shapes = [shape or b"" for shape in table["geometry"].to_pylist()]
        return b"".join([str(table.drop(["geometry"]).to_pylist()).encode(), str(table.schema).encode(), *shapes])
    return content


def seen_in(flock: Flock, content: bytes) -> set[str]:
    """Give the ids of all who can be read out of bytes: as words and numbers, or as doubles at any place in them."""
    degrees = np.array([value for canary in flock.canaries for value in (canary.lon, canary.lat)])
    found = flock.seen(content.decode("latin-1"))
    for shift in range(8):
        doubles = np.frombuffer(content[shift : len(content) - (len(content) - shift) % 8], dtype="<f8")
        hits = np.flatnonzero(np.isin(degrees, doubles))
        found |= {flock.canaries[at // 2].id for at in map(int, hits)}
    return found


def test_what_tells_a_canary_is_found_in_the_bytes_of_a_file(flock: Flock) -> None:
    one = flock.canaries[7]
    for at in range(9):
        assert seen_in(flock, b"x" * at + shapely.Point(one.lon, 1.0).wkb + b"yz") == {one.id}
    assert seen_in(flock, one.words.encode() + b"\x00\xff") == {one.id}
    assert seen_in(flock, b"\x00" * 100) == set()


@pytest.mark.parametrize("who", [NOBODY, Role.broker.value])
def test_no_file_of_an_export_shows_a_canary(town: Town, flock: Flock, who: str) -> None:
    person = dict(viewers(town))[who]
    there = [each["collection"] for each in person.client.get("/v1/exports").json()["exports"]]
    assert {*there} >= {*WHOLE}
    asked = [(name, form) for name in there for form in (FORMATS if name in WHOLE else ["gpkg"])]
    for name, form in asked:
        answer = person.client.get(f"/v1/exports/{name}?f={form}")
        assert answer.status_code == 200, (name, form)
        assert seen_in(flock, told_in(form, answer.content)) == set(), (name, form)
    for canary in flock.canaries[:: MANY // 3]:
        here = f"{canary.lon - 1e-4},{canary.lat - 1e-4},{canary.lon + 1e-4},{canary.lat + 1e-4}"
        told = person.client.get(f"/v1/exports/assets?f=gpkg&bbox={here}").content
        assert seen_in(flock, told) == set()


def test_who_is_on_the_map_of_neighbours_is_there_and_elsewhere(town: Town, flock: Flock) -> None:
    person = signed_in(town, "kijker-contributor@example.nl")
    shown = person.client.get("/v1/collections/neighbours/items?limit=1000").json()
    assert shown["numberMatched"] == MANY
    assert flock.seen(json.dumps(shown)) == set()


def test_a_person_reads_all_of_their_own_and_nothing_of_others(town: Town, flock: Flock) -> None:
    me = flock.canaries[20]
    person = signed_in(town, str(me.email))
    read = read_all(town, person, flock)
    found = {path: flock.seen(body) for path, body in read.items() if me.words not in path}
    assert {path for path, seen in found.items() if seen} >= {"/volunteer", "/account/data"}
    assert set().union(*found.values()) <= {me.id} | {c.id for c in flock.canaries if any(c.words in p for p in read)}
    assert me.words in read["/account/data"]


def test_a_broker_reads_what_was_written_to_them_and_no_place_or_contact(town: Town, flock: Flock) -> None:
    person = signed_in(town, "vrager@example.nl", Role.broker, [AREA])
    page = person.client.get("/offers").text
    written = {canary.id for canary in flock.canaries[:10]}
    assert flock.seen(page) == written
    assert "example.org" not in page
    assert "06-kanarie" not in page


def test_no_table_holds_anything_of_a_canary_that_can_be_read(town: Town, flock: Flock) -> None:
    tables = text("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'kaart_jobs')")
    with town.sessions() as session:
        for table in session.scalars(tables).all():
            if table != "public.spatial_ref_sys":
                told = "\n".join(session.scalars(text(f"SELECT t::text FROM {table} t")))
                assert flock.seen(told) == set(), table
