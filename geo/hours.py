"""Opening hours in OSM syntax: are they readable, and in which of the 21 parts of a week do they say open."""

from datetime import date, datetime, time, timedelta

from opening_hours import OpeningHours, State, validate

from geo.days import PARTS

WEEKS = 5
LONGEST = 500  # characters; real ones are far shorter


def parse(hours: str) -> OpeningHours | None:
    """Read opening hours; None where they are no OSM opening hours, or longer than any real ones."""
    return OpeningHours(hours) if len(hours) <= LONGEST and validate(hours) else None


def open_mask(hours: OpeningHours, week_of: date) -> int:
    """Give the bits (3 * weekday + part, Monday morning = 0) of the parts in which any of five weeks is open.

    Five weeks, the first that of `week_of`, hold every "first Tuesday of the month". A part counts when it is open at
    any minute of it; nights after midnight belong to no part. Public and school holidays are left out.
    """
    monday = datetime.combine(week_of - timedelta(week_of.weekday()), time())
    mask = 0
    for week in range(WEEKS):
        parts = _parts(monday + timedelta(7 * week))
        for start, end, state, _ in hours.intervals(parts[0][0], parts[-1][1]):
            if state == State.OPEN:
                mask |= sum(1 << bit for bit, (first, last) in enumerate(parts) if start < last and end > first)
    return mask


def _parts(monday: datetime) -> list[tuple[datetime, datetime]]:
    days = [monday + timedelta(n) for n in range(7)]
    return [(day + timedelta(hours=first), day + timedelta(hours=last)) for day in days for first, last in PARTS]
