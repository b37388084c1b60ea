"""What an installation keeps outside its database: the key of the rounding, and the uploads that await a yes."""

import filecmp
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from hmac import digest
from pathlib import Path
from typing import BinaryIO

from geo import archive, folder
from geo.archive import Part
from geo.emptiness import BEGIN_ANEW
from geo.errors import Conflict, Unavailable
from geo.settings import Settings

KEY, UPLOADS = "secret", "imports"
KEY_BYTES = 10_000
MARK = b"levende-kaart: the key of this backup"


def key(settings: Settings) -> tuple[bytes | None, str]:
    """Give the key in use, None where none was needed yet, and where it is: in a part, or in a variable."""
    if settings.secret is not None:
        return folder.secret(settings), "KAART_SECRET"
    if (folder.var(settings) / KEY).exists():
        return folder.secret(settings), KEY
    return None, "none"


def uploads(settings: Settings) -> Iterator[tuple[str, tuple[Iterator[bytes], float]]]:
    """Give each upload that awaits a yes: its name, its bytes, and when it came; not those that leave meanwhile."""
    root = folder.var(settings) / UPLOADS
    for file in sorted(root.glob("*/*")):
        name = f"{UPLOADS}/{file.relative_to(root).as_posix()}"
        try:
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"Cannot read {file} ({error.strerror}).") from None
        with open(handle, "rb") as opened:
            if archive.fits(name):
                read = partial(opened.read, archive.CHUNK_BYTES)
                yield name, (iter(read, b""), os.fstat(handle).st_mtime)


def is_upload(name: str) -> bool:
    """Tell whether a part of this name is an upload: a file in a folder of its own."""
    return name.startswith(f"{UPLOADS}/") and name.count("/") == 2


def mark(secret: bytes) -> str:
    """Give what tells two keys apart, and says nothing else of them."""
    return digest(secret, MARK, "sha256").hex()


@contextmanager
def placed(settings: Settings, source: BinaryIO, parts: dict[str, Part]) -> Iterator[None]:
    """Put the key and the uploads in their places; where the block fails they are taken away again."""
    home = folder.var(settings)
    with ExitStack() as undo:
        if not (home / KEY).exists():
            undo.callback((home / KEY).unlink, missing_ok=True)  # one that is made meanwhile, too
        try:
            if KEY in parts:
                _place(home / KEY, [archive.whole(source, parts[KEY], KEY_BYTES)], parts[KEY].changed_at, undo)
            for name in sorted(filter(is_upload, parts)):
                _place(home / name, archive.pieces(source, parts[name]), parts[name].changed_at, undo)
        except OSError as error:
            raise Unavailable(f"Cannot write in {home} ({error.strerror}).") from None
        yield
        undo.pop_all()


def _place(file: Path, pieces: Iterable[bytes], changed_at: int, undo: ExitStack) -> None:
    """Put one file in place, whole or not at all; the same may stand there, left by a restore that was killed."""
    for home in (file.parent.parent, file.parent):
        if not home.exists():
            home.mkdir(mode=0o700)
            undo.callback(shutil.rmtree, home, ignore_errors=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".restored-")
    fresh = Path(name)
    try:
        with open(handle, "wb") as to:
            to.writelines(pieces)
        os.utime(fresh, (changed_at, changed_at))
        file.hardlink_to(fresh)
        undo.callback(file.unlink, missing_ok=True)
    except FileExistsError:
        if not filecmp.cmp(file, fresh, shallow=False):
            raise Conflict(f"{file} is there already, and it is another one. {BEGIN_ANEW}") from None
    finally:
        fresh.unlink()
