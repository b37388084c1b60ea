"""Signing in by the provider that the installation trusts: off to it, and back with a code.

What this browser began is kept in a cookie of its own for ten minutes, sealed, and good for one return. It is
SameSite=Lax, because the way back begins at another site.
"""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session as DatabaseSession

from api import allowing, forms, logs, sign_in
from api.deps import CurrentSettings, Session
from api.frames import CurrentFrame
from geo import allowances, folder
from geo.errors import NotAllowed, NotFound, Unavailable
from geo.people import provider, subjects
from geo.people.provider import Attempt, Provider
from geo.sealing import seal, unseal
from geo.settings import Settings
from maps.frame import Frame

router = APIRouter(include_in_schema=False)

COOKIE = "kaart_provider"
LASTS_S = 600
BY_ADDRESS, ONCE = ("provider_address", 30), "provider_back"
LONGEST_NEXT = 1000  # characters, so that the cookie is one that browsers keep
BACK = "/sign-in/provider/back"
STATUS = {
    "provider_over": HTTPStatus.BAD_REQUEST,
    "provider_refused": HTTPStatus.FORBIDDEN,
    "provider_unknown": HTTPStatus.FORBIDDEN,
    "provider_down": HTTPStatus.SERVICE_UNAVAILABLE,
}


class Begun(NamedTuple):
    """What a browser began: the attempt, where to go afterwards, and until when (seconds since 1970)."""

    attempt: Attempt
    next: str
    until: float


class Told(BaseModel):
    """What a browser brings back from the provider (RFC 6749, 4.1.2; RFC 9207)."""

    code: str = ""
    state: str = ""
    error: str = ""
    iss: str = ""


class TurnedAway(Exception):
    """Nobody comes in by this; `why` is a key of STATUS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def provider_of(request: Request) -> Provider:
    """Give the provider of this installation. Raises NotFound where it has none."""
    found: Provider | None = request.app.state.provider
    if found is None:
        raise NotFound("Nobody signs in by a provider here.")
    return found


CurrentProvider = Annotated[Provider, Depends(provider_of)]


@router.get("/sign-in/provider", name="ask_provider")
def ask_provider(
    request: Request,
    session: Session,
    page: CurrentFrame,
    settings: CurrentSettings,
    known: CurrentProvider,
    next: str = "",  # noqa: A002  # as in the address
) -> Response:
    """Send somebody to the provider, to tell who they are."""
    to = sign_in.own(next) if len(next) <= LONGEST_NEXT else ""
    session.rollback()  # nothing is changed yet; no connection is held while the provider is asked
    whose = sign_in.asker(settings, allowing.address_of(request.scope, settings.proxies))
    name, most = BY_ADDRESS
    if (wait_s := allowances.take(session, name, whose, most=most, per_s=sign_in.TIME_S)) is not None:
        return sign_in.refused(request, page, {"next": to}, wait_s)
    begun = Begun(provider.attempt(), to, time.time() + LASTS_S)
    try:
        address = known.address(begun.attempt, _back(settings))
    except Unavailable as failure:
        logs.provider_failed(str(failure))
        return turned_away(request, page, "provider_down", to)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER, {"Cache-Control": "private, no-store"})
    _keep(response, settings, begun)
    return response


@router.get(BACK, name="back_from_provider")
def back_from_provider(
    request: Request,
    session: Session,
    page: CurrentFrame,
    known: CurrentProvider,
    told: Annotated[Told, Query()],
) -> Response:
    """Let somebody in whom the provider knows and who has an account here; whatever becomes of it, this try is over."""
    settings: Settings = request.app.state.settings
    begun = _begun(request, settings)
    try:
        response = _entered(request, session, known, told, begun)
    except TurnedAway as refused:
        response = turned_away(request, page, refused.why, begun.next if begun else "")
    forms.forget(response, settings, COOKIE)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _entered(request: Request, session: DatabaseSession, known: Provider, told: Told, begun: Begun | None) -> Response:
    """Begin an entry in this browser. Raises TurnedAway."""
    settings: Settings = request.app.state.settings
    session.rollback()
    if begun is None or not _same(begun.attempt.state, told.state) or not _first(session, settings, told.state):
        raise TurnedAway("provider_over")
    if told.error or not told.code or told.iss not in ("", known.issuer):
        raise TurnedAway("provider_refused")
    try:
        person = known.person(told.code, begun.attempt, _back(settings))
    except (NotAllowed, Unavailable) as failure:
        logs.provider_failed(str(failure))
        raise TurnedAway("provider_down" if isinstance(failure, Unavailable) else "provider_refused") from None
    account = subjects.recognise(session, person)
    if account is None:
        raise TurnedAway("provider_unknown")
    return sign_in.enter(request, session, account, sign_in.own(begun.next) or sign_in.HOME, "provider")


def turned_away(request: Request, page: Frame, why: str, to: str) -> Response:
    """Say on the page to sign in why nobody came in; its links lead to that page, not to the address of now."""
    logs.sign_in_failed("provider")
    return sign_in.door(request, page, {"next": to}, (why,), STATUS[why])


def _back(settings: Settings) -> str:
    return f"{settings.public_url}{BACK}"


def _same(kept: str, told: str) -> bool:
    return hmac.compare_digest(kept.encode(), told.encode("utf-8", "surrogatepass"))


def _first(session: DatabaseSession, settings: Settings, state: str) -> bool:
    """Tell whether a try comes back for the first time, in whichever process; a copy of its cookie opens nothing."""
    asker = allowances.asker_of(allowing.key_of(settings), state)
    return allowances.take(session, ONCE, asker, most=1, per_s=LASTS_S) is None


def _keep(response: Response, settings: Settings, begun: Begun) -> None:
    sealed = urlsafe_b64encode(seal(_key(settings), COOKIE, begun)).decode()
    forms.keep(response, settings, COOKIE, sealed, site="lax", lasts_s=LASTS_S)


def _begun(request: Request, settings: Settings) -> Begun | None:
    """Read what this browser began; None where it began nothing that can still be ended."""
    try:
        sealed = urlsafe_b64decode(request.cookies.get(forms.name(settings, COOKIE), "").encode())
        attempt, to, until = unseal(_key(settings), COOKIE, sealed)
    except (Unavailable, ValueError):
        return None
    return Begun(Attempt(*attempt), to, until) if until > time.time() else None


def _key(settings: Settings) -> bytes:
    return hmac.digest(folder.secret(settings), b"provider", "sha256")
