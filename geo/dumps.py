"""PostgreSQL's own dump of our tables, as a stream: out of a database, and into one that has none.

The programs may be newer than the server, never older. A password goes by the environment, where only the owner of
the process sees it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from geo import programs
from geo.errors import Unavailable

CHUNK_BYTES = 1 << 20
SCHEMA = "public"
# Extensions, and what is theirs, are made by whoever makes a database; roles differ from one server to another.
ALIKE = (f"--schema={SCHEMA}", "--no-owner", "--no-privileges", "--no-tablespaces")
PASSING = "--no-unlogged-table-data"  # who asked how often is nothing to keep
DUMP = ("--format=custom", f"--exclude-table={SCHEMA}.spatial_ref_sys", PASSING, *ALIKE)
RESTORE = ("--single-transaction", "--exit-on-error", *ALIKE)


class Program(NamedTuple):
    """A program of PostgreSQL, and the major version that it is of."""

    path: Path
    major: int


def find(name: str, major: int) -> Program:
    """Find pg_dump or pg_restore of version `major`, else of the nearest newer one.

    Raises Unavailable with what to install.
    """
    found = _installed(name)
    fitting = sorted(version for version in found if version >= major)
    if fitting:
        return Program(found[fitting[0]], fitting[0])
    here = f"only that of PostgreSQL {max(found)} is here" if found else "there is none here"
    raise Unavailable(
        f"PostgreSQL {major} needs a {name} of its own version or newer, and {here}; "
        f"on Debian or Ubuntu: apt-get install postgresql-client-{major}."
    )


def dumped(url: str, pg_dump: Program, snapshot: str) -> Generator[bytes]:
    """Give the dump of what a snapshot sees, in PostgreSQL's custom format, piece by piece.

    Raises Unavailable with what pg_dump said.
    """
    with _running(url, pg_dump, *DUMP, f"--snapshot={snapshot}") as process:
        while piece := _open(process.stdout).read(CHUNK_BYTES):
            yield piece


def load(url: str, pg_restore: Program, pieces: Iterable[bytes]) -> None:
    """Bring a dump into a database that holds nothing of it: all of it, or nothing at all.

    Raises Unavailable with what pg_restore said.
    """
    with _running(url, pg_restore, *RESTORE) as process, suppress(BrokenPipeError):  # it says itself why it left
        for piece in pieces:
            _open(process.stdin).write(piece)


@contextmanager
def _running(url: str, program: Program, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a program at work on a database; when the block ends it must end well, when that fails it is ended."""
    where, environment = _way_in(url)
    command = [str(program.path), *arguments, "--no-password", f"--dbname={where}"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=environment
        ) as process,
    ):
        try:
            yield process
            with suppress(BrokenPipeError):
                _open(process.stdin).close()
            status = process.wait()
        except BaseException:
            process.terminate()  # it cancels what the server does for it
            with suppress(BrokenPipeError):
                _open(process.stdin).close()
            raise
        if status != 0:
            raise Unavailable(f"{program.path.name} failed: {_reason(said, status)}")


def _way_in(url: str) -> tuple[str, dict[str, str]]:
    """Give the address as PostgreSQL's programs take it, and the environment, which holds the password."""
    parts = make_url(url)
    told: dict[str, Any] = dict(parts.get_dialect()().create_connect_args(parts)[1])
    told.pop("sslpassword", None)
    password = told.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **told), environment


def _reason(said: IO[bytes], status: int) -> str:
    """Give the first error that a program named: what follows it may quote a row, and with that a person."""
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    telling = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return (telling or lines or [f"exit {status}"])[0]


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the program was started without this pipe")
    return pipe


def _installed(name: str) -> dict[int, Path]:
    """Give every program of this name by its major version; Debian keeps several beside one another."""
    found = {}
    if (on_path := shutil.which(name)) is not None:
        version = subprocess.run([on_path, "--version"], capture_output=True, text=True, check=False).stdout
        digits = version.partition(") ")[2].partition(" ")[0].partition(".")[0].strip()
        if digits.isdecimal():
            found[int(digits)] = Path(on_path)
    debian = {path.parts[-3]: path for path in programs.DEBIAN.glob(f"*/bin/{name}")}
    return found | {int(major): path for major, path in debian.items() if major.isdecimal()}
