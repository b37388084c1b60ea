"""Where an installation keeps what it makes itself: the folder, who may enter it, and the key kept in it."""

import os
import pwd
import secrets
import subprocess
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
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"Cannot make the folder {folder} ({error.strerror}): name another with KAART_VAR.") from None
    return folder


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
    """Give the key of the repeatable rounding: `KAART_SECRET`, else the one kept in the folder."""
    if settings.secret:
        return settings.secret.get_secret_value().encode()
    kept = var(settings) / "secret"
    if not kept.exists():
        fresh = kept.with_name(f".secret.{os.getpid()}")
        with open(fresh, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(fresh, kept)  # of two processes that make one at the same time, the first wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return kept.read_bytes()
