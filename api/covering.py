"""`kaart coverage …`: which neighbourhoods lack what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from sqlalchemy.orm import Session

from api import comparing, computing, terminal
from api.terminal import out, tell
from geo import folder
from geo.coverage import policy, results, run, store
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies, Policy
from geo.coverage.snapping import SNAP_M
from geo.days import AMSTERDAM
from geo.settings import Settings, read
from geo.vocabulary import SERVICES

app = typer.Typer(no_args_is_help=True, help="Which neighbourhoods lack what.")
app.command("compare")(comparing.compare_command)
app.command("compute")(computing.compute_command)


def policies(settings: Settings, file: Path | None = None, over: Mapping[str, Any] | None = None) -> Policies:
    """Read the policy that holds: a file that is named, else that of the settings, else the defaults.

    over    keys that go before those at the top of it
    raises  InvalidInput naming what is wrong, kinds and services that there are not among it
    """
    base = Policy(norm_m=settings.norm_m, detour=settings.detour)
    chosen = file or settings.policy
    told = policy.of_json(over or {}, base) if chosen is None else policy.read(chosen, base, over)
    policy.check_names(told, store.KINDS, SERVICES)
    return told


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
        if aside := made.counts["residents_without_street"]:
            tell(f"{aside / people:.0%} of them live more than {SNAP_M:g} m from any street: straight lines")


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
