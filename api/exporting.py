"""`kaart export`: a whole collection into a file, as a visitor sees it."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape

from api import logs, terminal
from api.exports import ExportQuery
from geo import db
from geo.errors import Flaw, InvalidInput, Unavailable
from geo.exports import describing, formats, making, reading
from geo.exports.formats import Format
from geo.exports.reading import Opened, Order
from geo.rights import VISITOR
from geo.settings import Settings, read

BESIDE = ".metadata.json"  # behind the name of a file that cannot hold what it says of itself
CANNOT_HOLD = ("csv",)

app = typer.Typer()

Several = list[str] | None


@app.command("export")
def export(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", help="Such as assets, buurten, coverage.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its ending says the format; replaced when it exists.")],
    form: Annotated[str | None, typer.Option("--format", help=f"One of {', '.join(formats.FORMATS)}.")] = None,
    crs: Annotated[str, typer.Option(help="4326 (degrees) or 28992 (RD New, metres).")] = "4326",
    filtering: Annotated[str | None, typer.Option("--filter", help="A filter in CQL2, as text.")] = None,
    kind: Annotated[Several, typer.Option(help="Only this kind; may be given several times.")] = None,
    service: Annotated[Several, typer.Option(help="Only what offers this service.")] = None,
    theme: Annotated[Several, typer.Option(help="Only what is of this theme.")] = None,
    level: Annotated[Several, typer.Option(help="Only this level: buurt, wijk, gemeente, drawn.")] = None,
    bbox: Annotated[str | None, typer.Option(help="Only what lies in west,south,east,north (degrees).")] = None,
    neighbourhood: Annotated[str | None, typer.Option(help="Only what lies in it: a code, such as BU05790102.")] = None,
    year: Annotated[int | None, typer.Option(help="Of neighbourhoods; without it those in force.")] = None,
    run: Annotated[str | None, typer.Option(help="Of coverage: a run; without it the latest.")] = None,
    datetime: Annotated[str | None, typer.Option(help="A day or an interval: 2026-11-22/2026-11-28.")] = None,
    q: Annotated[str | None, typer.Option(help="Only what holds these words.")] = None,
    asset: Annotated[str | None, typer.Option(help="Of activities: only what takes place at this asset.")] = None,
    properties: Annotated[str | None, typer.Option(help="Only these properties, with commas between.")] = None,
    sortby: Annotated[str | None, typer.Option(help="In this order: names with commas between, - for falling.")] = None,
    bbox_crs: Annotated[str | None, typer.Option(help="The system of the box, such as EPSG:28992.")] = None,
    filter_lang: Annotated[str | None, typer.Option(help="cql2-text (unless said otherwise) or cql2-json.")] = None,
    filter_crs: Annotated[str | None, typer.Option(help="The system of the geometries in the filter.")] = None,
) -> None:
    """Write a whole collection to a file: GeoPackage, GeoParquet, FlatGeobuf, GeoJSON, CSV or Excel."""
    named = {
        "crs": f"EPSG:{crs.upper().removeprefix('EPSG:')}", "filter": filtering, "kind": kind, "service": service,
        "theme": theme, "level": level, "bbox": bbox, "neighbourhood": neighbourhood, "year": year, "run": run,
        "datetime": datetime, "q": q, "asset": asset, "properties": properties, "sortby": sortby, "bbox-crs": bbox_crs,
        "filter-lang": filter_lang, "filter-crs": filter_crs,
    }  # fmt: skip
    wanted = formats.of_file(f"x.{form}" if form else file.name)
    order = ordered(collection, {name: value for name, value in named.items() if value not in (None, [])})
    settings = read()
    logs.configure(settings, command=True)
    rows = written(settings, order, wanted, file)
    logs.exported(collection, VISITOR.role.value, wanted.key)
    terminal.out.print(f"Exported: {rows:,} rows of {escape(collection)} to {escape(str(file))}.", highlight=False)


def ordered(collection: str, asked: dict[str, Any]) -> Order:
    """Make an order of the options that are given. Raises InvalidInput naming each that is wrong."""
    try:
        query = ExportQuery.model_validate(asked)
    except ValidationError as error:
        flaws = [Flaw(str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
        raise InvalidInput("\n".join(f"--{flaw.field}: {flaw.reason}" for flaw in flaws), *flaws) from None
    return Order(VISITOR, collection, query.wanted(), query.look(), asked)


def written(settings: Settings, order: Order, wanted: Format, file: Path) -> int:
    """Write a file beside its place and move it there when it is whole; give how many rows it has."""
    with terminal.engine(settings) as engine, terminal.steps() as steps:
        if not db.migrated(engine):
            raise Unavailable("The tables are not those of this version: run `kaart db migrate` first.")
        with reading.opened(engine, order) as found:

            def told(done: int) -> None:
                steps(order.name, done, found.rows)

            try:
                _whole(found, wanted, file, told)
            except OSError as error:
                raise Unavailable(f"Cannot write {file} ({error.strerror}).") from None
            return found.rows


def _whole(found: Opened, wanted: Format, file: Path, told: making.Told) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".kaart-") as passing:
        made = Path(passing) / f"{found.order.name}{wanted.ending}"
        making.write(found, wanted, made, told)
        if wanted.key in CANNOT_HOLD:
            about = Path(passing) / BESIDE
            about.write_bytes(describing.beside(found))
            about.replace(file.with_name(file.name + BESIDE))
        made.replace(file)
