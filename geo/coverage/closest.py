"""The nearest of many spots for every place of a grid: cell by cell, so that neighbours share one search."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.grid import Grid, Shorts, apart, clipped, run

CLOSE = 1 + 1e-14  # squares of distances that may come out equal after a root and a product


class Candidates(NamedTuple):
    """Spots among which the nearest of some places is: where they are, and which of all; each of shape (spots + 1,)."""

    x: Floats
    y: Floats
    place: Shorts


@compiled
def find_nearest(grid: Grid, spots: Grid, detour: float, asset: Ints, metres: Floats) -> None:
    """Write the nearest of the spots and the walking metres to it for each place of a grid; nothing without spots.

    asset   of equally near ones the lowest; shape (places,), as is `metres`
    """
    count = len(spots.x)
    room = count + 1  # one to spare: every spot is written, and kept by counting it
    near = Candidates(np.empty(room), np.empty(room), np.empty(room, np.int32))
    kept = 0
    for cell in range(len(grid.start) - 1 if count else 0):
        first, end = grid.start[cell], grid.start[cell + 1]
        if first == end:
            continue
        x, y, half = _middle(grid, first, end)
        kept = _closest(spots, x, y, kept)
        straight = np.sqrt((spots.x[kept] - x) ** 2 + (spots.y[kept] - y) ** 2)
        number = _gather(spots, x, y, (straight + 2 * half) * CLOSE + spots.slack_m, near)
        for at in range(first, end):
            best, found = _pick(near, number, grid.x[at], grid.y[at], detour)
            asset[grid.place[at]], metres[grid.place[at]] = found, best


@compiled
def _middle(grid: Grid, first: int, end: int) -> tuple[float, float, float]:
    """Give the middle of the places from `first` to `end`, and how far the farthest of them is from it at most."""
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    for at in range(first, end):
        west, east = min(west, grid.x[at]), max(east, grid.x[at])
        south, north = min(south, grid.y[at]), max(north, grid.y[at])
    return (west + east) / 2, (south + north) / 2, np.hypot(east - west, north - south) / 2


@compiled
def _closest(spots: Grid, x: float, y: float, kept: int) -> int:
    """Search the rows outward from a place, no farther than the spot `kept`, which was the nearest of a neighbour."""
    far = (spots.x[kept] - x) ** 2 + (spots.y[kept] - y) ** 2
    home = max(clipped(y / spots.cell_m - spots.corner[1], spots.rows - 1), 0)
    for step in (-1, 1):
        row = home if step < 0 else home + 1
        while 0 <= row < spots.rows:
            away = apart(spots, row, y, y)
            if away * away > far:
                break
            half = np.sqrt(far - away * away) + spots.slack_m
            low, high = run(spots, row, x - half, x + half)
            for at in range(low, high):
                squared = (spots.x[at] - x) ** 2 + (spots.y[at] - y) ** 2
                if squared < far:
                    kept, far = at, squared
            row += step
    return kept


@compiled
def _gather(spots: Grid, x: float, y: float, reach_m: float, near: Candidates) -> int:
    """List the spots within some metres of a place, and give how many they are."""
    number = 0
    first = max(clipped((y - reach_m) / spots.cell_m - spots.corner[1], spots.rows), 0)
    last = clipped((y + reach_m) / spots.cell_m - spots.corner[1], spots.rows - 1)
    for row in range(first, last + 1):
        away = apart(spots, row, y, y)
        half = np.sqrt(max(0.0, reach_m * reach_m - away * away)) + spots.slack_m
        low, high = run(spots, row, x - half, x + half)
        for at in range(low, high):
            near.x[number], near.y[number], near.place[number] = spots.x[at], spots.y[at], spots.place[at]
            number += (spots.x[at] - x) ** 2 + (spots.y[at] - y) ** 2 <= reach_m * reach_m
    return number


@compiled
def _pick(near: Candidates, number: int, x: float, y: float, detour: float) -> tuple[float, int]:
    """Give the walking metres to the nearest of the candidates, and which it is: of equally near ones the lowest."""
    least = np.inf
    for k in range(number):
        least = min(least, (near.x[k] - x) ** 2 + (near.y[k] - y) ** 2)
    best, found = np.inf, -1
    for k in range(number):
        squared = (near.x[k] - x) ** 2 + (near.y[k] - y) ** 2
        if squared <= least * CLOSE:
            walk = np.sqrt(squared) * detour
            if walk < best or (walk == best and near.place[k] < found):
                best, found = walk, near.place[k]
    return best, found
