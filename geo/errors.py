"""The five ways in which the service refuses. `api/errors.py` gives each its HTTP status."""

from typing import NamedTuple


class Flaw(NamedTuple):
    """One thing wrong with what was sent: where it stands, and why it is refused."""

    field: str
    reason: str


class Refusal(Exception):
    """A request that cannot be met. `str()` of it is meant for the person who asked."""


class NotFound(Refusal):
    """It does not exist, or the asker may not know that it does."""


class NotAllowed(Refusal):
    """The asker's role does not permit it."""


class InvalidInput(Refusal):
    """What was sent breaks a rule; `flaws` names each field and the reason."""

    def __init__(self, message: str, *flaws: Flaw) -> None:
        super().__init__(message)
        self.flaws = flaws


class Conflict(Refusal):
    """It was right when it was read, but something changed in between or it exists already."""


class Unavailable(Refusal):
    """Something the service needs (database, program, disk) is missing or does not answer."""
