"""Questions for the process that holds the live state: put into the database, answered there within seconds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from geo.channels import ANSWERS, QUESTIONS, Listener, listening
from geo.coverage.jobs import OUR_SIDE, Shop
from geo.coverage.models import CoverageQuestion
from geo.errors import Conflict, Flaw, InvalidInput, NotAllowed, NotFound, Refusal, Unavailable

PATIENCE_S = 12
MOST_WAITING = 4
ASK_LOCK = 0x6B616176  # held while questions are counted
LIVE_LOCK = 0x6B616177  # held by the one process that keeps the live state
NOBODY = "No worker is running that could answer this. Start one with `kaart worker`; `kaart up` starts one by itself."
BUSY = "Too many questions are waiting. Try again in a few seconds."
LATE = "The worker did not answer in time: it may be reading everything again. Try again in a few seconds."
REFUSALS = {refusal.__name__: refusal for refusal in (NotFound, NotAllowed, InvalidInput, Conflict, Unavailable)}

_AT_WORK = BoundedSemaphore(MOST_WAITING)  # who asks holds a connection: others are refused before they take one

Question = Mapping[str, Any]  # plain values, `ask` among them: what is asked
Answer = dict[str, Any]


class Waiting(NamedTuple):
    """A question to which somebody waits for the answer, `until` this moment of the monotonic clock."""

    question: Question
    until: float


def ask(engine: Engine, question: Question) -> Answer:
    """Put a question to the worker, and wait for its answer. The caller should hold no connection meanwhile.

    raises Unavailable where no worker runs, too many questions wait, or it takes more than 12 s; and what the worker
    refuses
    """
    if not _AT_WORK.acquire(blocking=False):
        raise Unavailable(BUSY)
    try:
        with listening(engine, ANSWERS) as ear:
            if not held(ear.connection):
                raise Unavailable(NOBODY)
            number = _put(engine, question)
            try:
                return _awaited(ear, number)
            finally:
                ear.connection.execute(delete(CoverageQuestion).where(CoverageQuestion.id == number))
    finally:
        _AT_WORK.release()


def _put(engine: Engine, question: Question) -> UUID:
    number = uuid4()
    recent = CoverageQuestion.asked_at > func.now() - timedelta(seconds=PATIENCE_S)
    with engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(ASK_LOCK)))
        waiting = select(func.count()).where(CoverageQuestion.answered_at.is_(None), recent)
        if (connection.scalar(waiting) or 0) >= MOST_WAITING:
            raise Unavailable(BUSY)
        connection.execute(insert(CoverageQuestion).values(id=number, question=dict(question)))
        connection.execute(select(func.pg_notify(QUESTIONS, str(number))))
    return number


def _awaited(ear: Listener, number: UUID) -> Answer:
    until = monotonic() + PATIENCE_S
    while (left := until - monotonic()) > 0:
        if any(told.payload == str(number) for told in ear.news(left)):
            wanted = select(CoverageQuestion.answer, CoverageQuestion.refusal).where(CoverageQuestion.id == number)
            answer, refusal = ear.connection.execute(wanted).one()
            if refusal is not None:
                raise _refused(refusal, answer)
            return dict(answer)
    raise Unavailable(LATE)


def _refused(name: str, told: Answer) -> Refusal:
    if name == InvalidInput.__name__:
        return InvalidInput(told["detail"], *(Flaw(*flaw) for flaw in told["flaws"]))
    return REFUSALS[name](told["detail"])


def held(connection: Connection) -> bool:
    """Tell whether some process keeps the live state."""
    found = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :key"
        " AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return bool(connection.scalar(found, {"key": LIVE_LOCK}))


def hold(connection: Connection) -> bool:
    """Try to be the one process that keeps the live state, for as long as this connection lasts."""
    return bool(connection.scalar(select(func.pg_try_advisory_lock(LIVE_LOCK))))


def waiting(connection: Connection, number: UUID) -> Waiting | None:
    """Read a question; None where it is gone, or nobody waits for its answer any more."""
    age = func.extract("epoch", func.clock_timestamp() - CoverageQuestion.asked_at)
    wanted = select(CoverageQuestion.question, age).where(CoverageQuestion.id == number)
    found = connection.execute(wanted.where(CoverageQuestion.answered_at.is_(None))).one_or_none()
    if found is None or found[1] > PATIENCE_S:
        return None
    return Waiting(found[0], monotonic() + PATIENCE_S - float(found[1]))


@contextmanager
def answering(shop: Shop, number: UUID) -> Iterator[Callable[[Answer], None]]:
    """Give what keeps the answer to a question and tells who waits for it; a refusal in the block is kept as one.

    A defect is noted and answered too: a question must not end the process that it was put to.
    """

    def give(answer: Answer) -> None:
        _keep(shop.engine, number, {"answer": answer})

    try:
        yield give
    except Refusal as refusal:
        flaws = [list(flaw) for flaw in refusal.flaws] if isinstance(refusal, InvalidInput) else []
        told = {"detail": str(refusal), "flaws": flaws}
        _keep(shop.engine, number, {"answer": told, "refusal": type(refusal).__name__})
    except Exception as error:  # noqa: BLE001 - whatever it is, it is noted, and the live state goes on
        shop.note("question", error)
        _keep(shop.engine, number, {"answer": {"detail": OUR_SIDE}, "refusal": Unavailable.__name__})


def _keep(engine: Engine, number: UUID, values: Mapping[str, Any]) -> None:
    with engine.begin() as connection:
        kept = update(CoverageQuestion).where(CoverageQuestion.id == number)
        connection.execute(kept.values(**values, answered_at=func.now()))
        connection.execute(select(func.pg_notify(ANSWERS, str(number))))


def forget(connection: Connection) -> None:
    """Remove questions that nobody waits for: whoever asked them was ended before the answer came."""
    old = CoverageQuestion.asked_at < func.now() - timedelta(seconds=5 * PATIENCE_S)
    connection.execute(delete(CoverageQuestion).where(old))
