"""`kaart serve`: one more process that answers requests, beside the one that holds the port."""

import socket
import sys
from typing import Annotated

import typer

from api import logs, serve, terminal
from geo import db, folder
from geo.errors import Unavailable
from geo.settings import read


def serve_command(listener: Annotated[int, typer.Argument(help="The number of the open socket.")]) -> None:
    """Answer requests on a socket that is open, until standard input closes; `kaart up` starts it by itself."""
    settings = read()
    logs.configure(settings)
    with terminal.engine(settings) as engine, socket.socket(fileno=listener) as held:
        if not db.migrated(engine):
            raise Unavailable("The tables are not those of this version: run `kaart db migrate` first.")
        serve.until(settings, db.sessions(engine, folder.secret(settings)), held, sys.stdin.buffer.read)
