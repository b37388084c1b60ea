"""Where an installation keeps what it makes itself: the folder, who may enter it, and the key kept in it."""

import os
import pwd
import secrets
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from geo.errors import Unavailable
from geo.settings import CHECKOUT, Settings

SYSTEM_FOLDER = Path("/var/lib/levende-kaart")
DATABASE_USER = "postgres"


class Account(NamedTuple):
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def steward() -> Account:
    """Give the user that runs the database: this process's own, or `postgres` for root."""
    try:
        own = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise Unavailable(
            f"The user id {os.geteuid()} has no name here (no line in /etc/passwd); PostgreSQL needs one."
        ) from None
    if own.pw_uid != 0:
        return Account(own.pw_name, own.pw_uid, own.pw_gid)
    try:
        other = pwd.getpwnam(DATABASE_USER)
    except KeyError:
        raise Unavailable(
            f"PostgreSQL refuses to run as root and there is no user {DATABASE_USER}: "
            "apt-get install postgresql-postgis, or start as another user."
        ) from None
    return Account(other.pw_name, other.pw_uid, other.pw_gid)


def var(settings: Settings) -> Path:
    """Give the folder for the cluster and the key, made where absent.

    `KAART_VAR`, else `var/` of the checkout, else (where the user that runs the database cannot enter that) a
    folder under /var/lib named by the checkout's path. Raises Unavailable where it cannot be made or entered.
    """
    folder = settings.var or CHECKOUT / "var"
    if settings.database_url is None and not can_enter(folder, steward()):
        if settings.var:
            raise Unavailable(
                f"The user {steward().name}, who runs the database, cannot enter {folder}: "
                "name another folder with KAART_VAR, or open the folders above it (chmod o+x)."
            )
        folder = SYSTEM_FOLDER / sha256(bytes(CHECKOUT)).hexdigest()[:12]
    try:
        _make(folder)
    except OSError as error:
        raise Unavailable(f"Cannot make the folder {folder} ({error.strerror}): name another with KAART_VAR.") from None
    return folder


def _make(folder: Path) -> None:
    """Make a folder and its parents, open to others whatever the umask: the user that runs the database passes."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def can_enter(folder: Path, account: Account) -> bool:
    """Tell whether `account` can enter `folder`, or the nearest parent where it does not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if account.uid == os.geteuid():
        return os.access(folder, os.X_OK)
    test = ["test", "-x", str(folder)]
    done = subprocess.run(test, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0


def secret(settings: Settings) -> bytes:
    """Give the key of the installation: `KAART_SECRET`, else the one kept in the folder."""
    if settings.secret:
        return settings.secret.get_secret_value().encode()
    kept = var(settings) / "secret"
    try:
        if not kept.exists():
            _keep(kept, secrets.token_hex(32))
        return kept.read_bytes()
    except OSError as error:
        raise Unavailable(f"Cannot keep a key in {kept} ({error.strerror}): set KAART_SECRET.") from None


def _keep(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all; of two processes the first wins."""
    handle, fresh = tempfile.mkstemp(dir=file.parent)
    with open(handle, "w") as unnamed:
        unnamed.write(text)
    with suppress(FileExistsError):
        file.hardlink_to(fresh)
    Path(fresh).unlink()
