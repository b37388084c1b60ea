"""What may be asked of a collection's items: boxes, days, terms, filters, systems of coordinates, order."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import shapely
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from shapely.geometry.base import BaseGeometry

from api.html import Form, Language
from api.paging import LIMIT
from api.parameters import SEVERAL
from api.texts import Key, Line, Listed, Storable, Words
from geo import crs, vocabulary
from geo.collections import Box, Filtering, Wanted
from geo.cql2.reading import LONGEST
from geo.crs import CRS84, Crs
from geo.cursors import LONGEST as LONGEST_CURSOR
from geo.days import AMSTERDAM, Days
from geo.errors import Flaw, InvalidInput
from geo.features import Rendering, Sorting, Stretch

MOST = 10_000  # features on a page
FARTHEST = 1_000_000  # how far a page may start
STEPS = 32  # parts of a side of a box in another system, of which none is straight in degrees
Told = Annotated[str, StringConstraints(max_length=LONGEST), Storable]
Cursor = Annotated[str, StringConstraints(max_length=LONGEST_CURSOR), Storable]
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
    west, south, east, north = _four(bbox)
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):
        raise ValueError("lies outside the world: give degrees (WGS 84), longitude first")
    if south > north:
        raise ValueError("has its south above its north: the order is west,south,east,north")
    return west, south, east, north


def _four(bbox: str) -> tuple[float, float, float, float]:
    try:
        numbers = [float(part.replace("_", "no number")) for part in bbox.split(",")]
    except ValueError:
        raise ValueError("must be numbers: west,south,east,north in degrees") from None
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4:
        raise ValueError("must be four numbers: west,south,east,north in degrees")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def area_of(bbox: str, told_in: Crs) -> Box | BaseGeometry:
    """Read a box whose numbers are of a system, in the order of its axes; give it, or what it is in degrees.

    raises ValueError saying what is wrong
    """
    first, second, third, fourth = _four(bbox)
    if told_in == CRS84:
        return box_of(bbox)
    if third < first or fourth < second:
        raise ValueError(f"has its end before its beginning, in the order of axes of {told_in.uri}")
    ring = shapely.segmentize(shapely.box(first, second, third, fourth), max(third - first, fourth - second) / STEPS)
    area = crs.to_degrees(ring, told_in)
    if not (shapely.is_valid(area) and -181 < area.bounds[0] <= area.bounds[2] < 181):
        raise ValueError(f"lies outside the world of {told_in.uri}")
    return area


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


class ItemQuery(BaseModel):
    """How one item is given."""

    model_config = ConfigDict(extra="forbid")

    crs: Words = Field(CRS84.uri, description="The system that coordinates are given in; see the collection")
    properties: Words | None = Field(None, description="Names of the properties that are given, between commas")

    def look(self) -> Rendering:
        """Say how the item is given. Raises InvalidInput for a system that is not known."""
        return Rendering(crs.named(self.crs, "crs"), _listed(self.properties))


def _listed(told: str | None) -> tuple[str, ...] | None:
    return None if told is None else tuple(word for word in told.split(",") if word)


class OneQuery(ItemQuery):
    """The same, or as a page for people."""

    f: Form = None
    lang: Language = None


class ChosenQuery(ItemQuery):
    """Which of the items of a collection are asked for, and how; which filters one has is told at the collection."""

    bbox: Key | None = Field(None, description="west,south,east,north in degrees (CRS84), or as `bbox-crs` says")
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
    bbox_crs: Words = Field(CRS84.uri, alias="bbox-crs", description="The system that `bbox` is told in")
    filter: Told = Field("", description="A filter in CQL2, on what /queryables names")
    filter_lang: Literal["cql2-text", "cql2-json"] = Field("cql2-text", alias="filter-lang")
    filter_crs: Words = Field(CRS84.uri, alias="filter-crs", description="The system of the filter's geometries")
    sortby: Key = Field("", description="Names from /sortables between commas, - before one for the highest first")

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
        """Refuse a box that is none in any system."""
        if bbox is not None:
            _four(bbox)
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
            bbox=self._area(),
            kind=tuple(self.kind), service=tuple(self.service), theme=tuple(self.theme), level=tuple(self.level),
            year=self.year, neighbourhood=self.neighbourhood or None, q=self.q, run=self.run, asset=self.asset,
            datetime=days_of(self.datetime) if self.datetime else None,
            filter=Filtering(self.filter, self.filter_lang, crs.named(self.filter_crs, "filter-crs"))
            if self.filter else None,
        )  # fmt: skip

    def asked(self) -> dict[str, Any]:
        """Give the parameters that were sent, under the names that they have in an address."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)

    def look(self) -> Rendering:
        """Say how the features are given. Raises InvalidInput for a system that is not known."""
        order = [word.strip() for word in self.sortby.split(",") if word.strip()]
        sort = tuple(Sorting(word.lstrip("+-"), word.startswith("-")) for word in order)
        return super().look()._replace(sort=sort)

    def _area(self) -> Box | BaseGeometry | None:
        told_in = crs.named(self.bbox_crs, "bbox-crs")
        try:
            return area_of(self.bbox, told_in) if self.bbox else None
        except ValueError as error:
            raise InvalidInput(f"bbox: {error}", Flaw("bbox", str(error))) from None


class ItemsQuery(ChosenQuery):
    """The same, a page at a time."""

    f: Form = None
    lang: Language = None
    limit: int = Field(LIMIT, ge=1, description=f"How many on a page; more than {MOST:,} counts as {MOST:,}")
    offset: int = Field(0, ge=0, le=FARTHEST, description="How many to pass over; `next` links carry a cursor instead")
    cursor: Cursor | None = Field(None, description="Where to go on, as the `next` link of the page before says")

    @field_validator("limit")
    @classmethod
    def at_most(cls, limit: int) -> int:
        """Cut a page to the longest there is, as the standard wants it."""
        return min(limit, MOST)

    def stretch(self) -> Stretch:
        """Say which part is asked for. Raises InvalidInput where two beginnings are told."""
        if self.cursor and self.offset:
            reason = "goes without offset: both say where to begin"
            raise InvalidInput(f"cursor: {reason}", Flaw("cursor", reason))
        return Stretch(self.limit, self.offset, self.cursor or None)
