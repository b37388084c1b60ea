"""GeoJSON geometries as they are sent to us, and the version that a change is meant for."""

from typing import Annotated, Literal

import shapely.geometry
from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from geo.errors import Flaw, InvalidInput

Position = Annotated[list[FiniteFloat], Field(min_length=2, max_length=3)]
Ring = Annotated[list[Position], Field(min_length=4)]


class Point(BaseModel):
    """A place: longitude, latitude in degrees (WGS 84)."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["Point"]
    coordinates: Position


class Polygon(BaseModel):
    """An area: rings of longitude, latitude in degrees (WGS 84)."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1)]


class MultiPolygon(BaseModel):
    """An area in several pieces."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Annotated[list[Ring], Field(min_length=1)]], Field(min_length=1)]


Area = Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
Geometry = Annotated[Point | Polygon | MultiPolygon, Field(discriminator="type")]


def shape_of(sent: Point | Polygon | MultiPolygon) -> BaseGeometry:
    """Turn a sent geometry into a shape, heights left out. Raises InvalidInput where it cannot be one."""
    try:
        return shapely.force_2d(shapely.geometry.shape(sent.model_dump()))
    except (ShapelyError, ValueError) as error:
        raise InvalidInput("geometry: its rings cannot be read.", Flaw("geometry", "cannot be read")) from error


def place_or_area(sent: Point | Polygon | MultiPolygon | None) -> dict[str, BaseGeometry | None]:
    """Say whether a sent geometry is a record's place or its area."""
    shape = None if sent is None else shape_of(sent)
    return {"place": shape, "area": None} if isinstance(sent, Point | None) else {"place": None, "area": shape}


def version_of(
    if_match: Annotated[str | None, Header(description='The version that you read, as "3"')] = None,
) -> int | None:
    """Read the version for which a change is meant; None lets it through whatever the version is."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput('if-match: must be a version in quotes, as "3".', Flaw("if-match", "is no version"))
    return int(text)
