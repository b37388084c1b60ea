"""Signing in and out over HTTP: cookies, forms that only our pages send, links, and nothing learnt from a refusal."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from api import forms
from api.app import create_app
from geo.people import accounts, links
from geo.people.models import Account, Entry
from geo.vocabulary import LinkPurpose, Role
from tests.integration.people import PASSWORD, Person, account, alone, browser, signed_in
from tests.integration.town import ASSETS, Town, feature, point

ANNA = "anna@example.nl"
RIGHT = {"email": ANNA, "password": PASSWORD}
ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(autouse=True)
def anna(town: Town) -> None:
    """Let Anna have an account, nobody be signed in, and nothing be counted yet."""
    alone(town, ANNA)


@pytest.fixture
def somebody(town: Town) -> Person:
    return browser(town)


def entries_of(town: Town) -> int:
    with town.sessions() as session:
        return session.scalar(select(func.count()).select_from(Entry)) or 0


def attributes(answer: httpx.Response, name: str) -> set[str]:
    """Give what a cookie is sent with, the cookie itself aside."""
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}="))
    return {re.sub(r"=\d+$", "=", part.lower()) for part in cookie.split("; ")[1:]}


def test_who_knows_the_password_comes_in_and_goes_out(town: Town, somebody: Person) -> None:
    assert somebody.client.get("/account").status_code == 401
    came = somebody.fill("/sign-in", RIGHT)
    assert (came.status_code, came.headers["location"]) == (303, "/account")
    mine = somebody.client.get("/account")
    assert (mine.status_code, ANNA in mine.text) == (200, True)
    assert "Anna" in re.findall(r'<nav class="top__nav".*?</nav>', somebody.client.get("/about").text, re.DOTALL)[0]
    left = somebody.fill("/account", {}, "/sign-out")
    assert left.status_code == 303
    assert forms.ENTRY not in somebody.cookies()
    assert entries_of(town) == 0
    assert somebody.client.get("/account").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(somebody: Person) -> None:
    came = somebody.fill("/sign-in", RIGHT)
    assert attributes(came, forms.ENTRY) == {"httponly", "max-age=", "path=/", "samesite=lax"}
    asked = httpx.Client(transport=somebody.client._transport, base_url="http://kaart.test").get("/sign-in")
    assert attributes(asked, forms.FORM) == {"httponly", "max-age=", "path=/", "samesite=strict"}


def test_over_https_the_cookies_are_of_this_host_only_and_never_sent_in_the_clear(town: Town) -> None:
    settings = town.app.state.settings.model_copy(update={"public_url": "https://kaart.test"})
    person = browser(town, create_app(settings, town.sessions), "https://kaart.test")
    came = person.fill("/sign-in", RIGHT)
    assert attributes(came, f"__Host-{forms.ENTRY}") == {"httponly", "max-age=", "path=/", "samesite=lax", "secure"}
    assert set(person.cookies()) == {f"__Host-{forms.ENTRY}", f"__Host-{forms.FORM}"}
    assert person.client.get("/account").status_code == 200
    left = person.fill("/account", {}, "/sign-out")
    assert "secure" in attributes(left, f"__Host-{forms.ENTRY}")


def test_signing_in_again_gives_another_token_and_ends_the_one_before(town: Town, somebody: Person) -> None:
    somebody.fill("/sign-in", RIGHT)
    before = somebody.cookies()[forms.ENTRY]
    somebody.fill("/sign-in", RIGHT)
    after = somebody.cookies()[forms.ENTRY]
    assert before != after
    assert entries_of(town) == 1
    old = browser(town)
    old.client.cookies.set(forms.ENTRY, before, domain="kaart.test", path="/")
    assert old.client.get("/account").status_code == 401


@pytest.mark.parametrize("how", ["made up", "expired", "disabled"])
def test_a_cookie_that_is_nobodys_any_more_makes_a_visitor_and_is_taken_back(town: Town, how: str) -> None:
    person = signed_in(town, ANNA)
    with town.sessions() as session:
        if how == "made up":
            person.client.cookies.set(forms.ENTRY, "x" * 43, domain="kaart.test", path="/")
        elif how == "expired":
            session.execute(update(Entry).values(expires_at=func.now() - timedelta(seconds=1)))
        else:
            accounts.disable(session, session.get_one(Account, person.id))
        session.commit()
    for path in ("/v1/", "/about"):
        person.client.cookies.set(forms.ENTRY, person.cookies()[forms.ENTRY], domain="kaart.test", path="/")
        answer = person.client.get(path)
        assert answer.status_code == 200
        assert "Max-Age=0" in answer.headers["set-cookie"]
        person.client.cookies.set(forms.ENTRY, "x" * 43, domain="kaart.test", path="/")


def test_pages_for_somebody_who_is_signed_in_are_kept_by_nobody(town: Town) -> None:
    person = signed_in(town, ANNA)
    for path in ("/", "/about", "/account", ASSETS, "/v1/"):
        headers = person.client.get(path).headers
        assert headers["cache-control"] == "private, no-store", path
        assert "cookie" in headers["vary"].lower(), path
    assert person.client.get("/static/kaart.css?v=1").headers["cache-control"].startswith("public")


def test_whatever_is_wrong_the_answer_is_the_same(town: Town, somebody: Person) -> None:
    with town.sessions() as session:
        account(session, "out@example.nl", Role.planner)
        accounts.disable(session, accounts.find(session, "out@example.nl"))  # type: ignore[arg-type]
        accounts.create(session, "new@example.nl", "New", Role.planner)
        session.commit()
    told = [
        (ANNA, "not the password"), ("nobody@example.nl", PASSWORD), ("out@example.nl", PASSWORD),
        (accounts.FIRST, "x"), ("new@example.nl", PASSWORD), ("no address", PASSWORD), ("a\x00b@example.nl", "x"),
        (ANNA, ""), (ANNA, "é" * 3000),
    ]  # fmt: skip
    answers = []
    for email, password in told:
        answer = somebody.fill("/sign-in", {"email": email, "password": password})
        page = re.sub(r'(nonce|value)="[^"]*"|nonce-[\w-]+', "", answer.text)
        answers.append((answer.status_code, page, [*answer.headers.get_list("set-cookie")]))
        assert PASSWORD not in answer.text
    assert {status for status, _, _ in answers} == {400}
    assert len({page for _, page, _ in answers}) == 1
    assert entries_of(town) == 0


def test_who_tries_too_often_waits_and_is_told_how_long(town: Town, somebody: Person) -> None:
    tried = [somebody.fill("/sign-in", {"email": f" {ANNA.upper()}", "password": f"guess {n}"}) for n in range(5)]
    assert {answer.status_code for answer in tried} == {400}
    refused = somebody.fill("/sign-in", RIGHT)
    assert refused.status_code == 429
    wait_s = int(refused.headers["retry-after"])
    assert 1 <= wait_s <= 2 * 900
    assert f"Wacht {-(-wait_s // 60)} minuten" in refused.text or "Wacht een minuut" in refused.text
    assert entries_of(town) == 0
    unknown = [somebody.fill("/sign-in", {"email": "nobody@example.nl", "password": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in unknown] == [400] * 5 + [429]


def test_one_address_tries_thirty_times_whoever_it_says_it_is(somebody: Person) -> None:
    mark = somebody.mark("/sign-in")
    statuses = []
    for number in range(31):
        told = {"csrf": mark, "email": f"{number}@example.nl", "password": "x"}
        statuses.append(somebody.client.post("/sign-in", data=told, headers={"X-Forwarded-For": f"10.0.0.{number}"}))
    assert [answer.status_code for answer in statuses] == [400] * 30 + [429]


def test_a_right_password_lets_the_count_of_the_address_begin_anew(town: Town) -> None:
    for _ in range(3):
        for _ in range(3):
            assert browser(town).fill("/sign-in", {"email": ANNA, "password": "wrong"}).status_code == 400
        assert browser(town).fill("/sign-in", RIGHT).status_code == 303


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/gaps", "/gaps"), ("/places/1?lang=en", "/places/1?lang=en"), ("", "/account"), ("gaps", "/account"),
        ("//elsewhere.example", "/account"), ("/\\elsewhere.example", "/account"), (ELSEWHERE, "/account"),
        ("/\t/elsewhere.example", "/account"), ("/\n/elsewhere.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("\\\\elsewhere.example", "/account"), (" //elsewhere.example", "/account"), ("/é", "/account"),
    ],
)  # fmt: skip
def test_after_signing_in_one_goes_on_within_this_site_only(somebody: Person, path: str, to: str) -> None:
    came = somebody.fill("/sign-in", {**RIGHT, "next": path})
    assert (came.status_code, came.headers["location"]) == (303, to)


def test_the_page_keeps_where_one_wanted_to_be_if_that_is_here(somebody: Person) -> None:
    assert 'name="next" value="/gaps"' in somebody.client.get("/sign-in", params={"next": "/gaps"}).text
    assert (
        "elsewhere"
        not in somebody.client.get("/sign-in", params={"next": "//elsewhere.example"}).text.partition("<main")[2]
    )


@pytest.mark.parametrize("mark", [None, "", "x" * 64, "é", "of another browser"])
def test_a_form_without_the_mark_of_this_browser_is_refused(town: Town, somebody: Person, mark: str | None) -> None:
    somebody.mark("/sign-in")
    told = browser(town).mark("/sign-in") if mark == "of another browser" else mark
    for path in ("/sign-in", "/welcome/x"):
        answer = somebody.client.post(path, data=RIGHT if told is None else {**RIGHT, "csrf": told})
        assert answer.status_code == 403
        assert "Open de pagina opnieuw" in answer.text
    assert entries_of(town) == 0


def test_a_form_without_the_cookie_of_the_forms_is_refused(town: Town, somebody: Person) -> None:
    mark = somebody.mark("/sign-in")
    somebody.client.cookies.clear()
    assert somebody.client.post("/sign-in", data={**RIGHT, "csrf": mark}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303), ({"Sec-Fetch-Site": "same-origin"}, 303), ({"Origin": "http://kaart.test"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Origin": ELSEWHERE}, 403),
        ({"Origin": "null"}, 403), ({"Origin": "http://kaart.test.elsewhere.example"}, 403), ({"Origin": ""}, 403),
    ],
)  # fmt: skip
def test_a_form_that_another_site_sends_is_refused(somebody: Person, headers: dict[str, str], status: int) -> None:
    assert somebody.fill("/sign-in", RIGHT, **headers).status_code == status


CHANGES = [
    ("POST", ASSETS), ("PATCH", f"{ASSETS}/00000000-0000-4000-8000-000000000000"), ("POST", "/sign-out"),
    ("DELETE", f"{ASSETS}/00000000-0000-4000-8000-000000000000"), ("POST", "/account/password"),
    ("POST", "/account/sign-out-everywhere"), ("POST", "/v1/imports"), ("POST", "/v1/coverage/runs"),
    ("POST", "/sign-in"), ("POST", "/v1/coverage/what-if"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_no_change_goes_by_the_cookie_alone(town: Town, method: str, path: str) -> None:
    person = signed_in(town, ANNA, Role.contributor)
    body = feature(point(4.47, 52.18), kind="community_room", name="Kamer")
    for headers in ({}, {forms.HEADER: "x" * 64}, {forms.HEADER: person.mark(), "Sec-Fetch-Site": "cross-site"}):
        sent = {"json": body} if path.startswith("/v1") else {"data": {"csrf": ""}}
        answer = person.client.request(method, path, headers=headers, **sent)
        assert answer.status_code in (400, 403), headers
        assert answer.status_code == 403 or path in ("/v1/imports", "/v1/coverage/runs", "/v1/coverage/what-if"), (
            headers
        )
    assert entries_of(town) == 1


def test_a_change_with_the_mark_of_this_entry_goes_through_and_that_of_another_does_not(town: Town) -> None:
    person, other = signed_in(town, ANNA), signed_in(town, "bert@example.nl")
    body = feature(point(4.47, 52.18), kind="community_room", name="Kamer")
    assert person.send("POST", ASSETS, body).status_code == 201
    wrong = person.client.post(ASSETS, json=body, headers={forms.HEADER: other.mark()})
    assert wrong.status_code == 403
    assert wrong.json()["detail"] == forms.FORGED


def test_a_key_needs_no_mark_and_goes_before_the_cookie(town: Town) -> None:
    person = signed_in(town, ANNA)
    body = feature(point(4.47, 52.18), kind="community_room", name="Kamer")
    made = person.client.post(ASSETS, json=body, headers=town.headers("admin"))
    assert (made.status_code, made.json()["properties"]["status"]) == (201, "published")
    assert person.client.get("/v1/", headers=town.headers("revoked")).status_code == 401


def link(town: Town, email: str = ANNA) -> str:
    with town.sessions() as session:
        found = accounts.find(session, email)
        assert found
        token = links.make(session, found, LinkPurpose.invite)
        session.commit()
    return f"/welcome/{token}"


def test_a_link_sets_a_password_once_and_signs_in(town: Town, somebody: Person) -> None:
    path = link(town)
    page = somebody.client.get(path)
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "same-origin")
    assert page.headers["cache-control"] == "private, no-store"
    came = somebody.fill(path, {"password": "een heel ander woord"})
    assert (came.status_code, came.headers["location"]) == (303, "/account")
    assert somebody.client.get("/account").status_code == 200
    other = browser(town)
    assert other.client.get(path).status_code == 404
    mark = other.mark("/sign-in")
    assert other.client.post(path, data={"csrf": mark, "password": "nog een ander woord"}).status_code == 404
    assert other.fill("/sign-in", RIGHT).status_code == 400
    assert other.fill("/sign-in", {"email": ANNA, "password": "een heel ander woord"}).status_code == 303


def test_a_weak_password_leaves_the_link_as_it_was(town: Town, somebody: Person) -> None:
    path = link(town)
    for weak in ("", "short", "anna anna anna", "aaaaaaaaaaaaaaa"):
        answer = somebody.fill(path, {"password": weak})
        assert answer.status_code == 400
        assert "te kort of te makkelijk te raden" in answer.text
    assert entries_of(town) == 0
    assert somebody.fill(path, {"password": "een heel ander woord"}).status_code == 303


def test_the_first_administrator_tells_who_they_are_and_all_or_nothing_is_kept(town: Town, somebody: Person) -> None:
    with town.sessions() as session:
        session.execute(delete(Account))
        token = links.first(session)
        session.commit()
    path = f"/welcome/{token}"
    told = {"name": "Eva", "email": "eva.de.eerste@example.nl", "password": "een heel ander woord"}
    for wrong in (
        {"email": "no address"},
        {"password": "short"},
        {"password": "eva.de.eerste 1"},
        {"name": "x" * 1000},
    ):
        assert somebody.fill(path, {**told, **wrong}).status_code == 400
        with town.sessions() as session:
            assert session.scalars(select(Account.email)).all() == [accounts.FIRST]
            assert session.scalar(select(Account.password)) is None
    assert somebody.fill(path, told).status_code == 303
    with town.sessions() as session:
        made = session.scalars(select(Account)).one()
        assert (made.email, made.name, made.role) == (told["email"], "Eva", Role.admin)
    assert browser(town).client.get(path).status_code == 404
    assert browser(town).fill("/sign-in", told).status_code == 303


def test_another_password_needs_the_one_of_now_and_signs_out_all_other_devices(town: Town) -> None:
    here, there = signed_in(town, ANNA), signed_in(town, ANNA)
    fresh = "een heel ander woord"
    for told in ({"password": "wrong", "fresh": fresh}, {"password": PASSWORD, "fresh": "short"}, {}):
        assert here.fill("/account", told, "/account/password").status_code == 400
        assert there.client.get("/account").status_code == 200
    before = here.cookies()[forms.ENTRY]
    assert here.fill("/account", {"password": PASSWORD, "fresh": fresh}, "/account/password").status_code == 303
    assert here.cookies()[forms.ENTRY] != before
    assert (here.client.get("/account").status_code, there.client.get("/account").status_code) == (200, 401)
    assert browser(town).fill("/sign-in", RIGHT).status_code == 400
    assert browser(town).fill("/sign-in", {"email": ANNA, "password": fresh}).status_code == 303


def test_the_password_of_now_is_not_guessed_by_who_finds_a_device_open(town: Town) -> None:
    person = signed_in(town, ANNA)
    guesses = [{"password": f"guess {number}", "fresh": "een heel ander woord"} for number in range(6)]
    pages = [person.fill("/account", told, "/account/password").text for told in guesses]
    assert ["Te veel pogingen" in page for page in pages] == [False] * 5 + [True]


def test_one_signs_out_everywhere_and_sees_where_one_is_signed_in(town: Town) -> None:
    devices = [signed_in(town, ANNA) for _ in range(3)]
    other = signed_in(town, "bert@example.nl")
    assert "en op 2 andere apparaten" in devices[0].client.get("/account").text
    assert devices[0].fill("/account", {}, "/account/sign-out-everywhere").status_code == 303
    assert [each.client.get("/account").status_code for each in devices] == [401] * 3
    assert other.client.get("/account").status_code == 200


def test_what_a_person_is_called_is_text_and_nothing_else(town: Town) -> None:
    person = signed_in(town, ANNA)
    with town.sessions() as session:
        accounts.change(session, person.id, name="<b>{{7*7}}</b>")
        session.commit()
    for path in ("/", "/about", "/account"):
        page = person.client.get(path).text
        assert "<b>{{" not in page
        assert "&lt;b&gt;{{7*7}}&lt;/b&gt;" in page
