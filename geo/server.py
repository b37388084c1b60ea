"""One PostgreSQL server on disk, reached by a socket only: make, start and stop it, and tell whether it runs.

Whoever calls these holds the door (`geo.cluster`): never two at the same time.
"""

import os
import pwd
import shlex
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from geo.errors import Unavailable
from geo.folder import Account
from geo.programs import call, find

ROLE = "kaart"
SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on a network
LOG_LIMIT_BYTES = 10_000_000
LEAVING_S = 30
PATIENCE_S = 300  # recovery after a crash may take this long
TUNING = {
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "150",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_error_verbosity": "terse",  # a refused row is a person's, perhaps: its values stay out of the log
    # Parallel queries need shared memory of which a container often has only 64 MB.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server(NamedTuple):
    """Where it keeps its data and its socket. Without `durable`, for tests, it is fast and may lose data."""

    folder: Path
    sockets: Path
    account: Account
    durable: bool

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"


def make(server: Server) -> None:
    """Make the data, under another name first: what is called `data` is always whole."""
    programs = find()
    for left_over in server.folder.glob("data.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh = server.folder / f"data.new-{os.getpid()}"
    options = ["--username", SUPERUSER, "--auth=peer", "--encoding=UTF8", "--locale=C.UTF-8", "-k"]
    if not server.durable:
        options.append("--no-sync")
    call(server.account, programs.folder / "initdb", *options, "-D", str(fresh))
    fresh.rename(server.data)


def start(server: Server) -> None:
    """Start PostgreSQL and wait until it answers; a lock file that a killed one left is no obstacle."""
    programs = find(major(server))
    _write_access(server)
    _forget_other(server.data / "postmaster.pid")
    if server.log.exists() and server.log.stat().st_size > LOG_LIMIT_BYTES:
        server.log.rename(server.log.with_suffix(".log.1"))
    where = ["-D", str(server.data), "-l", str(server.log), "-o", _options(server)]
    until = time.monotonic() + LEAVING_S
    while True:
        try:
            call(server.account, programs.folder / "pg_ctl", "start", *where, "-w", "-t", str(PATIENCE_S))
        except Unavailable:
            why = _last_words(server.log)
            # A killed server, and the processes that it leaves, are gone within moments.
            leaving = "pre-existing shared memory block" in why or "lock file" in why
            if not leaving or time.monotonic() > until:
                raise Unavailable(f"PostgreSQL does not start: {why} (log: {server.log})") from None
            time.sleep(0.2)
        else:
            return


def _options(server: Server) -> str:
    """Give the settings of this server as words of a shell command; its own files stay as made."""
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(server.sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "hba_file": str(server.folder / "access.conf"),
        "ident_file": str(server.folder / "users.conf"),
        **TUNING,
        **({} if server.durable else CARELESS),
    }
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in values.items())


def stop(server: Server) -> None:
    """Stop PostgreSQL at once but cleanly: open transactions are rolled back, the rest is on disk."""
    if postmaster(server) is None:
        return
    pg_ctl = find(major(server)).folder / "pg_ctl"
    call(server.account, pg_ctl, "-D", str(server.data), "-m", "fast", "-w", "-t", str(PATIENCE_S), "stop")


def postmaster(server: Server) -> int | None:
    """Give the process id of the PostgreSQL that serves these data, None where none does."""
    pid = _first_number(server.data / "postmaster.pid")
    return pid if os.fsencode(server.data) in _command(pid) else None


def _last_words(log: Path) -> str:
    """Give the line of the log that most likely says why."""
    lines = log.read_text(errors="replace").splitlines()[-20:] if log.exists() else []
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "could not" in line]
    return (telling or lines or ["it gave no reason"])[-1]


def _write_access(server: Server) -> None:
    """Let in this user and the one that runs the database; the system vouches for who is at the socket."""
    names = {pwd.getpwuid(os.geteuid()).pw_name, server.account.name}
    users = "".join(f'kaart "{name}" {role}\n' for name in sorted(names) for role in (SUPERUSER, ROLE))
    for name, lines in (("access.conf", "local all all peer map=kaart\n"), ("users.conf", users)):
        (server.folder / name).write_text(lines)
        (server.folder / name).chmod(0o644)  # whatever the umask: the database's user reads it


def _forget_other(pid_file: Path) -> None:
    """Remove the lock file of a dead PostgreSQL whose number another process has now: it would not start."""
    program = _command(_first_number(pid_file))[0]
    if program and not program.endswith(b"postgres"):
        pid_file.unlink()


def _command(pid: int | None) -> list[bytes]:
    """Give the program and the arguments of a process; an empty word where there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None


def major(server: Server) -> int | None:
    """Give the version that made the data, None where there are none yet."""
    if not server.data.exists():
        return None
    try:
        return int((server.data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        raise Unavailable(f"{server.data} holds no PostgreSQL data: move it away, or restore it.") from None
