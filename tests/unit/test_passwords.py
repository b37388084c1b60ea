"""Which passwords will do, and how they are kept."""

import re
import unicodedata
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InvalidInput
from geo.people import passwords

GOOD = "drie fietsen en een brug"
EMAIL = "jansen@example.nl"


@pytest.fixture(scope="module")
def kept() -> str:
    return passwords.hashed(GOOD)


def reason(password: str, email: str = EMAIL) -> str:
    with pytest.raises(InvalidInput) as refused:
        passwords.check(password, email)
    (flaw,) = refused.value.flaws
    assert flaw.field == "password"
    assert not password or password not in str(refused.value)
    return flaw.reason


def test_a_hash_is_argon2id_with_the_second_choice_of_rfc_9106_and_another_one_each_time() -> None:
    one, other = passwords.hashed(GOOD), passwords.hashed(GOOD)
    salt_of_16_bytes_and_tag_of_32 = r"[\w+/]{22}\$[\w+/]{43}"
    assert re.fullmatch(rf"\$argon2id\$v=19\$m=65536,t=3,p=4\${salt_of_16_bytes_and_tag_of_32}", one)
    assert one != other
    assert GOOD not in one
    assert passwords.holds(one, GOOD)


@pytest.mark.parametrize("wrong", ["", " ", GOOD + " ", GOOD[:-1], GOOD.upper(), GOOD * 1000, "\ud800", "\x00"])
def test_another_password_does_not_fit(wrong: str, kept: str) -> None:
    assert not passwords.holds(kept, wrong)


def test_where_there_is_no_hash_no_password_fits() -> None:
    assert not passwords.holds(None, GOOD)


def test_the_hash_of_nobody_costs_what_any_other_costs(kept: str) -> None:
    nobodys, parts = passwords.NOBODYS.split("$"), kept.split("$")
    assert nobodys[:4] == parts[:4]
    assert [len(part) for part in nobodys] == [len(part) for part in parts]
    assert not passwords.stale(passwords.NOBODYS)


def test_a_hash_of_other_parameters_still_fits_and_is_stale(kept: str) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD)
    assert passwords.holds(cheap, GOOD)
    assert passwords.stale(cheap)
    assert not passwords.stale(kept)


def test_the_same_letters_from_another_keyboard_are_the_same_password() -> None:
    composed, combined = "één brug te ver weg", "e\u0301e\u0301n brug te ver weg"
    assert composed != combined
    assert passwords.holds(passwords.hashed(composed), combined)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "x7#kQ9!mZ2pL",
        "correct horse battery staple",
        "een zin met een ï en een 🚲",
        "vier kaarten op tafel in de zomer",
        "wq8" * 3 + "rest van de zin",
        "%^)#!(*&@$^!",
    ],
)
def test_a_password_of_twelve_characters_that_nobody_tries_first_will_do(password: str) -> None:
    passwords.check(password, EMAIL)


def test_shorter_than_twelve_or_longer_than_a_thousand_is_refused() -> None:
    assert reason("x7#kQ9!mZ2p") == "has 11 characters, fewer than 12"
    assert reason("") == "has 0 characters, fewer than 12"
    long = "".join(chr(0x4E00 + n) for n in range(1001))
    assert reason(long) == "has more than 1,000 characters"
    passwords.check(long[:1000], EMAIL)
    kept = passwords.hashed(long[:1000])
    assert passwords.holds(kept, long[:1000])
    assert not passwords.holds(kept, long)


def test_the_name_in_the_e_mail_address_may_not_be_in_it() -> None:
    assert reason("voor Jansen alleen x7", "JANSEN@example.nl") == "contains the name in the e-mail address"
    passwords.check("voor Jansen alleen x7", "pietersen@example.nl")


def test_a_name_of_three_letters_stands_in_too_many_words_to_be_refused() -> None:
    passwords.check("vijf bananen op tafel", "ana@example.nl")


@pytest.mark.parametrize(
    "weak",
    ["aaaaaaaaaaaa", "ababababababa", "abcabcabcabc", "Kip1Kip1Kip1K", "geheim geheim geheim", "            "],
)
def test_repeating_a_few_characters_is_refused(weak: str) -> None:
    assert reason(weak) in (
        "repeats a few characters",
        "is one of those that are tried first: a common word, a year, a row of keys",
    )


@pytest.mark.parametrize(
    "weak",
    [
        "123456789012",
        "0987654321098",
        "abcdefghijkl",
        "zyxwvutsrqpo",
        "qwertyuiop[]",
        "qwertyuiopasdf",
        "abcdef123456",
        "111122223333",
        "!@#$%^&*()_+",
        "Password1234",
        "Wachtwoord2026",
        "Welkom2026!!!!",
        "welkomwelkom1",
        "levendekaart1",
        "administrator",
    ],
)
def test_what_is_tried_first_is_refused(weak: str) -> None:
    assert reason(weak) == "is one of those that are tried first: a common word, a year, a row of keys"


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=40), st.integers(1, 6))
def test_whatever_is_repeated_is_refused(text: str, size: int) -> None:
    part = text[:size]
    assert reason((part * 20)[:24], "nobody@example.nl")


@given(st.text(max_size=1500))
def test_any_text_is_refused_or_taken_and_what_is_taken_has_a_good_length(text: str) -> None:
    with suppress(InvalidInput):
        passwords.check(text, EMAIL)
        assert 12 <= len(unicodedata.normalize("NFKC", text)) <= 1000
