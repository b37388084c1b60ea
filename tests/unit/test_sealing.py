"""What is sealed opens with its key, in its place, as it was, and in no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import Unavailable
from geo.sealing import seal, unseal

KEY = b"a key for these tests"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(min_size=1), st.text(), VALUES)
def test_what_is_sealed_comes_out_as_it_was(key: bytes, about: str, value: object) -> None:
    assert unseal(key, about, seal(key, about, value)) == value


def test_two_seals_of_the_same_differ_and_neither_shows_it() -> None:
    first, second = (seal(KEY, "1 place", "Dorpsstraat 1") for _ in "ab")
    assert first != second
    assert b"Dorps" not in first + second


@pytest.mark.parametrize(("key", "about"), [(b"another key", "1 place"), (KEY, "2 place"), (KEY, "1 contact")])
def test_another_key_row_or_column_opens_nothing(key: bytes, about: str) -> None:
    with pytest.raises(Unavailable, match="does not open"):
        unseal(key, about, seal(KEY, "1 place", [4.5, 52.1]))


@given(st.data())
def test_one_changed_bit_opens_nothing(data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, "1 place", [4.5, 52.1]))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unavailable):
        unseal(KEY, "1 place", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 12, 13, 28])
def test_what_is_cut_short_opens_nothing(length: int) -> None:
    with pytest.raises(Unavailable):
        unseal(KEY, "1 place", seal(KEY, "1 place", "a")[:length])
