"""Neighbourhoods as residents draw them. Official ones are loaded, not sent."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api.answers import GEOJSON, MADE, AsGeoJSON
from api.deps import CurrentSettings, CurrentViewer, Session
from api.ogc import base
from api.shapes import Area, shape_of
from api.texts import Line
from geo import features, neighbourhoods

router = APIRouter(prefix="/v1/collections/neighbourhoods/items")


class DrawnProperties(BaseModel):
    """What a drawn neighbourhood is called."""

    model_config = ConfigDict(extra="forbid")
    name: Line


class DrawnFeature(BaseModel):
    """A neighbourhood as it was drawn."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["Feature"]
    geometry: Area
    properties: DrawnProperties


@router.post("", name="draw_neighbourhood", status_code=201, response_class=AsGeoJSON, responses=MADE)
def draw_neighbourhood(
    request: Request, session: Session, viewer: CurrentViewer, settings: CurrentSettings, sent: DrawnFeature
) -> Response:
    """Add a neighbourhood that residents drew; the next coverage run counts it too."""
    outline = shape_of(sent.geometry)
    made = neighbourhoods.draw(session, sent.properties.name, outline)
    text = features.one_text(session, viewer, "neighbourhoods", made.id)
    where = f"{base(request, settings)}/collections/neighbourhoods/items/{made.id}"
    return Response(text, 201, {"Location": where}, GEOJSON)
