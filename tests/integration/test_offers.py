"""The page on which a broker sees what people offer: exact numbers, offers without names, and requests."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text, update

from geo import assets
from geo.days import today
from geo.rights import Viewer
from geo.vocabulary import Kind, Means, Purpose, Reply, Role
from geo.volunteers import requests
from geo.volunteers.models import Consent, ContactRequest, Volunteer
from tests.integration.people import Person, account, browser, signed_in
from tests.integration.town import ADMIN, EAST, GEMEENTE, NORTH, WEST, WIJKEN, Town

PAGE = "/offers"
ROW = re.compile(
    r'<th scope="row"[^>]*><a [^>]*>([^<]*)</a>.*?<td class="number"[^>]*>(\d+)</td>\s*<td[^>]*><ul [^>]*>(.*?)</ul>',
    re.DOTALL,
)
SERVICE = re.compile(r"<li>([^<]*) <b>(\d+)</b></li>")
CARD = re.compile(r'id="offer-([0-9a-f-]{36})">([^<]*)<')


@pytest.fixture(scope="module")
def people(hamlet: Town) -> dict[str, str]:
    """Let five people offer something: by name the id of their offer.

    West: anna drives and cooks, bas drives. East: chris drives, and takes no requests. North: dora cooks and has no
    account, emil agreed to nothing any more.
    """
    told = {
        "anna": (WEST, ["transport", "meals"], [Purpose.offer, Purpose.contact]),
        "bas": (WEST, ["transport"], [Purpose.offer, Purpose.contact]),
        "chris": (EAST, ["transport"], [Purpose.offer]),
        "dora": (NORTH, ["meals"], [Purpose.offer]),
        "emil": (NORTH, ["meals"], [Purpose.offer]),
    }
    made = {}
    with hamlet.sessions() as session:
        for name, (buurt, services, purposes) in told.items():
            values: dict[str, Any] = {
                "kind": Kind.volunteer, "services": services, "languages": ["nl", "ar"],
                "neighbourhood": f"{buurt}.2025",
                "contact": {"phone": f"06-{name}"}, "consent": {"purposes": purposes, "means": Means.online},
            }  # fmt: skip
            if name != "dora":
                values["account"] = account(session, f"{name}@example.nl", Role.contributor).email
            made[name] = str(assets.create(session, values).id)
        session.commit()
    ends(hamlet, made["emil"], -1)
    return made


def ends(town: Town, asset_id: str, in_days: int) -> None:
    """Let the consent of a volunteer end after so many days."""
    with town.sessions() as session:
        told = {"given_at": func.now() - timedelta(100), "expires_on": today() + timedelta(in_days)}
        session.execute(update(Consent).where(Consent.asset_id == UUID(asset_id)).values(told))
        session.commit()


@pytest.fixture
def broker(hamlet: Town, people: dict[str, str]) -> Iterator[Person]:
    """Give the broker of West and East, who asked nothing yet."""
    yield signed_in(hamlet, "rob@example.nl", Role.broker, [WIJKEN[0]])
    with hamlet.sessions() as session:
        session.execute(text("DELETE FROM contact_request"))
        session.execute(text("DELETE FROM allowance"))
        session.commit()


def cards(page: str) -> dict[str, str]:
    """Give the offers on a page: by id, what is offered."""
    return dict(CARD.findall(page))


def counts(page: str) -> dict[str, tuple[int, dict[str, int]]]:
    """Give the table of a page: by neighbourhood, the total, and the number by service."""
    return {
        name: (int(total), {label: int(number) for label, number in SERVICE.findall(services)})
        for name, total, services in ROW.findall(page)
    }


def ask(person: Person, asset_id: str, message: str = "Kun je dinsdag rijden?", **told: str) -> httpx.Response:
    """Send a request from the page."""
    return person.fill(PAGE, {"message": message, **told}, f"{PAGE}/{asset_id}/ask")


def reply(town: Town, message: str, reply: Reply, words: str) -> None:
    """Let the volunteer who got a request answer it."""
    with town.sessions() as session:
        request, account_id = session.execute(
            select(ContactRequest.id, Volunteer.account_id).join(
                Volunteer, Volunteer.asset_id == ContactRequest.asset_id
            )
        ).one()
        assert account_id is not None
        assert [letter.message for letter in requests.got(session, account_id)] == [message]
        requests.answer(session, Viewer(Role.contributor, f"account:{account_id}", account_id), request, reply, words)
        session.commit()


def test_a_broker_sees_exact_numbers_of_the_own_neighbourhoods(broker: Person) -> None:
    page = broker.client.get(PAGE)
    assert page.headers["cache-control"] == "private, no-store"
    assert "Niet om te publiceren" in page.text
    whole = {"Vervoer": 3, "Maaltijden": 1}
    assert counts(page.text) == {
        "Wijk WK900101": (3, whole),
        "West": (2, {"Vervoer": 2, "Maaltijden": 1}),
        "East": (1, {"Vervoer": 1}),
    }


def test_an_administrator_sees_all_who_agree(hamlet: Town, people: dict[str, str]) -> None:
    boss = signed_in(hamlet, "boss@example.nl", Role.admin)
    page = boss.client.get(PAGE).text
    assert set(cards(page)) == {people[name] for name in ("anna", "bas", "chris", "dora")}
    assert counts(page)["Testdorp"] == (4, {"Vervoer": 3, "Maaltijden": 2})


def test_an_offer_is_told_without_who_it_is_of(broker: Person, people: dict[str, str]) -> None:
    page = broker.client.get(PAGE).text
    assert cards(page) == {
        people["anna"]: "Vervoer, Maaltijden", people["bas"]: "Vervoer", people["chris"]: "Vervoer",
    }  # fmt: skip
    assert "Nederlands en Arabisch" in page
    assert not [name for name in people if name in page.lower().replace("handen", "")]
    assert not [name for name in people if f"06-{name}" in page]


def test_a_broker_looks_at_one_neighbourhood_or_one_service(broker: Person, people: dict[str, str]) -> None:
    def found(**asked: str) -> set[str]:
        return set(cards(broker.client.get(PAGE, params=asked).text))

    assert found(neighbourhood=f"{EAST}.2025") == {people["chris"]}
    assert found(neighbourhood=f"{WIJKEN[0]}.2025", service="meals") == {people["anna"]}
    assert found(neighbourhood=f"{NORTH}.2025") == set()
    assert found(service="nursing") == found(service="flying") == found(neighbourhood="nowhere") == set()
    assert "Niemand biedt dit hier aan" in broker.client.get(PAGE, params={"service": "nursing"}).text
    assert broker.client.get(PAGE, params={"service": "\x00"}).status_code == 400


def test_where_nobody_offers_anything_the_page_says_so(hamlet: Town, people: dict[str, str]) -> None:
    ends(hamlet, people["dora"], -1)
    page = signed_in(hamlet, "nel@example.nl", Role.broker, [NORTH]).client.get(PAGE).text
    ends(hamlet, people["dora"], 100)
    assert "biedt nog niemand iets aan" in page
    assert "Je hebt nog niemand iets gevraagd" in page


@pytest.mark.parametrize("role", [Role.contributor, Role.steward, Role.planner])
def test_others_do_not_see_the_page(hamlet: Town, people: dict[str, str], role: Role) -> None:
    areas = [GEMEENTE] if role == Role.steward else []
    other = signed_in(hamlet, f"{role}@example.nl", role, areas)
    assert other.client.get(PAGE).status_code == 403
    asked = other.fill("/account", {"message": "Hallo"}, f"{PAGE}/{people['anna']}/ask")
    assert asked.status_code == 403
    assert 'href="/offers"' not in other.client.get("/account").text


def test_a_request_goes_to_the_volunteer_and_the_answer_comes_back(
    hamlet: Town, broker: Person, people: dict[str, str]
) -> None:
    sent = ask(broker, people["anna"], service="transport")
    assert (sent.status_code, sent.headers["location"]) == (303, "/offers?service=transport&done=asked")
    page = broker.client.get(sent.headers["location"]).text
    for told in ("Je vraag is verstuurd", "er is nog geen antwoord", "nog geen antwoord", "Kun je dinsdag rijden?"):
        assert told in page
    assert f"/offers/{people['anna']}/ask" not in page
    reply(hamlet, "Kun je dinsdag rijden?", Reply.accepted, "Ja hoor, <b>bel</b> me")
    page = broker.client.get(PAGE).text
    assert "het antwoord is ja" in page
    assert "Ja hoor, &lt;b&gt;bel&lt;/b&gt; me" in page
    assert f"/offers/{people['anna']}/ask" in page
    assert "anna" not in page.lower()


def test_who_said_no_says_nothing_else(hamlet: Town, broker: Person, people: dict[str, str]) -> None:
    ask(broker, people["bas"])
    reply(hamlet, "Kun je dinsdag rijden?", Reply.declined, "")
    page = broker.client.get(PAGE).text
    assert "het antwoord is nee" in page
    assert "bas" not in page.lower().replace("basis", "")


@pytest.mark.parametrize("message", ["", "  ", "a" * 1001, "\x00"])
def test_a_message_that_is_empty_or_too_long_is_not_sent_and_not_lost(
    broker: Person, people: dict[str, str], message: str
) -> None:
    refused = ask(broker, people["anna"], message)
    assert refused.status_code == 400
    assert f'id="message-{people["anna"]}-flaw"' in refused.text
    assert message.replace("\x00", "�") in refused.text or message == "\x00"
    assert "Je hebt nog niemand iets gevraagd" in refused.text


def test_nobody_is_asked_twice_before_they_answer(broker: Person, people: dict[str, str]) -> None:
    assert ask(broker, people["anna"]).status_code == 303
    again = ask(broker, people["anna"], "En woensdag?")
    assert (again.status_code, "je hebt al iets gevraagd" in again.text) == (409, True)


@pytest.mark.parametrize(("name", "status"), [("chris", 409), ("dora", 404), ("emil", 404)])
def test_who_cannot_be_reached_or_lies_elsewhere_is_not_asked(
    hamlet: Town, broker: Person, people: dict[str, str], name: str, status: int
) -> None:
    assert ask(broker, people[name]).status_code == status
    with hamlet.sessions() as session:
        assert session.scalar(select(func.count(ContactRequest.id))) == 0


def test_twenty_requests_a_day_are_enough(broker: Person, people: dict[str, str]) -> None:
    assert {ask(broker, people["anna"], " ").status_code for _ in range(25)} == {400}  # nothing was asked
    told = [ask(broker, people["anna"]).status_code for _ in range(20)]
    assert told == [303] + [409] * 19
    refused = ask(broker, people["anna"])
    assert (refused.status_code, "20 keer iets gevraagd" in refused.text) == (429, True)
    assert 0 < int(refused.headers["retry-after"]) <= 2 * 24 * 3600
    assert "Kun je dinsdag rijden?" in refused.text


def test_a_request_comes_from_a_page_of_ours_only(hamlet: Town, broker: Person, people: dict[str, str]) -> None:
    path, told = f"{PAGE}/{people['anna']}/ask", {"message": "Hallo"}
    assert broker.client.post(path, data=told).status_code == 403
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert broker.client.post(path, data={**told, "csrf": broker.mark()}, headers=elsewhere).status_code == 403
    assert browser(hamlet).client.post(path, data=told).status_code == 401


def test_a_key_of_an_administrator_looks_and_does_not_ask(hamlet: Town, people: dict[str, str]) -> None:
    page = hamlet.get(PAGE, ADMIN)
    assert (page.status_code, set(cards(page.text)) >= {people["anna"]}) == (200, True)
    assert "/ask" not in page.text
    asked = hamlet.client.post(f"{PAGE}/{people['anna']}/ask", data={"message": "Hallo"}, headers=hamlet.headers(ADMIN))
    assert asked.status_code == 403


def test_the_pages_stand_in_the_navigation_of_those_who_may_see_them(hamlet: Town, broker: Person) -> None:
    anna = signed_in(hamlet, "anna@example.nl")
    for person, offers_too in ((broker, True), (anna, False), (browser(hamlet), None)):
        page = person.client.get("/about").text
        assert ('href="/volunteer"' in page) == (offers_too is not None)
        assert ('href="/offers"' in page) == bool(offers_too)
