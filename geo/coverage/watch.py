"""Keeping the live state true: what becomes of an asset stands in its rows within moments; every night all is compared.

One process holds the state in memory. What is not an asset's (boundaries, residents, the policy of a new run) makes it
read everything again. It also answers the questions that need its arrays.
"""

import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import db
from geo.channels import CHANGES, QUESTIONS, RUNS, Told, listening
from geo.coverage import liverows, questions, run, sites, store, whatif
from geo.coverage.jobs import Shop
from geo.coverage.lives import Lives
from geo.coverage.models import CoverageRun
from geo.coverage.questions import Waiting
from geo.days import AMSTERDAM
from geo.errors import InvalidInput, Unavailable

EVERYTHING = "all"
MANY = 200  # changed assets, from which on reading everything is no slower
STILL_S, LONGEST_S = 1.0, 5.0  # an import tells of itself several times: wait until it is still, but not for ever
LOOK_S = 0.2
TAKE_OVER_S = 2.0
NIGHTLY = time(3)
NOTHING = "There is no coverage to ask about: load boundaries and run `kaart coverage run` first."


def keep(shop: Shop) -> None:
    """Keep the live state until `stopping` is set, as soon as no other process does.

    raises Unavailable where the connection to the database is lost
    """
    with listening(shop.engine, CHANGES, RUNS, QUESTIONS) as ear:
        while not questions.hold(ear.connection):
            if shop.stopping.wait(TAKE_OVER_S):
                return
        watch = Watch(shop)
        while not shop.stopping.is_set():
            watch.hear(ear.news(watch.patience_s()))


class Watch:
    """The live state in memory, and when all of it is read again. Hears news one piece after the other."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._sessions = db.sessions(shop.engine)
        self._run_id: UUID | None = None
        self._lives: Lives | None = None
        self._due: float | None = monotonic()
        self._latest = monotonic()
        self._night = _next_night()
        self._solving = ThreadPoolExecutor(1, thread_name_prefix="siting")
        self._solving.submit(sites.practise)
        self._practised = False

    def patience_s(self) -> float:
        """Say how long to wait for news before something else has to be done."""
        return LOOK_S if self._due is None else max(0.0, min(LOOK_S, self._due - monotonic()))

    def hear(self, news: Sequence[Told]) -> None:
        """Do what news ask for, and what is due."""
        changed, unclear = _changed(news)
        if unclear:
            self._wait_for_stillness()
        if any(told.channel == RUNS for told in news):
            self._due = monotonic()
        if datetime.now(AMSTERDAM) >= self._night:
            self._due, self._night = monotonic(), _next_night()
        if self._due is not None and monotonic() >= self._due:
            self.read()
        elif changed:
            self._follow(changed)
        for told in news:
            if told.channel == QUESTIONS:
                self._answer(UUID(told.payload))

    def read(self) -> None:
        """Read everything again, compare every row with what is stored, and write those that differ."""
        began, self._due = monotonic(), None
        gc.unfreeze()
        with self._sessions.begin() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            questions.forget(session.connection())
            live = session.scalar(select(CoverageRun).where(CoverageRun.live).with_for_update())
            self._run_id, self._lives = None if live is None else live.id, None
            if live is not None:
                self._lives = _read(session, live)
            if self._run_id is None or self._lives is None:
                return
            differed = liverows.renew(session, self._run_id, self._lives)
        if not self._practised:
            self._lives.practise()
            self._practised = True
        gc.collect()
        gc.freeze()  # what is in memory now stays: looking through it again and again would hold changes up
        areas, assets = len(self._lives.ground.areas), len(self._lives.known)
        took = monotonic() - began
        self._shop.tell(f"live state: {areas} areas, {assets} assets, {differed} rows differed, {took:.1f} s")

    def _wait_for_stillness(self) -> None:
        now = monotonic()
        if self._due is None:
            self._latest = now + LONGEST_S
        self._due = min(now + STILL_S, self._latest)

    def _follow(self, changed: Sequence[UUID]) -> None:
        if self._lives is None or self._run_id is None:
            return
        with self._sessions.begin() as session:
            found = store.assets(session, self._lives.ground, changed)
            touched = self._lives.follow(changed, found)
            if touched:
                liverows.write(session, self._run_id, self._lives, touched)

    def _answer(self, number: UUID) -> None:
        with self._shop.engine.connect() as connection:
            asked = questions.waiting(connection, number)
        if asked is None:
            return
        with questions.answering(self._shop, number) as give:
            if self._lives is None:
                raise Unavailable(NOTHING)
            if asked.question["ask"] == "siting":
                with self._sessions() as session:
                    task = sites.task(session, self._lives, asked.question)
                self._solving.submit(self._solve, number, task, asked)
            else:
                give(whatif.answer(self._lives, asked.question))

    def _solve(self, number: UUID, task: sites.Task, asked: Waiting) -> None:
        """Find the best sites beside everything else: it may take seconds."""
        with questions.answering(self._shop, number) as give:
            give(sites.answer(task, asked.until - monotonic()))


def _changed(news: Sequence[Told]) -> tuple[list[UUID], bool]:
    """Name the assets that changed; none, and that all may have, where they are too many or not named."""
    told = [each.payload for each in news if each.channel == CHANGES]
    changed = {UUID(word) for payload in told if payload != EVERYTHING for word in payload.split()[1:]}
    unclear = EVERYTHING in told or len(changed) > MANY
    return [] if len(changed) > MANY else sorted(changed), unclear


def _read(session: Session, live: CoverageRun) -> Lives | None:
    """Lay out the live state anew, and note what it is made from; None where there are no neighbourhoods any more."""
    policies, data = run.policies_of(live), run.versions(session)
    try:
        ground = store.ground(session, policies, run.quiet)
    except InvalidInput:
        return None
    assets = store.assets(session, ground)
    run.describe(live, ground, assets, data)
    return Lives(ground, policies, assets)


def _next_night() -> datetime:
    """Give the next time that it is three o'clock in the Netherlands."""
    now = datetime.now(AMSTERDAM)
    tonight = datetime.combine(now.date(), NIGHTLY, AMSTERDAM)
    return tonight if now < tonight else datetime.combine(now.date() + timedelta(1), NIGHTLY, AMSTERDAM)
