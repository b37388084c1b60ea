"""What comes with the row of a volunteer: secrets, account, consent, and the spot on the map of neighbours."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import privacy
from geo.checks import refuse
from geo.errors import Conflict, Flaw
from geo.models import Asset
from geo.people import accounts
from geo.vocabulary import Means, Purpose
from geo.volunteers import consents, spots
from geo.volunteers.models import Volunteer


def keep(session: Session, asset: Asset, values: Mapping[str, Any]) -> None:
    """Keep what was told of a volunteer besides the row itself; what was not told stays.

    place, contact   sealed; shapely point in WGS 84, texts by name
    account          an e-mail address that has an account, or None
    consent          `purposes`, and what `consents.give` takes; needed of who has given none yet
    raises           InvalidInput naming each flaw; Conflict where the account is another volunteer's already, or the
                     volunteer has another one
    """
    row = session.get(Volunteer, asset.id)
    if row is None:
        row = Volunteer(asset_id=asset.id)
        session.add(row)
    elif row.account_id and (values.get("consent") or {}).get("means", Means.online) != Means.online:
        refuse([Flaw("consent", "is given and withdrawn by the volunteer, who has an account")])
    if "account" in values:
        _bind(session, row, _account(session, values["account"], asset.id))
    _agree(session, row, asset, values.get("consent"))
    session.flush()
    privacy.keep_secret(session, asset.id, {name: values[name] for name in ("place", "contact") if name in values})
    spots.settle(session, asset.id)


def _bind(session: Session, row: Volunteer, account_id: UUID | None) -> None:
    """Give a volunteer an account. Whoever has one keeps it: another account would read what only they may read.

    What was kept before is not for who comes: place and contacts have to be told anew.
    """
    if row.account_id not in (None, account_id):
        raise Conflict("This volunteer has an account, and keeps it: to begin anew, the record has to be erased.")
    if row.account_id is None and account_id is not None:
        privacy.keep_secret(session, row.asset_id, {"place": None, "contact": None})
    row.account_id = account_id


def _agree(session: Session, row: Volunteer, asset: Asset, told: Mapping[str, Any] | None) -> None:
    """Note consent as it was told."""
    if told is None:
        if not any(held.purpose == Purpose.offer for held in consents.of(session, asset.id)):
            refuse([Flaw("consent", "is needed: without their consent nobody keeps a record of a person")])
        return
    purposes = [Purpose(purpose) for purpose in told["purposes"]]
    if Purpose.offer not in purposes:
        refuse([Flaw("consent.purposes", "must hold 'offer': without it there is no record")])
    if Purpose.contact in purposes and row.account_id is None:
        refuse([Flaw("consent.purposes", "'contact' needs an account: requests are read and answered there")])
    consents.give(session, asset.id, purposes, Means(told.get("means", Means.paper)), told)


def _account(session: Session, email: str | None, asset_id: UUID) -> UUID | None:
    if not email:
        return None
    found = accounts.find(session, email)
    if found is None:
        refuse([Flaw("account", f"{email!r} has no account: make one with `kaart user add` first")])
        return None
    if of_account(session, found.id) not in (None, asset_id):
        raise Conflict(f"The account {email!r} is another volunteer's already.")
    return found.id


def of_account(session: Session, account_id: UUID) -> UUID | None:
    """Give the id of the volunteer that an account is of; None where it is of none."""
    return session.scalar(select(Volunteer.asset_id).where(Volunteer.account_id == account_id))
