"""What the tests stand on: a real PostGIS of their own, made by the code that makes the one of `make run`."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as judged
from psycopg import sql
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from geo import cluster, db
from geo.settings import PREFIX, Settings

# What is compiled at its first call is slow once, and a loaded machine always: no property is judged by the clock.
judged.register_profile("kaart", deadline=None, suppress_health_check=[HealthCheck.too_slow])
judged.load_profile("kaart")

TEMPLATE = "migrated"
SECRET = "a secret for tests only"  # the key of every installation under test


def pytest_configure() -> None:
    """Keep what this machine sets for its own installation out of the tests."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    Settings.model_config["env_file"] = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", type=int, help="run only so many of the tests, picked by --seed")
    parser.addoption("--seed", default="", help="any text; the same text picks the same tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Pick the sample from what the other options leave; runs last."""
    sample = config.getoption("sample")
    if sample is not None and sample < len(items):
        seed = config.getoption("seed")
        picked = set(random.Random(seed).sample([item.nodeid for item in items], sample))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in picked])
        items[:] = [item for item in items if item.nodeid in picked]


@contextmanager
def _enterable() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kaart-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def enterable() -> Iterator[Path]:
    """Give a temporary folder that the user who runs the database can enter, with room for its socket."""
    with _enterable() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """Give the address of an empty database on a cluster of this test process."""
    with _enterable() as folder, cluster.kept(folder / "postgres", durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def new_database(cluster_url: str) -> Callable[[], str]:
    """Give a maker of databases with the tables of this version and no rows, each for one user."""
    _as_superuser(cluster_url, sql.SQL("CREATE DATABASE {} TEMPLATE kaart OWNER kaart"), TEMPLATE)
    engine = db.engine(_with_database(cluster_url, TEMPLATE))
    db.migrate(engine)
    engine.dispose()

    def make() -> str:
        name = f"test_{uuid4().hex}"
        _as_superuser(cluster_url, sql.SQL("CREATE DATABASE {} TEMPLATE migrated OWNER kaart"), name)
        return _with_database(cluster_url, name)

    return make


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> Iterator[str]:
    """Give a migrated, empty database for one test that commits; it is dropped afterwards."""
    url = new_database()
    yield url
    name = make_url(url).database
    _as_superuser(url, sql.SQL("DROP DATABASE {} WITH (FORCE)"), str(name))


@pytest.fixture(scope="session")
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    """Give the engine that the rolled-back tests share; its database stays empty."""
    engine = db.engine(new_database())
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that is rolled back after the test, whatever is committed."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def sessions(connection: Connection) -> sessionmaker[Session]:
    """Give the maker of sessions for an app under test: all see one another's commits, all is rolled back."""
    return sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint", info={"secret": SECRET.encode()}
    )


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Give a session whose commits are rolled back after the test."""
    with sessions() as session:
        yield session


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings that reach nothing outside: a folder of the test, no tile server, a fixed key."""
    return Settings(var=tmp_path, tile_url="", secret=SECRET, requests_a_minute=0)


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _as_superuser(url: str, statement: sql.SQL, name: str) -> None:
    """Run one statement about the database `name` as the superuser of the cluster."""
    query = make_url(url).query
    with psycopg.connect(
        host=str(query["host"]), port=str(query["port"]), user="postgres", dbname="postgres", autocommit=True
    ) as superuser:
        superuser.execute(statement.format(sql.Identifier(name)))
