"""OGC API Features: landing page, conformance, collections, items, one item. Texts go from the database to the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from api.answers import GEOJSON, READ_ONE, READ_PAGE, AsGeoJSON
from api.asking import FARTHEST, TERMS, ItemQuery, ItemsQuery
from api.deps import CurrentSettings, CurrentViewer, Session
from geo import features, queryables
from geo.checks import NETHERLANDS
from geo.collections import Collection, Wanted
from geo.cql2.values import Property
from geo.crs import CRS84, KNOWN
from geo.features import Stretch
from geo.rights import Viewer
from geo.settings import Settings

router = APIRouter(prefix="/v1")

CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
]
SCHEMA = "application/schema+json"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


def base(request: Request, settings: Settings) -> str:
    """Give the address under which the outside world reaches the API."""
    return f"{settings.public_url or str(request.base_url).rstrip('/')}/v1"


def link(href: str, rel: str, media: str = "application/json", title: str | None = None) -> dict[str, str]:
    """Make one link of an OGC API answer."""
    return {"href": href, "rel": rel, "type": media} | ({"title": title} if title else {})


@router.get("", name="read_landing", include_in_schema=False)
@router.get("/", name="read_landing")
def landing(request: Request, settings: CurrentSettings) -> dict[str, Any]:
    """Where to go from here."""
    root = base(request, settings)
    return {
        "title": "Levende Kaart",
        "description": "A living map of what is strong in a neighbourhood. Names follow OGC, CBS and OSM.",
        "links": [
            link(f"{root}/", "self"),
            link(f"{root}/openapi.json", "service-desc", "application/vnd.oai.openapi+json;version=3.1"),
            link(f"{root}/conformance", "conformance"),
            link(f"{root}/collections", "data"),
            link(f"{root}/vocabulary", "describedby", title="The controlled terms"),
            link(f"{root}/coverage/runs", "related", title="The coverage runs"),
        ],
    }


@router.get("/conformance", name="read_conformance")
def conformance() -> dict[str, list[str]]:
    """The conformance classes that tests cover."""
    return {"conformsTo": CONFORMS_TO}


@router.get("/vocabulary", name="read_vocabulary")
def read_vocabulary() -> dict[str, dict[str, dict[str, str | None]]]:
    """All controlled terms by key, with their Dutch and English labels and what they are called elsewhere."""
    return {name: {str(key): term._asdict() for key, term in terms.items()} for name, terms in TERMS.items()}


def described(root: str, viewer: Viewer, name: str) -> dict[str, Any]:
    """Describe one collection as OGC API Features wants it."""
    shown = features.collection(viewer, name)
    here = f"{root}/collections/{name}"
    return {
        "id": name,
        "title": shown.title.en,
        "description": shown.about.en,
        "titles": {"nl": shown.title.nl, "en": shown.title.en},
        "descriptions": {"nl": shown.about.nl, "en": shown.about.en},
        "itemType": "feature",
        "crs": [known.uri for known in KNOWN],
        "storageCrs": CRS84.uri,
        "extent": {"spatial": {"bbox": [NETHERLANDS], "crs": CRS84.uri}},
        "filters": list(shown.filters),
        "links": [
            link(here, "self"),
            link(f"{here}/items", "items", GEOJSON),
            *(link(f"{here}/{path}", f"{REL}{path}", SCHEMA) for path in ("queryables", "sortables", "schema")),
        ],
    }


@router.get("/collections", name="read_collections")
def read_collections(request: Request, viewer: CurrentViewer, settings: CurrentSettings) -> dict[str, Any]:
    """The collections there are for who asks."""
    root = base(request, settings)
    found = [described(root, viewer, name) for name in features.names(viewer)]
    return {"links": [link(f"{root}/collections", "self")], "collections": found}


@router.get("/collections/{collection}", name="read_collection")
def read_collection(
    request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings
) -> dict[str, Any]:
    """One collection, with the filters that it has."""
    return described(base(request, settings), viewer, collection)


@router.get("/collections/{collection}/items", name="read_items", response_class=AsGeoJSON, responses=READ_PAGE)
def read_items(
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    settings: CurrentSettings,
    collection: str,
    query: Annotated[ItemsQuery, Query()],
) -> Response:
    """A page of features that match all that is asked, as GeoJSON."""
    look, stretch = query.look(), Stretch(query.limit, query.offset)
    read = features.texts(session, viewer, collection, query.wanted(), stretch=stretch, look=look)
    links = paging(f"{base(request, settings)}/collections/{collection}", query, len(read.features), read.matched)
    head = JSONResponse(
        {
            "type": "FeatureCollection",
            "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "numberMatched": read.matched,
            "numberReturned": len(read.features),
            "links": links,
        }
    ).body
    body = b'%b,"features":[%b]}' % (bytes(head)[:-1], ",\n".join(read.features).encode())
    return Response(body, media_type=GEOJSON, headers={"Content-Crs": f"<{look.crs.uri}>"})


def paging(collection: str, query: ItemsQuery, returned: int, matched: int) -> list[dict[str, str]]:
    """Link a page to itself, its collection, and the pages before and after it."""
    asked = query.model_dump(mode="json", exclude_unset=True, by_alias=True)
    links = [link(collection, "collection")]
    steps = {"self": query.offset}
    if query.offset + returned < matched and returned and query.offset + query.limit <= FARTHEST:
        steps["next"] = query.offset + query.limit
    if query.offset:
        steps["prev"] = max(0, query.offset - query.limit)
    for rel, offset in steps.items():
        given = {**asked, "offset": offset} if rel != "self" else asked
        search = urlencode({k: v for k, v in given.items() if v not in (None, [], "")}, doseq=True)
        links.append(link(f"{collection}/items" + (f"?{search}" if search else ""), rel, GEOJSON))
    return links


@router.get("/collections/{collection}/items/{item}", name="read_item", response_class=AsGeoJSON, responses=READ_ONE)
def read_item(
    session: Session, viewer: CurrentViewer, collection: str, item: str, query: Annotated[ItemQuery, Query()]
) -> Response:
    """One feature."""
    look = query.look()
    text = features.one_text(session, viewer, collection, item, look)
    return Response(text, media_type=GEOJSON, headers={"Content-Crs": f"<{look.crs.uri}>"})


@router.get("/collections/{collection}/queryables", name="read_queryables")
def read_queryables(request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings) -> Response:
    """What a filter may ask of the features of a collection, as a JSON schema."""
    shown = features.collection(viewer, collection)
    told = queryables.queryables(viewer, collection, shown, Wanted())
    return as_schema(f"{base(request, settings)}/collections/{collection}/queryables", shown, told)


@router.get("/collections/{collection}/sortables", name="read_sortables")
def read_sortables(request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings) -> Response:
    """What the features of a collection can be ordered by, as a JSON schema."""
    shown = features.collection(viewer, collection)
    told = queryables.sortables(viewer, collection, shown, Wanted())
    return as_schema(f"{base(request, settings)}/collections/{collection}/sortables", shown, told)


@router.get("/collections/{collection}/schema", name="read_schema")
def read_schema(request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings) -> Response:
    """What the features of a collection hold, as a JSON schema."""
    shown = features.collection(viewer, collection)
    here = f"{base(request, settings)}/collections/{collection}/schema"
    return as_schema(here, shown, queryables.held(viewer, collection, shown), only=False)


def as_schema(here: str, shown: Collection, told: Mapping[str, Property | None], *, only: bool = True) -> Response:
    """Give properties as a JSON schema; `only`: nothing but these can be asked."""
    body = {
        "$schema": queryables.SCHEMA,
        "$id": here,
        "type": "object",
        "title": shown.title.en,
        "properties": queryables.schema(told),
    }
    return JSONResponse(body | ({"additionalProperties": False} if only else {}), media_type=SCHEMA)
