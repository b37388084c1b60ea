"""Forgetting people: what is known of them goes out of every table, and an id that means nothing any more stays.

Where a volunteer is named: the row in `asset` and what goes with it (`volunteer`, `consent`, `contact_request`,
`secret_reading`, `asset_secret`, `asset_catchment`), and the history of that row, of its secret and of its catchment,
which the deletion itself adds to. An activity and a question to the worker may name nobody: what does all the same,
because it was written past our rules, is taken off them.

What was looked through and holds nothing of a volunteer: `coverage` (numbers; `nearest_id` and `why` are of places
only), `import_job` and `address_doubt` (a file of people is not imported, `geo/imports/cells.py`), the jobs in
`kaart_jobs` (the id of a run, or of a request that is gone), what is told on a channel (ids of assets, kept by nobody),
`account` (it goes by itself, `erase_account`), `allowance` (keyed hashes, for two days at most). Uploads that await a
yes are a day old at most.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, any_, cast, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from geo.coverage.models import CoverageQuestion
from geo.days import today_nl
from geo.errors import Conflict, InvalidInput, NotFound
from geo.imports.models import AddressDoubt
from geo.models import Activity, Asset, History, ImportJob
from geo.people.models import Account
from geo.sql import statements
from geo.vocabulary import Erased, Kind, Purpose, Role
from geo.volunteers import consents, spots
from geo.volunteers.journal import Entry
from geo.volunteers.models import Consent, Erasure, SecretReading, Volunteer

NOBODY = "erased account"  # what stands where an account was named
BLANKS = " \t\n\r\f\v\u00a0"
OF_A_PERSON = ("asset", "asset_secret", "asset_catchment")  # under which names the history keeps what is theirs
LEAVE_ACTIVITIES, LEAVE_HISTORY = statements("volunteers/erasures.sql")


def erase_volunteer(session: Session, asset_id: UUID) -> None:
    """Erase a volunteer, with all that is kept of them. Their account stays: it is another thing that they have.

    raises   NotFound; InvalidInput where it is no volunteer: what is no person is archived
    """
    session.flush()
    kind = session.scalar(select(Asset.kind).where(Asset.id == asset_id).with_for_update())
    if kind is None:
        raise NotFound(f"There is no asset {str(asset_id)!r}.")
    if kind != Kind.volunteer:
        raise InvalidInput("Only a volunteer can be erased: archive what is no person.")
    _forget_volunteers(session, [asset_id])


def erase_account(session: Session, account_id: UUID) -> None:
    """Erase an account: its volunteer, entries, links, the requests made by it, and its name wherever it stands.

    What it made on the map stays, as made by nobody. `confirmed_by` is free text: it is replaced where all of it is the
    name or the e-mail address of the account. The name of an API key is free text too, and stays: it is of no account.

    raises   NotFound; Conflict where it is the last administrator who can come in
    """
    session.flush()
    wanted = or_(Account.id == account_id, Account.role == Role.admin)  # so that of two at once one sees the other
    held = select(Account).where(wanted).order_by(Account.id).with_for_update(key_share=True)
    found = session.scalars(held.execution_options(populate_existing=True)).all()
    account = next((each for each in found if each.id == account_id), None)
    if account is None:
        raise NotFound("There is no such account.")
    others = [each for each in found if each is not account and each.disabled_at is None]
    if account.role == Role.admin and not others:
        raise Conflict("This is the last administrator: make another one first, or nobody could look after this map.")
    _forget_account(session, account)


def end_due(session: Session) -> int:
    """End what consent does not cover any more; the last day of a consent counts. Gives how many people were erased.

    Without an offer in force the whole person is erased. Without `map` the spot goes, without `contact` the requests
    that wait. Whom somebody is changing at this moment has their turn the next time.
    """
    session.flush()
    uncovered = ~consents.holds(Purpose.offer)
    due = _held(session, Asset.kind == Kind.volunteer, uncovered)
    # Read again: consent may have been given between the first look and the lock.
    due = session.scalars(select(Asset.id).where(_among(Asset.id, due), uncovered)).all()
    _forget_volunteers(session, due)
    over = (Consent.withdrawn_at.is_(None), Consent.expires_on < today_nl())
    held = _held(session, Asset.id.in_(select(Consent.asset_id).where(*over)))
    ended = update(Consent).where(*over, _among(Consent.asset_id, held)).values(withdrawn_at=func.now())
    for asset_id, purpose in session.execute(ended.returning(Consent.asset_id, Consent.purpose)).all():
        if purpose == Purpose.map:
            spots.settle(session, asset_id)
        consents.let_go(session, asset_id, purpose)
    return len(due)


def replay(session: Session, known: Iterable[Entry]) -> int:
    """Erase again who was erased before and is back, as after the restore of an older backup; gives how many.

    An administrator too, even the last one: they asked for it, and another is made with `kaart user add`.
    """
    ids: dict[Erased, list[UUID]] = {what: [] for what in Erased}
    for entry in known:
        ids[entry.what].append(entry.id)
    people = select(Asset.id).where(_among(Asset.id, ids[Erased.volunteer]), Asset.kind == Kind.volunteer)
    back = session.scalars(people.order_by(Asset.id).with_for_update()).all()
    _forget_volunteers(session, back)
    them = select(Account).where(_among(Account.id, ids[Erased.account])).order_by(Account.id).with_for_update()
    accounts = session.scalars(them).all()
    for account in accounts:
        _forget_account(session, account)
    return len(back) + len(accounts)


def entries(session: Session) -> list[Entry]:
    """Give all whom the database knows to be erased, the first one first."""
    told = select(Erasure.erased_at, Erasure.what, Erasure.id).order_by(Erasure.erased_at, Erasure.id)
    return [Entry(*row) for row in session.execute(told)]


def remember(session: Session, known: Iterable[Entry]) -> None:
    """Note who was erased; whom the database knows already stays as noted."""
    if rows := [entry._asdict() for entry in known]:
        session.execute(insert(Erasure).on_conflict_do_nothing(), rows)


def _held(session: Session, *which: ColumnElement[bool]) -> Sequence[UUID]:
    """Hold the rows of some assets that nobody else holds now, and give their ids."""
    return session.scalars(select(Asset.id).where(*which).order_by(Asset.id).with_for_update(skip_locked=True)).all()


def _among(column: InstrumentedAttribute[Any], ids: Collection[UUID]) -> ColumnElement[bool]:
    """Say that a column is one of many ids, more than a statement may have values."""
    return column == any_(literal(list(ids), ARRAY(Uuid)))


def _forget_volunteers(session: Session, ids: Collection[UUID]) -> None:
    """Take volunteers out of every table; their rows in `asset` are held."""
    if not ids:
        return
    named = {"ids": [str(each) for each in ids]}
    hung = update(Activity).where(_among(Activity.asset_id, ids)).values(asset_id=None).returning(Activity.id)
    if left := session.scalars(hung).all():
        session.execute(text(LEAVE_ACTIVITIES), {**named, "activities": [str(each) for each in left]})
    asked = cast(CoverageQuestion.question, Text).op("~")("|".join(named["ids"]))
    session.execute(delete(CoverageQuestion).where(asked))
    session.execute(delete(Asset).where(_among(Asset.id, ids)), execution_options={"synchronize_session": "fetch"})
    kept = History.row_id == any_(literal(named["ids"], ARRAY(Text)))  # last: what was done above is told there too
    session.execute(
        delete(History).where(History.row_table.in_(OF_A_PERSON), kept),
        execution_options={"synchronize_session": False},
    )
    _note(session, Erased.volunteer, ids)


def _forget_account(session: Session, account: Account) -> None:
    """Take an account out of every table; its row is held."""
    session.execute(text("SET LOCAL statement_timeout = 0"))  # the whole history is looked through
    theirs = select(Asset.id).join(Volunteer, Volunteer.asset_id == Asset.id).where(Volunteer.account_id == account.id)
    _forget_volunteers(session, session.scalars(theirs.with_for_update(of=Asset)).all())
    name, account_id, email = f"account:{account.id}", account.id, account.email
    told = func.unnest(literal([word for word in (name, account.email, account.name) if word], ARRAY(Text)))
    words = session.scalars(select(_plain(told))).all()  # by the database: it has small letters of its own
    signed = (ImportJob.made_by, ImportJob.undone_by, AddressDoubt.decided_by, SecretReading.read_by)
    for column in signed:
        session.execute(update(column.class_).where(column == name).values({column: NOBODY}))
    whole = _plain(Asset.confirmed_by) == any_(literal(words, ARRAY(Text)))
    confirmed = or_(whole, func.strpos(func.lower(Asset.confirmed_by), account.email) > 0)
    session.execute(update(Asset).where(confirmed).values(confirmed_by=NOBODY))
    session.execute(delete(Account).where(Account.id == account_id))  # entries, links and requests go with it
    session.execute(
        text(LEAVE_HISTORY),
        {"name": name, "id": str(account_id), "words": words, "blanks": BLANKS, "nobody": NOBODY, "email": email},
    )  # last: what was done above is told there too
    _note(session, Erased.account, [account_id])


def _plain(told: ColumnElement[str] | InstrumentedAttribute[str | None]) -> ColumnElement[str]:
    plain: ColumnElement[str] = func.lower(func.btrim(told, BLANKS))
    return plain


def _note(session: Session, what: Erased, ids: Iterable[UUID]) -> None:
    rows = [{"id": each, "what": what} for each in ids]
    session.execute(insert(Erasure).on_conflict_do_nothing(), rows)
