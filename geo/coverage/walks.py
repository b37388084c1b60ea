"""Who can walk to what: pairs of a demand point and an asset with the walking metres between them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo.coverage.demand import Floats, Ints, points_of
from geo.errors import Flaw, InvalidInput

ROUNDING = 1 + 1e-12  # so that a walk of exactly the limit is found before it is measured


class Walks(NamedTuple):
    """Pairs within a limit, in order of point, then asset; no pair stands twice. All of shape (pairs,).

    point   index of the demand point
    asset   index of the asset
    metres  walking metres, >= 0, finite
    """

    point: Ints
    asset: Ints
    metres: Floats


class Nearest(NamedTuple):
    """The nearest asset of each demand point. Both of shape (points,).

    asset   its index; -1 where there is no asset at all
    metres  walking metres; inf where there is none
    """

    asset: Ints
    metres: Floats


def check(metres: float, name: str) -> None:
    """Refuse a distance or factor that is no positive, finite number with InvalidInput."""
    if not (np.isfinite(metres) and metres > 0):
        raise InvalidInput(f"{name} must be a positive number.", Flaw(name, f"is {metres}"))


def within(xy: Floats, shapes: Sequence[BaseGeometry], limit_m: float, detour: float) -> Walks:
    """Find all pairs whose walk, the straight line times the detour, is at most `limit_m` metres.

    xy       demand points, RD New, shape (points, 2)
    shapes   assets: points, or areas at whose edge the walk ends (0 metres inside); RD New
    returns  empty arrays where there are no points, no assets, or none in reach
    """
    check(limit_m, "limit_m")
    check(detour, "detour")
    points = points_of(xy)
    tree = shapely.STRtree(points)
    assets = np.asarray(shapes, dtype=object)
    asset, point = tree.query(assets, predicate="dwithin", distance=limit_m / detour * ROUNDING)
    metres = np.asarray(shapely.distance(points[point], assets[asset])) * detour
    near = metres <= limit_m
    return ordered(point[near], asset[near], metres[near])


def served(point: Ints, asset: Ints) -> Walks:
    """Make pairs of no distance: residents of a neighbourhood, and an asset without a place that says it serves it."""
    return ordered(point, asset, np.zeros(len(point)))


def ordered(point: Ints, asset: Ints, metres: Floats) -> Walks:
    """Put pairs in order of point, then asset, and keep of equal pairs the shortest."""
    order = np.lexsort((metres, asset, point))
    point, asset, metres = point[order], asset[order], metres[order]
    first = np.ones(len(point), dtype=bool)
    first[1:] = (np.diff(point) != 0) | (np.diff(asset) != 0)
    return Walks(point[first], asset[first], metres[first])


def join(first: Walks, second: Walks) -> Walks:
    """Put two sets of pairs together."""
    return ordered(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


def of_assets(walks: Walks, chosen: Ints) -> Walks:
    """Keep the pairs of some assets, which keep their index."""
    keep = np.isin(walks.asset, chosen)
    return Walks(walks.point[keep], walks.asset[keep], walks.metres[keep])


def nearest(xy: Floats, shapes: Sequence[BaseGeometry], detour: float) -> Nearest:
    """Find the nearest asset of every demand point however far; of equally near ones the lowest index.

    xy, shapes  as in `within`
    """
    check(detour, "detour")
    asset, metres = np.full(len(xy), -1), np.full(len(xy), np.inf)
    spots = np.array([i for i, shape in enumerate(shapes) if shape.geom_type == "Point"], dtype=np.int64)
    if len(spots) and len(xy):
        at = shapely.get_coordinates(np.asarray(shapes, dtype=object)[spots])
        found, metres = _nearest_spot(xy, at)
        asset = spots[found]
    for i, shape in enumerate(shapes):
        if shape.geom_type != "Point":
            away = shapely.distance(shape, shapely.points(xy))
            closer = (away < metres) | ((away == metres) & (i < asset))
            asset, metres = np.where(closer, i, asset), np.where(closer, away, metres)
    return Nearest(asset, metres * detour)


def _nearest_spot(xy: Floats, at: Floats) -> tuple[Ints, Floats]:
    """Ask a tree of distinct spots, so that assets at one spot count as one: the lowest of them."""
    spots, lowest = np.unique(at, axis=0, return_index=True)
    metres, found = cKDTree(spots).query(xy, k=min(4, len(spots)))
    metres, asset = metres.reshape(len(xy), -1), lowest[found].reshape(len(xy), -1)
    candidates = np.where(metres == metres[:, :1], asset, len(at))
    return candidates.min(axis=1), metres[:, 0]
