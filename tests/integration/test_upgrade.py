"""An installation of an older version that holds records: what the newer one keeps of them is true from the first."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from alembic import command
from psycopg import sql
from sqlalchemy import Engine, make_url, text

from geo import db, demo
from geo.ready import feed
from geo.settings import CHECKOUT
from tests.conftest import SECRET
from tests.integration.test_ready import is_ready, seen


@pytest.fixture
def of_0007(cluster_url: str, new_database: Callable[[], str]) -> Iterator[Engine]:
    """Give a database with the tables of revision 0007 and the demo municipality in them."""
    url = make_url(cluster_url).set(database="of_0007")
    place = url.query
    with psycopg.connect(
        host=str(place["host"]), port=str(place["port"]), user="postgres", dbname="postgres", autocommit=True
    ) as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE of_0007 TEMPLATE kaart OWNER kaart"))
        engine = db.engine(url.render_as_string(hide_password=False))
        config = db._config()
        with engine.connect() as connection:
            db._extend(connection)
            config.attributes |= {"connection": connection, "secret": SECRET.encode()}
            command.upgrade(config, "0007")
            connection.commit()
        with db.sessions(engine, SECRET.encode()).begin() as session:
            demo.load(session, CHECKOUT / "data")
        yield engine
        engine.dispose()
        superuser.execute(sql.SQL("DROP DATABASE of_0007 WITH (FORCE)"))


def test_what_was_there_is_ready_and_told_after_the_upgrade(of_0007: Engine) -> None:
    db.migrate(of_0007, SECRET.encode())
    with db.sessions(of_0007)() as session:
        is_ready(session)
        told = feed.changes(session, feed.START, 10_000)
        for name in ("assets", "neighbourhoods"):
            assert {change.item for change in told.found if change.collection == name} == seen(session, name).keys()
        published = "SELECT count(*) FROM activity WHERE status = 'published'"
        activities = [change.item for change in told.found if change.collection == "activities"]
        assert len(set(activities)) == session.scalar(text(published)) > 0
        assert not any(change.gone for change in told.found)
        assert session.scalar(text("SELECT count(*) FROM edition WHERE number IS NOT NULL")) == 1
