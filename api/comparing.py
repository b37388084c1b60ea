"""`kaart coverage compare`: which neighbourhoods changed from one run to another, and because of which assets."""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Column, Table

from api import terminal
from api.terminal import out
from geo.coverage import differences, results
from geo.coverage.differences import Because, Difference
from geo.settings import read

MOST_NAMED = 3


def compare_command(
    since: Annotated[UUID, typer.Argument(help="The earlier run, as `kaart coverage list` shows it.")],
    made: Annotated[UUID, typer.Argument(help="The later run.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many to list, the largest change first.")] = 50,
) -> None:
    """Tell which neighbourhoods changed from one run to another, and because of which assets."""
    with terminal.work(read()) as session:
        earlier, later = results.kept(session, since), results.kept(session, made)
        found = differences.between(session, earlier, later, limit=limit)
    table = Table(Column("neighbourhood"), "of", "gap", "uncovered", "because")
    for each in found.listed:
        subject = (each.kind and each.kind.value) or each.service or ""
        where = f"{each.code} {each.name}"
        table.add_row(escape(where), subject, _pair(each, "gap"), _pair(each, "uncovered"), escape(_reason(each)))
    if found.listed:
        out.print(table)
    more = found.number - len(found.listed)
    out.print(f"{found.number} differences" + (f", {more} of them not listed." if more else "."))


def _pair(each: Difference, name: str) -> str:
    return " → ".join("–" if told[name] is None else f"{told[name]:.1f}" for told in (each.before, each.after))


def _reason(each: Difference) -> str:
    named = [_told(asset) for asset in each.because[:MOST_NAMED]]
    more = len(each.because) - MOST_NAMED
    return ", ".join([*named, *([f"{more} more"] if more > 0 else []), *each.also])


def _told(asset: Because) -> str:
    return f"{asset.name or asset.asset} ({' and '.join(asset.what)})"
