"""Adding, changing and archiving activities, as GeoJSON features. Reading them is in `api/ogc.py`."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers import CHANGED, GEOJSON, MADE, AsGeoJSON
from api.assets import Version
from api.deps import CurrentSettings, CurrentViewer, Session
from api.ogc import base
from api.shapes import Point, shape_of
from api.texts import Day, Key, Keys, Line, Time, Words
from geo import activities, features, permits
from geo.errors import Flaw, InvalidInput
from geo.models import Activity
from geo.vocabulary import Repeat, Status

router = APIRouter(prefix="/v1/collections/activities/items")
NEEDED = ("title", "theme", "repeat", "starts_on")


class ActivityProperties(BaseModel):
    """What can be told of an activity. What is left out stays as it is, or unknown."""

    model_config = ConfigDict(extra="forbid")
    title: Line = ""
    summary: Words | None = None
    theme: Key = ""
    services: Keys = []
    repeat: Repeat = Repeat.once
    starts_on: Day = date.min
    ends_on: Day | None = None
    time_from: Time | None = None
    time_to: Time | None = None
    cost: Line | None = None
    how_to_join: Words | None = None
    asset: UUID | None = Field(None, description="The asset at which it takes place")
    address: Line | None = None
    source: Line | None = None
    source_id: Line | None = None
    licence: Line | None = None
    demo: bool = False
    status: Status = Status.published
    confirmed_on: Day | None = None


class ActivityFeature(BaseModel):
    """An activity as it is sent; without a geometry it takes place at its asset."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["Feature"]
    geometry: Annotated[Point | None, Field()] = None
    properties: ActivityProperties

    def values(self) -> dict[str, Any]:
        """Give what was told, and nothing else. Raises InvalidInput for a time that carries a zone."""
        told = self.properties.model_dump(exclude_unset=True)
        for field in ("time_from", "time_to"):
            if told.get(field) is not None and told[field].tzinfo is not None:
                raise InvalidInput(f"{field}: give local time, without a zone.", Flaw(field, "carries a zone"))
        return told | (
            {"place": None if self.geometry is None else shape_of(self.geometry)}
            if "geometry" in self.model_fields_set
            else {}
        )


@router.post("", name="create_activity", status_code=201, response_class=AsGeoJSON, responses=MADE)
def create_activity(
    request: Request, session: Session, viewer: CurrentViewer, settings: CurrentSettings, sent: ActivityFeature
) -> Response:
    """Add an activity."""
    values = sent.values()
    missing = [Flaw(field, "is needed") for field in NEEDED if field not in values]
    if missing:
        raise InvalidInput("An activity needs: " + ", ".join(flaw.field for flaw in missing), *missing)
    made = activities.create(session, permits.draft(viewer, "create_activity", values))
    permits.check(session, viewer, "create_activity", made)
    text = features.one_text(session, viewer, "activities", str(made.id))
    where = f"{base(request, settings)}/collections/activities/items/{made.id}"
    return Response(text, 201, {"Location": where}, GEOJSON)


@router.patch("/{item}", name="change_activity", response_class=AsGeoJSON, responses=CHANGED)
def change_activity(
    session: Session, viewer: CurrentViewer, item: UUID, sent: ActivityFeature, version: Version
) -> Response:
    """Change what is sent of an activity and leave the rest."""
    with permits.changing(session, viewer, "change_activity", Activity, item):
        activities.change(session, item, sent.values(), version)
    return Response(features.one_text(session, viewer, "activities", str(item)), media_type=GEOJSON)


@router.delete("/{item}", name="archive_activity", status_code=204)
def archive_activity(session: Session, viewer: CurrentViewer, item: UUID, version: Version) -> None:
    """Take an activity off the map. The record and its history stay."""
    permits.ask(session, viewer, "archive_activity", Activity, item)
    activities.archive(session, item, version)
