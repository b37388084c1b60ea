"""What every page sends besides its content: its language, its frame, and headers that let it load nothing else."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import forms
from api.answers import HEADER, VERSION
from api.deps import Session
from api.parameters import API
from geo.models import Neighbourhood
from geo.rights import VISITOR
from geo.settings import Settings
from geo.vocabulary import Level
from maps import frame
from maps.files import STATIC
from maps.frame import Box, Frame, Ground
from maps.reader import DEFAULT_LANGUAGE, LANGUAGES, reader_of

COOKIE = "kaart_language"
YEAR_S = 365 * 24 * 3600
SAFE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # a page says what it may load
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class Static(StaticFiles):
    """The files of maps/static. An address that names its contents (`?v=`) never changes, so it may be kept."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, and how long a browser may keep it without asking."""
        response = await super().get_response(path, scope)
        named = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if named else "no-cache"
        return response


class Gate:
    """Adds to every answer the headers that keep a browser safe, where the answer has none of its own.

    What says nothing about caching may be for one person only: no shared cache may keep it. What was made for somebody
    who is signed in is kept by nobody. A cookie of an entry that is over is taken back.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self._settings = app, settings
        strict = {"Strict-Transport-Security": f"max-age={YEAR_S}"} if forms.is_secure(settings) else {}
        self._headers = {**SAFE, **strict}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and the answer with its headers."""
        state = scope.setdefault("state", {})
        whole = False

        async def guarded(message: Message) -> None:
            nonlocal whole
            whole = message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                self._of_the_person(headers, state)
                if scope["path"].startswith(API):
                    headers[HEADER] = VERSION
            await send(message)

        try:
            await self.app(scope, receive, guarded if scope["type"] == "http" else send)
        except Exception:
            if not whole:  # a mistake of ours that was answered is told already: the connection can be used on
                raise

    def _of_the_person(self, headers: MutableHeaders, state: Mapping[str, Any]) -> None:
        if getattr(state.get("viewer"), "account", None):
            headers["Cache-Control"] = "private, no-store"
            headers.add_vary_header("Cookie")
        if state.get("entry_is_over") and (
            forgetting := forms.forgetting(self._settings, headers.getlist("set-cookie"))
        ):
            headers.append("Set-Cookie", forgetting)


def language_of(request: Request) -> str:
    """Give the language asked for in the address, else of the cookie, else preferred by the browser, else Dutch."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return str(asked)
    weighed = [_weighed(part) for part in request.headers.get("accept-language", "").split(",")]
    known = [(weight, language) for weight, language in weighed if language in LANGUAGES and weight > 0]
    return max(known, key=lambda pair: pair[0])[1] if known else DEFAULT_LANGUAGE


def _weighed(part: str) -> tuple[float, str]:
    """Read one part of Accept-Language, as in `en-GB;q=0.8`; a weight that is no number counts as none."""
    name, _, weight = part.strip().partition(";q=")
    try:
        return float(weight or 1), name[:2].lower()
    except ValueError:
        return 0.0, ""


def bare_frame(request: Request, municipality: str = "", bounds: Box | None = None) -> Frame:
    """Make the frame of a page without asking the database."""
    settings: Settings = request.app.state.settings
    viewer = getattr(request.state, "viewer", VISITOR)
    return Frame(
        reader=reader_of(language_of(request)),
        nonce=secrets.token_urlsafe(16),
        path=request.url.path,
        query=request.url.query,
        municipality=municipality,
        person=getattr(request.state, "person", None),
        role=viewer.role if viewer.account else None,
        ground=Ground(settings.tile_url, settings.tile_attribution, bounds),
    )


def frame_of(request: Request, session: Session) -> Frame:
    """Make the frame of a page: named after the municipality when there is one, looking at all that is in force."""
    names = select(Neighbourhood.name).where(Neighbourhood.level == Level.gemeente, Neighbourhood.in_force)
    named = session.scalars(names.distinct().limit(2)).all()
    extent = func.ST_Extent(Neighbourhood.overview)
    corners = (func.ST_XMin(extent), func.ST_YMin(extent), func.ST_XMax(extent), func.ST_YMax(extent))
    west, south, east, north = session.execute(select(*corners).where(Neighbourhood.in_force)).one()
    bounds = None if west is None else (west, south, east, north)
    return bare_frame(request, named[0] if len(named) == 1 else "", bounds)


CurrentFrame = Annotated[Frame, Depends(frame_of, scope="function")]


def answer(request: Request, page: Frame, html: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    """Send a page with headers that let it load nothing but our own files and the tiles of the map."""
    response = HTMLResponse(html, status)
    own = f"'self' 'nonce-{page.nonce}'"
    rules = {
        "default-src": "'none'",
        "script-src": own,
        "style-src": own,
        "img-src": f"'self' data: {origin(page.ground.tile_url)}".strip(),
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in rules.items())
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Language, Cookie"
    response.headers["Content-Language"] = page.reader.language
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, page.reader.language, max_age=YEAR_S, httponly=True, samesite="lax")
    return response


def origin(tile_url: str) -> str:
    """Give the host that tiles come from, as a content security policy names it; empty without tiles."""
    parts = urlsplit(tile_url)
    return f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}" if parts.netloc else ""


def error_response(request: Request, status: int, detail: str = "") -> HTMLResponse:
    """Tell a person what went wrong, in the frame of the site. `detail` is shown where it was the request."""
    page = bare_frame(request)
    told = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS) or detail == forms.FORGED
    shown = detail if told else ""
    return answer(request, page, frame.error_page(page, status, shown), status)
