"""OGC API Features: landing page, conformance, collections, items, one item. Texts go from the database to the wire."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import orm

from api.answers import GEOJSON, READ_ONE, READ_PAGE, READ_SCHEMA, SCHEMA, AsGeoJSON, AsSchema
from api.asking import TERMS, ItemsQuery, OneQuery
from api.deps import CurrentSettings, CurrentViewer, Session
from api.html import FORMS, HTML, Shown
from api.paging import envelope, link, links
from geo import features, provenance, queryables
from geo.checks import NETHERLANDS
from geo.collections import Collection, Wanted
from geo.cql2.values import Property
from geo.crs import CRS84, KNOWN
from geo.rights import VISITOR, Viewer
from geo.settings import Settings

router = APIRouter(prefix="/v1", route_class=Shown)

CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
]
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


def base(request: Request, settings: Settings) -> str:
    """Give the address under which the outside world reaches the API."""
    return f"{settings.public_url or str(request.base_url).rstrip('/')}/v1"


@router.get("", name="read_landing", include_in_schema=False, dependencies=[FORMS])
@router.get("/", name="read_landing", dependencies=[FORMS])
def landing(request: Request, settings: CurrentSettings) -> dict[str, Any]:
    """Where to go from here."""
    root = base(request, settings)
    return {
        "title": "Levende Kaart",
        "description": "A living map of what is strong in a neighbourhood. Names follow OGC, CBS and OSM.",
        "links": [
            link(f"{root}/", "self"),
            link(f"{root}/?f=html", "alternate", HTML),
            link(f"{root}/openapi.json", "service-desc", "application/vnd.oai.openapi+json;version=3.0"),
            link(f"{root}/conformance", "conformance"),
            link(f"{root}/collections", "data"),
            link(f"{root}/tileMatrixSets", f"{REL}tiling-schemes"),
            link(f"{root}/vocabulary", "describedby", title="The controlled terms"),
            link(f"{root}/coverage/runs", "related", title="The coverage runs"),
            link(f"{root}/exports", "related", title="Whole collections as files"),
            link(f"{root}/hsds/", "related", title="The same records in HSDS 3.0"),
            link(f"{root}/changes?limit=1000", "related", title="What changed, for who keeps a copy in step"),
        ],
    }


@router.get("/conformance", name="read_conformance", dependencies=[FORMS])
def conformance() -> dict[str, list[str]]:
    """The conformance classes that tests cover."""
    return {"conformsTo": CONFORMS_TO}


@router.get("/vocabulary", name="read_vocabulary")
def read_vocabulary() -> dict[str, dict[str, dict[str, str | None]]]:
    """All controlled terms by key, with their Dutch and English labels and what they are called elsewhere."""
    return {name: {str(key): term._asdict() for key, term in terms.items()} for name, terms in TERMS.items()}


def described(session: orm.Session, root: str, viewer: Viewer, name: str) -> dict[str, Any]:
    """Describe one collection as OGC API Features wants it."""
    shown, whence = features.collection(viewer, name), provenance.of(session, viewer, name)
    here = f"{root}/collections/{name}"
    licences = {origin.licence: provenance.LICENCES.get(origin.licence) for origin in whence.origins if origin.licence}
    return {
        "id": name,
        "title": shown.title.en,
        "description": shown.about.en,
        "titles": {"nl": shown.title.nl, "en": shown.title.en},
        "descriptions": {"nl": shown.about.nl, "en": shown.about.en},
        "itemType": "feature",
        "crs": [known.uri for known in KNOWN],
        "storageCrs": CRS84.uri,
        "extent": {"spatial": {"bbox": [whence.extent or NETHERLANDS], "crs": CRS84.uri}},
        "attribution": provenance.attribution(whence),
        "licences": [origin._asdict() for origin in whence.origins],
        "filters": list(shown.filters),
        "links": [
            link(here, "self"),
            link(f"{here}?f=html", "alternate", HTML),
            link(f"{here}/items", "items", GEOJSON),
            *(link(f"{here}/{path}", f"{REL}{path}", SCHEMA) for path in ("queryables", "sortables", "schema")),
            *(link(there, "license", "text/html", name) for name, there in licences.items() if there),
            *([link(f"{here}/tiles", f"{REL}tilesets-vector")] if name in features.names(VISITOR) else []),
        ],
    }


@router.get("/collections", name="read_collections", dependencies=[FORMS])
def read_collections(
    request: Request, session: Session, viewer: CurrentViewer, settings: CurrentSettings
) -> dict[str, Any]:
    """The collections there are for who asks."""
    root = base(request, settings)
    found = [described(session, root, viewer, name) for name in features.names(viewer)]
    here = f"{root}/collections"
    return {"links": [link(here, "self"), link(f"{here}?f=html", "alternate", HTML)], "collections": found}


@router.get("/collections/{collection}", name="read_collection", dependencies=[FORMS])
def read_collection(
    request: Request, session: Session, viewer: CurrentViewer, collection: str, settings: CurrentSettings
) -> dict[str, Any]:
    """One collection, with the filters that it has."""
    return described(session, base(request, settings), viewer, collection)


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
    look = query.look()
    read = features.texts(session, viewer, collection, query.wanted(), stretch=query.stretch(), look=look)
    found = links(f"{base(request, settings)}/collections/{collection}", query.asked(), read.cursor)
    return Response(
        envelope(read.features, read.matched, found, look.crs),
        media_type=GEOJSON,
        headers={"Content-Crs": f"<{look.crs.uri}>"},
    )


@router.get("/collections/{collection}/items/{item}", name="read_item", response_class=AsGeoJSON, responses=READ_ONE)
def read_item(
    session: Session, viewer: CurrentViewer, collection: str, item: str, query: Annotated[OneQuery, Query()]
) -> Response:
    """One feature."""
    look = query.look()
    text = features.one_text(session, viewer, collection, item, look)
    return Response(text, media_type=GEOJSON, headers={"Content-Crs": f"<{look.crs.uri}>"})


@router.get(
    "/collections/{collection}/queryables",
    name="read_queryables",
    dependencies=[FORMS],
    response_class=AsSchema,
    responses=READ_SCHEMA,
)
def read_queryables(request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings) -> Response:
    """What a filter may ask of the features of a collection, as a JSON schema."""
    shown = features.collection(viewer, collection)
    told = queryables.queryables(viewer, collection, shown, Wanted())
    return as_schema(f"{base(request, settings)}/collections/{collection}/queryables", shown, told)


@router.get(
    "/collections/{collection}/sortables",
    name="read_sortables",
    dependencies=[FORMS],
    response_class=AsSchema,
    responses=READ_SCHEMA,
)
def read_sortables(request: Request, viewer: CurrentViewer, collection: str, settings: CurrentSettings) -> Response:
    """What the features of a collection can be ordered by, as a JSON schema."""
    shown = features.collection(viewer, collection)
    told = queryables.sortables(viewer, collection, shown, Wanted())
    return as_schema(f"{base(request, settings)}/collections/{collection}/sortables", shown, told)


@router.get(
    "/collections/{collection}/schema",
    name="read_schema",
    dependencies=[FORMS],
    response_class=AsSchema,
    responses=READ_SCHEMA,
)
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
