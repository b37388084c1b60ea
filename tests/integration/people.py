"""People with an account, each in a browser of their own, for the tests of what they may do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api import forms
from geo.people import accounts, entries, passwords
from geo.people.models import Account, Allowance, Entry, Link
from geo.vocabulary import Role
from tests.integration.town import Door, Town

PASSWORD = "correct paard batterij"
MARK = re.compile(r'name="csrf" value="([^"]*)"')


@dataclass(frozen=True)
class Person:
    """Somebody with a browser; `id` is that of their account, None where they have none."""

    client: httpx.Client
    id: Any = None

    def mark(self, path: str = "/account") -> str:
        """Give the mark that stands in the forms of a page."""
        return str(MARK.findall(self.client.get(path).text)[0])

    def fill(self, page: str, told: Mapping[str, str], to: str = "", **headers: str) -> httpx.Response:
        """Open a page, fill in its form, and send it to where it stands or to another path."""
        return self.client.post(to or page, data={"csrf": self.mark(page), **told}, headers=headers)

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send JSON as a page of ours would."""
        return self.client.request(method, path, json=body, headers={forms.HEADER: self.mark()})

    def cookies(self) -> dict[str, str]:
        """Give the cookies that the browser holds."""
        return {cookie.name: cookie.value or "" for cookie in self.client.cookies.jar}


def browser(town: Town, app: FastAPI | None = None, at: str = "http://kaart.test") -> Person:
    """Give somebody who is not signed in."""
    transport = town.client._transport
    assert isinstance(transport, Door)
    return Person(httpx.Client(transport=Door(app or town.app, transport.portal), base_url=at))


def account(session: Session, email: str, role: Role, areas: Sequence[str] = ()) -> Account:
    """Make an account with the password that all have here; or give the one that is there."""
    if there := session.scalar(select(Account).where(Account.email == email)):
        return there
    made = accounts.create(session, email, email.partition("@")[0].title(), role, areas)
    made.password = KEPT
    session.flush()
    return made


def alone(town: Town, email: str) -> None:
    """Let one person have an account, nobody be signed in, and nothing be counted yet."""
    with town.sessions() as session:
        for table in (Allowance, Entry, Link, Account):
            session.execute(delete(table))
        account(session, email, Role.contributor)
        session.commit()


def signed_in(town: Town, email: str, role: Role = Role.contributor, areas: Sequence[str] = ()) -> Person:
    """Give somebody who is signed in."""
    with town.sessions() as session:
        made = account(session, email, role, areas)
        token = entries.begin(session, made)
        session.commit()
    person = browser(town)
    person.client.cookies.set(forms.ENTRY, token, domain="kaart.test", path="/")
    return Person(person.client, made.id)


KEPT = passwords.hashed(PASSWORD)
