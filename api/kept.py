"""What is answered to everybody is kept, and sent again as long as nothing of it has changed. A plain ASGI layer.

A kept answer is never stale: which edition of the data there is, is read from the database by a question that began
after the request came. What is asked with a key or a session is neither kept nor taken from what is kept.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import forms
from api.html import prefers_page
from geo.catalogue import COLLECTIONS
from geo.ready.readers import FAILURES, Readers
from geo.rights import VISITOR
from geo.settings import CHECKOUT, Settings

ROOT, PARTNERS = "/v1/collections", "/v1/hsds"
PUBLIC = ("assets", "activities", "neighbourhoods")
EVERYTHING = tuple({part for shown in COLLECTIONS.values() for part in shown.parts})
WATCHED = frozenset((b"host", b"accept", b"accept-encoding", b"if-none-match", b"cookie", b"x-api-key"))
OWN = frozenset(("cache-control", "set-cookie"))  # of an answer that says itself who may keep it
LARGEST = 4_000_000  # bytes of one answer
VARY = b"Accept, Accept-Encoding, Cookie, X-API-Key"
SHARED = b"public, no-cache"  # may be kept by anybody, who must ask each time whether it is still so
Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, bytes, str]  # the path, what is asked, the coding, and under which address
LONGEST = 4096  # bytes of a question of which the answer is kept


class Asked(NamedTuple):
    """A request for something that everybody may see: what tells it from others, its parts, and what was had before."""

    key: Key
    parts: tuple[str, ...]
    had: bytes


class Kept(NamedTuple):
    """An answer, and the edition that it shows."""

    tag: bytes
    headers: Headers
    body: bytes


class Keeping:
    """Answer from what is kept, or keep what is answered, the latest used, up to so many bytes."""

    def __init__(self, app: ASGIApp, settings: Settings, readers: Readers | None) -> None:
        self.app = app
        self._readers, self._most = readers, settings.cache_mb * 1_000_000
        self._here = settings.public_url or ""
        self._entry = forms.ENTRY.encode()  # however a cookie that ends so is called or spaced
        self._build = build()[:6]
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on where it is not answered yet."""
        asked = self._asked(scope) if scope["type"] == "http" and self._readers is not None else None
        if asked is None or self._readers is None:
            await self.app(scope, receive, send)
            return
        try:
            edition = await (await self._readers.here()).edition()
        except FAILURES:
            await self.app(scope, receive, send)
            return
        latest = max(edition.numbers.get(part, 0) for part in asked.parts)
        tag = self._tag(asked.key, latest, edition.day)
        if tag in asked.had:
            headers = [(b"etag", tag), (b"cache-control", SHARED), (b"vary", VARY)]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        found = self._kept.get(asked.key)
        if found is not None and found.tag == tag:
            self._kept.move_to_end(asked.key)
            await send({"type": "http.response.start", "status": 200, "headers": list(found.headers)})
            await send({"type": "http.response.body", "body": found.body})
            return
        scope.setdefault("state", {})["edition"] = (latest, edition.day)
        await self.app(scope, receive, _Watching(self, asked.key, tag, scope, send))

    def _asked(self, scope: Scope) -> Asked | None:
        """Say what is asked for; None where it is not for everybody, or not of what is kept in editions."""
        path: str = scope["path"]
        if scope["method"] != "GET" or not path.startswith((ROOT, PARTNERS)):
            return None
        parts = _parts(path)
        if not parts:
            return None
        told = [(name, value) for name, value in scope["headers"] if name in WATCHED]
        found = dict(told)
        if len(found) < len(told):  # of two, others may believe the other one
            return None
        if b"x-api-key" in found or self._entry in found.get(b"cookie", b"").lower():
            return None
        accept = found.get(b"accept", b"")
        if len(accept) > LONGEST or prefers_page(accept.decode("latin-1")):
            return None
        coding = b"gzip" if b"gzip" in found.get(b"accept-encoding", b"").lower() else b""
        where = self._here or f"{scope['scheme']}://{found.get(b'host', b'').decode('latin-1')}"
        return Asked((path, scope["query_string"], coding, where), parts, found.get(b"if-none-match", b""))

    def _tag(self, key: Key, latest: int, day: date) -> bytes:
        """Name what is answered to a question in an edition on a day, by this version of the code.

        Weak, for the moment at which a page is made stands in it. Another question has another tag: who sends that of
        one with a question that is wrong hears that it is wrong.
        """
        asked = sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()[:10]
        return f'W/"{self._build}-{asked}-{latest:x}-{day.toordinal():x}"'.encode()

    def keep(self, key: Key, answer: Kept) -> None:
        """Keep an answer, in place of those that were not used for longest."""
        self.forget(key)
        size = _size(key, answer)
        if size > min(LARGEST, self._most) or len(key[0]) + len(key[1]) > LONGEST:
            return
        self._kept[key] = answer
        self._bytes += size
        while self._bytes > self._most:
            self._bytes -= _size(*self._kept.popitem(last=False))

    def forget(self, key: Key) -> None:
        """Keep an answer no longer."""
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(key, old)


class _Watching:
    """Sends an answer on, with what tells its edition, and keeps it where it is whole and for everybody."""

    def __init__(self, keeping: Keeping, key: Key, tag: bytes, scope: Scope, send: Send) -> None:
        self._keeping, self._key, self._tag, self._send = keeping, key, tag, send
        self._state = scope["state"]
        self._headers: Headers | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            everybodys = self._state.get("viewer", VISITOR) == VISITOR  # whoever the routes found to be asking
            if everybodys and message["status"] == 200 and not OWN & set(headers):
                headers["ETag"] = self._tag.decode()
                headers["Cache-Control"] = SHARED.decode()
                named = f"{headers.get('vary', '')}, {VARY.decode()}".split(",")
                headers["Vary"] = ", ".join(dict.fromkeys(name.strip() for name in named if name.strip()))
                self._headers = headers.raw
                message = {**message, "headers": headers.raw}
        elif self._headers is not None:
            if message.get("more_body"):
                self._headers = None  # what is sent in pieces is long
            else:
                self._keeping.keep(self._key, Kept(self._tag, self._headers, message.get("body", b"")))
        await self._send(message)


def _parts(path: str) -> tuple[str, ...]:
    """Name the parts that an address tells of."""
    if path.startswith(PARTNERS):
        return PUBLIC
    name = path[len(ROOT) + 1 :].partition("/")[0]
    shown = COLLECTIONS.get(name)
    return shown.parts if shown else (() if name else EVERYTHING)


def _size(key: Key, answer: Kept) -> int:
    """Say roughly how many bytes an answer and its question take."""
    words = sum(map(len, key)) + sum(len(name) + len(value) + 200 for name, value in answer.headers)
    return len(answer.body) + 4 * words + 1000


def build() -> str:
    """Give what tells this version of the code from every other: the same answers are made by the same code only."""
    told = sha256()
    for folder in ("geo", "maps", "api", "migrations"):
        for file in sorted((CHECKOUT / folder).rglob("*")):
            told.update(file.read_bytes() if file.suffix in (".py", ".sql", ".html") else b"")
    return told.hexdigest()


def headers_of(told: Mapping[str, str]) -> Headers:
    """Give headers as they are sent."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
