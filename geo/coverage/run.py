"""One dated run: read the neighbourhoods and assets, compute every subject's gaps, store them in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.coverage import demand, gaps, walks
from geo.coverage.demand import LATTICE_M, Ints
from geo.coverage.gaps import Gap, Places, Reach
from geo.coverage.walks import Walks
from geo.errors import Conflict, InvalidInput
from geo.models import Asset, Catchment, Coverage, CoverageRun, Neighbourhood
from geo.privacy import VISITOR, current, published_count, seen_assets
from geo.vocabulary import SERVICES, Kind, Level

RUN_LOCK = 0x6B616173  # one run at a time
PLACES = [kind for kind in Kind if kind != Kind.volunteer]
Areas = Sequence[tuple[Neighbourhood, BaseGeometry]]


class Found(NamedTuple):
    """An asset as a run sees it: what the public sees, with its place in RD New if it has one."""

    id: UUID
    kind: Kind
    services: list[str]
    shape: BaseGeometry | None


class Subject(NamedTuple):
    """A kind or a service, and the indexes of its assets."""

    kind: Kind | None
    service: str | None
    assets: Ints


def run(session: Session, *, norm_m: float, detour: float, key: bytes) -> CoverageRun:
    """Compute the coverage of all neighbourhoods in force, and store it as a new run; its year is the newest of theirs.

    norm_m   the walking distance that counts as within reach, metres, inclusive
    detour   walking metres per metre as the crow flies
    key      of the repeatable rounding of numbers of volunteers
    raises   Conflict while another run is being made; InvalidInput where no neighbourhood is stored
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(RUN_LOCK))):
        raise Conflict("Another coverage run is being made. Try again when it is done.")
    areas = neighbourhoods.outlines(session)
    years = [row.year for row, _ in areas if row.level != Level.drawn]
    if not any(row.level == Level.buurt for row, _ in areas):
        raise InvalidInput("There are no neighbourhoods to compute coverage for: load boundaries first.")
    assets = _assets(session)
    given = _reach(areas, assets, _catchments(session), norm_m, detour)
    made = CoverageRun(
        year=max(years), norm_m=norm_m, detour=detour, lattice_m=LATTICE_M, counts=_counts(given, areas, assets),
        code_version=version("levende-kaart"),
    )  # fmt: skip
    session.add(made)
    session.flush()
    rows = [*_place_rows(given, areas, assets), *_volunteer_rows(areas, _volunteers(session), key)]
    session.execute(insert(Coverage), [{"run_id": made.id, **row} for row in rows])
    session.execute(text("ANALYZE coverage"))
    return made


def _assets(session: Session) -> list[Found]:
    """Read the assets that the public sees, in order of id: ties go to the lowest."""
    rows = session.execute(
        select(Asset.id, Asset.kind, Asset.services, Asset.place, Asset.area)
        .where(seen_assets(VISITOR))
        .order_by(Asset.id)
    )
    return [Found(asset, kind, services, _in_metres(place or area)) for asset, kind, services, place, area in rows]


def _in_metres(shape: WKBElement | None) -> BaseGeometry | None:
    return None if shape is None else neighbourhoods.to_rd(to_shape(shape))


def _catchments(session: Session) -> dict[UUID, list[str]]:
    served: dict[UUID, list[str]] = {}
    for asset, area in session.execute(select(Catchment.asset_id, Catchment.neighbourhood_id)):
        served.setdefault(asset, []).append(area)
    return served


def _reach(
    areas: Areas, assets: Sequence[Found], catchments: Mapping[UUID, list[str]], norm_m: float, detour: float
) -> Reach:
    """Lay out residents, places and walks for all subjects at once."""
    ids = {row.id: i for i, (row, _) in enumerate(areas)}
    buurten = [i for i, (row, _) in enumerate(areas) if row.level == Level.buurt]
    people, lies = demand.spread([areas[i][1] for i in buurten], [areas[i][0].residents or 0 for i in buurten])
    belongs = _belongs(areas, ids, np.array(buurten, dtype=np.int64)[lies.area], people)
    known = np.array([row.level != Level.buurt or row.residents is not None for row, _ in areas])
    served = _served(assets, catchments, ids, demand.points_by_area(belongs, len(areas)))
    placed = [i for i, found in enumerate(assets) if found.shape is not None]
    spots = [shape.representative_point() for i in placed if (shape := assets[i].shape) is not None]
    within = demand.inside(np.array([spot.coords[0] for spot in spots]).reshape(-1, 2), [o for _, o in areas])
    inside = within.area * max(len(assets), 1) + np.array(placed, dtype=np.int64)[within.point]
    places = Places([found.shape for found in assets], served, inside)
    return gaps.reach(people, belongs, known, places, norm_m, detour)


def _served(
    assets: Sequence[Found], catchments: Mapping[UUID, list[str]], ids: Mapping[str, int], points: Sequence[Ints]
) -> Walks:
    """Pair assets without a place with the points of the neighbourhoods that they say they serve."""
    pairs = [
        (points[ids[area]], index)
        for index, asset in enumerate(assets)
        if asset.shape is None
        for area in catchments.get(asset.id, [])
        if area in ids
    ]
    none = np.empty(0, dtype=np.int64)
    point = np.concatenate([none, *(of for of, _ in pairs)])
    return walks.served(point, np.concatenate([none, *(np.full(len(of), index) for of, index in pairs)]))


def _belongs(areas: Areas, ids: Mapping[str, int], buurt: Ints, people: demand.Demand) -> demand.Belongs:
    """Say to which areas each point belongs: its buurt, all above it, and the drawn ones that it lies in."""
    points = np.arange(len(buurt))
    point, area = [points], [buurt]
    above = np.array([ids.get(row.parent_id or "", -1) for row, _ in areas], dtype=np.int64)
    upper = above[buurt]
    while (upper >= 0).any():
        has = upper >= 0
        point.append(points[has])
        area.append(upper[has])
        upper = np.where(has, above[upper], -1)
    drawn = [i for i, (row, _) in enumerate(areas) if row.level == Level.drawn]
    inside = demand.inside(people.xy, [areas[i][1] for i in drawn])
    point.append(inside.point)
    area.append(np.array(drawn, dtype=np.int64)[inside.area])
    return demand.Belongs(np.concatenate(point), np.concatenate(area))


def _subjects(assets: Sequence[Found]) -> Iterator[Subject]:
    for kind in PLACES:
        yield Subject(kind, None, np.flatnonzero([found.kind == kind for found in assets]))
    for service in SERVICES:
        yield Subject(None, service, np.flatnonzero([service in found.services for found in assets]))


def _place_rows(given: Reach, areas: Areas, assets: Sequence[Found]) -> Iterator[dict[str, Any]]:
    for subject in _subjects(assets):
        for (area, _), gap in zip(areas, gaps.gaps(given, subject.assets), strict=True):
            yield _row(area, subject, gap, assets)


def _row(area: Neighbourhood, subject: Subject, gap: Gap, assets: Sequence[Found]) -> dict[str, Any]:
    figures = gap._asdict()
    nearest = figures.pop("nearest")
    nearest_id = None if nearest is None else assets[nearest].id
    subject_of = {"kind": subject.kind, "service": subject.service, "volunteers": None, "per_1000": None}
    return {"neighbourhood_id": area.id, **subject_of, **figures, "nearest_id": nearest_id}


def _volunteers(session: Session) -> dict[tuple[str, str | None], int]:
    """Count volunteers by neighbourhood and service; None stands for all services together."""
    counts: dict[tuple[str, str | None], int] = {}
    rows = session.execute(
        select(Neighbourhood.id, Asset.services)
        .join(Neighbourhood, Asset.neighbourhood_id == Neighbourhood.id)
        .where(Asset.kind == Kind.volunteer, current())
    )
    for area, services in rows:
        for service in (None, *services):
            counts[area, service] = counts.get((area, service), 0) + 1
    return counts


def _volunteer_rows(areas: Areas, counts: Mapping[tuple[str, str | None], int], key: bytes) -> Iterator[dict[str, Any]]:
    """Give the published number per official neighbourhood and service, and that number per 1,000 residents."""
    official = [row for row, _ in areas if row.level != Level.drawn]
    totals = _totals(official, counts)
    empty = {field: None for field in Gap._fields if field != "nearest"} | {"nearest_id": None}
    for area in official:
        for service in (None, *SERVICES):
            number = published_count(key, f"{area.code}|{service or ''}", totals.get((area.id, service), 0))
            residents = area.residents
            rate = None if number is None or not residents else number / residents * 1000
            subject = {"kind": Kind.volunteer, "service": service, "volunteers": number, "per_1000": rate}
            yield {"neighbourhood_id": area.id, **empty, "residents": residents, **subject}


def _totals(
    official: Sequence[Neighbourhood], counts: Mapping[tuple[str, str | None], int]
) -> dict[tuple[str, str | None], int]:
    """Add what is counted in a neighbourhood to all above it."""
    above = {row.id: row.parent_id for row in official}
    totals: dict[tuple[str, str | None], int] = {}
    for (area, service), count in counts.items():
        at: str | None = area
        while at:
            totals[at, service] = totals.get((at, service), 0) + count
            at = above.get(at)
    return totals


def _counts(given: Reach, areas: Areas, assets: Sequence[Found]) -> dict[str, float]:
    """Keep beside a run what it was made from, so that a reader can judge it."""
    unknown = sum(1 for row, _ in areas if row.level == Level.buurt and row.residents is None)
    served = set(given.places.served.asset.tolist())
    homeless = [i for i, found in enumerate(assets) if found.shape is None and i not in served]
    return {
        "areas": len(areas),
        "points": len(given.demand.residents),
        "residents": float(given.demand.residents.sum()),
        "areas_without_residents": unknown,
        "assets": len(assets),
        "assets_without_place_or_catchment": len(homeless),
    }
