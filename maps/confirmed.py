"""When somebody last confirmed that a record is right, in words; old news says so itself."""

from datetime import date, timedelta
from typing import NamedTuple

from maps.reader import Reader

AGEING_AFTER = timedelta(days=365)


class Confirmed(NamedTuple):
    """The words, and whether the record is ageing: never confirmed, or more than a year ago."""

    words: str
    ageing: bool


def confirmed(on: str | None, today: date, reader: Reader) -> Confirmed:
    """Tell when a record was confirmed. `on` is an ISO date, or None where nobody ever did."""
    if on is None:
        return Confirmed(reader.say("never confirmed"), True)
    day = date.fromisoformat(on)
    age = today - day
    if age > AGEING_AFTER:
        return Confirmed(reader.say("not confirmed since %(month)s", {"month": reader.month(day)}), True)
    if age < timedelta(days=8):
        return Confirmed(reader.say("confirmed this past week"), False)
    if age < timedelta(days=32):
        return Confirmed(reader.say("confirmed this past month"), False)
    return Confirmed(reader.say("confirmed in %(month)s", {"month": reader.month(day)}), False)
