"""Where the rows of a file lie: shapes, degrees or metres become points and areas in WGS 84, or faults."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely import GeometryType
from shapely.geometry.base import BaseGeometry

from geo import checks
from geo.base import RD_NEW, WGS84
from geo.errors import Flaw, InvalidInput
from geo.imports.cells import Fault
from geo.imports.mapping import Place
from geo.imports.pools import Mask, texts
from geo.imports.read import Frame

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
RD_FRAME = (-7_000, 289_000, 300_000, 629_000)  # metres: west, south, east, north
KILOMETRES = 1_000
NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d{1,3})?")
THOUSANDS = re.compile(r"[-+]?\d{1,3}([.,' \u00a0]\d{3})+([.,]\d+)?")
Why = Callable[[BaseGeometry], str]
POINTS = (GeometryType.POINT, GeometryType.MULTIPOINT)
AREAS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)


class Found(NamedTuple):
    """What is known of each row's place: a Point or a MultiPolygon in WGS 84, or None; and what is wrong with some."""

    shapes: Shapes
    faults: list[Fault]


def find(frame: Frame, place: Place) -> Found:
    """Find the places of all rows by what a mapping says of them; addresses are left aside.

    A row that leaves one way empty goes to the next; one that is wrong in one way is refused, not tried in another.

    raises  InvalidInput where the mapping counts on shapes and the file has none, or no known coordinate system
    """
    if place.geometry and frame.shapes is None:
        reason = "the file has no shapes: name its columns with lon and lat, or x and y"
        raise InvalidInput(f"place.geometry: {reason}.", Flaw("place.geometry", reason))
    shapes, faults = np.full(len(frame.data), None, object), list[Fault]()
    if place.geometry and frame.shapes is not None:
        shapes, faults = _drawn(frame.shapes, place.crs or frame.crs or WGS84)
    for pair, crs in ((place.lonlat, WGS84), (place.xy, RD_NEW)):
        if pair:
            settled = ~shapely.is_missing(shapes)
            settled[[fault.at for fault in faults]] = True
            points, wrong = _pair(frame.data, pair, crs)
            faults += [fault for fault in wrong if not settled[fault.at]]
            shapes = np.where(settled, shapes, points)
    return Found(shapes, faults)


def _drawn(shapes: Shapes, crs: int) -> Found:
    """Turn the shapes of a file into points, and areas of one or more parts."""
    flat = shapely.force_2d(shapes) if shapely.has_z(shapes).any() else shapes.copy()
    flat[shapely.is_empty(flat)] = None
    kinds = shapely.get_type_id(flat)
    point = np.isin(kinds, POINTS) & (shapely.get_num_geometries(flat) == 1)
    area = np.isin(kinds, AREAS)
    other = np.flatnonzero(~shapely.is_missing(flat) & ~point & ~area)
    faults = [_other(int(at), flat[at]) for at in other]
    flat[other] = None
    alone = kinds == GeometryType.MULTIPOINT
    flat[alone] = shapely.get_geometry(flat[alone], 0)
    parts, of = shapely.get_parts(flat[area], return_index=True)
    flat[area] = shapely.multipolygons(parts, indices=of) if len(parts) else flat[area]
    return _checked(flat, crs, "geometry", faults)


def _other(at: int, shape: BaseGeometry) -> Fault:
    return Fault(at, "geometry", "", f"is a {shape.geom_type}: an asset is one point, or an area")


def _pair(data: pd.DataFrame, pair: tuple[str, str], crs: int) -> Found:
    """Turn two columns of numbers into points."""
    (x, no_x), (y, no_y) = (_numbers(data[name], name) for name in pair)
    faults = no_x + no_y
    wrong = {fault.at for fault in faults}
    for name, gaps in zip(pair, (np.isnan(x) & ~np.isnan(y), np.isnan(y) & ~np.isnan(x)), strict=True):
        other = pair[1] if name == pair[0] else pair[0]
        reason = f"is empty, though {other!r} is given"
        faults += [Fault(int(at), name, "", reason) for at in np.flatnonzero(gaps) if int(at) not in wrong]
    whole = ~(np.isnan(x) | np.isnan(y))
    points = np.full(len(x), None, object)
    points[whole] = shapely.points(x[whole], y[whole])
    return _checked(points, crs, f"{pair[0]}, {pair[1]}", faults)


def _numbers(column: pd.Series, name: str) -> tuple[Floats, list[Fault]]:
    """Read a column of numbers, with a decimal point or comma; NaN where there is none, or a wrong one."""
    if pd.api.types.is_float_dtype(column.dtype) or pd.api.types.is_integer_dtype(column.dtype):
        floats = column.to_numpy(np.float64, na_value=np.nan)
        endless = np.flatnonzero(np.isinf(floats))
        faults = [Fault(int(at), name, str(floats[at]), "is no number") for at in endless]
        return np.where(np.isinf(floats), np.nan, floats), faults
    told = texts(column)
    floats = np.array([*map(_number, told.different), np.nan])
    wrong = (int(at) for at in told.rows(np.flatnonzero(np.isnan(floats[:-1]))))
    return floats[told.codes], [Fault(at, name, told.at(at), _no_number(told.at(at))) for at in wrong]


def _number(text: str) -> float:
    number = float(text.replace(",", ".")) if NUMBER.fullmatch(text) else np.nan
    return number if np.isfinite(number) else np.nan


def _no_number(text: str) -> str:
    if THOUSANDS.fullmatch(text):
        return "has a separator for thousands: write 121687.5 or 121687,5"
    return "is no number"


def _checked(shapes: Shapes, crs: int, field: str, faults: list[Fault]) -> Found:
    """Bring shapes to WGS 84; what is unsound or lies elsewhere becomes a fault, and None."""
    if crs == RD_NEW:
        faults += _refused(shapes, ~_inside(shapes, RD_FRAME), field, _not_rd)
    if crs != WGS84:
        shapes = _moved(shapes, crs)
    sound = _inside(shapes, checks.NETHERLANDS) & shapely.is_valid(shapes)
    faults += _refused(shapes, ~sound, field, _not_here)
    return Found(shapes, faults)


def _inside(shapes: Shapes, box: tuple[float, float, float, float]) -> Mask:
    """Say of each shape whether it lies in a box; False for what has no number as a coordinate."""
    left, bottom, right, top = shapely.bounds(shapes).T
    inside: Mask = (left >= box[0]) & (bottom >= box[1]) & (right <= box[2]) & (top <= box[3])
    return inside


def _refused(shapes: Shapes, wrong: Mask, field: str, why: Why) -> Iterator[Fault]:
    """Give a fault for each wrong shape, and take the shape away."""
    for at in np.flatnonzero(wrong & ~shapely.is_missing(shapes)):
        left, bottom, *_ = shapes[at].bounds
        yield Fault(int(at), field, f"{left:.10g}, {bottom:.10g}", why(shapes[at]))
        shapes[at] = None


def _moved(shapes: Shapes, crs: int) -> Shapes:
    try:
        transformer = Transformer.from_crs(crs, WGS84, always_xy=True)
    except CRSError:
        known = "is no coordinate system that is known here"
        raise InvalidInput(f"EPSG:{crs} {known}: give crs in the mapping.", Flaw("place.crs", known)) from None
    return np.asarray(shapely.transform(shapes, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))))


def _not_here(shape: BaseGeometry) -> str:
    if not np.isfinite(shape.bounds).all():
        return "has a coordinate that is no number"
    return "; ".join(flaw.reason for flaw in checks.place_flaws("geometry", shape))


def _not_rd(shape: BaseGeometry) -> str:
    """Say why metres in RD New cannot be those of a place in the Netherlands."""
    x, y, right, top = shape.bounds
    where = f"({x:g}, {y:g})"
    if x == y == 0:
        return checks.NOWHERE
    west, south, east, north = checks.NETHERLANDS
    if west <= x and right <= east and south <= y and top <= north:
        return f"{where} looks like degrees: the mapping or the file says RD New metres"
    west, south, east, north = RD_FRAME
    if west <= y and top <= east and south <= x and right <= north:
        return f"{where} looks like y, x: give x first"
    if 0 < x < KILOMETRES and 0 < y < KILOMETRES:
        return f"{where} looks like kilometres, or a point or comma that separates thousands: give metres"
    return f"{where} lies outside the Netherlands"
