"""OGC API Features: landing page, conformance, collections, items, one item. Texts go from the database to the wire."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.answers import GEOJSON, READ_ONE, READ_PAGE, AsGeoJSON
from api.deps import CurrentSettings, CurrentViewer, Session
from api.parameters import SEVERAL
from api.texts import Key, Line, Listed
from geo import features, vocabulary
from geo.checks import NETHERLANDS
from geo.collections import Box, Wanted
from geo.days import AMSTERDAM, Days
from geo.rights import Viewer
from geo.settings import Settings

router = APIRouter(prefix="/v1")

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]
MOST = 10_000  # features on a page
FARTHEST = 1_000_000  # how far a page may start
EARLIEST, LATEST = date(1, 1, 1), date(9999, 12, 1)
TERMS: Mapping[str, Mapping[Any, vocabulary.Term]] = {
    "kinds": vocabulary.KINDS,
    "themes": vocabulary.THEMES,
    "services": vocabulary.SERVICES,
    "goals": vocabulary.GOALS,
    "target_groups": vocabulary.TARGET_GROUPS,
    "accessibility": vocabulary.ACCESSIBILITY,
    "ladder_levels": vocabulary.LADDER,
    "growth_stages": vocabulary.GROWTH_STAGES,
    "legal_forms": vocabulary.LEGAL_FORMS,
    "funding": vocabulary.FUNDING,
    "levels": vocabulary.LEVELS,
    "statuses": vocabulary.STATUSES,
    "figure_reasons": vocabulary.FIGURE_REASONS,
}


def split(values: list[str]) -> list[str]:
    """Read a list that is given as repeated parameters, as words between commas, or as both."""
    return [word for value in values for word in value.split(",") if word]


def box_of(bbox: str) -> Box:
    """Read `west,south,east,north` (or with heights, which are passed over). Raises ValueError saying what is wrong."""
    try:
        numbers = [float(part.replace("_", "no number")) for part in bbox.split(",")]
    except ValueError:
        raise ValueError("must be numbers: west,south,east,north in degrees") from None
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4:
        raise ValueError("must be four numbers: west,south,east,north in degrees")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):
        raise ValueError("lies outside the world: give degrees (WGS 84), longitude first")
    if south > north:
        raise ValueError("has its south above its north: the order is west,south,east,north")
    return west, south, east, north


def days_of(moment: str) -> Days:
    """Read a day, a moment, or an interval (`/`, open end `..`). Raises ValueError saying what is wrong."""
    ends = moment.split("/")
    if len(ends) > 2 or moment.replace("..", "") in ("", "/"):
        raise ValueError("must be a day (2026-11-22) or an interval (2026-11-22/2026-11-28, ../2026-11-28)")
    first = EARLIEST if ends[0] in ("", "..") else _day(ends[0])
    last = LATEST if ends[-1] in ("", "..") else _day(ends[-1])
    if last < first:
        raise ValueError("ends before it begins")
    return first, min(last, LATEST)


def _day(text: str) -> date:
    try:
        if len(text) == 10:
            return min(date.fromisoformat(text), LATEST)
        moment = datetime.fromisoformat(text)
        return min((moment if moment.tzinfo is None else moment.astimezone(AMSTERDAM)).date(), LATEST)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a day like 2026-11-22") from None


class ItemsQuery(BaseModel):
    """What may be asked of a collection's items. Which filters a collection has is told at the collection."""

    model_config = ConfigDict(extra="forbid")

    bbox: Key | None = Field(None, description="west,south,east,north in degrees (CRS84)")
    kind: Listed = Field([], description="community_room, initiative, care_location; of coverage also volunteer")
    service: Listed = Field([], description="Services, by key; see /v1/vocabulary")
    theme: Listed = Field([], description="Themes, by key; see /v1/vocabulary")
    level: Listed = Field([], description="buurt, wijk, gemeente, drawn")
    year: int | None = Field(None, ge=1900, le=2999, description="Of neighbourhoods; without it those in force")
    neighbourhood: Key | None = Field(None, description="An id (BU05790101.2024) or a code (its latest year)")
    q: Line = Field("", description="Each word must occur in the text or in the label of a theme or service")
    datetime: Key | None = Field(None, description="A day or an interval: when it takes place or is usually open")
    run: UUID | None = Field(None, description="A coverage run; without it the latest")
    asset: UUID | None = Field(None, description="Of activities: the asset at which they take place")
    limit: int = Field(100, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=FARTHEST)

    @field_validator(*SEVERAL)
    @classmethod
    def known(cls, values: list[str], info: Any) -> list[str]:
        """Split words at commas and refuse those that the vocabulary does not hold."""
        terms = {"kind": "kinds", "service": "services", "theme": "themes", "level": "levels"}[info.field_name]
        asked = split(values)
        flaws = vocabulary.unknown_terms(info.field_name, asked, TERMS[terms])
        if flaws:
            raise ValueError(flaws[0].reason)
        return asked

    @field_validator("bbox")
    @classmethod
    def in_degrees(cls, bbox: str | None) -> str | None:
        """Refuse a box that is none."""
        if bbox is not None:
            box_of(bbox)
        return bbox

    @field_validator("datetime")
    @classmethod
    def in_days(cls, moment: str | None) -> str | None:
        """Refuse a moment that is none."""
        if moment is not None:
            days_of(moment)
        return moment

    def wanted(self) -> Wanted:
        """Turn the parameters into a question."""
        return Wanted(
            bbox=box_of(self.bbox) if self.bbox else None,
            kind=tuple(self.kind), service=tuple(self.service), theme=tuple(self.theme), level=tuple(self.level),
            year=self.year, neighbourhood=self.neighbourhood or None, q=self.q, run=self.run, asset=self.asset,
            datetime=days_of(self.datetime) if self.datetime else None,
        )  # fmt: skip


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
        "crs": [CRS84],
        "extent": {"spatial": {"bbox": [NETHERLANDS], "crs": CRS84}},
        "filters": list(shown.filters),
        "links": [link(here, "self"), link(f"{here}/items", "items", GEOJSON)],
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
    read = features.texts(session, viewer, collection, query.wanted(), limit=query.limit, offset=query.offset)
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
    return Response(body, media_type=GEOJSON, headers={"Content-Crs": f"<{CRS84}>"})


def paging(collection: str, query: ItemsQuery, returned: int, matched: int) -> list[dict[str, str]]:
    """Link a page to itself, its collection, and the pages before and after it."""
    asked = query.model_dump(mode="json", exclude_unset=True)
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
def read_item(session: Session, viewer: CurrentViewer, collection: str, item: str) -> Response:
    """One feature."""
    text = features.one_text(session, viewer, collection, item)
    return Response(text, media_type=GEOJSON, headers={"Content-Crs": f"<{CRS84}>"})
