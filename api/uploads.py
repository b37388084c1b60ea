"""Files that wait for a yes: each in a folder of its own, kept until it is imported, discarded, or a day old."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from geo import folder
from geo.errors import Conflict, Unavailable
from geo.imports.jobs import Source
from geo.models import ImportJob
from geo.settings import Settings

MOST_BYTES = 50_000_000
KEPT = timedelta(days=1)
CHUNK_BYTES = 1 << 20
# What a file is called here: never as its sender called it, but with the ending by which a reader knows its form.
ENDINGS = (".osm.pbf", ".pbf", ".gpkg", ".geojson", ".json", ".csv", ".tsv", ".txt", ".xlsx", ".zip")
LONGEST_NAME = 200


def place(settings: Settings) -> Path:
    """Give the folder that holds the uploads; only the user who runs the service may enter it."""
    found = folder.var(settings) / "imports"
    try:
        found.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"Cannot make the folder {found} ({error.strerror}).") from None
    return found


def keep(settings: Settings, upload: UUID, sent: BinaryIO, name: str) -> Source:
    """Copy what was sent to a file of our own naming that only its owner may read, and take its SHA-256.

    `name` is only told, never used as a path. Raises Unavailable where the disk does not take it.
    """
    home = place(settings) / str(upload)
    file = home / f"file{ending(name)}"
    digest, size = sha256(), 0
    try:
        home.mkdir(mode=0o700)
        file.touch(mode=0o600)
        with file.open("wb") as kept:
            while part := sent.read(CHUNK_BYTES):
                kept.write(part)
                digest.update(part)
                size += len(part)
    except OSError as error:
        forget(settings, upload)
        raise Unavailable(f"The file cannot be kept here ({error.strerror}).") from None
    return Source(file, told_name(name), digest.hexdigest(), size)


def settle(settings: Settings, upload: UUID, job: UUID) -> None:
    """Let a file wait for the import that it was checked by."""
    root = place(settings)
    (root / str(upload)).rename(root / str(job))


def kept(settings: Settings, job: ImportJob) -> Source:
    """Find the file of an import again. Raises Conflict where it is gone, or is no longer the file that was checked."""
    file = find(settings, job.id)
    if file is None:
        raise Conflict(f"The file is no longer here: it is kept for {KEPT.days} day. Upload {job.file_name} again.")
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256")
    if digest.hexdigest() != job.sha256:
        raise Conflict("The file is not the one that was checked: upload it again.")
    return Source(file, job.file_name, job.sha256, job.bytes)


def find(settings: Settings, job: UUID) -> Path | None:
    """Give the file that waits for an import; None where there is none any more."""
    home = place(settings) / str(job)
    file = next(home.glob("file*"), None) if home.is_dir() else None
    return file if file is not None and expires(file) > datetime.now(UTC) else None


def expires(file: Path) -> datetime:
    """Give the moment until which a file is kept."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) + KEPT


def forget(settings: Settings, job: UUID) -> None:
    """Remove the file of an import, where there is one."""
    shutil.rmtree(place(settings) / str(job), ignore_errors=True)


def sweep(settings: Settings) -> None:
    """Remove all that is older than a day."""
    oldest = datetime.now(UTC) - KEPT
    for home in place(settings).iterdir():
        with suppress(FileNotFoundError):  # another process sweeps too
            if datetime.fromtimestamp(home.stat().st_mtime, UTC) < oldest:
                shutil.rmtree(home, ignore_errors=True)


def ending(name: str) -> str:
    """Give the ending of a file's name when it is one that we know, else nothing."""
    return next((known for known in ENDINGS if name.lower().endswith(known)), "")


def told_name(name: str) -> str:
    """Give a file's name as it is told afterwards: without folders, signs that cannot be seen, or great length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(sign for sign in last if sign.isprintable())
    return seen[-LONGEST_NAME:].strip() or "file"
