"""What is to be done later, kept in PostgreSQL by procrastinate: in a schema of its own, which no backup holds.

A job that is lost is made again from the record that it is for (`geo.coverage.jobs`), so nothing hangs on it alone.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.errors import Unavailable

SCHEMA = "kaart_jobs"
PATH = f"{SCHEMA}, public"  # where the library looks for its tables, and its functions for one another
WATCH_S = 0.2  # how often somebody looks whether the work has to stop
_DEFERRING = App(connector=SyncPsycopgConnector())  # never opened: it works on the connection of whoever defers

# What does the jobs of one name: it gets what was told when the job was deferred.
Work = Callable[[Mapping[str, Any]], None]


def install(connection: Connection) -> None:
    """Make the library's tables, empty, in place of any that are there.

    raises Unavailable where this role may not make a schema
    """
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    except DBAPIError as error:
        if not isinstance(error.orig, pg.InsufficientPrivilege):
            raise
        place = connection.engine.url
        raise Unavailable(
            f"This role may not make the schema {SCHEMA} for its jobs in the database {place.database}. Let its "
            f'administrator run: GRANT CREATE ON DATABASE "{place.database}" TO "{place.username}";'
        ) from error
    with _looking(connection):
        connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def defer(session: Session, name: str, told: Mapping[str, Any], *, once: str) -> None:
    """Have something done after this transaction is committed, and not at all when it is not.

    told  plain values for whoever does it
    once  as long as a job of this name is waiting, no second one is made
    """
    connection = session.connection()
    try:
        with connection.begin_nested(), _looking(connection):
            driver = connection.connection.driver_connection
            job = _DEFERRING.configure_task(name, queueing_lock=once, connection=driver)
            job.defer(told=dict(told))
    except AlreadyEnqueued:
        return


@contextmanager
def _looking(connection: Connection) -> Iterator[None]:
    """Let names without a schema mean those of the library, until the block ends or the transaction is taken back."""
    before = connection.scalar(text("SELECT current_setting('search_path')"))
    _look(connection, PATH)
    yield
    _look(connection, str(before))


def _look(connection: Connection, path: str) -> None:
    connection.execute(text("SELECT set_config('search_path', :path, true)"), {"path": path})


def work(engine: Engine, named: Mapping[str, Work], stopping: threading.Event, *, wait: bool = True) -> None:
    """Do jobs by their names, one after the other, until `stopping` is set, which the job at work has to look at too.

    A job is gone once it was tried: what became of it stands in the record that it is for. Jobs that a worker left
    behind when it was killed go too.

    wait    whether to wait for more when all are done
    raises  Unavailable where the queue ends before it should
    """
    asyncio.run(_work(engine, named, stopping, wait=wait))


async def _work(engine: Engine, named: Mapping[str, Work], stopping: threading.Event, *, wait: bool) -> None:
    app = App(connector=PsycopgConnector(conninfo=_address(engine), min_size=1, max_size=4))
    for name, does in named.items():
        app.task(name=name)(_taking(does))
    async with app.open_async():
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        working = asyncio.create_task(
            app.run_worker_async(install_signal_handlers=False, delete_jobs="always", wait=wait)
        )
        while not working.done() and not stopping.is_set():
            await asyncio.wait([working], timeout=WATCH_S)
        working.cancel()
        await asyncio.wait([working])
    if wait and not stopping.is_set():
        raise Unavailable("The queue of jobs does not answer any more.")


def _taking(does: Work) -> Callable[[dict[str, Any]], None]:
    def take(told: dict[str, Any]) -> None:
        does(told)

    return take


def _address(engine: Engine) -> str:
    """Give the address of the database as psycopg takes it, with the way to the library's tables in it."""
    parts = engine.url
    told: dict[str, Any] = dict(parts.get_dialect()().create_connect_args(parts)[1])
    return make_conninfo(
        "", **told, options=f"-c search_path={PATH.replace(' ', '')}", application_name="levende-kaart"
    )
