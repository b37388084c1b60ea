"""The results of coverage runs, as a collection."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Case, ColumnElement, FromClause, Select, and_, case, func, select, true
from sqlalchemy.orm import Session

from geo.collections import Collection, Columns, Wanted, in_box, own, within
from geo.coverage.models import Coverage, CoverageRun
from geo.errors import NotFound
from geo.models import Asset, Neighbourhood
from geo.privacy import seen_assets
from geo.rights import Viewer
from geo.vocabulary import Kind, Level, RunStatus, Term

LEVELS = list(Level)
Found = TypeVar("Found")


def _columns(_wanted: Wanted) -> Columns:
    return {
        **own(Coverage),
        "run": Coverage.run_id,
        "computed_at": CoverageRun.computed_at,
        "norm_m": CoverageRun.norm_m,
        "neighbourhood": Neighbourhood.id,
        "code": Neighbourhood.code,
        "name": Neighbourhood.name,
        "level": Neighbourhood.level,
        "schematic": Neighbourhood.schematic,
        "nearest_id": Asset.id,
        "nearest_name": Asset.name,
    }


def _source(viewer: Viewer) -> FromClause:
    nearest = and_(Coverage.nearest_id == Asset.id, Asset.kind != Kind.volunteer, seen_assets(viewer))
    joined = Coverage.__table__.join(CoverageRun, Coverage.run_id == CoverageRun.id)
    return joined.join(Neighbourhood, Coverage.neighbourhood_id == Neighbourhood.id).outerjoin(Asset, nearest)


def _unasked(wanted: Wanted) -> ColumnElement[bool]:
    """Without a run asked for, the live state is meant, or the newest run where there is none."""
    newest = _newest(select(CoverageRun.id)).limit(1)
    of_run = true() if wanted.run else Coverage.run_id == newest.scalar_subquery()
    return and_(of_run, _of_subject(wanted))


def _newest(runs: Select[Found]) -> Select[Found]:
    """Order runs that are done: the live state, then the newest."""
    done = runs.where(CoverageRun.status == RunStatus.done)
    return done.order_by(CoverageRun.live.desc(), CoverageRun.computed_at.desc(), CoverageRun.id)


def _of_subject(wanted: Wanted) -> ColumnElement[bool]:
    """A kind is asked for as a whole unless services are asked for too; a service, without its volunteers."""
    if wanted.kind and not wanted.service:
        return Coverage.service.is_(None)
    if wanted.service and not wanted.kind:
        return Coverage.kind.is_(None)
    return true()


def _level_rank() -> Case[int]:
    return case({level: rank for rank, level in enumerate(LEVELS)}, value=Neighbourhood.level)


SHOWN = Collection(
    title=Term("Bereik en gaten", "Coverage and gaps"),
    about=Term(
        "Per buurt en per soort of dienst: hoeveel bewoners er een op loopafstand hebben.",
        "For each neighbourhood and kind or service: how many residents have one within walking distance.",
    ),
    id=Coverage.id,
    key=lambda item: int(item) if item.isascii() and item.isdecimal() and len(item) < 19 else None,
    geometry=Neighbourhood.overview,
    geometries=(Neighbourhood.geom,),
    columns=_columns,
    source=_source,
    seen=lambda _viewer: true(),
    unasked=_unasked,
    parts=("coverage", "assets", "neighbourhoods"),
    origin=(Neighbourhood.source, Neighbourhood.licence),
    order=(_level_rank(), Neighbourhood.code, Coverage.kind, Coverage.service, Coverage.id),
    filters={
        "bbox": lambda box: in_box(Neighbourhood.geom, box),
        "level": Neighbourhood.level.in_,
        "kind": Coverage.kind.in_,
        "service": Coverage.service.in_,
        "neighbourhood": lambda top: Neighbourhood.id.in_(within(top)),
        "q": lambda q: func.lower(Neighbourhood.name).contains(q.lower(), autoescape=True),
        "datetime": lambda _days: true(),  # it has no time of its own, so it matches any
        "run": lambda run: Coverage.run_id == run,
    },
)


def runs(session: Session, limit: int = 100) -> Sequence[CoverageRun]:
    """Give the dated runs that are kept, whatever became of them, the newest first; not the live state."""
    newest = select(CoverageRun).where(~CoverageRun.live).order_by(CoverageRun.computed_at.desc(), CoverageRun.id)
    return session.scalars(newest.limit(limit)).all()


def latest(session: Session) -> CoverageRun | None:
    """Give the live state, or the newest run that is done where there is none; None before the first."""
    return session.scalar(_newest(select(CoverageRun)).limit(1))


def kept(session: Session, run_id: object) -> CoverageRun:
    """Find one run. Raises NotFound."""
    found = session.get(CoverageRun, run_id)
    if found is None:
        raise NotFound(f"There is no coverage run {str(run_id)!r}.")
    return found
