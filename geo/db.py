"""The database: engine, sessions, and bringing its tables up to date."""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from geo.errors import Unavailable
from geo.settings import CHECKOUT

EXTENSIONS = ("postgis", "pg_trgm")
MIGRATION_LOCK = 0x6B616172  # any number, as long as every version uses the same


def engine(url: str, statement_timeout_s: int = 30) -> Engine:
    """Make the engine for a `postgresql+psycopg://` address; statements that pass the limit are ended."""
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        hide_parameters=True,  # values may be a person's: they belong in no error and no log
        connect_args=options(statement_timeout_s),
    )


def options(statement_timeout_s: int) -> dict[str, str | int]:
    """Give what every connection is opened with."""
    # jit: compiling a short statement takes longer than running it
    told = f"-c statement_timeout={statement_timeout_s}s -c timezone=UTC -c jit=off"
    return {"options": told, "application_name": "levende-kaart", "connect_timeout": 10}


def sessions(engine: Engine, secret: bytes | None = None) -> sessionmaker[Session]:
    """Make the maker of sessions; what was read stays readable after the commit.

    secret  the key of the installation, for who keeps or reads what is sealed (`geo/privacy.py`)
    """
    return sessionmaker(engine, expire_on_commit=False, info={"secret": secret})


def migrate(engine: Engine, secret: bytes | None = None) -> None:
    """Bring the tables up to date; of two processes that try at once, one waits and finds nothing to do.

    secret  the key of the installation: what older versions kept readable is sealed with it
    raises  Unavailable where the database does not answer, lacks PostGIS, was made by a newer version, or holds what
            must be sealed and there is no key
    """
    try:
        with engine.connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            try:
                _extend(connection)
                config = _config()
                config.attributes |= {"connection": connection, "secret": secret}
                command.upgrade(config, "head")
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
                connection.invalidate()  # the next user of this connection wants the time limit back
    except OperationalError as error:
        raise unreachable(engine, error) from error
    except CommandError as error:
        raise Unavailable(f"The database does not fit this version of the service: {error}") from error


def revisions(engine: Engine) -> tuple[str | None, str]:
    """Give the revision of the database (None where it has no tables yet) and the one this version wants."""
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), _head()
    except OperationalError as error:
        raise unreachable(engine, error) from error


def migrated(engine: Engine) -> bool:
    """Tell whether the tables are those of this version; False too where the database does not answer."""
    try:
        current, wanted = revisions(engine)
    except Unavailable:
        return False
    return current == wanted


def unreachable(engine: Engine, error: OperationalError) -> Unavailable:
    """Say in one line that the database does not answer; the address is given without its password."""
    return Unavailable(f"The database {engine.url} does not answer: {' '.join(str(error.orig).split())}")


def _extend(connection: Connection) -> None:
    present = set(connection.scalars(text("SELECT extname FROM pg_extension")))
    for extension in EXTENSIONS:
        if extension in present:
            continue
        try:
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))  # one of our own two names
            connection.commit()
        except DBAPIError as error:
            connection.rollback()
            raise _cannot_extend(connection, extension, error) from error


def _cannot_extend(connection: Connection, extension: str, error: DBAPIError) -> Exception:
    database = connection.engine.url.database
    if isinstance(error.orig, pg.InsufficientPrivilege):
        return Unavailable(
            f"This role may not add {extension} to the database {database}. Let its administrator run in it: "
            + " ".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in EXTENSIONS)
        )
    if isinstance(error.orig, pg.FeatureNotSupported | pg.UndefinedFile):
        return Unavailable(f"The server of {database} has no {extension}: install PostGIS on it.")
    return error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "migrations").replace("%", "%%"))
    return config


@cache
def _head() -> str:
    """Give the newest revision that this version carries; there is always exactly one."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise Unavailable(f"No migrations are found under {CHECKOUT / 'migrations'}: the installation is incomplete.")
    return head
