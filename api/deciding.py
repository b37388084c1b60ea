"""What waits for somebody to decide: `kaart import doubts`, `kaart proposals`."""

import getpass
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Column, Table

from api.terminal import out, work
from geo import proposals
from geo.imports import doubts
from geo.settings import read
from geo.vocabulary import Kind

addresses = typer.Typer(no_args_is_help=True, help="Rows whose address has no certain place.")
proposed = typer.Typer(no_args_is_help=True, help="What was proposed and waits for a yes or a no.")

Ids = Annotated[list[UUID], typer.Argument(metavar="ID…", help="The ids that the list shows.")]


@addresses.command("list")
def list_doubts(
    job_id: Annotated[UUID | None, typer.Option("--import", help="Of this import only.")] = None,
) -> None:
    """List the addresses that wait, with the places that they may be."""
    with work(read()) as session:
        waiting = session.scalars(doubts.undecided(job_id)).all()
        for doubt in waiting:
            out.print(f"[bold]{doubt.id}[/] row {doubt.row}: {escape(doubt.asked)}", highlight=False)
            for number, place in enumerate(doubt.candidates):
                out.print(f"    {number}  {escape(str(place['label']))}", highlight=False)
    if not waiting:
        out.print("No address waits.")


@addresses.command("choose")
def choose_address(
    doubt_id: Annotated[int, typer.Argument(metavar="ID", help="The number that the list shows.")],
    choice: Annotated[int, typer.Argument(min=0, help="Which of its places it is.")],
) -> None:
    """Say which place an address is: the record is stored there."""
    with work(read()) as session:
        asset = doubts.choose(session, doubt_id, choice, getpass.getuser())
        out.print(f"Stored: {escape(str(asset.name))}.")


@addresses.command("drop")
def drop_address(
    doubt_id: Annotated[int, typer.Argument(metavar="ID", help="The number that the list shows.")],
) -> None:
    """Say that it is none of these places: the record is not stored."""
    with work(read()) as session:
        doubts.drop(session, doubt_id, getpass.getuser())
    out.print("Dropped.")


@proposed.command("list")
def list_proposals(
    source: Annotated[str | None, typer.Option(help="Of this source only, such as OpenStreetMap.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Of this kind only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
) -> None:
    """List the proposals that wait."""
    with work(read()) as session:
        table = Table(Column("id", no_wrap=True), "kind", "name", "address", "source")
        for asset in proposals.listed(session, source=source, kind=kind, limit=limit):
            texts = (
                escape(text or "") for text in (asset.name, asset.address, f"{asset.source} {asset.source_id or ''}")
            )
            table.add_row(str(asset.id), asset.kind.value, *texts)
        out.print(table if table.row_count else "Nothing is proposed.")


@proposed.command("accept")
def accept_proposals(ids: Ids) -> None:
    """Put proposals on the map."""
    with work(read()) as session:
        done = proposals.accept(session, ids, getpass.getuser())
    out.print(f"Accepted: {len(done)}.")


@proposed.command("dismiss")
def dismiss_proposals(ids: Ids) -> None:
    """Say no to proposals: they are archived, and the next extract does not bring them back."""
    with work(read()) as session:
        done = proposals.dismiss(session, ids, getpass.getuser())
    out.print(f"Dismissed: {len(done)}.")
