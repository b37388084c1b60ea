"""Days as people in the Netherlands live them, in Python and in SQL, and the week in 21 parts."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Integer, case, cast, func, literal

from geo.models import Activity
from geo.vocabulary import Repeat

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
PARTS = ((6, 12), (12, 18), (18, 24))  # hours of morning, afternoon, evening
Days = tuple[date, date]  # first and last day, both counted


def today() -> date:
    """Give the day that it is in the Netherlands."""
    return datetime.now(AMSTERDAM).date()


def today_nl() -> ColumnElement[date]:
    """Give the same, as the database sees it within a statement."""
    return cast(func.timezone("Europe/Amsterdam", func.now()), Date)


def mask_of(days: Days) -> int:
    """Give the bits (3 * weekday + part, Monday morning = 0) of all day parts on the given days."""
    first, last = days
    weekdays = {(first + timedelta(n)).weekday() for n in range(min((last - first).days, 6) + 1)}
    return sum(0b111 << 3 * weekday for weekday in weekdays)


def next_on(since: ColumnElement[date]) -> ColumnElement[date | None]:
    """Select the first day on or after `since` on which an activity takes place; NULL when it never does again."""
    weeks = cast(func.ceil(func.greatest(since - Activity.starts_on, 0) / 7.0), Integer)
    weekly = Activity.starts_on + weeks * 7
    last = func.coalesce(Activity.ends_on, cast("infinity", Date))
    return case(
        (Activity.repeat == Repeat.once, case((Activity.starts_on >= since, Activity.starts_on))),
        else_=case((weekly <= last, weekly)),
    )


def as_sql(day: date) -> ColumnElement[date]:
    """Bind a day as a date, so that the database can reckon with it."""
    return cast(literal(day), Date)
