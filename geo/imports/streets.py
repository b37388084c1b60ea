"""Dutch addresses as people write them, word by word: is this one surely that one?"""

import re
import unicodedata
from difflib import SequenceMatcher
from typing import NamedTuple

POSTCODE = re.compile(r"\b([1-9]\d{3}) ?([A-Za-z]{2})\b")
WORD = re.compile(r"[a-z]+|\d+")
LAND = ("nederland", "nl", "netherlands")
NEARLY_THE_SAME = 0.85  # of 1, for the name of a street whose postcode and number are right already
CALLED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("den", "haag"): ("s", "gravenhage"),
    ("den", "bosch"): ("s", "hertogenbosch"),
}
Words = tuple[str, ...]


class Asked(NamedTuple):
    """What somebody wrote: the postcode (empty where there is none), and all other words in their order."""

    postcode: str
    words: Words


class Address(NamedTuple):
    """An address that exists. `number` is the house number with its letter and addition: 12A-2 is 12, a, 2."""

    street: Words
    number: Words
    postcode: str
    town: Words


def words(text: str) -> Words:
    """Give the words and numbers of a text, without capitals, accents and signs; letters and digits part."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(WORD.findall("".join(sign for sign in plain if not unicodedata.combining(sign))))


def read(text: str) -> Asked:
    """Read an address as somebody wrote it."""
    found = POSTCODE.search(text)
    said = words(POSTCODE.sub(" ", text, count=1))
    while said and said[-1] in LAND:
        said = said[:-1]
    return Asked(f"{found[1]}{found[2].upper()}" if found else "", said)


def surely(asked: Asked, address: Address) -> bool:
    """Say whether an address is the one that was asked: every word of the question must be accounted for.

    With a postcode, postcode and number decide, and the street may be missing, shortened or misspelt, but not another.
    Without one, street, number and town must all be the same.
    """
    if not address.number or (asked.postcode and asked.postcode != address.postcode):
        return False
    size = len(address.number)
    return any(
        _fits(asked.words[:at], asked.words[at + size :], by_postcode=bool(asked.postcode), address=address)
        for at in range(len(asked.words) - size + 1)
        if asked.words[at : at + size] == address.number
    )


def _fits(street: Words, town: Words, *, by_postcode: bool, address: Address) -> bool:
    here = CALLED.get(town, town) == address.town
    if not by_postcode:
        return here and street == address.street
    begins = bool(address.town) and town[: len(address.town)] == address.town  # Amsterdam Zuidoost, Hengelo (Ov)
    return (not town or here or begins) and (not street or resembles(street, address.street))


def resembles(said: Words, street: Words) -> bool:
    """Say whether a street may be written so: behind the name of a building, shortened, or with a slip of the pen."""
    if street and said[-len(street) :] == street:
        return True
    if len(said) == len(street) and all(a.startswith(b) or b.startswith(a) for a, b in zip(said, street, strict=True)):
        return True
    return SequenceMatcher(None, " ".join(said), " ".join(street)).ratio() >= NEARLY_THE_SAME
