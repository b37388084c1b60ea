"""The feed of changes: who follows it holds, at any moment, what everybody sees, and nothing else."""

import random
import threading
from typing import Any

import pytest
from sqlalchemy import text

from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, NEIGHBOURHOODS, Town, feature, point

FEED = "/v1/changes"
PATHS = {"assets": ASSETS, "activities": ACTIVITIES, "neighbourhoods": NEIGHBOURHOODS}
TODAY = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
ENDS = f"UPDATE asset SET visible_to = {TODAY}, visible_from = NULL WHERE id = :id"
Copy = dict[str, dict[str, Any]]


class Partner:
    """Somebody who keeps a copy by nothing but the feed and the links in it."""

    def __init__(self, town: Town) -> None:
        self._town, self._after = town, ""
        self.copy: Copy = {name: {} for name in PATHS}

    def follow(self) -> int:
        """Read what is new, to the end; give how many changes that were."""
        read, more = 0, True
        while more:
            asked = {"after": self._after} if self._after else {}
            told = self._town.client.get(FEED, params={"limit": "37", **asked}).json()
            for change in told["changes"]:
                self._take(change)
            read += len(told["changes"])
            self._after, more = told["after"], any(link["rel"] == "next" for link in told["links"])
        return read

    def _take(self, change: dict[str, Any]) -> None:
        held = self.copy[change["collection"]]
        if change["deleted"]:
            held.pop(change["id"], None)
            return
        answer = self._town.client.get(change["href"])
        if answer.status_code == 200:
            held[change["id"]] = answer.json()
        else:
            assert answer.status_code == 404  # gone again since: the feed tells it further on
            held.pop(change["id"], None)


def shown(town: Town) -> Copy:
    return {
        name: {item["id"]: item for item in town.client.get(path, params={"limit": "10000"}).json()["features"]}
        for name, path in PATHS.items()
    }


def is_in_step(partner: Partner, town: Town) -> None:
    for name, held in shown(town).items():
        assert partner.copy[name].keys() == held.keys()
        assert [item for item, told in held.items() if partner.copy[name][item] != told] == []


STEPS = (
    "UPDATE asset SET summary = md5(random()::text) WHERE id = :asset",
    "UPDATE asset SET status = 'archived' WHERE id = :asset",
    "UPDATE asset SET status = 'published' WHERE kind <> 'volunteer'",
    f"UPDATE asset SET visible_to = {TODAY} - 1 WHERE id = :asset",
    f"UPDATE asset SET visible_to = NULL, visible_from = {TODAY} + 1 WHERE id = :asset",
    "UPDATE asset SET visible_to = NULL, visible_from = NULL WHERE kind <> 'volunteer'",
    "UPDATE activity SET status = 'archived' WHERE id = :activity",
    "UPDATE activity SET status = 'published'",
    "UPDATE activity SET asset_id = :asset WHERE id = :activity",
    "DELETE FROM activity WHERE id = :activity",
    "UPDATE organisation SET name = name || '.'",
    "UPDATE neighbourhood SET name = name || '.' WHERE id = :area",
    "UPDATE neighbourhood SET in_force = NOT in_force WHERE id = :area",
)


@pytest.mark.parametrize("chance", range(3))
def test_who_follows_the_feed_holds_what_everybody_sees(town: Town, chance: int) -> None:
    draw, partner = random.Random(chance), Partner(town)
    partner.follow()
    is_in_step(partner, town)
    with town.sessions() as session:
        ids = {
            "asset": session.scalars(text("SELECT id FROM asset WHERE kind <> 'volunteer' ORDER BY id")).all(),
            "activity": session.scalars(text("SELECT id FROM activity ORDER BY id")).all(),
            "area": session.scalars(text("SELECT id FROM neighbourhood WHERE level = 'buurt' ORDER BY id")).all(),
        }
    for _ in range(4):
        with town.sessions.begin() as session:
            for statement in draw.choices(STEPS, k=4):
                told = {name: draw.choice(some) for name, some in ids.items() if f":{name}" in statement}
                session.execute(text(statement), told)
        partner.follow()
        is_in_step(partner, town)


def test_what_begins_or_ends_with_a_day_is_told_on_that_day(town: Town) -> None:
    with town.sessions.begin() as session:
        begins, ends = session.scalars(text(
            "SELECT id FROM asset WHERE kind = 'initiative' AND status = 'published' ORDER BY id LIMIT 2"
        )).all()  # fmt: skip
        session.execute(
            text(f"UPDATE asset SET visible_from = {TODAY} + 1, visible_to = NULL WHERE id = :id"), {"id": begins}
        )
        session.execute(
            text(f"UPDATE asset SET visible_to = {TODAY}, visible_from = NULL WHERE id = :id"), {"id": ends}
        )
    partner = Partner(town)
    partner.follow()
    assert str(begins) not in partner.copy["assets"]
    assert str(ends) in partner.copy["assets"]
    with town.sessions.begin() as session:  # a day goes by
        for column in ("visible_from", "visible_to"):
            session.execute(text(f"ALTER TABLE asset DISABLE TRIGGER USER; UPDATE asset SET {column} = {column} - 1; "
                                 "ALTER TABLE asset ENABLE TRIGGER USER"))  # fmt: skip
        for statement in (
            "ALTER TABLE ready_asset DISABLE TRIGGER USER",
            "UPDATE ready_asset SET from_day = from_day - 1, to_day = to_day - 1",
            "ALTER TABLE ready_asset ENABLE TRIGGER USER",
            "UPDATE turned SET day = day - 1",
        ):
            session.execute(text(statement))
    partner.follow()
    assert str(begins) in partner.copy["assets"]
    assert str(ends) not in partner.copy["assets"]
    assert partner.follow() == 0


def test_what_is_archived_after_its_last_day_and_before_anybody_asked_is_told_too(town: Town) -> None:
    with town.sessions.begin() as session:
        item = session.scalar(text(
            "SELECT a.id FROM asset a JOIN activity b ON b.asset_id = a.id AND b.status = 'published' "
            "WHERE a.kind <> 'volunteer' ORDER BY a.id LIMIT 1"
        ))  # fmt: skip
        session.execute(text("UPDATE asset SET status = 'published', visible_to = NULL, visible_from = NULL "
                             "WHERE id = :id"), {"id": item})  # fmt: skip
        session.execute(text(ENDS), {"id": item})
    partner = Partner(town)
    partner.follow()
    assert str(item) in partner.copy["assets"]
    with town.sessions.begin() as session:  # a day goes by
        session.execute(text("ALTER TABLE ready_asset DISABLE TRIGGER USER"))
        session.execute(text("UPDATE ready_asset SET to_day = to_day - 1 WHERE id = :id"), {"id": item})
        session.execute(text("ALTER TABLE ready_asset ENABLE TRIGGER USER"))
        session.execute(text("UPDATE turned SET day = day - 1"))
    with town.sessions.begin() as session:
        session.execute(text("UPDATE asset SET status = 'archived' WHERE id = :id"), {"id": item})
    partner.follow()
    is_in_step(partner, town)


def test_a_mark_of_what_a_restore_took_back_is_refused_for_good(town: Town) -> None:
    now = town.client.get(FEED, params={"after": "now"}).json()
    assert now["changes"] == []
    number, change = map(int, now["after"].split("-"))
    lost = f"{number + 5}-{change + 5}"
    assert town.client.get(FEED, params={"after": lost}).status_code == 400
    made = town.send("POST", ASSETS, feature(point(4.47, 52.18), kind="community_room", name="Nieuwe kamer"))
    assert town.client.get(FEED, params={"after": lost}).status_code == 400
    told = town.client.get(FEED, params={"after": now["after"]}).json()
    assert [change["href"] for change in told["changes"]] == [made.headers["location"]]


def test_nobody_who_reads_while_others_write_misses_anything(town: Town) -> None:
    over, seen = threading.Event(), set[tuple[str, str]]()
    before = Partner(town)
    before.follow()
    mark = town.client.get(FEED, params={"limit": "1", "after": before._after}).json()["after"]
    made: list[str] = []

    def write(worker: int) -> None:
        for turn in range(12):
            answer = town.send("POST", ASSETS, feature(
                point(4.47, 52.18), kind="community_room", name=f"Kamer {worker} {turn}"
            ))  # fmt: skip
            made.append(answer.headers["location"].rpartition("/")[2])

    def read() -> None:
        at, last = mark, False
        while not last:
            last = over.is_set()
            told = town.client.get(FEED, params={"after": at}).json()
            seen.update((change["collection"], change["id"]) for change in told["changes"])
            at = told["after"]

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert len(made) == 48
    assert {("assets", item) for item in made} <= seen


def test_volunteers_are_in_no_feed(town: Town) -> None:
    with town.sessions() as session:
        people = set(map(str, session.scalars(text("SELECT id FROM asset WHERE kind = 'volunteer'"))))
    told = town.client.get(FEED, params={"limit": "10000"}, headers=town.headers(ADMIN)).json()["changes"]
    assert people
    assert not people & {change["id"] for change in told}


@pytest.mark.parametrize("after", ["x", "1", "1-", "-1-2", "1-2-3", "999999999999999999-0", "9" * 30, "١-٢"])
def test_a_mark_that_is_none_is_refused_by_name(town: Town, after: str) -> None:
    answer = town.client.get(FEED, params={"after": after})
    assert (answer.status_code, answer.json()["detail"][:5]) == (400, "after")
