"""Who is signed in on which device. The device holds a token, we its hash; it ends by itself, by hand, or for all.

Moments are those of the database, so that several machines agree.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from geo.people import tokens
from geo.people.models import Account, Entry

LASTS = timedelta(hours=12)  # from the sign-in on
IDLE = timedelta(hours=2)  # without any request
NOTED = timedelta(minutes=1)  # a request is not noted again so soon after the last one


def begin(session: Session, account: Account) -> str:
    """Sign a person in on one device, and give the token for its cookie: the only time that it can be read."""
    token = tokens.new()
    session.add(Entry(hash=tokens.digest(token), account_id=account.id, expires_at=func.now() + LASTS))
    session.flush()
    return token


def who(session: Session, token: str) -> Account | None:
    """Say whose token this is; None where it is nobody's, or not any more: then nothing is left of it."""
    this = Entry.hash == tokens.digest(token)
    wanted = select(Account, _over(), Entry.seen_at < func.now() - NOTED)
    found = session.execute(wanted.join(Entry, Entry.account_id == Account.id).where(this)).one_or_none()
    if found is None:
        return None
    account, over, to_note = found
    if over:
        session.execute(delete(Entry).where(this))
        return None
    if to_note:  # unless another request of theirs is doing so: nobody waits for that
        free = select(Entry.hash).where(this).with_for_update(key_share=True, skip_locked=True)
        session.execute(update(Entry).where(Entry.hash == free.scalar_subquery()).values(seen_at=func.now()))
    return account


def end(session: Session, token: str) -> None:
    """Sign out on the device that holds this token; nothing happens where nobody is signed in by it."""
    session.execute(delete(Entry).where(Entry.hash == tokens.digest(token)))


def end_all(session: Session, account: Account) -> None:
    """Sign a person out everywhere."""
    session.execute(delete(Entry).where(Entry.account_id == account.id))


def sweep(session: Session) -> int:
    """Remove what nobody can use any more; give how many."""
    gone = select(Entry.hash).join(Account, Account.id == Entry.account_id).where(_over())
    return len(session.scalars(delete(Entry).where(Entry.hash.in_(gone)).returning(Entry.hash)).all())


def last_seen(session: Session) -> dict[UUID, datetime]:
    """Give when each person who is signed in now was last seen; others are absent."""
    lately = select(Entry.account_id, func.max(Entry.seen_at)).join(Account, Account.id == Entry.account_id)
    return dict(iter(session.execute(lately.where(~_over()).group_by(Entry.account_id))))


def others(session: Session, account: Account, token: str) -> int:
    """Count the devices on which a person is signed in besides the one that holds this token."""
    theirs = select(func.count()).select_from(Entry).join(Account, Account.id == Entry.account_id)
    here = Entry.hash != tokens.digest(token)
    return session.scalar(theirs.where(Entry.account_id == account.id, here, ~_over())) or 0


def _over() -> ColumnElement[bool]:
    expired = or_(Entry.expires_at <= func.now(), Entry.seen_at <= func.now() - IDLE)
    return or_(expired, Account.disabled_at.is_not(None))
