"""The demo municipality, loaded once and copied for each module that may change it."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from psycopg import sql
from sqlalchemy import make_url

from api.app import create_app
from geo import db, demo, users
from geo.coverage import run
from geo.folder import secret
from geo.settings import CHECKOUT, Settings
from geo.vocabulary import Role
from tests.integration.town import Door, Town

NORM_M, DETOUR = 800.0, 1.3


@pytest.fixture(scope="session")
def town_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give settings that reach nothing outside."""
    return Settings(var=tmp_path_factory.mktemp("var"), tile_url="", secret="a secret for tests only")


@pytest.fixture(scope="session")
def demo_database(new_database: Callable[[], str], town_settings: Settings) -> tuple[str, dict[str, str]]:
    """Give a database with the demo municipality, one coverage run and the keys; nobody may stay connected to it."""
    url = new_database()
    engine = db.engine(url)
    with db.sessions(engine)() as session:
        demo.load(session, CHECKOUT / "data")
        run.run(session, norm_m=NORM_M, detour=DETOUR, key=secret(town_settings))
        keys = {
            "visitor": users.create_key(session, "a visitor's key", Role.visitor),
            "admin": users.create_key(session, "the tester"),
            "expired": users.create_key(session, "an old key", days=-1),
            "revoked": users.create_key(session, "a lost key"),
        }
        users.revoke_key(session, keys["revoked"].split("_")[1])
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
    engine = db.engine(make_url(url).set(database=name).render_as_string(hide_password=False))
    sessions = db.sessions(engine)
    app = create_app(town_settings, sessions)
    with httpx.Client(transport=Door(app, portal), base_url="http://kaart.test") as client:
        yield Town(app, engine, sessions, client, keys)
    engine.dispose()
    _as_superuser(url, "DROP DATABASE {} WITH (FORCE)", name)


def _as_superuser(url: str, statement: str, *names: str) -> None:
    place = make_url(url).query
    host, port = str(place["host"]), str(place["port"])
    with psycopg.connect(host=host, port=port, user="postgres", dbname="postgres", autocommit=True) as superuser:
        superuser.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
