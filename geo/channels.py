"""Connections for who waits for news: PostgreSQL tells them the moment that something is committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from geo import db
from geo.errors import Unavailable

CHANGES, RUNS, QUESTIONS, ANSWERS = "kaart_change", "kaart_run", "kaart_question", "kaart_answer"
LIVE = "kaart_live"  # the live rows have changed


class Told(NamedTuple):
    """One piece of news: the channel it came by, and what was said."""

    channel: str
    payload: str


class Listener:
    """Hears what is told on some channels from the moment that it is made; `connection` commits each statement."""

    def __init__(self, connection: Connection, channels: tuple[str, ...]) -> None:
        driver = connection.connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise Unavailable("The connection to the database is gone.")
        self.connection, self._driver = connection, driver
        for channel in channels:
            driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

    def news(self, patience_s: float) -> list[Told]:
        """Wait for news at most so long, and give all that has come by then; none when nothing came.

        raises Unavailable where the connection is lost
        """
        try:
            return [
                Told(note.channel, note.payload) for note in self._driver.notifies(timeout=patience_s, stop_after=1)
            ]
        except psycopg.OperationalError:
            raise Unavailable("The connection to the database is gone.") from None


@contextmanager
def listening(engine: Engine, *channels: str) -> Iterator[Listener]:
    """Give a listener on a connection of its own, which ends with the block, and with it any lock that it holds.

    raises Unavailable where the database does not answer
    """
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except OperationalError as error:
        raise db.unreachable(engine, error) from error
    with connection:
        try:
            yield Listener(connection, channels)
        finally:
            connection.invalidate()
