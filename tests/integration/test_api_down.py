"""What the service answers while its database does not."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import create_engine

from api.app import create_app
from geo import db
from geo.settings import Settings
from tests.integration.town import ASSETS, RUNS, Door, Town, do_jobs

NOBODY_LISTENS = "postgresql+psycopg://kaart@127.0.0.1:1/kaart"
PATHS = ("/v1/collections/assets/items", "/v1/coverage/runs", "/readyz")


@pytest.fixture
def without_database(town_settings: Settings, portal: BlockingPortal) -> Iterator[httpx.Client]:
    engine = db.engine(NOBODY_LISTENS)
    app = create_app(town_settings, db.sessions(engine))
    with httpx.Client(transport=Door(app, portal), base_url="http://kaart.test") as client:
        yield client
    portal.call(app.state.readers.close)
    engine.dispose()


@pytest.mark.parametrize("path", PATHS)
def test_without_a_database_a_program_hears_that_it_should_try_later(
    without_database: httpx.Client, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = without_database.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "127.0.0.1" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/", "/gaps", "/places/x"])
def test_without_a_database_a_person_reads_a_page_that_says_so(without_database: httpx.Client, path: str) -> None:
    answer = without_database.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "127.0.0.1" not in answer.text


def test_without_a_database_the_process_is_alive_all_the_same(without_database: httpx.Client) -> None:
    assert without_database.get("/livez").status_code == 200


def test_when_all_connections_are_taken_the_next_asker_hears_that_they_should_try_later(
    town: Town, portal: BlockingPortal, town_settings: Settings
) -> None:
    narrow = create_engine(town.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    app = create_app(town_settings, db.sessions(narrow))
    with httpx.Client(transport=Door(app, portal), base_url="http://kaart.test") as client, narrow.connect():
        assert client.get(RUNS).status_code == 503
        assert client.get("/").status_code == 503
        assert client.get(ASSETS).status_code == 200  # which has connections of its own
    portal.call(app.state.readers.close)
    narrow.dispose()


def test_a_run_while_another_is_made_waits_its_turn(town: Town) -> None:
    with town.engine.begin() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_xact_lock({0x6B616173})")
        waiting = town.send("POST", RUNS, {})
        worker = threading.Thread(target=do_jobs, args=(town,))
        worker.start()
        time.sleep(0.5)
        assert town.get(waiting.headers["location"]).json()["status"] == "waiting"
    worker.join()
    assert town.get(waiting.headers["location"]).json()["status"] == "done"
