"""What if: places added, moved or closed without storing anything; and where new ones would help most.

The worker reckons, because it holds the arrays; these routes check the question and wait for its answer.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

import shapely
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, model_validator
from sqlalchemy import select

from api.deps import Session
from api.texts import Key, Words
from geo import checks, hours
from geo.coverage import questions, sites
from geo.coverage.places import UNKNOWN_HOURS
from geo.days import today
from geo.errors import Flaw
from geo.models import Neighbourhood as Places
from geo.vocabulary import SERVICES, Level

router = APIRouter(prefix="/v1/coverage")

MOST_EDITS = 20
MOST_SITES = 20
FINEST_M, COARSEST_M = 25, 1000
Person = float
Spots = Annotated[
    list[Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]],
    Field(min_length=1, max_length=sites.MOST_CANDIDATES),
]
Placed = Literal["community_room", "initiative", "care_location"]


class Subject(BaseModel):
    """What is asked about: a kind of asset, or a service. Never volunteers: they are people."""

    model_config = ConfigDict(extra="forbid")
    kind: Placed | None = None
    service: Key | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuse both, neither, and a service that the vocabulary does not hold."""
        if (self.kind is None) == (self.service is None):
            raise ValueError("name a kind, or a service")
        if self.service is not None and self.service not in SERVICES:
            raise ValueError(f"{self.service!r} is not one of the services: {', '.join(SERVICES)}")
        return self


class Spot(BaseModel):
    """A place in degrees (WGS 84)."""

    model_config = ConfigDict(extra="forbid")
    lon: FiniteFloat
    lat: FiniteFloat


class Added(Spot):
    """A place that there might be, confirmed today."""

    capacity: Annotated[StrictInt, Field(ge=0, le=checks.MOST_PLACES)] | None = Field(
        None, description="Places; null: unknown"
    )
    opening_hours: Words | None = Field(
        None, description="OSM opening hours; null: unknown, which counts as never open"
    )


class Moved(Spot):
    """A place that might be somewhere else."""

    asset: UUID


class WhatIf(Subject):
    """What would be otherwise, all at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "community_room", "add": [{"lon": 4.47, "lat": 52.18, "opening_hours": "Mo-Fr 09:00-17:00"}]}
            ]
        }
    )
    add: Annotated[list[Added], Field(max_length=MOST_EDITS)] = []
    close: Annotated[list[UUID], Field(max_length=MOST_EDITS)] = []
    move: Annotated[list[Moved], Field(max_length=MOST_EDITS)] = []

    @model_validator(mode="after")
    def few_and_each_once(self) -> Self:
        """Refuse none at all, too many, and two things with one asset."""
        named = [*self.close, *(moved.asset for moved in self.move)]
        if not 0 < len(self.add) + len(named) <= MOST_EDITS:
            raise ValueError(f"name 1 to {MOST_EDITS} places to add, close or move")
        if len(set(named)) < len(named):
            raise ValueError("an asset is named more than once")
        return self


class Figures(BaseModel):
    """What holds for some residents; null where there are none, or their number is not known."""

    residents: Person | None
    uncovered: Person | None
    covered_share: float | None
    gap: float | None = Field(description="Gap score, 0 to 100")
    people_none: Person | None
    people_doubtful: Person | None
    people_closed: Person | None
    people_full: Person | None
    people_served: Person | None


class Neighbourhood(BaseModel):
    """A neighbourhood whose figures would be others."""

    neighbourhood: str
    code: str
    name: str
    level: Level
    before: Figures
    after: Figures


class Answer(BaseModel):
    """What would change; nothing was stored."""

    before: Figures = Field(description="Of all buurten together, as it is")
    after: Figures = Field(description="Of all buurten together, as it would be")
    neighbourhoods: list[Neighbourhood] = Field(description="Those whose figures would be others")


class Siting(Subject):
    """Where `p` new places would reach most of the residents of a neighbourhood whom nothing covers yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "community_room", "p": 2, "within": "GM0579", "candidates": "lattice"}]
        }
    )
    p: Annotated[StrictInt, Field(ge=1, le=MOST_SITES)] = Field(description="How many places")
    within: Key = Field(description="Id or code of a neighbourhood: of whom it holds, and where the lattice lies")
    candidates: Literal["lattice", "assets"] | Spots = Field(
        "lattice", description="A lattice in it, published assets of `candidate_kind`, or [lon, lat] of each"
    )
    candidate_kind: Placed | None = None
    step_m: Annotated[FiniteFloat, Field(ge=FINEST_M, le=COARSEST_M)] = Field(
        100, description="Step of the lattice, metres"
    )
    exact: bool = Field(True, description="Exact as far as ten seconds allow; else at once, one place after the other")

    @model_validator(mode="after")
    def kind_of_candidates(self) -> Self:
        """Ask for the kind of asset that candidates are, when they are assets and not else."""
        if (self.candidates == "assets") != (self.candidate_kind is not None):
            raise ValueError("name candidate_kind with candidates 'assets', and only then")
        return self


class Site(BaseModel):
    """One place of the best choice."""

    lon: float
    lat: float
    asset: UUID | None = Field(description="Which asset it is, where candidates are assets")
    gained: Person = Field(description="Residents that it adds to those before it in the list")
    alone: Person = Field(description="Residents that it would newly cover by itself")
    alternatives: list["Alternative"] = Field(description="What could stand in for it at a loss of at most 1 %")


class Alternative(BaseModel):
    """A candidate that is nearly as good as a chosen one."""

    lon: float
    lat: float
    asset: UUID | None
    lost: Person


class Sites(BaseModel):
    """The best choice that was found; existing places stay where they are."""

    sites: list[Site]
    covered: Person = Field(description="Residents newly covered by all of them")
    bound: Person = Field(description="No choice of so many candidates covers more")
    proven: bool = Field(description="Whether this is the best there is")
    uncovered_before: Person = Field(description="Residents of the neighbourhood whom nothing covers yet")
    candidates: int


@router.post("/what-if", name="what_if")
def what_if(session: Session, asked: WhatIf) -> Answer:
    """What would change if places were added, closed or moved. Nothing is stored."""
    flaws = [flaw for n, spot in enumerate(asked.add) for flaw in _flaws(f"add.{n}", spot)]
    flaws += [flaw for n, spot in enumerate(asked.move) for flaw in _flaws(f"move.{n}", spot)]
    masks = [_mask(added.opening_hours) for added in asked.add]
    flaws += [Flaw(f"add.{n}.opening_hours", checks.UNREADABLE_HOURS) for n, mask in enumerate(masks) if mask is None]
    checks.refuse(flaws)
    told = asked.model_dump(mode="json")
    told["add"] = [{**added, "open_mask": mask} for added, mask in zip(told["add"], masks, strict=True)]
    answered = _ask(session, {**told, "ask": "what_if"})
    return Answer.model_validate({**answered, "neighbourhoods": _named(session, answered["neighbourhoods"])})


@router.post("/siting", name="siting")
def siting(session: Session, asked: Siting) -> Sites:
    """Where new places would help most of those whom nothing covers yet."""
    if isinstance(asked.candidates, list):
        spots = [Spot(lon=lon, lat=lat) for lon, lat in asked.candidates]
        checks.refuse([flaw for n, spot in enumerate(spots) for flaw in _flaws(f"candidates.{n}", spot)])
    question: dict[str, Any] = {**asked.model_dump(mode="json"), "ask": "siting"}
    return Sites.model_validate(_ask(session, question))


def _ask(session: Session, question: dict[str, Any]) -> dict[str, Any]:
    """Ask the worker, without keeping a connection from others while it thinks."""
    engine = session.get_bind().engine
    session.commit()
    return questions.ask(engine, question)


def _named(session: Session, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say of neighbourhoods, told by their ids, what they are called."""
    about = select(Places.id, Places.code, Places.name, Places.level)
    rows = session.execute(about.where(Places.id.in_([each["neighbourhood"] for each in told])))
    names = {row.id: {"code": row.code, "name": row.name, "level": row.level} for row in rows}
    return [{**each, **names[each["neighbourhood"]]} for each in told if each["neighbourhood"] in names]


def _flaws(field: str, spot: Spot) -> list[Flaw]:
    return checks.place_flaws(field, shapely.Point(spot.lon, spot.lat))


def _mask(told: str | None) -> int | None:
    """Give the 21 bits of opening hours; None where they cannot be read."""
    if not told:
        return UNKNOWN_HOURS
    parsed = hours.parse(told)
    return None if parsed is None else hours.open_mask(parsed, today())
