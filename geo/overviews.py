"""Overviews: outlines with fewer corners, for maps that show many of them at once."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

OVERVIEW_M = 20.0  # what an overview may leave out, metres
SAME_M = 0.001  # corners that lie this close are one: a turn from degrees and back moves them by less
Shapes = NDArray[np.object_]


def simplified(metres: Shapes, degrees: Shapes) -> Shapes:
    """Leave out corners of outlines that do not matter by 20 m, and give what is left in degrees.

    Together where the outlines fit together, so that no slivers appear; else each for itself.

    metres, degrees   the same sound outlines, corner by corner, in RD New and in WGS 84
    """
    if not len(metres):
        return degrees
    snapped: Any = shapely.set_precision(metres, SAME_M, mode="pointwise")
    together = shapely.coverage_is_valid(snapped)
    simple = shapely.coverage_simplify(snapped, OVERVIEW_M) if together else shapely.simplify(metres, OVERVIEW_M)
    _, corner = cKDTree(shapely.get_coordinates(metres)).query(shapely.get_coordinates(simple))
    left: Shapes = shapely.set_coordinates(simple, shapely.get_coordinates(degrees)[corner])  # none of them is new
    return left


def sound(degrees: Shapes) -> Shapes:
    """Mend outlines that came to cross themselves by a hair when they were turned into degrees."""
    bad = ~shapely.is_valid(degrees)
    mended = degrees.copy()
    mended[bad] = shapely.make_valid(degrees[bad], method="structure", keep_collapsed=False)
    return mended
