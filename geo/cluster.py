"""The private PostGIS of a default run: made, started, shared and stopped here; reached by a socket only.

Every process that uses the cluster holds a shared lock on one file. Who makes, starts or stops it holds the
door: a second, exclusive lock. The last one out stops the cluster. Locks vanish with their process: one that
is killed leaves nothing behind but, at most, a running cluster, which the next one finds and uses.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from sqlalchemy import URL

from geo.db import EXTENSIONS
from geo.errors import Unavailable
from geo.folder import Account, steward, var
from geo.programs import INSTALL
from geo.server import PATIENCE_S, PORT, ROLE, SUPERUSER, Server, make, postmaster, start, stop
from geo.settings import Settings

Tell = Callable[[str], None]

SOCKET_PATH_LIMIT = 107


def silent(_line: str) -> None:
    """Tell nobody."""


@contextmanager
def running(settings: Settings, tell: Tell = silent) -> Iterator[str]:
    """Give the address of the database as long as the block lasts: the one set, else the private cluster's.

    `tell` receives a line before each step that takes seconds. Raises Unavailable with what to install or do.
    """
    if settings.database_url:
        yield settings.database_url
    else:
        with kept(var(settings) / "postgres", tell) as url:
            yield url


@contextmanager
def kept(folder: Path, tell: Tell = silent, durable: bool = True) -> Iterator[str]:
    """Keep the cluster in `folder` running as long as the block lasts, made where it does not exist yet."""
    server = _place(folder, durable)
    with open(server.folder / "users.lock", "a") as users, open(server.folder / "door.lock", "a") as door:
        try:
            with _held(door):
                fcntl.flock(users, fcntl.LOCK_SH)
                _ensure(server, tell)
            yield address(server.sockets)
        finally:
            with _held(door):
                if _alone(users):
                    stop(server)


def address(sockets: Path, role: str = ROLE, database: str = ROLE) -> str:
    """Give the SQLAlchemy address of a database on the cluster that listens in the folder `sockets`."""
    query = {"host": str(sockets), "port": str(PORT)}
    url = URL.create("postgresql+psycopg", username=role, database=database, query=query)
    return url.render_as_string(hide_password=False)


@contextmanager
def _held(door: IO[str]) -> Iterator[None]:
    """Hold the door: nobody else makes, starts or stops the cluster, or begins to use it."""
    fcntl.flock(door, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(door, fcntl.LOCK_UN)


def _alone(users: IO[str]) -> bool:
    """Tell whether no other process uses the cluster; only meaningful while holding the door."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place(folder: Path, durable: bool) -> Server:
    """Make the folders, owned by the user that runs the database and open to nobody else."""
    account = steward()
    folder = folder.resolve()
    _own(folder, account)
    sockets = folder / "socket"
    if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) >= SOCKET_PATH_LIMIT:
        short = f"levende-kaart-{account.uid}-{sha256(bytes(folder)).hexdigest()[:12]}"
        shared = "/run" if os.geteuid() == 0 else "/tmp"  # checked below  # noqa: S108
        sockets = Path(shared) / short
    _own(sockets, account)
    return Server(folder, sockets, account, durable)


def _own(folder: Path, account: Account) -> None:
    """Make a folder of `account`, mode 0700; one that is somebody else's, or a link, is refused."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if found.st_uid == os.geteuid() != account.uid and not any(folder.iterdir()):
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
            found = folder.lstat()
    except OSError as error:
        raise Unavailable(f"Cannot make the folder {folder} ({error.strerror}): name another with KAART_VAR.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise Unavailable(
            f"{folder} is not a folder of the user {account.name}: "
            "start as the user that owns it, or name another folder with KAART_VAR."
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def _ensure(server: Server, tell: Tell) -> None:
    """Have the cluster made, running and furnished; quick where it is already."""
    if not server.data.exists():
        tell(f"making the database's folder {server.folder}")
        make(server)
    until = time.monotonic() + PATIENCE_S
    while not _answers(server):
        if postmaster(server) is None:
            start(server)
        elif time.monotonic() > until:
            raise Unavailable(f"PostgreSQL runs but does not answer; its log is {server.log}")
        else:
            time.sleep(0.1)  # it starts, recovers from a kill, or was killed just now
    _furnish(server)


def _answers(server: Server) -> bool:
    try:
        _connected(server, SUPERUSER).close()
    except psycopg.OperationalError:
        return False
    return True


def _furnish(server: Server) -> None:
    """Have the role, the database and its extensions; the role owns the database and is no superuser."""
    with _connected(server, SUPERUSER) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(ROLE)))
    with _connected(server, ROLE) as connection:
        for extension in EXTENSIONS:
            statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            try:
                connection.execute(statement)
            except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
                raise Unavailable(f"This PostgreSQL has no {extension}; {INSTALL}.") from None


def _connected(server: Server, database: str) -> psycopg.Connection:
    """Connect as superuser, whose own database has the same name."""
    place = str(server.sockets)
    return psycopg.connect(host=place, port=PORT, user=SUPERUSER, dbname=database, autocommit=True)
