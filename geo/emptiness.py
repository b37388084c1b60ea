"""A database that holds nothing of ours: to find that it is so, and to make room in it for what is restored."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from geo import db
from geo.dumps import SCHEMA
from geo.errors import Conflict, Unavailable
from geo.settings import CHECKOUT

BEGIN_ANEW = (
    "A restore needs an empty installation: "
    "name a new folder with KAART_VAR, or a new database with KAART_DATABASE_URL."
)
VERSIONS = "alembic_version"
# Rows that are nobody's: the version, who asked how often, who is gone, how often something changed.
PASSING = (VERSIONS, "allowance", "erasure", "part", "edition", "turned")
NAMED_MOST = 5

# What is not an extension's own is ours, or of somebody who shares the database.
_TABLES = f"""SELECT c.relname, format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = '{SCHEMA}' AND c.relkind IN ('r', 'p') AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname"""  # noqa: S608
_ROUTINES = f"""SELECT p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = '{SCHEMA}' AND pg_has_role(p.proowner, 'USAGE') AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1"""  # noqa: S608


class Room(NamedTuple):
    """An emptied database: the major version of its server, and how to let others in before the block ends."""

    major: int
    open: Callable[[], None]


@contextmanager
def emptied(engine: Engine) -> Iterator[Room]:
    """Hold a database without any table of ours, its extensions in place; no other process brings its tables meanwhile.

    Where the block fails, the database is as it was found: without tables, or with those of this version, all empty.
    Raises Conflict where there are rows, or tables of something else; Unavailable where it does not answer.
    """
    try:
        with _alone(engine) as connection:
            had_tables = _must_be_empty(connection)
        if not had_tables:
            db.migrate(engine)  # it sees to the extensions, and says what is missing
        with ExitStack() as lock:
            connection = lock.enter_context(_alone(engine))
            _must_be_empty(connection)
            _drop(connection)
            try:
                yield Room(_major(connection), lock.close)
            except BaseException:
                with suppress(DBAPIError, Unavailable):  # a server that is gone has undone it already
                    _put_back(engine, connection, lock, had_tables=had_tables)
                raise
    except OperationalError as error:
        raise db.unreachable(engine, error) from error


def _put_back(engine: Engine, connection: Connection, lock: ExitStack, *, had_tables: bool) -> None:
    if connection.closed:
        with _alone(engine) as again:
            _drop(again)
    else:
        _drop(connection)
    lock.close()
    if had_tables:
        db.migrate(engine)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Give a connection that commits each statement, while no other process brings the tables up to date."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": db.MIGRATION_LOCK})
            yield connection
        finally:
            connection.invalidate()  # with the connection, the lock and the lack of a time limit end


def _must_be_empty(connection: Connection) -> bool:
    """Tell whether there are tables at all. Raises Conflict with what is there where it is in the way."""
    tables = connection.execute(text(_TABLES)).all()
    named = VERSIONS in [name for name, _ in tables]
    revision = connection.scalar(text(f"SELECT min(version_num) FROM {SCHEMA}.{VERSIONS}")) if named else None  # noqa: S608
    if tables and revision not in known():
        listed = _listed([name for name, _ in tables])
        raise Conflict(f"The database holds tables of something else, or of a newer version: {listed}. {BEGIN_ANEW}")
    full = [
        name
        for name, place in tables
        if name not in PASSING and connection.scalar(text(f"SELECT EXISTS (SELECT FROM {place})"))  # noqa: S608
    ]
    if full:
        raise Conflict(f"The database holds rows already, in {_listed(full)}. {BEGIN_ANEW}")
    return bool(tables)


def known() -> set[str]:
    """Name the revisions of the tables that this version knows."""
    return {script.revision for script in ScriptDirectory(str(CHECKOUT / "migrations")).walk_revisions()}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    return ", ".join(names[:NAMED_MOST]) + more


def _drop(connection: Connection) -> None:
    """Take away every table and function that is no extension's, all in one statement of each sort."""
    if tables := [place for _, place in connection.execute(text(_TABLES))]:
        connection.exec_driver_sql(f"DROP TABLE {', '.join(tables)} CASCADE")
    if routines := connection.scalars(text(_ROUTINES)).all():
        connection.exec_driver_sql(f"DROP ROUTINE {', '.join(routines)} CASCADE")


def _major(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT current_setting('server_version_num')::int / 10000")) or 0)
