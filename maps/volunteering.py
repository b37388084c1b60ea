"""The page on which somebody offers something, sees what they agreed to, and answers who asks them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from geo.days import AMSTERDAM
from geo.vocabulary import SERVICES, TARGET_GROUPS, THEMES, Purpose, Reply
from geo.volunteers.requests import Letter
from maps import consenting
from maps.cards import language
from maps.frame import Frame, render
from maps.layers import spot_map
from maps.reader import Reader
from maps.signing_in import Filled

# The languages that are spoken most at home in the Netherlands; all others are in a list below them.
SPOKEN = ("nl", "en", "tr", "ar", "pl", "uk", "de", "fr", "es", "pt", "bg", "ro", "zh", "fa", "so", "ti")
LINES = ("phone", "email", "note")  # what may be told to be reached by
EMPTY: Mapping[str, object] = {
    "services": (), "target_groups": (), "languages": (), "neighbourhood": "", "lon": "", "lat": "",
    **dict.fromkeys(LINES, ""), "purposes": (),
}  # fmt: skip


class Choice(NamedTuple):
    """Something to tick or to choose."""

    value: str
    label: str


class Group(NamedTuple):
    """Choices under one heading."""

    label: str
    choices: Sequence[Choice]


class Own(NamedTuple):
    """What its owner sees of an offer besides what stands in the form.

    ends_soon   whether it is time to ask for consent anew
    """

    agreed: Sequence[consenting.Agreed]
    ends_soon: bool
    letters: Sequence[Letter]
    readings: Sequence[consenting.Reading]


class Request(NamedTuple):
    """A request as it is read; `words` is what stands in the form of the answer."""

    id: str
    on: str
    who: str
    email: str
    message: str
    waiting: bool
    state: str
    answer: str
    words: str
    flaw: str


class Choices(NamedTuple):
    """What can be chosen besides the vocabulary: neighbourhoods (id, name, what it lies in), and known languages."""

    neighbourhoods: Sequence[tuple[str, str, str]]
    languages: Iterable[str]


def volunteer_page(frame: Frame, filled: Filled, choices: Choices, own: Own | None, version: str) -> str:
    """Give the page. `own` is None where nothing is offered yet; `version` is that of the words to agree to."""
    reader = frame.reader
    told = {**EMPTY, **filled.told}
    agreed = [] if own is None else own.agreed
    missing = [purpose for purpose in Purpose if purpose not in {each.purpose for each in agreed}]
    common, rest = languages(choices.languages, told["languages"], reader)
    values = {
        "mark": filled.mark,
        "told": told,
        "flaws": flaws_of(filled.wrong, reader),
        "wrong": bool(filled.wrong),
        "notice": notice(str(told.get("done", "")), reader),
        "services": services(reader),
        "groups": [Choice(key, term.label(reader.language)) for key, term in TARGET_GROUPS.items()],
        "spoken": common,
        "languages": rest,
        "places": places(choices.neighbourhoods),
        "asked": consenting.asked(missing, version, reader),
        "lasts": reader.say(consenting.LASTS),
        "own": own,
        "held": consenting.held(agreed, reader),
        "letters": [] if own is None else [letter(each, told, reader) for each in own.letters],
        "readings": [] if own is None else consenting.told(own.readings, reader),
        "parts": spot_map(),
        "sources": {"outlines": "/v1/collections/neighbourhoods/items?level=buurt&limit=1000"},
    }
    return render("volunteer.html", frame, values)


def services(reader: Reader) -> list[Group]:
    """Give the services by theme; a theme without any is left out."""
    found: dict[str, list[Choice]] = {theme: [] for theme in THEMES}
    for key, term in SERVICES.items():
        found[term.broader or ""].append(Choice(key, term.label(reader.language)))
    return [Group(THEMES[theme].label(reader.language), choices) for theme, choices in found.items() if choices]


def languages(known: Iterable[str], chosen: object, reader: Reader) -> tuple[list[Choice], list[Choice]]:
    """Give the languages to tick, those chosen before among them, and by name all others."""
    mine = [code for code in chosen if code not in SPOKEN] if isinstance(chosen, list | tuple) else []
    ticked = [*SPOKEN, *dict.fromkeys(mine)]
    rest = sorted((language(code, reader), code) for code in known if code not in ticked)
    return [Choice(code, language(code, reader)) for code in ticked], [Choice(code, name) for name, code in rest]


def places(neighbourhoods: Iterable[tuple[str, str, str]]) -> list[Group]:
    """Gather neighbourhoods by what they lie in, in the order in which they come."""
    wholes: dict[str, list[Choice]] = {}
    for id_, name, whole in neighbourhoods:
        wholes.setdefault(whole, []).append(Choice(id_, name))
    return [Group(whole, choices) for whole, choices in wholes.items()]


def letter(sent: Letter, told: Mapping[str, object], reader: Reader) -> Request:
    """Give a request as its reader sees it, with the words of an answer that could not be sent."""
    states = {
        Reply.waiting: reader.say("waits for your answer"),
        Reply.accepted: reader.say("you said yes"),
        Reply.declined: reader.say("you said no"),
    }
    mine = told.get("request") == str(sent.id)
    return Request(
        str(sent.id), reader.date(sent.made_at.astimezone(AMSTERDAM).date()), sent.name or sent.email, sent.email,
        sent.message, sent.reply == Reply.waiting, states[sent.reply], sent.words,
        str(told["words"]) if mine else "",
        reader.say("This is too long, or holds something that is no text.") if mine else "",
    )  # fmt: skip


def flaws_of(wrong: Iterable[str], reader: Reader) -> dict[str, str]:
    """Give the sentence that goes with each field that was not right."""
    say = reader.say
    too_long = say("This is too long, or holds something that is no text.")
    told = {
        "services": say("Choose at least one thing that you offer."),
        "target_groups": say("Choose from the list."),
        "languages": say("Choose from the list."),
        "neighbourhood": say("Choose your neighbourhood."),
        "place": say("This place lies in none of the neighbourhoods of this map. Choose another one, or none."),
        **dict.fromkeys(LINES, too_long),
        "consent": say("Without this consent we may not keep your offer."),
        "sure": say("Tick this first: it cannot be undone."),
    }
    return {field: told[field] for field in wrong if field in told}


def notice(done: str, reader: Reader) -> str:
    """Say what was done; empty for a word that is not known."""
    say = reader.say
    told = {
        "saved": say("Your offer is kept."),
        "withdrawn": say("Your consent is withdrawn."),
        "renewed": say("Thank you. Your consent lasts for two more years."),
        "answered": say("Your answer is sent."),
        "late": say("This request is answered already, or no longer there."),
        "erased": say("Your offer and everything that belonged to it is erased."),
    }
    return told.get(done, "")
