"""Accounts, entries and links in the database: who gets in, for how long, and what ends it."""

import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from statistics import median
from threading import Barrier
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from geo import db, neighbourhoods
from geo.errors import Conflict, InvalidInput, NotAllowed, NotFound
from geo.neighbourhoods import Origin
from geo.people import accounts, entries, links, passwords
from geo.people.models import Account, Entry, Link
from geo.rights import Viewer
from geo.vocabulary import LinkPurpose, Role
from tests.integration.town import BUURTEN, EAST, WEST

EMAIL, PASSWORD, OTHER = "anna@example.nl", "drie fietsen en een brug", "vier bootjes in de sloot"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def anna(session: Session) -> Account:
    return accounts.create(session, EMAIL, "Anna", Role.contributor)


@pytest.fixture
def bram(session: Session) -> Account:
    return accounts.create(session, "bram@example.nl", "Bram", Role.planner)


@pytest.fixture
def buurten(session: Session) -> None:
    neighbourhoods.load(session, BUURTEN, Origin(2025, "test", None, schematic=False), {})


@pytest.fixture
def committing(database_url: str) -> Iterator[sessionmaker[Session]]:
    """Give the maker of sessions that see one another's commits only; Anna has an account and a password."""
    engine = db.engine(database_url)
    made = db.sessions(engine)
    with made.begin() as session:
        accounts.set_password(session, accounts.create(session, EMAIL, "Anna", Role.contributor), PASSWORD)
    yield made
    engine.dispose()


def known(session: Session) -> Account:
    account = accounts.find(session, EMAIL)
    assert account is not None
    return account


def flaws(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [flaw.field for flaw in refused.value.flaws]


def idle(session: Session, time_since: timedelta) -> None:
    """Let time pass in which nobody asks anything."""
    moved = {"seen_at": Entry.seen_at - time_since, "expires_at": Entry.expires_at - time_since}
    session.execute(update(Entry).values(moved).execution_options(synchronize_session=False))
    session.expire_all()


def age(session: Session, time_since: timedelta) -> None:
    """Let time pass for links."""
    moved = {"expires_at": Link.expires_at - time_since}
    session.execute(update(Link).values(moved).execution_options(synchronize_session=False))
    session.expire_all()


def stored(session: Session) -> str:
    """Give every row of the three tables as text."""
    session.flush()
    tables = ("account", "account_entry", "account_link")
    return "\n".join(row for table in tables for row in session.scalars(text(f"SELECT t::text FROM {table} t")))


def wait_for_a_lock(session: Session) -> None:
    until = time.monotonic() + 60
    while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        assert time.monotonic() < until
        time.sleep(0.01)


# Accounts


def test_an_account_is_found_by_its_address_however_it_is_typed(session: Session, buurten: None) -> None:
    made = accounts.create(session, " Anna@Example.NL ", " Anna ", Role.steward, [WEST, EAST, WEST])
    assert (made.email, made.name, made.role, made.areas) == (EMAIL, "Anna", Role.steward, [WEST, EAST])
    assert (made.password, made.disabled_at) == (None, None)
    assert made.created_at is not None
    assert accounts.find(session, "ANNA@example.nl ") is made
    assert accounts.find(session, "bram@example.nl") is None


@pytest.mark.parametrize(
    "email",
    [
        "", "anna", "anna@", "@example.nl", "anna@example", "anna@@example.nl", "a@b@example.nl", "an na@example.nl",
        "anna@example .nl", "anna@.nl", "anna@example.", "anna@example..nl", "anna@example.nl\nx@example.nl",
        "anna\x00@example.nl", "ann\ud800@example.nl", "<b>@example.nl", accounts.FIRST, "a" * 244 + "@example.nl",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_never_found(session: Session, email: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.create(session, email, "Anna", Role.planner)
    assert flaws(refused) == ["email"]
    assert accounts.find(session, email) is None


def test_an_address_may_have_254_characters(session: Session) -> None:
    assert len(accounts.create(session, "a" * 243 + "@example.nl", "Anna", Role.planner).email) == 254


def test_a_second_account_with_an_address_is_refused(session: Session, anna: Account) -> None:
    with pytest.raises(Conflict):
        accounts.create(session, "ANNA@example.nl", "Another", Role.admin)
    assert accounts.listed(session) == [anna]


def test_of_two_accounts_made_at_once_with_one_address_one_is_refused(committing: sessionmaker[Session]) -> None:
    with committing() as one, ThreadPoolExecutor(1) as other, committing() as looking:
        accounts.create(one, "bram@example.nl", "Bram", Role.planner)

        def make() -> None:
            with committing.begin() as session:
                accounts.create(session, "bram@example.nl", "Bram", Role.admin)

        refused = other.submit(make)
        wait_for_a_lock(looking)
        one.commit()
        with pytest.raises(Conflict):
            refused.result(timeout=60)


def test_a_visitor_has_no_account(session: Session, anna: Account) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.create(session, "bram@example.nl", "Bram", Role.visitor)
    assert flaws(refused) == ["role"]
    with pytest.raises(InvalidInput) as refused:
        accounts.change(session, anna.id, role=Role.visitor)
    assert flaws(refused) == ["role"]


def test_areas_are_those_of_stewards_and_brokers_exist_and_are_never_none(session: Session, buurten: None) -> None:
    for role in (Role.steward, Role.broker):
        assert accounts.create(session, f"{role}@example.nl", "", role, [EAST]).areas == [EAST]
        for wrong in ([], ["BU99999999"], [EAST, "BU99999999"], ["\x00"], ["\ud800"]):
            with pytest.raises(InvalidInput) as refused:
                accounts.create(session, "x@example.nl", "", role, wrong)
            assert flaws(refused) == ["areas"]
    for role in (Role.contributor, Role.planner, Role.admin):
        assert accounts.create(session, f"{role}@example.nl", "", role).areas == []
        with pytest.raises(InvalidInput) as refused:
            accounts.create(session, "x@example.nl", "", role, [EAST])
        assert flaws(refused) == ["areas"]
    assert accounts.find(session, "x@example.nl") is None


def test_all_that_is_wrong_is_named_at_once(session: Session) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.create(session, "anna", "A" * 201 + "\x00", Role.broker)
    assert set(flaws(refused)) == {"email", "name", "areas"}


def test_accounts_are_listed_by_address_without_the_one_that_waits(session: Session) -> None:
    assert accounts.listed(session) == []
    links.first(session)
    assert accounts.listed(session) == []
    made = [accounts.create(session, f"{name}@example.nl", name, Role.planner) for name in ("c", "a", "b")]
    assert accounts.listed(session) == [made[1], made[2], made[0]]


def test_a_change_touches_what_it_names(session: Session, anna: Account, buurten: None) -> None:
    accounts.change(session, anna.id, name=" Anna B. ")
    assert (anna.name, anna.role, anna.areas) == ("Anna B.", Role.contributor, [])
    accounts.change(session, anna.id, role=Role.steward, areas=[EAST])
    accounts.change(session, anna.id, role=Role.broker)
    assert (anna.name, anna.role, anna.areas) == ("Anna B.", Role.broker, [EAST])
    accounts.change(session, anna.id, areas=[WEST])
    assert anna.areas == [WEST]
    accounts.change(session, anna.id, role=Role.planner)
    assert (anna.role, anna.areas) == (Role.planner, [])
    assert session.scalar(text("SELECT areas = '{}' AND role = 'planner' FROM account"))


def test_a_change_keeps_the_rules_of_a_new_account(session: Session, anna: Account, buurten: None) -> None:
    for wrong in ({"role": Role.steward}, {"areas": [EAST]}, {"role": Role.broker, "areas": ["BU99999999"]}):
        with pytest.raises(InvalidInput) as refused:
            accounts.change(session, anna.id, **wrong)
        assert flaws(refused) == ["areas"]
    with pytest.raises(InvalidInput) as refused:
        accounts.change(session, anna.id, name="x" * 201)
    assert flaws(refused) == ["name"]
    with pytest.raises(NotFound):
        accounts.change(session, uuid4(), name="Nobody")
    assert (anna.name, anna.role, anna.areas) == ("Anna", Role.contributor, [])


def test_the_history_names_the_account_and_never_the_person(session: Session, buurten: None) -> None:
    anna = accounts.create(session, EMAIL, "Anna", Role.steward, [EAST, WEST])
    assert accounts.viewer(anna) == Viewer(Role.steward, f"account:{anna.id}", anna.id, frozenset({EAST, WEST}))


# Signing in


def test_the_right_password_signs_in_and_every_refusal_is_worded_the_same(
    session: Session, anna: Account, bram: Account
) -> None:
    gone = accounts.create(session, "gone@example.nl", "", Role.admin)
    accounts.set_password(session, anna, PASSWORD)
    accounts.set_password(session, gone, PASSWORD)
    accounts.disable(session, gone)
    assert accounts.sign_in(session, " ANNA@example.nl", PASSWORD) is anna
    said = set()
    for email, password in (
        (EMAIL, OTHER), (EMAIL, ""), (EMAIL, PASSWORD + " "), ("nobody@example.nl", PASSWORD), (gone.email, PASSWORD),
        (bram.email, PASSWORD), (bram.email, ""), (accounts.FIRST, ""), ("no address\x00", PASSWORD), (EMAIL, "\ud800"),
    ):  # fmt: skip
        with pytest.raises(NotAllowed) as refused:
            accounts.sign_in(session, email, password)
        said.add(str(refused.value))
    assert said == {"The e-mail address or the password is wrong."}
    accounts.enable(session, gone)
    assert accounts.sign_in(session, gone.email, PASSWORD) is gone


def test_a_refusal_costs_the_same_whoever_is_asked_for(session: Session, anna: Account, bram: Account) -> None:
    """Processor time, not the clock: what others do on this machine says nothing about us."""
    gone = accounts.create(session, "gone@example.nl", "", Role.planner)
    accounts.set_password(session, anna, PASSWORD)
    gone.password = anna.password
    accounts.disable(session, gone)
    asked = {"wrong": EMAIL, "unknown": "nobody@example.nl", "disabled": gone.email, "no password": bram.email}
    spent: dict[str, list[float]] = {kind: [] for kind in asked}
    for _ in range(7):
        for kind, email in asked.items():
            began = time.process_time()
            with suppress(NotAllowed):
                accounts.sign_in(session, email, OTHER)
            spent[kind].append(time.process_time() - began)
    middle = {kind: median(seconds) for kind, seconds in spent.items()}
    assert max(middle.values()) <= 1.25 * min(middle.values()), middle


def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in_and_only_then(
    session: Session, anna: Account
) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    anna.password = older
    session.flush()
    with pytest.raises(NotAllowed):
        accounts.sign_in(session, EMAIL, OTHER)
    assert anna.password == older
    accounts.sign_in(session, EMAIL, PASSWORD)
    renewed = session.scalar(select(Account.password).where(Account.id == anna.id))
    assert renewed is not None
    assert not passwords.stale(renewed)
    assert passwords.holds(renewed, PASSWORD)
    accounts.sign_in(session, EMAIL, PASSWORD)
    assert anna.password == renewed


def test_another_password_signs_out_everywhere_and_uses_up_links(
    session: Session, anna: Account, bram: Account
) -> None:
    ours, theirs = [entries.begin(session, anna) for _ in range(2)], entries.begin(session, bram)
    reset = links.make(session, anna, LinkPurpose.reset)
    accounts.set_password(session, anna, PASSWORD)
    assert [entries.who(session, token) for token in ours] == [None, None]
    assert entries.who(session, theirs) is bram
    assert links.open_(session, reset) is None
    assert PASSWORD not in stored(session)


def test_a_password_that_will_not_do_changes_nothing(session: Session, anna: Account) -> None:
    token = entries.begin(session, anna)
    for weak in ("short", "x" * 1001, "dit is van anna zelf", "Wachtwoord2026"):
        with pytest.raises(InvalidInput) as refused:
            accounts.set_password(session, anna, weak)
        assert flaws(refused) == ["password"]
    assert anna.password is None
    assert entries.who(session, token) is anna


def test_a_sign_in_with_the_password_of_before_fails_while_another_is_being_set(
    committing: sessionmaker[Session],
) -> None:
    def sign_in() -> Account:
        with committing.begin() as session:
            return accounts.sign_in(session, EMAIL, PASSWORD)

    with committing() as session, ThreadPoolExecutor(1) as other, committing() as looking:
        accounts.set_password(session, known(session), OTHER)
        late = other.submit(sign_in)
        wait_for_a_lock(looking)
        session.commit()
        with pytest.raises(NotAllowed):
            late.result(timeout=60)
        assert accounts.sign_in(session, EMAIL, OTHER).email == EMAIL


def test_who_signs_in_while_the_account_is_being_disabled_is_signed_out(committing: sessionmaker[Session]) -> None:
    def disable() -> None:
        with committing.begin() as session:
            accounts.disable(session, known(session))

    with committing() as session, ThreadPoolExecutor(1) as other, committing() as looking:
        token = entries.begin(session, accounts.sign_in(session, EMAIL, PASSWORD))
        disabling = other.submit(disable)
        wait_for_a_lock(looking)
        session.commit()
        disabling.result(timeout=60)
        session.expire_all()
        assert entries.who(session, token) is None
        assert session.scalar(select(func.count(Entry.hash))) == 0


def test_who_is_disabled_is_out_at_once_and_has_no_link_left(session: Session, anna: Account, bram: Account) -> None:
    tokens = [entries.begin(session, anna) for _ in range(2)]
    given = [links.make(session, anna, purpose) for purpose in LinkPurpose]
    others = entries.begin(session, bram), links.make(session, bram, LinkPurpose.reset)
    accounts.disable(session, anna)
    since = anna.disabled_at
    assert since is not None
    assert [entries.who(session, token) for token in tokens] == [None, None]
    assert [links.open_(session, token) for token in given] == [None, None]
    assert (entries.who(session, others[0]), links.open_(session, others[1])) == (bram, bram)
    accounts.disable(session, anna)
    assert anna.disabled_at == since
    accounts.enable(session, anna)
    assert session.scalar(select(Account.disabled_at).where(Account.id == anna.id)) is None
    assert [entries.who(session, token) for token in tokens] == [None, None]


# Entries


def test_a_token_is_32_random_bytes_of_which_only_the_sha_256_is_stored(session: Session, anna: Account) -> None:
    made = [entries.begin(session, anna), links.make(session, anna, LinkPurpose.reset)]
    assert {len(urlsafe_b64decode(token + "=")) for token in made} == {32}
    assert len({entries.begin(session, anna) for _ in range(100)} | set(made)) == 102
    kept = stored(session)
    for token in made:
        assert token not in kept
        assert sha256(token.encode()).hexdigest() in kept


def test_an_entry_says_who_it_is_and_what_is_no_token_says_nobody(
    session: Session, anna: Account, bram: Account
) -> None:
    ours, theirs = entries.begin(session, anna), entries.begin(session, bram)
    assert (entries.who(session, ours), entries.who(session, theirs)) == (anna, bram)
    digest = sha256(ours.encode()).hexdigest()
    for wrong in ("", ours[:-1], ours + "x", ours.swapcase(), digest, "\x00", "\ud800", "x" * 100_000):
        assert entries.who(session, wrong) is None


def test_an_entry_ends_two_hours_after_it_was_last_used(session: Session, anna: Account) -> None:
    token = entries.begin(session, anna)
    for _ in range(2):
        idle(session, 2 * HOUR - MINUTE)
        assert entries.who(session, token) is anna
    idle(session, 2 * HOUR)
    assert entries.who(session, token) is None
    assert session.scalar(select(func.count(Entry.hash))) == 0


def test_an_entry_ends_twelve_hours_after_it_began_however_much_it_is_used(session: Session, anna: Account) -> None:
    token = entries.begin(session, anna)
    for _ in range(11):
        idle(session, HOUR)
        assert entries.who(session, token) is anna
    idle(session, HOUR - MINUTE)
    assert entries.who(session, token) is anna
    idle(session, MINUTE)
    assert entries.who(session, token) is None
    assert session.scalar(select(func.count(Entry.hash))) == 0


def test_use_is_noted_once_a_minute(session: Session, anna: Account) -> None:
    token = entries.begin(session, anna)
    idle(session, MINUTE)
    entries.who(session, token)
    noted = session.scalar(select(func.now() - Entry.seen_at))
    assert noted == MINUTE
    idle(session, timedelta(seconds=1))
    entries.who(session, token)
    assert session.scalar(select(func.now() - Entry.seen_at)) == timedelta(0)


def test_two_requests_at_once_do_not_wait_for_each_other_to_note_their_use(committing: sessionmaker[Session]) -> None:
    with committing.begin() as session:
        token = entries.begin(session, known(session))
        idle(session, HOUR)
    with committing() as one, committing() as other:
        other.execute(text("SET LOCAL lock_timeout = '5s'"))
        assert entries.who(one, token)
        assert entries.who(other, token)
        one.commit()
        other.commit()


def test_signing_out_ends_one_entry_or_all(session: Session, anna: Account, bram: Account) -> None:
    first, second, third = (entries.begin(session, anna) for _ in range(3))
    theirs = entries.begin(session, bram)
    entries.end(session, first)
    entries.end(session, first)
    assert [entries.who(session, token) for token in (first, second, third)] == [None, anna, anna]
    entries.end_all(session, anna)
    assert [entries.who(session, token) for token in (second, third, theirs)] == [None, None, bram]


def test_a_sweep_removes_what_nobody_can_use_and_nothing_else(session: Session, anna: Account, bram: Account) -> None:
    entries.begin(session, anna)
    idle(session, 2 * HOUR)
    entries.begin(session, bram)
    bram.disabled_at = func.now()
    session.flush()
    token = entries.begin(session, anna)
    assert entries.sweep(session) == 2
    assert entries.sweep(session) == 0
    assert entries.who(session, token) is anna


def test_who_is_signed_in_was_last_seen_on_the_device_used_last(session: Session, anna: Account, bram: Account) -> None:
    entries.begin(session, bram)
    idle(session, HOUR)
    entries.begin(session, anna)
    idle(session, HOUR)
    entries.begin(session, anna)
    now = session.scalar(select(func.now()))
    assert entries.last_seen(session) == {anna.id: now}


# Links


@pytest.mark.parametrize(("purpose", "lasts"), [(LinkPurpose.invite, 72 * HOUR), (LinkPurpose.reset, HOUR)])
def test_a_link_works_until_its_time_is_over(
    session: Session, anna: Account, purpose: LinkPurpose, lasts: timedelta
) -> None:
    token = links.make(session, anna, purpose)
    assert links.open_(session, token) is anna
    age(session, lasts - MINUTE)
    assert links.open_(session, token) is anna
    age(session, MINUTE)
    assert links.open_(session, token) is None
    with pytest.raises(NotAllowed):
        links.use(session, token, PASSWORD)
    assert anna.password is None


def test_a_link_sets_the_password_once_and_signs_out_everywhere(session: Session, anna: Account) -> None:
    entry = entries.begin(session, anna)
    invite, reset = (links.make(session, anna, purpose) for purpose in LinkPurpose)
    assert links.use(session, invite, PASSWORD) is anna
    assert accounts.sign_in(session, EMAIL, PASSWORD) is anna
    assert entries.who(session, entry) is None
    for token in (invite, reset, "", "no such link", "\x00", "\ud800"):
        assert links.open_(session, token) is None
        with pytest.raises(NotAllowed):
            links.use(session, token, OTHER)
    assert accounts.sign_in(session, EMAIL, PASSWORD) is anna


def test_a_password_that_will_not_do_leaves_the_link_as_it_was(session: Session, anna: Account) -> None:
    token = links.make(session, anna, LinkPurpose.invite)
    with pytest.raises(InvalidInput):
        links.use(session, token, "too short")
    assert links.open_(session, token) is anna
    links.use(session, token, PASSWORD)


def test_a_new_link_ends_the_older_one_of_its_purpose_and_no_other(
    session: Session, anna: Account, bram: Account
) -> None:
    theirs = links.make(session, bram, LinkPurpose.reset)
    invite, older, newer = (
        links.make(session, anna, purpose) for purpose in (LinkPurpose.invite, LinkPurpose.reset, LinkPurpose.reset)
    )
    opened = [links.open_(session, token) for token in (theirs, invite, older, newer)]
    assert opened == [bram, anna, None, anna]


def test_of_two_who_use_one_link_at_once_one_wins(committing: sessionmaker[Session]) -> None:
    with committing.begin() as session:
        token = links.make(session, known(session), LinkPurpose.reset)
    ready = Barrier(2)

    def use(password: str) -> str | None:
        ready.wait(timeout=60)
        with suppress(NotAllowed), committing.begin() as session:
            links.use(session, token, password)
            return password
        return None

    with ThreadPoolExecutor(2) as two:
        won = [password for password in two.map(use, ("de ene brug over", "de andere kant op")) if password]
    with committing() as session:
        assert len(won) == 1
        assert accounts.sign_in(session, EMAIL, won[0]).email == EMAIL


def test_who_comes_second_with_a_link_waits_and_is_refused(committing: sessionmaker[Session]) -> None:
    with committing.begin() as session:
        token = links.make(session, known(session), LinkPurpose.reset)

    def use() -> None:
        with committing.begin() as session:
            links.use(session, token, PASSWORD)

    with committing() as session, ThreadPoolExecutor(1) as other, committing() as looking:
        links.use(session, token, OTHER)
        second = other.submit(use)
        wait_for_a_lock(looking)
        session.commit()
        with pytest.raises(NotAllowed):
            second.result(timeout=60)
        assert accounts.sign_in(session, EMAIL, OTHER).email == EMAIL


# The first administrator


def test_the_first_administrator_takes_a_link_sets_a_password_and_tells_who_they_are(session: Session) -> None:
    token = links.first(session)
    assert token is not None
    waiting = links.open_(session, token)
    assert waiting is not None
    assert (waiting.email, waiting.name, waiting.role, waiting.password) == ("first@invalid", "", Role.admin, None)
    used = links.use(session, token, PASSWORD)
    accounts.claim(session, used, " Anna@example.nl", " Anna ")
    assert (used.email, used.name) == (EMAIL, "Anna")
    assert accounts.sign_in(session, EMAIL, PASSWORD).role == Role.admin
    assert links.first(session) is None
    with pytest.raises(NotAllowed):
        links.use(session, token, OTHER)
    with pytest.raises(NotAllowed):
        accounts.claim(session, used, "eve@example.nl", "Eve")
    assert accounts.listed(session) == [used]


def test_each_start_gives_another_first_link_until_one_is_used(session: Session) -> None:
    older, newer = links.first(session), links.first(session)
    assert older is not None
    assert newer is not None
    assert links.open_(session, older) is None
    assert links.open_(session, newer) is not None
    assert session.scalar(select(func.count(Account.id))) == 1


def test_nobody_becomes_first_where_there_is_an_administrator(session: Session) -> None:
    token = links.first(session)
    assert token is not None
    accounts.create(session, "conny@example.nl", "Conny", Role.contributor)
    assert links.open_(session, token) is not None, "who is no administrator takes nobody's place"
    made = accounts.create(session, EMAIL, "Anna", Role.admin)
    assert links.first(session) is None
    assert links.open_(session, token) is None
    with pytest.raises(NotAllowed):
        links.use(session, token, PASSWORD)
    assert session.scalar(select(func.count(Account.id))) == 2
    accounts.disable(session, made)
    assert links.first(session) is not None


def test_the_account_that_waits_cannot_be_signed_in_to_and_a_wrong_claim_leaves_it(session: Session) -> None:
    token = links.first(session)
    assert token is not None
    used = links.use(session, token, "first of all a password")
    with pytest.raises(NotAllowed):
        accounts.sign_in(session, accounts.FIRST, "first of all a password")
    with pytest.raises(InvalidInput) as refused:
        accounts.claim(session, used, "anna", "A" * 201)
    assert flaws(refused) == ["email", "name"]
    assert used.email == accounts.FIRST


def test_an_account_that_belongs_to_somebody_cannot_be_claimed(session: Session, anna: Account) -> None:
    with pytest.raises(NotAllowed):
        accounts.claim(session, anna, "eve@example.nl", "Eve")
    assert anna.email == EMAIL
