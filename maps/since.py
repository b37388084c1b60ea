"""What became of a neighbourhood after a run of the past, and because of which places, in words."""

from collections.abc import Sequence
from typing import NamedTuple

from maps.reader import Reader, message
from maps.runs import Run, day_of

_NAMED = 5  # places in one sentence

_WHAT = {
    "added": message("new"),
    "closed": message("gone"),
    "moved": message("moved"),
    "hours": message("other opening hours"),
    "capacity": message("other number of places"),
    "confirmed": message("confirmed"),
    "services": message("other services"),
    "catchment": message("works for another area"),
}
_ALSO = {
    "policy": message("The calculation was made with other norms then."),
    "data": message("The data on residents, boundaries or streets are others now."),
    "time": message("No place changed: what is on the map has grown older."),
}


class Because(NamedTuple):
    """A place that changed; `name` is None where it is not public any more, `what` holds keys of what changed."""

    name: str | None
    what: Sequence[str]


class Since(NamedTuple):
    """Residents beyond reach and gap score, then and now; `also` holds what else differs: policy, data, time."""

    uncovered: tuple[float | None, float | None]
    gap: tuple[float | None, float | None]
    because: Sequence[Because] = ()
    also: Sequence[str] = ()


def since_words(since: Since, run: Run, reader: Reader) -> list[str]:
    """Tell what changed after a run, and why."""
    day = day_of(run, reader)
    before, after = since.uncovered
    if before is None or after is None:
        return [reader.say("What changed since %(day)s cannot be told: residents were or are not known.", {"day": day})]
    told = [_change(round(after) - round(before), day, reader)]
    if None not in since.gap:
        then, now = (reader.number(score or 0) for score in since.gap)
        same = reader.say("The gap score is still %(now)s.", {"now": now})
        other = reader.say("The gap score was %(then)s and is now %(now)s.", {"then": then, "now": now})
        told.append(same if then == now else other)
    if since.because:
        named = [_because(each, reader) for each in since.because[:_NAMED]]
        told.append(reader.say("Because of: %(places)s.", {"places": reader.listed(named)}))
    return [" ".join(told), *(reader.say(_ALSO[key]) for key in since.also)]


def _change(people: int, day: str, reader: Reader) -> str:
    if not people:
        return reader.say("Since %(day)s as many residents are beyond reach.", {"day": day})
    if people < 0:
        return reader.say_many(
            "Since %(day)s %(count)s resident fewer is beyond reach.",
            "Since %(day)s %(count)s residents fewer are beyond reach.",
            -people,
            {"day": day},
        )
    return reader.say_many(
        "Since %(day)s %(count)s resident more is beyond reach.",
        "Since %(day)s %(count)s residents more are beyond reach.",
        people,
        {"day": day},
    )


def _because(place: Because, reader: Reader) -> str:
    name = place.name or reader.say("a place that is not public any more")
    what = reader.listed([reader.say(_WHAT[key]) for key in place.what])
    return f"{name} ({what})" if what else name
