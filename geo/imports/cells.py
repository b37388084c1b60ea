"""What a cell of somebody's table says, field by field: text becomes a value that keeps the rules of the record."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, NamedTuple

from geo import checks
from geo.errors import Flaw, InvalidInput
from geo.vocabulary import ACCESSIBILITY, KINDS, LEGAL_FORMS, Kind, Status, Term

WHOLE_NUMBER = re.compile(r"(-?\d{1,12})(?:[.,]0{1,2})?")
ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
DUTCH_DAY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
BETWEEN = re.compile(r"[;,]")
WITHOUT_SCHEME = "www."
YES = frozenset("ja yes j y waar true 1 x".split())
NO = frozenset("nee no n onwaar false 0".split())
MOST_KEYS = 50
SURELY = re.compile(
    r"^(naam\W*)?vrijwilliger(\W*naam)?$|^volunteer(\W*name)?$|geboorte|birth|\bbsn\b|burgerservice", re.IGNORECASE
)
OF_PERSONS = re.compile(SURELY.pattern + r"|voornaam|achternaam|roepnaam|first.?name|last.?name|surname", re.IGNORECASE)
PEOPLE = (
    "volunteers are people, and a file of people is not imported: "
    "add them one by one through the API, where their place is kept secret"
)


class Said(NamedTuple):
    """What one text says of one field: a value, or why it cannot be one."""

    value: Any
    reasons: tuple[str, ...] = ()


def line(text: str) -> str:
    """Read a text of one line; white space within it becomes single spaces."""
    return " ".join(text.split())


def story(text: str) -> str:
    """Read a text that may have several lines."""
    return text.strip()


def web(text: str) -> str:
    """Read a web address; one that begins with www. gets https:// before it."""
    plain = text.strip()
    return f"https://{plain}" if plain.lower().startswith(WITHOUT_SCHEME) else plain


def number(text: str) -> int:
    """Read a whole number. Raises ValueError with the reason: 1.000 may be one or a thousand, so it is neither."""
    found = WHOLE_NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError("is no whole number; write it without a separator for thousands")
    return int(found[1])


def day(text: str) -> date:
    """Read a day as 2026-11-22, with or without a time, or as 22-11-2026. Raises ValueError with the reason."""
    plain = text.strip()
    iso, dutch = ISO_DAY.fullmatch(plain), DUTCH_DAY.fullmatch(plain)
    parts = iso.groups() if iso else dutch.groups()[::-1] if dutch else None
    if parts is None:
        raise ValueError("is no day; write it as 2026-11-22 or 22-11-2026")
    try:
        return date(*map(int, parts))
    except ValueError:
        raise ValueError("is a day that does not exist") from None


def flag(text: str) -> bool:
    """Read ja or nee, yes or no, 1 or 0, true or false. Raises ValueError for anything else."""
    plain = text.strip().casefold()
    if plain not in YES | NO:
        raise ValueError("is neither ja nor nee")
    return plain in YES


def keys(text: str) -> list[str]:
    """Read keys between semicolons or commas, each once. Raises ValueError where there are more than 50."""
    found = list(dict.fromkeys(part for each in BETWEEN.split(text) if (part := each.strip())))
    if len(found) > MOST_KEYS:
        raise ValueError(f"names more than {MOST_KEYS}")
    return found


def kind(text: str) -> Kind:
    """Read the kind of an asset. Raises ValueError for volunteers too."""
    if text.strip() == Kind.volunteer:
        raise ValueError(PEOPLE)
    return Kind(_key(text, (each for each in Kind if each != Kind.volunteer)))


def refuse_people(columns: Iterable[str]) -> None:
    """Refuse a file whose columns are those of a list of persons, with InvalidInput naming them."""
    found = [column for column in columns if OF_PERSONS.search(column)]
    if any(SURELY.search(column) for column in found) or len(found) > 1:
        told = ", ".join(found)
        raise InvalidInput(
            f"This looks like a list of people ({told}), and people never come in by a file. If it is one of places, "
            "take these columns out of it first.",
            *(Flaw(column, "is of a person") for column in found),
        )


def status(text: str) -> Status:
    """Read the state in which a new record comes in. Raises ValueError."""
    return Status(_key(text, (Status.proposed, Status.published)))


def _key(text: str, known: Iterable[str]) -> str:
    found, among = text.strip(), list(known)
    if found not in among:
        raise ValueError(f"{found!r} is not one of: {', '.join(among)}")
    return found


READERS: dict[str, Callable[[str], Any]] = {
    "kind": kind,
    "status": status,
    **dict.fromkeys(
        "name cost address postcode city opening_hours confirmed_by legal_form neighbourhood".split(), line
    ),
    **dict.fromkeys(("summary", "description"), story),
    **dict.fromkeys(("organisation.name", "organisation.legal_form"), line),
    **dict.fromkeys(("url", "organisation.url"), web),
    **dict.fromkeys("themes services goals target_groups languages funding catchment".split(), keys),
    **dict.fromkeys(("capacity", "ladder_level", "founded_in"), number),
    **dict.fromkeys(("confirmed_on", "visible_from", "visible_to"), day),
    **{f"accessibility.{term}": flag for term in ACCESSIBILITY},
}
LISTS = frozenset(field for field, reader in READERS.items() if reader is keys)
NEEDED = ("kind", "name")
TERMS: dict[str, Mapping[str, Term]] = {**checks.TERMS, "kind": KINDS, "legal_form": LEGAL_FORMS}


def said(field: str, text: str, today: date) -> Said:
    """Read what a text that is not empty says of a field, and check it by the rules of the record."""
    try:
        value = READERS[field](text)
    except ValueError as error:
        return Said(None, (str(error),))
    flaws = checks.value_flaws(field.removeprefix("organisation."), value, today)
    return Said(value, tuple(flaw.reason for flaw in flaws)) if flaws else Said(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """Give what somebody probably meant, to be put behind a refusal; empty where nothing is near."""
    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def nearest_term(word: str, terms: Mapping[str, Term]) -> str:
    """Give the key of the term that somebody probably meant, by its key or by its Dutch or English label."""
    names = {name.casefold(): key for key, term in terms.items() for name in (term.nl, term.en, key)}
    near = get_close_matches(word.casefold(), list(names), 1)
    return f" (did you mean {names[near[0]]!r}?)" if near else ""


class Fault(NamedTuple):
    """What is wrong in one row of a table, which is named by its position, from 0."""

    at: int
    field: str
    value: str
    reason: str
