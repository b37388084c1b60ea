"""Signing in by a provider: who comes in, and all that does not let anybody in."""

import json
import re
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import OctKey
from pydantic import SecretStr
from sqlalchemy import func, select

from api import forms
from api import provider as way
from api.app import create_app
from geo.people import accounts, provider
from geo.people.models import Account, Entry
from geo.sealing import seal
from geo.vocabulary import Role
from tests.integration.oidc import CLIENT, SECRET, Claims, Oidc, by_hand, elliptic, rsa, serving
from tests.integration.people import PASSWORD, Person, account, alone, browser
from tests.integration.town import Town

ANNA, BERT = "anna@example.nl", "bert@example.nl"
WHO = {"sub": "7f3a", "email": ANNA, "email_verified": True}
START, BACK = "/sign-in/provider", "http://kaart.test/sign-in/provider/back"
NAME = "Gemeente Testdorp"
OVER, REFUSED, UNKNOWN, DOWN = "Begin opnieuw", "heeft je niet binnengelaten", "geen account", "antwoordt niet"
KEY, OTHER, SHARED = rsa("one"), rsa("two"), OctKey.import_key(b"s" * 32)


class Door(NamedTuple):
    """A browser at an app that trusts a provider, with the provider."""

    person: Person
    oidc: Oidc
    town: Town
    app: FastAPI

    def another(self) -> "Door":
        """Give the same with another browser."""
        return self._replace(person=browser(self.town, self.app))

    def away(self, **asked: str) -> httpx.Response:
        """Press the button."""
        return self.person.client.get(START, params=asked or None)

    def there(self, **asked: str) -> str:
        """Press the button, be who one is at the provider, and give the address at which that sends one back."""
        gone = self.away(**asked)
        assert gone.status_code == 303, gone.text
        return httpx.get(gone.headers["location"]).headers["location"]

    def whole(self, **asked: str) -> httpx.Response:
        """Go the whole way."""
        return self.person.client.get(self.there(**asked))


Make = Callable[..., Door]


@pytest.fixture(autouse=True)
def anna(town: Town) -> None:
    """Let Anna have an account, nobody be signed in, and nothing be counted yet."""
    alone(town, ANNA)


@pytest.fixture
def make(town: Town) -> Iterator[Make]:
    """Give a maker of doors, with some settings or ways of the provider changed."""
    with ExitStack() as stack:

        def door(at: str = "http://kaart.test", settings: Claims | None = None, **told: Any) -> Door:
            given = {"back": f"{at}/sign-in/provider/back", "person": dict(WHO), "key": KEY}
            oidc = stack.enter_context(serving(Oidc(**{**given, **told})))
            trusted = {
                "oidc_issuer": oidc.url, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET),
                "oidc_name": NAME, "public_url": at,
            }  # fmt: skip
            made = town.app.state.settings.model_copy(update={**trusted, **(settings or {})})
            app = create_app(made, town.sessions)
            return Door(browser(town, app, at), oidc, town, app)

        yield door


@pytest.fixture
def door(make: Make) -> Door:
    return make()


def entries_of(town: Town) -> int:
    with town.sessions() as session:
        return session.scalar(select(func.count()).select_from(Entry)) or 0


def kept(town: Town, email: str = ANNA) -> Account:
    with town.sessions() as session:
        return session.scalars(select(Account).where(Account.email == email)).one()


def attributes(answer: httpx.Response, name: str) -> set[str]:
    """Give what a cookie is sent with, the cookie itself aside."""
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}="))
    return {part.lower() for part in cookie.split("; ")[1:]}


def turned_away(door: Door, answer: httpx.Response, status: int, words: str) -> None:
    """Check that somebody did not come in, was told why, and can try again or use a password."""
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert f'href="{START}' in answer.text
    assert forms.ENTRY not in door.person.cookies()
    assert way.COOKIE not in door.person.cookies()
    assert entries_of(door.town) == 0


def test_the_whole_way_in(door: Door) -> None:
    page = door.person.client.get("/sign-in", params={"next": "/gaps"}).text
    button = re.findall(rf'href="({START}[^"]*)"[^>]*>([^<]*)<', page)
    assert button == [(f"{START}?next=%2Fgaps", f"Inloggen met {NAME}")]
    gone = door.person.client.get(button[0][0])
    assert gone.status_code == 303
    assert gone.headers["cache-control"] == "private, no-store"
    assert attributes(gone, way.COOKIE) == {"httponly", "max-age=600", "path=/", "samesite=lax"}
    came = door.person.client.get(httpx.get(gone.headers["location"]).headers["location"])
    assert (came.status_code, came.headers["location"]) == (303, "/gaps")
    assert set(door.person.cookies()) == {forms.FORM, forms.ENTRY}
    assert ANNA in door.person.client.get("/account").text
    assert (kept(door.town).issuer, kept(door.town).subject) == (door.oidc.url, WHO["sub"])


def test_without_a_provider_there_is_neither_button_nor_way(town: Town) -> None:
    person = browser(town)
    assert START not in person.client.get("/sign-in").text
    assert [person.client.get(path).status_code for path in (START, BACK)] == [404, 404]


def test_a_provider_without_a_name_is_called_by_its_host(make: Make) -> None:
    assert "Inloggen met 127.0.0.1<" in make(settings={"oidc_name": ""}).person.client.get("/sign-in").text


def test_over_https_the_cookie_is_of_this_host_only(make: Make) -> None:
    door = make("https://kaart.test")
    gone = door.away()
    name = f"__Host-{way.COOKIE}"
    assert attributes(gone, name) == {"httponly", "max-age=600", "path=/", "samesite=lax", "secure"}
    came = door.person.client.get(httpx.get(gone.headers["location"]).headers["location"])
    assert came.status_code == 303
    assert set(door.person.cookies()) == {f"__Host-{forms.ENTRY}"}


@pytest.mark.parametrize(
    ("told", "settings"),
    [
        ({"methods": ["client_secret_post"]}, {}),
        ({"methods": ["client_secret_post", "client_secret_basic"]}, {}),
        ({"secret": ""}, {"oidc_client_secret": None}),
        ({"alg": "PS256"}, {}),
        ({"key": elliptic("e"), "alg": "ES256"}, {}),
        ({"public": [OTHER, KEY, elliptic("e")]}, {}),
        ({"other": {"aud": [CLIENT, "another"], "azp": CLIENT}}, {}),
        ({"other": {"aud": [CLIENT], "at_hash": None}}, {}),
        ({"query": "?tenant=testdorp"}, {}),
    ],
)
def test_a_provider_may_do_it_in_any_of_the_ways_of_the_standard(make: Make, told: Claims, settings: Claims) -> None:
    door = make(settings=settings, **told)
    assert door.whole().status_code == 303


def test_who_came_in_once_is_known_by_subject_whatever_their_address(door: Door) -> None:
    assert door.whole().status_code == 303
    door.oidc.person = {"sub": WHO["sub"], "email": BERT, "email_verified": False}
    assert door.whole().status_code == 303
    door.oidc.person = {"sub": WHO["sub"]}
    assert door.whole().status_code == 303
    assert entries_of(door.town) == 1


def test_a_new_entry_takes_the_place_of_the_one_of_this_browser(door: Door) -> None:
    door.person.fill("/sign-in", {"email": ANNA, "password": PASSWORD})
    before = door.person.cookies()[forms.ENTRY]
    assert door.whole().status_code == 303
    assert door.person.cookies()[forms.ENTRY] != before
    assert entries_of(door.town) == 1


def test_what_the_token_does_not_tell_the_provider_is_asked(make: Make) -> None:
    door = make(person={"sub": WHO["sub"]}, userinfo=dict(WHO))
    assert door.whole().status_code == 303
    assert door.oidc.of("userinfo") == 1


def test_what_the_provider_tells_of_another_person_counts_for_nobody(make: Make) -> None:
    door = make(person={"sub": "8b"}, userinfo=dict(WHO))
    turned_away(door, door.whole(), 403, REFUSED)
    assert kept(door.town).subject is None


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "/" + "x" * 5000])
def test_after_signing_in_by_a_provider_one_stays_on_this_site(door: Door, to: str) -> None:
    assert door.whole(next=to).headers["location"] == "/account"


def test_a_state_that_this_browser_did_not_begin_lets_nobody_in(door: Door) -> None:
    address = door.there()
    other = address.replace("state=", "state=x")
    turned_away(door, door.person.client.get(other), 400, OVER)
    turned_away(door, door.person.client.get(address), 400, OVER)  # the cookie is gone
    assert door.oidc.of("token") == 0


def test_what_another_browser_began_lets_nobody_in(door: Door) -> None:
    address = door.there()
    victim = door.another()
    turned_away(victim, victim.person.client.get(address), 400, OVER)
    victim.away()
    turned_away(victim, victim.person.client.get(address), 400, OVER)
    assert door.oidc.of("token") == 0


@pytest.mark.parametrize("cookie", ["", "x", "é".encode().decode("latin-1"), "AQ==", "A" * 400])
def test_a_cookie_that_is_not_ours_lets_nobody_in(door: Door, cookie: str) -> None:
    address = door.there()
    door.person.client.cookies.clear()
    headers = {"Cookie": f"{way.COOKIE}={cookie}".encode("latin-1")} if cookie else {}
    turned_away(door, door.person.client.get(address, headers=headers), 400, OVER)  # type: ignore[arg-type]
    assert door.oidc.of("token") == 0


def test_what_was_begun_more_than_ten_minutes_ago_is_over(door: Door) -> None:
    address = door.there()
    settings = door.town.app.state.settings
    state = parse_qs(urlsplit(address).query)["state"][0]
    for until, status in ((time.time() - 1, 400), (time.time() + 60, 403)):  # the second is refused by the provider
        begun = way.Begun(provider.Attempt(state, "n" * 43, "v" * 43), "", until)
        sealed = urlsafe_b64encode(seal(way._key(settings), way.COOKIE, begun)).decode()
        door.person.client.cookies.clear()
        door.person.client.cookies.set(way.COOKIE, sealed, domain="kaart.test", path="/")
        assert door.person.client.get(address).status_code == status
    assert entries_of(door.town) == 0


def test_a_copy_of_the_cookie_and_the_address_opens_nothing_a_second_time(door: Door) -> None:
    address = door.there()
    cookie = door.person.cookies()[way.COOKIE]
    assert door.person.client.get(address).status_code == 303
    thief = door.another().person.client
    thief.cookies.set(way.COOKIE, cookie, domain="kaart.test", path="/")
    assert thief.get(address).status_code == 400
    assert door.oidc.of("token") == 1
    assert entries_of(door.town) == 1


def test_a_code_of_before_or_of_another_try_lets_nobody_in(door: Door) -> None:
    used = parse_qs(urlsplit(door.there()).query)["code"][0]
    for _ in range(2):
        state = parse_qs(urlsplit(door.there()).query)["state"][0]
        answer = door.person.client.get(f"{BACK}?{urlencode({'code': used, 'state': state})}")
        turned_away(door, answer, 403, REFUSED)


def published(key: Claims) -> bytes:
    return json.dumps({"keys": [key]}).encode()


def signed(payload: bytes) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, payload, KEY, ["RS256"])


def unsigned(**header: str) -> Callable[[Claims], str]:
    return lambda claims: by_hand({"alg": "none", **header}, claims, None)


def hs256(key: bytes) -> Callable[[Claims], str]:
    return lambda claims: by_hand({"alg": "HS256", "kid": "one"}, claims, key)


LESS = {"other": {"at_hash": None}}  # so that nothing but the signature is wrong
WRONG: dict[str, dict[str, Any]] = {
    "a nonce of another try": {"other": {"nonce": "x" * 43}},
    "no nonce": {"other": {"nonce": None}},
    "for another service": {"other": {"aud": "another"}},
    "for another service, asked for by us": {"other": {"aud": "another", "azp": CLIENT}},
    "for nobody": {"other": {"aud": None}},
    "for several, none of them named": {"other": {"aud": [CLIENT, "another"]}},
    "for several, another one named": {"other": {"aud": [CLIENT, "another"], "azp": "another"}},
    "for us, asked for by another": {"other": {"azp": "another"}},
    "by another issuer": {"other": {"iss": "https://elsewhere.example"}},
    "by nobody": {"other": {"iss": None}},
    "expired": {"other": {"exp": int(time.time()) - 120}},
    "without an end": {"other": {"exp": None}},
    "with an end that is no number": {"other": {"exp": "tomorrow"}},
    "of the future": {"other": {"iat": int(time.time()) + 86_400}},
    "of no time": {"other": {"iat": None}},
    "about nobody": {"other": {"sub": None}},
    "about an empty name": {"other": {"sub": ""}},
    "about a number": {"other": {"sub": 7}},
    "about what cannot be kept": {"other": {"sub": "a\x00b"}},
    "about too long a name": {"other": {"sub": "x" * 256}},
    "beside another access token": {"other": {"at_hash": "A" * 22}},
    "without a signature": {**LESS, "signed": unsigned()},
    "without a signature, by a key": {**LESS, "signed": unsigned(kid="one")},
    "signed with the public key as a secret": {**LESS, "signed": hs256(KEY.as_pem(private=False))},
    "signed with the secret of the client": {**LESS, "signed": hs256(SECRET.encode())},
    "signed with a secret that is published": {
        **LESS, "signed": hs256(b"s" * 32), "answers": {"jwks": (200, published({**SHARED.as_dict(), "kid": "one"}))},
    },
    "signed by another key of the same name": {"public": [rsa("one")]},
    "signed by a key that is not published": {"public": [OTHER]},
    "signed by a key that is for something else": {
        "answers": {"jwks": (200, published({**KEY.as_dict(private=False), "use": "enc"}))}
    },
    "no token": {"signed": lambda _: "x.y.z"},
    "nothing": {"signed": lambda _: ""},
    "nested too deeply": {"signed": lambda _: signed(b"[" * 90_000)},
    "no object": {"signed": lambda _: signed(b"[]")},
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_that_is_not_right_lets_nobody_in(make: Make, wrong: str) -> None:
    door = make(**WRONG[wrong])
    turned_away(door, door.whole(), 403, REFUSED)
    assert kept(door.town).subject is None


def test_small_differences_between_two_clocks_do_no_harm(make: Make) -> None:
    now = int(time.time())
    assert make(other={"exp": now - 30, "iat": now + 30}).whole().status_code == 303


def test_keys_are_asked_for_again_where_a_token_names_another_and_only_then(door: Door) -> None:
    for _ in range(2):
        assert door.whole().status_code == 303
    assert (door.oidc.of("openid-configuration"), door.oidc.of("jwks")) == (1, 1)
    door.oidc.key = OTHER
    for _ in range(2):
        assert door.whole().status_code == 303
    assert (door.oidc.of("openid-configuration"), door.oidc.of("jwks")) == (1, 2)
    door.oidc.key, door.oidc.public = KEY, [OTHER]
    assert door.whole().status_code == 403
    assert door.oidc.of("jwks") == 3


@pytest.mark.parametrize(
    "person",
    [
        {"email": BERT, "email_verified": True}, {"email": ANNA, "email_verified": False}, {"email": ANNA},
        {"email": ANNA, "email_verified": "true"}, {"email": ANNA, "email_verified": 1}, {},
        {"email": [ANNA], "email_verified": True}, {"email": None, "email_verified": True},
        {"email": accounts.FIRST, "email_verified": True}, {"email": "", "email_verified": True},
    ],
)  # fmt: skip
def test_who_has_no_account_by_an_address_that_is_surely_theirs_is_told_whom_to_ask(make: Make, person: Claims) -> None:
    door = make(person={"sub": "9c", **person})
    with door.town.sessions() as session:
        accounts.placeholder(session)
        session.commit()
    answer = door.whole()
    turned_away(door, answer, 403, UNKNOWN)
    assert "Wie deze kaart beheert, kan er een voor je maken" in answer.text
    with door.town.sessions() as session:
        rows = session.execute(select(Account.email, Account.subject).order_by(Account.email)).all()
    assert rows == [(ANNA, None), (accounts.FIRST, None)]


@pytest.mark.parametrize("known", [True, False], ids=["bound", "by address"])
def test_who_is_disabled_stays_out_and_hears_no_more_than_who_has_no_account(door: Door, known: bool) -> None:
    if known:
        assert door.whole().status_code == 303
    with door.town.sessions() as session:
        accounts.disable(session, session.get_one(Account, kept(door.town).id))
        session.commit()
    door.person.client.cookies.clear()
    disabled = door.whole()
    turned_away(door, disabled, 403, UNKNOWN)
    assert (kept(door.town).subject is not None) == known
    door.oidc.person = {**WHO, "sub": "9c", "email": BERT}
    assert plain(door.whole()) == plain(disabled)


def plain(answer: httpx.Response) -> str:
    """Give a page without what is another one each time."""
    return re.sub(r'nonce="[^"]*"|value="[0-9a-f]{64}"', "", answer.text)


def test_an_address_that_passed_to_somebody_else_opens_no_account_of_another(door: Door) -> None:
    assert door.whole().status_code == 303
    door.person.fill("/account", {}, "/sign-out")
    door.oidc.person = {**WHO, "sub": "9c"}
    turned_away(door, door.whole(), 403, UNKNOWN)
    assert kept(door.town).subject == WHO["sub"]


def test_the_same_subject_of_another_provider_is_somebody_else(door: Door) -> None:
    with door.town.sessions() as session:
        bert = account(session, BERT, Role.admin)
        bert.issuer, bert.subject = "https://elsewhere.example", str(WHO["sub"])
        session.commit()
    assert door.whole().status_code == 303
    assert ANNA in door.person.client.get("/account").text


def test_two_at_once_with_one_account_are_one_person(make: Make) -> None:
    one = make()
    two = one.another()
    addresses = [one.there(), two.there()]
    with ThreadPoolExecutor(2) as threads:
        both = threads.map(lambda door, address: door.person.client.get(address).status_code, (one, two), addresses)
    assert list(both) == [303, 303]
    assert kept(one.town).subject == WHO["sub"]


@pytest.mark.parametrize(
    "told",
    [{"error": "access_denied"}, {"error": "<b>no</b>", "error_description": "<b>no</b>"}, {}, {"code": ""},
     {"code": "x", "iss": "https://elsewhere.example"}],
)  # fmt: skip
def test_who_comes_back_without_a_yes_is_told_so(door: Door, told: dict[str, str]) -> None:
    state = parse_qs(urlsplit(door.there()).query)["state"][0]
    answer = door.person.client.get(BACK, params={"state": state, **told})
    turned_away(door, answer, 403, REFUSED)
    assert "<b>" not in answer.text
    assert door.oidc.of("token") == 0


def test_a_refusal_keeps_where_one_wanted_to_be_and_leads_to_the_page_to_sign_in(door: Door) -> None:
    state = parse_qs(urlsplit(door.there(next="/gaps")).query)["state"][0]
    page = door.person.client.get(BACK, params={"state": state, "error": "access_denied", "code": "s3cret"})
    assert 'name="next" value="/gaps"' in page.text
    assert 'href="/sign-in?next=%2Fgaps&amp;lang=en"' in page.text
    assert "s3cret" not in page.text
    assert page.headers["cache-control"] == "private, no-store"
    english = door.person.client.get(BACK, headers={"Accept-Language": "en"}).text
    assert "This took too long, or was done already. Begin again." in english
    came = door.person.fill("/sign-in", {"email": ANNA, "password": PASSWORD, "next": "/gaps"})
    assert (came.status_code, came.headers["location"]) == (303, "/gaps")


RUBBISH = {
    "an error": (500, b"{}"), "a page": (200, b"<html>hello</html>"), "a list": (200, b"[]"), "nothing": (200, b""),
    "very much": (200, b'{"a": "' + b"x" * 2_000_000 + b'"}'), "very deep": (200, b"[" * 100_000),
    "another place": (302, b"{}"),
}  # fmt: skip


@pytest.mark.parametrize("what", RUBBISH)
@pytest.mark.parametrize("where", ["openid-configuration", "token", "jwks", "userinfo"])
def test_a_provider_that_answers_rubbish_lets_nobody_in_and_passwords_go_on(make: Make, where: str, what: str) -> None:
    door = make(answers={where: RUBBISH[what]})
    if where == "userinfo":
        door.oidc.userinfo, door.oidc.person = dict(WHO), {"sub": WHO["sub"]}
    answer = door.away() if where == "openid-configuration" else door.whole()
    turned_away(door, answer, 503, DOWN)
    assert door.person.fill("/sign-in", {"email": ANNA, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    "keys", [b"{}", b'{"keys": 1}', b'{"keys": [1, {}, {"kty": "RSA"}, {"kty": "EC", "crv": "x"}, {"kty": "oct"}]}']
)
def test_keys_that_are_none_open_nothing(make: Make, keys: bytes) -> None:
    door = make(answers={"jwks": (200, keys)})
    turned_away(door, door.whole(), 403, REFUSED)


def test_a_secret_that_the_provider_does_not_know_is_no_fault_of_who_signs_in(make: Make) -> None:
    door = make(secret="another one")
    turned_away(door, door.whole(), 503, DOWN)


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://elsewhere.example"}, {"issuer": None}, {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"}, {"authorization_endpoint": "http://elsewhere.example/x"},
        {"token_endpoint": "http://elsewhere.example/x"}, {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": ["https://elsewhere.example/x"]}, {"jwks_uri": "http://192.0.2.1/"}, {"jwks_uri": ""},
        {"authorization_endpoint": "https://elsewhere.example/\r\nx"}, {"jwks_uri": "https://[x"},
    ],
)  # fmt: skip
def test_a_provider_is_believed_only_as_the_one_that_is_trusted_and_over_https(make: Make, told: Claims) -> None:
    door = make(document=told)
    turned_away(door, door.away(), 503, DOWN)
    assert door.oidc.asked == ["/.well-known/openid-configuration"]


def test_a_provider_that_is_down_is_told_as_such_and_comes_back(make: Make) -> None:
    door = make(settings={"oidc_issuer": "http://127.0.0.1:1"})
    turned_away(door, door.away(), 503, DOWN)
    assert door.person.fill("/sign-in", {"email": ANNA, "password": PASSWORD}).status_code == 303
    door = make(answers={"openid-configuration": (503, b"")})
    assert door.away().status_code == 503
    del door.oidc.answers["openid-configuration"]
    assert door.whole().status_code == 303


def test_no_connection_to_the_database_is_held_while_the_provider_is_asked(door: Door) -> None:
    held: list[int] = []
    pool = door.town.engine.pool
    door.oidc.on_asked = lambda: held.append(pool.checkedout())  # type: ignore[attr-defined]
    assert door.whole().status_code == 303
    assert held == [0] * 4  # itself, its page, tokens, keys


def test_a_provider_that_says_nothing_is_waited_for_a_while(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "SILENCE_S", 0.2)
    door = make(silent_s=1.0)
    turned_away(door, door.away(), 503, DOWN)


def test_a_provider_that_never_ends_is_not_heard_out(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "ANSWER_S", 0.2)
    door = make(drips_s=0.1)
    turned_away(door, door.away(), 503, DOWN)


def test_a_slow_provider_holds_up_few(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SILENCE_S", 60.0), ("AT_ONCE", 2), ("TURN_S", 0.05)):
        monkeypatch.setattr(provider, name, value)
    goes_on = threading.Event()
    door = make(on_asked=goes_on.wait)
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(each.away) for each in [door.another() for _ in range(6)]]
        first = [each.result().status_code for _, each in zip(range(4), as_completed(waiting), strict=False)]
        asked = len(door.oidc.asked)
        goes_on.set()
    assert (first, asked) == ([503] * 4, 2)
    assert sorted(each.result().status_code for each in waiting) == [303] * 2 + [503] * 4


def test_who_begins_too_often_waits_and_is_told_how_long(door: Door) -> None:
    gone = [door.away() for _ in range(31)]
    assert [answer.status_code for answer in gone] == [303] * 30 + [429]
    assert int(gone[-1].headers["retry-after"]) > 0
    assert "Wacht" in gone[-1].text
    assert door.person.fill("/sign-in", {"email": ANNA, "password": PASSWORD}).status_code == 303


def test_the_log_tells_of_it_and_of_nobody(door: Door, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    door.whole()
    door.oidc.person = {"sub": "canary", "email": "canary@example.nl", "email_verified": True}
    door.whole()
    door.oidc.other = {"nonce": "canary"}
    door.whole()
    door.oidc.answers["token"] = (500, b'{"error": "canary"}')
    door.whole()
    told = capfd.readouterr().out
    events = re.findall(r"signed_in|sign_in_failed|provider_failed", told)
    assert events == ["signed_in", "sign_in_failed", *["provider_failed", "sign_in_failed"] * 2]
    assert "invalid_claim (nonce)" in told
    assert "status 500" in told
    for word in ("canary", ANNA, str(WHO["sub"]), "127.0.0.1"):
        assert word not in told
