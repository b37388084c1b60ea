"""The demo municipality, loaded once and copied for each module that may change it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from psycopg import sql
from sqlalchemy import make_url

from api.app import create_app
from api.cli import main
from geo import db, demo, neighbourhoods
from geo.coverage import run
from geo.coverage.policy import Policies
from geo.folder import secret
from geo.neighbourhoods import Origin
from geo.people import api_keys
from geo.settings import CHECKOUT, Settings
from geo.vocabulary import Level, Role
from tests.conftest import SECRET
from tests.integration.commands import Kaart, Refused
from tests.integration.town import ADMIN, BUURTEN, GEMEENTE, WIJKEN, Door, Town


@pytest.fixture(scope="session")
def town_settings(tmp_path_factory: pytest.TempPathFactory, cluster_url: str) -> Settings:
    """Give settings that reach nothing outside."""
    var, key = tmp_path_factory.mktemp("var"), SECRET
    return Settings(database_url=cluster_url, var=var, tile_url="", pdok_url="", secret=key, requests_a_minute=0)


@pytest.fixture(scope="session")
def demo_database(new_database: Callable[[], str], town_settings: Settings) -> tuple[str, dict[str, str]]:
    """Give a database with the demo municipality, one coverage run and the keys; nobody may stay connected to it."""
    url = new_database()
    engine = db.engine(url)
    with db.sessions(engine, SECRET.encode())() as session:
        demo.load(session, CHECKOUT / "data")
        run.run(session, Policies(), key=secret(town_settings))
        keys = {
            **{role.value: api_keys.create_key(session, f"a key of a {role}", role) for role in Role},
            "admin": api_keys.create_key(session, "the tester"),
            "expired": api_keys.create_key(session, "an old key", days=-1),
            "revoked": api_keys.create_key(session, "a lost key"),
        }
        api_keys.revoke_key(session, keys["revoked"].split("_")[1])
        session.commit()
    engine.dispose()
    return url, {**keys, "wrong": keys["admin"][:-4] + "0000"}


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """Give the thread in which the apps under test run."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def town(demo_database: tuple[str, dict[str, str]], town_settings: Settings, portal: BlockingPortal) -> Iterator[Town]:
    """Give a copy of the demo municipality for one module, and its app."""
    url, keys = demo_database
    name = f"town_{uuid4().hex}"
    _as_superuser(url, "CREATE DATABASE {} TEMPLATE {} OWNER kaart", name, str(make_url(url).database))
    copy = make_url(url).set(database=name).render_as_string(hide_password=False)
    with _opened(copy, town_settings, portal, keys) as town:
        yield town
    _as_superuser(url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="module")
def hamlet(new_database: Callable[[], str], town_settings: Settings, portal: BlockingPortal) -> Iterator[Town]:
    """Give Testdorp (`town.BUURTEN`), without assets or activities, for one module, and its app."""
    url = new_database()
    engine = db.engine(url)
    with db.sessions(engine, SECRET.encode())() as session:
        origin = Origin(2025, "test", None, schematic=False)
        whole = neighbourhoods.union(BUURTEN, GEMEENTE, "Testdorp", Level.gemeente)
        wijken = [
            neighbourhoods.union((b for b in BUURTEN if b.code[2:8] == code[2:]), code, f"Wijk {code}", Level.wijk)
            for code in WIJKEN
        ]
        neighbourhoods.load(session, [whole], origin, {})
        neighbourhoods.load(session, wijken, origin, dict.fromkeys(WIJKEN, GEMEENTE))
        neighbourhoods.load(session, BUURTEN, origin, {b.code: f"WK{b.code[2:8]}" for b in BUURTEN})
        key = api_keys.create_key(session, "the tester")
        session.commit()
    engine.dispose()
    with _opened(url, town_settings, portal, {ADMIN: key}) as hamlet:
        yield hamlet
    _as_superuser(url, "DROP DATABASE {} WITH (FORCE)", str(make_url(url).database))


@contextmanager
def _opened(url: str, settings: Settings, portal: BlockingPortal, keys: dict[str, str]) -> Iterator[Town]:
    engine = db.engine(url)
    sessions = db.sessions(engine, SECRET.encode())
    app = create_app(settings, sessions)
    with httpx.Client(transport=Door(app, portal), base_url="http://kaart.test") as client:
        yield Town(app, engine, sessions, client, keys)
    portal.call(app.state.readers.close)
    engine.dispose()


def _as_superuser(url: str, statement: str, *names: str) -> None:
    place = make_url(url).query
    host, port = str(place["host"]), str(place["port"])
    with psycopg.connect(host=host, port=port, user="postgres", dbname="postgres", autocommit=True) as superuser:
        superuser.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def kaart(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kaart:
    """Give a way to run one command; it gives what the command printed, and fails when the command does."""
    monkeypatch.setenv("KAART_DATABASE_URL", database_url)
    monkeypatch.setenv("KAART_SECRET", SECRET)
    monkeypatch.setenv("KAART_PDOK_URL", "")

    def run(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["kaart", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        if ended.value.code != 0:
            raise Refused(printed.err.strip(), printed.out)
        return printed.out

    return run
