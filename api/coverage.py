"""Coverage runs: what was computed when and with what; starting a new one. The results are a collection."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from api.deps import CurrentSettings, Session
from api.ogc import base, link
from geo import folder
from geo.coverage import results, run

router = APIRouter(prefix="/v1/coverage/runs")


class Run(BaseModel):
    """One dated run."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    computed_at: datetime
    year: int = Field(description="The year of the boundaries and key figures")
    norm_m: float = Field(description="The walking distance that counts as within reach, metres, inclusive")
    detour: float = Field(description="Walking metres per metre as the crow flies")
    lattice_m: float = Field(
        description="Residents are spread evenly on a lattice of this step inside each neighbourhood"
    )
    counts: dict[str, float]
    code_version: str


class Runs(BaseModel):
    """All runs that are kept, the newest first."""

    runs: list[Run]
    links: list[dict[str, str]]


class RunAsked(BaseModel):
    """How to run. What is left out is as the settings say."""

    model_config = ConfigDict(extra="forbid")
    norm_m: Annotated[FiniteFloat, Field(gt=0, le=50_000)] | None = None
    detour: Annotated[FiniteFloat, Field(ge=1, le=5)] | None = None


@router.get("", name="read_runs")
def read_runs(request: Request, session: Session, settings: CurrentSettings) -> Runs:
    """The runs that are kept, the newest first."""
    here = f"{base(request, settings)}/coverage/runs"
    return Runs(runs=[Run.model_validate(each) for each in results.runs(session)], links=[link(here, "self")])


@router.get("/{run_id}", name="read_run")
def read_run(session: Session, run_id: UUID) -> Run:
    """One run; its results are at /v1/collections/coverage/items?run=…"""
    return Run.model_validate(results.kept(session, run_id))


@router.post("", name="start_run", status_code=201, response_model=Run)
def start_run(request: Request, session: Session, settings: CurrentSettings, asked: RunAsked) -> JSONResponse:
    """Compute the coverage of all neighbourhoods now, and keep it as the latest run."""
    made = run.run(
        session,
        norm_m=asked.norm_m or settings.norm_m,
        detour=asked.detour or settings.detour,
        key=folder.secret(settings),
    )
    where = f"{base(request, settings)}/coverage/runs/{made.id}"
    return JSONResponse(Run.model_validate(made).model_dump(mode="json"), 201, {"Location": where})
