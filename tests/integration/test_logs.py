"""What the service writes about itself: the events that matter, and no word of anybody's."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api import logs
from api.app import create_app
from tests.integration.town import ADMIN, AGREED, ASSETS, Form, Town, feature, served

CANARY = "kanarie7f3a"
MAIL, WORDS = f"{CANARY}@example.org", f"{CANARY} woont hier"
ADDRESS = "203.0.113.77"
SENT = {  # in every header that a program or a person fills
    "User-Agent": WORDS, "Referer": f"https://example.org/{CANARY}", "Cookie": f"kaart_language={CANARY}; x={CANARY}",
    "Accept-Language": CANARY, "X-Forwarded-For": ADDRESS, "Origin": f"https://{CANARY}.example", "If-Match": CANARY,
    "X-API-Key": f"kaart_0123abcd_{CANARY}", "Authorization": f"Bearer {CANARY}",
}  # fmt: skip
Written = Callable[[], str]


@pytest.fixture(params=[True, False], ids=["json", "plain"])
def log_json(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def written(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Written:
    """Give all that was written since it was asked last, wherever to."""

    def read() -> str:
        told = "".join(capfd.readouterr()) + caplog.text
        caplog.clear()
        return told

    return read


def boom(q: str = "") -> None:
    raise RuntimeError(f"a defect with {q}")


@contextmanager
def serving(town: Town, **told: Any) -> Iterator[httpx.Client]:
    """Serve the town over a real connection, with a defect at two places."""
    app = create_app(town.app.state.settings.model_copy(update=told), town.sessions)
    for path in ("/boom", "/v1/coverage/runs/boom/changes"):  # its parameters are let through to the defect
        app.router.add_api_route(path, boom, name="about_page")
    with served(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def events(told: str, log_json: bool) -> list[dict[str, Any]]:
    """Read the lines of a log; of a plain one only the name of the event."""
    lines = [line for line in told.splitlines() if line.strip()]
    if log_json:
        return [json.loads(line) for line in lines]
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]  # without its colours
    return [{"event": name} for line in plain for name in EVENTS if f"] {name} " in f"{line} "]


EVENTS = ("denied", "limited", "defect", "database", "signed_in", "sign_in_failed", "key_made", "key_revoked")


def test_a_session_full_of_what_people_send_leaves_no_word_of_it_in_the_log(
    town: Town, written: Written, log_json: bool
) -> None:
    key = town.headers(ADMIN)
    person = feature(None, kind="volunteer", name=WORDS, contact={"email": MAIL})
    statuses = set()
    written()
    with serving(town, log_json=log_json, requests_a_minute=0) as client:
        for path in ("/", "/about", ASSETS, "/boom", f"/{CANARY}", f"/v1/{CANARY}", f"/places/{CANARY}", "/v1/imports"):
            for headers in (SENT, {**SENT, **key}):
                answers = [client.get(path, params={"q": WORDS, CANARY: MAIL}, headers=headers), client.get(path)]
                answers += [client.post(path, json={**person, CANARY: WORDS}, headers=headers)]
                statuses |= {answer.status_code for answer in answers}
        statuses.add(client.post(ASSETS, json=person, headers=town.headers("visitor")).status_code)
        statuses.add(client.post(ASSETS, content=f"{CANARY}" * 100_000, headers=SENT).status_code)
        form = Form({"what": CANARY, "mapping": WORDS}, {"file": (f"{CANARY}.csv", WORDS)})
        statuses.add(client.post("/v1/imports", data=form.fields, files=form.files, headers=key).status_code)
        with broken(town):
            sent = feature(None, kind="volunteer", services=["meals"], contact={"email": MAIL}, consent=AGREED)
            statuses.add(client.post(ASSETS, json=sent, headers=key).status_code)
    logs._told_at.clear()  # else it may have been told a moment ago
    with serving(town, log_json=log_json, requests_a_minute=1) as client:
        statuses |= {client.get("/v1/", params={"q": WORDS}, headers=SENT).status_code for _ in range(3)}
    assert {200, 400, 401, 403, 404, 405, 413, 429, 500, 503} <= statuses
    told = written()
    assert {"denied", "limited", "defect", "database"} <= {event["event"] for event in events(told, log_json)}
    for canary in (CANARY, ADDRESS, "127.0.0.1", *town.keys.values()):
        assert canary not in told
    assert not [secret for key in town.keys.values() if (secret := key.split("_", 2)[2]) in told]


@contextmanager
def broken(town: Town) -> Iterator[None]:
    """Let the table of secrets be gone for a moment."""
    with town.engine.begin() as connection:
        connection.execute(text("ALTER TABLE asset_secret RENAME TO gone"))
    try:
        yield
    finally:
        with town.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO asset_secret"))


def test_a_refused_role_is_told_with_what_it_was_refused(town: Town, written: Written) -> None:
    with serving(town, log_json=True, requests_a_minute=0) as client:
        written()
        for who in ("nobody", "visitor", "wrong"):
            client.post(ASSETS, json=feature(None), headers=town.headers(who))
        told = events(written(), log_json=True)
    expected = {"event": "denied", "level": "warning", "role": "visitor", "operation": "create_asset"}
    assert [{name: each[name] for name in expected} for each in told] == [expected] * 3
    assert all(each.keys() == {*expected, "timestamp"} for each in told)


def test_a_crowd_that_is_refused_does_not_fill_the_log(town: Town, written: Written) -> None:
    with serving(town, log_json=True, requests_a_minute=1) as client:
        client.get("/v1/")
        written()
        refused = [client.post(ASSETS).status_code for _ in range(20)]
        told = events(written(), log_json=True)
    assert refused.count(429) >= 19
    limits = [each["use"] for each in told if each["event"] == "limited"]
    assert 1 <= len(limits) < 20
    assert set(limits) == {"writing"}


def test_signing_in_and_keys_are_told_without_saying_whose(town: Town, written: Written) -> None:
    logs.configure(town.app.state.settings.model_copy(update={"log_json": True}))
    written()
    logs.signed_in("steward", "password")
    logs.sign_in_failed("provider")
    logs.provider_failed("It does not answer.")
    logs.key_made("0123abcd", "planner")
    logs.key_revoked("0123abcd")
    told = events(written(), log_json=True)
    for each in told:
        del each["timestamp"]
    assert told == [
        {"event": "signed_in", "level": "info", "role": "steward", "way": "password"},
        {"event": "sign_in_failed", "level": "warning", "way": "provider"},
        {"event": "provider_failed", "level": "warning", "why": "It does not answer."},
        {"event": "key_made", "level": "info", "key": "0123abcd", "role": "planner"},
        {"event": "key_revoked", "level": "info", "key": "0123abcd"},
    ]
