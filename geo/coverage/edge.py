"""Where the asset data end: beyond it there may be assets that nobody put in, so figures near it are less sure."""

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.coverage.demand import Floats

SEAM_M = 100.0  # outlines that were drawn apart by less than this belong together
COARSE_M = 10.0
PIECE = 32  # vertices


def edge_m(xy: Floats, outlines: Sequence[BaseGeometry], limit_m: float) -> Floats:
    """Give the metres from each point to the outer edge of all outlines together.

    xy        RD New, metres, shape (points, 2)
    outlines  of what the data are kept for; gaps between them of less than 200 m are closed
    limit_m   nobody asks for what lies farther
    returns   shape (points,); inf where the edge is farther than that, 0 for a point outside
    """
    away = np.full(len(xy), np.inf)
    if not len(xy) or not outlines:
        return away
    coarse = shapely.simplify(np.asarray(outlines, dtype=object), COARSE_M)
    whole = shapely.buffer(shapely.union_all(shapely.buffer(coarse, SEAM_M)), -SEAM_M)
    rings = [shapely.get_exterior_ring(part) for part in shapely.get_parts(whole)]
    pieces = [piece for ring in rings for piece in _pieces(shapely.get_coordinates(ring))]
    spots = np.asarray(shapely.points(xy), dtype=object)
    point, _ = found = shapely.STRtree(pieces).query_nearest(spots, max_distance=limit_m, all_matches=False)
    away[point] = shapely.distance(spots[point], np.asarray(pieces, dtype=object)[found[1]])
    shapely.prepare(whole)
    away[~shapely.intersects_xy(whole, xy[:, 0], xy[:, 1])] = 0.0
    return away


def _pieces(ring: Floats) -> list[BaseGeometry]:
    return [shapely.LineString(ring[i : i + PIECE + 1]) for i in range(0, len(ring) - 1, PIECE)]
