"""When an activity takes place, in words."""

from datetime import date, timedelta
from typing import Any

from maps.reader import Reader

Properties = dict[str, Any]


def next_time(activity: Properties, today: date, reader: Reader) -> str:
    """Tell the next time in as few words as fit beside a name; empty when there is none."""
    if activity.get("next_on") is None:
        return ""
    day = date.fromisoformat(activity["next_on"])
    hour = reader.clock(activity["time_from"]) if activity["time_from"] else ""
    return f"{_near(day, today, reader)} {hour}".strip()


def _near(day: date, today: date, reader: Reader) -> str:
    if day == today:
        return reader.say("today")
    if day == today + timedelta(days=1):
        return reader.say("tomorrow")
    if today < day < today + timedelta(days=7):
        return reader.weekday_short(day)
    return reader.day(day)


def in_full(activity: Properties, today: date, reader: Reader) -> list[str]:
    """Tell when: the rhythm, the hours, until when, and the next time where that is known."""
    first = date.fromisoformat(activity["starts_on"])
    hours = _hours(activity, reader)
    after = f", {hours}" if hours else ""
    if activity["repeat"] == "once":
        return [f"{reader.weekday(first)} {reader.date(first)}{after}"]
    lines = [reader.say("every %(weekday)s", {"weekday": reader.weekday(first)}) + after]
    if first > today:
        lines.append(reader.say("from %(date)s", {"date": reader.date(first)}))
    if activity["ends_on"]:
        last = reader.date(date.fromisoformat(activity["ends_on"]))
        lines.append(reader.say("until %(date)s", {"date": last}))
    if activity.get("next_on"):
        day = reader.day(date.fromisoformat(activity["next_on"]))
        lines.append(reader.say("next time: %(day)s", {"day": day}))
    return lines


def _hours(activity: Properties, reader: Reader) -> str:
    if not activity["time_from"]:
        return ""
    start = reader.clock(activity["time_from"])
    return f"{start}–{reader.clock(activity['time_to'])}" if activity["time_to"] else start
