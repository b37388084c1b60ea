"""Signing in and out, setting a password by a link, and the page of one's own account. Nothing here needs scripts."""

from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session as DatabaseSession

from api import allowing, forms, logs
from api.deps import CurrentAccount, CurrentSettings, Session
from api.frames import CurrentFrame, answer
from geo import allowances
from geo.errors import Conflict, InvalidInput, NotAllowed
from geo.models import Neighbourhood
from geo.people import accounts, entries, links
from geo.people.models import Account
from geo.people.provider import Provider
from geo.settings import Settings
from geo.volunteers import requests
from maps import signing_in
from maps.frame import Frame
from maps.signing_in import Filled

router = APIRouter(include_in_schema=False)

BY_EMAIL, BY_ADDRESS, BY_OWNER = (
    ("sign_in_email", 5),
    ("sign_in_address", 30),
    ("own_password", 5),
)  # how often in the time below
TIME_S = 900
HOME = "/account"


class SignIn(BaseModel):
    """Who wants to come in, and where to."""

    email: str = ""
    password: str = ""
    next: str = ""


class Welcome(BaseModel):
    """What the owner of a link tells; the first administrator also who they are."""

    password: str = ""
    name: str = ""
    email: str = ""


class Change(BaseModel):
    """The password of now, and the one to come."""

    password: str = ""
    fresh: str = ""


def page_with(request: Request, page: Frame, html: str, status: int = HTTPStatus.OK) -> Response:
    """Send a page with a form on it, and the cookie that its mark belongs to where the browser has none yet."""
    response = answer(request, page, html, status)
    forms.keep_form(response, request.app.state.settings, request.state.fresh)
    return response


def marked(request: Request) -> str:
    """Give the mark of the forms on a page; `page_with` sends the cookie that belongs to it."""
    told, request.state.fresh = forms.mark(request)
    return told


@router.get("/sign-in", name="sign_in_page")
def sign_in_page(request: Request, page: CurrentFrame, next: str = "") -> Response:  # noqa: A002  # as in the address
    """Ask for an e-mail address and a password, or for the way by the provider."""
    return door(request, page, {"next": own(next)})


@router.post("/sign-in", name="sign_in")
def sign_in(
    request: Request,
    session: Session,
    page: CurrentFrame,
    settings: CurrentSettings,
    sent: Annotated[SignIn, Form()],
) -> Response:
    """Let somebody in, and go on to where they wanted to be."""
    told = {"email": sent.email, "next": own(sent.next)}
    if not (sent.email.strip() and sent.password):
        return refused(request, page, told)
    if (wait_s := counted(request, session, settings, sent.email)) is not None:
        return refused(request, page, told, wait_s)
    try:
        account = accounts.sign_in(session, sent.email, sent.password)
    except NotAllowed:
        logs.sign_in_failed("password")
        return refused(request, page, told)
    allowances.forget(session, BY_EMAIL[0], asker(settings, sent.email))
    return enter(request, session, account, own(sent.next) or HOME, "password")


def refused(request: Request, page: Frame, told: dict[str, str], wait_s: int | None = None) -> Response:
    """Show the form again: in the same words whatever is wrong with address or password, or with how long to wait."""
    if wait_s is None:
        return door(request, page, told, ("sign_in",), HTTPStatus.BAD_REQUEST)
    logs.limited("sign_in")
    response = door(request, page, told, (), HTTPStatus.TOO_MANY_REQUESTS, ceil(wait_s / 60))
    response.headers["Retry-After"] = str(wait_s)
    return response


def door(
    request: Request,
    page: Frame,
    told: dict[str, str],
    wrong: tuple[str, ...] = (),
    status: int = HTTPStatus.OK,
    wait_min: int = 0,
) -> Response:
    """Show the page to sign in, with what was told and what was wrong. Wherever it is shown, its links lead to it."""
    there = replace(page, path="/sign-in", query=urlencode({"next": told["next"]}) if told["next"] else "")
    known: Provider | None = request.app.state.provider
    ways = signing_in.Ways(known.name if known else "", wait_min)
    return page_with(request, page, signing_in.sign_in_page(there, Filled(marked(request), told, wrong), ways), status)


def counted_own(session: DatabaseSession, settings: Settings, account_id: UUID) -> int | None:
    """Count one try of who is signed in to tell their own password; nobody else can use these up."""
    session.rollback()  # nothing is changed yet, and counting takes a connection of its own
    name, most = BY_OWNER
    return allowances.take(session, name, asker(settings, str(account_id)), most=most, per_s=TIME_S)


def counted(request: Request, session: DatabaseSession, settings: Settings, email: str) -> int | None:
    """Count one try from this network address for this e-mail address; give how long to wait where it is too many."""
    session.rollback()  # nothing is changed yet, and counting takes a connection of its own
    whose = (asker(settings, allowing.address_of(request.scope, settings.proxies)), asker(settings, email))
    for (name, most), who in zip((BY_ADDRESS, BY_EMAIL), whose, strict=True):
        wait_s = allowances.take(session, name, who, most=most, per_s=TIME_S)
        if wait_s is not None:
            return wait_s
    return None


def asker(settings: Settings, who: str) -> str:
    """Give what stands for an address in the counts, however it is typed."""
    return allowances.asker_of(allowing.key_of(settings), who.strip().lower())


def enter(request: Request, session: DatabaseSession, account: Account, to: str, way: str) -> Response:
    """Begin an entry in this browser instead of the one that it had, and send it on."""
    settings: Settings = request.app.state.settings
    entries.end(session, forms.entry_of(request))
    response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
    forms.keep_entry(response, settings, entries.begin(session, account))
    logs.signed_in(account.role.value, way)
    return response


def own(path: str) -> str:
    """Give a path of this site as it is; anything that could lead elsewhere becomes empty."""
    harmless = path.isascii() and path.isprintable() and not {"\\", " "} & set(path)
    return path if harmless and path.startswith("/") and not path.startswith("//") else ""


@router.post("/sign-out", name="sign_out")
def sign_out(request: Request, session: Session, settings: CurrentSettings) -> Response:
    """Sign out in this browser."""
    entries.end(session, forms.entry_of(request))
    return left(settings)


def left(settings: Settings) -> Response:
    """Send a browser to the map, without the cookie of who was signed in."""
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    forms.forget_entry(response, settings)
    return response


@router.get("/welcome/{token}", name="welcome_page")
def welcome_page(request: Request, session: Session, page: CurrentFrame, token: str) -> Response:
    """Ask the owner of a link for a password; the first administrator also for a name and an e-mail address."""
    return welcoming(request, page, links.open_(session, token), Filled(marked(request)))


@router.post("/welcome/{token}", name="welcome")
def welcome(
    request: Request, session: Session, page: CurrentFrame, token: str, sent: Annotated[Welcome, Form()]
) -> Response:
    """Set the password, once, and sign its owner in. What will not do leaves the link as it was."""
    account = links.open_(session, token)
    if account is None:
        return welcoming(request, page, None, Filled(marked(request)))
    try:
        with session.begin_nested():
            if account.email == accounts.FIRST:
                accounts.claim(session, account, sent.email, sent.name)
            account = links.use(session, token, sent.password)
    except NotAllowed:  # somebody else was first
        return welcoming(request, page, None, Filled(marked(request)))
    except (InvalidInput, Conflict) as refusal:
        wrong = tuple(flaw.field for flaw in refusal.flaws) if isinstance(refusal, InvalidInput) else ("taken",)
        filled = Filled(marked(request), {"name": sent.name, "email": sent.email}, wrong)
        return welcoming(request, page, account, filled)
    return enter(request, session, account, HOME, "link")


def welcoming(request: Request, page: Frame, account: Account | None, filled: Filled) -> Response:
    """Show the form of a link, or that the link does not work; its address goes along to no other page."""
    is_first = account is not None and account.email == accounts.FIRST
    email = None if account is None else "" if is_first else account.email
    html = signing_in.welcome_page(page, filled, email)
    status = HTTPStatus.BAD_REQUEST if filled.wrong else HTTPStatus.OK
    response = page_with(request, page, html, HTTPStatus.NOT_FOUND if account is None else status)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@router.get("/account", name="account_page")
def account_page(request: Request, session: Session, page: CurrentFrame, account: CurrentAccount) -> Response:
    """Who I am here, what I look after, and where else I am signed in."""
    return of_account(request, session, page, account)


def of_account(
    request: Request, session: DatabaseSession, page: Frame, account: Account, wrong: tuple[str, ...] = ()
) -> Response:
    """Show the page of an account, with what was wrong in its form."""
    named = select(Neighbourhood.name).where(Neighbourhood.code.in_(account.areas), Neighbourhood.in_force)
    areas = session.scalars(named.order_by(Neighbourhood.name, Neighbourhood.id)).all()
    others = entries.others(session, account, forms.entry_of(request))
    waiting, known = requests.waiting(session, account.id), account.password is not None
    me = signing_in.Me(account.name, account.email, account.role, areas or account.areas, others, waiting, known)
    html = signing_in.account_page(page, Filled(marked(request), wrong=wrong), me)
    return page_with(request, page, html, HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)


@router.post("/account/password", name="change_password")
def change_password(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    sent: Annotated[Change, Form()],
) -> Response:
    """Set another password for who knows the one of now; everywhere else they are signed out."""
    settings: Settings = request.app.state.settings
    email = account.email
    if counted_own(session, settings, account.id) is not None:
        return of_account(request, session, page, session.get_one(Account, request.state.viewer.account), ("often",))
    try:
        held = accounts.sign_in(session, email, sent.password)
        accounts.set_password(session, held, sent.fresh)
    except NotAllowed:
        logs.sign_in_failed("password")
        return of_account(request, session, page, account, ("now",))
    except InvalidInput:
        return of_account(request, session, page, account, ("password",))
    allowances.forget(session, BY_EMAIL[0], asker(settings, email))
    return enter(request, session, held, HOME, "password")


@router.post("/account/sign-out-everywhere", name="sign_out_everywhere")
def sign_out_everywhere(session: Session, account: CurrentAccount, settings: CurrentSettings) -> Response:
    """Sign out on all devices, this one too."""
    entries.end_all(session, account)
    return left(settings)
