"""What a coverage run reads: neighbourhoods in force with the people in them, and the assets that the public sees."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.coverage import counted, edge, residents, zones
from geo.coverage.demand import Bools, Demand, Floats, Ints
from geo.coverage.network import Network
from geo.coverage.places import UNKNOWN_HOURS, Places
from geo.coverage.policy import Policies, Policy
from geo.coverage.residents import Buurt
from geo.coverage.streets import Streets
from geo.coverage.walks import Line, Walks
from geo.coverage.zones import Zones
from geo.days import today_nl
from geo.errors import InvalidInput
from geo.imports import network
from geo.imports.report import Progress
from geo.models import Asset, Catchment, Neighbourhood
from geo.privacy import seen_assets
from geo.rights import VISITOR
from geo.vocabulary import SERVICES, Kind, Level

KINDS = [kind for kind in Kind if kind != Kind.volunteer]
MIXED = "mixed"


class Area(NamedTuple):
    """A neighbourhood in force. `parent` is the index of the one that it lies in, -1 where there is none."""

    id: str
    code: str
    level: Level
    year: int
    residents: int | None
    parent: int


class Ground(NamedTuple):
    """What changes rarely: areas, the people in them, and the ways that they walk.

    areas    by level and id; zones their points: buurten, wijken and gemeenten, and drawn ones
    number   the index of each area by its id; above: of the area that it lies in, as _above has it
    known    whether the residents of an area are known at all, shape (areas,)
    unknown  residents whose number CBS keeps secret, shape (areas,)
    sources  what their points come from: squares, addresses, lattice, or mixed
    edge_m   from each point to the edge of all neighbourhoods; inf beyond the largest norm, shape (points,)
    """

    areas: list[Area]
    number: dict[str, int]
    above: Ints
    zones: Zones
    demand: Demand
    known: Bools
    unknown: Floats
    sources: list[str]
    edge_m: Floats
    network: Network | None
    drawn: dict[int, BaseGeometry]  # index → outline of those that residents drew
    by_point: Zones  # `zones` turned: which areas each point lies in
    ways: dict[float, Walks]  # how people walk by each detour that was asked: made once


class Assets(NamedTuple):
    """The assets that the public sees, without volunteers, in order of id; `homes` are the areas that each lies in."""

    ids: list[UUID]
    kinds: list[Kind]
    services: list[list[str]]
    places: Places
    homes: Zones


class Subject(NamedTuple):
    """A kind or a service, and the indexes of its assets, ascending."""

    kind: Kind | None
    service: str | None
    chosen: Ints


def ground(session: Session, policies: Policies, progress: Progress) -> Ground:
    """Read the neighbourhoods in force, settle their residents on points, and find the edge of it all.

    raises InvalidInput where no neighbourhood is stored
    """
    progress("reading neighbourhoods", 0, None)
    areas, shapes = _areas(session)
    buurten = [i for i, area in enumerate(areas) if area.level == Level.buurt]
    if not buurten:
        raise InvalidInput("There are no neighbourhoods to compute coverage for: load boundaries first.")
    progress("settling residents", 0, None)
    figures = counted.figures(session)
    known = [Buurt(shapes[i], areas[i].residents, figures.get(areas[i].id, {})) for i in buurten]
    settled = residents.settle(known, [counted.addresses(session), counted.squares(session)], scale=policies.scale)
    lies = np.array(buurten, dtype=np.int64)[settled.buurt]
    farthest = max(each.norm_m for each in (policies.base, *policies.kinds.values(), *policies.services.values()))
    held = _held(areas, shapes, lies, settled.demand.xy)
    of_buurt = dict(zip(buurten, range(len(buurten)), strict=True))
    return Ground(
        areas, {area.id: i for i, area in enumerate(areas)}, _above(areas), held, settled.demand,
        _known(areas, held, {i: bool(settled.known[n]) for i, n in of_buurt.items()}),
        _summed(areas, {i: float(settled.unknown[n]) for i, n in of_buurt.items()}),
        _sources(areas, {i: settled.sources[n] for i, n in of_buurt.items()}, held, lies),
        edge.edge_m(settled.demand.xy, [shapes[i] for i in _outermost(areas)], farthest),
        network.stored(session),
        {i: shapes[i] for i, area in enumerate(areas) if area.level == Level.drawn},
        zones.turned(held, settled.demand.count),
        {},
    )  # fmt: skip


def _areas(session: Session) -> tuple[list[Area], list[BaseGeometry]]:
    rank = case({level: n for n, level in enumerate(Level)}, value=Neighbourhood.level)
    rows = session.execute(
        select(
            Neighbourhood.id, Neighbourhood.code, Neighbourhood.level, Neighbourhood.year, Neighbourhood.residents,
            Neighbourhood.parent_id, func.ST_AsBinary(Neighbourhood.geom).label("wkb"),
        )
        .where(Neighbourhood.in_force)
        .order_by(rank, Neighbourhood.id)
    ).all()  # fmt: skip
    index = {row.id: i for i, row in enumerate(rows)}
    areas = [
        Area(row.id, row.code, row.level, row.year, row.residents, index.get(row.parent_id or "", -1)) for row in rows
    ]
    degrees = shapely.from_wkb([bytes(row.wkb) for row in rows])
    return areas, [neighbourhoods.to_rd(shape) for shape in degrees]


def _held(areas: Sequence[Area], shapes: Sequence[BaseGeometry], lies: Ints, xy: Floats) -> Zones:
    """Say which points each area holds: a buurt its own, all above it theirs, a drawn one those that lie in it."""
    drawn = np.array([i for i, area in enumerate(areas) if area.level == Level.drawn], dtype=np.int64)
    point, within = zones.inside(xy, [shapes[i] for i in drawn])
    points, held = _upwards(_above(areas), lies)
    return zones.of_pairs(np.concatenate([points, point]), np.concatenate([held, drawn[within]]), len(areas))


def _above(areas: Sequence[Area]) -> Ints:
    """Say in which area each lies, -1 where in none; and -1 once more, for what lies in no area."""
    return np.array([area.parent for area in areas] + [-1], dtype=np.int64)


def _upwards(above: Ints, lies: Ints) -> tuple[Ints, Ints]:
    """Pair things that lie in an area (-1: in none) with it and with all above it."""
    things, held, upper = [], [], lies
    while (upper >= 0).any():
        has = np.flatnonzero(upper >= 0)
        things.append(has)
        held.append(upper[has])
        upper = above[upper]
    none = np.empty(0, dtype=np.int64)
    return np.concatenate([none, *things]), np.concatenate([none, *held])


def _known(areas: Sequence[Area], held: Zones, of_buurt: Mapping[int, bool]) -> Bools:
    """Say whether anything is known of the residents of an area: of a drawn one where it holds points at all."""
    known = _summed(areas, {i: float(told) for i, told in of_buurt.items()}) > 0
    drawn = np.array([area.level == Level.drawn for area in areas], dtype=bool)
    return known | (drawn & (np.diff(held.start) > 0))


def _summed(areas: Sequence[Area], of_buurt: Mapping[int, float]) -> Floats:
    """Add up a figure of buurten for all above them; 0 for drawn ones, of which it is not told."""
    total = np.zeros(len(areas))
    things, held = _upwards(_above(areas), np.array(list(of_buurt), dtype=np.int64))
    np.add.at(total, held, np.array(list(of_buurt.values()))[things])
    return total


def _sources(areas: Sequence[Area], of_buurt: Mapping[int, str], held: Zones, lies: Ints) -> list[str]:
    told = []
    for i in range(len(areas)):
        points = held.point[held.start[i] : held.start[i + 1]]
        names = {of_buurt[buurt] for buurt in np.unique(lies[points]).tolist()}
        told.append(names.pop() if len(names) == 1 else MIXED if names else of_buurt.get(i, MIXED))
    return told


def _outermost(areas: Sequence[Area]) -> list[int]:
    """Choose the gemeenten where there are any: together they have fewer inner borders."""
    gemeenten = [i for i, area in enumerate(areas) if area.level == Level.gemeente]
    return gemeenten or [i for i, area in enumerate(areas) if area.level == Level.buurt]


def assets(session: Session, given: Ground, only: Sequence[UUID] | None = None) -> Assets:
    """Read the assets that the public sees today; with `only`, those of them."""
    age = today_nl() - Asset.confirmed_on
    shape = func.ST_AsBinary(func.coalesce(Asset.place, Asset.area)).label("wkb")
    wanted = (
        select(
            Asset.id, Asset.kind, Asset.services, shape, Asset.capacity, Asset.open_mask, age.label("age_days"),
            Asset.neighbourhood_id,
        )
        .where(seen_assets(VISITOR), Asset.kind != Kind.volunteer)
        .order_by(Asset.id)
    )  # fmt: skip
    rows = session.execute(wanted if only is None else wanted.where(Asset.id.in_(only))).all()
    shapes = _in_metres([row.wkb for row in rows])
    spots = (
        shapely.get_coordinates(shapely.point_on_surface(shapes), include_z=False) if len(rows) else np.empty((0, 2))
    )
    xy = np.full((len(rows), 2), np.nan)
    xy[~shapely.is_missing(shapes)] = spots
    placeless = {row.id: i for i, row in enumerate(rows) if row.wkb is None}
    places = Places(
        xy,
        np.array([row.capacity for row in rows], dtype=float),
        np.maximum(0.0, np.array([row.age_days for row in rows], dtype=float)),
        np.array([UNKNOWN_HOURS if row.open_mask is None else row.open_mask for row in rows], dtype=np.int64),
        {int(i): shapes[i] for i in np.flatnonzero(shapely.get_type_id(shapes) > 0)},
        _served(session, given, placeless),
    )
    homes = _homes(given, [row.neighbourhood_id or "" for row in rows], xy)
    return Assets([r.id for r in rows], [r.kind for r in rows], [r.services for r in rows], places, homes)


def _in_metres(wkb: Sequence[bytes | None]) -> NDArray[np.object_]:
    degrees = np.empty(len(wkb), dtype=object)
    degrees[:] = shapely.from_wkb([None if each is None else bytes(each) for each in wkb])
    return neighbourhoods.to_rd(degrees)


def _served(session: Session, given: Ground, placeless: Mapping[UUID, int]) -> dict[int, Ints]:
    """Find the demand points of the neighbourhoods that assets without a place say they serve."""
    served: dict[int, list[Ints]] = {}
    pairs = select(Catchment.asset_id, Catchment.neighbourhood_id).where(Catchment.asset_id.in_(placeless))
    for asset, area in session.execute(pairs) if placeless else ():
        if area in given.number:
            at = given.number[area]
            points = given.zones.point[given.zones.start[at] : given.zones.start[at + 1]]
            served.setdefault(placeless[asset], []).append(points)
    return {asset: np.unique(np.concatenate(points)) for asset, points in served.items()}


def _homes(given: Ground, lies_in: Sequence[str], xy: Floats) -> Zones:
    """Say in which areas each asset lies: its buurt, all above it, and the drawn ones that hold its place."""
    lowest = np.array([given.number.get(each, -1) for each in lies_in], dtype=np.int64)
    asset, area = _upwards(given.above, lowest)
    placed = np.flatnonzero(~np.isnan(xy[:, 0]))
    within, drawn = zones.inside(xy[placed], list(given.drawn.values()))
    of_drawn = np.array(list(given.drawn), dtype=np.int64)[drawn]
    assets_ = np.concatenate([asset, placed[within]])
    return zones.of_pairs(np.concatenate([area, of_drawn]), assets_, len(lies_in))


def subjects(given: Assets) -> Iterator[Subject]:
    """Name what is computed: each kind but volunteers, and each service, with its assets."""
    for kind in KINDS:
        yield Subject(kind, None, np.flatnonzero(np.array([each == kind for each in given.kinds], dtype=bool)))
    for service in SERVICES:
        yield Subject(None, service, np.flatnonzero(np.array([service in each for each in given.services], dtype=bool)))


def walks(given: Ground, policy: Policy) -> Walks:
    """Give the way in which people walk: by the streets where they are stored, else as the crow flies × the detour."""
    if policy.detour not in given.ways:
        xy, detour = given.demand.xy, policy.detour
        given.ways[detour] = Line(xy, detour) if given.network is None else Streets(given.network, xy, detour)
    return given.ways[policy.detour]
