"""Notices by mail: to a volunteer who is asked something, and to the broker who gets an answer."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from geo import db, mail, queue
from geo.errors import Unavailable
from geo.mail import Post
from geo.people.models import Account
from geo.settings import Settings
from geo.vocabulary import Reply
from geo.volunteers.models import ContactRequest, Volunteer

NAME = "notice"


class Desk(NamedTuple):
    """What sends notices: where mail is handed in, our own address, and who is told why one was not sent."""

    engine: Engine
    post: Post
    address: str
    failed: Callable[[str], None]


def order(session: Session, settings: Settings, request: ContactRequest) -> None:
    """Have whoever is to read a request, or the answer to it, told by mail once this transaction is committed.

    The job holds the number of the request and nothing of anybody. Nothing where there is no mail server.
    """
    if settings.smtp_url is None:
        return
    what = {"request": str(request.id), "answered": request.reply != Reply.waiting}
    queue.defer(session, NAME, what, once=f"{NAME} {request.id} {request.reply.value}")


def work(desk: Desk | None) -> queue.Work:
    """Give what sends them; without a mail server they are dropped, for the pages tell the same."""

    def send(told: Mapping[str, Any]) -> None:
        if desk is None:
            return
        try:
            _send(desk, UUID(told["request"]), answered=bool(told["answered"]))
        except Unavailable as refusal:
            desk.failed(str(refusal))

    return send


def _send(desk: Desk, request_id: UUID, *, answered: bool) -> None:
    """Send the notice, unless the request, or whoever it is for, is gone meanwhile."""
    owner = ContactRequest.account_id if answered else Volunteer.account_id
    with db.sessions(desk.engine)() as session:
        to = session.scalar(
            select(Account.email)
            .join(ContactRequest, ContactRequest.id == request_id)
            .join(Volunteer, Volunteer.asset_id == ContactRequest.asset_id)
            .where(Account.id == owner, Account.disabled_at.is_(None))
        )
    if to is not None:
        text, page = (mail.ANSWERED, "offers") if answered else (mail.ASKED, "volunteer")
        mail.send(desk.post, to, text, f"{desk.address}/{page}")
