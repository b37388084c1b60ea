"""The live state: after any change its rows are those that a run made now would have."""

import math
import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from geo import assets
from geo.base import WGS84
from geo.channels import CHANGES, QUESTIONS, RUNS, Listener, listening
from geo.coverage import differences as coverage_differences
from geo.coverage import run
from geo.coverage.jobs import Shop
from geo.coverage.models import Coverage, CoverageRun
from geo.coverage.watch import Watch
from geo.days import today
from geo.models import Asset, ImportJob, Neighbourhood
from geo.vocabulary import SERVICES, JobStatus, Kind, Level, Status, What
from tests.integration.town import Town

KEY = b"a secret for tests only"  # that of the settings of the town
OWN = {"id", "run_id"}
Rows = dict[tuple[str, str | None, str | None], dict[str, Any]]
HOURS = (None, "Mo-Fr 09:00-17:00", "Mo,We 19:00-22:00", "Sa-Su 10:00-16:00", "24/7", "Tu 09:00-12:00")


class Watched(NamedTuple):
    """A town whose live state is kept in this process, one piece of news after the other."""

    town: Town
    watch: Watch
    ear: Listener
    said: list[str]

    def settle(self) -> None:
        """Do all that news ask for, until there are none."""
        while news := self.ear.news(0.05):
            self.watch.hear(news)


@pytest.fixture
def watched(town: Town) -> Iterator[Watched]:
    said: list[str] = []

    def note(what: str, error: BaseException) -> None:
        raise AssertionError(what) from error

    with listening(town.engine, CHANGES, RUNS, QUESTIONS) as ear:
        watch = Watch(Shop(town.engine, KEY, threading.Event(), note, said.append))
        watch.read()
        yield Watched(town, watch, ear, said)


def rows(session: Session, run_id: UUID) -> Rows:
    told = session.scalars(select(Coverage).where(Coverage.run_id == run_id))
    names = [column.key for column in Coverage.__table__.columns if column.key not in OWN]
    return {(row.neighbourhood_id, row.kind, row.service): {name: getattr(row, name) for name in names} for row in told}


def live_id(session: Session) -> UUID:
    return session.scalars(select(CoverageRun.id).where(CoverageRun.live)).one()


def fresh(session: Session) -> Rows:
    """Make a run now, as the live one is made, read its rows, and take it back."""
    policies = run.policies_of(session.get_one(CoverageRun, live_id(session)))
    with session.begin_nested() as trial:
        made = run.run(session, policies, key=KEY)
        found = rows(session, made.id)
        trial.rollback()
    return found


def unlike(one: object, other: object) -> bool:
    """Say whether two values differ, and not only in the last bits of a sum or in the last digit of a rounded one."""
    if isinstance(one, float) and isinstance(other, float | int):
        return not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() != other.keys() or any(unlike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(unlike, one, other))
    return one != other


def differences(one: Rows, other: Rows) -> list[str]:
    assert one.keys() == other.keys()
    return [
        f"{key} {name}: {row[name]} is not {other[key][name]}"
        for key, row in sorted(one.items(), key=str)
        for name in row
        if unlike(row[name], other[key][name])
    ]


class Hand:
    """Somebody who changes assets at random, through the same door as everybody."""

    def __init__(self, seed: int, session: Session) -> None:
        self.chance = random.Random(seed)
        areas = session.scalars(select(Neighbourhood).where(Neighbourhood.level == Level.buurt)).all()
        self.areas = [area.id for area in areas]
        west, south, east, north = shapely.from_wkb(
            session.scalar(text("SELECT ST_AsBinary(ST_Extent(geom)::geometry) FROM neighbourhood")) or b""
        ).bounds
        self.box = (west, south, east, north)

    def change(self, session: Session) -> str:
        """Do one thing to one asset, or make one; says what."""
        published = select(Asset.id).where(Asset.status == Status.published, Asset.kind != Kind.volunteer)
        ids = session.scalars(published.order_by(Asset.id)).all()
        what = self.chance.choice(("create", "move", "hours", "confirm", "archive", "capacity", "services", "area"))
        if what == "create" or not ids:
            assets.create(
                session,
                {"kind": self.chance.choice(["community_room", "initiative", "care_location"]), **self.record()},
            )
            return "create"
        asset = self.chance.choice(ids)
        if what == "archive":
            assets.archive(session, asset, None)
            return what
        ways: dict[str, dict[str, Any]] = {
            "move": {"place": self.spot(), "area": None},
            "hours": {"opening_hours": self.chance.choice(HOURS)},
            "confirm": {"confirmed_on": today() - timedelta(self.chance.choice((0, 100, 400, 900)))},
            "capacity": {"capacity": self.chance.choice((None, 0, 5, 40))},
            "services": {"services": self.services()},
            "area": {"place": None, "area": self.spot().buffer(0.002)},
        }
        assets.change(session, asset, ways[what], None)
        return what

    def record(self) -> dict[str, Any]:
        placeless = self.chance.random() < 0.2
        return {
            "name": "Een plek", "source": "test", "services": self.services(),
            "place": None if placeless else self.spot(),
            "catchment": self.chance.sample(self.areas, 2) if placeless else [],
            "capacity": self.chance.choice((None, 10, 30)), "opening_hours": self.chance.choice(HOURS),
            "confirmed_on": today() - timedelta(self.chance.choice((0, 30, 500))),
        }  # fmt: skip

    def services(self) -> list[str]:
        return sorted(self.chance.sample([*SERVICES], self.chance.randint(0, 3)))

    def spot(self) -> shapely.Point:
        west, south, east, north = self.box
        return shapely.Point(self.chance.uniform(west, east), self.chance.uniform(south, north))


def test_after_200_random_changes_the_live_rows_are_those_of_a_run_made_now(watched: Watched) -> None:
    with watched.town.sessions() as session:
        hand = Hand(7, session)
        assert differences(rows(session, live_id(session)), fresh(session)) == []
    done = []
    for number in range(200):
        with watched.town.sessions.begin() as session:
            done.append(hand.change(session))
        if number % 3 == 0:  # sometimes several changes are heard at once
            watched.settle()
    watched.settle()
    assert len(set(done)) == 8
    with watched.town.sessions() as session:
        assert differences(rows(session, live_id(session)), fresh(session)) == []


def assert_true(watched: Watched) -> None:
    """Hold the live rows against a run made now, after all news were heard."""
    watched.settle()
    with watched.town.sessions() as session:
        assert differences(rows(session, live_id(session)), fresh(session)) == []


def made_from(session: Session, made: CoverageRun) -> dict[str, object]:
    return {name: getattr(made, name) for name in ("year", "walks", "counts", "data")}


def test_the_live_state_says_what_it_is_made_from_also_after_streets_were_imported(watched: Watched) -> None:
    with watched.town.sessions.begin() as session:
        job = ImportJob(
            what=What.network, status=JobStatus.done, file_name="straten", sha256="", bytes=0, made_by="test"
        )
        job.done_at = session.scalar(select(func.clock_timestamp()))
        session.add(job)
        session.flush()
        edge = (
            "INSERT INTO network_edge VALUES (:job, 0, 0, 1, 100, 'SRID=28992;LINESTRING(93000 466000, 93100 466000)')"
        )
        session.execute(text(edge), {"job": job.id})
    watched.watch.read()
    with watched.town.sessions() as session:
        live = session.get_one(CoverageRun, live_id(session))
        assert live.walks == "network"
        with session.begin_nested() as trial:
            now = made_from(session, run.run(session, run.policies_of(live), key=KEY))
            trial.rollback()
        assert made_from(session, live) == now
    assert_true(watched)


def test_of_two_assets_at_one_place_the_one_with_the_lowest_id_is_nearest_also_far_beyond_the_norm(
    watched: Watched,
) -> None:
    service = "odd_jobs"
    assert service in SERVICES
    with watched.town.sessions.begin() as session:
        spot = Hand(1, session).spot()
        without = "UPDATE asset SET services = array_remove(services, :service) WHERE kind <> 'volunteer'"
        session.execute(text(without), {"service": service})
    place = from_shape(spot, WGS84)
    for number in (2, 3, 1):  # the last one comes before all others
        with watched.town.sessions.begin() as session:
            known = {"kind": Kind.initiative, "name": "Samen", "source": "test", "services": [service], "place": place}
            session.add(Asset(id=UUID(int=number), **known))
        assert_true(watched)
    with watched.town.sessions.begin() as session:
        assets.archive(session, UUID(int=1), None)
    assert_true(watched)


def test_an_asset_that_comes_to_lie_in_another_neighbourhood_is_told_so_in_the_rows(watched: Watched) -> None:
    with watched.town.sessions() as session:
        reached = select(Coverage.nearest_id).where(
            Coverage.run_id == live_id(session), Coverage.nearest_id.is_not(None)
        )
        asset = session.scalar(reached.order_by(Coverage.id).limit(1))
        now = session.get_one(Asset, asset).neighbourhood_id
        other = select(Neighbourhood.id).where(Neighbourhood.level == Level.buurt, Neighbourhood.id != now)
        elsewhere = session.scalar(other.order_by(Neighbourhood.id).limit(1))
    with watched.town.sessions.begin() as session:
        session.execute(update(Asset).where(Asset.id == asset).values(neighbourhood_id=elsewhere))
    assert_true(watched)


def test_a_change_while_a_run_is_made_is_named_when_the_next_is_compared_with_it(watched: Watched) -> None:
    made: list[UUID] = []

    def open_rooms(step: str, done: int, _total: int | None) -> None:
        if (step, done) == ("computing", 0):  # the assets have been read
            with watched.town.sessions.begin() as session:
                hand = Hand(3, session)
                room = {"kind": Kind.community_room, "name": "Nieuw", "opening_hours": "24/7", "confirmed_on": today()}
                made.extend(assets.create(session, {**room, "place": hand.spot()}).id for _ in range(5))

    runs = []
    for progress in (open_rooms, run.quiet):
        with watched.town.sessions.begin() as session:
            policies = run.policies_of(session.get_one(CoverageRun, live_id(session)))
            runs.append(run.run(session, policies, key=KEY, progress=progress).id)
    with watched.town.sessions() as session:
        first, second = (session.get_one(CoverageRun, each) for each in runs)
        listed = coverage_differences.between(session, first, second).listed
        named = {each.asset for row in listed if row.kind == Kind.community_room for each in row.because}
        assert named
        assert named <= set(made)
