"""Coverage runs: what was computed when and with what; asking for a new one; what changed between two of them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from sqlalchemy import func, select

from api.covering import policies
from api.deps import CurrentSettings, Session
from api.ogc import base
from api.paging import link
from api.texts import Key
from geo.coverage import differences, jobs, policy, results, store
from geo.coverage.differences import Difference
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policies, Policy
from geo.errors import Conflict
from geo.settings import Settings
from geo.vocabulary import SERVICES, Kind, Level, RunStatus

MOST_WAITING = 5  # runs that are asked for and not done: a worker makes one at a time
router = APIRouter(prefix="/v1/coverage/runs")

Metres = Annotated[FiniteFloat, Field(gt=0, le=policy.MOST_M)]
Detour = Annotated[FiniteFloat, Field(ge=1, le=5)]
Number = Annotated[FiniteFloat, Field(ge=0, le=1e9)]


class Run(BaseModel):
    """One dated run."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    status: RunStatus = Field(description="`waiting` for its turn, `working`, `done`, or `failed`: `failure` says why")
    step: str = Field(description="What is being done, while it is at work")
    progress: float = Field(ge=0, le=1, description="How far it is, from 0 to 1")
    failure: str | None
    computed_at: datetime = Field(description="When it was done; asked for, as long as it is not")
    year: int | None = Field(description="The year of the boundaries and key figures; null until it is done")
    norm_m: float = Field(description="The walking distance that counts as within reach, metres, inclusive")
    detour: float = Field(description="Walking metres per metre as the crow flies")
    lattice_m: float = Field(
        description="Where nothing finer is known, residents are spread on a lattice of this step in a neighbourhood"
    )
    walks: Literal["line", "network"] = Field(description="Whether people walk as the crow flies or by the streets")
    policy: dict[str, Any] = Field(description="All that was decided: norms, decay, severities … by kind and service")
    data: dict[str, Any] = Field(description="Versions of what it was made from")
    counts: dict[str, float] = Field(description="How much it was made from")
    code_version: str


class Runs(BaseModel):
    """All runs that are kept, the newest first."""

    runs: list[Run]
    links: list[dict[str, str]]


class PolicyAsked(BaseModel):
    """What holds for a subject. What is left out is as for all subjects."""

    model_config = ConfigDict(extra="forbid")
    norm_m: Metres | None = None
    decay: Literal["quadratic", "gaussian", "step"] | None = None
    half_life_days: Number | None = None
    grace_days: Number | None = None
    min_open_hours: Number | None = None
    supply_norm: Number | None = None
    detour: Detour | None = None
    severity: list[Number] | None = None
    hours: list[Number] | None = None


class PoliciesAsked(PolicyAsked):
    """What holds for all subjects, and for one kind or service; keys as in a policy file (docs/coverage.md)."""

    scale_to_key_figure: bool = False
    kind: dict[Kind, PolicyAsked] = {}
    service: dict[Key, PolicyAsked] = {}


class RunAsked(BaseModel):
    """How to run. What is left out is as the settings say."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{}, {"norm_m": 500}, {"policy": {"min_open_hours": 8}}]}
    )
    norm_m: Metres | None = None
    detour: Detour | None = None
    policy: PoliciesAsked | None = Field(None, description="In place of the policy file of the settings")

    def policies(self, settings: Settings) -> Policies:
        """Lay what is asked over the settings. Raises InvalidInput naming what cannot be."""
        over = {name: value for name in ("norm_m", "detour") if (value := getattr(self, name)) is not None}
        if self.policy is None:
            return policies(settings, over=over)
        plain = Policy(norm_m=settings.norm_m, detour=settings.detour)
        told = policy.of_json({**self.policy.model_dump(mode="json", exclude_none=True), **over}, plain)
        policy.check_names(told, store.KINDS, SERVICES)
        return told


class Figures(BaseModel):
    """What one run says of a neighbourhood; null where it is not known."""

    gap: float | None
    uncovered: float | None
    covered_share: float | None


class Because(BaseModel):
    """An asset that changed, whose old or new place lies within the norm of the neighbourhood as the crow flies."""

    model_config = ConfigDict(from_attributes=True)
    asset: UUID
    name: str | None = Field(description="Null where it is not published any more")
    what: list[str] = Field(description="added, closed, moved, hours, capacity, confirmed, services, catchment")


class Change(BaseModel):
    """One neighbourhood and subject of which two runs say something else."""

    model_config = ConfigDict(from_attributes=True)
    neighbourhood: str
    code: str
    name: str
    level: Level
    kind: Kind | None
    service: str | None
    before: Figures
    after: Figures
    because: list[Because]
    also: list[Literal["policy", "data", "time"]] = Field(
        description="`policy` or `data` where those differ; `time` where nothing else explains it: records grew older"
    )


class Changes(BaseModel):
    """What differs between two runs, the largest change of the gap score first."""

    run: UUID
    since: UUID
    number: int = Field(description="How many there are, also those that are not listed")
    changes: list[Change]


@router.get("", name="read_runs")
def read_runs(request: Request, session: Session, settings: CurrentSettings) -> Runs:
    """The runs that are kept, the newest first."""
    here = f"{base(request, settings)}/coverage/runs"
    return Runs(runs=[_told(each) for each in results.runs(session)], links=[link(here, "self")])


@router.get("/{run_id}", name="read_run")
def read_run(session: Session, run_id: UUID) -> Run:
    """One run, and how far it is; its results are at /v1/collections/coverage/items?run=…"""
    return _told(results.kept(session, run_id))


@router.get("/{run_id}/changes", name="read_changes")
def read_changes(
    session: Session,
    run_id: UUID,
    since: Annotated[UUID, Query(description="The earlier run to compare it with")],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Changes:
    """Which neighbourhoods changed since an earlier run, and because of which assets."""
    earlier, made = results.kept(session, since), results.kept(session, run_id)
    found = differences.between(session, earlier, made, limit=limit)
    return Changes(
        run=made.id, since=earlier.id, number=found.number, changes=[_changed(each) for each in found.listed]
    )


@router.post("", name="start_run", status_code=202, response_model=Run)
def start_run(request: Request, session: Session, settings: CurrentSettings, asked: RunAsked) -> JSONResponse:
    """Ask for the coverage of all neighbourhoods; a worker computes it after those that were asked for before.

    `Location` says where to read how far it is. When it is done it is the newest run, and the live state begins anew.
    """
    waiting = select(func.count()).where(~CoverageRun.live, CoverageRun.status.in_(jobs.UNFINISHED))
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} runs wait already or are being made: ask again when one is done.")
    made = jobs.ask(session, asked.policies(settings))
    where = f"{base(request, settings)}/coverage/runs/{made.id}"
    return JSONResponse(_told(made).model_dump(mode="json"), 202, {"Location": where})


def _told(made: CoverageRun) -> Run:
    told = {name: getattr(made, name) for name in Run.model_fields}
    # The last change of any record counts people too: between two runs it would tell how many signed up.
    data = {name: value for name, value in made.data.items() if name != "last_change"}
    return Run.model_validate({**told, "year": made.year or None, "data": data})


def _changed(difference: Difference) -> Change:
    return Change.model_validate(difference._asdict())
