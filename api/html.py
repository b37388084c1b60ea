"""What a person with a browser gets where a program gets JSON: the same answer, as a page in the frame of the site.

`f` says which; else what the request accepts does: a page where HTML is preferred to JSON, JSON in all other cases.
"""

import json
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import Field

from api.answers import GEOJSON, SCHEMA
from api.frames import answer, frame_of
from geo import features
from geo.exports import reading
from maps import ogc
from maps.frame import Frame
from maps.ogc import Asked, Told

HTML, JSON = "text/html", "application/json"
FORM = "json, or html for a page; else what the request accepts says which"
LANGUAGE = "The language of a page"
Form = Annotated[Literal["json", "html"] | None, Field(description=FORM)]
Language = Annotated[Literal["nl", "en"] | None, Field(description=LANGUAGE)]
Make = Callable[[Frame, Told, Asked], str]

LONGEST = 1000  # characters of an Accept header


def _fields(which: str) -> Make:
    return lambda page, told, asked: ogc.fields(page, told, asked, which)


# The routes that have a page → what makes it.
PAGES: Mapping[str, Make] = {
    "read_landing": ogc.landing,
    "read_conformance": ogc.conformance,
    "read_collections": ogc.collections,
    "read_collection": ogc.collection,
    "read_items": ogc.items,
    "read_item": ogc.item,
    **{f"read_{which}": _fields(which) for which in ogc.FIELDS},
}


def form(
    f: Annotated[Literal["json", "html"] | None, Query(description=FORM)] = None,
    lang: Annotated[Literal["nl", "en"] | None, Query(description=LANGUAGE)] = None,
) -> None:
    """Take the two parameters that every route with a page has."""


FORMS = Depends(form)


class Shown(APIRoute):
    """A route whose answers a person can read too, where there is a page for it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request: in JSON, or with the page made from it."""
        as_json = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await as_json(request)
            if self.name not in PAGES or response.status_code != 200:
                return response
            if wants_page(request.query_params.get("f"), request.headers.get("accept")):
                return await run_in_threadpool(page, request, self.name, response)
            response.headers.add_vary_header("Accept")
            if self.name == "read_item":
                response.headers["Link"] = item_links(request.path_params["collection"], request.url.query)
            elif self.name != "read_items":  # which has its links inside
                response.headers["Link"] = _link(request.url.query, "html", HTML)
            return response

        return handle


def prefers_page(accepted: str) -> bool:
    """Say whether an Accept header weighs HTML higher than JSON; of a long one its beginning counts."""
    return _prefers_page(accepted[:LONGEST])


@lru_cache(maxsize=256)
def _prefers_page(accepted: str) -> bool:
    weights = _weights(accepted or "*/*")
    as_json = max(_weight(weights, kind) for kind in (JSON, GEOJSON, SCHEMA))
    return _weight(weights, HTML) > as_json


def wants_page(asked: str | None, accepted: str | None) -> bool:
    """Say whether a page is wanted: by `f`, else because HTML is weighed higher than JSON."""
    return prefers_page(accepted or "") if asked is None else asked == "html"


def _weights(accepted: str) -> dict[str, float]:
    """Read an Accept header: media range → weight. What is no weight counts as none."""
    weights = {}
    for part in accepted.split(","):
        name, *rest = (word.strip().lower() for word in part.split(";"))
        told = next((word[2:] for word in rest if word.startswith("q=")), "1")
        try:
            weights[name] = float(told)
        except ValueError:
            weights[name] = 0.0
    return weights


def _weight(weights: Mapping[str, float], kind: str) -> float:
    """Give the weight of a media type: of the most exact range that it falls under."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


def item_links(collection: str, query: str = "") -> str:
    """Give the links of a feature, which as GeoJSON holds none, as a header: to its page, itself, its collection."""
    whole = f'<../../{quote(collection)}>; rel="collection"; type="{JSON}"'
    return f'{_link(query, "html", HTML)}, <>; rel="self"; type="{GEOJSON}", {whole}'


def page(request: Request, name: str, response: Response) -> Response:
    """Make the page of an answer."""
    with request.app.state.sessions() as session:
        framed = frame_of(request, session)
    viewer, collection = request.state.viewer, request.path_params.get("collection", "")
    asked = Asked(
        collection=collection,
        title=features.collection(viewer, collection).title.label(framed.reader.language) if collection else "",
        parameters=tuple(request.query_params.multi_items()),
        exported=collection in reading.names(viewer),
    )
    html = answer(request, framed, PAGES[name](framed, json.loads(bytes(response.body)), asked))
    html.headers.add_vary_header("Accept")
    if "content-crs" in response.headers:
        html.headers["Content-Crs"] = response.headers["content-crs"]
    html.headers["Link"] = _link(request.url.query, "json", response.headers["content-type"])
    return html


def _link(query: str, asked: str, media_type: str) -> str:
    """Point to the same answer in the other form (RFC 8288)."""
    kept = [(name, value) for name, value in parse_qsl(query) if name != "f"]
    return f'<?{urlencode([*kept, ("f", asked)])}>; rel="alternate"; type="{media_type}"'
