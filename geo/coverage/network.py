"""The streets that people can walk, as a graph: places where lines meet, and the stretches between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from geo.coverage.demand import Floats, Ints, refuse_degrees
from geo.coverage.meeting import MEET_M, meet
from geo.errors import Flaw, InvalidInput

ROUNDED_M, ROUNDED = 0.01, 0.001  # how far a length may fall short of its line by rounding: metres, and a share of it
LEAST_M = 1e-6  # no edge is shorter: a walk of nothing would make two places one
BITS = 16  # of each coordinate, in the order of nodes
Lines = Sequence[BaseGeometry] | NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes and edges, each of which is walked in both directions. Near nodes have near numbers, and so have edges.

    xy       of the nodes, RD New, metres, shape (nodes, 2)
    ends     the nodes where each edge begins and ends, shape (edges, 2); the same one twice is a loop
    metres   the walk along each edge: finite, above 0, never shorter than it is drawn, shape (edges,)
    corners  of the drawn edges, one edge after the other, from its first node to its last, shape (corners, 2)
    first    where each edge's corners begin, shape (edges + 1,)
    """

    xy: Floats
    ends: Ints
    metres: Floats
    corners: Floats
    first: Ints

    @property
    def nodes(self) -> int:
        """Give the number of nodes."""
        return len(self.xy)

    @property
    def edges(self) -> int:
        """Give the number of edges."""
        return len(self.ends)

    def drawn(self) -> NDArray[np.object_]:
        """Give the edges as lines, RD New, shape (edges,)."""
        edge = np.repeat(np.arange(self.edges), np.diff(self.first))
        lines: NDArray[np.object_] = np.asarray(shapely.linestrings(self.corners, indices=edge), dtype=object)
        return lines


class Made(NamedTuple):
    """A network, and what became of the lines that it was made from.

    line    the index of the line that each edge is (a part of), shape (edges,)
    lifted  indexes of lines whose length was less than they are drawn: they count as drawn; ascending
    lost    indexes of lines that gave no edge: both their ends are one place, or they are of an island left out
    """

    network: Network
    line: Ints
    lifted: Ints
    lost: Ints


class Parts(NamedTuple):
    """What hangs together: the part with most metres of street first, those after it are islands.

    part    of each node, shape (nodes,)
    nodes   number of nodes, shape (parts,)
    metres  of street, shape (parts,)
    """

    part: Ints
    nodes: Ints
    metres: Floats


def of_lines(lines: Lines, metres: Floats | None = None, meet_m: float = MEET_M) -> Made:
    """Make a network of lines that need not be cut where they meet; `meeting.meet` says where they do.

    lines   LineStrings, RD New, metres, with two corners or more each
    metres  the walk along each line, shape (lines,); NaN, or None for all: as long as it is drawn
    raises  InvalidInput on what is no line, on degrees, and on a length that is negative or infinite
    """
    shapes = np.asarray(lines, dtype=object)
    wrong = (shapely.get_type_id(shapes) != shapely.GeometryType.LINESTRING) | shapely.is_empty(shapes)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InvalidInput(f"Line {row} of the network is no line.", Flaw("geometry", f"row {row} is no line"))
    corners, line = shapely.get_coordinates(shapes, return_index=True)
    if not np.isfinite(corners).all():
        raise InvalidInput("A corner of the network is no place.", Flaw("geometry", "holds what is no number"))
    refuse_degrees(corners, "network")
    return cut(*meet(corners, line, meet_m), metres=metres)


def cut(corners: Floats, line: Ints, node: Ints, metres: Floats | None = None) -> Made:
    """Make a network of lines that meet where their corners say so; a line is cut at every such corner.

    corners  RD New, metres, line after line, shape (corners, 2)
    line     the line of each corner, ascending from 0, shape (corners,)
    node     >= 0: lines meet where this is equal, at the place of the first such corner; -1: only gives the line its
             shape. The first and last corner of every line have one. Shape (corners,)
    metres   as in `of_lines`; a part of a line has its share of the length
    """
    count = int(line[-1]) + 1 if len(line) else 0
    given = np.full(count, np.nan) if metres is None else np.asarray(metres, dtype=float)
    if (given < 0).any() or np.isinf(given).any():
        row = int(np.flatnonzero((given < 0) | np.isinf(given))[0])
        raise InvalidInput(f"Line {row} of the network cannot be {given[row]} metres.", Flaw("metres", "is no length"))
    corners, spots, at = _gathered(corners, node)
    steps = np.zeros(len(corners))
    steps[:-1] = np.where(line[1:] == line[:-1], np.hypot(*np.diff(corners, axis=0).T), 0.0)
    whole = np.bincount(line, steps, minlength=count)
    times = np.divide(given, whole, out=np.ones(count), where=~np.isnan(given) & (whole > 0))
    meets = np.flatnonzero(node >= 0)
    same = line[meets[1:]] == line[meets[:-1]]
    begin, end = meets[:-1][same], meets[1:][same]
    drawn = np.add.reduceat(steps, np.stack((begin, end), axis=1).ravel())[::2] if len(begin) else np.empty(0)
    ends = np.stack((at[begin], at[end]), axis=1)
    long = np.maximum(drawn * np.maximum(times[line[begin]], 1), LEAST_M)
    good = np.flatnonzero((ends[:, 0] != ends[:, 1]) | (drawn > 2 * MEET_M))
    network, order = _ordered(spots, ends[good], long[good], corners, (begin[good], end[good]))
    source = line[begin[good]][order]
    lifted = np.flatnonzero(given < whole * (1 - ROUNDED) - ROUNDED_M)
    return Made(network, source, lifted, np.flatnonzero(np.bincount(source, minlength=count) == 0))


def _gathered(corners: Floats, node: Ints) -> tuple[Floats, Floats, Ints]:
    """Move corners where lines meet to one place; give that of each node, and which node a corner is, -1 for none."""
    meets = np.flatnonzero(node >= 0)
    _, first, which = np.unique(node[meets], return_index=True, return_inverse=True)
    spots = corners[meets[first]]
    moved, at = corners.copy(), np.full(len(corners), -1)
    moved[meets], at[meets] = spots[which], which
    return moved, spots, at


def _ordered(
    spots: Floats, ends: Ints, metres: Floats, corners: Floats, runs: tuple[Ints, Ints]
) -> tuple[Network, Ints]:
    """Number what is near near: nodes along a curve, edges by their nodes. Gives the old index of each edge too."""
    used = np.flatnonzero(np.bincount(ends.ravel(), minlength=len(spots)))
    used = used[np.argsort(curve(spots[used]), kind="stable")]
    number = np.empty(len(spots), dtype=np.int64)
    number[used] = np.arange(len(used))
    ends = number[ends]
    order = np.lexsort((ends.max(axis=1), ends.min(axis=1)))
    first, corner = _runs(runs[0][order], (runs[1] - runs[0] + 1)[order])
    return Network(spots[used], ends[order], metres[order], corners[corner], first), order


def curve(xy: Floats) -> Ints:
    """Give the place of points along a curve (Morton's) that visits near points soon after each other."""
    if not len(xy):
        return np.empty(0, dtype=np.int64)
    low = xy.min(axis=0)
    side = max(float((xy - low).max()), LEAST_M)
    cell = ((xy - low) / side * ((1 << BITS) - 1)).astype(np.int64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cell = (cell | cell << shift) & mask
    place: Ints = cell[:, 0] | cell[:, 1] << 1
    return place


def parts(network: Network) -> Parts:
    """Find what hangs together. Of equally long parts the one with the lowest node comes first."""
    u, v = network.ends.T
    joined = coo_array((np.ones(network.edges, dtype=bool), (u, v)), shape=(network.nodes, network.nodes))
    count, part = connected_components(joined, directed=False)
    metres = np.asarray(np.bincount(part[u], network.metres, minlength=count), dtype=np.float64)
    order = np.argsort(-metres, kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    return Parts(rank[part], np.bincount(part, minlength=count)[order], metres[order])


def without_islands(made: Made, least_m: float) -> Made:
    """Leave out islands with less than so many metres of street; the largest part always stays.

    In a real layer most of the small ones are gaps in the drawing. Whoever lives nearest to one would reach nothing.
    """
    whole, found = made.network, parts(made.network)
    stays = found.metres >= least_m
    stays[:1] = True
    edges = np.flatnonzero(stays[found.part[whole.ends[:, 0]]])
    nodes = np.flatnonzero(stays[found.part])
    number = np.full(whole.nodes, -1)
    number[nodes] = np.arange(len(nodes))
    first, corner = _runs(whole.first[edges], np.diff(whole.first)[edges])
    kept = Network(whole.xy[nodes], number[whole.ends[edges]], whole.metres[edges], whole.corners[corner], first)
    line = made.line[edges]
    lost = np.setdiff1d(np.concatenate((made.lost, made.line)), line)
    return Made(kept, line, made.lifted, lost)


def _runs(begin: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Lay runs of corners one after the other: where each begins then, and the old index of every corner."""
    first = np.concatenate(([0], np.cumsum(sizes)))
    return first, np.arange(first[-1]) + np.repeat(begin - first[:-1], sizes)
