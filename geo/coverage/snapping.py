"""From a place to the nearest point of a street: not to its nearest corner, which may be a long block away."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.network import Network

SNAP_M = 250.0  # how somebody walks who is farther from every street is not known
LEAST_CELL_M = 25.0
EACH = 2  # pieces of street for each cell of the grid
HAIR_M = 1e-6  # so that no rounding puts a piece into the wrong cell


class Pieces(NamedTuple):
    """The straight pieces of all edges, and the cells of a grid that each of them runs through.

    xy     where a piece begins and where it ends, RD New, metres, shape (pieces, 4)
    edge   the edge that it is of, ascending, shape (pieces,)
    far    the walk from the edge's first node to where it begins, metres, shape (pieces,)
    pace   metres of walk per metre as drawn, >= 1, shape (pieces,)
    start  cell c, row by row from the south-west, holds held[start[c]:start[c + 1]], shape (columns * rows + 1,)
    held   pieces
    """

    xy: Floats
    edge: Ints
    far: Floats
    pace: Floats
    west: float
    south: float
    cell_m: float
    columns: int
    rows: int
    start: Ints
    held: Ints


class Snapped(NamedTuple):
    """The nearest point of the network. All of shape (points,).

    edge      the edge that it lies on; -1 where none is within the limit
    offset_m  the walk along that edge from its first node to there
    leg_m     the straight line from the point to there; inf where none is within the limit
    """

    edge: Ints
    offset_m: Floats
    leg_m: Floats


class Best(NamedTuple):
    """The nearest point that was found until now: squared metres to it, where it lies, its piece, and how far along."""

    squared: float
    x: float
    y: float
    piece: int
    offset: float


def pieces(network: Network) -> Pieces:
    """Lay the straight pieces of a network's edges into a grid, so that the nearest is soon found."""
    edge = np.repeat(np.arange(network.edges), np.diff(network.first) - 1)
    begin = np.arange(len(edge)) + edge
    xy = np.concatenate((network.corners[begin], network.corners[begin + 1]), axis=1)
    far, pace = _paced(xy, edge, network.metres)
    empty = np.empty(0, dtype=np.int64)
    if not len(edge):
        return Pieces(xy, edge, far, pace, 0.0, 0.0, LEAST_CELL_M, 0, 0, np.zeros(1, dtype=np.int64), empty)
    low, high = network.corners.min(axis=0), network.corners.max(axis=0)
    cell_m = max(LEAST_CELL_M, float(np.sqrt((high - low + LEAST_CELL_M).prod() / len(edge) * EACH)))
    columns, rows = (np.floor((high - low) / cell_m) + 1).astype(int)
    grid = Pieces(
        xy, edge, far, pace, float(low[0]), float(low[1]), cell_m, int(columns), int(rows),
        np.zeros(int(columns * rows) + 2, dtype=np.int64), empty,
    )  # fmt: skip
    _lay(grid)
    grid = grid._replace(held=np.empty(grid.start[-1], dtype=np.int64))
    _lay(grid)
    return grid._replace(start=grid.start[:-1])


def snap(found: Pieces, xy: Floats, limit_m: float = SNAP_M) -> Snapped:
    """Find the nearest point of the network, of equally near ones the most western, of those the most southern.

    xy       RD New, metres, shape (points, 2); a NaN is nowhere
    limit_m  how far it may be, inclusive
    """
    edge, offset, leg = np.full(len(xy), -1, dtype=np.int64), np.zeros(len(xy)), np.full(len(xy), np.inf)
    _snap(found, np.ascontiguousarray(xy, dtype=np.float64), limit_m, edge, offset, leg)
    return Snapped(edge, offset, leg)


def around(found: Pieces, box: tuple[float, float, float, float]) -> Ints:
    """Give the pieces, ascending, that may lie in a box (west, south, east, north), and a few beside it."""
    west, south, east, north = box
    first, last = (_cell(x - found.west, found.cell_m, found.columns) for x in (west, east))
    low, high = (_cell(y - found.south, found.cell_m, found.rows) for y in (south, north))
    runs = [
        found.held[found.start[row * found.columns + max(first, 0)] : found.start[row * found.columns + last + 1]]
        for row in range(max(low, 0), high + 1)
        if max(first, 0) <= last
    ]
    return np.unique(np.concatenate(runs)) if runs else np.empty(0, dtype=np.int64)


def _cell(metres: float, cell_m: float, most: int) -> int:
    return int(np.clip(np.floor(metres / cell_m), -1, most - 1))


@compiled
def _paced(xy: Floats, edge: Ints, metres: Floats) -> tuple[Floats, Floats]:
    """Give for each piece the walk from its edge's first node to it, and the walk per metre as drawn."""
    drawn, far, pace = np.empty(len(edge)), np.empty(len(edge)), np.ones(len(edge))
    for i in range(len(edge)):
        drawn[i] = np.hypot(xy[i, 2] - xy[i, 0], xy[i, 3] - xy[i, 1])
        far[i] = far[i - 1] + drawn[i - 1] if i > 0 and edge[i] == edge[i - 1] else 0.0
    for i in range(len(edge) - 1, -1, -1):
        whole = far[i] + drawn[i]
        if i + 1 < len(edge) and edge[i] == edge[i + 1]:
            pace[i] = pace[i + 1]
        elif whole > 0:
            pace[i] = max(metres[edge[i]] / whole, 1.0)
        far[i] *= pace[i]
    return far, pace


@compiled
def _lay(grid: Pieces) -> None:
    """Count the pieces in each cell while `held` is empty; when it has room, lay them there.

    Until it is done, `start` has one place more than in the end, and cell c's pieces begin at start[c + 1].
    """
    for i in range(len(grid.edge)):
        ax, ay = grid.xy[i, 0] - grid.west, grid.xy[i, 1] - grid.south
        bx, by = grid.xy[i, 2] - grid.west, grid.xy[i, 3] - grid.south
        if ax > bx:
            ax, ay, bx, by = bx, by, ax, ay
        slope = (by - ay) / (bx - ax) if bx > ax else 0.0
        for column in range(int(ax / grid.cell_m), int(bx / grid.cell_m) + 1):
            enter, leave = max(ax, column * grid.cell_m), min(bx, (column + 1) * grid.cell_m)
            y, z = (ay + slope * (enter - ax), ay + slope * (leave - ax)) if bx > ax else (ay, by)
            low, high = min(y, z) - HAIR_M, max(y, z) + HAIR_M
            first, last = max(int(low / grid.cell_m), 0), min(int(high / grid.cell_m), grid.rows - 1)
            for row in range(first, last + 1):
                cell = row * grid.columns + column
                if not len(grid.held):
                    grid.start[cell + 2] += 1
                else:
                    grid.held[grid.start[cell + 1]] = i
                    grid.start[cell + 1] += 1
    if not len(grid.held):
        for cell in range(2, len(grid.start)):
            grid.start[cell] += grid.start[cell - 1]


@compiled
def _snap(grid: Pieces, xy: Floats, limit_m: float, edge: Ints, offset: Floats, leg: Floats) -> None:
    """Look at rings of cells around each point, until what lies beyond them is farther than what was found."""
    for i in range(len(xy)):
        x, y = xy[i, 0] - grid.west, xy[i, 1] - grid.south
        wide, high = grid.columns * grid.cell_m, grid.rows * grid.cell_m
        if not (-limit_m <= x <= wide + limit_m and -limit_m <= y <= high + limit_m):
            continue
        column, row = int(np.floor(x / grid.cell_m)), int(np.floor(y / grid.cell_m))
        rim = min(x - column * grid.cell_m, (column + 1) * grid.cell_m - x)
        rim = min(rim, y - row * grid.cell_m, (row + 1) * grid.cell_m - y) - HAIR_M
        best = Best(np.inf, 0.0, 0.0, -1, 0.0)
        ring = 0
        while True:
            for r in range(max(row - ring, 0), min(row + ring, grid.rows - 1) + 1):
                step = 1 if abs(r - row) == ring else 2 * ring
                for c in range(column - ring, column + ring + 1, max(step, 1)):
                    if 0 <= c < grid.columns:
                        cell = r * grid.columns + c
                        for at in range(grid.start[cell], grid.start[cell + 1]):
                            best = _better(grid, grid.held[at], xy[i, 0], xy[i, 1], best)
            within = rim + ring * grid.cell_m
            if best.squared < within * max(within, 0.0) or within > limit_m:
                break
            ring += 1
        metres = np.sqrt(best.squared)
        if metres <= limit_m:
            edge[i], offset[i], leg[i] = grid.edge[best.piece], best.offset, metres


@compiled
def _better(grid: Pieces, piece: int, x: float, y: float, best: Best) -> Best:
    """Give the nearest point of a piece, where it is nearer than the best one, or as near and more western."""
    ax, ay = grid.xy[piece, 0], grid.xy[piece, 1]
    dx, dy = grid.xy[piece, 2] - ax, grid.xy[piece, 3] - ay
    long = dx * dx + dy * dy
    share = min(max(((x - ax) * dx + (y - ay) * dy) / long, 0.0), 1.0) if long > 0 else 0.0
    px, py = (ax + share * dx, ay + share * dy) if share < 1 else (grid.xy[piece, 2], grid.xy[piece, 3])
    squared = (px - x) ** 2 + (py - y) ** 2
    if squared > best.squared or (squared == best.squared and (px, py, piece) >= (best.x, best.y, best.piece)):
        return best
    return Best(squared, px, py, piece, grid.far[piece] + share * np.sqrt(long) * grid.pace[piece])
