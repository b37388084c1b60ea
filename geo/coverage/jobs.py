"""Coverage runs that were asked for: each is a job that waits its turn, says how far it is, and is never lost."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, Update, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geo import db, queue
from geo.coverage import run
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies
from geo.errors import Refusal
from geo.imports.report import Progress
from geo.vocabulary import RunStatus

NAME = "coverage_run"
UNFINISHED = (RunStatus.waiting, RunStatus.working)
ENDED = "ended"  # in the counts of a run that is not done: how often a worker was killed while at work on it
MOST_ENDED = 3
TURN_S = 0.2
TELL_S = 0.3
OUR_SIDE = "Something went wrong on our side. It has been noted."


class Stopped(Exception):
    """The worker has to end: the run that it is at work on waits for the next one."""


class Shop(NamedTuple):
    """What the work needs.

    key       of the repeatable rounding of numbers of volunteers
    stopping  set when the worker has to end
    note      told of a defect: what failed, and the error
    tell      told in a sentence what was done
    """

    engine: Engine
    key: bytes
    stopping: threading.Event
    note: Callable[[str, BaseException], None]
    tell: Callable[[str], None]


def ask(session: Session, policies: Policies) -> CoverageRun:
    """Ask for a run: a worker makes it when this transaction is committed, after those that were asked for before."""
    made = run.order(session, policies)
    _defer(session, made)
    return made


def take_up(session: Session) -> int:
    """Let runs be made that nobody is at work on: a worker was killed, or their job is lost. Gives how many.

    A run at which workers were killed three times is given up: it may be what ends them.
    """
    if not _turn(session):
        return 0  # somebody is at work, on one of these or on a run of the command line
    wanted = select(CoverageRun).where(CoverageRun.status.in_(UNFINISHED), CoverageRun.live.is_(False))
    taken = 0
    for made in session.scalars(wanted.order_by(CoverageRun.computed_at, CoverageRun.id)):
        if made.status == RunStatus.working:
            made.counts = {ENDED: made.counts.get(ENDED, 0) + 1}
            made.status, made.step, made.progress = RunStatus.waiting, "", 0.0
        if made.counts.get(ENDED, 0) >= MOST_ENDED:
            made.status, made.failure = RunStatus.failed, f"The worker was ended {MOST_ENDED} times while it was made."
        else:
            _defer(session, made)
            taken += 1
    session.flush()
    return taken


def work(shop: Shop) -> queue.Work:
    """Give what does the jobs named NAME."""
    return lambda told: do(shop, UUID(told["run"]))


def do(shop: Shop, run_id: UUID) -> None:
    """Make one run when its turn comes, and keep in it what became of it. One that is made already is left alone."""
    try:
        _make(shop, run_id)
    except Stopped:
        _keep(shop.engine, run_id, {"status": RunStatus.waiting, "step": "", "progress": 0.0})
    except Refusal as refusal:
        _keep(shop.engine, run_id, {"status": RunStatus.failed, "step": "", "failure": str(refusal)})
    except Exception as error:  # noqa: BLE001 - whatever it was, the run must say so and the next one have its turn
        shop.note(NAME, error)
        _keep(shop.engine, run_id, {"status": RunStatus.failed, "step": "", "failure": OUR_SIDE})


def _make(shop: Shop, run_id: UUID) -> None:
    with db.sessions(shop.engine, shop.key).begin() as session:
        while not _turn(session):
            if shop.stopping.wait(TURN_S):
                raise Stopped
        made = session.get(CoverageRun, run_id)
        if made is None or made.status not in UNFINISHED:
            return
        with _telling(shop, run_id) as progress:
            run.work(session, made, key=shop.key, progress=progress)
        session.execute(_setting(run_id, {"step": "", "failure": None}))  # this session has not seen what was told


def _turn(session: Session) -> bool:
    """Try to be the one that makes a run, until the transaction ends."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(run.RUN_LOCK))))


def _defer(session: Session, made: CoverageRun) -> None:
    queue.defer(session, NAME, {"run": str(made.id)}, once=f"{NAME} {made.id}")


@contextmanager
def _telling(shop: Shop, run_id: UUID) -> Iterator[Progress]:
    """Give what writes into a run how far it is, at once visible to all. Raises Stopped where the worker has to end."""
    with shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = '1s'"))
        told, at = "", 0.0

        def progress(step: str, done: int, total: int | None) -> None:
            nonlocal told, at
            if shop.stopping.is_set():
                raise Stopped
            if step != told or monotonic() - at >= TELL_S:
                values = {"status": RunStatus.working, "step": step, "progress": done / total if total else 0.0}
                with suppress(OperationalError):  # better untold than in the way of the work itself
                    connection.execute(_setting(run_id, values))
                told, at = step, monotonic()

        try:
            yield progress
        finally:
            connection.invalidate()


def _keep(engine: Engine, run_id: UUID, values: Mapping[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(_setting(run_id, values))


def _setting(run_id: UUID, values: Mapping[str, object]) -> Update:
    return update(CoverageRun).where(CoverageRun.id == run_id).values(dict(values))
