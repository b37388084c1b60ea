"""Volunteers, activities and drawn neighbourhoods through the API: what goes where, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from geo import db
from geo.days import today
from geo.errors import Unavailable
from geo.models import Asset, History
from geo.people import accounts
from geo.privacy import read_secret, readings
from geo.records import act_as
from geo.sealing import unseal
from geo.vocabulary import Kind, Means, Purpose, Role
from geo.volunteers import consents
from geo.volunteers.models import Consent
from tests.conftest import SECRET
from tests.integration.town import (
    ACTIVITIES,
    ADMIN,
    AGREED,
    ASSETS,
    COVERAGE,
    EAST,
    NEIGHBOURHOODS,
    WEST,
    Town,
    box,
    covered,
    feature,
    point,
    spot,
)

IN_WEST, IN_EAST = spot(92500, 465500), spot(93500, 465500)
CONTACT = {"email": "an@example.org", "telefoon": "06-00000000"}
PERSON = {"kind": "volunteer", "services": ["meals"], "contact": CONTACT, "consent": AGREED}
WALK = {"title": "Wandelen", "theme": "move", "repeat": "weekly", "starts_on": "2026-11-03"}
OWN_WORDS: dict[str, object] = {
    "name": "An", "summary": "Ik help", "description": "Lang verhaal", "cost": "niets", "address": "Straat 1",
    "postcode": "2341 AA", "city": "Testdorp", "url": "https://example.org", "opening_hours": "24/7", "capacity": 1,
    "confirmed_by": "Jo",
    "organisation": {"name": "Thuis"}, "accessibility": {"quiet_space": True}, "catchment": [WEST],
    "founded_in": 1999, "ladder_level": 1, "growth": [{"stage": "idea", "since": "2020"}], "legal_form": "informal",
    "funding": ["gifts"],
}  # fmt: skip


def secret(town: Town, item: str) -> tuple[float | None, float | None, dict[str, str]]:
    """Give what is kept of a person: longitude, latitude, contacts."""
    with town.sessions() as session:
        place, contact = read_secret(session, UUID(item), "test")
        return *(place or (None, None)), contact


def flaws(town: Town, method: str, path: str, sent: object) -> set[str]:
    answer = town.send(method, path, sent)
    assert answer.status_code == 400, answer.text
    return {flaw["field"] for flaw in answer.json()["errors"]}


def made(town: Town, path: str, sent: object) -> dict[str, Any]:
    answer = town.send("POST", path, sent)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


def change(**values: object) -> dict[str, object]:
    return {"type": "Feature", "properties": values}


def test_the_place_and_contacts_of_a_person_are_kept_apart_and_the_row_holds_the_neighbourhood(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))
    assert item["geometry"] is None
    told = {field: value for field, value in item["properties"].items() if value not in (None, [], {})}
    kept = {"kind", "services", "source", "demo", "status", "neighbourhood", "neighbourhood_name", "visible_to"}
    assert set(told) == kept | {"created_at", "updated_at", "version"}
    assert told["neighbourhood"] == f"{WEST}.2025"
    lon, lat, contact = secret(hamlet, item["id"])
    assert [lon, lat] == pytest.approx(IN_WEST["coordinates"], abs=1e-12)
    assert contact == CONTACT


@pytest.mark.parametrize("field", OWN_WORDS)
def test_what_could_tell_who_a_person_is_has_no_place_in_the_row(hamlet: Town, field: str) -> None:
    told = {field: OWN_WORDS[field]}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **PERSON, **told)) == {field}
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    assert flaws(hamlet, "PATCH", f"{ASSETS}/{item}", change(**told)) == {field}


@pytest.mark.parametrize("field", ["name", "summary", "address", "url"])
def test_not_even_an_empty_word_stands_in_the_row_of_a_person(hamlet: Town, field: str) -> None:
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **PERSON, **{field: " "})) == {field}


def test_an_area_is_no_place_of_a_person(hamlet: Town) -> None:
    assert flaws(hamlet, "POST", ASSETS, feature(box(92400, 465400, 92600, 465600), **PERSON)) == {"area"}


def test_a_person_may_be_known_by_their_neighbourhood_only(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(None, kind="volunteer", services=["meals"], neighbourhood=EAST, consent=AGREED))
    assert item["properties"]["neighbourhood_name"] == "East"
    assert secret(hamlet, item["id"]) == (None, None, {})


def test_a_change_of_a_person_leaves_the_secrets_that_are_not_sent(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    before = secret(hamlet, item)
    after = hamlet.send("PATCH", f"{ASSETS}/{item}", change(services=["transport"])).json()["properties"]
    assert (after["services"], after["neighbourhood_name"], after["version"]) == (["transport"], "West", 2)
    assert secret(hamlet, item) == before
    assert (
        hamlet.send("PATCH", f"{ASSETS}/{item}", feature(IN_EAST)).json()["properties"]["neighbourhood_name"] == "East"
    )
    lon, lat, contact = secret(hamlet, item)
    assert [lon, lat] == pytest.approx(IN_EAST["coordinates"], abs=1e-12)
    assert contact == CONTACT


def test_the_secrets_of_a_person_can_be_taken_away(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    assert hamlet.send("PATCH", f"{ASSETS}/{item}", feature(None, contact=None)).status_code == 200
    assert secret(hamlet, item) == (None, None, {})


def test_the_history_tells_that_a_secret_changed_and_never_what_it_says(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    hamlet.send("PATCH", f"{ASSETS}/{item}", change(contact={"email": "nieuw@example.org"}))
    with hamlet.sessions() as session:
        rows = session.scalars(select(History).where(History.row_id == item).order_by(History.id)).all()
    kept = [(row.before, row.after) for row in rows if row.row_table == "asset_secret"]
    assert kept == [(None, {}), ({}, {})]
    assert {row.changed_by for row in rows} == {"the tester"}
    assert "example.org" not in "".join(f"{row.before}{row.after}" for row in rows)


def test_only_volunteers_have_private_contacts(hamlet: Town) -> None:
    sent = feature(IN_WEST, kind="community_room", name="Kamer", contact=CONTACT)
    assert flaws(hamlet, "POST", ASSETS, sent) == {"contact"}


def test_all_that_is_told_of_an_activity_is_given_back_and_changes_leave_the_rest(hamlet: Town) -> None:
    host = made(hamlet, ASSETS, feature(IN_WEST, kind="community_room", name="Kamer", address="Straat 1"))["id"]
    whole = {
        **WALK, "summary": "Rondje", "services": ["exercise"], "ends_on": "2099-12-31", "time_from": "10:00:00",
        "time_to": "11:30:00", "cost": "gratis", "how_to_join": "Kom langs", "asset": host, "source": "a list",
        "source_id": "1", "licence": "CC0-1.0", "demo": False, "status": "published", "confirmed_on": "2026-11-01",
    }  # fmt: skip
    before = made(hamlet, ACTIVITIES, feature(None, **whole))
    assert {field: before["properties"][field] for field in whole} == whole
    assert before["properties"]["asset_name"] == "Kamer"
    assert before["properties"]["address"] == "Straat 1"
    assert before["properties"]["neighbourhood_name"] == "West"
    assert before["geometry"]["coordinates"] == pytest.approx(IN_WEST["coordinates"], abs=1e-7)
    after = hamlet.send("PATCH", f"{ACTIVITIES}/{before['id']}", change(title="Lopen")).json()
    assert after["geometry"] == before["geometry"]
    assert after["properties"] == {
        **before["properties"], "title": "Lopen", "version": 2, "updated_at": after["properties"]["updated_at"],
    }  # fmt: skip


def test_an_activity_with_a_place_of_its_own_is_there_and_not_at_its_host(hamlet: Town) -> None:
    host = made(hamlet, ASSETS, feature(IN_WEST, kind="community_room", name="Kamer"))["id"]
    item = made(hamlet, ACTIVITIES, feature(IN_EAST, **WALK, asset=host))
    assert item["properties"]["neighbourhood_name"] == "East"
    at_host = hamlet.send("PATCH", f"{ACTIVITIES}/{item['id']}", feature(None)).json()
    assert at_host["properties"]["neighbourhood_name"] == "West"
    alone = hamlet.send("PATCH", f"{ACTIVITIES}/{item['id']}", change(asset=None)).json()
    assert (alone["geometry"], alone["properties"]["neighbourhood"], alone["properties"]["asset"]) == (None, None, None)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"title": " "}, "title"),
        ({"theme": "nix"}, "theme"),
        ({"services": ["nix"]}, "services"),
        ({"ends_on": "2026-11-02"}, "ends_on"),
        ({"time_from": "12:00", "time_to": "12:00"}, "time_to"),
        ({"time_from": "12:00Z"}, "time_from"),
        ({"confirmed_on": "2099-01-01"}, "confirmed_on"),
        ({"asset": "00000000-0000-0000-0000-000000000000"}, "asset"),
        ({"repeat": "daily"}, "properties.repeat"),
        ({"starts_on": "2026-02-30"}, "properties.starts_on"),
    ],
    ids=str,
)
def test_an_activity_that_cannot_be_is_refused_by_name(hamlet: Town, told: dict[str, object], field: str) -> None:
    assert flaws(hamlet, "POST", ACTIVITIES, feature(None, **{**WALK, **told})) == {field}
    item = made(hamlet, ACTIVITIES, feature(None, **WALK))["id"]
    assert flaws(hamlet, "PATCH", f"{ACTIVITIES}/{item}", change(**told)) == {field}


def test_an_activity_needs_a_title_a_theme_and_a_day(hamlet: Town) -> None:
    assert flaws(hamlet, "POST", ACTIVITIES, feature()) == {"title", "theme", "repeat", "starts_on"}


@pytest.mark.parametrize(
    ("began", "ended", "expected"), [(0, None, 0), (7, None, 0), (6, None, 1), (-3, None, 3), (8, 2, None)]
)
def test_an_activity_tells_when_it_is_next(hamlet: Town, began: int, ended: int | None, expected: int | None) -> None:
    now = today()
    told = {**WALK, "starts_on": str(now - timedelta(began)), "ends_on": ended and str(now - timedelta(ended))}
    item = made(hamlet, ACTIVITIES, feature(None, **told))
    assert item["properties"]["next_on"] == (None if expected is None else str(now + timedelta(expected)))


def test_a_drawn_neighbourhood_is_stored_as_drawn_and_counted_by_the_next_run(hamlet: Town) -> None:
    outline = box(92000, 465000, 92500, 466000)  # the western half of West
    answer = hamlet.send("POST", NEIGHBOURHOODS, feature(outline, name="  Halfwest "))
    assert answer.status_code == 201
    item = answer.json()
    assert hamlet.get(answer.headers["location"]).json() == item
    told = item["properties"]
    assert (told["name"], told["level"], told["parent"], told["schematic"]) == ("Halfwest", "drawn", None, False)
    assert (told["residents"], told["figures_missing"]["residents"]) == (None, "not_given")
    with hamlet.sessions() as session:
        row = session.scalars(select(History).where(History.row_id == item["id"])).one()
        assert (row.changed_by, row.before) == ("the tester", None)
    covered(hamlet)
    row_of = hamlet.get(COVERAGE, kind="community_room", neighbourhood=item["id"]).json()["features"]
    assert [row["properties"]["residents"] for row in row_of] == [pytest.approx(50)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_a_drawn_neighbourhood_has_a_name_of_up_to_120_signs(hamlet: Town, name: str) -> None:
    assert flaws(hamlet, "POST", NEIGHBOURHOODS, feature(box(92000, 465000, 92500, 466000), name=name)) == {"name"}


@pytest.mark.parametrize("side", [1e-7, 1e-5, 1e-3])
def test_a_very_small_neighbourhood_can_be_drawn_and_counted(hamlet: Town, side: float) -> None:
    ring = [[4.47, 52.18], [4.47 + side, 52.18], [4.47 + side, 52.18 + side], [4.47, 52.18]]
    sent = feature({"type": "MultiPolygon", "coordinates": [[ring]]}, name="Stoep")
    assert hamlet.get(f"{NEIGHBOURHOODS}/{made(hamlet, NEIGHBOURHOODS, sent)['id']}", ADMIN).status_code == 200
    covered(hamlet)
    assert hamlet.get("/").status_code == 200


def test_a_place_outside_every_neighbourhood_is_kept_without_one(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(point(5.0, 52.0), kind="community_room", name="Ver"))
    assert item["properties"]["neighbourhood"] is None


def test_who_told_something_stands_in_the_history_and_in_no_answer(hamlet: Town) -> None:
    room = feature(IN_WEST, kind="community_room", name="Kamer")
    for path, record in ((ASSETS, room), (ACTIVITIES, feature(IN_WEST, **WALK))):
        told = made(hamlet, path, record)
        assert told["properties"]["source"] == "levende-kaart"
        with hamlet.sessions() as session:
            by = session.scalars(select(History.changed_by).where(History.row_id == told["id"])).all()
        assert set(by) == {"the tester"}
        assert "the tester" not in hamlet.get(f"{path}/{told['id']}").text


def test_without_consent_there_is_no_record_of_a_person(hamlet: Town) -> None:
    before = people(hamlet)
    without = {field: value for field, value in PERSON.items() if field != "consent"}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **without)) == {"consent"}
    for consent, named in (
        ({"purposes": ["contact"]}, "consent.purposes"),
        ({"purposes": ["offer", "contact"]}, "consent.purposes"),  # there is no account to read requests in
        ({"purposes": ["offer"], "given_on": str(today() + timedelta(1))}, "consent.given_on"),
        ({"purposes": ["offer"], "given_on": str(today() - timedelta(731))}, "consent.expires_on"),
        ({"purposes": ["offer"], "expires_on": str(today() + timedelta(731))}, "consent.expires_on"),
        ({"purposes": ["offer"], "expires_on": str(today() - timedelta(1))}, "consent.expires_on"),
    ):
        assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **{**PERSON, "consent": consent})) == {named}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **{**PERSON, "consent": {}})) == {
        "properties.consent.purposes"
    }
    assert people(hamlet) == before


def people(town: Town) -> int:
    with town.sessions() as session:
        return session.scalar(select(func.count()).where(Asset.kind == Kind.volunteer)) or 0


def test_the_database_itself_refuses_a_person_without_consent(hamlet: Town) -> None:
    with hamlet.sessions() as session:
        session.add(Asset(kind=Kind.volunteer, services=["meals"], source="test"))
        session.flush()
        with pytest.raises(IntegrityError, match="a volunteer needs consent"):
            session.commit()


def test_consent_lasts_two_years_at_most_and_the_record_no_longer_than_it(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    with hamlet.sessions() as session:
        (held,) = consents.of(session, UUID(item))
        assert (held.purpose, held.means, held.text_version) == (Purpose.offer, Means.paper, consents.TEXT)
        assert held.expires_on == today() + timedelta(730)
        assert session.get_one(Asset, UUID(item)).visible_to == held.expires_on
    last = str(today() + timedelta(7))
    shorter = {"purposes": ["offer", "map"], "given_on": str(today() - timedelta(1)), "expires_on": last}
    assert hamlet.send("PATCH", f"{ASSETS}/{item}", change(consent=shorter)).status_code == 200
    with hamlet.sessions() as session:
        held_now = {consent.purpose: str(consent.expires_on) for consent in consents.of(session, UUID(item))}
        assert held_now == {Purpose.offer: last, Purpose.map: last}
        ended = select(Consent).where(Consent.asset_id == UUID(item), Consent.withdrawn_at.is_not(None))
        assert [consent.purpose for consent in session.scalars(ended)] == [Purpose.offer]
        assert str(session.get_one(Asset, UUID(item)).visible_to) == last


def test_only_volunteers_give_consent_and_have_an_account(hamlet: Town) -> None:
    room = {"kind": "community_room", "name": "Kamer"}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **room, consent=AGREED)) == {"consent"}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **room, account="an@example.org")) == {"account"}


def test_a_volunteer_has_one_account_and_an_account_one_volunteer(hamlet: Town) -> None:
    with hamlet.sessions.begin() as session:
        accounts.create(session, "an@example.org", "An", Role.contributor)
    told = {**PERSON, "account": "an@example.org", "consent": {"purposes": ["offer", "contact"]}}
    assert flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **{**told, "account": "jo@example.org"})) == {"account"}
    made(hamlet, ASSETS, feature(IN_WEST, **told))
    again = hamlet.send("POST", ASSETS, feature(IN_WEST, **told))
    assert (again.status_code, "another volunteer's already" in again.text) == (409, True)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_of_consent_that_cannot_be_is_refused(hamlet: Town, day: str) -> None:
    consent = {"purposes": ["offer"], "given_on": day}
    named = flaws(hamlet, "POST", ASSETS, feature(IN_WEST, **{**PERSON, "consent": consent}))
    assert named <= {"consent.given_on", "consent.expires_on"}


def test_a_volunteer_with_an_account_keeps_it_and_decides_what_is_agreed(hamlet: Town) -> None:
    with hamlet.sessions.begin() as session:
        for email in ("eerste@example.org", "tweede@example.org"):
            accounts.create(session, email, "Iemand", Role.contributor)
    told = {**PERSON, "account": "eerste@example.org", "consent": {"purposes": ["offer", "contact"]}}
    item = made(hamlet, ASSETS, feature(IN_WEST, **told))["id"]
    for other in ("tweede@example.org", None):
        answer = hamlet.send("PATCH", f"{ASSETS}/{item}", change(account=other))
        assert (answer.status_code, "keeps it" in answer.text) == (409, True)
    again = {"purposes": ["offer", "contact", "map"]}
    assert flaws(hamlet, "PATCH", f"{ASSETS}/{item}", change(consent=again)) == {"consent"}
    assert hamlet.send("PATCH", f"{ASSETS}/{item}", change(services=["transport"])).status_code == 200
    with hamlet.sessions() as session:
        assert [held.purpose for held in consents.of(session, UUID(item))] == [Purpose.offer, Purpose.contact]


def test_who_gets_an_account_later_is_not_shown_what_was_told_before(hamlet: Town) -> None:
    with hamlet.sessions.begin() as session:
        accounts.create(session, "later@example.org", "Later", Role.contributor)
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    assert secret(hamlet, item)[2] == CONTACT
    assert hamlet.send("PATCH", f"{ASSETS}/{item}", change(account="later@example.org")).status_code == 200
    assert secret(hamlet, item) == (None, None, {})


def test_runs_do_not_tell_how_many_records_were_changed(hamlet: Town) -> None:
    covered(hamlet)
    told = hamlet.get("/v1/coverage/runs").json()
    assert "last_change" not in str(told)
    assert "imports" in str(told)


def test_a_volunteer_who_is_taken_away_is_erased(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    assert hamlet.send("DELETE", f"{ASSETS}/{item}", None).status_code == 204
    with hamlet.sessions() as session:
        assert session.get(Asset, UUID(item)) is None
        assert session.scalars(select(History).where(History.row_id == item)).all() == []


def test_each_reading_of_a_secret_is_noted_with_who_when_and_why(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    with hamlet.sessions.begin() as session:
        before = len(readings(session, UUID(item)))
        act_as(session, "account:somebody")
        read_secret(session, UUID(item), "a good reason")
    with hamlet.sessions() as session:
        noted = readings(session, UUID(item))
        assert (noted[0].read_by, noted[0].why) == ("account:somebody", "a good reason")
        assert abs((datetime.now(UTC) - noted[0].read_at).total_seconds()) < 60
        assert len(noted) == before + 1
        assert read_secret(session, uuid4(), "nobody") == (None, {})


def test_a_secret_in_the_database_is_bytes_that_only_the_key_opens(hamlet: Town) -> None:
    item = made(hamlet, ASSETS, feature(IN_WEST, **PERSON))["id"]
    with hamlet.sessions() as session:
        place, contact = session.execute(
            text("SELECT place, contact FROM asset_secret WHERE asset_id = :id"), {"id": item}
        ).one()
    assert b"an@example.org" not in contact
    assert unseal(SECRET.encode(), f"{item} contact", contact) == CONTACT
    assert unseal(SECRET.encode(), f"{item} place", place) == pytest.approx(IN_WEST["coordinates"], abs=1e-12)
    with db.sessions(hamlet.engine, b"another key")() as session, pytest.raises(Unavailable, match="KAART_SECRET"):
        read_secret(session, UUID(item), "with another key")
    with db.sessions(hamlet.engine)() as session, pytest.raises(Unavailable, match="not at hand"):
        read_secret(session, UUID(item), "without a key")
