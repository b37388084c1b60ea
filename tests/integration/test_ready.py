"""What is kept ready for the public is what the public sees; editions are numbered in the order of commits."""

import random
import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import features
from geo.catalogue import COLLECTIONS
from geo.collections import Wanted
from geo.rights import VISITOR
from geo.vocabulary import Role
from tests.integration.people import account
from tests.integration.town import ADMIN, ASSETS, Town, feature, point

TABLES = {"assets": "ready_asset", "neighbourhoods": "ready_neighbourhood"}
ROOM = feature(point(4.4701, 52.1801), kind="community_room", name="Kamer")


def kept(session: Session, name: str) -> dict[str, str]:
    """Read what is kept ready and shown today, by id."""
    today = "(now() AT TIME ZONE 'Europe/Amsterdam')::date"
    days = f"WHERE {today} BETWEEN from_day AND to_day" if name == "assets" else ""
    return {str(item): body for item, body in session.execute(text(f"SELECT id, body FROM {TABLES[name]} {days}"))}


def seen(session: Session, name: str) -> dict[str, str]:
    """Read what a visitor sees, the usual way."""
    shown = COLLECTIONS[name]
    rows = select(shown.id, features.text_of(VISITOR, name, Wanted())).select_from(shown.source(VISITOR))
    found = session.execute(rows.where(features.condition(VISITOR, name, Wanted())))
    return {str(item): body for item, body in found}


def is_ready(session: Session) -> None:
    for name in TABLES:
        assert kept(session, name) == seen(session, name) != {}


CHANGES = (
    "UPDATE asset SET summary = 'anders' WHERE id = :asset",
    "UPDATE asset SET status = 'archived' WHERE id = :asset",
    "UPDATE asset SET status = 'published' WHERE id = :asset",
    "UPDATE asset SET visible_from = '2999-01-01' WHERE id = :asset",
    "UPDATE asset SET visible_from = NULL, visible_to = '2999-01-01' WHERE id = :asset",
    "UPDATE asset SET visible_to = '2001-01-01' WHERE id = :asset",
    "UPDATE asset SET place = ST_SetSRID(ST_MakePoint(4.48, 52.19), 4326), area = NULL WHERE id = :asset",
    "UPDATE asset SET place = NULL WHERE id = :asset",
    "UPDATE asset SET organisation_id = NULL WHERE id = :asset",
    "UPDATE asset SET organisation_id = (SELECT min(id::text)::uuid FROM organisation) WHERE id = :asset",
    "UPDATE organisation SET name = name || 'x', url = 'https://example.org/'",
    "UPDATE organisation SET legal_form = 'informal'",
    "UPDATE neighbourhood SET name = name || ' (nieuw)' WHERE id = :area",
    "UPDATE neighbourhood SET in_force = NOT in_force WHERE id = :area",
    "UPDATE neighbourhood SET residents = 7, geom = ST_Multi(ST_Envelope(geom)) WHERE id = :area",
    "INSERT INTO asset_catchment VALUES (:asset, :area) ON CONFLICT DO NOTHING",
    "DELETE FROM asset_catchment WHERE asset_id = :asset",
    "UPDATE asset SET name = name || '!'",
    "DELETE FROM activity WHERE asset_id = :asset",
)


@pytest.mark.parametrize("chance", range(8))
def test_what_is_kept_ready_is_what_a_visitor_sees_whatever_changes(town: Town, chance: int) -> None:
    draw = random.Random(chance)
    with town.sessions() as session:
        is_ready(session)
        assets = session.scalars(text("SELECT id FROM asset WHERE kind <> 'volunteer' ORDER BY id")).all()
        areas = session.scalars(text("SELECT id FROM neighbourhood ORDER BY id")).all()
        for statement in draw.sample(CHANGES, len(CHANGES)):
            told = {"asset": draw.choice(assets), "area": draw.choice(areas)}
            session.execute(text(statement), {name: told[name] for name in told if f":{name}" in statement})
        session.execute(text("DELETE FROM activity WHERE asset_id IN (SELECT id FROM asset ORDER BY id LIMIT 3)"))
        session.execute(text("UPDATE coverage SET nearest_id = NULL"))
        session.execute(text("DELETE FROM asset_catchment"))
        session.execute(text("DELETE FROM asset WHERE id IN (SELECT id FROM asset ORDER BY id LIMIT 3)"))
        is_ready(session)
        session.rollback()


def test_changes_at_the_same_time_leave_the_text_that_is_true_in_the_end(town: Town) -> None:
    with town.sessions() as session:
        found = text("SELECT id, organisation_id FROM asset WHERE organisation_id IS NOT NULL ORDER BY id LIMIT 1")
        asset, organisation = session.execute(found).one()
    ways = (
        ("UPDATE asset SET summary = :word WHERE id = :id", asset),
        ("UPDATE organisation SET url = :word WHERE id = :id", organisation),
    )

    def change(statement: str, item: object) -> None:
        for number in range(40):
            with town.sessions.begin() as session:
                session.execute(text(statement), {"word": f"https://example.org/{number}", "id": item})

    threads = [threading.Thread(target=change, args=way) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with town.sessions() as session:
        is_ready(session)
        assert kept(session, "assets")[str(asset)].count("https://example.org/39") == 2


JOINING = (
    "UPDATE asset SET organisation_id = :organisation WHERE id = :asset",
    "INSERT INTO asset_catchment VALUES (:asset, :area) ON CONFLICT DO NOTHING",
    "UPDATE asset SET neighbourhood_id = :area WHERE id = :asset",
)
CHANGING = (
    "UPDATE organisation SET url = 'https://new.example/' WHERE id = :organisation",
    "UPDATE neighbourhood SET name = 'Anders dan eerst' WHERE id = :area",
    "UPDATE neighbourhood SET name = 'Weer anders' WHERE id = :area",
)


@pytest.mark.parametrize("way", range(len(JOINING)))
def test_what_comes_to_be_in_a_text_while_it_is_changed_is_read_as_it_became(town: Town, way: int) -> None:
    with town.sessions() as session:
        told = {
            "asset": session.scalar(text("SELECT id FROM asset WHERE organisation_id IS NULL AND kind = 'initiative' "
                                         "ORDER BY id LIMIT 1")),
            "organisation": session.scalar(text("SELECT id FROM organisation ORDER BY id LIMIT 1")),
            "area": session.scalar(text("SELECT id FROM neighbourhood WHERE level = 'buurt' ORDER BY id DESC LIMIT 1")),
        }  # fmt: skip

    def does(session: Session, statement: str) -> None:
        session.execute(text(statement), {name: value for name, value in told.items() if f":{name}" in statement})

    def join() -> None:
        with town.sessions.begin() as other:
            does(other, JOINING[way])

    with town.sessions.begin() as changing:
        does(changing, CHANGING[way])
        joining = threading.Thread(target=join)
        joining.start()
        joining.join(0.5)
    joining.join()
    with town.sessions() as session:
        is_ready(session)


def numbers(town: Town) -> dict[str, int]:
    with town.sessions() as session:
        return {row.name: row.number for row in session.execute(text("SELECT name, number FROM part"))}


def ticked(town: Town, before: dict[str, int]) -> set[str]:
    return {name for name, number in numbers(town).items() if number != before[name]}


def test_each_part_gets_another_number_when_it_changes_and_only_then(town: Town) -> None:
    steps = (
        ("UPDATE asset SET summary = 'nog anders' WHERE kind = 'initiative'", {"assets"}),
        ("UPDATE activity SET summary = 'ook' WHERE asset_id IS NULL", {"activities"}),
        ("UPDATE neighbourhood SET residents = 99 WHERE level = 'wijk'", {"neighbourhoods"}),
        ("UPDATE coverage_run SET norm_m = norm_m", {"coverage"}),
        ("UPDATE asset SET summary = 'niemand ziet dit' WHERE kind = 'none'", set[str]()),
        ("UPDATE organisation SET legal_form = legal_form", {"assets"}),
        ("UPDATE organisation SET legal_form = 'x' WHERE name = 'nobody'", set[str]()),
    )
    for statement, expected in steps:
        before = numbers(town)
        with town.sessions.begin() as session:
            session.execute(text(statement))
        assert ticked(town, before) == expected, statement


def test_what_is_taken_back_makes_no_edition(town: Town) -> None:
    before = numbers(town)
    with town.sessions() as session:
        session.execute(text("UPDATE asset SET summary = 'toch niet' WHERE kind = 'initiative'"))
        session.rollback()
    with town.sessions.begin() as session:
        inner = session.begin_nested()
        session.execute(text("UPDATE asset SET summary = 'toch niet' WHERE kind = 'initiative'"))
        inner.rollback()
    assert ticked(town, before) == set()


def test_nothing_tells_that_a_volunteer_came_changed_or_went(town: Town) -> None:
    before = numbers(town)
    told = {
        "kind": "volunteer", "services": ["meals"], "neighbourhood": "BU05790102",
        "consent": {"purposes": ["offer"]}, "contact": {"email": "kanarie@example.org"},
    }  # fmt: skip
    made = town.send("POST", ASSETS, feature(point(4.4701, 52.1801), **told))
    assert made.status_code == 201, made.text
    there = made.headers["location"].removeprefix("http://kaart.test")
    assert town.send("PATCH", there, {"type": "Feature", "properties": {"services": ["transport"]}}).status_code == 200
    assert town.client.delete(there, headers=town.headers(ADMIN)).status_code == 204
    assert ticked(town, before) == set()
    with town.sessions() as session:
        item = there.rpartition("/")[2]
        assert not session.scalar(text("SELECT count(*) FROM public_change WHERE item = :item"), {"item": item})


def test_nothing_tells_whose_records_were_when_an_account_is_erased(town: Town) -> None:
    with town.sessions.begin() as session:
        made = account(session, "maker@example.nl", Role.contributor).id
        ids = {"maker": made, "name": "maker"}
        for table in ("asset", "activity"):
            some = f"(SELECT id FROM {table} WHERE status = 'published' ORDER BY id LIMIT 4)"
            people = " AND kind <> 'volunteer'" if table == "asset" else ""
            session.execute(text(f"UPDATE {table} SET made_by = :maker WHERE id IN {some}{people}"), {"maker": made})
        session.execute(text("UPDATE asset SET confirmed_by = :name WHERE made_by = :maker"), ids)
    before = numbers(town)
    with town.sessions.begin() as session:
        session.execute(
            text("UPDATE asset SET confirmed_by = 'erased account' WHERE made_by = :maker"), {"maker": made}
        )
        session.execute(text("DELETE FROM account WHERE id = :maker"), {"maker": made})
    assert ticked(town, before) == set()
    with town.sessions() as session:
        is_ready(session)


def test_nothing_tells_of_what_is_proposed(town: Town) -> None:
    before = numbers(town)
    with town.sessions.begin() as session:
        session.execute(text(
            "INSERT INTO activity (id, title, theme, repeat, starts_on, source, status) VALUES "
            "(gen_random_uuid(), 'Voorstel', 'meet', 'once', '2026-11-22', 'x', 'proposed')"
        ))  # fmt: skip
        session.execute(text("UPDATE activity SET title = 'Ander voorstel' WHERE status = 'proposed'"))
        session.execute(text("DELETE FROM activity WHERE title = 'Ander voorstel'"))
    assert ticked(town, before) == set()


def test_numbers_come_to_be_seen_in_their_order_however_many_write_at_once(town: Town) -> None:
    over = threading.Event()
    seen_numbers: list[int] = []

    def write(number: int) -> None:
        for turn in range(25):
            with town.sessions.begin() as session:
                session.execute(
                    text("UPDATE asset SET summary = :word WHERE id = (SELECT id FROM asset "
                         "WHERE kind <> 'volunteer' ORDER BY id OFFSET :number LIMIT 1)"),
                    {"word": f"{number} {turn}", "number": number},
                )  # fmt: skip

    def watch() -> None:
        latest, last = 0, False
        while not last:
            last = over.is_set()
            with town.sessions() as session:
                found = session.scalars(
                    text("SELECT number FROM edition WHERE number > :latest ORDER BY number"), {"latest": latest}
                ).all()
            seen_numbers.extend(found)
            latest = max([latest, *found])

    start = max(numbers(town).values())
    watcher = threading.Thread(target=watch)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in [watcher, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    watcher.join()
    with town.sessions() as session:
        made = session.scalars(text("SELECT number FROM edition WHERE number > :start ORDER BY 1"), {"start": start})
        assert [number for number in seen_numbers if number > start] == list(made)
