"""A worker that runs beside the service: started with it, started again when it dies, ended with it.

It ends when its standard input closes, which the system sees to in whatever way the service comes to its end. Signals
that a terminal sends to both are blocked in it, so that it never ends while it is still wanted.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

KAART = Path(sys.executable).with_name("kaart")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S = 0.1
GRACE_S = 15
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1, 60


@contextmanager
def worker(tell: Callable[[str], None]) -> Iterator[None]:
    """Keep a worker running as long as the block lasts; when it is left, the worker has ended."""
    leaving = threading.Event()
    keeper = threading.Thread(target=_keep, args=(leaving, tell), name="keeper of the worker")
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join()


def _keep(leaving: threading.Event, tell: Callable[[str], None]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # of this thread, and of what it starts
    pause = FIRST_PAUSE_S
    while True:
        began = monotonic()
        status = _run(leaving)
        if leaving.is_set():
            return
        if monotonic() - began > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        tell(f"the worker ended ({_how(status)}): it starts again in {pause} s")
        if leaving.wait(pause):
            return
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _run(leaving: threading.Event) -> int:
    """Run one worker until it ends, or has to; give its exit status."""
    with subprocess.Popen([KAART, "worker", "--attached"], stdin=subprocess.PIPE) as process:
        try:
            while process.poll() is None and not leaving.wait(LOOK_S):
                pass
            if process.stdin:
                process.stdin.close()
            return process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()  # what it was doing is rolled back, and taken up again at the next start
            return process.wait()


def _how(status: int) -> str:
    return f"exit {status}" if status >= 0 else signal.Signals(-status).name
