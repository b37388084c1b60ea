"""The pages on which people sign in, set a password, and see their own account."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

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
    """An account as its owner sees it.

    others          counts the other devices on which they are signed in
    waiting         counts the requests to them without an answer
    with_password   whether they can come in by a password
    """

    name: str
    email: str
    role: Role
    areas: Sequence[str]
    others: int
    waiting: int
    with_password: bool


class Ways(NamedTuple):
    """How one may come in: what people call the provider, empty for none; minutes to wait after too many tries."""

    provider: str = ""
    wait_min: int = 0


def sign_in_page(frame: Frame, filled: Filled, ways: Ways) -> str:
    """Ask for address and password, or lead to the provider."""
    say, say_many = frame.reader.say, frame.reader.say_many
    wrong = ""
    if ways.wait_min:
        wrong = say_many("Wait a minute, then try again.", "Wait %(count)s minutes, then try again.", ways.wait_min)
    elif filled.wrong:
        wrong = refusals(frame.reader, ways.provider)[filled.wrong[0]]
    told = {"email": "", "next": "", **filled.told}
    onward = f"?{urlencode({'next': told['next']})}" if told["next"] else ""
    button = say("Sign in with %(provider)s", {"provider": ways.provider}) if ways.provider else ""
    values = {"mark": filled.mark, "told": told, "wrong": wrong, "button": button}
    return render("sign_in.html", frame, {**values, "by_provider": f"/sign-in/provider{onward}"})


def refusals(reader: Reader, provider: str) -> dict[str, str]:
    """Say why somebody did not come in, and what they can do."""
    say, named = reader.say, {"provider": provider}
    return {
        "sign_in": say("The e-mail address or the password is not right."),
        "provider_over": say("This took too long, or was done already. Begin again."),
        "provider_refused": say("%(provider)s did not let you in. Try again, or sign in with a password.", named),
        "provider_unknown": say(
            "No account here goes with how %(provider)s knows you. Whoever runs this map can make one for you.",
            named,
        ),
        "provider_down": say(
            "%(provider)s does not answer as it should. Try again in a while, or sign in with a password.", named
        ),
    }


def welcome_page(frame: Frame, filled: Filled, email: str | None) -> str:
    """Ask for a password. `email` is that of the account; empty where its owner is to tell it, None for no account."""
    told = {"email": email or "", "name": "", **filled.told}
    flaws = flaws_of(frame.reader, filled.wrong)
    return render("welcome.html", frame, {"mark": filled.mark, "told": told, "flaws": flaws, "email": email})


def account_page(frame: Frame, filled: Filled, me: Me) -> str:
    """Show an account to its owner."""
    values = {"mark": filled.mark, "flaws": flaws_of(frame.reader, filled.wrong), "me": me}
    return render("account.html", frame, {**values, "role": roles(frame.reader)[me.role]})


def erased_page(frame: Frame) -> str:
    """Say that an account is gone, to who had it."""
    return render("erased.html", frame, {})


def flaws_of(reader: Reader, wrong: Sequence[str]) -> dict[str, str]:
    """Give the sentence that goes with each field that was not right."""
    say = reader.say
    told = {
        "password": say("This password is too short, or too easy to guess. Choose another one."),
        "now": say("This is not your current password."),
        "often": say("Too many tries. Wait half an hour."),
        "erase_often": say("Too many tries. Wait half an hour."),
        "erase": say("This is not right, so nothing was erased."),
        "last": say(
            "You are the last administrator. Make somebody else administrator first: without one nobody can look after "
            "this map."
        ),
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
        Role.broker: say("broker: you see what your neighbourhoods lack, and what people offer there"),
        Role.planner: say("planner: you make coverage runs"),
        Role.admin: say("administrator: you may do everything"),
    }
