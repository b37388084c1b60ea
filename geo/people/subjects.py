"""Whom a provider lets in: who has an account here. None is made by itself.

An account is known by what the provider calls its owner (issuer and subject), for good: an e-mail address may pass to
somebody else. The first time, the address says whose account it is, where the provider has made sure of it.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.people import accounts
from geo.people.models import Account
from geo.people.provider import Person


def recognise(session: Session, person: Person) -> Account | None:
    """Give the account of a person whom a provider knows, bound to them from now on; None where they have none.

    Nobody gets in by an account that is disabled, or bound to somebody else already.
    """
    bound = select(Account).where(Account.issuer == person.issuer, Account.subject == person.subject)
    found = session.scalar(bound) or accounts.find(session, person.email)
    held = accounts.hold(session, found.id) if found else None
    if held is None or held.disabled_at is not None:
        return None
    if held.subject is None:
        held.issuer, held.subject = person.issuer, person.subject
        session.flush()
    return held if (held.issuer, held.subject) == (person.issuer, person.subject) else None
