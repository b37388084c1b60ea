"""WebMercatorQuad: how the world is cut into tiles (OGC 17-083r4, annex D.1), and which of its tiles there are."""

import math
from typing import NamedTuple

from geo.checks import NETHERLANDS
from geo.collections import Box
from geo.errors import NotFound

NAME = "WebMercatorQuad"
EDGE_M = 20037508.342789244  # from the middle of the projected world to each of its sides
PIXELS = 256  # of a side of a tile, by the standard
DEEPEST_DEFINED = 24
DEEPEST = 16  # of our tiles
METRES_A_PIXEL = 0.00028  # by which the standard reckons scales


class Tile(NamedTuple):
    """One tile: its zoom (the standard's tile matrix), rows counted from the north, columns from the west."""

    zoom: int
    row: int
    col: int


class Limits(NamedTuple):
    """The first and last rows and columns of a zoom in which there are tiles."""

    zoom: int
    min_row: int
    max_row: int
    min_col: int
    max_col: int


class Matrix(NamedTuple):
    """The tiles of one zoom: how many there are along a side, metres a pixel, and the scale that this is."""

    zoom: int
    tiles: int
    cell_m: float
    scale: float


def matrix(zoom: int) -> Matrix:
    """Give the figures of one zoom."""
    cell_m = 2 * EDGE_M / PIXELS / 2**zoom
    return Matrix(zoom, 2**zoom, cell_m, cell_m / METRES_A_PIXEL)


def limits(zoom: int) -> Limits:
    """Give the rows and columns of a zoom that touch the Netherlands."""
    west, south, east, north = NETHERLANDS
    return Limits(zoom, _row(north, zoom), _row(south, zoom), _col(west, zoom), _col(east, zoom))


def named(name: str) -> None:
    """Let only the one way to cut through. Raises NotFound."""
    if name != NAME:
        raise NotFound(f"tileMatrixSetId: there is no {name!r} here. There is: {NAME}.")


def tile(zoom: int, row: int, col: int) -> Tile:
    """Give a tile that there can be. Raises NotFound naming the part that lies outside."""
    if zoom > DEEPEST:
        raise NotFound(f"tileMatrix: there are no tiles at {zoom}; they go from 0 to {DEEPEST}.")
    there = limits(zoom)
    for name, asked, first, last in (
        ("tileRow", row, there.min_row, there.max_row),
        ("tileCol", col, there.min_col, there.max_col),
    ):
        if not first <= asked <= last:
            raise NotFound(f"{name}: {asked} lies outside the tiles of {zoom}, which go from {first} to {last}.")
    return Tile(zoom, row, col)


def bounds(tile: Tile, margin: float = 0.0) -> Box:
    """Give the bounds of a tile in degrees, widened on each side by a part of its side.

    They are the tile itself: in this projection the sides of a tile are meridians and parallels.
    """
    side = 2**tile.zoom
    west, east = (360 * col / side - 180 for col in (tile.col - margin, tile.col + 1 + margin))
    north, south = (_latitude(row / side) for row in (tile.row - margin, tile.row + 1 + margin))
    return west, south, east, north


def _latitude(down: float) -> float:
    """Give the latitude of a part of the way from the northern side of the projected world to the southern."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))


def _col(longitude: float, zoom: int) -> int:
    return int((longitude + 180) / 360 * 2**zoom)


def _row(latitude: float, zoom: int) -> int:
    return int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**zoom)
