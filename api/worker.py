"""`kaart worker`: the process that does what waits, and keeps the live state of coverage true."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from api import logs, terminal
from api.terminal import tell
from geo import db, folder, queue
from geo.coverage import jobs, watch
from geo.coverage.jobs import Shop
from geo.errors import Refusal, Unavailable
from geo.settings import Settings, read

GRACE_S = 5
TAKE_UP_S = 60


def worker_command(
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input closes, as `kaart up` lets it.")
    ] = False,
) -> None:
    """Make the coverage runs that wait, and keep the live state true; `kaart up` starts one by itself."""
    settings = read()
    logs.configure(settings)
    stopping, failed = threading.Event(), threading.Event()
    if attached:
        threading.Thread(target=_until_input_ends, args=(stopping,), daemon=True).start()
    else:
        tell("working – stop with Ctrl-C")
    left = _work(settings, stopping, failed)
    if not attached:
        tell("stopped")
    sys.stdout.flush()
    if left:
        os._exit(failed.is_set())  # a sum that goes on would be waited for; the database has let go of it
    raise typer.Exit(failed.is_set())


def _until_input_ends(stopping: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopping.set()


def _work(settings: Settings, stopping: threading.Event, failed: threading.Event) -> list[threading.Thread]:
    """Work until `stopping` is set, by a signal too, or something fails; give the threads that did not end in time."""
    with terminal.engine(settings) as engine:
        current, wanted = db.revisions(engine)
        if current != wanted:
            raise Unavailable("The tables are not those of this version: run `kaart db migrate` first.")
        shop = Shop(engine, folder.secret(settings), stopping, _note, logs.log.info)
        _take_up(shop)
        threads = [
            _started("jobs", lambda: queue.work(engine, {jobs.NAME: jobs.work(shop)}, stopping), shop, failed),
            _started("live", lambda: watch.keep(shop), shop, failed),
        ]
        try:
            while not stopping.wait(TAKE_UP_S):
                _take_up(shop)
        except KeyboardInterrupt:
            pass
        finally:
            stopping.set()
            for thread in threads:
                thread.join(GRACE_S)
    return [thread for thread in threads if thread.is_alive()]


def _note(what: str, error: BaseException) -> None:
    logs.tell(what, None, error)


def _take_up(shop: Shop) -> None:
    with db.sessions(shop.engine).begin() as session:
        jobs.take_up(session)


def _started(name: str, does: Callable[[], None], shop: Shop, failed: threading.Event) -> threading.Thread:
    """Begin one half of the work; when it fails, all of the worker ends, and who started it starts it again."""

    def guarded() -> None:
        try:
            does()
        except Refusal as refusal:
            failed.set()
            logs.log.error(str(refusal))
        except Exception as error:  # noqa: BLE001 - a worker of which one half is dead must not go on
            failed.set()
            shop.note(name, error)
        finally:
            shop.stopping.set()

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread
