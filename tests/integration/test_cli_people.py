"""`kaart user` and the first start, on a database of their own: what they print, and how they refuse."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from geo import db, neighbourhoods
from geo.assets import create
from geo.neighbourhoods import Origin
from geo.people import accounts, entries, links
from geo.people.models import Account
from geo.settings import CHECKOUT
from geo.vocabulary import Kind, Role
from tests.integration.commands import Kaart, refusal
from tests.integration.town import BUURTEN, EAST, WEST

EMAIL, PASSWORD = "anna@example.nl", "drie fietsen en een brug"
LINK = re.compile(r"http://127\.0\.0\.1:\d+/welcome/([\w-]{43})")


@pytest.fixture
def sessions(database_url: str) -> Iterator[sessionmaker[Session]]:
    engine = db.engine(database_url)
    yield db.sessions(engine)
    engine.dispose()


@pytest.fixture
def buurten(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        neighbourhoods.load(session, BUURTEN, Origin(2025, "test", None, schematic=False), {})


def kept(sessions: sessionmaker[Session], email: str = EMAIL) -> Account:
    with sessions() as session:
        account = accounts.find(session, email)
    assert account is not None
    return account


def token(printed: str) -> str:
    found = LINK.fullmatch(printed.strip())
    assert found is not None, printed
    return found[1]


def test_an_account_is_made_with_a_link_that_sets_its_password_and_is_nowhere_kept(
    kaart: Kaart, sessions: sessionmaker[Session], buurten: None
) -> None:
    given = token(
        kaart("user", "add", "Anna@example.nl", "--name", "Anna", "--role", "steward", "--area", WEST, "--area", EAST)
    )
    anna = kept(sessions)
    assert (anna.email, anna.name, anna.role, anna.areas) == (EMAIL, "Anna", Role.steward, [WEST, EAST])
    assert anna.password is None
    with sessions.begin() as session:
        rows = session.execute(text("SELECT l::text, expires_at - now() FROM account_link l")).all()
        assert [given in row for row, _ in rows] == [False]
        assert 71.9 < rows[0][1].total_seconds() / 3600 <= 72
        assert links.use(session, given, PASSWORD).email == EMAIL
        assert accounts.sign_in(session, EMAIL, PASSWORD).id == anna.id


def test_who_is_added_without_a_role_is_a_contributor(kaart: Kaart, sessions: sessionmaker[Session]) -> None:
    kaart("user", "add", EMAIL, "--name", "Anna")
    assert kept(sessions).role == Role.contributor


def test_links_begin_with_the_address_that_the_outside_world_uses(
    kaart: Kaart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAART_PUBLIC_URL", "https://kaart.example.nl/")
    assert kaart("user", "add", EMAIL, "--name", "Anna").startswith("https://kaart.example.nl/welcome/")


def test_what_cannot_be_is_refused_in_one_line_each_and_makes_nothing(kaart: Kaart) -> None:
    add = ("user", "add", EMAIL, "--name", "Anna", "--role")
    assert "is no e-mail address" in refusal(kaart, "user", "add", "anna", "--name", "Anna")
    assert "a visitor has no account" in refusal(kaart, *add, "visitor")
    assert "name them by their codes" in refusal(kaart, *add, "broker")
    assert "no neighbourhood with the code 'BU99999999'" in refusal(kaart, *add, "broker", "--area", "BU99999999")
    assert "looks after no neighbourhoods" in refusal(kaart, *add, "admin", "--area", WEST)
    assert "--role" in refusal(kaart, *add, "king")
    assert kaart("user", "list") == "Nobody has an account.\n"
    kaart(*add, "planner")
    assert refusal(kaart, *add, "admin") == f"✗ {EMAIL} has an account already."
    for words in (("change", "--name", "x"), ("disable",), ("enable",), ("link",)):
        said = refusal(kaart, "user", words[0], "bram@example.nl", *words[1:])
        assert said == "✗ There is no account with the e-mail address 'bram@example.nl'."


def test_the_list_tells_of_each_account_what_it_is_and_who_is_signed_in(
    kaart: Kaart, sessions: sessionmaker[Session], buurten: None
) -> None:
    kaart("user", "add", EMAIL, "--name", "[bold]Anna", "--role", "broker", "--area", EAST)
    kaart("user", "add", "bram@example.nl", "--name", "Bram", "--role", "planner")
    kaart("user", "disable", "bram@example.nl")
    with sessions.begin() as session:
        anna = accounts.find(session, EMAIL)
        assert anna is not None
        given = entries.begin(session, anna)
        made = f"{anna.created_at:%Y-%m-%d}"
    printed = kaart("user", "list")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "example.nl" in line]
    assert rows[0][:5] == [EMAIL, "[bold]Anna", "broker", EAST, made]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", rows[0][5])
    assert rows[0][6] == ""
    assert rows[1] == ["bram@example.nl", "Bram", "planner", "", made, "", made]
    assert given not in printed


def test_a_change_is_of_what_is_named(kaart: Kaart, sessions: sessionmaker[Session], buurten: None) -> None:
    kaart("user", "add", EMAIL, "--name", "Anna")
    assert refusal(kaart, "user", "change", EMAIL) == "✗ Say what to change: --name, --role or --area."
    assert kaart("user", "change", EMAIL, "--name", "Anna B.") == "Changed.\n"
    assert (kept(sessions).name, kept(sessions).role) == ("Anna B.", Role.contributor)
    kaart("user", "change", EMAIL, "--role", "steward", "--area", WEST)
    kaart("user", "change", EMAIL, "--role", "broker")
    assert (kept(sessions).role, kept(sessions).areas) == (Role.broker, [WEST])
    kaart("user", "change", EMAIL, "--area", EAST)
    assert kept(sessions).areas == [EAST]
    kaart("user", "change", EMAIL, "--role", "admin")
    assert (kept(sessions).name, kept(sessions).role, kept(sessions).areas) == ("Anna B.", Role.admin, [])


def test_who_is_disabled_is_out_and_comes_back_with_the_same_password(
    kaart: Kaart, sessions: sessionmaker[Session]
) -> None:
    given = token(kaart("user", "add", EMAIL, "--name", "Anna"))
    with sessions.begin() as session:
        entry = entries.begin(session, links.use(session, given, PASSWORD))
    reset = token(kaart("user", "link", EMAIL))
    assert kaart("user", "disable", EMAIL) == "Disabled.\n"
    with sessions() as session:
        assert entries.who(session, entry) is None
        assert links.open_(session, reset) is None
    assert refusal(kaart, "user", "link", EMAIL) == "✗ This account is disabled: enable it first."
    assert kaart("user", "enable", EMAIL) == "Enabled.\n"
    with sessions() as session:
        assert accounts.sign_in(session, EMAIL, PASSWORD).email == EMAIL


def test_a_new_link_invites_who_has_no_password_and_resets_that_of_others(
    kaart: Kaart, sessions: sessionmaker[Session]
) -> None:
    def hours() -> list[tuple[str, int]]:
        with sessions() as session:
            asked = "SELECT purpose, round(extract(epoch FROM expires_at - now()) / 3600)::int FROM account_link"
            return [(purpose, lasts) for purpose, lasts in session.execute(text(f"{asked} WHERE used_at IS NULL"))]

    older = token(kaart("user", "add", EMAIL, "--name", "Anna"))
    newer = token(kaart("user", "link", EMAIL))
    assert hours() == [("invite", 72)]
    with sessions.begin() as session:
        assert links.open_(session, older) is None
        links.use(session, newer, PASSWORD)
    token(kaart("user", "link", EMAIL))
    assert hours() == [("reset", 1)]


def test_a_key_has_the_role_that_is_named(kaart: Kaart) -> None:
    kaart("key", "create", "machine", "--role", "planner")
    assert "planner" in kaart("key", "list")


def started(database_url: str, var: Path) -> list[str]:
    """Start the service on a database, stop it when it answers, and give what it said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"KAART_DATABASE_URL": database_url, "KAART_VAR": str(var), "KAART_PORT": port, "KAART_TILE_URL": ""}
    command = [sys.executable, "-c", "from api.cli import main; main()", "up", "--no-worker"]
    with subprocess.Popen(
        command, env=os.environ | told, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as up:
        until = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/readyz"):
            assert up.poll() is None, up.communicate()
            assert time.monotonic() < until
            time.sleep(0.1)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=60)
    assert up.returncode == 0, said
    return said.splitlines()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.TransportError:
        return False


def test_the_first_start_prints_one_link_for_the_first_administrator_and_makes_no_password(
    kaart: Kaart, database_url: str, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with sessions.begin() as session:  # so that the demo is not loaded
        create(session, {"kind": Kind.community_room, "name": "De Zaal"})

    def link() -> list[str]:
        return [found[1] for line in started(database_url, tmp_path) if (found := LINK.search(line))]

    (given,) = link()
    assert kaart("user", "list") == "Nobody has an account.\n"
    with sessions.begin() as session:
        waiting = links.open_(session, given)
        assert waiting is not None
        assert (waiting.role, waiting.password) == (Role.admin, None)
        accounts.claim(session, links.use(session, given, PASSWORD), EMAIL, "Anna")
    assert link() == []
    assert kept(sessions).role == Role.admin
