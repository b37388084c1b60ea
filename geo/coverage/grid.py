"""Places sorted into square cells, row by row, so that what is near is found by reading a few short runs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints

Shorts = NDArray[np.int32]

CELLS_AT_MOST, CELLS_EACH = 1 << 21, 8  # more cells than both, and the empty ones cost more than they save


class Grid(NamedTuple):
    """Places in order of their cell: row by row from the south, in a row from the west, in a cell by index.

    Cell edges lie at multiples of `cell_m`, so that a part of the places stands in the same order as all.

    x, y     RD New, metres, shape (placed,)
    place    which of the places stands there, shape (placed,); those with a NaN stand nowhere
    start    cell c holds the places from start[c] to start[c + 1], shape (rows * columns + 1,)
    corner   cells from (0, 0) to the south-western one, by column and row
    slack_m  no coordinate is farther outside its cell than this
    """

    x: Floats
    y: Floats
    place: Shorts
    start: Shorts
    corner: tuple[float, float]
    columns: int
    rows: int
    cell_m: float
    slack_m: float


def of(xy: Floats, cell_m: float) -> Grid:
    """Sort places into cells of `cell_m` metres, or of that times 2, 4, 8 … where it would make too many.

    xy  RD New, shape (places, 2); a row with a NaN stands nowhere
    """
    count, low, high = _extent(xy)
    if not count:
        return Grid(
            np.empty(0), np.empty(0), np.empty(0, np.int32), np.zeros(2, np.int32), (0.0, 0.0), 1, 1, cell_m, 0.0
        )
    most = max(CELLS_AT_MOST, CELLS_EACH * count)
    while np.prod(np.floor(high / cell_m) - np.floor(low / cell_m) + 1) > most:
        cell_m *= 2
    corner = np.floor(low / cell_m)
    columns, rows = (np.floor(high / cell_m) - corner + 1).astype(int)
    slack_m = float(1e-6 + 1e-12 * max(np.abs(low).max(), np.abs(high).max()))
    start = np.zeros(rows * columns + 2, np.int32)
    empty = Grid(
        np.empty(count), np.empty(count), np.empty(count, np.int32), start,
        (float(corner[0]), float(corner[1])), int(columns), int(rows), cell_m, slack_m,
    )  # fmt: skip
    _sort(xy, empty)
    return empty._replace(start=start[:-1])


def cell_for(xy: Floats) -> float:
    """Give a cell size, in metres, at which there are about two cells for each of these places that stand somewhere."""
    count, low, high = _extent(xy)
    return float(np.sqrt(np.maximum(high - low, 1.0).prod() / (2 * count))) if count else 1.0


@compiled
def _extent(xy: Floats) -> tuple[int, Floats, Floats]:
    """Give the number of places that stand somewhere, their least and their largest coordinates."""
    count, low, high = 0, np.full(2, np.inf), np.full(2, -np.inf)
    for i in range(len(xy)):
        if np.isfinite(xy[i, 0]) and np.isfinite(xy[i, 1]):
            count += 1
            for axis in range(2):
                low[axis], high[axis] = min(low[axis], xy[i, axis]), max(high[axis], xy[i, axis])
    return count, low, high


@compiled
def _sort(xy: Floats, grid: Grid) -> None:
    """Fill a grid by counting. `grid.start` has one place more than it keeps: where the next of a cell goes."""
    cell = np.full(len(xy), -1, np.int32)
    for i in range(len(xy)):
        if np.isfinite(xy[i, 0]) and np.isfinite(xy[i, 1]):
            column = int(np.floor(xy[i, 0] / grid.cell_m) - grid.corner[0])
            row = int(np.floor(xy[i, 1] / grid.cell_m) - grid.corner[1])
            cell[i] = row * grid.columns + column
            grid.start[cell[i] + 2] += 1
    for c in range(2, len(grid.start)):
        grid.start[c] += grid.start[c - 1]
    for i in range(len(xy)):
        if cell[i] >= 0:
            at = grid.start[cell[i] + 1]
            grid.start[cell[i] + 1] += 1
            grid.x[at], grid.y[at], grid.place[at] = xy[i, 0], xy[i, 1], i


@compiled
def clipped(value: float, most: int) -> int:
    """Round down to a whole number from -1 to `most`."""
    return int(np.floor(min(max(value, -1.0), most)))


@compiled
def run(grid: Grid, row: int, west: float, east: float) -> tuple[int, int]:
    """Give where the places of a row begin and end that stand in a cell between two metres east."""
    first = clipped(west / grid.cell_m - grid.corner[0], grid.columns)
    last = clipped(east / grid.cell_m - grid.corner[0], grid.columns - 1)
    if last < first:
        return 0, 0
    start = row * grid.columns
    return grid.start[start + max(first, 0)], grid.start[start + last + 1]


@compiled
def apart(grid: Grid, row: int, south: float, north: float) -> float:
    """Give the metres, never too many, between a row and the stretch from south to north."""
    edge = (grid.corner[1] + row) * grid.cell_m
    return max(0.0, edge - north - grid.slack_m, south - edge - grid.cell_m - grid.slack_m)


@compiled
def rows(grid: Grid, south: float, north: float) -> tuple[int, int]:
    """Give the first row, and the one after the last, that hold anything between two metres north."""
    first = clipped((south - grid.slack_m) / grid.cell_m - grid.corner[1], grid.rows)
    last = clipped((north + grid.slack_m) / grid.cell_m - grid.corner[1], grid.rows - 1)
    return max(first, 0), last + 1


class Limit(NamedTuple):
    """How far a walk may be.

    metres   at most this many of walking
    detour   walking metres per metre as the crow flies
    squared  the largest squared straight metres that are within
    straight no fewer straight metres than are within
    """

    metres: float
    detour: float
    squared: float
    straight: float


class Found(NamedTuple):
    """Room for pairs: those of spot j from start[j] to start[j + 1]."""

    start: Ints
    point: Shorts
    metres: Floats


@compiled
def _band(grid: Grid, row: int, x: float, y: float, limit: Limit) -> tuple[int, int]:
    """Give where the places of a row begin and end that may be within a limit of a spot."""
    away = apart(grid, row, y, y)
    half = np.sqrt(max(0.0, limit.straight**2 - away**2)) + grid.slack_m
    return run(grid, row, x - half, x + half)


@compiled
def count_within(grid: Grid, spots: Floats, visits: Shorts, limit: Limit, found: Ints) -> None:
    """Count the places within a limit of each spot, in the order of `visits`, which matters for speed only."""
    for j in visits:
        x, y, number = spots[j, 0], spots[j, 1], 0
        first, end = rows(grid, y - limit.straight, y + limit.straight)
        for row in range(first, end):
            low, high = _band(grid, row, x, y, limit)
            for at in range(low, high):
                number += (grid.x[at] - x) ** 2 + (grid.y[at] - y) ** 2 <= limit.squared
        found[j] = number


@compiled
def fill_within(grid: Grid, xy: Floats, spots: Floats, visits: Shorts, limit: Limit, into: Found) -> None:
    """Write what `count_within` counted: the places of each spot ascending, `xy` of which is where they are."""
    most = 0
    for j in visits:
        most = max(most, into.start[j + 1] - into.start[j])
    near = np.empty(most + 1, np.int32)  # one to spare: every place is written, and kept by counting it
    for j in visits:
        x, y, number, ascending = spots[j, 0], spots[j, 1], 0, True
        first, end = rows(grid, y - limit.straight, y + limit.straight)
        for row in range(first, end):
            low, high = _band(grid, row, x, y, limit)
            for at in range(low, high):
                near[number] = grid.place[at]
                number += (grid.x[at] - x) ** 2 + (grid.y[at] - y) ** 2 <= limit.squared
        for k in range(1, number):
            ascending &= near[k] > near[k - 1]
        if not ascending:
            near[:number].sort()
        for k in range(number):
            squared = (xy[near[k], 0] - x) ** 2 + (xy[near[k], 1] - y) ** 2
            into.point[into.start[j] + k] = near[k]
            into.metres[into.start[j] + k] = min(np.sqrt(squared) * limit.detour, limit.metres)


@compiled
def most_of_rows(grid: Grid, most: Floats) -> Floats:
    """Give the largest of a value of the places in each row; shape (rows,), -1 where a row holds none."""
    largest = np.full(grid.rows, -1.0)
    for row in range(grid.rows):
        for at in range(grid.start[row * grid.columns], grid.start[(row + 1) * grid.columns]):
            largest[row] = max(largest[row], most[grid.place[at]])
    return largest


@compiled
def near_box(grid: Grid, box: Floats, most: Floats, row_most: Floats, near: Shorts) -> int:
    """List each place i that is at most most[i] metres from a box, and give how many they are.

    box       west, south, east, north
    row_most  no less than `most` of any place in the row, shape (rows,)
    near      room for all places and one
    """
    number = 0
    for row in range(grid.rows):
        if apart(grid, row, box[1], box[3]) > row_most[row]:
            continue
        half = row_most[row] + grid.slack_m
        low, high = run(grid, row, box[0] - half, box[2] + half)
        for at in range(low, high):
            east = max(0.0, box[0] - grid.x[at], grid.x[at] - box[2])
            north = max(0.0, box[1] - grid.y[at], grid.y[at] - box[3])
            i = grid.place[at]
            near[number] = i
            number += east * east + north * north <= most[i] * most[i]
    return number
