"""When: opening hours and the days of an activity as HSDS schedules, which repeat as iCalendar's RRULE does."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid5

from geo.days import AMSTERDAM
from geo.hsds.spans import DAYS, WEEKLY, spans
from geo.hsds.terms import Told
from geo.vocabulary import Repeat

NOON = time(12)
LOCAL = "All year these are hours of the clock in the Netherlands (Europe/Amsterdam); the offset is that of one day."


def of_hours(service: str, written: str, today: date) -> list[Told]:
    """Tell opening hours (OSM syntax); what is richer than rules that repeat stands as it is written.

    Clock times carry the offset from UTC of `today`.
    """
    found = spans(written)
    notes = f"{written} (opening hours as OpenStreetMap writes them). {LOCAL}"
    if not found:
        return [_schedule(service, 0, {"description": written, "notes": notes})]
    told = []
    for number, span in enumerate(found):
        nth = "" if span.nth == WEEKLY else str(span.nth)
        days = {
            "freq": "MONTHLY" if nth else "WEEKLY",
            "interval": 1,
            "byday": ",".join(f"{nth}{DAYS[day].upper()}" for day in span.days),
        }
        hours = {**clock(span.opens, span.closes, today), "notes": notes}
        told.append(_schedule(service, number, days | hours))
    return told


def of_activity(service: str, properties: dict[str, Any]) -> list[Told]:
    """Tell when an activity takes place. Clock times carry the offset of its next day, else of its first."""
    first = properties["starts_on"]
    day = date.fromisoformat(properties["next_on"] or first)
    last = properties["ends_on"]
    if properties["repeat"] == Repeat.once:
        days: Told = {"valid_from": first, "valid_to": first, "dtstart": first, "until": first, "count": 1}
    else:
        byday = DAYS[date.fromisoformat(first).weekday()].upper()
        days = {"dtstart": first, "freq": "WEEKLY", "interval": 1, "byday": byday}
        days |= {"until": last} if last else {}
    hours = clock(properties["time_from"], properties["time_to"], day)
    return [_schedule(service, 0, days | hours | ({"notes": LOCAL} if properties["time_from"] else {}))]


def clock(opens: str | None, closes: str | None, day: date) -> Told:
    """Tell clock times of the Netherlands with the offset from UTC that they have on a day; what is unknown is absent.

    opens, closes  as 18:30 or 18:30:00
    """
    offset = datetime.combine(day, NOON, AMSTERDAM).utcoffset()
    hours = 0 if offset is None else int(offset.total_seconds() // 3600)
    told: Told = {"timezone": hours} if opens else {}
    for name, at in (("opens_at", opens), ("closes_at", closes)):
        if at:
            told[name] = f"{at[:5]}{hours:+03}:00"
    return told


def _schedule(service: str, number: int, told: Told) -> Told:
    return {"id": str(uuid5(UUID(service), f"schedule {number}")), "service_id": service, **told}
