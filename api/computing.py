"""`kaart coverage compute`: coverage from files to files, without a database, on one machine or spread over many."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow as pa
import shapely
import typer
from distributed import Client
from rich.markup import escape
from rich.table import Column, Table

from api import terminal
from api.terminal import out, tell
from geo.coverage import files, inputs, outputs, policy, workers
from geo.coverage.demand import Floats, Ints
from geo.coverage.files import BLOCK_ROWS, Result, Subject
from geo.coverage.inputs import Areas, People, Stock
from geo.coverage.network import Network
from geo.coverage.outputs import Add
from geo.coverage.policy import Policies
from geo.coverage.snapping import SNAP_M
from geo.coverage.spread import Ground, How, spread, work
from geo.coverage.streets import Streets
from geo.coverage.walks import Line
from geo.errors import InvalidInput
from geo.imports import network as streets_file

Steps = Callable[[str, int, int | None], None]
MOST_POINTS = 500_000  # of a region
TASKS = 4  # regions for each worker, so that none waits long for the last
FORMATS = "Parquet, GeoPackage, CSV or GeoJSON"

app = typer.Typer(no_args_is_help=True, add_completion=False)


class Given(NamedTuple):
    """What the files hold. `area` is the index of the area of each point, -1 where it lies in none."""

    people: People
    stock: Stock
    areas: Areas
    policies: Policies
    network: Network | None
    area: Ints


class Into(NamedTuple):
    """Where the results go."""

    out: Path
    points: Path | None
    assets: Path | None


@app.command("compute")
def compute_command(  # noqa: PLR0913, PLR0917 the options of a command are its arguments
    demand: Annotated[Path, typer.Option(help=f"Residents as points: {FORMATS}.")],
    assets: Annotated[Path, typer.Option(help=f"Assets of any number of kinds: {FORMATS}.")],
    out_file: Annotated[Path, typer.Option("--out", help=f"The result, a row for each area and kind: {FORMATS}.")],
    areas: Annotated[
        Path | None, typer.Option(help="Outlines of areas; without it, the column `area` of the demand.")
    ] = None,
    area_field: Annotated[str | None, typer.Option(help="The column with ids of areas, where it is not found.")] = None,
    network: Annotated[
        Path | None, typer.Option(help="Streets: lines, or OpenStreetMap (.osm.pbf); else straight lines.")
    ] = None,
    policy_file: Annotated[Path | None, typer.Option("--policy", help="A policy (TOML); else the defaults.")] = None,
    points_out: Annotated[Path | None, typer.Option(help="Also write a row for each point and kind.")] = None,
    assets_out: Annotated[Path | None, typer.Option(help="Also write a row for each asset.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Spread the work over a running dask scheduler.")] = None,
    processes: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Spread the work over processes here.")
    ] = None,
) -> None:
    """Compute coverage from files to files; no database is needed. All in EPSG:28992."""
    into = Into(out_file, points_out, assets_out)
    _check(into, [demand, assets, areas, network, policy_file])
    if scheduler and processes:
        raise InvalidInput("--scheduler and --workers exclude one another: the work is done in one place.")
    with terminal.steps() as steps:
        policies = policy.read(policy_file) if policy_file else Policies()
        given = _read((demand, assets, areas, network), area_field, policies, steps)
        found = files.subjects(given.stock, policies)
        with _results(given, found, into, (scheduler, processes), steps) as results:
            told = _written(given, found, into, results)
    _summary(given, told, into)


def _check(into: Into, inputs_: Sequence[Path | None]) -> None:
    """Refuse results that cannot be written, before anything is computed."""
    taken = [file for file in inputs_ if file is not None]
    for file, option in zip(into, ("--out", "--points-out", "--assets-out"), strict=True):
        if file is not None:
            outputs.check(file, option, taken)
            taken.append(file)


def _read(
    told: tuple[Path, Path, Path | None, Path | None], area_field: str | None, policies: Policies, steps: Steps
) -> Given:
    demand, assets, areas, network = told
    with _step(steps, "read demand"):
        people = inputs.people(demand)
    with _step(steps, "read assets"):
        stock = inputs.stock(assets)
    with _step(steps, "find areas"):
        within = inputs.areas(areas, area_field) if areas else inputs.named(people)
        area = inputs.where(people, within)
    with _step(steps, "read streets"):
        streets = None if network is None else _streets(network)
    return Given(people, stock, within, policies, streets, area)


def _streets(file: Path) -> Network:
    return inputs.streets(file) if file.suffix.lower() in inputs.PARQUET else streets_file.read(file)


@contextmanager
def _step(steps: Steps, name: str) -> Iterator[None]:
    steps(name, 0, 1)
    yield
    steps(name, 1, 1)


@contextmanager
def _results(
    given: Given, subjects: Sequence[Subject], into: Into, spread_: tuple[str | None, int | None], steps: Steps
) -> Iterator[Iterator[Result]]:
    """Give the results of each subject, one after the other, computed here or where it was asked."""
    scheduler, processes = spread_
    if scheduler is None and processes is None:
        yield _here(given, subjects, steps)
        return
    opened = workers.at(scheduler) if scheduler else workers.local(processes or 1)
    beside = into.out.absolute().parent
    with tempfile.TemporaryDirectory(prefix=".kaart-parts-", dir=beside) as folder, opened as client:
        yield _spread(client, Path(folder), given, subjects, points=into.points is not None, steps=steps)


def _here(given: Given, subjects: Sequence[Subject], steps: Steps) -> Iterator[Result]:
    demand, streets = given.people.demand, given.network
    walks = files.by_detour(
        (lambda detour: Line(demand.xy, detour))
        if streets is None
        else (lambda detour: Streets(streets, demand.xy, detour))
    )
    zones = inputs.zoned(given.area, len(given.areas.ids))
    for done, subject in enumerate(subjects):
        steps("compute", done, len(subjects))
        yield files.compute(demand, zones, subject, walks(subject.policy))
    steps("compute", len(subjects), len(subjects))


def _spread(
    client: Client, folder: Path, given: Given, subjects: Sequence[Subject], *, points: bool, steps: Steps
) -> Iterator[Result]:
    demand = given.people.demand
    ground = Ground(demand, given.area, len(given.areas.ids), given.network)
    how = How(
        partial(workers.each, client, work),
        min(MOST_POINTS, -(-demand.count // (TASKS * workers.count(client)))),
        points=points,
        progress=lambda done, of: steps("compute regions", done, of),
    )
    return spread(folder, ground, subjects, how)


def _written(given: Given, subjects: Sequence[Subject], into: Into, results: Iterator[Result]) -> list[Result]:
    """Write all results; give them without their points."""
    told: list[Result] = []
    wanted = [file for file in into if file is not None]
    with outputs.writing(wanted) as adders:
        add = dict(zip(wanted, adders, strict=True))
        for result in results:
            if into.points:
                _add_points(add[into.points], into.points, given, result)
            told.append(result._replace(points=None))
        if into.points and not subjects:
            add[into.points](files.point_table(given.people.ids[:0], given.stock.ids, "", files.no_points()))
        _add_areas(add[into.out], into.out, given, told)
        if into.assets:
            add[into.assets](_shown(files.asset_table(given.stock.ids, told), into.assets, given.stock.places.xy))
    return told


def _add_areas(add: Add, file: Path, given: Given, told: Sequence[Result]) -> None:
    table = files.area_table(given.areas.ids, told)
    if given.areas.outlines is not None and outputs.shaped(file):
        shapes = pa.array(shapely.to_wkb(given.areas.outlines), pa.binary())
        table = table.append_column(outputs.SHAPE, shapes.take(pa.array(np.arange(len(table)) // max(len(told), 1))))
    add(table)


def _add_points(add: Add, file: Path, given: Given, result: Result) -> None:
    """Add a row for each point, so many at a time, to keep memory flat."""
    if result.points is None:
        return
    people = given.people
    for first in range(0, max(people.demand.count, 1), BLOCK_ROWS):
        some = people.row[first : first + BLOCK_ROWS]
        ids = people.ids[first : first + BLOCK_ROWS]
        table = files.point_table(ids, given.stock.ids, result.subject.kind, result.points.some(some))
        add(_shown(table, file, people.demand.xy[some]))


def _shown(table: pa.Table, file: Path, xy: Floats) -> pa.Table:
    """Add points to a table where the format of its file is made for shapes."""
    if not outputs.shaped(file):
        return table
    return table.append_column(outputs.SHAPE, pa.array(shapely.to_wkb(shapely.points(xy)), pa.binary()))


def _tell_policies(given: Given) -> None:
    """Say what of the policy is not used, or names what the assets do not."""
    if given.policies.scale:
        tell("scale_to_key_figure is not used: files hold no key figures")
    if given.policies.services:
        tell(escape("[service.…] is not used: assets in files have a kind and no services"))
    for name in given.policies.kinds:
        if name not in given.stock.kinds:
            like = get_close_matches(name, given.stock.kinds, n=1)
            meant = f": did you mean {escape(like[0])}?" if like else ""
            tell(f"there are no assets of the kind {escape(name)}, which the policy names{meant}")


def _summary(given: Given, told: Sequence[Result], into: Into) -> None:
    """Say what was found, and what a reader of it should know."""
    table = Table("kind", Column("assets", justify="right"), Column("norm (m)", justify="right"))
    for title in ("residents", "covered", "uncovered"):
        table.add_column(title, justify="right")
    for each in told:
        residents, uncovered = each.figures.residents.sum(), np.nansum(each.figures.uncovered)
        covered = f"{1 - uncovered / residents:.1%}" if residents else "–"
        numbers = (f"{len(each.subject.asset):,}", f"{each.subject.policy.norm_m:,g}", f"{residents:,.0f}")
        table.add_row(escape(each.subject.kind), *numbers, covered, f"{uncovered:,.0f}")
    out.print(table)
    demand, nowhere = given.people.demand, given.area < 0
    if nowhere.any():
        tell(f"points in no area: {nowhere.sum():,}, with {demand.residents[nowhere].sum():,.0f} residents")
    if demand.suppressed.any():
        tell(f"points whose number of residents is kept secret: {demand.suppressed.sum():,}; they count as none")
    if aside := max((each.fallback for each in told), default=0):
        tell(f"points with no street within {SNAP_M:g} m: {aside:,}; their walks are straight lines times the detour")
    for name, meant in (*given.people.unused, *given.stock.unused):
        tell(f"the column {escape(name)} is not used: did you mean {meant}?")
    _tell_policies(given)
    rows = len(given.areas.ids) * len(told)
    tell(f"{rows:,} rows ({len(given.areas.ids):,} areas, {len(told):,} kinds) written to {escape(str(into.out))}")
