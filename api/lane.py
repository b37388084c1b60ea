"""The short way for what is asked most: pages and single features as the database keeps them ready.

A plain ASGI layer behind `api.kept`, which says what everybody may see. It answers what it can answer rightly, byte by
byte as the usual way does; whatever else is asked, and whatever is wrong, goes the usual way.
"""

from collections import OrderedDict
from datetime import date
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from api import paging
from api.answers import GEOJSON
from api.asking import MOST, box_of
from api.html import item_links
from api.kept import ROOT, headers_of
from geo.catalogue import COLLECTIONS
from geo.collections import Box
from geo.crs import CRS84
from geo.errors import InvalidInput
from geo.ready import pages
from geo.ready.readers import FAILURES, Reader, Readers
from geo.settings import Settings

HEADERS = headers_of({"Content-Type": GEOJSON, "Content-Crs": f"<{CRS84.uri}>"})
KNOWN = ("bbox", "limit", "cursor")  # what the short way understands, in the order in which it is described
MOST_COUNTS = 1000
LONGEST = 500  # characters of a question
Version = tuple[int, date]  # the latest edition of what is asked, and the day


class Plain(NamedTuple):
    """A question for the short way: one item of a collection, or a page, with the parameters as they were sent."""

    name: str
    item: object | None
    page: pages.Asked
    told: dict[str, str]


class Lane:
    """Answer plain questions for features; leave all others to the app."""

    def __init__(self, app: ASGIApp, settings: Settings, readers: Readers | None) -> None:
        self.app = app
        self._settings, self._readers = settings, readers
        self._counts: OrderedDict[tuple[str, Box | None, Version], int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass a request on."""
        edition = scope.get("state", {}).get("edition")
        asked = plain(scope) if edition and self._readers else None
        body = None
        if asked is not None and self._readers is not None:
            try:
                body = await self._body(await self._readers.here(), asked, scope, edition)
            except FAILURES:
                body = None
        if asked is None or body is None:
            await self.app(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        links = [] if asked.item is None else [(b"link", item_links(asked.name).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *links, length]})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, reader: Reader, asked: Plain, scope: Scope, edition: Version) -> bytes | None:
        if asked.item is not None:
            text = await pages.one(reader, asked.name, asked.item)
            return None if text is None else text.encode()
        found = await pages.page(reader, asked.name, asked.page)
        if found.cursor is None and asked.page.after is None:
            matched = len(found.features)
        else:
            matched = await self._count(reader, asked, edition)
        here = f"{self._root(scope)}{ROOT}/{asked.name}"
        return paging.envelope(found.features, matched, paging.links(here, asked.told, found.cursor))

    async def _count(self, reader: Reader, asked: Plain, edition: Version) -> int:
        """Count what matches, once in an edition."""
        key = (asked.name, asked.page.box, edition)
        found = self._counts.get(key)
        if found is None:
            found = await pages.count(reader, asked.name, asked.page.box)
            self._counts[key] = found
            if len(self._counts) > MOST_COUNTS:
                self._counts.popitem(last=False)
        return found

    def _root(self, scope: Scope) -> str:
        if self._settings.public_url:
            return self._settings.public_url
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return f"{scope['scheme']}://{host.decode('latin-1')}"


def plain(scope: Scope) -> Plain | None:
    """Read a question; None where it asks for more than is kept ready, or wrongly."""
    parts = scope["path"].split("/")[3:]  # after /v1/collections
    if not 2 <= len(parts) <= 3 or parts[1] != "items" or parts[0] not in pages.SOURCES:
        return None
    name, query = parts[0], scope["query_string"].decode("latin-1")
    if len(query) > LONGEST:
        return None
    if len(parts) == 3:
        item = COLLECTIONS[name].key(parts[2])
        return None if query or not item else Plain(name, item, pages.Asked(0), {})
    try:
        told = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=9)
        given = dict(told)
        if len(given) < len(told) or not given.keys() <= set(KNOWN):
            return None
        return Plain(name, None, _page(name, given), {key: given[key] for key in KNOWN if key in given})
    except (ValueError, InvalidInput):
        return None


def _page(name: str, given: dict[str, str]) -> pages.Asked:
    """Read what a page is asked by. Raises ValueError or InvalidInput where the usual way must tell what is wrong."""
    limit = given.get("limit", str(paging.LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 9 and int(limit) >= 1):
        raise ValueError(limit)
    asked = min(int(limit), MOST)
    given |= {"limit": str(asked)} if "limit" in given else {}
    box = box_of(given["bbox"]) if "bbox" in given else None
    if box is not None and box[0] > box[2]:
        raise ValueError("crosses the date line")
    return pages.Asked(asked, box, pages.after(name, given["cursor"]) if "cursor" in given else None)
