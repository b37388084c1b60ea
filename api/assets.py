"""Adding, changing and archiving assets, as GeoJSON features. Reading them is in `api/ogc.py`."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers import CHANGED, GEOJSON, MADE, AsGeoJSON
from api.deps import CurrentSettings, CurrentViewer, Session
from api.ogc import base
from api.shapes import Geometry, place_or_area, version_of
from api.texts import Address, Day, Key, Keys, Line, Story, Words
from geo import assets, features, permits
from geo.errors import Flaw, InvalidInput
from geo.models import Asset
from geo.vocabulary import Kind, Means, Purpose, Status

router = APIRouter(prefix="/v1/collections/assets/items")
Version = Annotated[int | None, Depends(version_of)]


class Organisation(BaseModel):
    """Who runs an asset. One that is known by this name already stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    legal_form: Key | None = None
    url: Address | None = None


class Step(BaseModel):
    """A stage in the growth of an initiative, and since when."""

    model_config = ConfigDict(extra="forbid")
    stage: Key
    since: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]


class Agreed(BaseModel):
    """What a volunteer agreed to, on paper; the proof of it stays with whoever sends this."""

    model_config = ConfigDict(extra="forbid")
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=len(Purpose))]
    text_version: Key | None = Field(None, description="Of the words that were shown; else those of now")
    given_on: Day | None = Field(None, description="Else today")
    expires_on: Day | None = Field(None, description="The last day; else two years after it was given")


class AssetProperties(BaseModel):
    """What can be told of an asset. Keys come from /v1/vocabulary. What is left out stays as it is, or unknown."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind = Kind.community_room
    name: Line | None = None
    summary: Words | None = None
    description: Story | None = None
    themes: Keys = []
    services: Keys = []
    goals: Keys = []
    target_groups: Keys = []
    languages: Keys = []
    cost: Line | None = None
    accessibility: Annotated[dict[Key, bool], Field(max_length=20)] = {}
    address: Line | None = None
    postcode: Key | None = None
    city: Line | None = None
    capacity: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    opening_hours: Words | None = None
    organisation: Organisation | None = None
    url: Address | None = None
    source: Line | None = None
    source_id: Line | None = None
    licence: Line | None = None
    demo: bool = False
    status: Status = Status.published
    confirmed_on: Day | None = None
    confirmed_by: Line | None = None
    visible_from: Day | None = None
    visible_to: Day | None = None
    ladder_level: int | None = None
    growth: Annotated[list[Step], Field(max_length=20)] = []
    legal_form: Key | None = None
    funding: Keys = []
    founded_in: int | None = None
    neighbourhood: Key | None = Field(None, description="Where it lies, when it has no geometry")
    catchment: Keys = Field([], description="The neighbourhoods it serves, by id or code")
    contact: Annotated[dict[Key, Words], Field(max_length=20)] | None = Field(
        None, description="Of volunteers only: kept secret, never shown"
    )
    consent: Agreed | None = Field(None, description="Of volunteers only, and needed of them: what they agreed to")
    account: Line | None = Field(None, description="Of volunteers only: the e-mail address of their account")


class AssetFeature(BaseModel):
    """An asset as it is sent. A volunteer's geometry is kept secret; the row keeps only the neighbourhood."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["Feature"]
    geometry: Geometry | None = None
    properties: AssetProperties

    def values(self) -> dict[str, Any]:
        """Give what was told, and nothing else."""
        told = self.properties.model_dump(exclude_unset=True)
        if told.get("consent"):
            told["consent"]["means"] = Means.paper
        return told | (place_or_area(self.geometry) if "geometry" in self.model_fields_set else {})


@router.post("", name="create_asset", status_code=201, response_class=AsGeoJSON, responses=MADE)
def create_asset(
    request: Request, session: Session, viewer: CurrentViewer, settings: CurrentSettings, sent: AssetFeature
) -> Response:
    """Add an asset."""
    values = sent.values()
    if "kind" not in values:
        raise InvalidInput("kind: is needed.", Flaw("kind", "is needed"))
    made = assets.create(session, permits.draft(viewer, "create_asset", values))
    permits.check(session, viewer, "create_asset", made)
    text = features.one_text(session, viewer, "assets", str(made.id))
    where = f"{base(request, settings)}/collections/assets/items/{made.id}"
    return Response(text, 201, {"Location": where}, GEOJSON)


@router.patch("/{item}", name="change_asset", response_class=AsGeoJSON, responses=CHANGED)
def change_asset(session: Session, viewer: CurrentViewer, item: UUID, sent: AssetFeature, version: Version) -> Response:
    """Change what is sent of an asset and leave the rest; `If-Match` guards what others changed."""
    with permits.changing(session, viewer, "change_asset", Asset, item):
        assets.change(session, item, sent.values(), version)
    return Response(features.one_text(session, viewer, "assets", str(item)), media_type=GEOJSON)


@router.delete("/{item}", name="archive_asset", status_code=204)
def archive_asset(session: Session, viewer: CurrentViewer, item: UUID, version: Version) -> None:
    """Take an asset off the map. The record and its history stay; a volunteer is erased, with all that was kept."""
    permits.ask(session, viewer, "archive_asset", Asset, item)
    assets.archive(session, item, version)
