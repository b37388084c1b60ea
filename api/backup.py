"""`kaart backup` and `kaart restore`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api import terminal
from geo import backup
from geo.settings import read
from geo.volunteers import journal

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: a tar file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace FILE when it exists.")]
Journal = Annotated[
    Path | None, typer.Option("--erasures", metavar="FILE", help="A copy of the journal of erasures, kept elsewhere.")
]


def backup_command(file: BackupFile, force: Force = False) -> None:
    """Write the database, the key and the uploads to one file, while the service runs or not."""
    settings = read()
    made = backup.make(settings, file, replace=force, tell=_tell)
    size = sum(part.bytes for part in made.parts.values())
    terminal.out.print(f"Kept in {escape(str(file))}: {size / 1e6:.1f} MB, tables {made.revision}.", highlight=False)
    if made.key == "KAART_SECRET":
        terminal.tell("KAART_SECRET is not in it: keep that key apart, a restore asks for the same one")
    terminal.tell("it holds the contacts of people and the key of the rounding: only you can read it, keep it so")
    _tell(f"who is erased from now on is still in it: keep a new copy of {journal.place(settings)} beside your backups")


def restore_command(file: BackupFile, erasures: Journal = None) -> None:
    """Bring a backup into an empty installation: all of it, or nothing, and nobody who was erased since."""
    settings = read()
    made, erased = backup.restore(settings, file, erased=erasures, tell=_tell)
    terminal.out.print(
        f"Restored: the backup of {made.made_at:%Y-%m-%d %H:%M} UTC, made by version {made.service}.", highlight=False
    )
    if erased is None:
        _tell(
            "there is no journal of erasures here: who was erased after the backup is back. Put the copy that you keep "
            f"in {journal.place(settings)}: the service erases them again when it starts, a worker within moments"
        )
    else:
        terminal.out.print(f"Erased again, as the journal of erasures says: {erased}.", highlight=False)


def _tell(line: str) -> None:
    """Say a line as it is: a name of a file is no markup."""
    terminal.tell(escape(line))
