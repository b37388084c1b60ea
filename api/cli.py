"""The command line: a second front door. `kaart up` is what `make run` ends in."""

import getpass
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine, func, make_url, select, text
from sqlalchemy.orm import Session

from api import backup, beside, covering, deciding, exporting, importing, logs, people, serve, serving, terminal, worker
from api.terminal import out, progress, tell
from geo import cluster, db, demo, folder, privacy
from geo.coverage.models import CoverageRun
from geo.errors import Conflict, InvalidInput, Refusal
from geo.models import Activity, Asset, Neighbourhood
from geo.people import api_keys
from geo.people.models import ApiKey
from geo.rights import KEY_SCOPES
from geo.settings import CHECKOUT, Settings, read
from geo.vocabulary import Role
from geo.volunteers import consents, journal, retention

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
database = typer.Typer(no_args_is_help=True, help="The database: its tables, its state, its address.")
demonstration = typer.Typer(no_args_is_help=True, help="The demo municipality.")
keys = typer.Typer(no_args_is_help=True, help="API keys: every change of a record needs one.")
app.add_typer(database, name="db")
app.add_typer(demonstration, name="demo")
app.add_typer(covering.app, name="coverage")
app.add_typer(keys, name="key")
app.add_typer(people.app, name="user")
app.add_typer(importing.app, name="import")
app.add_typer(deciding.proposed, name="proposals")
app.command("backup")(backup.backup_command)
app.command("restore")(backup.restore_command)
app.command("worker")(worker.worker_command)
app.command("serve", hidden=True)(serving.serve_command)
app.registered_commands += exporting.app.registered_commands


def main() -> None:
    """Run the command line; a refusal is one line on stderr and exit status 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that every way to stop leaves by the same doors
    try:
        app()
    except Refusal as refusal:
        for line in str(refusal).splitlines():
            progress.print(f"[red]✗[/] {escape(line)}")
        sys.exit(1)


@app.callback()
def levende_kaart() -> None:
    """Levende Kaart: a living map of what is strong in a neighbourhood, and of what it lacks."""


@app.command()
def up(
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="A `kaart worker` runs as a service of its own.")
    ] = False,
) -> None:
    """Start everything: database, tables, the demo when there is nothing, coverage, a worker, the service itself."""
    try:
        settings = read()
        with serve.listening(settings.host, settings.port) as socket, terminal.engine(settings) as engine:
            tell(f"database ready: {terminal.place_of_database(settings)}")
            db.migrate(engine, folder.secret(settings))
            tell("tables up to date")
            with db.sessions(engine, folder.secret(settings))() as session:
                privacy.try_key(session)
            retention.sync(engine, journal.place(settings))  # before anybody can ask for who was erased
            _fill(settings, engine)
            tell(f"serving on [bold]{serve.address(settings)}[/] – stop with Ctrl-C")
            _hint(settings, engine)
            others = [beside.server(socket.fileno())] * (settings.processes - 1)
            with beside.running(others if no_worker else [beside.WORKER, *others], tell):
                serve.forever(settings, db.sessions(engine, folder.secret(settings)), socket)
    except KeyboardInterrupt:
        tell("stopped")


def _fill(settings: Settings, engine: Engine) -> None:
    """Load the demo municipality into an empty database, and compute the coverage where there is none yet."""
    sessions = db.sessions(engine, folder.secret(settings))
    with sessions.begin() as session:
        if demo.is_empty(session):
            tell("the database is empty: loading the demo municipality …")
            loaded = _load_demo(session, settings)
            tell(f"demo loaded: {loaded.assets} assets, {loaded.activities} activities")
    with sessions.begin() as session:
        if not session.scalar(select(func.count(CoverageRun.id))):
            try:
                tell("computing coverage …")
                covering.compute(session, settings)
            except (Conflict, InvalidInput) as refusal:
                tell(str(refusal))


def _hint(settings: Settings, engine: Engine) -> None:
    """Say how to become the first administrator, how to get an API key, and whose consent is to be asked again soon."""
    with db.sessions(engine).begin() as session:
        welcome = people.welcome_first(session, settings)
    if welcome:
        tell(escape(welcome))
    with db.sessions(engine)() as session:
        if not api_keys.list_keys(session):
            tell("to change records, make an API key in another window: .venv/bin/kaart key create NAME")
        if soon := consents.ending(session):
            tell(f"the consent of {soon} volunteers ends within {consents.SOON_DAYS} days: they are erased then")


@database.command()
def migrate() -> None:
    """Bring the tables up to date."""
    settings = read()
    with terminal.engine(settings) as engine:
        db.migrate(engine, folder.secret(settings))
        out.print("The tables are up to date.")


@database.command()
def status() -> None:
    """Show where the database is, its revision, and how much is in it."""
    settings = read()
    with terminal.engine(settings) as engine:
        current, wanted = db.revisions(engine)
        table = Table(show_header=False)
        table.add_row("database", escape(terminal.place_of_database(settings)))
        table.add_row("tables", f"{current or 'none'}" + ("" if current == wanted else f" (wanted: {wanted})"))
        if current == wanted:
            with db.sessions(engine)() as session:
                table.add_row("PostGIS", escape(str(session.scalar(text("SELECT postgis_lib_version()")))))
                for model in (Neighbourhood, Asset, Activity, CoverageRun, ApiKey):
                    table.add_row(model.__tablename__, str(session.scalar(select(func.count(model.id)))))
        out.print(table)


@database.command()
def url() -> None:
    """Print the database's address for other programs, such as psql, to use while `kaart up` runs."""
    with cluster.running(read(), tell) as address:
        plain = make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)
        out.print(plain, highlight=False, markup=False)


@demonstration.command("load")
def load_demo() -> None:
    """Load the demo municipality, also into a database that holds something already."""
    settings = read()
    with terminal.work(settings) as session:
        loaded = _load_demo(session, settings)
    out.print(f"Loaded: {', '.join(f'{count} {what}' for what, count in loaded._asdict().items())}.")


@demonstration.command("remove")
def remove_demo() -> None:
    """Take the demo municipality away, before or after loading your own; it does not come back by itself."""
    with terminal.work(read()) as session:
        counts = demo.remove(session, getpass.getuser())
    out.print("Removed: " + ", ".join(f"{number} {what}" for what, number in counts.items()) + ".")


def _load_demo(session: Session, settings: Settings) -> demo.Loaded:
    """Load the demo with the outlines that the settings ask for."""
    data = CHECKOUT / "data"
    with tempfile.TemporaryDirectory(prefix="kaart-") as passing:
        official = settings.demo_boundaries == "pdok"
        outlines = demo.official(data, settings.pdok_url, Path(passing), tell) if official else None
        return demo.load(session, data, outlines=outlines)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.admin,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it works.")] = api_keys.DAYS,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it is for: {', '.join(KEY_SCOPES)}; not named: all that its role may."),
    ] = None,
) -> None:
    """Make an API key and print it: it can not be shown again."""
    settings = read()
    with terminal.work(settings) as session:
        key = api_keys.create_key(session, name, role, days, scope or ())
    logs.configure(settings, command=True)
    logs.key_made(key.split("_")[1], role.value)
    out.print(key, highlight=False, markup=False)
    tell("send it as the header X-API-Key; keep it safe, it can not be shown again")


@keys.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""
    with terminal.work(read()) as session:
        table = Table("id", "name", "role", "scopes", "made", "expires", "revoked")
        for key in api_keys.list_keys(session):
            ended = f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
            made, expires = f"{key.created_at:%Y-%m-%d}", f"{key.expires_at:%Y-%m-%d}"
            table.add_row(key.id, escape(key.name), key.role, " ".join(key.scopes) or "all", made, expires, ended)
        out.print(table)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The id that `kaart key list` shows.")]) -> None:
    """End a key now."""
    settings = read()
    with terminal.work(settings) as session:
        api_keys.revoke_key(session, key_id)
    logs.configure(settings, command=True)
    logs.key_revoked(key_id)
    out.print("Revoked.")
