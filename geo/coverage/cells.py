"""A grid over outlines: most of its cells lie wholly in one, so that few points need a look at a border."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.rows import gathered

Bytes = NDArray[np.uint8]

UNSURE = -2
MOST_CELLS = 4_000_000
CELLS_AN_OUTLINE = 1000
PAD = 1e-3  # of a cell: more than rounding can move a border
ROUNDING = 4e-16  # of the terms of a cross product: beyond it, its sign is certain (Shewchuk 1997)
CROSSED, BORDER = 1, 2  # what is noted of a cell: the parity left of its centre changes here; a border runs through it


class _Grid(NamedTuple):
    """Where the grid begins and how large it is, with one empty cell around all outlines."""

    west: float
    south: float
    cell_m: float
    columns: int
    rows: int


class _Edges(NamedTuple):
    """The edges of all outlines: those of outline a are at[start[a]:start[a+1]], as x1, y1, x2, y2 in RD New."""

    start: Ints
    at: Floats


class _Cells(NamedTuple):
    """What is known of the cells, row by row from the south-west.

    whole    lowest outline that covers all of a cell without a border in it, or -1
    start, outline   the outlines whose border runs through cell c: outline[start[c]:start[c+1]], ascending
    """

    whole: Ints
    start: Ints
    outline: Ints


class _Bands(NamedTuple):
    """The edges of each outline by the rows of cells that they run through.

    lowest   first row of each outline
    band     row r of outline a is band[a] + r - lowest[a], below band[a+1]
    start, edge   edges of a band: edge[start[band]:start[band+1]]
    """

    lowest: Ints
    band: Ints
    start: Ints
    edge: Ints


def holding(xy: Floats, outlines: Sequence[BaseGeometry]) -> Ints:
    """Find the lowest outline that holds each point, edges included, by whole cells and else by casting a ray.

    xy        shape (points, 2)
    outlines  valid polygons; made of one or more parts, with holes or without
    returns   shape (points,); -1 where none does; UNSURE where rounding could decide: a point on an edge, or very near
    """
    edges = _edges(outlines)
    if not len(edges.at):
        return np.full(len(xy), -1)
    grid = _grid(edges, len(outlines))
    whole, cell, outline = _lay(edges, grid)
    cells = _Cells(whole, *gathered(cell, outline, len(whole)))
    lowest, band, key, edge = _bands(edges, grid)
    bands = _Bands(lowest, band, *gathered(key, edge, int(band[-1])))
    return _find(xy, grid, cells, edges, bands)


def _edges(outlines: Sequence[BaseGeometry]) -> _Edges:
    parts, of_part = shapely.get_parts(np.asarray(outlines, dtype=object), return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, of_corner = shapely.get_coordinates(rings, return_index=True)
    same = np.flatnonzero(of_corner[1:] == of_corner[:-1])
    owner = of_part[of_ring[of_corner[same]]]
    start = np.searchsorted(owner, np.arange(len(outlines) + 1))
    return _Edges(start, np.concatenate([xy[same], xy[same + 1]], axis=1))


def _grid(edges: _Edges, outlines: int) -> _Grid:
    """Choose cells so small that most of them miss all borders, and so few that they take little memory."""
    west, south = edges.at[:, :2].min(axis=0)
    east, north = edges.at[:, :2].max(axis=0)
    most = min(MOST_CELLS, CELLS_AN_OUTLINE * outlines)
    cell_m = float(max(np.sqrt((east - west) * (north - south) / most), (east - west + north - south) / most))
    columns, rows = int((east - west) / cell_m) + 3, int((north - south) / cell_m) + 3
    return _Grid(float(west) - cell_m, float(south) - cell_m, cell_m, columns, rows)


@compiled
def _lay(edges: _Edges, grid: _Grid) -> tuple[Ints, Ints, Ints]:
    """Lay each outline on the grid: what it covers wholly, and pairs (cell, outline) of the cells on its border."""
    covers = np.full(grid.columns * grid.rows, -1)
    cell, outline, n = np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    for a in range(len(edges.start) - 1):
        mine = edges.at[edges.start[a] : edges.start[a + 1]]
        if len(mine) == 0:
            continue
        left = int((mine[:, 0].min() - grid.west) / grid.cell_m - PAD)
        low = int((mine[:, 1].min() - grid.south) / grid.cell_m - PAD)
        wide = int((mine[:, 0].max() - grid.west) / grid.cell_m + PAD) + 1 - left
        high = int((mine[:, 1].max() - grid.south) / grid.cell_m + PAD) + 1 - low
        noted = np.zeros((high, wide), np.uint8)
        for edge in mine:
            x1, x2 = (edge[0] - grid.west) / grid.cell_m - left, (edge[2] - grid.west) / grid.cell_m - left
            y1, y2 = (edge[1] - grid.south) / grid.cell_m - low, (edge[3] - grid.south) / grid.cell_m - low
            _cross(x1, y1, x2, y2, noted)
            _touch(x1, y1, x2, y2, noted)
        if n + noted.size > len(cell):
            cell, outline = (
                np.append(cell, np.empty(n + noted.size, np.int64)),
                np.append(outline, np.empty(n + noted.size, np.int64)),
            )
        for row in range(high):
            within = False
            for column in range(wide):
                at = (low + row) * grid.columns + left + column
                within ^= noted[row, column] & CROSSED > 0
                if noted[row, column] & BORDER:
                    cell[n], outline[n] = at, a
                    n += 1
                elif within and covers[at] < 0:
                    covers[at] = a
    return covers, cell[:n], outline[:n]


@compiled
def _cross(x1: float, y1: float, x2: float, y2: float, noted: Bytes) -> None:
    """Note for each row whose centre line an edge crosses, the first cell whose centre lies right of the crossing."""
    low, high = min(y1, y2), max(y1, y2)
    row = int(np.ceil(low - 0.5))
    while row + 0.5 < high:
        column = int(np.floor(x1 + (row + 0.5 - y1) / (y2 - y1) * (x2 - x1) + 0.5))
        if column < noted.shape[1]:
            noted[row, column] ^= CROSSED
        row += 1


@compiled
def _touch(x1: float, y1: float, x2: float, y2: float, noted: Bytes) -> None:
    """Note the cells that an edge runs through, and those that it all but touches."""
    low, high, slope = min(y1, y2), max(y1, y2), (x2 - x1) / (y2 - y1) if y1 != y2 else 0.0
    for row in range(max(0, int(low - PAD)), min(noted.shape[0], int(high + PAD) + 1)):
        left, right = x1, x2
        if y1 != y2 and high - low > PAD:
            left = x1 + (max(low, row - PAD) - y1) * slope
            right = x1 + (min(high, row + 1 + PAD) - y1) * slope
        first = max(0, int(min(left, right) - PAD))
        last = min(noted.shape[1] - 1, int(max(left, right) + PAD))
        for column in range(first, last + 1):
            noted[row, column] |= BORDER


@compiled
def _bands(edges: _Edges, grid: _Grid) -> tuple[Ints, Ints, Ints, Ints]:
    """Count the rows that outlines run through, and pair each of these rows with each edge in it."""
    outlines = len(edges.start) - 1
    lowest, band = np.zeros(outlines, np.int64), np.zeros(outlines + 1, np.int64)
    first = _rows(np.minimum(edges.at[:, 1], edges.at[:, 3]), grid)
    last = _rows(np.maximum(edges.at[:, 1], edges.at[:, 3]), grid)
    for a in range(outlines):
        mine = slice(edges.start[a], edges.start[a + 1])
        band[a + 1] = band[a]
        if len(first[mine]) > 0:
            lowest[a] = first[mine].min()
            band[a + 1] += last[mine].max() + 1 - lowest[a]
    key, edge, n = np.empty((last + 1 - first).sum(), np.int64), np.empty((last + 1 - first).sum(), np.int64), 0
    for a in range(outlines):
        for e in range(edges.start[a], edges.start[a + 1]):
            for row in range(first[e], last[e] + 1):
                key[n], edge[n] = band[a] + row - lowest[a], e
                n += 1
    return lowest, band, key, edge


@compiled
def _rows(y: Floats, grid: _Grid) -> Ints:
    """Say in which row of cells a northing lies; what lies higher never lies in a lower row."""
    return ((y - grid.south) / grid.cell_m).astype(np.int64)


@compiled
def _find(xy: Floats, grid: _Grid, cells: _Cells, edges: _Edges, bands: _Bands) -> Ints:
    """Find the lowest outline that holds each point; -1, or UNSURE."""
    found = np.full(len(xy), -1)
    for i in range(len(xy)):
        across, up = (xy[i, 0] - grid.west) / grid.cell_m, (xy[i, 1] - grid.south) / grid.cell_m
        if not (0 <= across < grid.columns and 0 <= up < grid.rows):
            continue
        cell = int(up) * grid.columns + int(across)
        found[i] = cells.whole[cell]
        for k in range(cells.start[cell], cells.start[cell + 1]):
            a = cells.outline[k]
            row = int(up) - bands.lowest[a]
            if 0 <= found[i] < a:
                break
            if 0 <= row < bands.band[a + 1] - bands.band[a]:
                band = bands.band[a] + row
                within = _cast(xy[i, 0], xy[i, 1], edges.at, bands.edge[bands.start[band] : bands.start[band + 1]])
                if within != 0:
                    found[i] = a if within == 1 else UNSURE
                    break
    return found


@compiled
def _cast(x: float, y: float, at: Floats, near: Ints) -> int:
    """Cast a ray to the east and count edges: 1 within, 0 not, UNSURE where the point may lie on an edge."""
    within = 0
    for e in near:
        x1, y1, x2, y2 = at[e, 0], at[e, 1], at[e, 2], at[e, 3]
        if min(y1, y2) <= y <= max(y1, y2) and x <= max(x1, x2):
            astride = (y1 > y) != (y2 > y)
            if x < min(x1, x2):
                within ^= astride
            else:
                one, other = (x2 - x1) * (y - y1), (x - x1) * (y2 - y1)
                if abs(one - other) <= ROUNDING * (abs(one) + abs(other)):
                    return UNSURE
                within ^= astride and (one > other) == (y2 > y1)
    return within
