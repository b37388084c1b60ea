"""Links that work once: to set a first password, or another one. They stand in no mail and no log of ours, only here
as hashes.
"""

from datetime import timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from geo.errors import NotAllowed
from geo.people import accounts, tokens
from geo.people.models import Account, Link
from geo.vocabulary import LinkPurpose, Role

LASTS = {LinkPurpose.invite: timedelta(hours=72), LinkPurpose.reset: timedelta(hours=1)}
GONE = "This link does not work (any more): it was used, it is too old, or there is a newer one. Ask for another."


def make(session: Session, account: Account, purpose: LinkPurpose) -> str:
    """Make a link and give its token: the only time that it can be read. The older ones of this purpose are gone."""
    accounts.hold(session, account.id)  # so that of two made at once one is left
    session.execute(delete(Link).where(Link.account_id == account.id, Link.purpose == purpose))
    token = tokens.new()
    expires = func.now() + LASTS[purpose]
    session.add(Link(hash=tokens.digest(token), account_id=account.id, purpose=purpose, expires_at=expires))
    session.flush()
    return token


def open_(session: Session, token: str) -> Account | None:
    """Say whose password this link sets, as long as it can; else None."""
    usable = (Link.used_at.is_(None), Link.expires_at > func.now(), Account.disabled_at.is_(None))
    wanted = select(Account).join(Link, Link.account_id == Account.id)
    return session.scalar(wanted.where(Link.hash == tokens.digest(token), *usable))


def use(session: Session, token: str, password: str) -> Account:
    """Set the password: once. Other links of the account are used up with it, and it is signed out everywhere.

    raises NotAllowed where the link does not work any more; of two at once one wins
           InvalidInput where the password will not do; the link then still works
    """
    found = open_(session, token)
    account = accounts.hold(session, found.id) if found else None
    if account is None or open_(session, token) is None:
        raise NotAllowed(GONE)
    accounts.set_password(session, account, password)
    return account


def first(session: Session) -> str | None:
    """Give a new token for whoever becomes the first administrator; None where there is one who can come in."""
    theirs = (Account.email != accounts.FIRST, Account.role == Role.admin, Account.disabled_at.is_(None))
    if session.scalar(select(exists().where(*theirs))):
        return None
    return make(session, accounts.placeholder(session), LinkPurpose.invite)
