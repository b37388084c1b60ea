"""The journal of erasures: a file outside the database, so that a restored backup does not bring anybody back.

One line for each: the moment (UTC), what was erased, and an id that means nothing any more. Only its owner may read it,
and lines are only ever added.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from geo import folder
from geo.errors import Unavailable
from geo.settings import Settings
from geo.vocabulary import Erased

NAME = "erasures"
LINE = re.compile(r"(\S+) ([a-z]+) ([0-9a-f-]{36})")


class Entry(NamedTuple):
    """Somebody who was erased: when, what they were, and under which id a backup may still hold them."""

    erased_at: datetime
    what: Erased
    id: UUID


def place(settings: Settings) -> Path:
    """Give where the journal of this installation is kept."""
    return folder.var(settings) / NAME


def read(file: Path, *, whole: bool = False) -> list[Entry]:
    """Give what a journal says; nothing where there is no such file.

    whole    a last line that was not written to its end is an error too; else it counts as not written, as whoever is
             killed leaves it: what it was to say stands in the database
    raises   Unavailable naming the line that cannot be read
    """
    try:
        told = file.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _trouble(file, error) from None
    return _entries(file, told if whole else _finished(told))


def add(file: Path, entries: Iterable[Entry]) -> int:
    """Add those of whom the journal does not know yet, and see to it that they are on the disk; gives how many.

    Of two processes one waits for the other. Without anything to add no file is made.

    raises   Unavailable where it cannot be read or written; then nothing was added
    """
    wanted = {entry.id: entry for entry in entries}
    if not wanted:
        return 0
    with _held(file) as handle:
        told = _all(handle)
        kept = _finished(told)
        fresh = wanted.keys() - {entry.id for entry in _entries(file, kept)}
        if fresh:
            ordered = sorted(wanted[each] for each in fresh)
            _append(handle, len(kept), b"".join(map(_line, ordered)))
            _settle(file.parent)
    return len(fresh)


def _line(entry: Entry) -> bytes:
    return f"{entry.erased_at.astimezone(UTC).isoformat()} {entry.what.value} {entry.id}\n".encode()


def _entries(file: Path, told: bytes) -> list[Entry]:
    return [_entry(file, number, line) for number, line in enumerate(told.splitlines(), 1)]


def _entry(file: Path, number: int, line: bytes) -> Entry:
    try:
        found = LINE.fullmatch(line.decode("ascii"))
        if found is None:
            raise ValueError
        moment = datetime.fromisoformat(found[1])
        if moment.tzinfo is None:
            raise ValueError
        return Entry(moment, Erased(found[2]), UUID(found[3]))
    except ValueError:
        raise Unavailable(
            f"Line {number} of {file} cannot be read: it is to be a moment, volunteer or account, and an id. Mend it: "
            "until then nobody knows whom a restored backup brings back."
        ) from None


def _finished(told: bytes) -> bytes:
    """Leave out a last line without an end."""
    return told[: told.rfind(b"\n") + 1]


@contextmanager
def _held(file: Path) -> Iterator[int]:
    """Open the journal for this process alone, made where it is not there yet."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.fchmod(handle, 0o600)
            yield handle
        finally:
            os.close(handle)
    except OSError as error:
        raise _trouble(file, error) from None


def _all(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, 0)


def _append(handle: int, kept: int, lines: bytes) -> None:
    """Write lines after the first `kept` bytes, all of them or none."""
    os.ftruncate(handle, kept)
    try:
        while lines:
            lines = lines[os.write(handle, lines) :]
        os.fsync(handle)
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, kept)
        raise


def _settle(home: Path) -> None:
    """Have the name of a new file on the disk too."""
    handle = os.open(home, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _trouble(file: Path, error: OSError) -> Unavailable:
    return Unavailable(f"Cannot keep the journal of erasures in {file} ({error.strerror}).")
