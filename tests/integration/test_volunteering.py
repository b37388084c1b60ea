"""The page on which somebody offers something: what they agree to, withdraw, are asked, take along and have erased."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import shapely
from sqlalchemy import func, select, text, update

from geo import privacy, records
from geo.days import today
from geo.models import Asset
from geo.neighbourhoods import to_wgs84
from geo.people.models import Account
from geo.rights import Viewer
from geo.vocabulary import Kind, Purpose, Role
from geo.volunteers import consents, offers, requests
from geo.volunteers.models import Consent, ContactRequest, SecretReading, Volunteer
from maps import consenting
from tests.integration.people import PASSWORD, Person, browser, signed_in
from tests.integration.town import ADMIN, EAST, GEMEENTE, NORTH, WEST, Town

PAGE = "/volunteer"
HOME = "mijn huis is het groene"
PHONE = "06-55512345"
MIDDLE = to_wgs84(shapely.Point(92500, 465500)).centroid  # of West
PLACE = {"lon": str(MIDDLE.x), "lat": str(MIDDLE.y)}
OFFER = {
    "services": ["transport", "meals"], "target_groups": ["older_people"], "languages": ["nl", "tr", ""],
    "neighbourhood": f"{EAST}.2025", "phone": PHONE, "note": HOME, "purposes": ["offer"],
}  # fmt: skip
FORMS = (PAGE, f"{PAGE}/withdraw", f"{PAGE}/renew", "/account/erase")


@pytest.fixture
def anna(hamlet: Town) -> Iterator[Person]:
    """Give somebody who is signed in and offers nothing, before as after."""
    _forget(hamlet)
    yield signed_in(hamlet, "anna@example.nl")
    _forget(hamlet)


def _forget(town: Town) -> None:
    with town.sessions() as session:
        session.execute(text("DELETE FROM asset WHERE kind = 'volunteer'"))
        session.execute(text("DELETE FROM account"))
        session.execute(text("DELETE FROM allowance"))
        session.commit()


def offered(person: Person, **other: object) -> httpx.Response:
    """Send the form of an offer, with other values where they are named."""
    return person.client.post(PAGE, data={"csrf": person.mark(PAGE), **OFFER, **other})


def done(answer: httpx.Response) -> str:
    """Give what was done, as the address to which an answer leads says it."""
    assert answer.status_code == 303, re.findall(r'id="([^"]*)-flaw"', answer.text)
    path, _, what = answer.headers["location"].partition("?done=")
    assert path == PAGE
    return what


def held(town: Town, person: Person) -> dict[Purpose, Consent]:
    """Give the consents of somebody that are in force."""
    with town.sessions() as session:
        asset_id = session.scalar(select(Volunteer.asset_id).where(Volunteer.account_id == person.id))
        return {each.purpose: each for each in consents.of(session, asset_id)} if asset_id else {}


def ask(town: Town, person: Person, message: str = "Kun je dinsdag rijden?", email: str = "bea@example.nl") -> str:
    """Have the broker of the whole municipality ask somebody something; give the id of the request."""
    broker = signed_in(town, email, Role.broker, [GEMEENTE])
    with town.sessions() as session:
        asset_id = session.scalars(select(Volunteer.asset_id).where(Volunteer.account_id == person.id)).one()
        viewer = Viewer(Role.broker, f"account:{broker.id}", broker.id, frozenset({GEMEENTE}))
        made = requests.ask(session, viewer, asset_id, message).id
        session.commit()
    return str(made)


def ends(town: Town, person: Person, in_days: int) -> None:
    """Let what somebody agreed to end after so many days."""
    with town.sessions() as session:
        theirs = select(Volunteer.asset_id).where(Volunteer.account_id == person.id).scalar_subquery()
        given = {"given_at": func.now() - timedelta(600), "expires_on": today() + timedelta(in_days)}
        session.execute(update(Consent).where(Consent.asset_id == theirs).values(given))
        session.commit()


@pytest.mark.parametrize("path", [PAGE, "/offers"])
def test_a_visitor_is_sent_to_sign_in_and_comes_back(hamlet: Town, path: str) -> None:
    sent = browser(hamlet).client.get(path)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/sign-in?next=%2F{path[1:]}")
    with_a_key = hamlet.get(path, "wrong") if "wrong" in hamlet.keys else hamlet.client.get(
        path, headers={"X-API-Key": "kaart_nobody_nothing"}
    )  # fmt: skip
    assert with_a_key.status_code == 401


def test_the_form_ticks_nothing_in_advance(anna: Person) -> None:
    page = anna.client.get(PAGE)
    assert page.headers["cache-control"] == "private, no-store"
    assert "checked" not in page.text
    assert page.text.count('name="purposes"') == len(Purpose)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_purpose_is_asked_in_a_whole_sentence_of_the_version_that_is_kept(anna: Person, language: str) -> None:
    page = anna.client.get(PAGE, params={"lang": language}).text
    for purpose in Purpose:
        words = consenting.WORDS[consents.TEXT][purpose]
        assert (words in page) == (language == "en")
    assert ("Dit geldt twee jaar" in page) == (language == "nl")


def test_without_consent_nothing_is_kept_and_nothing_that_was_told_is_lost(hamlet: Town, anna: Person) -> None:
    refused = offered(anna, purposes=["contact"])
    assert refused.status_code == 400
    assert "Zonder deze toestemming mogen we je aanbod niet bewaren" in refused.text
    for told in (PHONE, HOME, 'value="transport" checked', 'value="tr" checked', 'value="contact"'):
        assert told in refused.text
    assert f'value="{EAST}.2025" selected' in refused.text
    with hamlet.sessions() as session:
        assert session.scalar(select(func.count(Asset.id)).where(Asset.kind == Kind.volunteer)) == 0


@pytest.mark.parametrize(
    ("told", "field", "words"),
    [
        ({"services": []}, "services", "Kies minstens één ding"),
        ({"services": ["flying"]}, "services", "Kies minstens één ding"),
        ({"target_groups": ["bankers"]}, "target_groups", "Kies uit de lijst"),
        ({"languages": ["klingon"]}, "languages", "Kies uit de lijst"),
        ({"neighbourhood": ""}, "neighbourhood", "Kies je buurt"),
        ({"neighbourhood": "BU99999999.2025"}, "neighbourhood", "Kies je buurt"),
        ({"neighbourhood": f"{GEMEENTE}.2025"}, "neighbourhood", "Kies je buurt"),
        ({"lon": "4.9", "lat": "52.37"}, "place", "ligt in geen van de buurten"),
        ({"lon": "nan", "lat": "nan"}, "place", "ligt in geen van de buurten"),
        ({"lon": "here", "lat": "there"}, "place", "ligt in geen van de buurten"),
        ({"phone": "0" * 201}, "phone", "Dit is te lang"),
        ({"note": "a" * 1001}, "note", "Dit is te lang"),
        ({"note": "\x00"}, "note", "Dit is te lang"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    hamlet: Town, anna: Person, told: dict[str, object], field: str, words: str
) -> None:
    refused = offered(anna, **told)
    assert refused.status_code == 400
    assert re.search(rf'id="{field}-flaw">[^<]*{words}', refused.text), refused.text
    assert held(hamlet, anna) == {}


def test_an_offer_is_kept_as_told_with_place_and_contacts_sealed(hamlet: Town, anna: Person) -> None:
    assert done(offered(anna, **PLACE)) == "saved"
    with hamlet.sessions() as session:
        offer = offers.mine(session, anna.id)
        assert offer is not None
        assert (offer.services, offer.target_groups, offer.languages) == (
            ["transport", "meals"], ["older_people"], ["nl", "tr"],
        )  # fmt: skip
        assert offer.neighbourhood_id == f"{WEST}.2025"  # the place tells, not what was chosen
        assert offer.place is None
        kept = privacy.read_secret(session, offer.id, "test")
        assert kept.place == pytest.approx((float(PLACE["lon"]), float(PLACE["lat"])))
        assert kept.contact == {"phone": PHONE, "note": HOME}
        everything = "".join(session.scalars(text("SELECT t::text FROM asset_secret t")))
    assert PHONE not in everything
    assert set(held(hamlet, anna)) == {Purpose.offer}


def test_ones_own_offer_stands_in_the_form_and_that_it_was_read_is_told(hamlet: Town, anna: Person) -> None:
    offered(anna, **PLACE)
    page = anna.client.get(PAGE).text
    for told in (PHONE, HOME, 'value="transport" checked', f'id="lon" value="{float(PLACE["lon"]):.6f}"'):
        assert told in page
    assert "om het op deze pagina te tonen" in page
    with hamlet.sessions() as session:
        assert {(row.read_by, row.why) for row in session.scalars(select(SecretReading))} == {
            (f"account:{anna.id}", "own page")
        }


def test_a_change_keeps_what_was_agreed_to_and_takes_away_what_is_left_out(hamlet: Town, anna: Person) -> None:
    offered(anna, **PLACE, purposes=["offer", "map"])
    before = held(hamlet, anna)
    changed = offered(anna, services=["language"], phone="", note="", purposes=["contact"], **PLACE, forget="yes")
    assert done(changed) == "saved"
    after = held(hamlet, anna)
    assert set(after) == set(Purpose)
    assert after[Purpose.map].id == before[Purpose.map].id
    with hamlet.sessions() as session:
        offer = offers.mine(session, anna.id)
        assert offer is not None
        assert (offer.services, offer.neighbourhood_id) == (["language"], f"{EAST}.2025")
        assert privacy.read_secret(session, offer.id, "test") == (None, {})


def test_each_purpose_is_withdrawn_by_itself(hamlet: Town, anna: Person) -> None:
    offered(anna, purposes=["offer", "contact", "map"])
    ask(hamlet, anna)
    assert done(anna.fill(PAGE, {"purpose": "map"}, f"{PAGE}/withdraw")) == "withdrawn"
    assert set(held(hamlet, anna)) == {Purpose.offer, Purpose.contact}
    assert "Kun je dinsdag rijden?" in anna.client.get(PAGE).text
    assert done(anna.fill(PAGE, {"purpose": "contact"}, f"{PAGE}/withdraw")) == "withdrawn"
    assert set(held(hamlet, anna)) == {Purpose.offer}
    assert "Kun je dinsdag rijden?" not in anna.client.get(PAGE).text


def test_to_withdraw_the_offer_is_asked_twice_and_then_nothing_of_it_is_left(hamlet: Town, anna: Person) -> None:
    offered(anna, **PLACE, purposes=["offer", "contact", "map"])
    ask(hamlet, anna)
    unsure = anna.fill(PAGE, {"purpose": "offer"}, f"{PAGE}/withdraw")
    assert (unsure.status_code, 'id="sure-flaw"' in unsure.text, len(held(hamlet, anna))) == (400, True, 3)
    assert done(anna.fill(PAGE, {"purpose": "offer", "sure": "yes"}, f"{PAGE}/withdraw")) == "erased"
    with hamlet.sessions() as session:
        for table in (Volunteer, Consent, ContactRequest, SecretReading):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    page = anna.client.get(f"{PAGE}?done=erased").text
    assert "Je aanbod is gewist" in page
    assert "checked" not in page
    assert anna.fill(PAGE, {"purpose": "map"}, f"{PAGE}/withdraw").status_code == 404


@pytest.mark.parametrize(("in_days", "asked"), [(consents.SOON_DAYS, True), (consents.SOON_DAYS + 1, False)])
def test_consent_that_ends_soon_is_asked_anew(hamlet: Town, anna: Person, in_days: int, asked: bool) -> None:
    offered(anna, purposes=["offer", "map"])
    ends(hamlet, anna, in_days)
    page = anna.client.get(PAGE).text
    assert ("Nog twee jaar toestemming geven" in page) == asked
    assert done(anna.fill(PAGE, {}, f"{PAGE}/renew")) == "renewed"
    until = {purpose: consent.expires_on for purpose, consent in held(hamlet, anna).items()}
    assert until == dict.fromkeys((Purpose.offer, Purpose.map), today() + timedelta(consents.LASTS_DAYS))


@pytest.mark.parametrize(("reply", "told"), [("accepted", "je zei ja"), ("declined", "je zei nee")])
def test_a_request_is_answered_once(hamlet: Town, anna: Person, reply: str, told: str) -> None:
    offered(anna, purposes=["offer", "contact"])
    request = f"/requests/{ask(hamlet, anna)}"
    page = anna.client.get(PAGE).text
    for shown in ("Kun je dinsdag rijden?", "bea@example.nl", "Bea", "wacht op je antwoord"):
        assert shown in page
    assert "1 verzoek wacht" in anna.client.get("/account").text
    too_long = anna.fill(PAGE, {"reply": reply, "words": "a" * 1001}, request)
    assert (too_long.status_code, "a" * 1001 in too_long.text) == (400, True)
    assert done(anna.fill(PAGE, {"reply": reply, "words": "Bel maar aan"}, request)) == "answered"
    assert done(anna.fill(PAGE, {"reply": "declined"}, request)) == "late"
    page = anna.client.get(PAGE).text
    assert told in page
    assert "Bel maar aan" in page


def test_nobody_sees_or_changes_what_another_offers(hamlet: Town, anna: Person) -> None:
    offered(anna, **PLACE, purposes=["offer", "contact"])
    request = f"/requests/{ask(hamlet, anna)}"
    chris = signed_in(hamlet, "chris@example.nl")
    offered(chris, phone="06-999", note="")
    for path in (PAGE, "/account/data"):
        told = chris.client.get(path).text
        assert not [word for word in (PHONE, HOME, "dinsdag", str(anna.id)) if word in told], path
    assert chris.fill(PAGE, {"reply": "accepted"}, request).status_code == 404
    assert chris.fill(PAGE, {"purpose": "offer", "sure": "yes"}, f"{PAGE}/withdraw").status_code == 303
    assert set(held(hamlet, anna)) == {Purpose.offer, Purpose.contact}
    assert "wacht op je antwoord" in anna.client.get(PAGE).text


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_its_mark_or_with_a_key_changes_nothing(hamlet: Town, anna: Person, form: str) -> None:
    offered(anna)
    told = {**OFFER, "purpose": "offer", "sure": "yes", "password": PASSWORD}
    forged = anna.client.post(form, data=told)
    elsewhere = anna.client.post(form, data={**told, "csrf": anna.mark()}, headers={"Sec-Fetch-Site": "cross-site"})
    by_key = hamlet.client.post(form, data=told, headers=hamlet.headers(ADMIN))
    assert (forged.status_code, elsewhere.status_code, by_key.status_code) == (403, 403, 404)
    assert set(held(hamlet, anna)) == {Purpose.offer}


def test_what_people_write_is_shown_as_text(hamlet: Town, anna: Person) -> None:
    evil = "</script><img src=x onerror=alert(1)>{{7*7}}"
    offered(anna, note=evil, phone=evil, purposes=["offer", "contact"])
    ask(hamlet, anna, evil)
    page = anna.client.get(PAGE).text
    assert "<img" not in page.replace('<img class="top__logo"', "")
    assert page.count("&lt;/script&gt;&lt;img") >= 3
    assert "49" not in re.findall(r"onerror=alert\(1\)&gt;([^<\"]*)", page)


def test_what_was_told_on_paper_is_not_lost_by_a_change(hamlet: Town, anna: Person) -> None:
    offered(anna)
    with hamlet.sessions() as session:
        records.act_as(session, "test")
        offer = offers.mine(session, anna.id)
        assert offer is not None
        privacy.keep_secret(session, offer.id, {"contact": {"adres": "Dorpsstraat 1", "note": "bel twee keer"}})
        session.commit()
    assert "bel twee keer\nadres: Dorpsstraat 1" in anna.client.get(PAGE).text


def test_somebody_takes_along_what_is_kept_about_them(
    hamlet: Town, anna: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    offered(anna, **PLACE, purposes=["offer", "contact"])
    ask(hamlet, anna)
    capfd.readouterr()
    answer = anna.client.get("/account/data")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="levende-kaart-{today()}.json"'
    assert answer.headers["cache-control"] == "private, no-store"
    told = json.loads(answer.text)
    assert told["account"]["email"] == "anna@example.nl"
    volunteer = told["volunteer"]
    assert volunteer["contact"] == {"phone": PHONE, "note": HOME}
    assert volunteer["true_place"] == pytest.approx([float(PLACE["lon"]), float(PLACE["lat"])])
    assert {consent["purpose"] for consent in volunteer["consents"]} == {"offer", "contact"}
    assert [request["message"] for request in volunteer["requests"]] == ["Kun je dinsdag rijden?"]
    assert volunteer["who_read_the_secrets"][0]["why"] == "access"
    assert "argon2" not in answer.text
    written = capfd.readouterr().out
    assert "exported" in written
    assert "own_data" in written
    assert "anna" not in written


def test_who_offers_nothing_takes_along_the_account_alone(anna: Person) -> None:
    told = anna.client.get("/account/data").json()
    assert (told["volunteer"], told["account"]["name"]) == (None, "Anna")


def test_an_account_is_erased_by_who_knows_its_password(hamlet: Town, anna: Person) -> None:
    offered(anna, **PLACE, purposes=["offer", "contact"])
    wrong = anna.fill("/account", {"password": "verkeerd paard batterij"}, "/account/erase")
    assert (wrong.status_code, "er is niets gewist" in wrong.text) == (400, True)
    gone = anna.fill("/account", {"password": PASSWORD}, "/account/erase")
    assert (gone.status_code, "Je account is gewist" in gone.text) == (200, True)
    assert "Inloggen" in gone.text
    assert anna.client.get("/account").status_code == 401
    with hamlet.sessions() as session:
        assert session.get(Account, anna.id) is None
        assert session.scalar(select(func.count(Asset.id)).where(Asset.kind == Kind.volunteer)) == 0


def test_an_account_without_a_password_is_erased_by_its_address(hamlet: Town, anna: Person) -> None:
    with hamlet.sessions() as session:
        session.execute(update(Account).where(Account.id == anna.id).values(password=None))
        session.commit()
    assert anna.fill("/account", {"email": "bea@example.nl"}, "/account/erase").status_code == 400
    assert anna.fill("/account", {"email": ""}, "/account/erase").status_code == 400
    assert anna.fill("/account", {"email": "Anna@Example.nl "}, "/account/erase").status_code == 200
    assert anna.client.get("/account").status_code == 401


def test_the_last_administrator_is_not_erased(hamlet: Town, anna: Person) -> None:
    boss = signed_in(hamlet, "boss@example.nl", Role.admin)
    kept = boss.fill("/account", {"password": PASSWORD}, "/account/erase")
    assert (kept.status_code, "de laatste hoofdbeheerder" in kept.text) == (400, True)
    signed_in(hamlet, "second@example.nl", Role.admin)
    assert boss.fill("/account", {"password": PASSWORD}, "/account/erase").status_code == 200


def test_a_password_is_not_guessed_by_erasing(hamlet: Town, anna: Person) -> None:
    told = [anna.fill("/account", {"password": "mis"}, "/account/erase").text for _ in range(6)]
    assert ["Te vaak geprobeerd" in page for page in told[:5]] == [False] * 5
    assert anna.fill("/account", {"password": PASSWORD}, "/account/erase").status_code == 400
    assert anna.client.get("/account").status_code == 200


def test_where_one_lives_is_a_neighbourhood_that_can_be_chosen(anna: Person) -> None:
    page = anna.client.get(PAGE).text
    assert re.findall(r'<option value="(BU\d+)\.2025"', page) == [EAST, WEST, NORTH]
    assert re.findall(r'<optgroup label="([^"]*)"', page) == ["Wijk WK900101", "Wijk WK900102"]
