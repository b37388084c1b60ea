"""The pages on which people sign in, set a password, and see their own account."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from geo.vocabulary import Role
from maps.frame import Frame, render
from maps.reader import NOTHING, Reader


class Filled(NamedTuple):
    """A form as it was filled in.

    mark    proves that the form is ours
    told    what stands in its fields; never a password
    wrong   names of what has to be told again
    """

    mark: str
    told: Mapping[str, object] = NOTHING
    wrong: tuple[str, ...] = ()


class Me(NamedTuple):
    """An account as its owner sees it; `others` counts the other devices on which they are signed in."""

    name: str
    email: str
    role: Role
    areas: Sequence[str]
    others: int


def sign_in_page(frame: Frame, filled: Filled, wait_min: int = 0) -> str:
    """Ask for address and password. `wait_min`: minutes until the next try, where there were too many."""
    say, say_many = frame.reader.say, frame.reader.say_many
    wrong = ""
    if wait_min:
        wrong = say_many("Wait a minute, then try again.", "Wait %(count)s minutes, then try again.", wait_min)
    elif filled.wrong:
        wrong = say("The e-mail address or the password is not right.")
    told = {"email": "", "next": "", **filled.told}
    return render("sign_in.html", frame, {"mark": filled.mark, "told": told, "wrong": wrong})


def welcome_page(frame: Frame, filled: Filled, email: str | None) -> str:
    """Ask for a password. `email` is that of the account; empty where its owner is to tell it, None for no account."""
    told = {"email": email or "", "name": "", **filled.told}
    flaws = flaws_of(frame.reader, filled.wrong)
    return render("welcome.html", frame, {"mark": filled.mark, "told": told, "flaws": flaws, "email": email})


def account_page(frame: Frame, filled: Filled, me: Me) -> str:
    """Show an account to its owner."""
    values = {"mark": filled.mark, "flaws": flaws_of(frame.reader, filled.wrong), "me": me}
    return render("account.html", frame, {**values, "role": roles(frame.reader)[me.role]})


def flaws_of(reader: Reader, wrong: Sequence[str]) -> dict[str, str]:
    """Give the sentence that goes with each field that was not right."""
    say = reader.say
    told = {
        "password": say("This password is too short, or too easy to guess. Choose another one."),
        "now": say("This is not your password of now."),
        "often": say("Too many tries. Wait half an hour."),
        "email": say("This is no e-mail address, such as name@example.nl."),
        "taken": say("This e-mail address has an account already."),
        "name": say("This name is too long, or holds something that is no text."),
    }
    return {field: told[field] for field in wrong}


def roles(reader: Reader) -> dict[Role, str]:
    """Say what each role is for."""
    say = reader.say
    return {
        Role.visitor: say("visitor"),
        Role.contributor: say("contributor: you propose places and activities"),
        Role.steward: say("steward: you look after what stands on the map in your neighbourhoods"),
        Role.broker: say("broker: you see what your neighbourhoods lack"),
        Role.planner: say("planner: you make coverage runs"),
        Role.admin: say("administrator: you may do everything"),
    }
