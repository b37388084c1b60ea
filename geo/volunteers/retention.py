"""Keeping nothing longer than is said: what is over is erased, and who was erased stays so, whatever is restored."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Delete, Engine, and_, delete, func, or_, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geo import allowances, db
from geo.people import entries
from geo.people.models import Allowance, ApiKey, Link
from geo.records import act_as
from geo.vocabulary import Reply
from geo.volunteers import erasures, journal
from geo.volunteers.models import ContactRequest

LOCK = 0x6B616178  # one round at a time
ACTOR = "retention"
UNANSWERED, ANSWERED = timedelta(days=30), timedelta(days=90)  # how long a request to a volunteer is kept
OLD_LINK = timedelta(days=7)
OLD_KEY = timedelta(days=365)
LONGEST_USE = timedelta(days=1)  # of an allowance of which it is not told how long it counts
# Where erased rows lie until they are vacuumed away.
EMPTIED = """asset asset_secret asset_catchment volunteer consent contact_request secret_reading account account_entry
 account_link history activity coverage_question import_job address_doubt""".split()

THERE = """SELECT count(*) = 3 FROM pg_attribute
WHERE attrelid = to_regclass('erasure') AND attname IN ('id', 'what', 'erased_at')"""  # not of something else


class Done(NamedTuple):
    """How many people a round erased because consent was over, and how much else it swept away."""

    erased: int = 0
    requests: int = 0
    entries: int = 0
    links: int = 0
    keys: int = 0


def work(engine: Engine, secret: bytes, uses: Mapping[str, int]) -> Done:
    """End what is over, and sweep. Of several processes that do so at once one does, and the others nothing.

    uses    the seconds in which each use of an allowance is counted, by its name; of others, at most a day
    """
    with _alone(engine) as mine:
        if not mine:
            return Done()
        with db.sessions(engine, secret).begin() as session:
            act_as(session, ACTOR)
            done = _tidied(session)._replace(erased=erasures.end_due(session))
            others = (Allowance.name.not_in(uses), Allowance.began_at < func.now() - 2 * LONGEST_USE)
            session.execute(delete(Allowance).where(*others))
        for name, per_s in uses.items():
            allowances.sweep(engine, name, per_s)
    return done


def sync(engine: Engine, file: Path) -> int:
    """Bring database and journal in step, both ways, and erase again who is back; gives how many those were.

    raises   Unavailable where the journal cannot be read or written; then nobody was erased by it
    """
    told = journal.read(file)
    with db.sessions(engine).begin() as session:
        act_as(session, ACTOR)
        known = {entry.id for entry in erasures.entries(session)}
        erasures.remember(session, [entry for entry in told if entry.id not in known])
        again = erasures.replay(session, erasures.entries(session))
    if not note_down(engine, file) and again:
        _vacuum(engine)
    return again


def note_down(engine: Engine, file: Path) -> int:
    """Write into the journal whom the database alone knows to be erased; gives how many.

    Tables that are older than erasure have nothing to tell.

    raises   Unavailable where the journal cannot be read or written, or the database does not answer
    """
    try:
        with db.sessions(engine)() as session:
            told = erasures.entries(session) if session.scalar(text(THERE)) else []
    except OperationalError as error:
        raise db.unreachable(engine, error) from error
    new = journal.add(file, told)
    if new:
        _vacuum(engine)
    return new


def _tidied(session: Session) -> Done:
    """Sweep away what nobody needs any more besides what volunteers agreed to."""
    now = func.now()
    unanswered = and_(ContactRequest.reply == Reply.waiting, ContactRequest.made_at < now - UNANSWERED)
    stale = or_(unanswered, ContactRequest.answered_at < now - ANSWERED)
    old_link = or_(Link.used_at < now - OLD_LINK, Link.expires_at < now - OLD_LINK)
    old_key = or_(ApiKey.revoked_at < now - OLD_KEY, ApiKey.expires_at < now - OLD_KEY)
    return Done(
        requests=_gone(session, delete(ContactRequest).where(stale)),
        entries=entries.sweep(session),
        links=_gone(session, delete(Link).where(old_link)),
        keys=_gone(session, delete(ApiKey).where(old_key)),
    )


def _gone(session: Session, which: Delete) -> int:
    return int(session.execute(which).rowcount)  # type: ignore[attr-defined]


@contextmanager
def _alone(engine: Engine) -> Iterator[bool]:
    """Tell whether this is the only round at work, and let no other begin until the block ends."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(select(func.pg_try_advisory_lock(LOCK))))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(select(func.pg_advisory_unlock(LOCK)))


def _vacuum(engine: Engine) -> None:
    """Give back the room of erased rows, and gather anew the samples that the planner keeps of what stands in a table.

    What somebody still reads by an older snapshot, and what is being vacuumed at this moment, is left to the server's
    own vacuum.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED, ANALYZE) {', '.join(EMPTIED)}")
        connection.invalidate()
