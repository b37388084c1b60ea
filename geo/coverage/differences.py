"""What differs between two coverage runs, neighbourhood by neighbourhood, and because of which assets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from geoalchemy2.shape import to_shape
from shapely import STRtree
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Numeric,
    Row,
    Select,
    Uuid,
    and_,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from geo import neighbourhoods
from geo.coverage import run
from geo.coverage.changes import Change, Span, changes
from geo.coverage.demand import Ints
from geo.coverage.models import Coverage, CoverageRun
from geo.coverage.policy import Policies
from geo.days import AMSTERDAM, today
from geo.errors import Conflict, Flaw, InvalidInput
from geo.models import Asset, Neighbourhood
from geo.privacy import seen_assets
from geo.rights import VISITOR
from geo.vocabulary import Kind, Level, RunStatus, What

WHEN = ("before", "after")
FIGURES = ("gap", "uncovered", "covered_share")
DIGITS = 6  # decimals beyond which figures count as the same
MOST_ASSETS = 20  # named with one difference
POLICY, DATA, TIME = "policy", "data", "time"
OF_ASSETS = (What.assets, What.osm)  # imports of which the history tells what they changed


class Because(NamedTuple):
    """An asset that may explain a difference; the name of one that the public does not see any more is not told."""

    asset: UUID
    name: str | None
    what: tuple[str, ...]


class Only(NamedTuple):
    """One neighbourhood, by its id, and one subject."""

    neighbourhood: str
    kind: Kind | None
    service: str | None


class Difference(NamedTuple):
    """One neighbourhood and subject of which two runs say something else.

    before, after  gap, uncovered and covered_share; None where it is not known
    because        assets that changed, whose old or new place lies within the norm of it, as the crow flies
    also           `policy` or `data` where those of the runs differ; `time` where nothing else explains it
    """

    neighbourhood: str
    code: str
    name: str
    level: Level
    kind: Kind | None
    service: str | None
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    because: Sequence[Because]
    also: Sequence[str]


class Differences(NamedTuple):
    """What differs, the largest change of the gap score first; `number` counts also what is not listed."""

    run: CoverageRun
    since: CoverageRun
    number: int
    listed: Sequence[Difference]


def between(
    session: Session, since: CoverageRun, made: CoverageRun, *, limit: int = 1000, only: Only | None = None
) -> Differences:
    """Compare a run with an earlier one. Kinds and services only: of volunteers nothing is compared.

    only    one neighbourhood and subject
    raises Conflict where one of them is not done; InvalidInput where `since` is the later one
    """
    for each in (since, made):
        if each.status != RunStatus.done:
            raise Conflict(f"The run {each.id} is {each.status.value}: only runs that are done can be compared.")
    if since.computed_at > made.computed_at:
        raise InvalidInput("Name the earlier run as `since`.", Flaw("since", "is later than the run"))
    wanted = _wanted(since.id, made.id, only)
    rows = session.execute(wanted.limit(limit)).all()
    number = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    found = changes(session, _span(since, made)) if rows else []
    because = _because(session, rows, found, (run.policies_of(since), run.policies_of(made)))
    also = {subject: _also(since, made, *subject) for subject in {(row.kind, row.service) for row in rows}}
    listed = [_difference(row, assets, also[row.kind, row.service]) for row, assets in zip(rows, because, strict=True)]
    return Differences(made, since, number, listed)


def _wanted(since: UUID, made: UUID, only: Only | None) -> Select[Any]:
    """Select the rows of which two runs say something else, the largest change of the gap score first."""
    old, new = aliased(Coverage), aliased(Coverage)
    same = and_(
        old.neighbourhood_id == new.neighbourhood_id,
        old.kind.is_not_distinct_from(new.kind),
        old.service.is_not_distinct_from(new.service),
    )
    pairs = [(getattr(old, name), getattr(new, name)) for name in FIGURES]
    differ = or_(*(_rounded(before).is_distinct_from(_rounded(after)) for before, after in pairs))
    most = func.abs(func.coalesce(new.gap, 0.0) - func.coalesce(old.gap, 0.0)).desc()
    columns = [column.label(f"{when}_{column.key}") for pair in pairs for when, column in zip(WHEN, pair, strict=True)]
    about = Neighbourhood.id, Neighbourhood.code, Neighbourhood.name, Neighbourhood.level
    asked: ColumnElement[bool] = true()
    if only is not None:
        subject = new.kind.is_not_distinct_from(only.kind), new.service.is_not_distinct_from(only.service)
        asked = and_(new.neighbourhood_id == only.neighbourhood, *subject)
    return (
        select(*about, new.kind, new.service, *columns)
        .join(new, same)
        .join(Neighbourhood, Neighbourhood.id == new.neighbourhood_id)
        .where(old.run_id == since, new.run_id == made, or_(new.kind.is_(None), new.kind != Kind.volunteer), differ)
        .where(asked)
        .order_by(most, Neighbourhood.id, new.kind, new.service, new.id)
    )


def _rounded(figure: ColumnElement[float | None]) -> ColumnElement[Any]:
    return func.round(cast(figure, Numeric), DIGITS)


def _span(since: CoverageRun, made: CoverageRun) -> Span:
    """Say which part of the history lies between two runs; the live state goes on to the last change there is."""
    until = None if made.live else _last(made)
    day = today() if made.live else _day(made)
    return Span(_last(since), until, _day(since), day)


def _last(made: CoverageRun) -> int:
    last = made.data.get("last_change")
    return last if isinstance(last, int) else 0


def _day(made: CoverageRun) -> date:
    return made.computed_at.astimezone(AMSTERDAM).date()


def _also(since: CoverageRun, made: CoverageRun, kind: Kind | None, service: str | None) -> list[str]:
    """Say what else than assets differs between two runs, for one subject."""
    one, other = (run.policies_of(each) for each in (since, made))
    policies = one.of(kind, service) != other.of(kind, service) or one.scale != other.scale
    data = _versions(since) != _versions(made)
    return [name for name, differs in ((POLICY, policies), (DATA, data)) if differs]


def _versions(made: CoverageRun) -> dict[str, object]:
    """Give what a run was made from besides the records of assets."""
    imports = made.data.get("imports")
    brought = (
        {what: moment for what, moment in imports.items() if what not in OF_ASSETS} if isinstance(imports, dict) else {}
    )
    return {**brought, **{name: made.data.get(name) for name in ("boundaries", "network_edges")}}


class _Concerned(NamedTuple):
    """The changes that concern one subject, with the places of each; `owner` says whose a place is, by index.

    serving  by neighbourhood: which serve just that
    within   by neighbourhood: which serve it or something in it
    """

    changes: Sequence[Change]
    places: STRtree
    owner: Ints
    norm_m: float
    serving: Mapping[str, set[int]]
    within: Mapping[str, set[int]]


def _because(
    session: Session, rows: Sequence[Row[Any]], found: Sequence[Change], policies: tuple[Policies, Policies]
) -> Iterator[list[Because]]:
    """Find for each row the assets that may explain it, in order of id."""
    outlines = _outlines(session, {row.id for row in rows})
    names = _names(session, found)
    above = session.execute(select(Neighbourhood.id, Neighbourhood.parent_id))
    parents: dict[str, str | None] = {row.id: row.parent_id for row in above}
    subjects = {(row.kind, row.service) for row in rows}
    concerned = {subject: _concerned(found, subject, policies, parents) for subject in subjects}
    for row in rows:
        of = concerned[row.kind, row.service]
        near = set(of.owner[of.places.query(outlines[row.id], predicate="dwithin", distance=of.norm_m)].tolist())
        for area in _upwards(parents, row.id):
            near.update(of.serving.get(area, ()))
        near.update(of.within.get(row.id, ()))
        touching = [of.changes[i] for i in sorted(near)]
        yield [Because(change.asset, names.get(change.asset), change.what) for change in touching]


def _concerned(
    found: Sequence[Change],
    subject: tuple[Kind | None, str | None],
    policies: tuple[Policies, Policies],
    parents: Mapping[str, str | None],
) -> _Concerned:
    kind, service = subject
    chosen = [change for change in found if (change.kind == kind if kind else service in change.services)]
    shapes = [(i, shape) for i, change in enumerate(chosen) for shape in change.shapes]
    owner = np.array([i for i, _ in shapes], dtype=np.int64)
    norm_m = max(each.of(kind, service).norm_m for each in policies)
    serving: dict[str, set[int]] = {}
    within: dict[str, set[int]] = {}
    for i, area in ((i, area) for i, change in enumerate(chosen) for area in change.serves):
        serving.setdefault(area, set()).add(i)
        for above in _upwards(parents, area):
            within.setdefault(above, set()).add(i)
    return _Concerned(chosen, STRtree([shape for _, shape in shapes]), owner, norm_m, serving, within)


def _outlines(session: Session, ids: Collection[str]) -> dict[str, BaseGeometry]:
    rows = session.execute(select(Neighbourhood.id, Neighbourhood.geom).where(Neighbourhood.id.in_(ids)))
    return {area: neighbourhoods.to_rd(to_shape(geom)) for area, geom in rows}


def _names(session: Session, found: Sequence[Change]) -> dict[UUID, str]:
    """Read the names of those that the public sees now."""
    named = literal([change.asset for change in found], ARRAY(Uuid))
    rows = session.execute(select(Asset.id, Asset.name).where(Asset.id == any_(named), seen_assets(VISITOR)))
    return {asset: name for asset, name in rows if name is not None}


def _upwards(parents: Mapping[str, str | None], area: str) -> set[str]:
    """Name a neighbourhood and all in which it lies."""
    found: set[str] = set()
    at: str | None = area
    while at is not None and at not in found:
        found.add(at)
        at = parents.get(at)
    return found


def _difference(row: Row[Any], because: Sequence[Because], also: Sequence[str]) -> Difference:
    before, after = ({name: getattr(row, f"{when}_{name}") for name in FIGURES} for when in WHEN)
    told = also if because or also else [TIME]
    about = (row.id, row.code, row.name, row.level, row.kind, row.service)
    return Difference(*about, before, after, because[:MOST_ASSETS], told)
