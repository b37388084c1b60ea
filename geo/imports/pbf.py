"""The envelope of an OpenStreetMap extract (.osm.pbf): is it one, is it whole, and how much is in it when unpacked?"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

from geo.errors import Flaw, InvalidInput

LARGEST_FILE = 500 * 1024**2  # bytes; the Netherlands in two parts, or one province many times over
LARGEST_UNPACKED = 4 * 1024**3
MOST_PACKED = 20  # times smaller than unpacked; real ones are about 2 times
SMALL = 64 * 1024**2  # unpacked bytes that are no harm, however they were packed
LARGEST_HEADER, LARGEST_BLOB = 64 * 1024, 32 * 1024**2  # by the format
MAGIC = b"\x0a\x09OSMHeader"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TYPE, DATA_SIZE, RAW, RAW_SIZE = 1, 3, 1, 2  # the fields that are looked at


class Envelope(NamedTuple):
    """How many blocks an extract has, and how many bytes they hold when unpacked."""

    blocks: int
    unpacked: int


def look_at(path: Path) -> Envelope:
    """Walk from block to block without unpacking any. Raises InvalidInput saying what is wrong with the file."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise _wrong(f"is larger than {LARGEST_FILE // 1024**2} MB: take an extract of the municipality")
    with path.open("rb") as file:
        if file.read(4 + len(MAGIC))[4:] != MAGIC:
            raise _wrong("is no OpenStreetMap extract: give a file that ends in .osm.pbf")
        file.seek(0)
        blocks = unpacked = 0
        while file.tell() < size:
            unpacked += _block(file, size)
            blocks += 1
            if unpacked > min(LARGEST_UNPACKED, max(SMALL, MOST_PACKED * size)):
                raise _wrong("becomes far too large when it is unpacked")
    return Envelope(blocks, unpacked)


def broken() -> InvalidInput:
    """Give what is said of an extract that is cut off or damaged."""
    return _wrong("is damaged or not whole: fetch it again")


def _wrong(reason: str) -> InvalidInput:
    return InvalidInput(f"This file {reason}.", Flaw("file", reason))


def _block(file: BinaryIO, size: int) -> int:
    """Step over one block; gives its bytes when unpacked."""
    header = _fields(file, file.tell() + 4 + _between(int.from_bytes(file.read(4), "big"), LARGEST_HEADER), size)
    if TYPE not in header or DATA_SIZE not in header:
        raise broken()
    blob = _fields(file, file.tell() + _between(header[DATA_SIZE], LARGEST_BLOB), size)
    return _between(blob.get(RAW_SIZE, blob.get(RAW, LARGEST_BLOB)), LARGEST_BLOB)


def _fields(file: BinaryIO, end: int, size: int) -> dict[int, int]:
    """Read the fields of a message that ends at `end`: a number itself, or the length of what is bytes."""
    if end > size:
        raise broken()
    found = {}
    while file.tell() < end:
        key = _varint(file)
        wire = key & 7
        if wire == VARINT:
            found[key >> 3] = _varint(file)
        elif wire == BYTES:
            found[key >> 3] = length = _varint(file)
            file.seek(length, 1)
        elif wire in (FIXED64, FIXED32):
            file.seek(8 if wire == FIXED64 else 4, 1)
        else:
            raise broken()
    if file.tell() != end:
        raise broken()
    return found


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise broken()
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise broken()


def _between(length: int, most: int) -> int:
    if not 0 <= length <= most:
        raise broken()
    return length
