"""A server on this machine that answers in the shape of PDOK's OGC API Features, with the troubles that one is told."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import shapely
from shapely.geometry import shape

Feature = dict[str, Any]


class Trouble(NamedTuple):
    """What is wrong with one answer; the defaults are an answer as it should be.

    cut      this many bytes are sent of a body that is announced whole
    body     sent instead of the page
    returned told as numberReturned
    on       given as the next page's address
    """

    status: int = 200
    retry_after: str | None = None
    cut: int | None = None
    body: bytes | None = None
    returned: int | None = None
    on: str | None = None


@dataclass
class Pdok:
    """The features of each collection, the troubles of the answers to come by collection, and what was asked."""

    year: int
    collections: dict[str, Sequence[Feature]]
    most: int = 1000  # features a page, whatever is asked
    troubles: dict[str, list[Trouble | None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def of(self, collection: str) -> int:
        """Count how often a collection was asked for."""
        return sum(f"/{collection}/" in path for path in self.asked)

    def page(self, path: str, trouble: Trouble) -> tuple[int, bytes]:
        """Give status and body for a path, with `next` as a cursor, as PDOK has it."""
        parts = urlsplit(path)
        root = f"/cbs/wijken-en-buurten-{self.year}/ogc/v1/collections/"
        collection = parts.path.removeprefix(root).removesuffix("/items")
        if trouble.status != 200 or not parts.path.startswith(root) or collection not in self.collections:
            return trouble.status if trouble.status != 200 else 404, b'{"title":"Not Found"}'
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kept = [f for f in self.collections[collection] if "bbox" not in asked or _meets(f, asked["bbox"])]
        start, limit = int(asked.get("cursor", 0)), min(int(asked.get("limit", 10)), self.most)
        page = kept[start : start + limit]
        links = [{"rel": "self", "type": "application/geo+json", "href": self.url + path}]
        onward = f"{self.url}{parts.path}?{urlencode({**asked, 'cursor': start + limit})}"
        if trouble.on or start + limit < len(kept):
            links.append({"rel": "next", "type": "application/geo+json", "href": trouble.on or onward})
        number = len(page) if trouble.returned is None else trouble.returned
        told = {"type": "FeatureCollection", "links": links, "numberReturned": number, "features": page}
        return 200, json.dumps(told).encode() if trouble.body is None else trouble.body


def _meets(feature: Feature, box: str) -> bool:
    west, south, east, north = map(float, box.split(","))
    return bool(shape(feature["geometry"]).intersects(shapely.box(west, south, east, north)))


@contextmanager
def serving(pdok: Pdok) -> Iterator[Pdok]:
    """Serve on a free port of this machine; `pdok.url` is where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pdok.asked.append(self.path)
            collection = urlsplit(self.path).path.split("/")[-2]
            waiting = pdok.troubles.get(collection)
            trouble = (waiting.pop(0) if waiting else None) or Trouble()
            status, body = pdok.page(self.path, trouble)
            self.send_response(status)
            self.send_header("Content-Type", "application/geo+json")
            self.send_header("Content-Length", str(len(body)))
            if trouble.retry_after is not None:
                self.send_header("Retry-After", trouble.retry_after)
            self.end_headers()
            self.wfile.write(body[: trouble.cut])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        pdok.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield pdok
        finally:
            server.shutdown()
            thread.join()


def municipality(code: str, name: str, west: float, south: float, side: float = 0.02) -> Feature:
    """Make a municipality of PDOK's collection, a square of degrees."""
    properties = {"gemeentecode": code, "gemeentenaam": name, "water": "NEE", "aantal_inwoners": 100}
    return _square(code, west, south, side, properties)


def buurt(code: str, name: str, gemeente: str, corner: tuple[float, float], **figures: object) -> Feature:
    """Make a buurt of PDOK's collection, a square of 0.01 degrees; `figures` under CBS's names."""
    properties = {
        "buurtcode": code, "buurtnaam": name, "wijkcode": f"WK{code[2:8]}", "gemeentecode": f"GM{code[2:6]}",
        "gemeentenaam": gemeente, "water": "NEE", **figures,
    }  # fmt: skip
    return _square(code, *corner, 0.01, properties)


def _square(code: str, west: float, south: float, side: float, properties: Feature) -> Feature:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "MultiPolygon", "coordinates": [[ring]]}
    return {"type": "Feature", "id": code, "properties": properties, "geometry": geometry}
