"""What volunteers agree to, in the words that they read, by version; and who read what is kept sealed of them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from geo.vocabulary import Means, Purpose
from maps.reader import Reader, message

# Version → purpose → the sentence that somebody agrees to. What somebody agreed to is never changed: other words get
# another version, and that of `geo.volunteers.consents.TEXT` is asked.
WORDS: dict[str, dict[Purpose, str]] = {
    "2026-11": {
        Purpose.offer: message(
            "I agree that my offer is kept: what I do, for whom, in which languages and in which neighbourhood. If I "
            "tell my place and my contacts, they are kept too, encrypted. Administrators and the broker of my "
            "neighbourhood see the offer without my name, my place and my contacts. Everybody else sees only about how "
            "many volunteers there are."
        ),
        Purpose.contact: message(
            "I agree that administrators and the broker of my neighbourhood send me requests through this site. I see "
            "their name and e-mail address, and choose whether I answer. They do not see who I am, unless I tell them. "
            "Where this site sends mail, a notice of a request comes to the address of my account."
        ),
        Purpose.map: message(
            "I agree that signed-in neighbours see on the map what I offer, for whom and in which languages, without "
            "my name: at one fixed spot that is near my home and never at it, or in the middle of the neighbourhood. "
            "Who knows me may recognise me by something that few others offer."
        ),
    }
}
LASTS = message("This lasts for two years. You can withdraw it here at any time.")
TITLES = {
    Purpose.offer: message("Keep my offer and count it"),
    Purpose.contact: message("Send me requests"),
    Purpose.map: message("Show my offer on the map"),
}
ENDS = {
    Purpose.offer: message("Without it your offer and everything that belongs to it is erased at once."),
    Purpose.contact: message("Without it nobody can ask you anything; requests that wait for an answer are gone."),
    Purpose.map: message("Without it you are off the map at once."),
}
HOW = {
    Means.online: message("by yourself, signed in"),
    Means.paper: message("told to an administrator"),
    Means.demo: message("invented, to show how the map works"),
    Means.earlier: message("before consent was kept"),
}
WHY = {
    "own page": message("to show it on this page"),
    "access": message("to download it"),
    "boundaries": message("to find the neighbourhood, when boundaries changed"),
    "displacement": message("to work out the spot on the map of neighbours"),
}


class Wording(NamedTuple):
    """One purpose in words: a title, the sentence that is agreed to, and what goes without it."""

    purpose: Purpose
    title: str
    sentence: str
    ends: str


class Agreed(NamedTuple):
    """A consent in force: for what, since when, how, in words of which version, until which day (inclusive)."""

    purpose: Purpose
    given_on: date
    means: Means
    version: str
    expires_on: date


class Held(NamedTuple):
    """A consent in force as its owner reads it."""

    words: Wording
    since: str
    how: str
    version: str
    until: str


class Reading(NamedTuple):
    """Somebody read what is kept sealed; `own` where that was the person whose it is."""

    on: date
    own: bool
    why: str


class Told(NamedTuple):
    """Readings of one sort, as a line: by whom, why, how often, and when last."""

    who: str
    why: str
    times: str
    last: str


def wording(purpose: Purpose, version: str, reader: Reader) -> Wording:
    """Give the words of a purpose; those of a version that stood on paper elsewhere are not known here, and empty."""
    sentence = WORDS.get(version, {}).get(purpose, "")
    return Wording(
        purpose, reader.say(TITLES[purpose]), reader.say(sentence) if sentence else "", reader.say(ENDS[purpose])
    )


def asked(purposes: Iterable[Purpose], version: str, reader: Reader) -> list[Wording]:
    """Give the words of the purposes that are asked for, in their order."""
    wanted = set(purposes)
    return [wording(purpose, version, reader) for purpose in Purpose if purpose in wanted]


def held(agreed: Iterable[Agreed], reader: Reader) -> list[Held]:
    """Give consents in force as lines of a table."""
    return [
        Held(
            wording(each.purpose, each.version, reader), reader.date(each.given_on), reader.say(HOW[each.means]),
            each.version, reader.date(each.expires_on),
        )
        for each in agreed
    ]  # fmt: skip


def told(readings: Sequence[Reading], reader: Reader) -> list[Told]:
    """Gather readings by who and why, the latest first; `readings` has the latest first."""
    sorts: dict[tuple[bool, str], list[Reading]] = {}
    for reading in readings:
        sorts.setdefault((reading.own, reading.why), []).append(reading)
    return [
        Told(
            reader.say("you") if own else reader.say("this site, or who keeps it"),
            reader.say(WHY[why]) if why in WHY else why,
            reader.say_many("%(count)s time", "%(count)s times", len(each)),
            reader.date(each[0].on),
        )
        for (own, why), each in sorts.items()
    ]
