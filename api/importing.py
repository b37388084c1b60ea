"""`kaart import`: files of boundaries, figures, squares, assets and OpenStreetMap; and taking them back."""

import getpass
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from api import deciding, import_report
from api.terminal import out, progress, steps, tell, work
from geo.days import AMSTERDAM
from geo.errors import InvalidInput, NotFound
from geo.imports import jobs, orders, pdok, read, undo
from geo.imports.report import Verdict
from geo.models import ImportJob
from geo.settings import read as read_settings
from geo.vocabulary import JobStatus, Level, What

SHORT = 8  # letters of an id are enough to tell imports apart
LINES = 50  # of a report on the screen; --report writes all that are kept

app = typer.Typer(no_args_is_help=True, help="Bring files in, see what was brought in, take an import back.")
app.add_typer(deciding.addresses, name="doubts")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file.")]
OptionalFile = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The file; none with --pdok.")]
Year = Annotated[int | None, typer.Option(min=2000, max=2100, help="The year it is of, where the file does not say.")]
Layer = Annotated[str | None, typer.Option(help="The layer or sheet, where the file has several.")]
Gemeente = Annotated[str | None, typer.Option(help="Only this municipality: its name, or its code (GM0579).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what it would do, row by row, and write nothing.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Import the good rows of a file that has bad ones.")]
ReportTo = Annotated[Path | None, typer.Option("--report", help="Write the report to this file, as CSV.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id in `kaart import list`, or the beginning of it.")]
Archive = Annotated[bool, typer.Option("--archive-missing", help="Archive what the source no longer holds.")]


class How(NamedTuple):
    """What every import may be told."""

    dry_run: bool
    skip_bad: bool
    report: Path | None


@app.command("boundaries")
def import_boundaries(
    file: OptionalFile = None,
    gemeente: Gemeente = None,
    level: Annotated[Level, typer.Option(help="What the outlines are of.")] = Level.buurt,
    year: Year = None,
    code_field: Annotated[
        str | None, typer.Option(help="The column with codes, where CBS's names do not serve.")
    ] = None,
    name_field: Annotated[str | None, typer.Option(help="The column with names.")] = None,
    layer: Layer = None,
    source: Annotated[str | None, typer.Option(help="Who made the file.")] = None,
    licence: Annotated[str | None, typer.Option(help="Under which licence.")] = None,
    pdok_year: Annotated[
        int | None, typer.Option("--pdok", help="Fetch this year's buurten from PDOK instead.")
    ] = None,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """Outlines of neighbourhoods, with their key figures where the file has them: GeoJSON, GeoPackage, Shapefile."""
    options = {
        "gemeente": gemeente, "level": level.value, "year": year or pdok_year, "code_field": code_field,
        "name_field": name_field, "layer": layer, "source": source, "licence": licence,
    }  # fmt: skip
    with _outlines(file, pdok_year, gemeente) as found:
        _bring(What.boundaries, found, options, How(dry_run, skip_bad, report))


@contextmanager
def _outlines(file: Path | None, year: int | None, gemeente: str | None) -> Iterator[Path]:
    """Give the file that was named, or the one that PDOK answers with."""
    if (file is None) == (year is None):
        raise InvalidInput("Name a file, or fetch the outlines of a year with --pdok YEAR --gemeente NAME.")
    if file is not None:
        yield file
        return
    if year is None or gemeente is None:
        raise InvalidInput("--pdok YEAR needs --gemeente NAME: PDOK holds the whole country.")
    with tempfile.TemporaryDirectory(prefix="kaart-") as folder, steps() as told:
        yield pdok.fetch(read_settings().pdok_url, year, gemeente, Path(folder), told)


@app.command("figures")
def import_figures(
    file: File,
    mapping: Annotated[Path | None, typer.Option("--map", help="Which column is which, as TOML.")] = None,
    gemeente: Gemeente = None,
    year: Year = None,
    layer: Layer = None,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """Key figures of neighbourhoods that are stored: CSV or GeoPackage, under CBS's names or through a mapping."""
    options = {"mapping": _text(mapping), "gemeente": gemeente, "year": year, "layer": layer}
    _bring(What.figures, file, options, How(dry_run, skip_bad, report))


@app.command("squares")
def import_squares(
    file: File,
    year: Year = None,
    layer: Layer = None,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """CBS squares of 100 m: how many people live where."""
    _bring(What.squares, file, {"year": year, "layer": layer}, How(dry_run, skip_bad, report))


@app.command("dwellings")
def import_dwellings(
    file: File, layer: Layer = None, dry_run: DryRun = False, skip_bad: SkipBad = False, report: ReportTo = None
) -> None:
    """Dwellings, such as those of the BAG: the exact places where people live, and how many where that is told."""
    _bring(What.dwellings, file, {"layer": layer}, How(dry_run, skip_bad, report))


@app.command("assets")
def import_assets(
    file: File,
    mapping: Annotated[Path, typer.Option("--map", help="What the columns mean, as TOML.")],
    layer: Layer = None,
    archive_missing: Archive = False,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """Assets out of a list: CSV, XLSX, GeoJSON, GeoPackage, with coordinates or only addresses."""
    options = {
        "mapping": _text(mapping), "layer": layer, "archive_missing": archive_missing,
        "locatieserver": read_settings().pdok_url,
    }  # fmt: skip
    _bring(What.assets, file, options, How(dry_run, skip_bad, report))


@app.command("osm")
def import_osm(
    file: File,
    archive_missing: Archive = False,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """Proposals out of an OpenStreetMap extract (.osm.pbf), to accept with `kaart proposals`."""
    _bring(What.osm, file, {"archive_missing": archive_missing}, How(dry_run, skip_bad, report))


@app.command("network")
def import_network(
    file: File,
    length_field: Annotated[str | None, typer.Option(help="The column with the length of each line, metres.")] = None,
    least_island: Annotated[int, typer.Option(min=0, help="Leave out islands with fewer metres of street.")] = 0,
    layer: Layer = None,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    report: ReportTo = None,
) -> None:
    """Streets to walk along: an OpenStreetMap extract (.osm.pbf), or a layer of lines with or without a length."""
    options = {"length_field": length_field, "least_island": least_island, "layer": layer}
    _bring(What.network, file, options, How(dry_run, skip_bad, report))


def _text(file: Path | None) -> str | None:
    """Read a mapping. Raises InvalidInput where it cannot be read."""
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read the mapping {file.name}: {error}.") from None


def _bring(what: What, file: Path, options: Mapping[str, object], how: How) -> None:
    """Import a file and tell what came of it; exit status 1 where it was refused."""
    order = orders.order(what, options, skip_bad=how.skip_bad)
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.")
    source = jobs.Source(file, file.name, read.digest(file), file.stat().st_size)
    with work(read_settings()) as session:
        with steps() as told:
            do = jobs.check if how.dry_run else jobs.run
            job = do(session, order, source, by=getpass.getuser(), progress=told)
        shown = import_report.shown(job, LINES)
        if how.report:
            import_report.write(job, how.report)
        if how.dry_run:
            jobs.discard(session, job.id)
    out.print(shown)
    _conclude(job, how)


def _conclude(job: ImportJob, how: How) -> None:
    """Say what is to be done next. A file that is refused ends with status 1, also when it was only looked at."""
    refused = int(job.counts.get(Verdict.refused, 0))
    if how.dry_run:
        tell("a dry run: nothing was written")
    elif job.status == JobStatus.done:
        tell(f"import {job.id}; to take it back: kaart import undo {str(job.id)[:SHORT]}")
    if job.counts.get(Verdict.doubtful):
        tell("addresses wait for somebody to choose: kaart import doubts list")
    if job.status == JobStatus.refused or (how.dry_run and refused and not how.skip_bad):
        happens = "would be" if how.dry_run else "was"
        why = f"{refused:,} rows are refused, so nothing {happens} imported"
        progress.print(f"[red]✗[/] {why}: mend them, or import the rest with --skip-bad")
        raise typer.Exit(1)


@app.command("list")
def list_imports() -> None:
    """List the imports, the newest first."""
    with work(read_settings()) as session:
        table = Table(Column("id", no_wrap=True), "when", "what", "file", "by", "status", "rows")
        for job in jobs.jobs(session):
            counts = ", ".join(f"{number:g} {verdict}" for verdict, number in job.counts.items())
            moment = f"{job.made_at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
            table.add_row(
                str(job.id),
                moment,
                job.what.value,
                escape(job.file_name),
                escape(job.made_by),
                job.status.value,
                counts,
            )
        out.print(table)


@app.command("show")
def show_import(job_id: Id, report: ReportTo = None) -> None:
    """Show what was said of one import, and the file that it was of."""
    with work(read_settings()) as session:
        job = _named(session, job_id)
        out.print(f"{escape(job.file_name)}, {job.bytes:,} bytes, SHA-256 {job.sha256}", highlight=False)
        out.print(import_report.shown(job, LINES))
        if report:
            import_report.write(job, report)


@app.command("undo")
def undo_import(job_id: Id) -> None:
    """Take an import back: what it added goes, what it changed becomes what it was."""
    with work(read_settings()) as session:
        counts = undo.undo(session, _named(session, job_id).id, getpass.getuser())
    out.print("Taken back: " + ", ".join(f"{number} {what}" for what, number in counts.items()) + ".")


def _named(session: Session, job_id: str) -> ImportJob:
    """Find an import by its id, or by the beginning of it. Raises NotFound where none or several begin so."""
    begin = cast(ImportJob.id, Text).startswith(job_id.strip().lower(), autoescape=True)
    found = session.scalars(select(ImportJob).where(begin).order_by(ImportJob.id).limit(2)).all()
    if len(found) != 1 or not job_id.strip():
        told = "Several imports begin with" if len(found) > 1 else "There is no import"
        raise NotFound(f"{told} {job_id!r}: `kaart import list` shows their ids.")
    return found[0]
