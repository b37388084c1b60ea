"""Addresses that an import could not place for sure: a person says which of the candidates it is, or that none is."""

from datetime import UTC, datetime
from uuid import UUID

import shapely
from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from geo.errors import Conflict, Flaw, InvalidInput, NotFound
from geo.imports import assets, jobs
from geo.imports.models import AddressDoubt
from geo.models import Asset, ImportJob
from geo.records import act_as
from geo.vocabulary import JobStatus


def undecided(job_id: UUID | None = None) -> Select[AddressDoubt]:
    """Select what waits for a decision, of one import or of all, in the order of the files."""
    waiting = select(AddressDoubt).where(AddressDoubt.decided_at.is_(None))
    if job_id is not None:
        waiting = waiting.where(AddressDoubt.job_id == job_id)
    return waiting.order_by(AddressDoubt.job_id, AddressDoubt.row, AddressDoubt.id)


def choose(session: Session, doubt_id: int, choice: int, by: str) -> Asset:
    """Store the asset of a doubt at one of its candidates, as a part of the import that it came from.

    choice  which candidate, from 0
    raises  NotFound; InvalidInput where there is no such candidate, or a rule is broken that was not before; Conflict
            where it is decided already, the record was changed since, the import was taken back, or another is at work
    """
    doubt, job = _open(session, doubt_id)
    if not 0 <= choice < len(doubt.candidates):
        have = f"from 0 to {len(doubt.candidates) - 1}"
        raise InvalidInput(f"Choose a candidate {have}.", Flaw("choice", f"{choice} is not {have}"))
    _must_be_untouched(session, doubt, job)
    chosen = doubt.candidates[choice]
    act_as(session, by)
    jobs.belongs_to(session, job)  # so that taking the import back takes this away too
    asset = assets.store_one(session, doubt.record, shapely.Point(_degrees(chosen, "lon"), _degrees(chosen, "lat")))
    jobs.belongs_to(session, None)
    _decide(session, doubt, choice, by)
    return asset


def drop(session: Session, doubt_id: int, by: str) -> None:
    """Say that none of the candidates is right: nothing is stored. Raises NotFound or Conflict as `choose` does."""
    doubt, _ = _open(session, doubt_id)
    _decide(session, doubt, None, by)


def _open(session: Session, doubt_id: int) -> tuple[AddressDoubt, ImportJob]:
    """Read a doubt to decide on it, and hold off all others: imports, undoing, and other people's decisions."""
    jobs.lock(session)
    locked = select(AddressDoubt).where(AddressDoubt.id == doubt_id).with_for_update()
    doubt = session.scalar(locked.execution_options(populate_existing=True))
    if doubt is None:
        raise NotFound(f"There is no doubtful address {doubt_id}.")
    job = jobs.one(session, doubt.job_id)
    if job.status != JobStatus.done:
        raise Conflict(f"The import of this address is {job.status.value}: there is nothing to decide.")
    if doubt.decided_at is not None:
        raise Conflict(f"{doubt.decided_by} has decided on this address already, on {doubt.decided_at:%Y-%m-%d}.")
    return doubt, job


def _must_be_untouched(session: Session, doubt: AddressDoubt, job: ImportJob) -> None:
    """Refuse where somebody, or a later import, wrote the record since: the row of the file would put that back."""
    known = select(Asset.id).where(
        Asset.source == doubt.record["source"], Asset.source_id == doubt.record["source_id"]
    ).with_for_update()  # fmt: skip
    stored = session.scalar(known)
    if stored is None:
        return
    asked = {"item": str(stored), "job": job.id, "done_at": job.done_at}
    for by, file in session.execute(text(SINCE), asked):
        raise Conflict(
            f"This record was changed since by {file or by}: say that no address is right, and correct it by hand."
        )


# What came after the import has a later number than its rows, or a later time than its end.
SINCE = """SELECT h.changed_by, j.file_name FROM history h LEFT JOIN import_job j ON j.id = h.job_id
WHERE h.row_table IN ('asset', 'asset_catchment') AND h.row_id = :item AND h.job_id IS DISTINCT FROM :job
  AND j.status IS DISTINCT FROM 'undone'
  AND (h.row_table = 'asset_catchment' OR h.before - '{neighbourhood_id,version,updated_at}'::text[]
    IS DISTINCT FROM h.after - '{neighbourhood_id,version,updated_at}'::text[])
  AND coalesce(j.what, '') NOT IN ('boundaries', 'demo')
  AND (h.changed_at > :done_at OR j.done_at > :done_at OR h.id > (SELECT min(id) FROM history WHERE job_id = :job))
ORDER BY h.id DESC LIMIT 1"""


def _decide(session: Session, doubt: AddressDoubt, choice: int | None, by: str) -> None:
    doubt.decided_at, doubt.decided_by, doubt.choice = datetime.now(UTC), by, choice
    session.flush()


def _degrees(candidate: dict[str, object], axis: str) -> float:
    return float(str(candidate[axis]))
