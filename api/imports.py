"""Imports over the web, for administrators: send a file, read what it would do, say yes or no, take it back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from sqlalchemy import func, select
from sqlalchemy.orm import Session as DatabaseSession

from api import uploads
from api.deps import CurrentSettings, CurrentViewer, Session
from api.import_form import BODY, Sent, received
from api.ogc import base
from api.paging import link
from geo.imports import doubts, jobs, orders, undo
from geo.imports.models import AddressDoubt
from geo.models import ImportJob
from geo.settings import Settings
from geo.vocabulary import JobStatus, What


def unstored(response: Response) -> None:
    """Let no cache keep what only an administrator may read."""
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/v1/imports", dependencies=[Depends(unstored)])


class Job(BaseModel):
    """One import."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    what: What
    status: JobStatus
    file_name: str
    sha256: str
    bytes: int
    counts: dict[str, int] = Field(description="How many rows met which fate: new, changed, unchanged, refused …")
    made_by: str
    made_at: datetime
    done_at: datetime | None
    undone_at: datetime | None
    undone_by: str | None
    kept_until: datetime | None = Field(None, description="While its file waits for a yes")
    open_doubts: int = Field(0, description="Addresses of it that nobody has decided on")


class WholeJob(Job):
    """One import with its options, and all that is said of its rows."""

    options: dict[str, Any]
    report: dict[str, Any] = Field(description="`lines` of rows, `notes` on the file, and how many lines are `unsaid`")


class Jobs(BaseModel):
    """Imports, the newest first."""

    imports: list[Job]
    links: list[dict[str, str]]


class Doubt(BaseModel):
    """A row whose address has no certain place, and the places that it may be."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    row: int
    asked: str
    record: dict[str, Any]
    candidates: list[dict[str, Any]]


class Doubts(BaseModel):
    """The addresses of one import that nobody has decided on, in the order of the file."""

    doubts: list[Doubt]


SkipBad = Annotated[bool, Query(alias="skipBad", description="Leave out the rows that are refused")]


class Choice(BaseModel):
    """Which of the candidates it is, from 0; null where it is none of them."""

    model_config = ConfigDict(extra="forbid")
    choice: Annotated[StrictInt, Field(ge=0, le=1000)] | None


@router.get("", name="read_imports")
def read_imports(
    request: Request,
    session: Session,
    settings: CurrentSettings,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Jobs:
    """The imports, the newest first."""
    newest = jobs.jobs(session, limit)
    open_doubts = _open_doubts(session, [job.id for job in newest])
    told = [_told(settings, job, open_doubts) for job in newest]
    return Jobs(imports=told, links=[link(f"{base(request, settings)}/imports", "self")])


@router.post("", name="upload_import", status_code=201, openapi_extra=BODY)
async def upload_import(
    request: Request, response: Response, session: Session, viewer: CurrentViewer, settings: CurrentSettings
) -> WholeJob:
    """Check a file: the answer tells what an import would do. Nothing is written before it is confirmed."""
    await run_in_threadpool(session.commit)  # so that no connection waits while the file comes in
    async with received(request) as sent:
        job = await run_in_threadpool(_check, session, settings, viewer.name, sent)
    response.headers["Location"] = f"{base(request, settings)}/imports/{job.id}"
    return _whole(session, settings, job)


def _check(session: DatabaseSession, settings: Settings, by: str, sent: Sent) -> ImportJob:
    uploads.sweep(settings)
    order = _order(settings, sent.what, sent.options)
    upload = uuid4()
    source = uploads.keep(settings, upload, sent.file, sent.name)
    try:
        job = jobs.check(session, order, source, by=by, progress=_unwatched)
        session.commit()
    except BaseException:
        uploads.forget(settings, upload)
        raise
    uploads.settle(settings, upload, job.id)
    return job


def _order(settings: Settings, what: What, told: Mapping[str, object], *, skip_bad: bool = False) -> jobs.Order:
    """Make the order; which address is asked for places is for the settings to say, not for who sends a file."""
    own = {"locatieserver": settings.pdok_url} if what == What.assets else {}
    return orders.order(what, {**told, **own}, skip_bad=skip_bad)


def _unwatched(step: str, done: int, total: int | None) -> None:
    """Let progress go by: an answer comes in one piece."""


def _open_doubts(session: DatabaseSession, of: list[UUID]) -> dict[UUID, int]:
    open_ones = select(AddressDoubt.job_id, func.count().label("number")).where(AddressDoubt.decided_at.is_(None))
    rows = session.execute(open_ones.where(AddressDoubt.job_id.in_(of)).group_by(AddressDoubt.job_id))
    return {row.job_id: row.number for row in rows}


def _told(settings: Settings, job: ImportJob, open_doubts: dict[UUID, int]) -> Job:
    told = Job.model_validate(job)
    file = uploads.find(settings, job.id) if job.status in (JobStatus.checked, JobStatus.refused) else None
    told.kept_until = uploads.expires(file) if file else None
    told.open_doubts = open_doubts.get(job.id, 0)
    return told


def _whole(session: DatabaseSession, settings: Settings, job: ImportJob) -> WholeJob:
    told = _told(settings, job, _open_doubts(session, [job.id]))
    return WholeJob(**told.model_dump(), options=job.options, report=job.report)


@router.get("/{job_id}", name="read_import")
def read_import(session: Session, settings: CurrentSettings, job_id: UUID) -> WholeJob:
    """One import with its report."""
    return _whole(session, settings, jobs.one(session, job_id, lock=False))


@router.post("/{job_id}/confirm", name="confirm_import")
def confirm_import(
    session: Session, viewer: CurrentViewer, settings: CurrentSettings, job_id: UUID, skip_bad: SkipBad = False
) -> WholeJob:
    """Import the file that was checked: all of it, or with `skipBad` all but the rows that are refused."""
    checked = jobs.one(session, job_id, lock=False)
    jobs.must_wait(checked)
    order = _order(settings, checked.what, checked.options, skip_bad=skip_bad)
    source = uploads.kept(settings, checked)
    job = jobs.confirm(session, job_id, order, source, by=viewer.name, progress=_unwatched)
    session.commit()  # before the file goes: were this to fail, it could not be tried again
    if job.status == JobStatus.done:
        uploads.forget(settings, job.id)
    return _whole(session, settings, job)


@router.delete("/{job_id}", name="discard_import", status_code=204)
def discard_import(session: Session, settings: CurrentSettings, job_id: UUID) -> None:
    """Discard an import that was only checked, and its file."""
    jobs.discard(session, job_id)
    session.commit()
    uploads.forget(settings, job_id)


@router.post("/{job_id}/undo", name="undo_import")
def undo_import(session: Session, viewer: CurrentViewer, job_id: UUID) -> dict[str, int]:
    """Take an import back: how many rows were restored, removed, or kept because somebody changed them since."""
    return undo.undo(session, job_id, viewer.name)


@router.get("/{job_id}/doubts", name="read_doubts")
def read_doubts(session: Session, job_id: UUID) -> Doubts:
    """The addresses of an import that somebody must look at."""
    job = jobs.one(session, job_id, lock=False)
    return Doubts(doubts=[Doubt.model_validate(each) for each in session.scalars(doubts.undecided(job.id))])


@router.post("/doubts/{doubt}", name="decide_doubt", status_code=204)
def decide_doubt(session: Session, viewer: CurrentViewer, doubt: int, sent: Choice) -> None:
    """Say which place an address is. The record is added there; with null it is left out."""
    if sent.choice is None:
        doubts.drop(session, doubt, viewer.name)
    else:
        doubts.choose(session, doubt, sent.choice, viewer.name)
