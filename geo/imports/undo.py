"""Taking one import back, from what the history keeps of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, column, delete, not_, select, table, text, update
from sqlalchemy.orm import Session

from geo import neighbourhoods, whereabouts
from geo.base import Base
from geo.errors import Conflict
from geo.imports import jobs
from geo.imports.models import AddressDoubt, Square
from geo.models import Activity, Asset, Catchment, Coverage, CoverageRun, ImportJob, Neighbourhood, Organisation
from geo.vocabulary import JobStatus

FIND_WRITTEN = (Path(__file__).parent / "undo.sql").read_text(encoding="utf-8")
KEPT_BY_THE_DATABASE = {"id", "words", "overview", "created_at", "updated_at", "version"}
WRITTEN = table("written", column("row_id"), column("inserted"), column("gone"), column("changed_since"))
ADDED = and_(WRITTEN.c.inserted, not_(WRITTEN.c.gone), not_(WRITTEN.c.changed_since))
CHANGED = and_(not_(WRITTEN.c.inserted), not_(WRITTEN.c.gone), not_(WRITTEN.c.changed_since))


def undo(session: Session, job_id: UUID, by: str) -> dict[str, int]:
    """Take an import back: what it added goes, what it changed becomes what it was.

    What somebody changed since stays as it is and is counted as `kept`. Coverage runs on neighbourhoods that go
    with it go too, counted as `runs`.

    raises NotFound; Conflict where it is not done, another import is at work, or neighbourhoods or squares of it were
           changed since
    """
    jobs.be_alone(session, by)
    job = jobs.one(session, job_id)
    if job.status != JobStatus.done:
        raise Conflict(f"This import is {job.status.value}: there is nothing to take back.")
    counts = {"restored": 0, "removed": 0, "kept": 0, "runs": 0}
    session.execute(delete(AddressDoubt).where(AddressDoubt.job_id == job.id))
    session.execute(text("SELECT set_config('kaart.job', :job, true)"), {"job": str(job.id)})
    _catchments(session, job)
    for records in (Activity, Asset):
        _records(session, job, records, counts)
    _neighbourhoods(session, job, counts)
    _squares(session, job, counts)
    _organisations(session, job)
    session.execute(text("SELECT set_config('kaart.job', '', true)"))
    job.status, job.undone_at, job.undone_by = JobStatus.undone, datetime.now(UTC), by
    session.flush()
    session.expire_all()
    return counts


def _find_written(session: Session, job: ImportJob, of: type[Base]) -> None:
    """Fill the table `written` with the rows of one table that the import wrote."""
    session.execute(text("DROP TABLE IF EXISTS written"))
    session.execute(text(FIND_WRITTEN), {"job": job.id, "row_table": of.__tablename__})


def _ids(session: Session, which: ColumnElement[bool]) -> Sequence[str]:
    return session.scalars(select(WRITTEN.c.row_id).where(which).order_by(WRITTEN.c.row_id)).all()


def _restore(session: Session, of: type[Base]) -> int:
    """Write what the history keeps back into the rows that the import changed; gives how many."""
    name = of.__tablename__
    columns = [each.name for each in of.__table__.columns if each.name not in KEPT_BY_THE_DATABASE]
    names, values = ", ".join(columns), ", ".join(f"past.{each}" for each in columns)
    statement = (
        f"UPDATE {name} SET ({names}) = (SELECT {values} FROM jsonb_populate_record(NULL::{name}, w.before) past) "  # noqa: S608
        f"FROM written w WHERE w.row_id = {name}.id::text AND NOT w.inserted AND NOT w.gone AND NOT w.changed_since"
    )
    session.execute(text(statement))  # names of our own tables only
    return len(_ids(session, CHANGED))


def _records(session: Session, job: ImportJob, of: type[Asset] | type[Activity], counts: dict[str, int]) -> None:
    _find_written(session, job, of)
    if of is Asset:  # an asset on which somebody hung an activity since is kept
        hung = select(cast(Activity.asset_id, Text)).where(Activity.asset_id.is_not(None))
        used = update(WRITTEN).where(WRITTEN.c.row_id.in_(hung)).values(changed_since=True)
        session.execute(used.where(WRITTEN.c.inserted))
    counts["kept"] += len(_ids(session, WRITTEN.c.changed_since))
    counts["restored"] += _restore(session, of)
    counts["removed"] += len(_ids(session, ADDED))
    session.execute(delete(of).where(cast(of.id, Text).in_(select(WRITTEN.c.row_id).where(ADDED))))


def _catchments(session: Session, job: ImportJob) -> None:
    """Bring back whom assets served: a pair has no life of its own, so it is put back or taken away."""
    for statement in CATCHMENTS:
        session.execute(text(statement), {"job": job.id} if ":job" in statement else {})


CATCHMENTS = (
    "DROP TABLE IF EXISTS pg_temp.pairs",  # what this very undo does is kept under the same job: look before
    """CREATE TEMP TABLE pairs ON COMMIT DROP AS
    SELECT coalesce(before, after)->>'asset_id' AS asset_id, before->>'neighbourhood_id' AS was,
      after->>'neighbourhood_id' AS became
    FROM history WHERE job_id = :job AND row_table = 'asset_catchment'""",
    """DELETE FROM asset_catchment c USING pairs p
    WHERE c.asset_id::text = p.asset_id AND c.neighbourhood_id = p.became""",
    """INSERT INTO asset_catchment (asset_id, neighbourhood_id)
    SELECT DISTINCT a.id, n.id FROM pairs p JOIN asset a ON a.id::text = p.asset_id JOIN neighbourhood n ON n.id = p.was
    ON CONFLICT DO NOTHING""",
)


def _neighbourhoods(session: Session, job: ImportJob, counts: dict[str, int]) -> None:
    """Bring neighbourhoods back; records that lie in one that goes are pointed to one that stays."""
    _find_written(session, job, Neighbourhood)
    _none_changed_since(session, job)
    restored, going = _ids(session, CHANGED), _ids(session, ADDED)
    if not restored and not going:
        return
    redrawn = session.scalars(text(REDRAWN)).all()
    counts["restored"] += _restore(session, Neighbourhood)
    _none_lies_in(session, job, going)
    neighbourhoods.renew_overviews(session, redrawn)
    session.execute(update(Neighbourhood).where(Neighbourhood.id.in_(going)).values(in_force=False))
    whereabouts.repoint(session)
    session.execute(delete(Catchment).where(Catchment.neighbourhood_id.in_(going)))
    for records in (Asset, Activity):  # what nothing in force answers to
        session.execute(update(records).where(records.neighbourhood_id.in_(going)).values(neighbourhood_id=None))
    runs = select(Coverage.run_id).where(Coverage.neighbourhood_id.in_(going)).distinct()
    gone = session.scalars(delete(CoverageRun).where(CoverageRun.id.in_(runs)).returning(CoverageRun.id)).all()
    session.execute(delete(Neighbourhood).where(Neighbourhood.id.in_(going)))
    if neighbourhoods.judge(session):  # what came after this import, and was out of force because of it
        whereabouts.repoint(session)
    counts["runs"] += len(gone)
    counts["removed"] += len(going)


REDRAWN = """SELECT n.id FROM neighbourhood n JOIN written w ON w.row_id = n.id
WHERE NOT w.inserted AND w.before->>'geom' IS DISTINCT FROM n.geom::text ORDER BY n.id"""


def _none_lies_in(session: Session, job: ImportJob, going: Sequence[str]) -> None:
    """Refuse where a later import put areas into some that go."""
    parts = select(Neighbourhood.id).where(Neighbourhood.parent_id.in_(going), Neighbourhood.id.not_in(going))
    if found := session.scalars(parts.order_by(Neighbourhood.id).limit(3)).all():
        told = ", ".join(found)
        raise Conflict(
            f"Areas of later imports lie in those of {job.file_name} ({told}): take later imports back first."
        )


def _squares(session: Session, job: ImportJob, counts: dict[str, int]) -> None:
    _find_written(session, job, Square)
    _none_changed_since(session, job)
    if taken := session.scalars(text(TAKEN_OVER), {"job": str(job.id)}).all():
        told = ", ".join(taken)
        raise Conflict(f"A later import changed squares of {job.file_name} ({told}): take that one back first.")
    counts["restored"] += _restore(session, Square)
    gone = session.execute(delete(Square).where(Square.job_id == job.id))
    counts["removed"] += int(gone.rowcount)  # type: ignore[attr-defined]


# Squares come without history, and carry the import that wrote them last: one that was of this import and is no more.
TAKEN_OVER = """SELECT DISTINCT s.id FROM square s JOIN history h ON h.row_table = 'square' AND h.row_id = s.id
WHERE h.before->>'job_id' = :job AND s.job_id::text <> :job ORDER BY s.id LIMIT 3"""


def _none_changed_since(session: Session, job: ImportJob) -> None:
    if changed := _ids(session, WRITTEN.c.changed_since):
        told = ", ".join(changed[:3])
        raise Conflict(
            f"{len(changed)} of what {job.file_name} brought was changed since ({told}): take later imports back first."
        )


def _organisations(session: Session, job: ImportJob) -> None:
    """Take away the organisations that came with the import and run nothing any more."""
    _find_written(session, job, Organisation)
    _restore(session, Organisation)
    used = select(Asset.organisation_id).where(Asset.organisation_id.is_not(None))
    added = select(WRITTEN.c.row_id).where(ADDED)
    session.execute(delete(Organisation).where(cast(Organisation.id, Text).in_(added), Organisation.id.not_in(used)))
