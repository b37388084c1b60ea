"""Coordinate reference systems in which features are given and boxes and filters are read (OGC API Features, part 2).

Coordinates stand in the order of axes of their system: longitude first in CRS84, latitude first in EPSG:4326 and 4258.
Between RD New and degrees PostGIS and PROJ work without the RDNAPTRANS grid: about 0.25 m.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.enums import TransformDirection
from shapely.geometry.base import BaseGeometry
from sqlalchemy import SQLColumnExpression, func

from geo.base import WGS84
from geo.errors import Flaw, InvalidInput

ASTRAY = 1.0  # metres or degrees between a place and where it leads there and back: then there is no such place
Floats = npt.NDArray[np.float64]
OGC = "http://www.opengis.net/def/crs/"


class Crs(NamedTuple):
    """A system: its address, the number that PostGIS knows it by, decimals worth telling, and the order of its axes."""

    uri: str
    srid: int
    digits: int
    flipped: bool  # latitude before longitude


CRS84 = Crs(f"{OGC}OGC/1.3/CRS84", WGS84, 7, flipped=False)
KNOWN = (
    CRS84,
    Crs(f"{OGC}EPSG/0/28992", 28992, 3, flipped=False),
    Crs(f"{OGC}EPSG/0/4258", 4258, 7, flipped=True),
    Crs(f"{OGC}EPSG/0/3857", 3857, 3, flipped=False),
    Crs(f"{OGC}EPSG/0/4326", WGS84, 7, flipped=True),
)
BY_NAME = {name: crs for crs in KNOWN for name in (crs.uri, crs.uri.removeprefix(OGC).replace("/0/", ":"))}


def named(told: str, field: str) -> Crs:
    """Find a system by its address, or as `EPSG:28992`. Raises InvalidInput naming those that are known."""
    if told not in BY_NAME:
        reason = f"is none of the systems that are known here: {', '.join(crs.uri for crs in KNOWN)}"
        raise InvalidInput(f"{field}: {reason}", Flaw(field, reason))
    return BY_NAME[told]


def given_in(geometry: SQLColumnExpression[Any], crs: Crs) -> SQLColumnExpression[Any]:
    """Give a geometry of ours in a system, its axes in that system's order."""
    there: SQLColumnExpression[Any] = geometry if crs.srid == WGS84 else func.ST_Transform(geometry, crs.srid)
    return func.ST_FlipCoordinates(there) if crs.flipped else there


def to_degrees(shape: BaseGeometry, crs: Crs) -> BaseGeometry:
    """Give a shape, its axes in the order of its system, in CRS84; outside the system's world it is infinite."""

    def there(xy: Floats) -> Floats:
        way = _transformer(crs.srid)
        degrees = np.column_stack(way.transform(xy[:, 0], xy[:, 1]))
        back = np.column_stack(way.transform(degrees[:, 0], degrees[:, 1], direction=TransformDirection.INVERSE))
        degrees[np.abs(back - xy).max(axis=1) > ASTRAY] = np.inf
        return degrees

    if crs.flipped:
        shape = shapely.transform(shape, lambda xy: xy[:, ::-1])
    return shape if crs.srid == WGS84 else shapely.transform(shape, there)


@lru_cache(maxsize=len(KNOWN))
def _transformer(srid: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(srid, "OGC:CRS84", always_xy=True)
