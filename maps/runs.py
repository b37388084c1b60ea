"""The computations that can be looked at: the state that follows each change, and those that were kept, by date."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from geo.coverage.policy import Policies
from geo.days import AMSTERDAM
from maps.reader import Reader, message
from maps.resident import Choice


class Run(NamedTuple):
    """One computation that is done. `live` says that it follows each change since; `walks` is `line` or `network`."""

    id: str
    computed_at: datetime
    live: bool
    lattice_m: float
    walks: str
    policies: Policies


class AtWork(NamedTuple):
    """A computation that is not done: `status` is waiting, working or failed; `progress` goes from 0 to 1."""

    status: str
    progress: float
    asked_at: datetime


_STATUS = {
    "waiting": message("A new calculation waits its turn."),
    "working": message("A new calculation is at work: %(percent)s done."),
    "failed": message("The calculation of %(day)s failed; what you see is the one before it."),
}


def day_of(run: Run, reader: Reader) -> str:
    """Tell the day of a run in full."""
    return reader.date(run.computed_at.astimezone(AMSTERDAM).date())


def when(run: Run, reader: Reader) -> str:
    """Tell of when the figures are: of now, or of the day of a run that was kept."""
    if run.live:
        return reader.say("up to date; follows every change")
    return reader.say("calculated on %(day)s", {"day": day_of(run, reader)})


def run_choices(runs: Sequence[Run], chosen: str, reader: Reader) -> list[Choice]:
    """Give the runs to choose from: now, which an empty value means, then those kept, the newest first."""
    days = [run.computed_at.astimezone(AMSTERDAM).date() for run in runs]
    kept = []
    for run, day in zip(runs, days, strict=True):
        clock = f", {reader.time(run.computed_at.astimezone(AMSTERDAM))}" if days.count(day) > 1 else ""
        if not run.live:
            kept.append(Choice(run.id, reader.short(day) + clock, run.id == chosen))
    return [Choice("", reader.say("Now"), not chosen), *kept]


def work_words(work: AtWork | None, reader: Reader) -> str:
    """Tell how far a new computation is; empty where none is under way."""
    if work is None:
        return ""
    day = reader.date(work.asked_at.astimezone(AMSTERDAM).date())
    return reader.say(_STATUS[work.status], {"percent": reader.percent(work.progress), "day": day})
