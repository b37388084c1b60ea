"""`kaart user …`: who has an account, with which role, and how they get in."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.orm import Session

from api import logs, serve
from api.terminal import engine, out, tell, work
from geo import db, folder
from geo.days import AMSTERDAM
from geo.errors import Conflict, InvalidInput, NotFound
from geo.people import accounts, entries, links
from geo.people.models import Account
from geo.settings import Settings, read
from geo.vocabulary import LinkPurpose, Role
from geo.volunteers import erasures, journal, retention

app = typer.Typer(no_args_is_help=True, help="Accounts: who can sign in, and as what.")

Email = Annotated[str, typer.Argument(help="The e-mail address that they sign in with.")]
LASTS = {LinkPurpose.invite: "72 hours", LinkPurpose.reset: "an hour"}


def welcome_first(session: Session, settings: Settings) -> str | None:
    """Say in one line how to become the first administrator; None where somebody has an account."""
    token = links.first(session)
    told = "nobody has an account yet; become the first administrator, within 72 hours, once"
    return f"{told}: {_address(settings, token)}" if token else None


@app.command("add")
def add_account(
    email: Email,
    name: Annotated[str, typer.Option(help="What they are called.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.contributor,
    area: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="A neighbourhood that a steward or broker looks after.")
    ] = None,
) -> None:
    """Make an account, and print a link with which its owner sets a password: once."""
    settings = read()
    with work(settings) as session:
        account = accounts.create(session, email, name, role, area or ())
        token = links.make(session, account, LinkPurpose.invite)
    _show(settings, token, LinkPurpose.invite)


@app.command("list")
def list_accounts() -> None:
    """List the accounts; of those who are signed in, when they were last seen."""
    with work(read()) as session:
        seen = entries.last_seen(session)
        columns = ("name", "role", "areas", "made", "signed in, last seen", "disabled")
        table = Table(Column("e-mail", no_wrap=True), *columns)
        for account in accounts.listed(session):
            moment = seen.get(account.id)
            lately = f"{moment.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}" if moment else ""
            disabled = f"{account.disabled_at:%Y-%m-%d}" if account.disabled_at else ""
            made = f"{account.created_at:%Y-%m-%d}"
            texts = (account.email, account.name, account.role.value, " ".join(account.areas))
            table.add_row(*map(escape, texts), made, lately, disabled)
        out.print(table if table.row_count else "Nobody has an account.")


@app.command("change")
def change_account(
    email: Email,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    role: Annotated[Role | None, typer.Option(help="What they may do.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="All neighbourhoods that they look after from now on.")
    ] = None,
) -> None:
    """Change the name, the role or the neighbourhoods of an account; what is not named stays."""
    if name is None and role is None and not area:
        raise InvalidInput("Say what to change: --name, --role or --area.")
    with work(read()) as session:
        accounts.change(session, _account(session, email).id, name=name, role=role, areas=area or None)
    out.print("Changed.")


@app.command("disable")
def disable_account(email: Email) -> None:
    """Let somebody in no more: they are signed out everywhere, and their links end. What they made stays."""
    with work(read()) as session:
        accounts.disable(session, _account(session, email))
    out.print("Disabled.")


@app.command("enable")
def enable_account(email: Email) -> None:
    """Let somebody in again, with the password that they had."""
    with work(read()) as session:
        accounts.enable(session, _account(session, email))
    out.print("Enabled.")


@app.command("erase")
def erase_account(
    email: Email, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False
) -> None:
    """Forget somebody: the account, the volunteer that it is of, and its name in the history. It cannot be undone."""
    settings = read()
    with work(settings) as session:
        account_id = _account(session, email).id
    _confirm(email, yes=yes)
    with engine(settings) as made:
        with db.sessions(made, folder.secret(settings)).begin() as session:
            erasures.erase_account(session, account_id)
        logs.configure(settings, command=True)
        logs.log.info("erased", people=1)
        retention.sync(made, journal.place(settings))
    out.print("Erased.")


def _confirm(email: str, *, yes: bool) -> None:
    """Say what goes and what stays, and ask a person at a terminal. Raises InvalidInput where there is none."""
    tell(f"is erased: the account {escape(email)}, the volunteer that it is of, the requests that it made, "
         "and its name wherever it made or changed something")  # fmt: skip
    tell("stays: what it made on the map; backups made before, which a restore makes good by the journal of erasures")
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("Nobody is asked here whether it is meant: say so with --yes.")
    typer.confirm("Erase it?", abort=True, err=True)


@app.command("link")
def new_link(email: Email) -> None:
    """Print a new link with which the owner of an account sets another password, or the first one: once."""
    settings = read()
    with work(settings) as session:
        account = _account(session, email)
        if account.disabled_at:
            raise Conflict("This account is disabled: enable it first.")
        purpose = LinkPurpose.reset if account.password else LinkPurpose.invite
        token = links.make(session, account, purpose)
    _show(settings, token, purpose)


def _account(session: Session, email: str) -> Account:
    account = accounts.find(session, email)
    if account is None:
        raise NotFound(f"There is no account with the e-mail address {email!r}.")
    return account


def _show(settings: Settings, token: str, purpose: LinkPurpose) -> None:
    out.print(_address(settings, token), highlight=False, markup=False)
    tell(f"it sets the password, once, within {LASTS[purpose]}; give it to nobody but the owner of the account")


def _address(settings: Settings, token: str) -> str:
    return f"{serve.address(settings)}/welcome/{token}"
