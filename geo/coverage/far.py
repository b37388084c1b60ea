"""Points that have nothing within the norm, by cells: to which of them an asset may matter, however far it is."""

from typing import NamedTuple

import numpy as np

from geo.coverage import grid
from geo.coverage.compiled import compiled
from geo.coverage.demand import Bools, Floats
from geo.coverage.grid import Grid, Shorts
from geo.coverage.measures import Reached
from geo.coverage.ring import LESS

CELL_M = 2000.0


class Cells(NamedTuple):
    """The demand points by square of 2 km.

    grid   where they stand
    cell   that each point is in, -1 for one that is nowhere, shape (points,)
    most   metres to the nearest asset, at most, of points in a cell with nothing within the norm; -1 without such
    of_row the most of each row of cells
    seen   whether a cell was looked at in the turn that is going on
    """

    grid: Grid
    cell: Shorts
    most: Floats
    of_row: Floats
    seen: Bools


def cells(xy: Floats) -> Cells:
    """Sort points into cells; `tighten` is to follow."""
    laid = grid.of(xy, CELL_M)
    number = len(laid.start) - 1
    cell = np.full(len(xy), -1, np.int32)
    cell[laid.place] = np.repeat(np.arange(number, dtype=np.int32), np.diff(laid.start))
    return Cells(laid, cell, np.full(number, -1.0), np.full(laid.rows, -1.0), np.zeros(number, np.bool_))


@compiled
def tighten(cells: Cells, points: Shorts, reached: Reached) -> None:
    """Find anew how far the farthest is in the cells of these points."""
    columns = cells.grid.columns
    for i in points:
        c = cells.cell[i]
        if c >= 0 and not cells.seen[c]:
            cells.seen[c], most = True, -1.0
            for at in range(cells.grid.start[c], cells.grid.start[c + 1]):
                k = cells.grid.place[at]
                if reached.count[k] == 0:
                    most = max(most, reached.near_m[k])
            cells.most[c] = most
    for i in points:
        c = cells.cell[i]
        if c >= 0 and cells.seen[c]:
            cells.seen[c], row = False, c // columns
            cells.of_row[row] = cells.most[row * columns : (row + 1) * columns].max()


@compiled
def open_to(cells: Cells, box: Floats, least: float, reached: Reached) -> Shorts:
    """List the points with nothing within the norm to which an asset in a box may be as near as what is nearest now."""
    found, n, laid = np.empty(64, np.int32), 0, cells.grid
    west, south, east, north = (
        box[0] - laid.slack_m,
        box[1] - laid.slack_m,
        box[2] + laid.slack_m,
        box[3] + laid.slack_m,
    )
    for row in range(laid.rows if west <= east else 0):
        low = (laid.corner[1] + row) * laid.cell_m
        dy = max(0.0, low - north, south - low - laid.cell_m)
        if dy * least * LESS > cells.of_row[row]:
            continue
        for c in range(row * laid.columns, (row + 1) * laid.columns):
            left = (laid.corner[0] + c - row * laid.columns) * laid.cell_m
            dx = max(0.0, left - east, west - left - laid.cell_m)
            if cells.most[c] < 0 or np.sqrt(dx * dx + dy * dy) * least * LESS > cells.most[c]:
                continue
            first, end = laid.start[c], laid.start[c + 1]
            if n + end - first > len(found):
                found = np.append(found[:n], np.empty(n + end - first, np.int32))
            for at in range(first, end):
                i, x, y = laid.place[at], laid.x[at], laid.y[at]
                found[n] = i
                away = np.hypot(max(0.0, x - east, west - x), max(0.0, y - north, south - y))
                n += reached.count[i] == 0 and away * least * LESS <= reached.near_m[i]
    return found[:n].copy()


@compiled
def take(points: Shorts, slots: Shorts, metres: Floats, rank: Floats, reached: Reached) -> Bools:
    """Let each asset be what is nearest to the point beside it, where it is; tells where."""
    taken = np.zeros(len(points), np.bool_)
    for k in range(len(points)):
        i, slot = points[k], slots[k]
        tie = metres[k] == reached.near_m[i] and metres[k] < np.inf and rank[slot] < rank[reached.nearest[i]]
        if metres[k] < reached.near_m[i] or tie:
            reached.near_m[i], reached.nearest[i], taken[k] = metres[k], slot, True
    return taken
