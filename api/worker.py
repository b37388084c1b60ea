"""`kaart worker`: the process that does what waits, keeps the live state of coverage true, and forgets what is over."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from api import allowing, logs, provider, serve, sign_in, terminal, uploads
from api.terminal import tell
from geo import db, folder, privacy, queue
from geo.coverage import jobs, watch
from geo.coverage.jobs import Shop
from geo.errors import Refusal, Unavailable
from geo.mail import Post
from geo.settings import Settings, read
from geo.volunteers import journal, notices, retention
from geo.volunteers.notices import Desk

GRACE_S = 5
TAKE_UP_S = 60
ROUND_S = 15  # how long what is over may stay, at most, and the seconds that a round takes
SIGNING_IN = (sign_in.BY_ADDRESS, sign_in.BY_EMAIL, sign_in.BY_OWNER, provider.BY_ADDRESS)
USES = {**dict.fromkeys(allowing.PARTS, allowing.MINUTE_S), **{name: sign_in.TIME_S for name, _ in SIGNING_IN}}


def worker_command(
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input closes, as `kaart up` lets it.")
    ] = False,
) -> None:
    """Make the runs that wait, keep the live state true, erase what is over; `kaart up` starts one by itself."""
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
        with db.sessions(engine, shop.key)() as session:
            privacy.try_key(session)
        _take_up(shop)
        threads = [
            _started("jobs", lambda: queue.work(engine, _named(shop, settings), stopping), shop, failed),
            _started("live", lambda: watch.keep(shop), shop, failed),
            _started("retention", lambda: _retain(shop, settings), shop, failed),
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


def _named(shop: Shop, settings: Settings) -> dict[str, queue.Work]:
    """Give what does the jobs of each name."""
    desk = None
    if settings.smtp_url:
        post = Post(settings.smtp_url.get_secret_value(), settings.mail_from)
        desk = Desk(shop.engine, post, serve.address(settings), logs.mail_failed)
    return {jobs.NAME: jobs.work(shop), notices.NAME: notices.work(desk)}


def _retain(shop: Shop, settings: Settings) -> None:
    """Do a round of retention now and then, until the worker has to end. One that fails is noted, and tried again."""
    while not shop.stopping.is_set():
        try:
            _round(shop, settings)
        except Refusal as refusal:
            logs.log.error("retention", refused=str(refusal))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round may do it
            shop.note("retention", error)
        shop.stopping.wait(ROUND_S)


def _round(shop: Shop, settings: Settings) -> None:
    """End what is over, then bring database and journal in step, so that it stands in both."""
    done = retention.work(shop.engine, shop.key, USES)
    if any(done):
        logs.log.info("retention", **done._asdict())
    if again := retention.sync(shop.engine, journal.place(settings)):
        logs.log.warning("erased_again", people=again)
    uploads.sweep(settings)


def _started(name: str, does: Callable[[], None], shop: Shop, failed: threading.Event) -> threading.Thread:
    """Begin one part of the work; when it fails, all of the worker ends, and who started it starts it again."""

    def guarded() -> None:
        try:
            does()
        except Refusal as refusal:
            failed.set()
            logs.log.error(str(refusal))
        except Exception as error:  # noqa: BLE001 - a worker of which one part is dead must not go on
            failed.set()
            shop.note(name, error)
        finally:
            shop.stopping.set()

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread
