"""Accounts: who has one, with which role, and the way in by e-mail and password.

Whoever changes what lets somebody in holds the row of the account until the end of the transaction (`hold`), so that a
sign-in, another password and the end of an account come one after the other.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.checks import refuse, text_flaws, unstorable
from geo.errors import Conflict, Flaw, NotAllowed, NotFound
from geo.models import Neighbourhood
from geo.people import entries, passwords
from geo.people.models import Account, Link
from geo.rights import Viewer
from geo.vocabulary import Role

FIRST = "first@invalid"  # holds the place of the first administrator; nobody can have this address
WITH_AREAS = (Role.steward, Role.broker)
LONGEST_ADDRESS = 254  # characters, RFC 5321
# As a browser checks the field of a form, with a dot in the domain.
ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")
WRONG = "The e-mail address or the password is wrong."


def create(session: Session, email: str, name: str, role: Role, areas: Sequence[str] = ()) -> Account:
    """Make an account without a password; it gets one by a link. With an administrator the place of the first is taken.

    raises InvalidInput naming each flaw; Conflict where the e-mail address has an account
    """
    refuse(_address_flaws(email) + _name_flaws(name) + _role_flaws(session, role, areas))
    if role == Role.admin:
        session.execute(delete(Account).where(Account.email == FIRST))
    adding = insert(Account).values(email=_plain(email), name=name.strip(), role=role, areas=sorted(set(areas)))
    adding = adding.on_conflict_do_nothing(index_elements=[Account.email])
    made: Account | None = session.scalar(adding.returning(Account))
    if made is None:  # also where somebody else made it at this moment
        raise _taken(email)
    return made


def find(session: Session, email: str) -> Account | None:
    """Give the account with this address, however it is typed; None where there is none."""
    known = ADDRESS.fullmatch(_plain(email)) is not None
    return session.scalar(select(Account).where(Account.email == _plain(email))) if known else None


def listed(session: Session) -> Sequence[Account]:
    """Give all accounts, by e-mail address."""
    return session.scalars(select(Account).where(Account.email != FIRST).order_by(Account.email)).all()


def hold(session: Session, account_id: UUID) -> Account | None:
    """Give an account as it stands now, and let nobody else change it before the transaction ends."""
    wanted = select(Account).where(Account.id == account_id).with_for_update(key_share=True)
    return session.scalar(wanted.execution_options(populate_existing=True))


def change(
    session: Session,
    account_id: UUID,
    *,
    name: str | None = None,
    role: Role | None = None,
    areas: Sequence[str] | None = None,
) -> Account:
    """Change what is named. With a role that looks after no neighbourhoods, those of before are gone.

    raises NotFound; InvalidInput as `create`
    """
    account = hold(session, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    role = account.role if role is None else role
    if areas is None:
        areas = account.areas if role in WITH_AREAS else ()
    refuse(_name_flaws(name or "") + _role_flaws(session, role, areas))
    account.name = account.name if name is None else name.strip()
    account.role, account.areas = role, sorted(set(areas))
    session.flush()
    return account


def disable(session: Session, account: Account) -> None:
    """Let somebody in no more, and sign them out everywhere; what they made stays."""
    hold(session, account.id)
    account.disabled_at = account.disabled_at or datetime.now(UTC)
    session.flush()
    entries.end_all(session, account)
    session.execute(delete(Link).where(Link.account_id == account.id))


def enable(session: Session, account: Account) -> None:
    """Let somebody in again, with the password that they had."""
    hold(session, account.id)
    account.disabled_at = None
    session.flush()


def sign_in(session: Session, email: str, password: str) -> Account:
    """Say whose address and password these are; a hash of older parameters is renewed.

    raises NotAllowed, in the same words and after the same time whatever is wrong
    """
    account = find(session, email)
    kept = account.password if account and account.disabled_at is None else None
    if not passwords.holds(kept, password) or account is None or kept is None:
        raise NotAllowed(WRONG)
    held = hold(session, account.id)
    if held is None or held.password != kept or held.disabled_at is not None:  # changed while we were looking
        raise NotAllowed(WRONG)
    if passwords.stale(kept):
        held.password = passwords.hashed(password)
        session.flush()
    return held


def set_password(session: Session, account: Account, password: str) -> None:
    """Give an account another password. Links are used up, and it is signed out everywhere: begin an entry anew.

    raises InvalidInput where the password will not do
    """
    passwords.check(password, "" if account.email == FIRST else account.email)
    made = passwords.hashed(password)
    hold(session, account.id)
    account.password = made
    session.flush()
    entries.end_all(session, account)
    links = update(Link).where(Link.account_id == account.id, Link.used_at.is_(None))
    session.execute(links.values(used_at=func.now()))


def placeholder(session: Session) -> Account:
    """Give the account that waits for the first administrator; it is made where there is none."""
    values = {"email": FIRST, "name": "", "role": Role.admin}
    session.execute(insert(Account).values(values).on_conflict_do_nothing(index_elements=[Account.email]))
    return session.scalars(select(Account).where(Account.email == FIRST)).one()


def claim(session: Session, account: Account, email: str, name: str) -> None:
    """Give the first administrator their own address and name.

    raises NotAllowed where the account has an owner already; InvalidInput, Conflict as `create`
    """
    refuse(_address_flaws(email) + _name_flaws(name))
    held = hold(session, account.id)
    if held is None or held.email != FIRST:
        raise NotAllowed("This account belongs to somebody already.")
    if find(session, email):
        raise _taken(email)
    held.email, held.name = _plain(email), name.strip()
    session.flush()


def viewer(account: Account) -> Viewer:
    """Give who asks. The history names the account, never the person: it can outlive what is known of them."""
    return Viewer(account.role, f"account:{account.id}", account.id, frozenset(account.areas))


def _taken(email: str) -> Conflict:
    return Conflict(f"{_plain(email)} has an account already.")


def _plain(email: str) -> str:
    """Give an address as it is kept. Signs that are not ASCII stay as they are: some become others in small letters."""
    told = email.strip()
    return told.lower() if told.isascii() else told


def _address_flaws(email: str) -> list[Flaw]:
    told = _plain(email)
    if len(told) > LONGEST_ADDRESS:
        return [Flaw("email", f"has {len(told)} characters, more than {LONGEST_ADDRESS}")]
    return [] if ADDRESS.fullmatch(told) else [Flaw("email", "is no e-mail address, such as name@example.nl")]


def _name_flaws(name: str) -> list[Flaw]:
    return text_flaws("name", name.strip())


def _role_flaws(session: Session, role: Role, areas: Sequence[str]) -> list[Flaw]:
    if role == Role.visitor:
        return [Flaw("role", "a visitor has no account")]
    if areas and role not in WITH_AREAS:
        return [Flaw("areas", f"a {role.value} looks after no neighbourhoods")]
    if not areas and role in WITH_AREAS:
        return [Flaw("areas", f"a {role.value} looks after neighbourhoods: name them by their codes")]
    asked = [code for code in areas if not unstorable(code)]
    known = set(session.scalars(select(Neighbourhood.code).where(Neighbourhood.code.in_(asked)).distinct()))
    return [Flaw("areas", f"there is no neighbourhood with the code {code!r}") for code in areas if code not in known]
