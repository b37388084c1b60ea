"""Neighbourhoods: official ones in three levels, and those that residents draw; which of them holds a place."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import shapely
from geoalchemy2 import Geography
from geoalchemy2.shape import from_shape, to_shape
from pyproj import Transformer
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import cast, func, select, true
from sqlalchemy.orm import Session

from geo import checks
from geo.base import RD_NEW, WGS84
from geo.collections import Collection, in_box, own, within
from geo.days import today
from geo.errors import Flaw, InvalidInput
from geo.models import Neighbourhood
from geo.records import OWN
from geo.vocabulary import Level, Term

HOLE_M, HOLE_DEGREES = 250.0, 0.005  # how far a place may lie from every outline and still belong to one
OVERVIEW_M = 20.0  # what an overview may leave out, metres
LONGEST_NAME = 120
FIGURES = ("residents", "residents_65", "households", "one_person_households")
_TO_RD = Transformer.from_crs(WGS84, RD_NEW, always_xy=True)
_TO_WGS84 = Transformer.from_crs(RD_NEW, WGS84, always_xy=True)

SHOWN = Collection(
    title=Term("Buurten", "Neighbourhoods"),
    about=Term(
        "Buurten, wijken en gemeenten met hun kerncijfers, en buurten die bewoners zelf tekenden.",
        "Neighbourhoods, districts and municipalities with key figures, and neighbourhoods that residents drew.",
    ),
    id=Neighbourhood.id,
    key=lambda item: item,
    geometry=Neighbourhood.geom,
    columns=lambda _wanted: {**own(Neighbourhood), "parent": Neighbourhood.parent_id},
    source=lambda _viewer: Neighbourhood.__table__,
    seen=lambda _viewer: true(),
    order=(Neighbourhood.code, Neighbourhood.year, Neighbourhood.id),
    filters={
        "bbox": lambda box: in_box(Neighbourhood.geom, box),
        "level": Neighbourhood.level.in_,
        "neighbourhood": lambda top: Neighbourhood.id.in_(within(top)),
        "q": lambda q: func.lower(Neighbourhood.name).contains(q.lower(), autoescape=True),
        "datetime": lambda _days: true(),  # it has no time of its own, so it matches any
    },
)


class Area(NamedTuple):
    """An official neighbourhood as it comes in: outline in RD New; `figures` holds what is known, by name."""

    code: str
    name: str
    level: Level
    outline: BaseGeometry
    figures: dict[str, int | None]


class Origin(NamedTuple):
    """Where a set of areas comes from."""

    year: int
    source: str
    licence: str | None
    schematic: bool


def to_rd(shape: BaseGeometry) -> BaseGeometry:
    """Turn a geometry in WGS 84 degrees into RD New metres; off by up to 0.25 m without the national grid."""
    return _moved(shape, _TO_RD)


def to_wgs84(shape: BaseGeometry) -> BaseGeometry:
    """Turn a geometry in RD New metres into WGS 84 degrees."""
    return _moved(shape, _TO_WGS84)


def _moved(shape: BaseGeometry, by: Transformer) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: np.column_stack(by.transform(xy[:, 0], xy[:, 1])))


def load(session: Session, areas: Sequence[Area], origin: Origin, parents: dict[str, str]) -> int:
    """Store areas of one level and year, with their overviews, and replace those stored before under the same code.

    parents   area code → code of the area one level up, stored before
    returns   the number of areas
    """
    outlines = [multi(area.outline) for area in areas]
    for area, outline, overview in zip(areas, outlines, overviews(outlines), strict=True):
        row = session.get(Neighbourhood, f"{area.code}.{origin.year}") or Neighbourhood(
            id=f"{area.code}.{origin.year}", code=area.code, year=origin.year
        )
        row.name, row.level = area.name, area.level
        row.source, row.licence, row.schematic = origin.source, origin.licence, origin.schematic
        row.geom, row.overview = from_shape(to_wgs84(outline), WGS84), from_shape(to_wgs84(overview), WGS84)
        row.parent_id = f"{parents[area.code]}.{origin.year}" if area.code in parents else None
        for figure in FIGURES:
            setattr(row, figure, area.figures.get(figure))
        row.figures_missing = {f: "not_given" for f in FIGURES if area.figures.get(f) is None}
        session.add(row)
    session.flush()
    return len(areas)


def overviews(outlines: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    """Simplify outlines by 20 m: together where they fit together, so that no slivers appear; else each for itself."""
    if shapely.coverage_is_valid(outlines):
        return [multi(shape) for shape in shapely.coverage_simplify(outlines, OVERVIEW_M)]
    return [multi(outline.simplify(OVERVIEW_M)) for outline in outlines]


def union(areas: Iterable[Area], code: str, name: str, level: Level) -> Area:
    """Make the area one level up out of its parts. A figure is known when it is known of every part."""
    parts = list(areas)
    known = {f: [part.figures.get(f) for part in parts] for f in FIGURES}
    figures = {f: None if None in values else sum(v or 0 for v in values) for f, values in known.items()}
    return Area(code, name, level, shapely.union_all([part.outline for part in parts]), figures)


def multi(shape: BaseGeometry) -> MultiPolygon:
    """Give a polygon or multipolygon as a multipolygon. Raises InvalidInput for any other shape."""
    if isinstance(shape, MultiPolygon):
        return shape
    if not isinstance(shape, Polygon):
        raise InvalidInput("An area needs a polygon.", Flaw("geometry", f"is a {shape.geom_type}, not a polygon"))
    return MultiPolygon([shape])


def draw(session: Session, name: str, outline: BaseGeometry) -> Neighbourhood:
    """Store a neighbourhood that residents drew (WGS 84). It has no key figures and no parent.

    raises InvalidInput naming every flaw
    """
    flaws = checks.place_flaws("geometry", outline)
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        flaws.append(Flaw("name", f"must have 1 to {LONGEST_NAME} characters"))
    checks.refuse(flaws)
    shape, year = multi(outline), today().year
    code = f"DR{uuid4().hex[:10].upper()}"
    row = Neighbourhood(
        id=f"{code}.{year}", code=code, year=year, level=Level.drawn, name=name.strip(), source=OWN,
        geom=from_shape(shape, WGS84), overview=from_shape(to_wgs84(overviews([multi(to_rd(shape))])[0]), WGS84),
        figures_missing=dict.fromkeys(FIGURES, "not_given"),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def holding(session: Session, shape: BaseGeometry) -> str | None:
    """Find the buurt of the latest year that holds a place (WGS 84); of an area, the one that holds a point in it.

    In an overlap the lowest code wins; in a hole between outlines the nearest within 250 m; None where there is none.
    """
    spot = from_shape(shape.representative_point(), WGS84)
    latest = select(func.max(Neighbourhood.year)).where(Neighbourhood.level == Level.buurt).scalar_subquery()
    metres = func.ST_Distance(cast(Neighbourhood.geom, Geography), cast(spot, Geography))
    near = func.ST_DWithin(Neighbourhood.geom, spot, HOLE_DEGREES)  # wide, and by the index
    found = select(Neighbourhood.id).where(Neighbourhood.level == Level.buurt, Neighbourhood.year == latest, near)
    return session.scalar(found.where(metres <= HOLE_M).order_by(metres, Neighbourhood.code).limit(1))


def named(session: Session, field: str, asked: Sequence[str]) -> list[Neighbourhood]:
    """Find neighbourhoods by id, or by code in its latest year. Raises InvalidInput naming each that is not there."""
    found, flaws = [], []
    for name in dict.fromkeys(asked):
        either = (Neighbourhood.id == name) | (Neighbourhood.code == name)
        row = session.scalar(select(Neighbourhood).where(either).order_by(Neighbourhood.year.desc()).limit(1))
        if row is None:
            flaws.append(Flaw(field, f"there is no neighbourhood {name!r}"))
        else:
            found.append(row)
    checks.refuse(flaws)
    return found


def outlines(session: Session, year: int) -> list[tuple[Neighbourhood, BaseGeometry]]:
    """Read the official neighbourhoods of a year and all drawn ones, with outlines in RD New, by level and code."""
    wanted = (Neighbourhood.year == year) | (Neighbourhood.level == Level.drawn)
    rows = session.scalars(select(Neighbourhood).where(wanted).order_by(Neighbourhood.level, Neighbourhood.id))
    return [(row, to_rd(to_shape(row.geom))) for row in rows]
