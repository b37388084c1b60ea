"""What an import says of each row, and of the file as a whole."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

MOST_LINES = 1000  # of one verdict: a file that is all wrong is told by its first thousand rows
MOST_NOTES = 200
LONGEST_VALUE = 80

# Tells how far a step is: its name, how many are done, and out of how many where that is known.
Progress = Callable[[str, int, int | None], None]


class Verdict(StrEnum):
    """What becomes of a row. Only the first two are written; a doubt waits for somebody to decide."""

    new = "new"
    changed = "changed"
    unchanged = "unchanged"
    refused = "refused"
    doubtful = "doubtful"
    skipped = "skipped"
    missing = "missing"  # stored by an earlier import, and no longer in the source
    archived = "archived"  # missing, and taken off the map because that was asked
    duplicate = "duplicate"  # written, but perhaps the same as another: a line beside its own verdict


class Line(NamedTuple):
    """What is said of one row; `row` counts as a person does, 0 is a row that is not in the file."""

    row: int
    verdict: Verdict
    key: str  # how the source names the row; empty where it does not
    field: str
    value: str
    reason: str


class Report:
    """Gathers counts of all rows, and a line for each that a person should see."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[Line] = []
        self.notes: list[str] = []
        self._told: Counter[str] = Counter()
        self._unmade: Counter[str] = Counter()

    def count(self, verdict: Verdict, rows: int = 1) -> None:
        """Count rows."""
        self.counts[verdict] += rows

    def say(self, line: Line) -> None:
        """Say something of a row; beyond a thousand of one verdict only the count goes on. It does not count."""
        self._told[line.verdict] += 1
        if self._told[line.verdict] <= MOST_LINES:
            self.lines.append(line._replace(value=shortened(line.value)))

    def leave_out(self, verdict: Verdict, rows: int) -> None:
        """Say that so many more rows have a line that is not even made, as a thousand of their verdict are said."""
        self._unmade[verdict] += rows

    def note(self, text: str) -> None:
        """Say something of the file as a whole."""
        self.notes.append(text)

    def unsaid(self) -> dict[str, int]:
        """Give how many lines of each verdict were left out."""
        beyond = Counter({verdict: max(0, told - MOST_LINES) for verdict, told in self._told.items()})
        return {verdict: rows for verdict, rows in (beyond + self._unmade).items() if rows}

    def as_json(self) -> dict[str, object]:
        """Give lines and notes as they are stored with the job."""
        lines = [line._asdict() for line in sorted(self.lines, key=lambda line: line.row)]
        more = len(self.notes) - MOST_NOTES
        notes = self.notes[:MOST_NOTES] + ([f"… and {more} more remarks"] if more > 0 else [])
        return {"lines": lines, "notes": notes, "unsaid": self.unsaid()}


def shortened(value: str) -> str:
    """Give a value so that it fits in a line."""
    plain = " ".join(value.split())
    return plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 1] + "…"
