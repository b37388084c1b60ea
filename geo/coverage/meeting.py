"""Where the lines of a layer meet: not every maker of maps cuts lines at a corner of two streets."""

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.coverage.demand import Bools, Floats, Ints

MEET_M = 0.1
SAME = 3  # decimals of a metre in which corners are the same one


def meet(corners: Floats, line: Ints, meet_m: float = MEET_M) -> tuple[Floats, Ints, Ints]:
    """Say at which corners lines meet, as `network.cut` takes it.

    Lines meet where they share a corner, where their ends lie within `meet_m` metres of each other, and where the end
    of one lies within `meet_m` metres of the middle of another, which gets a corner there. They do not meet where they
    only cross: one may be a bridge.

    corners  RD New, metres, line after line, shape (corners, 2)
    line     the line of each corner, ascending from 0, shape (corners,)
    returns  corners, line and node: -1 where nothing meets
    """
    if not len(line):
        return corners, line, np.empty(0, dtype=np.int64)
    end = np.ones(len(line), dtype=bool)
    end[1:-1] = (line[1:-1] != line[:-2]) | (line[1:-1] != line[2:])
    spots, spot = np.unique(np.round(corners, SAME), axis=0, return_inverse=True)
    spot = spot.reshape(-1)
    ending = np.bincount(spot[end], minlength=len(spots)) > 0
    meeting = np.flatnonzero(ending | (np.bincount(spot, minlength=len(spots)) > 1))
    node = np.full(len(spots), -1)
    node[meeting] = _near(spots[meeting], meet_m)
    ends = np.flatnonzero(ending)
    return _cornered(corners, line, node[spot], spots[ends], node[ends], meet_m)


def _near(spots: Floats, meet_m: float) -> Ints:
    """Give spots the same number that lie near each other, or both near a third."""
    pairs = cKDTree(spots).query_pairs(meet_m, output_type="ndarray")
    beside = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(spots),) * 2)
    return np.asarray(connected_components(beside, directed=False)[1], dtype=np.int64)


def _cornered(
    corners: Floats, line: Ints, node: Ints, ends: Floats, end_node: Ints, meet_m: float
) -> tuple[Floats, Ints, Ints]:
    """Give lines a corner where the end of another, or of themselves, touches them, but where they begin or end there.

    A corner that they have there already stands twice then: the edge between the two is none, and is left out.
    """
    lines = np.asarray(shapely.linestrings(corners, indices=line), dtype=object)
    end, touched = shapely.STRtree(lines).query(shapely.points(ends), predicate="dwithin", distance=meet_m)
    along = shapely.line_locate_point(lines[touched], shapely.points(ends[end]))
    left = shapely.length(lines)[touched] - along
    first = np.searchsorted(line, touched)
    last = np.searchsorted(line, touched, side="right") - 1
    own = (node[first] == end_node[end]) & (along <= 2 * meet_m) | (node[last] == end_node[end]) & (left <= 2 * meet_m)
    end, touched, along = end[~own], touched[~own], along[~own]
    added = shapely.get_coordinates(shapely.line_interpolate_point(lines[touched], along))
    order = np.lexsort((np.concatenate((_along(corners, line), along)), np.concatenate((line, touched))))
    return (
        np.concatenate((corners, added))[order],
        np.concatenate((line, touched))[order],
        np.concatenate((node, end_node[end]))[order],
    )


def _along(corners: Floats, line: Ints) -> Floats:
    """Give for each corner how far it lies along its line, metres."""
    steps = np.zeros(len(corners))
    steps[1:] = np.hypot(*np.diff(corners, axis=0).T)
    far = np.cumsum(steps)
    begins: Bools = np.ones(len(line), dtype=bool)
    begins[1:] = line[1:] != line[:-1]
    along: Floats = far - far[begins][np.cumsum(begins) - 1]
    return along
