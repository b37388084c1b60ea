"""How often one asker may ask. A plain ASGI layer: who asks too much is refused before anything is opened for them.

Counted in the database: what each process counts by itself is wrong as soon as there are two. Who asks much is granted
a few uses at a time, an eighth of what they used in this minute, and then costs no statement a request; what is left of
them when the minute ends is lost. An asker is an address. A key or an account that was found right a moment ago counts
by itself, so that an office behind one address is no crowd; a key that is made up gains nothing. Where the database
cannot count, nothing is let through but what is free: it would hear 503 all the same.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from hmac import digest
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from time import monotonic, time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session, sessionmaker
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors, logs
from geo import allowances, folder
from geo.rights import VISITOR
from geo.settings import Settings

MINUTE_S = 60
FREE = ("/livez", "/readyz")
FILES = "/static/"
READING = ("GET", "HEAD", "OPTIONS")
COSTLY = {"/v1/coverage/what-if": "what_if", "/v1/coverage/siting": "siting"}
EXPORTS = "/v1/exports/"
PARTS = {"reading": 1, "writing": 5, "export": 10, "what_if": 20, "siting": 60}  # of the limit: 600, 120, 60, 30, 10
KNOWN_S, MOST_KNOWN = 60, 10_000
SHARE = 8  # of what somebody used, how much is granted at a time
AT_ONCE = 2  # threads that count; not those of the routes, which may all be waiting for a connection
NETWORK_BITS = 64  # what one subscriber to IPv6 is given at least
Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


@dataclass
class Granted:
    """What was granted to somebody in a minute of the clock: how much, how much of it is left, and until when."""

    used: int
    left: int
    until: float


class Allowing:
    """Answer 429 to who has asked too often, and tell when to come back."""

    def __init__(self, app: ASGIApp, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self.app = app
        self._settings, self._sessions = settings, sessions
        self._looked = False
        self._known: dict[bytes, tuple[str, float]] = {}  # what was sent → who that is, until when
        self._granted: dict[tuple[str, str], Granted] = {}
        self._counters = ThreadPoolExecutor(AT_ONCE, "allowing")
        self._key = key_of(settings) if settings.requests_a_minute else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on where there is room for it."""
        if not self._settings.requests_a_minute or scope["type"] != "http" or is_free(scope["path"]):
            await self.app(scope, receive, send)
            return
        self._look_for_a_proxy(scope)
        name, sent = use_of(scope["method"], scope["path"]), _sent(scope)
        try:
            wait_s = await self._take(name, self._asker(scope, sent))
        except (DBAPIError, NoConnectionFree) as error:
            await errors.on_database_error(Request(scope), error)(scope, receive, send)
            return
        if wait_s is not None:
            logs.limited(name)
            await errors.too_many(Request(scope), wait_s)(scope, receive, send)
            return
        scope.setdefault("state", {})
        await self.app(scope, receive, send)
        self._remember(scope, sent)

    async def _take(self, name: str, asker: str) -> int | None:
        granted = self._granted.get((name, asker))
        if granted is None or granted.until <= time():
            granted = self._granted[name, asker] = Granted(0, 0, (time() // MINUTE_S + 1) * MINUTE_S)
            if len(self._granted) > MOST_KNOWN:
                self._granted = {(name, asker): granted}
        if granted.left:
            granted.left -= 1
            return None
        most = -(-self._settings.requests_a_minute // PARTS[name])
        uses = max(1, min(granted.used // SHARE, most // (2 * SHARE)))
        hashed = allowances.asker_of(self._key, asker)
        taken = partial(allowances.take, self._engine, name, hashed, most=most, per_s=MINUTE_S)
        loop = asyncio.get_running_loop()
        wait_s = await loop.run_in_executor(self._counters, partial(taken, uses=uses))
        if wait_s is not None and uses > 1:
            uses, wait_s = 1, await loop.run_in_executor(self._counters, taken)
        if wait_s is None:
            granted.used += uses
            granted.left += uses - 1
        return wait_s

    @cached_property
    def _engine(self) -> Engine:
        with self._sessions() as session:
            return session.get_bind().engine

    def _look_for_a_proxy(self, scope: Scope) -> None:
        """Say once that a proxy seems to be there which the settings do not name: all behind it share one limit."""
        if self._looked or "x-forwarded-for" not in Headers(scope=scope) or not scope.get("client"):
            return
        peer = _address(scope["client"][0])
        if peer is not None and peer.is_private and not _among(peer, self._settings.proxies):
            self._looked = True
            logs.log.warning("proxy_not_named", setting="KAART_PROXIES")

    def _asker(self, scope: Scope, sent: bytes) -> str:
        who, until = self._known.get(sent, ("", 0.0))
        return who if until > monotonic() else address_of(scope, self._settings.proxies)

    def _remember(self, scope: Scope, sent: bytes) -> None:
        """Keep for a minute whom a key or a cookie belongs to, now that the route has found out."""
        viewer = scope["state"].get("viewer", VISITOR)
        if not sent or viewer == VISITOR:
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        who = f"account {viewer.account}" if viewer.account else f"key {sent.hex()}"
        self._known[sent] = who, monotonic() + KNOWN_S


def key_of(settings: Settings) -> bytes:
    """Give the key under which askers are counted; for `allowances.asker_of` wherever something is limited."""
    return digest(folder.secret(settings), b"allowances", "sha256")


def is_free(path: str) -> bool:
    """Tell whether a path is not counted: our own files, and what a watchdog asks."""
    return path in FREE or path.startswith(FILES)


def use_of(method: str, path: str) -> str:
    """Name what a request is counted as; each counts once."""
    if method in READING:
        return "export" if path.startswith(EXPORTS) else "reading"
    return COSTLY.get(path, "writing")


def _sent(scope: Scope) -> bytes:
    """Give a hash of what says who asks: the key, else the cookies; nothing where neither is sent."""
    headers = Headers(scope=scope)
    sent = headers.get("x-api-key") or headers.get("cookie")
    return sha256(sent.encode("latin-1")).digest() if sent else b""


def address_of(scope: Scope, proxies: Networks) -> str:
    """Give the address that asks, an IPv6 address as its /64.

    That of the peer; where the peer is a proxy of ours, the right-most in X-Forwarded-For that is none. What stands
    left of that was written by whoever asks, and is not believed; nor is what is no address.
    """
    client = scope.get("client")
    found = _address(client[0]) if client else None
    if found is None:
        return str(client[0]) if client else "unnamed"
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while told and _among(found, proxies):
        named = _address(told.pop())
        if named is None:
            break
        found = named
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, NETWORK_BITS), strict=False))
    return str(found)


def _among(address: Address, networks: Networks) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _address(told: str) -> Address | None:
    """Read an address as proxies write it: with a port, or in brackets; IPv4 in the clothes of IPv6 is IPv4."""
    told = told.strip()
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif told.count(":") == 1:
        told = told.partition(":")[0]
    try:
        found = ip_address(told.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
