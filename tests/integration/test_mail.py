"""Mail, handed in to a real server on this machine: safely, or not at all; without anybody's words."""

import threading
from dataclasses import dataclass
from email import message_from_string, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from geo import mail, queue
from geo.errors import Unavailable
from geo.mail import ASKED, Post, send
from geo.people import accounts
from geo.people.models import Account
from geo.settings import Settings
from geo.vocabulary import Purpose, Reply, Role
from geo.volunteers import erasures, notices, offers, requests
from geo.volunteers.notices import Desk
from tests.integration.people import account
from tests.integration.smtp import certificate, taking
from tests.integration.town import WEST, Town

SENDER = "Levende Kaart <kaart@example.nl>"
TO, LINK = "an@example.org", "https://kaart.example.nl/volunteer"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a certificate that this process trusts."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def test_a_mail_says_that_there_is_news_in_two_languages_and_where(trusted: Path) -> None:
    with taking(trusted) as post:
        send(Post(f"smtp://127.0.0.1:{post.port}", SENDER), TO, ASKED, LINK)
    (told,) = (message_from_string(text, policy=policy.default) for text in post.mails)
    assert (told["from"], told["to"]) == (SENDER, TO)
    assert "vraagt je iets" in told["subject"]
    assert told["auto-submitted"] == "auto-generated"
    body = told.get_content()
    assert body.count(LINK) == 1
    assert "sociaal makelaar" in body
    assert "social broker" in body


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_over_a_safe_line_only(trusted: Path, scheme: str) -> None:
    with taking(trusted, at_once=scheme == "smtps") as post:
        send(Post(f"{scheme}://kaart%40example.nl:p%3Aw@127.0.0.1:{post.port}", SENDER), TO, ASKED, LINK)
    assert post.logins == [("kaart@example.nl", "p:w")]
    assert post.safely == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, scheme: str) -> None:
    with taking(certificate(tmp_path), at_once=scheme == "smtps") as post:
        to = Post(f"{scheme}://127.0.0.1:{post.port}", SENDER)
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            send(to, TO, ASKED, LINK)
    assert post.mails == []


def test_mail_in_the_clear_goes_to_this_machine_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with taking() as post:
        send(Post(f"smtp://127.0.0.1:{post.port}", SENDER), TO, ASKED, LINK)
        assert post.safely == [False]
        monkeypatch.setattr(mail, "OWN_MACHINE", ())
        with pytest.raises(Unavailable, match="SMTPNotSupportedError"):
            send(Post(f"smtp://127.0.0.1:{post.port}", SENDER), TO, ASKED, LINK)
    assert len(post.mails) == 1


def test_what_is_refused_does_not_say_for_whom_it_was() -> None:
    with taking(refusing=True) as post, pytest.raises(Unavailable) as refusal:
        send(Post(f"smtp://127.0.0.1:{post.port}", SENDER), TO, ASKED, LINK)
    assert "does not take our mail" in str(refusal.value)
    assert TO not in str(refusal.value)


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with taking() as post:
        port = post.port
    with pytest.raises(Unavailable, match="does not take our mail"):
        send(Post(f"smtp://127.0.0.1:{port}", SENDER), TO, ASKED, LINK)


@dataclass(frozen=True)
class Two:
    """A volunteer and a broker, and the desk that sends their notices."""

    town: Town
    volunteer: Account
    broker: Account
    offer: UUID


@pytest.fixture
def two(hamlet: Town) -> Two:
    """Give a volunteer whom a broker may ask."""
    with hamlet.sessions() as session:
        volunteer = account(session, "vrijwilliger@example.org", Role.contributor)
        broker = account(session, "makelaar@example.org", Role.broker, [WEST])
        told = {"services": ["meals"], "neighbourhood": f"{WEST}.2025"}
        made = offers.mine(session, volunteer.id) or offers.save(
            session, accounts.viewer(volunteer), told, [Purpose.offer, Purpose.contact]
        )
        session.commit()
    return Two(hamlet, volunteer, broker, made.id)


def ask_and_answer(two: Two, smtp_url: str | None) -> None:
    """Have the broker ask and the volunteer answer, as the pages do."""
    told = Settings(smtp_url=smtp_url, mail_from=SENDER if smtp_url else "")
    for step in ("ask", "answer"):
        with two.town.sessions.begin() as session:
            if step == "ask":
                made = requests.ask(session, accounts.viewer(two.broker), two.offer, "kanarie-vraag")
            else:
                who = accounts.viewer(two.volunteer)
                made = requests.answer(session, who, made.id, Reply.accepted, "kanarie-antwoord")
            notices.order(session, told, made)


def send_all(two: Two, url: str, failed: list[str]) -> None:
    """Do what waits in the queue, as the worker does."""
    desk = Desk(two.town.engine, Post(url, SENDER), "https://kaart.example.nl", failed.append)
    queue.work(two.town.engine, {notices.NAME: notices.work(desk)}, threading.Event(), wait=False)


def test_a_volunteer_is_told_of_a_request_and_the_broker_of_the_answer_without_a_word_of_it(two: Two) -> None:
    with taking() as post:
        url = f"smtp://127.0.0.1:{post.port}"
        failed: list[str] = []
        ask_and_answer(two, url)
        send_all(two, url, failed)
    told = [message_from_string(text, policy=policy.default) for text in post.mails]
    assert [mail["to"] for mail in told] == ["vrijwilliger@example.org", "makelaar@example.org"]
    assert "https://kaart.example.nl/volunteer" in told[0].get_content()
    assert "https://kaart.example.nl/offers" in told[1].get_content()
    assert "kanarie" not in "".join(post.mails)
    assert "makelaar@" not in post.mails[0]
    assert "vrijwilliger@" not in post.mails[1]
    assert failed == []


def test_without_a_mail_server_nothing_waits(two: Two) -> None:
    ask_and_answer(two, None)
    with taking() as post:
        send_all(two, f"smtp://127.0.0.1:{post.port}", [])
    assert post.mails == []


def test_a_mail_that_is_not_taken_is_told_once_and_keeps_nobody_waiting(two: Two) -> None:
    with taking(refusing=True) as post:
        url = f"smtp://127.0.0.1:{post.port}"
        failed: list[str] = []
        ask_and_answer(two, url)
        send_all(two, url, failed)
    assert len(failed) == 2
    assert "example.org" not in "".join(failed)


def test_who_was_erased_or_disabled_meanwhile_gets_no_mail(two: Two) -> None:
    with taking() as post:
        url = f"smtp://127.0.0.1:{post.port}"
        ask_and_answer(two, url)
        with two.town.sessions.begin() as session:
            erasures.erase_volunteer(session, two.offer)
        send_all(two, url, [])
    assert post.mails == []


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"smtp_url": "mail.example.nl"}, "smtp_url"),
        ({"smtp_url": "http://mail.example.nl"}, "smtp_url"),
        ({"smtp_url": "smtp://mail.example.nl:port"}, "smtp_url"),
        ({"smtp_url": "smtp://mail.example.nl"}, "mail_from"),
        ({"mail_from": "kaart"}, "mail_from"),
        ({"mail_from": "a@example.nl\nBcc: b@example.nl"}, "mail_from"),
    ],
    ids=str,
)
def test_a_mail_server_that_cannot_be_stops_the_start_and_no_password_is_told(told: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(**told)
    assert field in {str(flaw["loc"][0]) for flaw in refusal.value.errors()}
    word = "geheim"
    whole = Settings(smtp_url=f"smtps://a:{word}@mail.example.nl", mail_from="a@example.nl")
    assert word not in repr(whole)
