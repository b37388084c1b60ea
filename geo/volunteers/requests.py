"""Requests: a broker asks a volunteer something through us, and the volunteer accepts or declines.

The volunteer sees who asks and how to reach them; of the volunteer the broker sees the answer and nothing else. Both
texts are kept sealed.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from geo.checks import refuse, text_flaws
from geo.errors import Conflict, Flaw, InvalidInput, NotAllowed, NotFound
from geo.models import Asset, Neighbourhood
from geo.people.models import Account
from geo.privacy import key_of
from geo.rights import Viewer
from geo.sealing import seal, unseal
from geo.vocabulary import Purpose, Reply
from geo.volunteers import consents, offers
from geo.volunteers.models import ContactRequest, Volunteer

LONGEST = 1000  # characters of a message, or of the words that go with an answer


class Letter(NamedTuple):
    """A request as one side sees it.

    name, email   who asks, as the volunteer sees them; empty for who asks
    services      what the volunteer offers, and `neighbourhood_name` where, as who asks sees them
    """

    id: UUID
    message: str
    made_at: datetime
    reply: Reply
    words: str
    answered_at: datetime | None
    name: str
    email: str
    services: list[str]
    neighbourhood_name: str


def ask(session: Session, viewer: Viewer, asset_id: UUID, message: str) -> ContactRequest:
    """Ask a volunteer something.

    raises  NotAllowed for who has no account; NotFound where the viewer sees no such offer; Conflict where the
            volunteer is not reached this way, or has not answered an earlier request; InvalidInput on the message
    """
    if viewer.account is None:
        raise NotAllowed("Sign in with an account: the volunteer has to see who asks.")
    refuse(_flaws("message", message.strip()) or ([] if message.strip() else [Flaw("message", "is empty")]))
    wanted = select(Asset.id, Volunteer.account_id, offers.comes_in() & consents.holds(Purpose.contact)).join(
        Volunteer, Volunteer.asset_id == Asset.id
    )
    found = session.execute(wanted.where(Asset.id == asset_id, offers.offered(viewer)).with_for_update(of=Asset))
    row = found.one_or_none()
    if row is None:
        raise NotFound("There is no such offer in your neighbourhoods (any more).")
    if not row[2]:
        raise Conflict("This volunteer cannot be asked through us.")
    mine = (ContactRequest.asset_id == asset_id, ContactRequest.account_id == viewer.account)
    if session.scalar(select(ContactRequest.id).where(*mine, ContactRequest.reply == Reply.waiting)):
        raise Conflict("You asked this volunteer already, who has not answered yet.")
    made = uuid4()
    sealed = seal(key_of(session), f"{made} message", message.strip())
    request = ContactRequest(id=made, asset_id=asset_id, account_id=viewer.account, message=sealed)
    session.add(request)
    session.flush()
    return request


def answer(session: Session, viewer: Viewer, request_id: UUID, reply: Reply, words: str) -> ContactRequest:
    """Accept or decline a request, once, with some words or none.

    raises  NotFound where it is no request to the viewer; Conflict where it is answered; InvalidInput on the words
    """
    refuse(_flaws("words", words.strip()))
    mine = select(ContactRequest).join(Volunteer, Volunteer.asset_id == ContactRequest.asset_id)
    mine = mine.where(ContactRequest.id == request_id, Volunteer.account_id == viewer.account)
    request = session.scalar(mine.with_for_update(of=ContactRequest)) if viewer.account else None
    if request is None:
        raise NotFound("There is no such request to you.")
    if reply == Reply.waiting:
        raise InvalidInput("Say yes or no.", Flaw("reply", "is neither yes nor no"))
    if request.reply != Reply.waiting:
        raise Conflict("This request is answered already.")
    request.reply, request.answered_at = reply, datetime.now(UTC)
    request.words = seal(key_of(session), f"{request.id} words", words.strip()) if words.strip() else None
    session.flush()
    return request


def got(session: Session, account_id: UUID) -> list[Letter]:
    """Give the requests to the volunteer of an account, those that wait first, then the latest."""
    rows = session.execute(_letters(Volunteer.account_id == account_id))
    return [_letter(session, *row) for row in rows]


def sent(session: Session, viewer: Viewer) -> list[Letter]:
    """Give the requests that a viewer made, in the same order, without who it is that was asked.

    What is offered, and where, is told as long as the viewer sees the offer: not of who moved elsewhere.
    """
    mine = ContactRequest.account_id == viewer.account
    seen = set(session.scalars(select(ContactRequest.id).join(Asset).where(mine, offers.offered(viewer))))
    letters = (_letter(session, *row)._replace(name="", email="") for row in session.execute(_letters(mine)))
    return [each if each.id in seen else each._replace(services=[], neighbourhood_name="") for each in letters]


def waiting(session: Session, account_id: UUID) -> int:
    """Count the requests to the volunteer of an account that wait for an answer."""
    theirs = select(func.count(ContactRequest.id)).join(Volunteer, Volunteer.asset_id == ContactRequest.asset_id)
    mine = (Volunteer.account_id == account_id, ContactRequest.reply == Reply.waiting)
    return session.scalar(theirs.where(*mine)) or 0


def _letters(whose: ColumnElement[bool]) -> Select[ContactRequest, str, str, list[str], str]:
    joined = (
        select(ContactRequest, Account.name, Account.email, Asset.services, Neighbourhood.name)
        .join(Asset, Asset.id == ContactRequest.asset_id)
        .join(Volunteer, Volunteer.asset_id == Asset.id)
        .join(Account, Account.id == ContactRequest.account_id)
        .outerjoin(Neighbourhood, Neighbourhood.id == Asset.neighbourhood_id)
    )
    waiting_first = ContactRequest.reply != Reply.waiting
    return joined.where(whose).order_by(waiting_first, ContactRequest.made_at.desc(), ContactRequest.id)


def _letter(
    session: Session, request: ContactRequest, name: str, email: str, services: list[str], where: str | None
) -> Letter:
    key = key_of(session)
    words = unseal(key, f"{request.id} words", request.words) if request.words else ""
    return Letter(
        request.id, unseal(key, f"{request.id} message", request.message), request.made_at, request.reply, words,
        request.answered_at, name, email, services, where or "",
    )  # fmt: skip


def _flaws(field: str, told: str) -> list[Flaw]:
    if len(told) > LONGEST:
        return [Flaw(field, f"has {len(told)} characters, more than {LONGEST}")]
    return text_flaws(field, told)
