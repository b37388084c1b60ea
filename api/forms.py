"""Forms that only our own pages send: the two cookies, and the mark that a form carries and no other site can know.

The cookie of who is signed in goes along with whatever a browser sends here, also when another site makes it do so. So
what changes something has to carry a mark made of that cookie; before anybody is signed in, of a cookie of the forms.
"""

import hmac
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from geo import folder
from geo.errors import NotAllowed
from geo.people import entries, tokens
from geo.settings import Settings

ENTRY, FORM = "kaart_entry", "kaart_form"
LASTS_S = int(entries.LASTS.total_seconds())
READING = ("GET", "HEAD", "OPTIONS")
OPEN_FORMS = ("sign_in", "welcome")  # what is sent by who is not signed in yet
HEADER, FIELD = "X-CSRF-Token", "csrf"
OURS = ("same-origin", "none")  # what a browser says of a request that one of our pages, or its user, makes
FORGED = (
    "This did not come from a page of this site, or that page is too old. Open the page again, and send it once more."
)


class Forged(NotAllowed):
    """A change that the signed-in person may not have meant."""


def name(settings: Settings, cookie: str) -> str:
    """Give the full name of a cookie: over HTTPS one that only this host can have set."""
    return f"__Host-{cookie}" if is_secure(settings) else cookie


def is_secure(settings: Settings) -> bool:
    """Tell whether browsers reach the service over HTTPS."""
    return (settings.public_url or "").startswith("https://")


def entry_of(request: Request) -> str:
    """Give the token by which this browser may be signed in; empty where it sends none."""
    return request.cookies.get(name(request.app.state.settings, ENTRY), "")


def keep_entry(response: Response, settings: Settings, token: str) -> None:
    """Let the browser hold the token of who is signed in, out of reach of scripts, as long as it works."""
    keep(response, settings, ENTRY, token, site="lax")


def forget_entry(response: Response, settings: Settings) -> None:
    """Let the browser forget who was signed in."""
    forget(response, settings, ENTRY)


def forgetting(settings: Settings, cookies: Sequence[str]) -> str | None:
    """Give what lets a browser forget an entry that is over; None where the answer's `cookies` bring another one."""
    if any(cookie.startswith(f"{name(settings, ENTRY)}=") for cookie in cookies):
        return None
    response = Response()
    forget_entry(response, settings)
    return response.headers["set-cookie"]


def mark(request: Request) -> tuple[str, str]:
    """Give the mark for the forms of a page, and for `keep_form` its cookie; empty where it is there."""
    settings: Settings = request.app.state.settings
    if request.state.viewer.account:
        return _mark(settings, entry_of(request)), ""
    kept = request.cookies.get(name(settings, FORM), "")
    fresh = "" if kept else tokens.new()
    return _mark(settings, kept or fresh), fresh


def keep_form(response: Response, settings: Settings, fresh: str) -> None:
    """Let the browser hold the cookie of the forms; no other site can make it send that."""
    if fresh:
        keep(response, settings, FORM, fresh, site="strict")


async def sent_mark(request: Request) -> str:
    """Read the mark that came with a request: in a header, or in a form without files; empty where there is none."""
    if request.method in READING:
        return ""
    if told := request.headers.get(HEADER):
        return told
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    return str((await request.form()).get(FIELD, ""))


def guard(request: Request, told: str) -> None:
    """Refuse a change that comes with a cookie of ours and that no page of ours has sent. Raises Forged."""
    settings: Settings = request.app.state.settings
    if request.state.viewer.account:
        kept = entry_of(request)
    elif request.scope["route"].name in OPEN_FORMS:
        kept = request.cookies.get(name(settings, FORM), "")
    else:
        return
    right = kept and hmac.compare_digest(told.encode("utf-8", "surrogatepass"), _mark(settings, kept).encode())
    if not right or is_foreign(request, settings):
        raise Forged(FORGED)


def is_foreign(request: Request, settings: Settings) -> bool:
    """Tell whether a browser says that a page of somebody else makes this request."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in OURS
    origin = request.headers.get("origin")
    hosts = {request.headers.get("host", ""), urlsplit(settings.public_url or "").netloc}
    return origin is not None and urlsplit(origin).netloc not in hosts - {""}


def _mark(settings: Settings, kept: str) -> str:
    return hmac.digest(folder.secret(settings), f"form {kept}".encode("utf-8", "surrogatepass"), "sha256").hex()


def keep(
    response: Response,
    settings: Settings,
    cookie: str,
    value: str,
    *,
    site: Literal["lax", "strict"],
    lasts_s: int = LASTS_S,
) -> None:
    """Let the browser hold a cookie of ours, out of reach of scripts; over HTTPS of this host only."""
    response.set_cookie(
        name(settings, cookie),
        value,
        max_age=lasts_s,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite=site,
    )


def forget(response: Response, settings: Settings, cookie: str) -> None:
    """Let the browser forget a cookie of ours."""
    response.delete_cookie(name(settings, cookie), path="/", secure=is_secure(settings), httponly=True, samesite="lax")
