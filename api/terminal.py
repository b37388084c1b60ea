"""What every command works with: the two consoles, an engine on the database in use, a session that is committed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from geo import cluster, db, folder
from geo.errors import Unavailable
from geo.settings import Settings

PIPE_WIDTH = 120

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
progress = Console(stderr=True, soft_wrap=True, highlight=False)


def tell(line: str) -> None:
    """Say on stderr what happens; the line may hold rich's markup."""
    progress.print(f"· {line}")


@contextmanager
def steps() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how far something is: each step has a line of its own, in the order in which they come."""
    columns = (TextColumn("· {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress, transient=True) as bar:
        lines: dict[str, TaskID] = {}

        def told(step: str, done: int, total: int | None) -> None:
            if step not in lines:
                lines[step] = bar.add_task(step, total=total)
            bar.update(lines[step], completed=done, total=total)

        yield told


@contextmanager
def engine(settings: Settings) -> Iterator[Engine]:
    """Give the engine on the database in use, which keeps running for as long as the block lasts."""
    with cluster.running(settings, tell) as address:
        made = db.engine(address, settings.db_statement_timeout_s)
        try:
            yield made
        finally:
            made.dispose()


@contextmanager
def work(settings: Settings) -> Iterator[Session]:
    """Give a session, committed when the block ends well. Raises Unavailable on tables of another version."""
    with engine(settings) as made:
        current, wanted = db.revisions(made)
        if current != wanted:
            raise Unavailable("The tables are not those of this version: run `kaart db migrate` first.")
        with db.sessions(made, folder.secret(settings)).begin() as session:
            yield session


def place_of_database(settings: Settings) -> str:
    """Give where the database is: its address without the password, or the folder of the private cluster."""
    if settings.database_url:
        return str(make_url(settings.database_url))
    return str(folder.var(settings))
