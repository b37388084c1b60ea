"""Neighbourhoods: official ones in three levels, and those that residents draw; which year of each is in force."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar
from uuid import uuid4

import numpy as np
import shapely
from geoalchemy2.shape import from_shape, to_shape
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, and_, func, or_, select, text, true
from sqlalchemy.orm import Session, aliased

from geo import checks, overviews
from geo.base import RD_NEW, WGS84
from geo.collections import Collection, Wanted, in_box, own, within
from geo.days import today
from geo.errors import Flaw, InvalidInput, Unavailable
from geo.models import Neighbourhood
from geo.records import OWN
from geo.sql import statements
from geo.vocabulary import Level, Term

LONGEST_NAME = 120
FIGURES = ("residents", "residents_65", "households", "one_person_households")
Shapes = TypeVar("Shapes", BaseGeometry, NDArray[np.object_])
_TO_RD = Transformer.from_crs(WGS84, RD_NEW, always_xy=True)
_TO_WGS84 = Transformer.from_crs(RD_NEW, WGS84, always_xy=True)


def _unasked(wanted: Wanted) -> ColumnElement[bool]:
    """Without a year asked for, in the filter or in an id, what is in force is meant."""
    of_year = wanted.year is not None or "." in (wanted.neighbourhood or "")
    return true() if of_year else Neighbourhood.in_force.is_(True)


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
    unasked=_unasked,
    parts=("neighbourhoods",),
    origin=(Neighbourhood.source, Neighbourhood.licence),
    filters={
        "bbox": lambda box: in_box(Neighbourhood.geom, box),
        "level": Neighbourhood.level.in_,
        "year": lambda year: Neighbourhood.year == year,
        "neighbourhood": lambda top: Neighbourhood.id.in_(within(top)),
        "q": lambda q: func.lower(Neighbourhood.name).contains(q.lower(), autoescape=True),
        "datetime": lambda _days: true(),  # it has no time of its own, so it matches any
    },
)


class Area(NamedTuple):
    """An official neighbourhood as it comes in: outline in RD New.

    figures   what is told, by name; None where that is that it is missing. What is not told stays as it is stored
    missing   why figures are missing, by name (`vocabulary.FIGURE_REASONS`); not given, unless it is said
    """

    code: str
    name: str
    level: Level
    outline: BaseGeometry
    figures: Mapping[str, int | None]
    missing: Mapping[str, str] = MappingProxyType({})


class Origin(NamedTuple):
    """Where a set of areas comes from."""

    year: int
    source: str
    licence: str | None
    schematic: bool


def to_rd(shape: Shapes) -> Shapes:
    """Turn one geometry or an array of them in WGS 84 degrees into RD New metres.

    Off by up to 0.25 m without the national grid.
    """
    return shapely.transform(shape, _by(_TO_RD))


def to_wgs84(shape: Shapes) -> Shapes:
    """Turn one geometry or an array of them in RD New metres into WGS 84 degrees."""
    return shapely.transform(shape, _by(_TO_WGS84))


def _by(transformer: Transformer) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))


class Written(NamedTuple):
    """What became of areas that came in."""

    new: int
    changed: int
    unchanged: int


def load(session: Session, areas: Sequence[Area], origin: Origin, parents: Mapping[str, str]) -> Written:
    """Store areas of one level and year, with their overviews, and replace those stored before under the same code.

    What is the same already is not written. Rows of other years are put out of force, or into it again, by what came.

    parents   area code → code of the area one level up, stored before
    """
    if not areas:
        return Written(0, 0, 0)
    session.flush()
    session.execute(text("DROP TABLE IF EXISTS pg_temp.coming"))
    session.execute(text(COMING))
    _copy(session, areas, origin, parents)
    told = [f for f in FIGURES if any(f in area.figures for area in areas)]
    asked = {"told": told, "untold": [f for f in FIGURES if f not in told]}
    keep, mark, count, *write = (text(statement) for statement in statements("neighbourhoods.sql"))
    session.execute(keep, asked)
    session.execute(mark)
    written = Written(*session.execute(count).one())
    for statement in write if written.new or written.changed else []:
        session.execute(statement)
    session.expire_all()
    return written


def judge(session: Session) -> int:
    """Find out again of every row whether it is in force; gives how many change. `load` does so for what it touches."""
    session.flush()
    session.execute(text("DROP TABLE IF EXISTS pg_temp.touched"))
    session.execute(text("CREATE TEMP TABLE touched ON COMMIT DROP AS SELECT id FROM neighbourhood"))
    changed = session.execute(text(statements("neighbourhoods.sql")[-1]))
    session.expire_all()
    return int(changed.rowcount)  # type: ignore[attr-defined]


COMING = """CREATE TEMP TABLE coming ON COMMIT DROP AS
SELECT id, code, year, name, level, parent_id, source, licence, schematic, residents, residents_65, households,
  one_person_households, figures_missing, geom, overview, geom AS was, false AS stays
FROM neighbourhood WITH NO DATA"""
COPIED = (
    "COPY coming (id, code, year, name, level, parent_id, source, licence, schematic, residents, residents_65, "
    "households, one_person_households, figures_missing, geom, overview, stays) FROM STDIN"
)


def _copy(session: Session, areas: Sequence[Area], origin: Origin, parents: Mapping[str, str]) -> None:
    """Fill the temporary table `coming`."""
    outlines = [multi(area.outline) for area in areas]
    geoms, simple = _stored(outlines)
    year, source = origin.year, (origin.source, origin.licence, origin.schematic)
    connection = session.connection().connection.driver_connection
    if connection is None:  # only when the pool has let go of it
        raise Unavailable("The connection to the database is gone.")
    with connection.cursor() as cursor, cursor.copy(COPIED) as rows:
        for area, geom, overview in zip(areas, geoms, simple, strict=True):
            known = {f: area.figures.get(f) for f in FIGURES}
            missing = {f: area.missing.get(f, "not_given") for f, value in known.items() if value is None}
            parent = f"{parents[area.code]}.{year}" if area.code in parents else None
            named = (f"{area.code}.{year}", area.code, year, area.name, area.level.value, parent)
            rows.write_row((*named, *source, *known.values(), json.dumps(missing), geom, overview, False))


def _stored(metres: Sequence[MultiPolygon]) -> tuple[list[str], list[str]]:
    """Turn outlines in RD New into outlines and overviews as the database reads them."""
    shapes = np.array(metres, dtype=object)
    degrees = shapely.transform(shapes, _by(_TO_WGS84))
    return _wkb(degrees), _wkb(overviews.simplified(shapes, degrees))


def _wkb(degrees: NDArray[np.object_]) -> list[str]:
    shapes = np.array([multi(shape) for shape in overviews.sound(degrees)], dtype=object)
    return list(shapely.to_wkb(shapely.set_srid(shapes, WGS84), hex=True, include_srid=True))


def renew_overviews(session: Session, ids: Sequence[str]) -> None:
    """Make the overviews of some neighbourhoods again from their outlines, so that they fit those beside them."""
    again, beside = aliased(Neighbourhood), aliased(Neighbourhood)
    touches = and_(again.level == beside.level, again.year == beside.year, again.geom.op("&&")(beside.geom))
    near = select(beside.id).join(again, touches).where(again.id.in_(ids))
    wanted = select(Neighbourhood.id, Neighbourhood.level, Neighbourhood.year, Neighbourhood.geom)
    rows = session.execute(wanted.where(Neighbourhood.id.in_(near)).order_by(Neighbourhood.id)).all()
    for level, year in sorted({(row.level, row.year) for row in rows}):
        some = [row for row in rows if (row.level, row.year) == (level, year)]
        degrees = np.array([to_shape(row.geom) for row in some], dtype=object)
        metres = shapely.transform(degrees, _by(_TO_RD))
        shapes = zip(some, _wkb(overviews.simplified(metres, degrees)), strict=True)
        values = [{"item": row.id, "shape": shape} for row, shape in shapes if row.id in set(ids)]
        session.execute(text("UPDATE neighbourhood SET overview = :shape WHERE id = :item"), values)
    session.expire_all()


def union(areas: Iterable[Area], code: str, name: str, level: Level) -> Area:
    """Make the area one level up out of its parts. A figure is known when it is known of every part.

    A figure that is missing says why where all parts that lack it say the same; one of which no part tells is not told.
    """
    parts = list(areas)
    figures: dict[str, int | None] = {}
    missing: dict[str, str] = {}
    for figure in (f for f in FIGURES if any(f in part.figures for part in parts)):
        values = [part.figures.get(figure) for part in parts]
        figures[figure] = None if None in values else sum(value or 0 for value in values)
        reasons = {part.missing.get(figure, "not_given") for part in parts if part.figures.get(figure) is None}
        if reasons:
            missing[figure] = reasons.pop() if len(reasons) == 1 else "not_given"
    return Area(code, name, level, shapely.union_all([part.outline for part in parts]), figures, missing)


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
    degrees = np.array([shape], dtype=object)
    code = f"DR{uuid4().hex[:10].upper()}"
    row = Neighbourhood(
        id=f"{code}.{year}", code=code, year=year, level=Level.drawn, name=name.strip(), source=OWN,
        geom=from_shape(shape, WGS84), overview=_wkb(overviews.simplified(np.array([to_rd(shape)]), degrees))[0],
        figures_missing=dict.fromkeys(FIGURES, "not_given"),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def named(session: Session, field: str, asked: Sequence[str]) -> list[Neighbourhood]:
    """Find neighbourhoods by id, or by code: the one in force, else its latest year.

    raises InvalidInput naming each that is not there
    """
    found, flaws = [], []
    for name in dict.fromkeys(asked):
        either = or_(Neighbourhood.id == name, Neighbourhood.code == name)
        newest = select(Neighbourhood).where(either).order_by(Neighbourhood.in_force.desc(), Neighbourhood.year.desc())
        row = session.scalar(newest.limit(1))
        if row is None:
            flaws.append(Flaw(field, f"there is no neighbourhood {name!r}"))
        else:
            found.append(row)
    checks.refuse(flaws)
    return found


def outlines(session: Session) -> list[tuple[Neighbourhood, BaseGeometry]]:
    """Read the neighbourhoods in force, drawn ones too, with outlines in RD New, by level and code."""
    wanted = select(Neighbourhood).where(Neighbourhood.in_force)
    rows = session.scalars(wanted.order_by(Neighbourhood.level, Neighbourhood.id))
    return [(row, to_rd(to_shape(row.geom))) for row in rows]
