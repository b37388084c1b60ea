"""`kaart coverage …`: which neighbourhoods lack what."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy.orm import Session

from api import comparing, computing, terminal
from api.terminal import out
from geo import folder
from geo.coverage import policy, results, run
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies, Policy
from geo.days import AMSTERDAM
from geo.settings import Settings, read

app = typer.Typer(no_args_is_help=True, help="Which neighbourhoods lack what.")
app.command("compare")(comparing.compare_command)
app.command("compute")(computing.compute_command)


def policies(settings: Settings, file: Path | None = None) -> Policies:
    """Read the policy that holds: a file that is named, else that of the settings, else the defaults."""
    base = Policy(norm_m=settings.norm_m, detour=settings.detour)
    chosen = file or settings.policy
    return Policies(base) if chosen is None else policy.read(chosen, base)


def compute(session: Session, settings: Settings, file: Path | None = None) -> CoverageRun:
    """Make a run now, and show how far it is."""
    told = policies(settings, file)
    with terminal.steps() as progress:
        return run.run(session, told, key=folder.secret(settings), progress=progress)


@app.command("run")
def run_coverage(
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="A policy file (TOML); else KAART_POLICY, else the defaults.")
    ] = None,
) -> None:
    """Compute the coverage of all neighbourhoods now, and keep it as a dated run."""
    settings = read()
    with terminal.work(settings) as session:
        made = compute(session, settings, policy_file)
        people, points = made.counts["residents"], made.counts["points"]
        out.print(f"Run {made.id}: {made.year}, norm {made.norm_m:g} m, detour {made.detour:g}.")
        told = f"{people:,.0f} residents on {points:,.0f} points, {made.counts['assets']:,.0f} assets."
        out.print(told, highlight=False)


@app.command("list")
def list_runs() -> None:
    """List the runs, the newest first."""
    with terminal.work(read()) as session:
        table = Table(Column("id", no_wrap=True), "computed", "status", "year", "norm (m)", "detour", "walks")
        for made in results.runs(session):
            moment = f"{made.computed_at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
            numbers = (str(made.year), f"{made.norm_m:g}", f"{made.detour:g}")
            table.add_row(str(made.id), moment, made.status.value, *numbers, made.walks)
        out.print(table)
