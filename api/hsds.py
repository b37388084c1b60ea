"""HSDS 3.0 (Open Referral): organizations, services, their locations and our terms, the same for whoever asks."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as DatabaseSession

from api import hsds_answers as answers
from api.deps import CurrentSettings, Session
from api.ogc import base
from api.texts import Key, Line, Written
from geo.collections import uuid_key
from geo.errors import Flaw, InvalidInput, NotFound
from geo.hsds import reading, rows, terms
from geo.hsds.reading import Listed, Stretch
from geo.hsds.rows import Asked, Near

router = APIRouter(prefix="/v1/hsds")

VERSION = "3.0"
PROFILE = "https://docs.openreferral.org/en/v3.0/hsds/"
MOST, FARTHEST = 1000, 1_000_000  # objects on a page; pages
FARTHEST_M = 100_000
CIRCLE = "metres around the postcode (500), or latitude,longitude,metres (52.18,4.47,500)"
NUMBERS = re.compile(r"-?\d+(\.\d+)?(,-?\d+(\.\d+)?){0,2}", re.ASCII)
Moment = Annotated[datetime, Written]
Item = Annotated[str, Path(description="The id of one", json_schema_extra={"format": "uuid"})]
Found = TypeVar("Found")


class PageQuery(BaseModel):
    """Which page of a list, and words to look for."""

    search: Line = Field("", description="Each word must occur in the text, or in the label of a theme or service")
    page: int = Field(1, ge=1, le=FARTHEST)
    per_page: int = Field(100, ge=1, le=MOST)
    format: Literal["json"] = "json"

    def envelope(self, found: Listed) -> JSONResponse:
        """Answer with a page and its place among all."""
        pages = ceil(found.total / self.per_page)
        return JSONResponse(
            {
                "total_items": found.total,
                "total_pages": pages,
                "page_number": self.page,
                "size": len(found.contents),
                "first_page": self.page == 1,
                "last_page": self.page >= pages,
                "empty": not found.contents,
                "contents": found.contents,
            }
        )

    def cut(self, every: Iterable[terms.Told]) -> JSONResponse:
        """Answer with a page of objects that are all at hand."""
        found = list(terms.holding(every, self.search))
        start = self.per_page * (self.page - 1)
        return self.envelope(Listed(found[start : start + self.per_page], len(found)))


class TermsQuery(PageQuery):
    """What may be asked of the terms."""

    taxonomy_id: UUID | None = Field(None, description="The terms of one taxonomy")
    parent_id: UUID | None = Field(None, description="The terms right below another one")
    top_only: bool = Field(False, description="Only the terms that have no parent")

    def lets_through(self, told: terms.Told) -> bool:
        """Say whether a term is what is asked for."""
        wanted = {"taxonomy_id": self.taxonomy_id, "parent_id": self.parent_id}
        fits = all(told.get(name) == str(value) for name, value in wanted.items() if value is not None)
        return fits and not (self.top_only and "parent_id" in told)


class SoughtQuery(PageQuery):
    """What may be asked of records of ours."""

    taxonomy_id: UUID | None = Field(None, description="What carries any term of this taxonomy")
    taxonomy_term_id: UUID | None = Field(None, description="What carries this term")
    modified_after: Moment | None = Field(None, description="Changed at this moment or later; without an offset, UTC")
    full: bool = Field(False, description="With all that belongs to each")

    def asked(self) -> Asked:
        """Turn the parameters into a question. Raises InvalidInput naming a term that there is not."""
        since = self.modified_after
        return Asked(
            search=self.search,
            modified_after=since.replace(tzinfo=UTC) if since and since.tzinfo is None else since,
            term=_known("taxonomy_term_id", self.taxonomy_term_id, terms.TERMS),
            taxonomy=_known("taxonomy_id", self.taxonomy_id, terms.TAXONOMIES),
        )

    def stretch(self) -> Stretch:
        """Say which page is asked for."""
        return Stretch(self.page, self.per_page, self.full)


class OrganizationsQuery(SoughtQuery):
    """What may be asked of organizations."""

    full_service: bool = Field(False, description="With all that belongs to the services of each, too")


class PlacesQuery(SoughtQuery):
    """What may be asked of what has a place."""

    organization_id: UUID | None = Field(None, description="What this organization runs")
    postcode: Key = Field("", description="At this postcode (2341AB); with `proximity` in metres, around it")
    proximity: Key = Field("", description=f"Near: {CIRCLE}")

    def placed(self, session: DatabaseSession) -> Asked:
        """Turn the parameters into a question. Raises InvalidInput naming what cannot be."""
        asked = self.asked()._replace(organizations=(self.organization_id,) if self.organization_id else ())
        postcode = "".join(self.postcode.split()).upper()
        if not self.proximity:
            return asked._replace(postcode=postcode or None)
        numbers = _numbers(self.proximity)
        if len(numbers) == 1 and postcode:
            middle = rows.middle(session, postcode)
            if middle is None:
                raise _refused("postcode", "is that of no place here: give proximity as latitude,longitude,metres")
            return asked._replace(near=Near(*middle, _metres(numbers[0])))
        if len(numbers) == 3 and not postcode:
            lat, lon, metres = numbers
            if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                raise _refused("proximity", "lies outside the world: give degrees (WGS 84), latitude first")
            return asked._replace(near=Near(lat, lon, _metres(metres)))
        raise _refused("proximity", f"must be {CIRCLE}")


class ServicesQuery(PlacesQuery):
    """What may be asked of services."""

    minimal: bool = Field(False, description="Only ids, and when each was changed")


class OrganizationQuery(BaseModel):
    """How one organization is given."""

    full_service: bool = Field(False, description="With all that belongs to its services")


def _refused(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{name}: {reason}", Flaw(name, reason))


def _known(name: str, asked: UUID | None, found: Mapping[UUID, Found]) -> Found | None:
    if asked is not None and asked not in found:
        raise _refused(name, "is not known here; see /v1/hsds/taxonomies and /v1/hsds/taxonomy_terms")
    return found[asked] if asked is not None else None


def _numbers(told: str) -> list[float]:
    if not NUMBERS.fullmatch(told):
        raise _refused("proximity", f"must be {CIRCLE}")
    return [float(part) for part in told.split(",")]


def _metres(told: float) -> float:
    if not 0 <= told <= FARTHEST_M:
        raise _refused("proximity", f"reaches from 0 to {FARTHEST_M} metres")
    return told


@router.get("", name="read_hsds", include_in_schema=False)
@router.get("/", name="read_hsds", responses=answers.ABOUT)
def about(request: Request, settings: CurrentSettings) -> JSONResponse:
    """Which version of HSDS this is, and where it is described."""
    openapi = f"{base(request, settings)}/openapi.json"
    return JSONResponse({"version": VERSION, "profile": PROFILE, "openapi_url": openapi})


@router.get(
    "/organizations", name="read_hsds_organizations", responses=answers.page("Organizations", answers.ORGANIZATION)
)
def organizations(session: Session, query: Annotated[OrganizationsQuery, Query()]) -> JSONResponse:
    """A page of who runs what is shown."""
    stretch = query.stretch()
    return query.envelope(reading.organizations(session, query.asked(), stretch, full_service=query.full_service))


@router.get(
    "/organizations/{item}",
    name="read_hsds_organization",
    responses=answers.one("An organization", answers.ORGANIZATION),
)
def organization(session: Session, item: Item, query: Annotated[OrganizationQuery, Query()]) -> JSONResponse:
    """One organization, with its locations and services."""
    return JSONResponse(reading.organization(session, item, full_service=query.full_service))


@router.get("/services", name="read_hsds_services", responses=answers.page("Services", answers.SERVICES))
def services(session: Session, query: Annotated[ServicesQuery, Query()]) -> JSONResponse:
    """A page of what is done for people: each asset and each activity."""
    read = reading.modified_services if query.minimal else reading.services
    return query.envelope(read(session, query.placed(session), query.stretch()))


@router.get("/services/{item}", name="read_hsds_service", responses=answers.one("A service", answers.SERVICE))
def service(session: Session, item: Item) -> JSONResponse:
    """One service with all that belongs to it."""
    return JSONResponse(reading.service(session, item))


@router.get(
    "/service_at_locations",
    name="read_hsds_service_at_locations",
    responses=answers.page("Services at their locations", answers.AT_LOCATION),
)
def service_at_locations(session: Session, query: Annotated[PlacesQuery, Query()]) -> JSONResponse:
    """A page of services, each with the location where it is."""
    return query.envelope(reading.services_at_locations(session, query.placed(session), query.stretch()))


@router.get(
    "/service_at_locations/{item}",
    name="read_hsds_service_at_location",
    responses=answers.one("A service at its location", answers.AT_LOCATION),
)
def service_at_location(session: Session, item: Item) -> JSONResponse:
    """One service at its location, with all that belongs to both."""
    return JSONResponse(reading.service_at_location(session, item))


@router.get("/locations", name="read_hsds_locations", responses=answers.page("Locations", answers.LOCATION))
def locations(session: Session, query: Annotated[PlacesQuery, Query()]) -> JSONResponse:
    """A page of places: of assets, and of activities that are not at an asset."""
    return query.envelope(reading.locations(session, query.placed(session), query.stretch()))


@router.get("/locations/{item}", name="read_hsds_location", responses=answers.one("A location", answers.LOCATION))
def location(session: Session, item: Item) -> JSONResponse:
    """One location."""
    return JSONResponse(reading.location(session, item))


@router.get("/taxonomies", name="read_hsds_taxonomies", responses=answers.page("Taxonomies", answers.TAXONOMY))
def taxonomies(query: Annotated[PageQuery, Query()]) -> JSONResponse:
    """A page of our vocabularies."""
    return query.cut(map(terms.taxonomy, terms.VOCABULARIES))


@router.get("/taxonomies/{item}", name="read_hsds_taxonomy", responses=answers.one("A taxonomy", answers.TAXONOMY))
def taxonomy(item: Item) -> JSONResponse:
    """One vocabulary."""
    return JSONResponse(terms.taxonomy(_found(terms.TAXONOMIES, item, "taxonomy")))


@router.get("/taxonomy_terms", name="read_hsds_taxonomy_terms", responses=answers.page("Terms", answers.TERM))
def taxonomy_terms(query: Annotated[TermsQuery, Query()]) -> JSONResponse:
    """A page of our terms."""
    _known("taxonomy_id", query.taxonomy_id, terms.TAXONOMIES)
    _known("parent_id", query.parent_id, terms.TERMS)
    every = map(terms.term, terms.TERMS.values())
    return query.cut(told for told in every if query.lets_through(told))


@router.get("/taxonomy_terms/{item}", name="read_hsds_taxonomy_term", responses=answers.one("A term", answers.TERM))
def taxonomy_term(item: Item) -> JSONResponse:
    """One term."""
    return JSONResponse(terms.term(_found(terms.TERMS, item, "term")))


def _found(known: Mapping[UUID, Found], item: str, what: str) -> Found:
    key = uuid_key(item)
    if key is None or key not in known:
        raise NotFound(f"There is no {what} {item!r}.")
    return known[key]
