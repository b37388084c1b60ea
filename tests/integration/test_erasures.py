"""Forgetting people: out of every table, log and file; within a minute; for good, also when a backup is restored."""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import shapely
from sqlalchemy import Engine, delete, func, make_url, select, text, update
from sqlalchemy.orm import Session

from geo import activities, assets, backup, db, neighbourhoods, privacy, programs
from geo.coverage.models import CoverageQuestion
from geo.days import today
from geo.errors import Conflict, InvalidInput, NotFound, Unavailable
from geo.imports.models import AddressDoubt
from geo.models import Activity, Asset, Catchment, History, ImportJob
from geo.neighbourhoods import Origin
from geo.people import accounts, api_keys, entries, links
from geo.people.models import Account, ApiKey, Entry, Link
from geo.records import act_as
from geo.settings import CHECKOUT, Settings
from geo.vocabulary import Erased, JobStatus, Kind, LinkPurpose, Means, Purpose, Reply, Role, What
from geo.volunteers import consents, erasures, journal, offers, requests, retention
from geo.volunteers.models import Consent, ContactRequest, Erasure, SecretReading, Volunteer
from tests.conftest import SECRET
from tests.integration.commands import Kaart, refusal
from tests.integration.test_up import KAART, Up, port, var
from tests.integration.town import BUURTEN, EAST, WEST

__all__ = ["port", "var"]  # fixtures
CANARY = "kanarie7f3a"
MAIL = f"{CANARY}@example.org"
HERE, THERE = (92512.3, 465487.6), (93476.1, 465523.9)  # in West, and in East
LATE_S = 60
DAY = timedelta(days=1)


class House(NamedTuple):
    """An installation with its own database and folder."""

    settings: Settings
    engine: Engine

    @contextmanager
    def session(self, by: str = "the tester") -> Iterator[Session]:
        with db.sessions(self.engine, SECRET.encode()).begin() as session:
            act_as(session, by)
            yield session

    @property
    def journal(self) -> Path:
        return journal.place(self.settings)

    @property
    def environment(self) -> dict[str, str]:
        told = {"DATABASE_URL": str(self.settings.database_url), "SECRET": SECRET, "VAR": str(self.settings.var)}
        return {**os.environ, **{f"KAART_{name}": value for name, value in told.items()}, "KAART_PDOK_URL": ""}


class Known(NamedTuple):
    """A volunteer, and all by which one could tell that they were ever there; `sealed` stands nowhere as it is."""

    id: UUID
    account: UUID
    plain: tuple[str, ...]
    sealed: tuple[str, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        return self.plain + self.sealed


def house_in(url: str, folder: Path) -> House:
    settings = Settings(database_url=url, var=folder, tile_url="", pdok_url="", secret=SECRET)
    return House(settings, db.engine(url))


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Give an installation with three buurten, two brokers and an administrator."""
    made = house_in(database_url, tmp_path / "var")
    with made.session() as session:
        neighbourhoods.load(session, BUURTEN, Origin(2025, "test", None, schematic=False), {})
        accounts.create(session, "bea@example.nl", "Bea", Role.broker, [WEST, EAST])
        accounts.create(session, "bob@example.nl", "Bob", Role.broker, [WEST])
        accounts.create(session, "ada@example.nl", "Ada", Role.admin)
    yield made
    made.engine.dispose()


@pytest.fixture
def fresh(new_database: Callable[[], str], tmp_path: Path) -> Iterator[House]:
    """Give an installation in which nothing is."""
    made = house_in(new_database(), tmp_path / "fresh")
    yield made
    made.engine.dispose()


def spot(place: tuple[float, float]) -> Any:
    return neighbourhoods.to_wgs84(shapely.Point(place))


def known(house: House, email: str = MAIL) -> Known:
    """Have somebody offer help, move, be read, be asked and answer: all in which a person leaves a trace."""
    with house.session() as session:
        account = accounts.create(session, email, CANARY.title(), Role.contributor)
        viewer = accounts.viewer(account)
        entries.begin(session, account)
        links.make(session, account, LinkPurpose.invite)
    told = {
        "kind": Kind.volunteer, "services": ["meals"], "place": spot(HERE), "account": email, "source_id": email,
        "contact": {"email": email, "note": f"{CANARY} woont hier"}, "consent": {"purposes": list(Purpose)},
    }  # fmt: skip
    with house.session(viewer.name) as session:
        made = assets.create(session, told).id
    with house.session() as session:
        assets.change(session, made, {"place": spot(THERE), "languages": ["nl", "fy"]}, None)
        assets.change(session, made, {"services": ["language"]}, None)
        session.add_all(Catchment(asset_id=made, neighbourhood_id=f"{code}.2025") for code in (WEST, EAST))
        session.flush()
        session.execute(delete(Catchment).where(Catchment.neighbourhood_id == f"{EAST}.2025"))
        session.execute(
            update(Volunteer)
            .where(Volunteer.asset_id == made)
            .values(spot=f"SRID=4326;{spot((93700.5, 465700.5)).wkt}")
        )
    with house.session("account:reader") as session:
        assert privacy.read_secret(session, made, f"{CANARY} asked for it").contact["email"] == email
        for broker in ("bea@example.nl", "bob@example.nl"):
            session.add(asked(session, broker, made))
    with house.session(viewer.name) as session:
        mine = select(ContactRequest.id).where(ContactRequest.asset_id == made)
        requests.answer(
            session, viewer, session.scalars(mine.order_by(ContactRequest.id)).all()[0], Reply.accepted, CANARY
        )
    with house.session() as session:
        session.add(CoverageQuestion(question={"ask": "what_if", "close": [str(made)]}))
        sealed = session.execute(
            text("SELECT place, contact FROM asset_secret WHERE asset_id = :id"), {"id": made}
        ).one()
        shown_at = select(Volunteer.spot_id, func.ST_AsBinary(Volunteer.spot)).where(Volunteer.asset_id == made)
        hidden = session.execute(shown_at).one()
    degrees = [struct.pack("<d", each).hex() for place in (HERE, THERE) for each in spot(place).coords[0]]
    shown = bytes(hidden[1]).hex()[-32:]
    plain = (CANARY, str(made), str(hidden[0]), shown, *(bytes(part).hex() for part in sealed))
    return Known(made, account.id, plain, (*degrees, CANARY.encode().hex(), str(made).encode().hex()))


def asked(session: Session, broker: str, volunteer: UUID) -> ContactRequest:
    account = accounts.find(session, broker)
    assert account
    return ContactRequest(asset_id=volunteer, account_id=account.id, message=f"{CANARY}?".encode())


def traces(house: House, marks: tuple[str, ...]) -> dict[str, list[str]]:
    """Look through every row of every table of every schema, the server's own included; give what was found where."""
    place = make_url(str(house.settings.database_url))
    tables = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind IN ('r', 'p', 'm') AND nspname <> 'pg_toast' AND c.relname <> 'spatial_ref_sys' ORDER BY 1"""
    sought = re.compile("|".join(map(re.escape, marks)), re.IGNORECASE)
    found: dict[str, set[str]] = {}
    with psycopg.connect(
        host=str(place.query["host"]), port=str(place.query["port"]), user="postgres", dbname=place.database
    ) as superuser:
        for (table,) in superuser.execute(tables).fetchall():
            for (row,) in superuser.execute(f"SELECT t::text FROM {table} t"):
                if hits := sought.findall(row):
                    found.setdefault(table, set()).update(map(str.lower, hits))
    return {table: sorted(hits) for table, hits in found.items()}


def written(house: House, marks: tuple[str, ...]) -> list[str]:
    """Name the files in the folder of an installation that hold any of the marks."""
    sought = re.compile(b"|".join(re.escape(mark.encode()) for mark in marks), re.IGNORECASE)
    files = (file for file in Path(str(house.settings.var)).rglob("*") if file.is_file())
    return [file.name for file in files if sought.search(file.read_bytes())]


def sampled(house: House) -> None:
    """Have the planner keep samples of all tables, as it does after a while by itself."""
    with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def over(house: House, who: UUID, *purposes: Purpose, days: int = 1) -> None:
    """Let consent have ended so many days ago."""
    with house.session() as session:
        ended = update(Consent).where(Consent.asset_id == who, Consent.purpose.in_(purposes))
        session.execute(ended.values(expires_on=today() - days * DAY))


def is_there(house: House, who: UUID) -> bool:
    with house.session() as session:
        return session.get(Asset, who) is not None


def account(session: Session, email: str) -> Account:
    found = accounts.find(session, email)
    assert found
    return found


def until(true: Callable[[], Any], patience_s: float = LATE_S) -> float:
    """Wait until something is so; give the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience_s
        time.sleep(0.05)
    return time.monotonic() - began


class Worker:
    """A `kaart worker` of an installation, in a process of its own."""

    def __init__(self, house: House) -> None:
        self.process = subprocess.Popen(
            [KAART, "worker"], env=house.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Send a signal; give what was said."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


def test_the_search_finds_a_person_in_every_table_that_names_them(house: House) -> None:
    who = known(house)
    sampled(house)
    found = traces(house, who.marks)
    ours = "asset asset_catchment asset_secret volunteer consent contact_request secret_reading account history"
    assert {f"public.{name}" for name in (*ours.split(), "coverage_question")} <= found.keys()
    hits = {hit for each in found.values() for hit in each}
    assert set(who.plain) <= hits
    assert not hits & set(who.sealed[:4]), "a true place can be read"
    with house.session() as session:
        assert (session.scalar(select(func.count()).where(History.row_id == str(who.id))) or 0) >= 8


def test_who_withdraws_the_offer_is_in_no_table_no_job_and_no_file_but_the_journal(house: House) -> None:
    who, other = known(house), known(house, "other@example.org")
    sampled(house)
    with house.session(f"account:{who.account}") as session:
        offers.withdraw(session, accounts.viewer(session.get_one(Account, who.account)), Purpose.offer)
    left = traces(house, who.marks)
    assert left.pop("public.erasure") == [str(who.id)]
    left.pop("pg_catalog.pg_statistic", None)
    with house.session() as session:
        erasures.erase_account(session, who.account)
    retention.sync(house.engine, house.journal)
    with house.session() as session:
        session.execute(delete(Erasure))  # which is to name them
    own = tuple(mark for mark in who.marks if mark not in other.marks)
    assert traces(house, (*own, str(who.account), MAIL)) == {}
    assert written(house, who.marks) == ["erasures"]
    assert [(entry.what, entry.id) for entry in journal.read(house.journal)] == [
        (Erased.volunteer, who.id), (Erased.account, who.account),
    ]  # fmt: skip
    assert is_there(house, other.id)


def test_with_a_worker_running_who_is_over_is_gone_within_a_minute(house: House) -> None:
    who, other = known(house), known(house, "other@example.org")
    sampled(house)
    with Worker(house) as worker:
        until(house.journal.parent.joinpath("imports").exists)  # a round is done
        assert is_there(house, who.id)
        over(house, who.id, Purpose.offer)
        took = until(lambda: not is_there(house, who.id))
        took += until(lambda: str(who.id) in (house.journal.read_text() if house.journal.exists() else ""))
        print(f"erased {took:.1f} s after consent was over, and noted in the journal")
        until(lambda: "asset" not in "".join(traces(house, (str(who.id),))))
        said = worker.end()
    assert took < LATE_S
    own = tuple(mark for mark in who.marks if mark not in other.marks)
    assert traces(house, own) == {"public.erasure": [str(who.id)]}
    assert written(house, own) == ["erasures"]
    assert re.search(r"retention .*erased.*=.*1", said), said
    assert not re.search("|".join(map(re.escape, (*who.marks, str(who.account)))), said)
    assert is_there(house, other.id)


def test_the_last_day_of_a_consent_counts(house: House) -> None:
    who = known(house)
    over(house, who.id, Purpose.offer, days=0)
    with house.session() as session:
        assert erasures.end_due(session) == 0
    over(house, who.id, Purpose.offer, days=1)
    with house.session() as session:
        assert erasures.end_due(session) == 1
    assert not is_there(house, who.id)


def test_a_volunteer_without_any_consent_is_erased_and_nobody_else_is(house: House) -> None:
    who = known(house)
    with house.session() as session:
        room = assets.create(session, {"kind": Kind.community_room, "name": "Kamer", "place": spot(HERE)}).id
        session.execute(delete(Consent).where(Consent.asset_id == who.id))
    with house.session() as session:
        assert erasures.end_due(session) == 1
    assert (is_there(house, who.id), is_there(house, room)) == (False, True)


def test_when_consent_to_be_on_the_map_is_over_the_spot_goes_and_the_person_stays(house: House) -> None:
    who = known(house)
    over(house, who.id, Purpose.map)
    with house.session() as session:
        assert session.get_one(Volunteer, who.id).spot is not None
        assert erasures.end_due(session) == 0
    with house.session() as session:
        assert session.get_one(Volunteer, who.id).spot is None
        assert {held.purpose for held in consents.of(session, who.id)} == {Purpose.offer, Purpose.contact}
        assert session.scalar(select(Consent.withdrawn_at).where(Consent.purpose == Purpose.map)) is not None


def test_when_consent_to_be_asked_is_over_what_waits_goes_and_what_was_answered_stays(house: House) -> None:
    who = known(house)
    over(house, who.id, Purpose.contact)
    with house.session() as session:
        assert erasures.end_due(session) == 0
    with house.session() as session:
        assert session.scalars(select(ContactRequest.reply)).all() == [Reply.accepted]
        assert {held.purpose for held in consents.of(session, who.id)} == {Purpose.offer, Purpose.map}


def test_what_nobody_needs_any_more_is_swept_away_when_its_time_is_over(house: House) -> None:
    who = known(house)
    with house.session() as session:
        session.execute(delete(Link))
        waiting, answered = session.scalars(select(ContactRequest).order_by(ContactRequest.answered_at.nulls_first()))
        waiting.made_at, answered.answered_at = func.now() - 30 * DAY, func.now() - 90 * DAY
        ada = account(session, "ada@example.nl")
        for days, used in ((6, None), (8, None), (-1, 6), (-1, 8)):
            links.make(session, ada, LinkPurpose.reset)
            made = session.scalars(select(Link).where(Link.hash.not_like("kept%"))).one()
            made.hash, made.expires_at = f"kept {days} {used}", func.now() - days * DAY
            made.used_at = func.now() - used * DAY if used else None
            session.flush()
            session.execute(update(Link).where(Link.hash == made.hash).values(purpose=LinkPurpose.invite))
            session.expire_all()
        entries.begin(session, ada)
        session.execute(update(Entry).where(Entry.account_id == who.account).values(expires_at=func.now() - DAY))
        for name, days in (("old", -366), ("lately", -364), ("now", 1)):
            api_keys.create_key(session, name, days=days)
        api_keys.create_key(session, "revoked")
        session.execute(update(ApiKey).where(ApiKey.name == "revoked").values(revoked_at=func.now() - 366 * DAY))
        session.execute(
            text("INSERT INTO allowance (name, asker, began_at, used) VALUES ('a', 'x', now() - interval '1 h', 1),"
                 " ('b', 'x', now() - interval '1 h', 1), ('a', 'x', now(), 1), ('c', 'x', now() - interval '47 h', 1),"
                 " ('d', 'x', now() - interval '49 h', 1)")
        )  # fmt: skip
    done = retention.work(house.engine, SECRET.encode(), {"a": 60, "b": 3000})
    assert done == retention.Done(erased=0, requests=2, entries=1, links=2, keys=2)
    with house.session() as session:
        assert set(session.scalars(select(ApiKey.name))) == {"lately", "now"}
        assert set(session.scalars(select(Link.hash))) == {"kept 6 None", "kept -1 6"}
        assert session.scalar(text("SELECT string_agg(name, '' ORDER BY name) FROM allowance")) == "abc"
    assert not any(retention.work(house.engine, SECRET.encode(), {}))


def test_only_volunteers_are_erased_as_such(house: House) -> None:
    with house.session() as session:
        room = assets.create(session, {"kind": Kind.community_room, "name": "Kamer", "place": spot(HERE)}).id
    with house.session() as session:
        with pytest.raises(InvalidInput, match="archive what is no person"):
            erasures.erase_volunteer(session, room)
        with pytest.raises(NotFound):
            erasures.erase_volunteer(session, uuid4())
        with pytest.raises(NotFound):
            erasures.erase_account(session, uuid4())
        assert erasures.entries(session) == []
    assert is_there(house, room)


def test_an_activity_that_was_hung_on_a_volunteer_past_our_rules_forgets_where_it_was(house: House) -> None:
    who = known(house)
    walk = {"title": "Wandelen", "theme": "move", "repeat": "once", "starts_on": today(), "place": spot(HERE)}
    with house.session() as session:
        made = activities.create(session, walk).id
        session.execute(update(Activity).where(Activity.id == made).values(asset_id=who.id, place=None))
    with house.session() as session:
        erasures.erase_volunteer(session, who.id)
    with house.session() as session:
        assert session.get_one(Activity, made).asset_id is None
    assert traces(house, (str(who.id),)) == {"public.erasure": [str(who.id)]}


def test_of_two_who_erase_somebody_at_once_one_does_and_the_other_finds_nobody(house: House) -> None:
    who = known(house)
    outcomes: list[str] = []

    def erase() -> None:
        try:
            with house.session() as session:
                erasures.erase_volunteer(session, who.id)
                time.sleep(0.5)
            outcomes.append("erased")
        except NotFound:
            outcomes.append("nobody")

    threads = [threading.Thread(target=erase) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["erased", "nobody"]
    with house.session() as session:
        assert session.scalar(select(func.count()).select_from(Erasure)) == 1


def test_what_somebody_changes_meanwhile_goes_too(house: House) -> None:
    who = known(house)
    began = threading.Event()

    def erase() -> None:
        with house.session() as session:
            began.set()
            erasures.erase_volunteer(session, who.id)

    eraser = threading.Thread(target=erase)
    with house.session() as session:
        session.execute(delete(Catchment))
        told = {"services": ["transport"], "contact": {"note": CANARY}, "place": spot(HERE)}
        assets.change(session, who.id, told, None)
        eraser.start()
        began.wait()
        time.sleep(0.5)
        assert eraser.is_alive(), "it waits for the change"
    eraser.join()
    assert not is_there(house, who.id)
    with house.session() as session:
        assert session.scalars(select(History.row_table).where(History.row_id == str(who.id))).all() == []


def test_who_changes_somebody_that_is_being_erased_finds_nobody(house: House) -> None:
    who = known(house)
    outcomes: list[str] = []

    def change() -> None:
        with house.session() as session:
            try:
                assets.change(session, who.id, {"services": ["transport"], "contact": {"note": CANARY}}, None)
            except NotFound:
                outcomes.append("nobody")

    changer = threading.Thread(target=change)
    with house.session() as session:
        erasures.erase_volunteer(session, who.id)
        changer.start()
        time.sleep(0.5)
        assert changer.is_alive(), "it waits for the erasure"
    changer.join()
    assert outcomes == ["nobody"]
    with house.session() as session:
        assert session.scalars(select(History.row_table).where(History.row_id == str(who.id))).all() == []


def test_whom_somebody_is_changing_does_not_hold_up_the_others_who_are_over(house: House) -> None:
    who, other = known(house), known(house, "other@example.org")
    for each in (who, other):
        over(house, each.id, Purpose.offer)
    with house.session() as busy:
        busy.execute(select(Asset.id).where(Asset.id == who.id).with_for_update())
        with house.session() as session:
            assert erasures.end_due(session) == 1
        assert not is_there(house, other.id)
    with house.session() as session:
        assert erasures.end_due(session) == 1
    assert not is_there(house, who.id)


def test_who_gives_consent_anew_at_the_last_moment_stays(house: House) -> None:
    who = known(house)
    over(house, who.id, Purpose.offer)
    done: list[int] = []

    def end() -> None:
        with house.session() as session:
            done.append(erasures.end_due(session))

    ending = threading.Thread(target=end)
    with house.session() as session:
        consents.give(session, who.id, [Purpose.offer], Means.online)
        ending.start()
        ending.join()
    assert done == [0], "not yet visible to it, and yet not lost"
    with house.session() as session:
        assert erasures.end_due(session) == 0
    assert is_there(house, who.id)


def test_an_account_goes_and_what_it_made_on_the_map_stays_as_made_by_nobody(house: House) -> None:
    who = known(house)
    name = f"account:{who.account}"
    room = {"kind": Kind.community_room, "name": "Kamer", "place": spot(HERE), "confirmed_on": today()}
    with house.session(name) as session:
        kept = assets.create(session, {**room, "made_by": who.account, "confirmed_by": MAIL.title()}).id
        other = assets.create(session, {**room, "name": "Zaal", "confirmed_by": "Wijkteam"}).id
        blank = assets.create(session, {**room, "name": "Hof", "confirmed_by": f"\t{MAIL.upper()} \n"}).id
        walk = {"title": "Wandelen", "theme": "move", "repeat": "once", "starts_on": today(), "place": spot(HERE)}
        activities.create(session, {**walk, "made_by": who.account})
        job = ImportJob(
            what=What.assets, status=JobStatus.done, file_name="lijst.csv", sha256="0", bytes=1, made_by=name,
            undone_by=name,
        )  # fmt: skip
        session.add(job)
        session.flush()
        session.add(AddressDoubt(job_id=job.id, row=1, asked="Straat", record={}, candidates=[], decided_by=name))
        session.add(asked(session, MAIL, who.id))
    with house.session(name) as session:
        assets.change(session, other, {"summary": "groter"}, None)
        read = known(house, "read@example.org").id
        privacy.read_secret(session, read, "to help")
    sampled(house)
    with house.session() as session:
        erasures.erase_account(session, who.account)
    retention.sync(house.engine, house.journal)
    with house.session() as session:
        stays = session.get_one(Asset, kept)
        assert (stays.name, stays.made_by, stays.confirmed_by) == ("Kamer", None, erasures.NOBODY)
        assert session.get_one(Asset, other).confirmed_by == "Wijkteam"
        assert session.get_one(Asset, blank).confirmed_by == erasures.NOBODY
        told = session.execute(select(History.changed_by, History.after["made_by"]).where(History.row_id == str(kept)))
        assert {tuple(row) for row in told} == {(erasures.NOBODY, None), ("the tester", None)}
        assert erasures.NOBODY in session.scalars(select(SecretReading.read_by)).all()
        assert session.execute(select(ImportJob.made_by, ImportJob.undone_by)).one() == (erasures.NOBODY,) * 2
        assert session.scalars(select(AddressDoubt.decided_by)).one() == erasures.NOBODY
        assert session.scalars(select(Activity.made_by)).one() is None
        session.execute(delete(Erasure))
    assert traces(house, (str(who.account), str(who.id), MAIL)) == {}


def test_the_last_administrator_stays(house: House) -> None:
    with house.session() as session:
        ada = account(session, "ada@example.nl").id
        gone = accounts.create(session, "gone@example.nl", "Gone", Role.admin)
        accounts.disable(session, gone)
    with house.session() as session, pytest.raises(Conflict, match="last administrator: make another one first"):
        erasures.erase_account(session, ada)
    with house.session() as session:
        accounts.create(session, "eva@example.nl", "Eva", Role.admin)
        erasures.erase_account(session, ada)
    with house.session() as session:
        assert accounts.find(session, "ada@example.nl") is None


def test_of_two_last_administrators_erased_at_once_one_stays(house: House) -> None:
    with house.session() as session:
        eva = accounts.create(session, "eva@example.nl", "Eva", Role.admin)
        both = [eva.id, account(session, "ada@example.nl").id]
    refused: list[str] = []

    def erase(who: UUID) -> None:
        try:
            with house.session() as session:
                erasures.erase_account(session, who)
                time.sleep(0.3)
        except Conflict as conflict:
            refused.append(str(conflict))

    threads = [threading.Thread(target=erase, args=(who,)) for who in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with house.session() as session:
        assert session.scalar(select(func.count()).where(Account.role == Role.admin)) == 1


def test_a_worker_that_is_killed_in_the_middle_left_nothing_half_done(house: House) -> None:
    who = known(house)
    over(house, who.id, Purpose.offer)
    before = traces(house, who.marks)
    waits = text("SELECT count(*) FROM pg_locks WHERE relation = 'erasure'::regclass AND NOT granted")
    with house.engine.connect() as connection:
        connection.execute(text("LOCK TABLE erasure IN SHARE MODE"))  # it is the last that is written
        with Worker(house) as worker:
            until(lambda: connection.scalar(waits))
            worker.end(signal.SIGKILL)
        connection.rollback()
    until(lambda: traces(house, who.marks) == before)
    with Worker(house):
        until(lambda: not is_there(house, who.id))


def test_a_round_that_fails_is_told_and_the_next_one_does_it(house: House) -> None:
    who = known(house)
    with house.session() as session:
        erasures.erase_volunteer(session, who.id)
    house.journal.write_text("mended by hand\n")
    with Worker(house) as worker:
        assert worker.process.stdout
        while f"Line 1 of {house.journal} cannot be read" not in worker.process.stdout.readline():
            assert worker.process.poll() is None
        house.journal.unlink()
        until(lambda: house.journal.exists() and str(who.id) in house.journal.read_text())


def test_journal_and_database_learn_from_one_another(house: House) -> None:
    who, other = known(house), known(house, "other@example.org")
    with house.session() as session:
        erasures.erase_volunteer(session, who.id)
    journal.add(house.journal, [journal.Entry(datetime.now(UTC), Erased.volunteer, other.id)])
    assert retention.sync(house.engine, house.journal) == 1
    assert not is_there(house, other.id)
    with house.session() as session:
        assert {entry.id for entry in erasures.entries(session)} == {who.id, other.id}
    assert {entry.id for entry in journal.read(house.journal)} == {who.id, other.id}
    assert retention.sync(house.engine, house.journal) == 0


def test_a_journal_that_cannot_be_read_erases_nobody(house: House) -> None:
    who = known(house)
    told = f"2026-11-22T13:05:00+00:00 volunteer {who.id}\n2026-11-22 somebody\n"
    house.journal.write_text(told)
    with pytest.raises(Unavailable, match=f"Line 2 of {house.journal} cannot be read"):
        retention.sync(house.engine, house.journal)
    assert is_there(house, who.id)
    assert house.journal.read_text() == told


def test_an_id_of_something_else_in_the_journal_takes_nothing_away(house: House) -> None:
    with house.session() as session:
        room = assets.create(session, {"kind": Kind.community_room, "name": "Kamer", "place": spot(HERE)}).id
    journal.add(house.journal, [journal.Entry(datetime.now(UTC), Erased.volunteer, room)])
    assert retention.sync(house.engine, house.journal) == 0
    assert is_there(house, room)


class Past(NamedTuple):
    """A backup in which somebody stands who was erased since, with their account."""

    file: Path
    who: Known
    house: House
    marks: tuple[str, ...]


@pytest.fixture
def past(house: House, tmp_path: Path) -> Past:
    who = known(house)
    other = known(house, "other@example.org")
    marks = (*(mark for mark in who.marks if mark not in other.marks), str(who.account), MAIL)
    file = tmp_path / "kaart.tar"
    backup.make(house.settings, file)
    with house.session() as session:
        erasures.erase_account(session, who.account)
    retention.sync(house.engine, house.journal)
    return Past(file, who, house, marks)


def names(house: House, past: Past) -> list[str]:
    """Name the tables of an installation that tell of who was erased, other than by an id that means nothing."""
    with house.session() as session:
        held = session.scalar(select(func.count()).select_from(Account))
    assert held == 4, "the backup is there"
    found = traces(house, past.marks)
    ids = {str(past.who.id), str(past.who.account)}
    named = {"public.erasure", "pg_catalog.pg_statistic"}  # of which the second has samples of the first
    return [table for table, hits in found.items() if table not in named or set(hits) - ids]


def test_who_was_erased_stays_so_when_a_backup_from_before_is_restored(past: Past, fresh: House) -> None:
    shutil.copy(past.house.journal, fresh.journal)
    assert backup.restore(fresh.settings, past.file).erased == 2
    assert names(fresh, past) == []
    assert {entry.id for entry in journal.read(fresh.journal)} == {past.who.id, past.who.account}


def test_a_copy_of_the_journal_that_is_kept_elsewhere_does_the_same(past: Past, fresh: House) -> None:
    assert backup.restore(fresh.settings, past.file, erased=past.house.journal).erased == 2
    assert names(fresh, past) == []
    assert fresh.journal.read_text() == past.house.journal.read_text()
    assert fresh.journal.stat().st_mode & 0o777 == 0o600


def test_without_a_journal_who_was_erased_is_back_until_it_is_there(past: Past, fresh: House) -> None:
    assert backup.restore(fresh.settings, past.file).erased is None
    assert is_there(fresh, past.who.id)
    shutil.copy(past.house.journal, fresh.journal)
    assert retention.sync(fresh.engine, fresh.journal) == 2
    assert names(fresh, past) == []


def test_a_journal_does_not_make_an_installation_non_empty_and_is_not_lost_by_a_restore(
    past: Past, fresh: House
) -> None:
    shutil.copy(past.house.journal, fresh.journal)
    retention.sync(fresh.engine, fresh.journal)  # as a service does that was started there
    fresh.journal.unlink()
    assert backup.restore(fresh.settings, past.file).erased == 2
    assert names(fresh, past) == []
    assert fresh.journal.exists()


def test_a_restore_with_a_journal_that_cannot_be_read_touches_nothing(past: Past, fresh: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text(past.house.journal.read_text()[:-9])
    with pytest.raises(Unavailable, match=f"Line 2 of {copy} cannot be read"):
        backup.restore(fresh.settings, past.file, erased=copy)
    with pytest.raises(Unavailable, match="There is no journal of erasures"):
        backup.restore(fresh.settings, past.file, erased=tmp_path / "nowhere")
    assert not fresh.journal.exists()
    fresh.journal.write_text("?\n")
    with pytest.raises(Unavailable, match="Line 1 of"):
        backup.restore(fresh.settings, past.file)
    with fresh.session() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 0


def test_a_restore_that_is_refused_erases_nobody(past: Past, database_url: str) -> None:
    copy = past.house.journal.rename(past.house.journal.with_name("copy"))
    other = known(past.house, "another@example.org")
    journal.add(copy, [journal.Entry(datetime.now(UTC), Erased.volunteer, other.id)])
    with pytest.raises(Conflict, match="holds rows already"):
        backup.restore(past.house.settings, past.file, erased=copy)
    retention.sync(past.house.engine, past.house.journal)
    assert is_there(past.house, other.id)


CRASH = """
import os, signal, sys
from pathlib import Path
from geo import backup
from geo.settings import Settings

def told(line):
    if line.startswith("erasing again"):
        os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(database_url=sys.argv[1], var=sys.argv[2], secret=sys.argv[3])
backup.restore(settings, Path(sys.argv[4]), erased=Path(sys.argv[5]), tell=told)
"""


def test_after_a_restore_that_is_killed_before_it_erased_them_the_service_does_before_it_answers(
    past: Past, fresh: House, port: int
) -> None:
    where = [str(fresh.settings.database_url), str(fresh.settings.var), SECRET, str(past.file)]
    crashed = subprocess.run(
        [sys.executable, "-c", CRASH, *where, str(past.house.journal)], cwd=CHECKOUT, capture_output=True, check=False
    )
    assert crashed.returncode == -signal.SIGKILL, crashed.stderr
    assert is_there(fresh, past.who.id)
    up = Up(fresh.journal.parent, port, "--no-worker")
    up.environment |= fresh.environment
    with up:
        until(lambda: answers(up.url))
        assert names(fresh, past) == []
        assert up.end(signal.SIGINT)[0] == 0


def answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/livez").status_code)
    except httpx.TransportError:
        return False


def test_a_service_does_not_start_with_a_journal_that_cannot_be_read(fresh: House, port: int) -> None:
    fresh.journal.write_text("?\n")
    up = Up(fresh.journal.parent, port, "--no-worker")
    up.environment |= fresh.environment
    with up:
        status, said = up.end()
    assert (status, f"✗ Line 1 of {fresh.journal} cannot be read" in said) == (1, True)


def test_who_is_back_by_a_restore_by_hand_is_gone_after_the_start_of_a_worker(house: House, tmp_path: Path) -> None:
    who, dump = known(house), tmp_path / "by-hand.dump"
    place = make_url(str(house.settings.database_url))
    hand = {**os.environ, "PGHOST": str(place.query["host"]), "PGPORT": str(place.query["port"]), "PGUSER": "postgres"}
    program = programs.find().folder
    subprocess.run([program / "pg_dump", "-Fc", f"--file={dump}", str(place.database)], env=hand, check=True)
    with house.session() as session:
        erasures.erase_account(session, who.account)
    retention.sync(house.engine, house.journal)
    name = f"hand_{uuid4().hex}"
    subprocess.run([program / "createdb", "--template=template0", "--owner=kaart", name], env=hand, check=True)
    subprocess.run([program / "pg_restore", f"--dbname={name}", dump], env=hand, check=True)
    there = house_in(place.set(database=name).render_as_string(hide_password=False), tmp_path / "there")
    shutil.copy(house.journal, there.journal)
    assert is_there(there, who.id)
    with Worker(there) as worker:
        took = until(lambda: not is_there(there, who.id))
        print(f"erased {took:.1f} s after the start of the worker")
        until(lambda: traces(there, (*who.marks, MAIL)) == {"public.erasure": [str(who.id)]})
        said = worker.end()
    assert "erased_again" in said
    assert not re.search("|".join(map(re.escape, (*who.marks, str(who.account)))), said)
    there.engine.dispose()
    subprocess.run([program / "dropdb", name], env=hand, check=True)


def test_the_commands_tell_of_the_journal(past: Past, new_database: Callable[[], str], tmp_path: Path) -> None:
    environment = past.house.environment
    kept = subprocess.run(
        [KAART, "backup", tmp_path / "another.tar"], env=environment, capture_output=True, text=True, check=True
    )
    assert f"keep a new copy of {past.house.journal} beside your backups" in kept.stderr
    for number, options in enumerate(([], ["--erasures", str(past.house.journal)])):
        home = tmp_path / f"there{number}"
        there = environment | {"KAART_DATABASE_URL": new_database(), "KAART_VAR": str(home)}
        done = subprocess.run(
            [KAART, "restore", past.file, *options], env=there, capture_output=True, text=True, check=True
        )
        assert ("Erased again, as the journal of erasures says: 2." in done.stdout) == bool(options)
        assert (f"Put the copy that you keep in {home / 'erasures'}" in done.stderr) == (not options)


class Terminal(StringIO):
    """Somebody who sits at a terminal and types."""

    def isatty(self) -> bool:
        return True


def test_an_account_is_erased_by_a_command_that_asks(
    house: House, kaart: Kaart, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = known(house)
    monkeypatch.setenv("KAART_VAR", str(house.settings.var))
    monkeypatch.setattr("sys.stdin", StringIO())  # nobody is there
    assert "say so with --yes" in refusal(kaart, "user", "erase", MAIL)
    assert is_there(house, who.id)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    told = refusal(kaart, "user", "erase", MAIL)
    assert f"is erased: the account {MAIL}, the volunteer that it is of" in told
    assert "stays: what it made on the map" in told
    assert is_there(house, who.id)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert kaart("user", "erase", MAIL.upper()).strip() == "Erased."
    assert not is_there(house, who.id)
    assert {entry.id for entry in journal.read(house.journal)} == {who.id, who.account}
    assert "no account with the e-mail address" in refusal(kaart, "user", "erase", MAIL, "--yes")
    assert "last administrator" in refusal(kaart, "user", "erase", "ada@example.nl", "--yes")
