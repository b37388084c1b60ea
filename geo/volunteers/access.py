"""The right of access (GDPR, article 15): all that is stored about a person, for that person."""

from typing import Any
from uuid import UUID

from geoalchemy2.shape import to_shape
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from geo import privacy
from geo.collections import own
from geo.models import Activity, Asset, History
from geo.people import accounts
from geo.people.models import Account, Entry
from geo.vocabulary import Status
from geo.volunteers import records, requests
from geo.volunteers.models import Consent, Volunteer

HIDDEN = ("password", "open_mask", "words", "organisation_id", "spot")  # hashes, and what is reckoned from the rest


def data_of(session: Session, account: Account) -> dict[str, Any]:
    """Give what is stored about the owner of an account, as plain values; reading the secrets is noted as any reading.

    Not in it: the hash of the password, and hashes of tokens, which tell nothing about anybody.
    """
    volunteer = records.of_account(session, account.id)
    changes = select(func.count(History.id)).where(History.changed_by == f"account:{account.id}")
    return {
        "account": _row(account),
        "signed_in": [_row(entry, "made_at", "seen_at", "expires_at") for entry in _entries(session, account.id)],
        "records_made": [
            {"id": made.id, "table": table.__tablename__, "status": made.status}
            for table in (Asset, Activity)
            for made in session.execute(_made(table, account.id))
        ],
        "changes_in_the_history": session.scalar(changes) or 0,
        "requests_sent": [letter._asdict() for letter in requests.sent(session, accounts.viewer(account))],
        "volunteer": None if volunteer is None else _volunteer(session, account, volunteer),
    }


def _volunteer(session: Session, account: Account, asset_id: UUID) -> dict[str, Any]:
    secret = privacy.read_secret(session, asset_id, "access")
    row = session.get_one(Volunteer, asset_id)
    spot = None if row.spot is None else to_shape(row.spot)
    given = select(Consent).where(Consent.asset_id == asset_id).order_by(Consent.given_at, Consent.purpose)
    return {
        "record": _row(session.get_one(Asset, asset_id)),
        "true_place": secret.place,
        "contact": secret.contact,
        "place_for_neighbours": None if spot is None else spot.coords[0],
        "consents": [_row(consent) for consent in session.scalars(given)],
        "history": [
            _row(change, "changed_at", "row_table", "before", "after") for change in _history(session, asset_id)
        ],
        "requests": [letter._asdict() for letter in requests.got(session, account.id)],
        "who_read_the_secrets": [
            _row(reading, "read_at", "read_by", "why") for reading in privacy.readings(session, asset_id)
        ],
    }


def _history(session: Session, asset_id: UUID) -> list[History]:
    theirs = select(History).where(History.row_id == str(asset_id), History.row_table.in_(("asset", "asset_secret")))
    return list(session.scalars(theirs.order_by(History.id)))


def _made(table: type[Asset] | type[Activity], account_id: UUID) -> Select[UUID, Status]:
    return select(table.id, table.status).where(table.made_by == account_id).order_by(table.id)


def _entries(session: Session, account_id: UUID) -> list[Entry]:
    return list(session.scalars(select(Entry).where(Entry.account_id == account_id).order_by(Entry.made_at)))


def _row(row: Any, *named: str) -> dict[str, Any]:
    """Give the columns of a row that hold something, those that are named or all but the hidden ones."""
    told = {name: getattr(row, name) for name in named or own(type(row)) if name not in HIDDEN}
    return {name: value for name, value in told.items() if value not in (None, [], {}, "")}
