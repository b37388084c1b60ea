"""One file that holds named parts: any `tar` can list and unpack it, but only what is written here is read here.

Parts are written as they come, of whatever length. Reading takes nothing on trust: every block that describes a part
must be the one that this module would write, so there are no links, no other owners and no ways out of a folder.
"""

import os
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from geo.errors import Conflict, InvalidInput, Unavailable

BLOCK = 512
CHUNK_BYTES = 1 << 20
LONGEST_NAME = 99
NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")


class Part(NamedTuple):
    """Where a part lies in the file, how many bytes it has, and when it was last changed (seconds since 1970)."""

    start: int
    size: int
    changed_at: int


class Sum(NamedTuple):
    """What tells whether a part is whole."""

    bytes: int
    sha256: str


@contextmanager
def new(file: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write parts to; it gets its name when the block ends well, and is gone when not.

    Only its owner may read it. Raises Conflict where the name is taken, Unavailable where it cannot be written.
    """
    _must_be_free(file, replace)
    fresh: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:100]}.new-")
        fresh = Path(name)
        with open(handle, "w+b") as to:
            yield to
            to.write(bytes(2 * BLOCK))
            to.flush()
            os.fsync(to.fileno())
        _must_be_free(file, replace)
        fresh.replace(file)
    except OSError as error:
        raise Unavailable(f"Cannot write {file} ({error.strerror}).") from None
    finally:
        if fresh is not None:
            fresh.unlink(missing_ok=True)


def _must_be_free(file: Path, replace: bool) -> None:
    if not file.parent.is_dir():
        raise Unavailable(f"There is no folder {file.parent}: make it first.")
    if file.is_dir():
        raise Conflict(f"{file} is a folder: name a file.")
    if not replace and os.path.lexists(file):
        raise Conflict(f"{file} exists: name another file, or replace it with --force.")


def add(to: BinaryIO, name: str, pieces: Iterable[bytes], changed_at: float) -> Sum:
    """Write one part; its length is known, and filled in, when the pieces end."""
    start, size, digest = to.tell(), 0, sha256()
    to.write(bytes(BLOCK))
    for piece in pieces:
        to.write(piece)
        digest.update(piece)
        size += len(piece)
    to.write(bytes(-size % BLOCK))
    end = to.tell()
    to.seek(start)
    to.write(_head(name, size, int(changed_at)))
    to.seek(end)
    return Sum(size, digest.hexdigest())


def parts(source: BinaryIO) -> dict[str, Part]:
    """Find the parts of a file by name. Raises InvalidInput where it is cut short, or holds anything else."""
    found: dict[str, Part] = {}
    length, place = source.seek(0, os.SEEK_END), 0
    while any(block := _block(source, place)):
        name, part = _part(block, place)
        if name in found:
            raise InvalidInput(f"The file holds the part {name} twice: it is no backup that was made here.")
        found[name] = part
        place = part.start + part.size + -part.size % BLOCK
        if place > length:
            raise InvalidInput(f"The file is cut short: it ends within the part {name}.")
        source.seek(part.start + part.size)
        if any(source.read(place - part.start - part.size)):
            raise InvalidInput(f"The file is damaged after the part {name}.")
    if any(_block(source, place + BLOCK)) or length != place + 2 * BLOCK:
        raise InvalidInput("The file goes on after its end: it is no backup that was made here.")
    return found


def pieces(source: BinaryIO, part: Part) -> Iterator[bytes]:
    """Give the bytes of a part, one piece after the other."""
    source.seek(part.start)
    left = part.size
    while left:
        piece = source.read(min(left, CHUNK_BYTES))
        if not piece:
            raise InvalidInput("The file became shorter while it was read.")
        left -= len(piece)
        yield piece


def whole(source: BinaryIO, part: Part, limit: int) -> bytes:
    """Give a part that fits in memory. Raises InvalidInput where it is larger than `limit`, bytes."""
    if part.size > limit:
        raise InvalidInput("The file holds a part that is larger than any backup has: nothing is taken from it.")
    return b"".join(pieces(source, part))


def total(source: BinaryIO, part: Part) -> Sum:
    """Add up a part as it is now."""
    digest = sha256()
    for piece in pieces(source, part):
        digest.update(piece)
    return Sum(part.size, digest.hexdigest())


def fits(name: str) -> bool:
    """Tell whether a part may have this name: plain words between slashes, none of them hidden or leading upwards."""
    return len(name) <= LONGEST_NAME and NAME.fullmatch(name) is not None


def _block(source: BinaryIO, place: int) -> bytes:
    source.seek(place)
    block = source.read(BLOCK)
    if len(block) < BLOCK:
        raise InvalidInput("The file is cut short, or no backup at all.")
    return block


def _part(block: bytes, place: int) -> tuple[str, Part]:
    """Read the block that stands before a part."""
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError):
        raise InvalidInput(f"The file is damaged, or no backup that was made here (at byte {place}).") from None
    if not fits(info.name):
        raise InvalidInput(f"The file holds a part {info.name!r}, a name that no backup has: nothing is taken from it.")
    if block != _head(info.name, info.size, int(info.mtime)):
        raise InvalidInput(f"The part {info.name} is damaged, or no plain file: nothing is taken from it.")
    return info.name, Part(place + BLOCK, info.size, int(info.mtime))


def _head(name: str, size: int, changed_at: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, changed_at, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
