"""Running commands in this process, on a database of the test's own (the fixture `kaart`)."""

from collections.abc import Callable

import pytest

Kaart = Callable[..., str]


class Refused(Exception):
    """What the command said on stderr when it did not do what was asked; `printed` is what it said on stdout."""

    def __init__(self, said: str, printed: str) -> None:
        super().__init__(said)
        self.printed = printed


def refusal(kaart: Kaart, *words: str) -> str:
    """Run a command that must refuse; give what it said."""
    with pytest.raises(Refused) as refused:
        kaart(*words)
    return str(refused.value)
