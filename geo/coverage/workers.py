"""Processes that work for us, on this machine or on many, through dask."""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import resource_tracker
from typing import TypeVar

from distributed import Client, KilledWorker, LocalCluster, as_completed

from geo.errors import Unavailable

PACKAGE = "levende-kaart"
TIMEOUT_S = 10
Told = TypeVar("Told")
Asked = TypeVar("Asked")


@contextmanager
def local(number: int) -> Iterator[Client]:
    """Start so many processes that only this machine can reach; they end with the block."""
    with _deaf():
        cluster = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=number, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )  # fmt: skip
    with cluster, Client(cluster, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        yield client


@contextmanager
def _deaf() -> Iterator[None]:
    """Let what is started here not hear Ctrl-C, which a terminal tells to all: who started them ends them, quietly."""
    resource_tracker.ensure_running()  # or the start of the first process starts it, which opens all ears again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def at(scheduler: str) -> Iterator[Client]:
    """Give a client of a scheduler that runs.

    raises Unavailable where none answers, it has no workers, or they have another version of this program
    """
    if "://" not in scheduler:
        raise Unavailable(f"{scheduler!r} is no address of a dask scheduler: it looks like tcp://host:8786.")
    try:
        client = Client(scheduler, timeout=TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError):
        raise Unavailable(f"No dask scheduler answers at {scheduler}.") from None
    with client:
        _check(client, scheduler)
        yield client


def _check(client: Client, scheduler: str) -> None:
    with _failing():
        told = client.run(_version)
    if not told:
        raise Unavailable(f"The scheduler at {scheduler} has no workers.")
    if wrong := sorted(f"{name} has {of}" for name, of in told.items() if of != _version()):
        raise Unavailable(f"Workers need version {_version()} of this program, but {', '.join(wrong[:5])}.")


def _version() -> str:
    return version(PACKAGE)


def count(client: Client) -> int:
    """Say how many workers there are, at least one."""
    return max(len(client.nthreads()), 1)  # type: ignore[no-untyped-call]


def each(client: Client, work: Callable[[Asked], Told], tasks: Sequence[Asked]) -> Iterator[Told]:
    """Have every task done by some worker, and give what came of it, the first that is done first.

    raises what `work` raises, and Unavailable where a worker fails; what waits then is not done any more
    """
    futures = client.map(work, tasks, pure=False)
    try:
        with _failing():
            for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
                yield future.result()
    finally:
        client.cancel(futures)  # type: ignore[no-untyped-call]


@contextmanager
def _failing() -> Iterator[None]:
    """Turn what goes wrong on the way to workers into one clear line."""
    try:
        yield
    except KilledWorker:
        raise Unavailable("A worker was ended while it worked, most likely for want of memory.") from None
    except ImportError as error:
        raise Unavailable(f"The workers do not have this program, or not all of it: {error}.") from None
