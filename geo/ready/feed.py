"""What changed in what the public sees, in the order in which it was committed, for who keeps a copy in step."""

import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.errors import Flaw, InvalidInput
from geo.sql import statements

TURN, CHANGES, GIVEN, LATEST = statements("ready/feed.sql")
MARK = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


class Mark(NamedTuple):
    """Up to where somebody has read: the number of an edition, and a change in it."""

    number: int = 0
    change: int = 0

    def __str__(self) -> str:
        return f"{self.number}-{self.change}"


START = Mark()


class Change(NamedTuple):
    """A record that changed, or that is seen no longer."""

    collection: str
    item: str
    gone: bool
    changed_at: datetime


class Changes(NamedTuple):
    """Some changes, the mark of the last, and whether there are more after it."""

    found: list[Change]
    mark: Mark
    more: bool


def read_mark(told: str) -> Mark:
    """Read a mark as it was given. Raises InvalidInput."""
    found = MARK.fullmatch(told)
    if found is None:
        raise _unknown()
    return Mark(int(found[1]), int(found[2]))


def changes(session: Session, after: Mark, limit: int) -> Changes:
    """Read what changed after a mark, at most `limit` changes; what begins or ends with this day is among them.

    raises InvalidInput for a mark that was never given: it is of another installation, or the database was restored
           from a backup since
    """
    _turn(session)
    told = {"number": after.number, "id": after.change}
    if after != START and not session.scalar(text(GIVEN), told):
        raise _unknown()
    rows = session.execute(text(CHANGES), {**told, "limit": limit + 1}).all()
    here = rows[:limit]
    found = [Change(row.collection, row.item, row.gone, row.made_at) for row in here]
    return Changes(found, Mark(here[-1].number, here[-1].id) if here else after, len(rows) > limit)


def latest(session: Session) -> Mark:
    """Give the mark of now: who reads all collections after it, and then the changes since, has missed nothing."""
    _turn(session)
    found = session.execute(text(LATEST)).first()
    return Mark(*found) if found else START


def _turn(session: Session) -> None:
    """Note what began or ended with the days since it was last noted."""
    if session.execute(text(TURN)).first() is not None:
        session.execute(text("SET CONSTRAINTS numbered IMMEDIATE"))  # the day's own edition is told at once


def _unknown() -> InvalidInput:
    reason = "is no mark that these changes gave: read all collections anew, then the changes without it"
    return InvalidInput(f"after: {reason}", Flaw("after", reason))
