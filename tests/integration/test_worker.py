"""The worker as it is run: a process of its own, beside the service or on its own, killed and started again."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import Engine, text, update

from geo import db, queue
from geo.coverage import jobs
from geo.coverage.jobs import Shop
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies
from geo.coverage.questions import LIVE_LOCK, held
from geo.coverage.run import RUN_LOCK
from geo.vocabulary import RunStatus
from tests.integration.test_up import KAART, Up, port, processes, var
from tests.integration.town import ASSETS, COVERAGE, RUNS, Town, do_jobs, feature, point, shop

__all__ = ["port", "var"]  # fixtures
ROOM = {"kind": "community_room", "opening_hours": "Mo-Su 08:00-22:00", "capacity": 500}
LATE_S = 60  # a first start compiles


class Worker:
    """A `kaart worker` on a town's database, in a process of its own."""

    def __init__(self, town: Town, folder: Path) -> None:
        url = town.engine.url.render_as_string(hide_password=False)
        secret = town.app.state.settings.secret.get_secret_value()
        self.environment = {**os.environ, "KAART_DATABASE_URL": url, "KAART_SECRET": secret, "KAART_VAR": str(folder)}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [KAART, "worker"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; give the exit status and what was said."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


def until(true: Callable[[], Any], patience_s: float = LATE_S) -> float:
    """Wait until something is so; give the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience_s
        time.sleep(0.01)
    return time.monotonic() - began


def keeps(engine: Engine) -> bool:
    """Say whether some worker keeps the live state, and has read it."""
    with engine.connect() as connection:
        return held(connection)


def status(town: Town, run: str) -> str:
    return str(town.get(f"{RUNS}/{run}").json()["status"])


def asked(town: Town, **policy: object) -> str:
    answer = town.send("POST", RUNS, policy)
    assert answer.status_code == 202
    return str(answer.json()["id"])


def reached(town: Town) -> list[int]:
    """Give how many community rooms each buurt can walk to, as it is now."""
    found = town.get(COVERAGE, kind="community_room", level="buurt").json()["features"]
    return [row["properties"]["assets_in_reach"] for row in found]


def appears(town: Town, place: object) -> tuple[str, float]:
    """Add a room, and wait until the live coverage shows it; gives its id, and the seconds that it took."""
    before = reached(town)
    made = town.send("POST", ASSETS, feature(place, **ROOM, name="Nieuwe kamer"))
    assert made.status_code == 201
    return str(made.json()["id"]), until(lambda: reached(town) != before)


def test_a_change_of_an_asset_is_in_the_live_coverage_within_a_second(town: Town, tmp_path: Path) -> None:
    with Worker(town, tmp_path) as worker:
        until(lambda: keeps(town.engine))
        for spot in (point(4.47, 52.18), point(4.475, 52.185)):  # the first ones may have to compile
            appears(town, spot)
        item, took = appears(town, point(4.471, 52.184))
        assert took < 1
        before = reached(town)
        assert town.send("DELETE", f"{ASSETS}/{item}", None).status_code == 204
        assert until(lambda: sum(reached(town)) < sum(before)) < 1
        ended, said = worker.end(signal.SIGTERM)
    assert ended == 0, said
    assert "live state: 21 areas" in said
    assert said.splitlines()[-1] == "· stopped"


def test_a_run_that_is_asked_for_is_made_in_its_turn_and_tells_how_far_it_is(town: Town) -> None:
    first, second = asked(town), asked(town, norm_m=500)
    with town.engine.connect() as connection:
        assert status(town, first) == status(town, second) == "waiting"
        connection.execute(text("LOCK TABLE coverage IN SHARE ROW EXCLUSIVE MODE"))  # it can read, not write
        worker = threading.Thread(target=do_jobs, args=(town,))
        worker.start()
        until(lambda: town.get(f"{RUNS}/{first}").json()["step"] == "computing")
        assert (status(town, first), status(town, second)) == ("working", "waiting")
        connection.rollback()
        worker.join()
    made = [town.get(f"{RUNS}/{run}").json() for run in (first, second)]
    assert [(run["status"], run["progress"], run["step"], run["failure"]) for run in made] == [
        ("done", 1, "", None)
    ] * 2
    assert [run["norm_m"] for run in made] == [800, 500]
    assert made[0]["computed_at"] < made[1]["computed_at"]


def test_a_run_whose_request_fails_is_no_job(town: Town) -> None:
    with town.sessions() as session:
        jobs.ask(session, Policies())
        session.rollback()
    before = len(town.get(RUNS).json()["runs"])
    do_jobs(town)
    assert len(town.get(RUNS).json()["runs"]) == before


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    engine = db.engine(database_url)
    yield engine
    engine.dispose()


def made(engine: Engine, shop: Shop) -> CoverageRun:
    """Ask for a run on a database, have it made, and give what became of it."""
    with db.sessions(engine).begin() as session:
        run_id = jobs.ask(session, Policies()).id
    queue.work(engine, {jobs.NAME: jobs.work(shop)}, shop.stopping, wait=False)
    with db.sessions(engine)() as session:
        return session.get_one(CoverageRun, run_id)


def test_a_run_that_cannot_be_made_says_why(empty: Engine) -> None:
    run = made(empty, Shop(empty, b"key", threading.Event(), lambda _what, _error: None, lambda _line: None))
    assert (run.status, run.failure) == (
        RunStatus.failed, "There are no neighbourhoods to compute coverage for: load boundaries first.",
    )  # fmt: skip


def test_a_defect_is_noted_and_the_run_says_so_without_its_insides(empty: Engine) -> None:
    noted: list[tuple[str, str]] = []
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE neighbourhood RENAME COLUMN code TO gone"))
    run = made(
        empty,
        Shop(
            empty, b"key", threading.Event(), lambda what, error: noted.append((what, str(error))), lambda _line: None
        ),
    )
    assert (run.status, run.failure) == (RunStatus.failed, "Something went wrong on our side. It has been noted.")
    assert [(what, "gone" in error or "code" in error) for what, error in noted] == [("coverage_run", True)]


def test_a_run_in_the_middle_of_which_the_worker_stops_waits_for_the_next(town: Town) -> None:
    run = asked(town)
    needed = shop(town)
    with town.engine.begin() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({RUN_LOCK})"))
        worker = threading.Thread(
            target=queue.work, args=(town.engine, {jobs.NAME: jobs.work(needed)}, needed.stopping)
        )
        worker.start()
        time.sleep(0.5)
        needed.stopping.set()
        worker.join()
    assert status(town, run) == "waiting"
    with town.sessions.begin() as session:
        assert jobs.take_up(session) == 1
    do_jobs(town)
    assert status(town, run) == "done"


def test_a_run_in_the_middle_of_which_the_worker_is_killed_is_made_by_the_next(town: Town, tmp_path: Path) -> None:
    run = asked(town)
    with town.engine.connect() as connection, Worker(town, tmp_path) as killed:
        connection.execute(text("LOCK TABLE coverage IN SHARE ROW EXCLUSIVE MODE"))
        until(lambda: status(town, run) == "working")
        killed.end(signal.SIGKILL)
        connection.rollback()
    assert status(town, run) == "working"
    with Worker(town, tmp_path) as worker:
        until(lambda: status(town, run) == "done")
        assert worker.end(signal.SIGINT)[0] == 0
    with town.engine.connect() as connection:
        left = connection.scalar(text("SELECT count(*) FROM kaart_jobs.procrastinate_jobs WHERE status = 'todo'"))
    assert left == 0


def test_a_run_at_which_three_workers_were_killed_is_given_up(town: Town) -> None:
    run = asked(town)
    for _ in range(3):
        with town.sessions.begin() as session:
            session.execute(update(CoverageRun).where(CoverageRun.id == run).values(status=RunStatus.working))
        with town.sessions.begin() as session:
            jobs.take_up(session)
    told = town.get(f"{RUNS}/{run}").json()
    assert (told["status"], told["failure"]) == ("failed", "The worker was ended 3 times while it was made.")
    do_jobs(town)
    assert status(town, run) == "failed"


def test_a_run_that_has_lost_its_job_is_made_all_the_same(town: Town) -> None:
    run = asked(town)
    with town.sessions.begin() as session:
        session.execute(text("TRUNCATE kaart_jobs.procrastinate_jobs CASCADE"))
        assert jobs.take_up(session) == 1
        assert jobs.take_up(session) == 1  # which makes no second job
        assert session.scalar(text("SELECT count(*) FROM kaart_jobs.procrastinate_jobs")) == 1
    do_jobs(town)
    assert status(town, run) == "done"


def test_of_two_workers_one_keeps_the_live_state_until_it_ends_then_the_other_does(town: Town, tmp_path: Path) -> None:
    with Worker(town, tmp_path) as first:
        until(lambda: keeps(town.engine))
        with Worker(town, tmp_path) as second, town.engine.connect() as connection:
            workers = text(
                f"SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LIVE_LOCK}"
            )
            time.sleep(5)
            assert connection.scalar(workers) == 1
            run = asked(town)
            until(lambda: status(town, run) == "done")  # either makes it
            first.end(signal.SIGKILL)
            until(lambda: keeps(town.engine))
            before = reached(town)
            assert town.send("POST", ASSETS, feature(point(4.472, 52.182), **ROOM, name="Erbij")).status_code == 201
            until(lambda: reached(town) != before)
            assert second.end(signal.SIGINT)[0] == 0


def child(up: Up) -> int | None:
    """Give the process id of the worker that runs beside a service."""
    assert up.process
    children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children")
    pids = [pid for task in children.parents[1].glob("*/children") for pid in task.read_text().split()]
    found = [int(pid) for pid in pids if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found[0] if found else None


def test_a_worker_that_dies_beside_the_service_is_started_again(var: Path, port: int) -> None:
    with Up(var, port) as up:
        up.wait_until_ready()
        until(lambda: child(up) is not None)
        first = child(up)
        assert first
        os.kill(first, signal.SIGKILL)
        until(lambda: child(up) not in (None, first))
        code, said = up.end(signal.SIGINT)
    assert code == 0
    assert "· the worker ended (SIGKILL): it starts again in 1 s" in said.splitlines()
    assert said.splitlines()[-1] == "· stopped"
    assert processes(var) == []


def test_a_worker_ends_when_the_service_beside_it_is_killed(var: Path, port: int) -> None:
    with Up(var, port) as up:
        up.wait_until_ready()
        until(lambda: child(up) is not None)
        worker = child(up)
        assert up.process
        up.process.kill()
        until(lambda: not Path(f"/proc/{worker}").exists(), 30)
    assert processes(var) == [], "the last to use the database stops it"


def test_without_a_worker_the_service_runs_and_says_how_to_start_one(var: Path, port: int) -> None:
    with Up(var, port, "--no-worker") as up:
        up.wait_until_ready()
        assert child(up) is None
        question: dict[str, Any] = {"kind": "initiative", "add": [{"lon": 4.47, "lat": 52.18}]}
        answer = httpx.post(f"{up.url}/v1/coverage/what-if", json=question)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "kaart worker" in answer.json()["detail"]
        assert up.end(signal.SIGINT)[0] == 0
