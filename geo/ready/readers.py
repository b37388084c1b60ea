"""Connections of their own for what is read ready: asynchronous, a few for each event loop, without an ORM between."""

import asyncio
import os
from datetime import date
from typing import Any, LiteralString, NamedTuple
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg import Error as DatabaseError
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy import Engine

from geo import db

AT_ONCE = min(8, 2 * (os.cpu_count() or 1))  # connections: the database answers no faster than it has cores
WAIT_S = 3
FAILURES = (DatabaseError, PoolTimeout, PoolClosed)  # of which the usual way tells what is the matter
EDITIONS = """SELECT (now() AT TIME ZONE 'Europe/Amsterdam')::date, array_agg(name), array_agg(number) FROM part"""
Row = tuple[Any, ...]
Connections = AsyncConnectionPool[AsyncConnection[Row]]


class Edition(NamedTuple):
    """The day, and for each part of what the public sees the number of its latest edition."""

    day: date
    numbers: dict[str, int]


class Reader:
    """Reads in one event loop. Questions for the edition that wait share the next one that is asked."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._current: asyncio.Task[Edition] | None = None
        self._next: asyncio.Task[Edition] | None = None

    async def rows(self, statement: LiteralString, told: dict[str, Any], *, prepare: bool | None = None) -> list[Row]:
        """Read rows in one round trip. Raises one of FAILURES."""
        async with self.connections.connection() as connection:
            return await (await connection.execute(statement, told, prepare=prepare)).fetchall()

    async def edition(self) -> Edition:
        """Read which edition there is, by a question that began after this was called. Raises one of FAILURES."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask(self._current))
        return await asyncio.shield(self._next)

    async def _ask(self, before: asyncio.Task[Edition] | None) -> Edition:
        if before is not None:
            await asyncio.wait([before])
        self._current, self._next = self._next, None  # who comes from here on, waits for another
        [(day, names, numbers)] = await self.rows(EDITIONS, {})
        return Edition(day, dict(zip(names, numbers, strict=True)))


class Readers:
    """The readers of all event loops on one database; each is made when it is first asked for."""

    def __init__(self, engine: Engine, statement_timeout_s: int, processes: int = 1) -> None:
        self._url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._options = db.options(statement_timeout_s)
        self._at_once = max(2, AT_ONCE // processes)
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, Reader] = WeakKeyDictionary()

    async def here(self) -> Reader:
        """Give the reader of this loop."""
        loop = asyncio.get_running_loop()
        found = self._open.get(loop)
        if found is None:
            connections: Connections = AsyncConnectionPool(
                self._url,
                kwargs={"autocommit": True, "prepare_threshold": 2, **self._options},
                min_size=0,
                max_size=self._at_once,
                timeout=WAIT_S,
                open=False,
            )
            found = self._open[loop] = Reader(connections)
            await connections.open()
        return found

    async def close(self) -> None:
        """Close what is open in this loop."""
        found = self._open.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.connections.close()
