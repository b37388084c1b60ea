"""Assets in cells, where they come and go one by one, searched ring by ring from a point outwards."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats
from geo.coverage.grid import Shorts
from geo.coverage.measures import Reached
from geo.coverage.roster import SPOT, Rows

NONE = -1
CELLS_EACH, CELLS_AT_LEAST = 8, 64
LESS = 1 - 1e-9  # of what is certain to be less, whatever the rounding


class Ring(NamedTuple):
    """Slots of assets that are spots, in cells row by row; what lies outside belongs to the nearest cell on the edge.

    head   first slot in each cell, shape (columns * rows,); NONE where there is none
    after  next slot in the same cell, shape (slots,)
    """

    head: Shorts
    after: Shorts
    west: float
    south: float
    cell_m: float
    columns: int
    rows: int


def of(rows: Rows) -> Ring:
    """Lay the spots into cells, about eight for each."""
    slots = np.flatnonzero(rows.kind == SPOT).astype(np.int32)
    spots = rows.xy[slots] if len(slots) else np.zeros((1, 2))
    low, extent = spots.min(axis=0), np.ptp(spots, axis=0) + 1
    cell_m = float(np.sqrt(extent.prod() / max(CELLS_EACH * len(spots), CELLS_AT_LEAST)))
    columns, lines = (np.floor(extent / cell_m) + 1).astype(int)
    head, after = np.full(columns * lines, NONE, np.int32), np.full(len(rows.kind), NONE, np.int32)
    ring = Ring(head, after, float(low[0]), float(low[1]), cell_m, int(columns), int(lines))
    _lay(ring, slots, rows.xy)
    return ring


@compiled
def _lay(ring: Ring, slots: Shorts, xy: Floats) -> None:
    for slot in slots:
        enter(ring, slot, xy[slot, 0], xy[slot, 1])


@compiled
def _cell(metres: float, cell_m: float, most: int) -> int:
    return int(min(max(np.floor(metres / cell_m), 0), most - 1))


@compiled
def _at(ring: Ring, x: float, y: float) -> int:
    row = _cell(y - ring.south, ring.cell_m, ring.rows)
    return row * ring.columns + _cell(x - ring.west, ring.cell_m, ring.columns)


@compiled
def enter(ring: Ring, slot: int, x: float, y: float) -> None:
    """Put an asset where it is."""
    cell = _at(ring, x, y)
    ring.after[slot] = ring.head[cell]
    ring.head[cell] = slot


@compiled
def leave(ring: Ring, slot: int, x: float, y: float) -> None:
    """Take an asset away from where it was."""
    cell = _at(ring, x, y)
    if ring.head[cell] == slot:
        ring.head[cell] = ring.after[slot]
        return
    before = ring.head[cell]
    while ring.after[before] != slot:
        before = ring.after[before]
    ring.after[before] = ring.after[slot]


@compiled
def search(ring: Ring, rows: Rows, points: Shorts, xy: Floats, detour: float, reached: Reached) -> None:
    """Write for some points the nearest spot, of equally near ones that of the lowest rank; NONE and inf without."""
    for i in points:
        reached.near_m[i], reached.nearest[i] = np.inf, NONE
        x, y = xy[i, 0], xy[i, 1]
        if np.isnan(x) or np.isnan(y):
            continue
        column = _cell(x - ring.west, ring.cell_m, ring.columns)
        row = _cell(y - ring.south, ring.cell_m, ring.rows)
        for step in range(max(ring.columns, ring.rows)):
            if (step - 1) * ring.cell_m * detour * LESS > reached.near_m[i]:
                break
            for r in range(max(row - step, 0), min(row + step, ring.rows - 1) + 1):
                stride = 1 if abs(r - row) == step else max(2 * step, 1)
                for c in range(column - step, column + step + 1, stride):
                    if 0 <= c < ring.columns:
                        _best(ring.head[r * ring.columns + c], ring.after, rows, (i, x, y, detour), reached)


@compiled
def _best(slot: int, after: Shorts, rows: Rows, place: tuple[int, float, float, float], reached: Reached) -> None:
    """Compare all assets of a cell with the best one until now."""
    i, x, y, detour = place
    while slot != NONE:
        metres = np.sqrt((rows.xy[slot, 0] - x) ** 2 + (rows.xy[slot, 1] - y) ** 2) * detour
        kept = reached.nearest[i]
        if metres < reached.near_m[i] or (metres == reached.near_m[i] and rows.rank[slot] < rows.rank[kept]):
            reached.near_m[i], reached.nearest[i] = metres, slot
        slot = after[slot]
