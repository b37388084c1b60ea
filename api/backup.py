"""`kaart backup` and `kaart restore`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api import terminal
from geo import backup
from geo.settings import read

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: a tar file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace FILE when it exists.")]


def backup_command(file: BackupFile, force: Force = False) -> None:
    """Write the database, the key and the uploads to one file, while the service runs or not."""
    made = backup.make(read(), file, replace=force, tell=_tell)
    size = sum(part.bytes for part in made.parts.values())
    terminal.out.print(f"Kept in {escape(str(file))}: {size / 1e6:.1f} MB, tables {made.revision}.", highlight=False)
    if made.key == "KAART_SECRET":
        terminal.tell("KAART_SECRET is not in it: keep that key apart, a restore asks for the same one")
    terminal.tell("it holds the contacts of people and the key of the rounding: only you can read it, keep it so")


def restore_command(file: BackupFile) -> None:
    """Bring a backup into an empty installation: all of it, or nothing."""
    made = backup.restore(read(), file, tell=_tell)
    terminal.out.print(
        f"Restored: the backup of {made.made_at:%Y-%m-%d %H:%M} UTC, made by version {made.service}.", highlight=False
    )


def _tell(line: str) -> None:
    """Say a line as it is: a name of a file is no markup."""
    terminal.tell(escape(line))
