"""A page of features on the wire: texts from the database, put between the words of an envelope."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import JSONResponse

from api.answers import GEOJSON
from geo.crs import CRS84, Crs

Link = dict[str, str]
METRES = (28992, 3857)


def link(href: str, rel: str, media: str = "application/json", title: str | None = None) -> Link:
    """Make one link of an OGC API answer."""
    return {"href": href, "rel": rel, "type": media} | ({"title": title} if title else {})


def envelope(features: Sequence[str], matched: int, links: Sequence[Link], told_in: Crs = CRS84) -> bytes:
    """Give a page as GeoJSON. Metres say of which system they are, so that no program takes them for degrees."""
    named = {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{told_in.srid}"}}}
    head = JSONResponse(
        {
            "type": "FeatureCollection",
            **(named if told_in.srid in METRES else {}),
            "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "numberMatched": matched,
            "numberReturned": len(features),
            "links": links,
        }
    ).body
    return b'%b,"features":[%b]}' % (bytes(head)[:-1], ",\n".join(features).encode())


def links(collection: str, asked: Mapping[str, Any], cursor: str | None) -> list[Link]:
    """Link a page to itself, its collection, and the pages before and after it.

    asked   the parameters as they were sent, in the order in which they are described
    cursor  where the page after it begins; None where there is none
    """
    items = f"{collection}/items"
    page = link(_with(items, {**asked, "f": "html"}), "alternate", "text/html")
    found = [link(collection, "collection"), link(_with(items, asked), "self", GEOJSON), page]
    if cursor is not None:
        onward = {name: value for name, value in asked.items() if name != "offset"}
        found.append(link(_with(items, {**onward, "cursor": cursor}), "next", GEOJSON))
    if offset := int(asked.get("offset") or 0):
        before = max(0, offset - int(asked.get("limit") or LIMIT))
        found.append(link(_with(items, {**asked, "offset": before}), "prev", GEOJSON))
    return found


LIMIT = 100  # features on a page, unless asked otherwise


def _with(address: str, asked: Mapping[str, Any]) -> str:
    search = urlencode({name: value for name, value in asked.items() if value not in (None, [], "")}, doseq=True)
    return f"{address}?{search}" if search else address
