"""What volunteers agreed to: for each purpose by itself, in words of a version, until a day; theirs to withdraw."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update
from sqlalchemy.orm import Session

from geo.checks import refuse
from geo.days import AMSTERDAM, today, today_nl
from geo.errors import Flaw
from geo.models import Asset
from geo.vocabulary import Means, Purpose, Reply
from geo.volunteers.models import Consent, ContactRequest

TEXT = "2026-11"  # the words that are shown now, in `maps/consenting.py`; other words get another version
LASTS_DAYS = 730  # at most
SOON_DAYS = 60  # before the end it is asked again
NOTHING: Mapping[str, Any] = MappingProxyType({})


def give(
    session: Session,
    asset_id: UUID,
    purposes: Iterable[Purpose],
    means: Means,
    told: Mapping[str, Any] = NOTHING,
) -> None:
    """Note consent to some purposes; one that is in force already begins anew.

    told    `text_version` (else the words of now), `given_on` (else today), `expires_on` (else as late as can be)
    raises  InvalidInput naming each flaw
    """
    given_on = told.get("given_on")
    refuse(flaws(told))
    asked = sorted(set(purposes))
    before = (Consent.asset_id == asset_id, Consent.purpose.in_(asked))
    session.execute(update(Consent).where(_in_force(), *before).values(withdrawn_at=func.now()))
    at = {} if given_on is None else {"given_at": datetime.combine(given_on, time(), AMSTERDAM)}
    session.add_all(
        Consent(
            asset_id=asset_id, purpose=purpose, means=means, text_version=told.get("text_version") or TEXT,
            expires_on=last_day(told), **at,
        )
        for purpose in asked
    )  # fmt: skip
    session.flush()


def last_day(told: Mapping[str, Any]) -> date:
    """Give the last day of a consent that is told as for `give`, and has no flaws."""
    last: date = told.get("expires_on") or (told.get("given_on") or today()) + timedelta(LASTS_DAYS)
    return last


def flaws(told: Mapping[str, Any]) -> list[Flaw]:
    """Find what is wrong with the days of a consent that is told as for `give`."""
    now, given_on, expires_on = today(), told.get("given_on"), told.get("expires_on")
    if given_on and given_on > now:
        return [Flaw("consent.given_on", "lies in the future")]
    last, found = (given_on or now) + timedelta(LASTS_DAYS), []
    if (expires_on or last) < now:
        found.append(Flaw("consent.expires_on", f"is over: this consent lasts until {expires_on or last}"))
    elif expires_on and expires_on > last:
        found.append(Flaw("consent.expires_on", f"lies after {last}: consent lasts {LASTS_DAYS} days at most"))
    return found


def withdraw(session: Session, asset_id: UUID, purpose: Purpose) -> None:
    """End a consent now, with the requests that hang on it; nothing where it is not in force. A spot is settled anew
    by the caller.
    """
    mine = (Consent.asset_id == asset_id, Consent.purpose == purpose)
    session.execute(update(Consent).where(_in_force(), *mine).values(withdrawn_at=func.now()))
    let_go(session, asset_id, purpose)


def let_go(session: Session, asset_id: UUID, purpose: Purpose) -> None:
    """Take away what hangs on a consent that ended: the requests that wait for an answer."""
    if purpose == Purpose.contact:
        waiting = (ContactRequest.asset_id == asset_id, ContactRequest.reply == Reply.waiting)
        session.execute(delete(ContactRequest).where(*waiting))


def ending(session: Session) -> int:
    """Count the volunteers whose record ends within `SOON_DAYS`, because their consent does."""
    soon = (Consent.purpose == Purpose.offer, Consent.expires_on < today_nl() + SOON_DAYS)
    return session.scalar(select(func.count()).where(_in_force(), _not_over(), *soon)) or 0


def of(session: Session, asset_id: UUID) -> Sequence[Consent]:
    """Give what a volunteer agreed to and holds today, in the order of the purposes."""
    held = session.scalars(select(Consent).where(_in_force(), _not_over(), Consent.asset_id == asset_id)).all()
    return sorted(held, key=lambda consent: list(Purpose).index(consent.purpose))


def holds(purpose: Purpose) -> ColumnElement[bool]:
    """Give the condition under which the volunteer of a row in `asset` agrees to something today."""
    mine = and_(Consent.asset_id == Asset.id, Consent.purpose == purpose)
    return exists(select(Consent.id).where(_in_force(), _not_over(), mine).correlate(Asset))


def _in_force() -> ColumnElement[bool]:
    return Consent.withdrawn_at.is_(None)


def _not_over() -> ColumnElement[bool]:
    return Consent.expires_on >= today_nl()
