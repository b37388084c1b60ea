"""Imports as jobs: made, kept in the history, taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from geo.errors import Conflict, Flaw, InvalidInput, NotFound
from geo.imports.report import Progress, Report, Verdict
from geo.models import ImportJob
from geo.records import act_as
from geo.vocabulary import JobStatus, What

IMPORT_LOCK = 0x6B616175  # one import at a time: two would each compare with what the other has not written yet


class Source(NamedTuple):
    """What is imported: a file, or the name of a service that was asked instead (then without a path)."""

    path: Path | None
    name: str  # as the person who gave it called it
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Task:
    """What an importer works with. It writes through `session`, and tells everything to `report`."""

    session: Session
    job: ImportJob
    source: Source
    report: Report
    progress: Progress

    @property
    def file(self) -> Path:
        """Give the path of the file. Raises InvalidInput where the source is no file."""
        if self.source.path is None:
            raise InvalidInput("This import needs a file.", Flaw("file", "is missing"))
        return self.source.path


class Order(NamedTuple):
    """What is asked: the importer, what it brings, and its own options (a dataclass or NamedTuple of plain values)."""

    what: What
    load: Callable[[Task], None]
    options: dict[str, Any]
    skip_bad: bool = False


def run(session: Session, order: Order, source: Source, *, by: str, progress: Progress) -> ImportJob:
    """Import a file: all of it, or nothing where a row is refused and `skip_bad` is not set.

    returns  the job, `done` or `refused`; a refused one has written nothing but itself and its report
    raises   InvalidInput where the file as a whole cannot be read; Conflict while another import is at work
    """
    be_alone(session, by)
    return _work(session, _made(session, order, source, by), order, source, progress, wanted=JobStatus.done)


def check(session: Session, order: Order, source: Source, *, by: str, progress: Progress) -> ImportJob:
    """Do all that `run` does, keep the report, and take the rest back: what was written is not there afterwards."""
    be_alone(session, by)
    return _work(session, _made(session, order, source, by), order, source, progress, wanted=JobStatus.checked)


def confirm(session: Session, job_id: UUID, order: Order, source: Source, *, by: str, progress: Progress) -> ImportJob:
    """Import what was checked: the same job becomes `done`, or `refused` where rows cannot go in after all.

    raises NotFound; Conflict where it is done or taken back already, the file is another, or an import is at work
    """
    be_alone(session, by)
    job = one(session, job_id)
    must_wait(job)
    if source.sha256 != job.sha256:
        raise Conflict("The file is not the one that was checked: check it again.")
    job.made_by = by
    return _work(session, job, order, source, progress, wanted=JobStatus.done)


def discard(session: Session, job_id: UUID) -> None:
    """Remove an import that was looked at only: it has written nothing. Raises NotFound; Conflict where it has."""
    lock(session)
    job = one(session, job_id)
    must_wait(job)
    session.delete(job)
    session.flush()


def must_wait(job: ImportJob) -> None:
    """Refuse an import that has written something already, with Conflict."""
    if job.status not in (JobStatus.checked, JobStatus.refused):
        raise Conflict(f"This import is {job.status.value} already.")


def be_alone(session: Session, by: str) -> None:
    """Be the only import at work, in somebody's name, for as long as it takes. Raises Conflict where one is."""
    lock(session)
    session.execute(text("SET LOCAL statement_timeout = 0"))  # the limit is for those who look something up
    act_as(session, by)


def lock(session: Session) -> None:
    """Hold off imports, undoing and decisions until the transaction ends. Raises Conflict where one is at work."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(IMPORT_LOCK))):
        raise Conflict("Another import is at work. Try again when it is done.")


def _made(session: Session, order: Order, source: Source, by: str) -> ImportJob:
    job = ImportJob(
        what=order.what, status=JobStatus.checked, file_name=source.name, sha256=source.sha256, bytes=source.bytes,
        options=order.options, made_by=by,
    )  # fmt: skip
    session.add(job)
    session.flush()
    return job


def _work(
    session: Session, job: ImportJob, order: Order, source: Source, progress: Progress, *, wanted: JobStatus
) -> ImportJob:
    report = Report()
    with session.begin_nested() as trial:
        belongs_to(session, job)
        order.load(Task(session, job, source, report, progress))
        session.flush()
        refused = report.counts[Verdict.refused] and not order.skip_bad
        if refused or wanted == JobStatus.checked:
            trial.rollback()
    belongs_to(session, None)
    session.refresh(job)
    job.status = JobStatus.refused if refused else wanted
    job.done_at = datetime.now(UTC) if job.status == JobStatus.done else None
    job.counts, job.report = dict(report.counts), report.as_json()
    session.flush()
    return job


def belongs_to(session: Session, job: ImportJob | None) -> None:
    """Say to the history which import the next changes of this transaction belong to; None for none."""
    session.execute(text("SELECT set_config('kaart.job', :job, true)"), {"job": str(job.id) if job else ""})


def jobs(session: Session, limit: int = 100) -> Sequence[ImportJob]:
    """Read the imports, the newest first; their reports, which may be long, only when they are looked at."""
    newest = select(ImportJob).order_by(ImportJob.made_at.desc(), ImportJob.id).limit(limit)
    return session.scalars(newest.options(defer(ImportJob.report))).all()


def one(session: Session, job_id: UUID, *, lock: bool = True) -> ImportJob:
    """Read an import, and hold off all others until the transaction ends. Raises NotFound where there is none."""
    job = session.get(ImportJob, job_id, with_for_update=lock or None)
    if job is None:
        raise NotFound(f"There is no import {str(job_id)!r}.")
    return job
