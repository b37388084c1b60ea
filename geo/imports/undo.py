"""Taking one import back, from what the history keeps of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, column, delete, func, not_, or_, select, table, text, update
from sqlalchemy.orm import Session

from geo import neighbourhoods, whereabouts
from geo.base import Base
from geo.coverage.models import Coverage, CoverageRun, DemandAddress
from geo.errors import Conflict
from geo.imports import jobs, network
from geo.imports.models import AddressDoubt, Square
from geo.models import Activity, Asset, Catchment, History, ImportJob, Neighbourhood, Organisation
from geo.sql import statements
from geo.vocabulary import JobStatus

(
    FORGET, FIND_WRITTEN, FORGET_PAIRS, FIND_PAIRS, TAKE_PAIRS, GIVE_PAIRS,
    REDRAWN, TAKEN_OVER, STRANDED, ORGANISATIONS,
) = statements("imports/undo.sql")  # fmt: skip
KEPT_BY_THE_DATABASE = {"id", "words", "overview", "outline", "created_at", "updated_at", "version"}
# Under which names the history keeps what belongs to a row; else under the name of its table only.
KEPT_AS: dict[type[Base], list[str]] = {Asset: ["asset", "asset_catchment", "asset_secret"]}
WRITTEN = table("written", *map(column, "row_id before told inserted gone changed_since lay_in later".split()))
ADDED = and_(WRITTEN.c.inserted, not_(WRITTEN.c.gone), not_(WRITTEN.c.changed_since))
CHANGED = and_(WRITTEN.c.told, not_(or_(WRITTEN.c.inserted, WRITTEN.c.gone, WRITTEN.c.changed_since)))


def undo(session: Session, job_id: UUID, by: str) -> dict[str, int]:
    """Take an import back: what it added goes, what it changed becomes what it was.

    What somebody changed since stays as it is and is counted as `kept`. Coverage runs on neighbourhoods that go
    with it go too, counted as `runs`.

    raises NotFound; Conflict where it is not done, another import is at work, a later import changed what it wrote,
           neighbourhoods of it were changed since, or records of others would be nowhere without them: then nothing
           is taken back
    """
    jobs.be_alone(session, by)
    job = jobs.one(session, job_id)
    if job.status != JobStatus.done:
        raise Conflict(f"This import is {job.status.value}: there is nothing to take back.")
    counts = {"restored": 0, "removed": 0, "kept": 0, "runs": 0}
    with session.begin_nested():
        jobs.belongs_to(session, job)
        for of in (Asset, Activity, Neighbourhood):
            _hold(session, job, of)
        session.execute(delete(AddressDoubt).where(AddressDoubt.job_id == job.id))
        for records in (Activity, Asset):
            _records(session, job, records, counts)
        if counts["restored"]:
            whereabouts.repoint(session)
        _neighbourhoods(session, job, counts)
        _squares(session, job, counts)
        _streets(session, job, counts)
        gone = session.execute(delete(DemandAddress).where(DemandAddress.job_id == job.id))
        counts["removed"] += int(gone.rowcount)  # type: ignore[attr-defined]
        _organisations(session, job)
    jobs.belongs_to(session, None)
    job.status, job.undone_at, job.undone_by = JobStatus.undone, datetime.now(UTC), by
    session.flush()
    session.expire_all()
    return counts


def _hold(session: Session, job: ImportJob, of: type[Asset] | type[Activity] | type[Neighbourhood]) -> None:
    """Wait for what others are saving in rows of the import, and keep them from more until the transaction ends."""
    named = select(History.row_id).where(History.job_id == job.id, History.row_table.in_(_kept_as(of)))
    rows = select(of.id).where(cast(of.id, Text).in_(named)).order_by(of.id).with_for_update()
    session.execute(select(func.count()).select_from(rows.subquery()))


def _kept_as(of: type[Base]) -> list[str]:
    return KEPT_AS.get(of, [of.__tablename__])


def _find_written(session: Session, job: ImportJob, of: type[Base]) -> None:
    """Fill the table `written` with the rows of one table that the import wrote. Conflict where a later one did."""
    session.execute(text(FORGET))
    session.execute(text(FIND_WRITTEN), {"job": job.id, "row_table": of.__tablename__, "kept_as": _kept_as(of)})
    later = and_(WRITTEN.c.later.is_not(None), not_(WRITTEN.c.gone))
    if of is not Organisation and (changed := _count(session, later)):
        told = session.scalars(select(WRITTEN.c.later).where(later).distinct().order_by(WRITTEN.c.later).limit(3)).all()
        raise Conflict(
            f"{changed} of what {job.file_name} brought was changed by {', '.join(told)} since: "
            "take later imports back first."
        )


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(WRITTEN).where(which)) or 0


def _restore(session: Session, of: type[Base]) -> int:
    """Write what the history keeps back into the rows that the import changed; gives how many.

    What a row belonged to and is there no longer is left empty; the area it lay in, where it lies now.
    """
    name = of.__tablename__
    columns = [each for each in of.__table__.columns if each.name not in KEPT_BY_THE_DATABASE]
    values = []
    for each in columns:
        value = f"past.{each.name}"
        for key in each.foreign_keys:
            there = f"(SELECT f.id FROM {key.column.table.name} f WHERE f.id = {value})"  # noqa: S608
            stays = f"CASE WHEN {value} IS NOT NULL THEN coalesce({there}, {name}.{each.name}) END"
            value = stays if each.name == "neighbourhood_id" else there
        values.append(value)
    statement = (
        f"UPDATE {name} SET ({', '.join(each.name for each in columns)}) = "  # noqa: S608
        f"(SELECT {', '.join(values)} FROM jsonb_populate_record(NULL::{name}, w.before) past) FROM written w "
        f"WHERE w.row_id = {name}.id::text AND w.told AND NOT (w.inserted OR w.gone OR w.changed_since)"
    )
    session.execute(text(statement))  # names of our own tables only
    return _count(session, CHANGED)


def _lay(session: Session, of: type[Asset] | type[Activity]) -> None:
    """Put back what the import only pointed to another area, where it lies there still and the old one is there."""
    past = WRITTEN.c.before.op("->>")("neighbourhood_id")
    moved = and_(not_(WRITTEN.c.told), WRITTEN.c.row_id == cast(of.id, Text), WRITTEN.c.lay_in == of.neighbourhood_id)
    session.execute(
        update(of).values(neighbourhood_id=past).where(moved, past == Neighbourhood.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _records(session: Session, job: ImportJob, of: type[Asset] | type[Activity], counts: dict[str, int]) -> None:
    _find_written(session, job, of)
    if of is Asset:
        _catchments(session, job)
        # an asset on which somebody hung an activity since is kept
        hung = select(cast(Activity.asset_id, Text)).where(Activity.asset_id.is_not(None))
        used = update(WRITTEN).where(WRITTEN.c.row_id.in_(hung)).values(changed_since=True)
        session.execute(used.where(WRITTEN.c.inserted))
    counts["kept"] += _count(session, and_(WRITTEN.c.told, WRITTEN.c.changed_since))
    counts["restored"] += _restore(session, of)
    _lay(session, of)
    counts["removed"] += _count(session, ADDED)
    gone = delete(of).where(cast(of.id, Text).in_(select(WRITTEN.c.row_id).where(ADDED)))
    session.execute(gone.execution_options(synchronize_session=False))


def _catchments(session: Session, job: ImportJob) -> None:
    """Bring back whom assets served: a pair has no life of its own, so it is put back or taken away."""
    for statement in (FORGET_PAIRS, FIND_PAIRS, TAKE_PAIRS, GIVE_PAIRS):
        session.execute(text(statement), {"job": job.id} if ":job" in statement else {})


def _neighbourhoods(session: Session, job: ImportJob, counts: dict[str, int]) -> None:
    """Bring neighbourhoods back; records that lie in one that goes are pointed to one that stays."""
    _find_written(session, job, Neighbourhood)
    _none_changed_since(session, job)
    going = session.scalars(select(WRITTEN.c.row_id).where(ADDED).order_by(WRITTEN.c.row_id)).all()
    if not going and not _count(session, CHANGED):
        return
    redrawn = session.scalars(text(REDRAWN)).all()
    counts["restored"] += _restore(session, Neighbourhood)
    _none_lies_in(session, job, going)
    neighbourhoods.renew_overviews(session, redrawn)
    session.execute(update(Neighbourhood).where(Neighbourhood.id.in_(going)).values(in_force=False))
    whereabouts.repoint(session)
    _none_stands_in(session, job, going)
    session.execute(delete(Catchment).where(Catchment.neighbourhood_id.in_(going)))
    for records in (Asset, Activity):  # what nothing in force answers to
        session.execute(update(records).where(records.neighbourhood_id.in_(going)).values(neighbourhood_id=None))
    runs = select(Coverage.run_id).where(Coverage.neighbourhood_id.in_(going)).distinct()
    gone = session.scalars(delete(CoverageRun).where(CoverageRun.id.in_(runs)).returning(CoverageRun.live)).all()
    session.execute(delete(Neighbourhood).where(Neighbourhood.id.in_(going)))
    if neighbourhoods.judge(session):  # what came after this import, and was out of force because of it
        whereabouts.repoint(session)
    counts["runs"] += gone.count(False)  # the live state is none
    counts["removed"] += len(going)


def _none_lies_in(session: Session, job: ImportJob, going: Sequence[str]) -> None:
    """Refuse where a later import put areas into some that go."""
    parts = select(Neighbourhood.id).where(Neighbourhood.parent_id.in_(going), Neighbourhood.id.not_in(going))
    if found := session.scalars(parts.order_by(Neighbourhood.id).limit(3)).all():
        told = ", ".join(found)
        raise Conflict(
            f"Areas of later imports lie in those of {job.file_name} ({told}): take later imports back first."
        )


def _none_stands_in(session: Session, job: ImportJob, going: Sequence[str]) -> None:
    """Refuse where others put records, without a place of their own, or catchments only into areas that go."""
    if found := session.execute(text(STRANDED), {"job": job.id, "going": list(going)}).all():
        told = ", ".join(each.name for each in found)
        raise Conflict(
            f"{found[0].records} records stand only in areas of {job.file_name} ({told}): move or archive them first."
        )


def _squares(session: Session, job: ImportJob, counts: dict[str, int]) -> None:
    _find_written(session, job, Square)
    _none_changed_since(session, job)
    if taken := session.scalars(text(TAKEN_OVER), {"job": job.id}).all():
        told = ", ".join(taken)
        raise Conflict(f"A later import changed squares of {job.file_name} ({told}): take that one back first.")
    counts["restored"] += _restore(session, Square)
    gone = session.execute(delete(Square).where(Square.job_id == job.id))
    counts["removed"] += int(gone.rowcount)  # type: ignore[attr-defined]


def _streets(session: Session, job: ImportJob, counts: dict[str, int]) -> None:
    gone, back = network.take_back(session, job)
    counts["removed"] += gone
    counts["restored"] += back


def _none_changed_since(session: Session, job: ImportJob) -> None:
    if changed := _count(session, WRITTEN.c.changed_since):
        some = select(WRITTEN.c.row_id).where(WRITTEN.c.changed_since).order_by(WRITTEN.c.row_id).limit(3)
        told = ", ".join(session.scalars(some))
        raise Conflict(f"{changed} of what {job.file_name} brought was changed by hand since ({told}).")


def _organisations(session: Session, job: ImportJob) -> None:
    """Take away the organisations that came with the import and run nothing any more."""
    _find_written(session, job, Organisation)
    _restore(session, Organisation)
    session.execute(text(ORGANISATIONS), {"job": job.id})
