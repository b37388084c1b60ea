"""Passwords: which will do, and how they are kept: as argon2id hashes of the second choice of RFC 9106, section 4.

A password is brought to one Unicode form first (NFKC), so that one typed on another keyboard is still the same.
"""

import threading
import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from geo.errors import Flaw, InvalidInput

SHORTEST, LONGEST = 12, 1000  # characters
SHORTEST_NAME = 4  # a name of one or two letters stands in any password
LONGEST_PART = 6  # a password that repeats a part of so many characters is as weak as the part
FEWEST_SURPRISES = 7

# What the next character may be without surprising anybody, in either direction.
ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "!@#$%^&*()_+",
)
EXPECTED = {pair for row in ROWS for way in (row, row[::-1]) for pair in pairwise(way)}
WORDS = """administrator wachtwoord levende password iloveyou gemeente welcome letmein qwerty beheer welkom geheim
 summer winter herfst kaart admin lente login zomer buurt test""".split()
WORD = "\x00"  # stands for any of them

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE = threading.BoundedSemaphore(4)  # each takes 64 MiB, and who asks for many at once would take all memory
# The hash of no password: of zeros, with the parameters of all others.
NOBODYS = f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 22}${'A' * 43}"


def hashed(password: str) -> str:
    """Give what is stored of a password: another text each time, of which the password cannot be found."""
    with _AT_ONCE:
        return _HASHER.hash(_plain(password))


def holds(kept: str | None, password: str) -> bool:
    """Tell whether this is the password. False without one, after just as long, so that time tells nobody which."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or NOBODYS, _plain(password))
        except VerifyMismatchError:
            return False
    return kept is not None


def stale(kept: str) -> bool:
    """Tell whether a hash was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


def check(password: str, email: str) -> None:
    """Refuse a password that is easily guessed. Raises InvalidInput with a flaw of `password`."""
    told = unicodedata.normalize("NFKC", password)
    reason = _length(len(told), len(password)) or _guessable(told.casefold(), email.casefold().partition("@")[0])
    if reason:
        raise InvalidInput(f"This password cannot be used: it {reason}.", Flaw("password", reason))


def _length(told: int, typed: int) -> str | None:
    if told < SHORTEST:
        return f"has {told} characters, fewer than {SHORTEST}"
    return f"has more than {LONGEST:,} characters" if max(told, typed) > LONGEST else None


def _guessable(told: str, name: str) -> str | None:
    if len(name) >= SHORTEST_NAME and name in told:
        return "contains the name in the e-mail address"
    if any(told[size:] == told[:-size] for size in range(1, LONGEST_PART + 1)):
        return "repeats a few characters"
    if _surprises(told) < FEWEST_SURPRISES:
        return "is one of those that are tried first: a common word, a year, a row of keys"
    return None


def _surprises(told: str) -> int:
    """Count the characters that the one before does not foretell; a word that everybody tries is one character."""
    for word in WORDS:
        told = told.replace(word, WORD)
    return 1 + sum(pair[0] != pair[1] and pair not in EXPECTED for pair in pairwise(told))


def _plain(password: str) -> bytes:
    """Give the bytes that are hashed; of a longer one than anybody can have, no more than tells that it is too long."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "surrogatepass")
