"""What an uploaded file may be: bounds on its size and shape, and the tricks that are refused before a parser sees it.

Nothing here believes what a file says of itself, and nothing holds more of it in memory than a few chunks.
"""

import codecs
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from geo.errors import Flaw, InvalidInput

MB = 1_000_000


class Limits(NamedTuple):
    """The bounds of one uploaded file."""

    file_bytes: int = 500 * MB
    rows: int = 1_000_000
    columns: int = 500
    cells: int = 25 * MB  # rows times the columns that are kept
    cell_bytes: int = 1 << 20  # of one value; characters in a CSV
    line_chars: int = 8 << 20  # of one line of a CSV, with all its values
    depth: int = 32  # brackets within brackets, in JSON
    names: int = 1_000  # different member names in a GeoJSON, at any depth
    unpacked_bytes: int = 1_000 * MB  # of all members of a zip
    ratio: int = 200  # unpacked to packed
    members: int = 1_000
    part_bytes: int = 4 << 20  # of XML in a workbook between the end of one row (or text) and the next
    nested: int = 1_000  # collections within one geometry


LIMITS = Limits()  # tests lower these; read them as limits.LIMITS when they are needed

CHUNK = 1 << 20
CRS_BYTES = 4096
FEATURE_DEPTH = 3  # {"features": [{ : three brackets
OUTSIDE = bytes(set(range(256)) - set(b'"[]{}'))  # all but what gives JSON its structure
STEP = np.zeros(256, dtype=np.int8)
STEP[list(b"[{")], STEP[list(b"]}")] = 1, -1
SPACED = re.compile(rb'"([^"]*)"[ \t\r\n]+:')
DOUBT = "It looks damaged or cut off: save or download it again."
ZIP_END, ZIP_END_64 = b"PK\x05\x06", b"PK\x06\x07"


class Upload(NamedTuple):
    """A file that came in: where it stands now, and the name by which the person knows it."""

    path: Path
    name: str


def refusal(upload: Upload, why: str, *flaws: Flaw) -> InvalidInput:
    """Make the refusal of a file, in one line that starts with its name."""
    return InvalidInput(f"{upload.name}: {why}", *flaws)


def damaged(upload: Upload) -> InvalidInput:
    """Make the refusal of a file that its own format's reader cannot read."""
    return refusal(upload, f"cannot be read. {DOUBT}")


def shown(file: Path) -> str:
    """Give a file's name as it can stand in one line: no folder, nothing unprintable, 100 characters at most."""
    return "".join(letter if letter.isprintable() else "?" for letter in file.name)[:100]


def check_file(upload: Upload) -> None:
    """Refuse what is absent, no plain file (a folder, a pipe, a device), empty, or larger than LIMITS.file_bytes."""
    try:
        status = upload.path.stat()
    except (OSError, ValueError):
        raise refusal(upload, "there is no such file, or it may not be read.") from None
    if not stat.S_ISREG(status.st_mode):
        raise refusal(upload, "is no plain file (a folder, a pipe or a device).")
    if status.st_size == 0:
        raise refusal(upload, "is empty (0 bytes).")
    if status.st_size > LIMITS.file_bytes:
        raise refusal(upload, f"is {status.st_size / MB:,.0f} MB; {LIMITS.file_bytes / MB:,.0f} MB is the most.")


def check_counts(upload: Upload, rows: int, columns: int) -> None:
    """Refuse more rows or columns, or more of both together, than a file may have."""
    for count, most, what in (
        (rows, LIMITS.rows, "rows"),
        (columns, LIMITS.columns, "columns"),
        (rows * columns, LIMITS.cells, "values"),
    ):
        if count > most:
            raise refusal(upload, f"has more than {most:,} {what}: split it, or leave out what is not needed.")


def check_json(upload: Upload) -> None:
    """Refuse JSON that nests too deep, is cut off, is no UTF-8, has too many member names or tells to fetch an address.

    A parser would find some of this out too, but only after it has filled the memory. Linear in the size: about 15 ms
    for a megabyte.
    """
    names: set[bytes] = set()
    depth, inside, features, text, tail, escape = 0, False, 0, 0, b"", b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with upload.path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            _check_utf8(upload, decoder, chunk)
            # Bytes that no UTF-8 has, so that no two names become one.
            chunk = (escape + chunk).replace(b"\\\\", b"\xff").replace(b'\\"', b"\xfe")
            escape = b"\\" if chunk.endswith(b"\\") else b""
            chunk = chunk.removesuffix(b"\\")
            found = np.frombuffer(chunk.translate(None, OUTSIDE), dtype=np.uint8)
            quotes = found == ord('"')
            text = text + len(chunk) if inside and not quotes.any() else 0
            if text >= LIMITS.cell_bytes:
                raise refusal(upload, f"has a text of more than {text:,} bytes, or a quotation mark too few.")
            within = (np.cumsum(quotes, dtype=np.uint8) + inside) % 2 == 1
            depths = depth + np.cumsum(np.where(within, 0, STEP[found]), dtype=np.int64)
            if depths.max(initial=0) > LIMITS.depth:
                raise refusal(upload, f"nests more than {LIMITS.depth} levels deep.")
            if depths.min(initial=0) < 0:
                raise damaged(upload)
            features += int(np.count_nonzero(~within & (found == ord("{")) & (depths == FEATURE_DEPTH)))
            check_counts(upload, features - 1, 0)  # one may be part of the coordinate system
            tail = _collect(names, tail + chunk)
            if len(names) > LIMITS.names:
                raise refusal(upload, f"has more than {LIMITS.names:,} different field names.")
            depth, inside = int(depths[-1]) if len(depths) else depth, bool(within[-1]) if len(within) else inside
    if depth or inside:
        raise damaged(upload)
    if any(_plain(name) == "crs" for name in names):
        _check_crs(upload)


def _check_utf8(upload: Upload, decoder: codecs.IncrementalDecoder, chunk: bytes) -> None:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        raise refusal(upload, "is not UTF-8, as GeoJSON has to be: save it again in that encoding.") from None


def _collect(names: set[bytes], text: bytes) -> bytes:
    """Add the member names in `text`; give the end of it, where a name may have been cut in two.

    A text that starts with a colon adds what stands before it, which differs seldom and does no harm.
    """
    *named, rest = text.split(b'":')
    alike = len(set(named[:1000])) < len(named[:1000]) / 2  # then it is quicker to look at each once
    names.update({part.rpartition(b'"')[2] for part in (set(named) if alike else named)})
    if any(space in text for space in (b" :", b"\t:", b"\n:", b"\r:")):
        names.update(SPACED.findall(text))
    opening = rest.rfind(b'"', 0, max(rest.rfind(b'"'), 0))
    tail = rest[max(opening, 0) :]
    return tail if len(tail) <= LIMITS.cell_bytes else b""


def _plain(name: bytes) -> str:
    """Give a member name without its escapes, in small letters."""
    try:
        return str(json.loads(f'"{name.decode("latin-1")}"', strict=False)).lower()
    except ValueError:
        return ""


def _check_crs(upload: Upload) -> None:
    """Refuse a coordinate system that is told as a link: GDAL would fetch whatever address stands there."""
    reader = json.JSONDecoder(object_pairs_hook=list)
    with upload.path.open("rb") as stream:
        for text in _crs_members(stream):
            told = re.match(rb"\s*:\s*\{", text)
            if told is None and text.strip() not in (b"", b":"):
                continue  # a value, or a field of that name
            try:
                value, _ = reader.raw_decode(text[told.end() - 1 :].decode(errors="replace") if told else "")
            except ValueError:
                value = [("type", "")]
            kinds = [kind for name, kind in value if name.lower() == "type"]
            if any(str(kind).lower() not in ("name", "epsg") for kind in kinds):
                raise refusal(upload, 'names its coordinate system in a way that is not read: use "type": "name".')


def _crs_members(stream: BinaryIO) -> Iterator[bytes]:
    """Give what follows each `"crs"`, also one that is written with escapes."""
    name = re.compile(rb'"(?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)"', re.IGNORECASE)
    window = b""
    while True:
        chunk = stream.read(CHUNK)
        window += chunk
        end = len(window) - CRS_BYTES if chunk else len(window)
        yield from (window[m.end() : m.end() + CRS_BYTES] for m in name.finditer(window) if m.start() < end)
        if not chunk:
            return
        window = window[max(end, 0) :]


def check_zip(upload: Upload) -> list[zipfile.ZipInfo]:
    """Give the members of a zip; refuse one that would unpack to too much, is encrypted, or reaches out of its folder.

    `zipfile` gives no more bytes of a member than the directory tells, so that sums over the directory bound them.
    """
    _check_directory(upload)
    try:
        with zipfile.ZipFile(upload.path) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        raise damaged(upload) from None
    total = sum(member.file_size for member in found)
    if total > LIMITS.unpacked_bytes:
        raise refusal(upload, f"unpacks to more than {LIMITS.unpacked_bytes / MB:,.0f} MB.")
    large = [member for member in found if member.file_size > MB]
    if any(member.file_size > LIMITS.ratio * member.compress_size for member in large) or (
        total > max(LIMITS.ratio * upload.path.stat().st_size, MB)
    ):
        raise refusal(upload, f"unpacks to more than {LIMITS.ratio} times its size: a zip bomb.")
    for member in found:
        _check_member(upload, member)
    return found


def _check_directory(upload: Upload) -> None:
    """Refuse a directory too long to be read into memory, before `zipfile` does so."""
    size = upload.path.stat().st_size
    with upload.path.open("rb") as stream:
        stream.seek(max(size - (1 << 16) - 22, 0))
        end = stream.read()
    at = end.rfind(ZIP_END)
    if at < 0 or len(end) < at + 22:
        raise damaged(upload)
    entries, length = struct.unpack_from("<HI", end, at + 10)
    if entries > LIMITS.members or length > LIMITS.members * 1024 or end[max(at - 20, 0) : at].startswith(ZIP_END_64):
        raise refusal(upload, f"has more than {LIMITS.members:,} members.")


def _check_member(upload: Upload, member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    label = shown(Path(name))
    if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name) or "\0" in name:
        raise refusal(upload, f"its member {label!r} lies outside the folder that it would be unpacked into.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise refusal(upload, f"its member {label!r} is a link to another file.")
    if member.flag_bits & 0x1:
        raise refusal(upload, f"its member {label!r} is encrypted: save it without a password.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal(upload, f"its member {label!r} is packed in a way that is not read: use plain zip (deflate).")


def unpacked(upload: Upload, members: list[zipfile.ZipInfo]) -> Iterator[bytes]:
    """Give the bytes of some members, one after the other, in chunks; an empty chunk ends each."""
    left = LIMITS.unpacked_bytes  # counted, whatever the directory says
    try:
        with zipfile.ZipFile(upload.path) as archive:
            for member in members:
                with archive.open(member) as stream:
                    while chunk := stream.read(CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise refusal(upload, f"unpacks to more than {LIMITS.unpacked_bytes / MB:,.0f} MB.")
                        yield chunk
                yield b""
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, struct.error):
        raise damaged(upload) from None
