"""The page on which a broker sees what people offer, without their names, and what became of own requests."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from geo.days import AMSTERDAM
from geo.vocabulary import LEVELS, SERVICES, TARGET_GROUPS, Reply, Term
from geo.volunteers.offers import Counted, Offer
from geo.volunteers.requests import Letter
from maps.cards import language
from maps.frame import Frame, render
from maps.reader import Reader
from maps.signing_in import Filled
from maps.volunteering import Choice


class Filters(NamedTuple):
    """What is chosen: a neighbourhood by id, a service by key; empty for all."""

    neighbourhood: str = ""
    service: str = ""

    def address(self, path: str, done: str = "") -> str:
        """Give the address of a page with these filters, and what was done."""
        kept = {name: value for name, value in {**self._asdict(), "done": done}.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


class Shown(NamedTuple):
    """What the page shows; `full` where there are more offers, `may_ask` where who looks has an account."""

    counted: Sequence[Counted]
    offers: Sequence[Offer]
    sent: Sequence[Letter]
    full: bool
    may_ask: bool


class Row(NamedTuple):
    """One neighbourhood: how many offer something there, and how many each service."""

    id: str
    name: str
    level: str
    total: str
    services: list[tuple[str, str]]


class Card(NamedTuple):
    """One offer in words; `state` is what became of the own last request, `may` whether one may be sent."""

    id: str
    services: str
    facts: list[tuple[str, str]]
    state: str
    reachable: bool
    may: bool
    message: str
    flaw: str


class Sent(NamedTuple):
    """An own request: to whom as far as that is known, when, what, and what became of it."""

    what: str
    on: str
    message: str
    state: str
    answer: str


def offers_page(frame: Frame, filled: Filled, filters: Filters, shown: Shown) -> str:
    """Give the page."""
    reader, told = frame.reader, filled.told
    rows = table(shown.counted, reader)
    refused = refusal(filled, reader)
    cards = [card(offer, filled, refused, shown, reader) for offer in shown.offers]
    here = {each.id for each in cards if each.may}  # where what was refused stands beside its form
    values = {
        "mark": filled.mark,
        "filters": filters,
        "rows": rows,
        "neighbourhoods": [Choice(row.id, f"{row.name} · {row.level}") for row in rows],
        "services": [Choice(key, term.label(reader.language)) for key, term in SERVICES.items()
                     if any(row.service == key for row in shown.counted)],
        "cards": cards,
        "sent": [letter(each, reader) for each in shown.sent],
        "full": shown.full,
        "may_ask": shown.may_ask,
        "notice": reader.say("Your request is sent. The answer comes here.") if told.get("done") == "asked" else "",
        "alert": refused if told.get("asset") not in here else "",
        "any": bool(rows),
    }  # fmt: skip
    return render("offers.html", frame, values)


def refusal(filled: Filled, reader: Reader) -> str:
    """Say why a request was not sent; empty where none was refused."""
    say, say_many = reader.say, reader.say_many
    if not filled.wrong:
        return ""
    if filled.wrong[0] == "often":
        return say_many(
            "You asked 20 times within a day. Try again in an hour.",
            "You asked 20 times within a day. Try again in %(count)s hours.",
            int(str(filled.told["wait_h"])),
        )
    told = {
        "message": say("Write what you ask, in 1,000 characters at most."),
        "conflict": say("This could not be sent: you asked already, or this volunteer takes no requests any more."),
    }
    return told[filled.wrong[0]]


def table(counted: Iterable[Counted], reader: Reader) -> list[Row]:
    """Gather the counts by neighbourhood, in the order in which they come; of the services the most offered first."""
    found: dict[str, list[Counted]] = {}
    for row in counted:
        found.setdefault(row.neighbourhood, []).append(row)
    return [
        Row(
            id_, rows[0].name, LEVELS[rows[0].level].label(reader.language),
            reader.number(next((row.volunteers for row in rows if row.service is None), 0)),
            [
                (label(row.service, SERVICES, reader), reader.number(row.volunteers))
                for row in sorted(rows, key=lambda row: (-row.volunteers, row.service or ""))
                if row.service is not None
            ],
        )
        for id_, rows in found.items()
    ]  # fmt: skip


def card(offer: Offer, filled: Filled, refused: str, shown: Shown, reader: Reader) -> Card:
    """Give an offer in words, with what was typed below it when that could not be sent."""
    states = {
        Reply.waiting: reader.say("You asked; there is no answer yet."),
        Reply.accepted: reader.say("You asked, and the answer was yes."),
        Reply.declined: reader.say("You asked, and the answer was no."),
    }
    mine = filled.told.get("asset") == str(offer.id)
    facts = [
        (reader.say("For whom"), ", ".join(label(key, TARGET_GROUPS, reader) for key in offer.target_groups)),
        (reader.say("Languages"), reader.listed([language(code, reader) for code in offer.languages])),
    ]
    return Card(
        id=str(offer.id),
        services=", ".join(label(key, SERVICES, reader) for key in offer.services) or reader.say("Anything"),
        facts=[(reader.say("Neighbourhood"), offer.neighbourhood_name), *(fact for fact in facts if fact[1])],
        state="" if offer.asked is None else states[offer.asked],
        reachable=offer.reachable,
        may=shown.may_ask and offer.reachable and offer.asked != Reply.waiting,
        message=str(filled.told.get("message", "")) if mine else "",
        flaw=refused if mine else "",
    )


def letter(sent: Letter, reader: Reader) -> Sent:
    """Give an own request in words."""
    states = {
        Reply.waiting: reader.say("no answer yet"),
        Reply.accepted: reader.say("the answer is yes"),
        Reply.declined: reader.say("the answer is no"),
    }
    services = ", ".join(label(key, SERVICES, reader) for key in sent.services)
    what = " · ".join(word for word in (services, sent.neighbourhood_name) if word)
    on = reader.date(sent.made_at.astimezone(AMSTERDAM).date())
    return Sent(what, on, sent.message, states[sent.reply], sent.words)


def label(key: str | None, terms: dict[str, Term], reader: Reader) -> str:
    """Give the label of a term; a key that is none stands as it is."""
    return terms[key].label(reader.language) if key in terms else key or ""
