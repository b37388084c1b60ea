"""PostgreSQL's own programs: where they are, and running one as the user that owns the database."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from geo.errors import Unavailable
from geo.folder import Account

DEBIAN = Path("/usr/lib/postgresql")
INSTALL = "on Debian or Ubuntu: apt-get install postgresql-postgis"


class Programs(NamedTuple):
    """The folder with initdb, pg_ctl and postgres, and the major version they are of."""

    folder: Path
    major: int


def find(major: int | None = None) -> Programs:
    """Give the newest PostgreSQL that has PostGIS; of version `major` only, where that is asked.

    Raises Unavailable with what to install.
    """
    found = sorted(_of_debian() or _on_path(), key=lambda programs: programs.major)
    fitting = [programs for programs in found if major in (None, programs.major)]
    if fitting:
        return fitting[-1]
    if major is None:
        raise Unavailable(f"PostgreSQL with PostGIS is not installed; {INSTALL}.")
    raise Unavailable(
        f"The data need PostgreSQL {major}, which is not here: apt-get install postgresql-{major}-postgis-3."
    )


def call(account: Account, program: Path, *arguments: str) -> None:
    """Run one program to its end as `account`; raises Unavailable with the last line it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    other = account.uid != os.geteuid()
    try:
        done = subprocess.run(
            [str(program), *arguments],
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=[] if other else None,
            cwd="/",
            env=environment | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except PermissionError as error:
        raise Unavailable(f"Cannot run {program} as the user {account.name}: {error.strerror}.") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{program.name} failed: {said[-1] if said else f'exit {done.returncode}'}")


def _of_debian() -> list[Programs]:
    share = Path("/usr/share/postgresql")
    return [
        Programs(initdb.parent, int(initdb.parts[-3]))
        for initdb in DEBIAN.glob("*/bin/initdb")
        if initdb.parts[-3].isdecimal() and (share / initdb.parts[-3] / "extension/postgis.control").exists()
    ]


def _on_path() -> list[Programs]:
    initdb = shutil.which("initdb")
    if initdb is None:
        return []
    folder = Path(initdb).resolve().parent
    version = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=False).stdout
    digits = version.rpartition(" ")[2].strip().partition(".")[0]
    return [Programs(folder, int(digits))] if digits.isdecimal() else []
