"""Where people live, as points: squares, addresses, or residents spread over a lattice inside their neighbourhood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import Flaw, InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LATTICE_M = 100.0
SQUARE_RADIUS_M = 70.72  # from the centre of a square of 100 m to its corner
GROUPS = ("residents_65", "one_person_households", "children")
DEGREES_BELOW = 1000.0  # no place in the Netherlands has an RD coordinate so small in both directions


@dataclass(frozen=True)
class Demand:
    """Points that stand for residents. All of shape (points,) but `xy`.

    xy          RD New, metres, shape (points, 2)
    residents   people at each point, >= 0, may be fractional; 0 where suppressed
    radius_m    how far from the point they may live at most: 70.72 for the centre of a 100 m square, 0 for an address
    suppressed  whether somebody lives there but the number is kept secret
    groups      people of a group at each point, by a name of GROUPS; NaN where that is not known
    """

    xy: Floats
    residents: Floats
    radius_m: Floats
    suppressed: Bools
    groups: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Give the number of points."""
        return len(self.xy)


def at(
    xy: Floats, residents: Floats, *, radius_m: Floats | float = 0.0, groups: Mapping[str, Floats] | None = None
) -> Demand:
    """Make demand of points; residents that are NaN are suppressed.

    raises InvalidInput on a negative number, a radius that is none, or degrees where metres are wanted
    """
    people = np.asarray(residents, dtype=float)
    radius = np.array(np.broadcast_to(np.asarray(radius_m, dtype=float), people.shape))
    for name, values in {"residents": people, "radius_m": radius, **(groups or {})}.items():
        bad = np.flatnonzero((values < 0) | np.isinf(values) | (np.isnan(values) & (name == "radius_m")))
        if len(bad):
            row = int(bad[0])
            raise InvalidInput(f"Demand point {row}: {name} cannot be {values[row]}.", Flaw(name, f"is {values[row]}"))
    spots = np.asarray(xy, dtype=float).reshape(len(people), 2)
    refuse_degrees(spots, "demand")
    secret = np.isnan(people)
    return Demand(spots, np.where(secret, 0.0, people), radius, secret, dict(groups or {}))


def refuse_degrees(xy: Floats, what: str) -> None:
    """Refuse coordinates that look like degrees, or are no numbers where all should be, with InvalidInput."""
    known = xy[np.isfinite(xy[:, 0]) & np.isfinite(xy[:, 1])]
    if np.isinf(xy).any():
        raise InvalidInput(f"A place of the {what} is infinite.", Flaw("xy", "is infinite"))
    if len(known) and np.abs(known).max() < DEGREES_BELOW:
        raise InvalidInput(
            f"The {what} must be in RD New metres (EPSG:28992): these look like degrees.",
            Flaw("xy", "looks like degrees"),
        )


def lattice(outline: BaseGeometry, step_m: float = LATTICE_M) -> Floats:
    """Lay points inside an outline: the centres of the national squares of `step_m` metres whose centre lies in it.

    outline  RD New, metres
    returns  shape (points, 2); one inner point where the outline is too small to hold a centre
    raises   InvalidInput where the outline is empty, or in degrees rather than metres
    """
    if outline.is_empty:
        raise InvalidInput("An empty outline holds no points.", Flaw("outline", "is empty"))
    west, south, east, north = outline.bounds
    if max(abs(west), abs(north)) < DEGREES_BELOW:
        raise InvalidInput("Outlines must be in RD New metres.", Flaw("outline", "looks like degrees"))
    columns = np.arange(np.floor(west / step_m), np.ceil(east / step_m)) * step_m + step_m / 2
    rows = np.arange(np.floor(south / step_m), np.ceil(north / step_m)) * step_m + step_m / 2
    xy = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    shapely.prepare(outline)
    inside = xy[shapely.intersects_xy(outline, xy[:, 0], xy[:, 1])]
    return inside if len(inside) else np.array(outline.representative_point().coords)


def spread(outlines: Sequence[BaseGeometry], residents: Sequence[float]) -> tuple[Demand, Ints]:
    """Spread each area's residents evenly over its lattice.

    Nobody knows where in the outline they live, so the radius of a point reaches the farthest corner of the outline:
    the interval that is made of it holds the truth, wherever they live.

    outlines   RD New, metres; areas may not overlap, or people in the overlap stand twice
    residents  people per area, >= 0
    returns    the points in order of area, and for each the index of the area that it came from, shape (points,)
    """
    points = [lattice(outline) for outline in outlines]
    sizes = np.array([len(each) for each in points], dtype=np.int64)
    area = np.repeat(np.arange(len(points)), sizes)
    people = np.repeat(np.asarray(residents, dtype=float) / np.maximum(sizes, 1), sizes)
    radii = [_farthest(xy, outline) for xy, outline in zip(points, outlines, strict=True)]
    xy = np.concatenate(points) if points else np.empty((0, 2))
    radius = np.concatenate(radii) if radii else np.empty(0)
    return at(xy, people, radius_m=radius), area


def _farthest(xy: Floats, outline: BaseGeometry) -> Floats:
    """Give the metres from each point to the farthest corner of an outline."""
    corners = shapely.get_coordinates(outline.convex_hull)
    away: Floats = np.sqrt(((xy[:, None, :] - corners[None, :, :]) ** 2).sum(axis=2)).max(axis=1)
    return away
