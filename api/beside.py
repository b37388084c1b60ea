"""Processes that run beside the service: started with it, started again when they die, ended with it.

Each ends when its standard input closes, which the system sees to in whatever way the service comes to its end. Signals
that a terminal sends to all are blocked in it, so that it never ends while it is still wanted.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

KAART = Path(sys.executable).with_name("kaart")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S = 0.1
GRACE_S = 15
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1, 60


class Process(NamedTuple):
    """What people call it, the words of its command, and the open files that it is given."""

    name: str
    words: tuple[str, ...]
    files: tuple[int, ...] = ()


WORKER = Process("the worker", ("worker", "--attached"))


def server(socket: int) -> Process:
    """Give one more process that answers requests on a socket that is open already."""
    return Process("a process that serves", ("serve", str(socket)), (socket,))


@contextmanager
def running(processes: Sequence[Process], tell: Callable[[str], None]) -> Iterator[None]:
    """Keep processes running as long as the block lasts; when it is left, they have ended."""
    leaving = threading.Event()
    keepers = [
        threading.Thread(target=_keep, args=(process, leaving, tell), name=f"keeper of {process.name}")
        for process in processes
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        leaving.set()
        for keeper in keepers:
            keeper.join()


def _keep(process: Process, leaving: threading.Event, tell: Callable[[str], None]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # of this thread, and of what it starts
    pause = FIRST_PAUSE_S
    while True:
        began = monotonic()
        status = _run(process, leaving)
        if leaving.is_set():
            return
        if monotonic() - began > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        tell(f"{process.name} ended ({_how(status)}): it starts again in {pause} s")
        if leaving.wait(pause):
            return
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _run(process: Process, leaving: threading.Event) -> int:
    """Run a process until it ends, or has to; give its exit status."""
    with subprocess.Popen([KAART, *process.words], stdin=subprocess.PIPE, pass_fds=process.files) as started:
        try:
            while started.poll() is None and not leaving.wait(LOOK_S):
                pass
            if started.stdin:
                started.stdin.close()
            return started.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            started.kill()  # what it was doing is rolled back, and taken up again at the next start
            return started.wait()


def _how(status: int) -> str:
    return f"exit {status}" if status >= 0 else signal.Signals(-status).name
