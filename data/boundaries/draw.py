"""Draw schematic outlines of Oegstgeest from a table of centres and hectares. No official outline is used.

Each neighbourhood is a patch of paint on a grid of small cells. The patches are blurred and sharpened again,
over and over, while each keeps its own hectares: as in a foam, the borders between them become short and
calm. Then the borders are taken from the grid as one network of lines, smoothed together and only then cut
into polygons: so neighbours share every vertex of the border between them.

Run `.venv/bin/python data/boundaries/draw.py` in the checkout. The same table gives the same file.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy import ndimage
from scipy.sparse import coo_array, csr_array, diags_array

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

TABLE = Path(__file__).with_name("oegstgeest.csv")
OUTLINES = TABLE.with_suffix(".geojson")
SOURCE = "Schematic outline drawn from the centre and hectares of CBS, Kerncijfers wijken en buurten 2024"

YEAR = 2024
GEMEENTE = "GM0579"
CELL_M = 20.0
HECTARE_M2 = 10_000.0
MARGIN_M = 900.0  # bare ground around the centres, so that no neighbourhood meets the edge of the grid
KEEP_M = 110.0  # this close to its centre, the ground always belongs to a neighbourhood
BLUR_M = 70.0  # how far paint spreads: more gives rounder shapes
PULL = 0.2  # how strongly ground is drawn to the nearest centre
LEAN = 0.6  # how far, of 1, a neighbourhood moves back when its centre lies to one side of it
UNEVEN = 0.08  # how far borders may waver
OUTSIDE = -1
CONTENT = 0.015  # drawing stops early when no area is off by more than this share
TOO_FAR = 0.03  # and is refused when one is still off by this much at the end


class Buurt(NamedTuple):
    """One row of the table; x and y in metres (EPSG:28992)."""

    code: str
    name: str
    residents: int
    residents_65: int
    x: float
    y: float
    ha: float


class Grid(NamedTuple):
    """The middles of the cells in metres, as two arrays of the same shape; row 0 lies south."""

    x: Floats
    y: Floats


def read_table(path: Path) -> list[Buurt]:
    """Read the figures, in the order of their codes."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[row[field] for field in Buurt._fields] for row in csv.DictReader(file)]
    return sorted(
        Buurt(code, name, int(residents), int(residents_65), float(x), float(y), float(ha))
        for code, name, residents, residents_65, x, y, ha in rows
    )


def make_grid(buurten: list[Buurt]) -> Grid:
    """Lay cells over all centres and a margin around them."""
    xs = [buurt.x for buurt in buurten]
    ys = [buurt.y for buurt in buurten]
    x = np.arange(min(xs) - MARGIN_M, max(xs) + MARGIN_M, CELL_M)
    y = np.arange(min(ys) - MARGIN_M, max(ys) + MARGIN_M, CELL_M)
    return Grid(*np.meshgrid(x, y))


def centres_of(buurten: list[Buurt]) -> Floats:
    """List the centres, one row of x and y each."""
    return np.array([[buurt.x, buurt.y] for buurt in buurten])


def distances_m(grid: Grid, spots: Floats) -> Floats:
    """Measure every cell to every spot; shape (spots, rows, columns)."""
    return np.array([np.hypot(grid.x - x, grid.y - y) for x, y in spots])


def ripples(grid: Grid, count: int) -> Floats:
    """Give each layer its own gentle unevenness between -1 and 1, so that no border runs dead straight."""
    layers = []
    for layer in range(count):
        turn = 2.4 * layer
        along = grid.x * np.cos(turn) + grid.y * np.sin(turn)
        across = grid.y * np.cos(turn) - grid.x * np.sin(turn)
        layers.append(0.6 * np.sin(along / 95.0 + turn) + 0.4 * np.sin(across / 61.0 - turn))
    return np.array(layers)


class Wish(NamedTuple):
    """What the neighbourhoods ask for, one layer each; `pull` has one layer more, for the outside."""

    cells: Floats  # how many, per neighbourhood
    pull: Floats  # how much each layer likes each cell, beside 1 for a cell it holds already
    near: NDArray[np.bool_]  # cells so close to a centre that they are not up for sharing


def blur(paint: NDArray[np.bool_], metres: float) -> Floats:
    """Spread paint over its surroundings, as far as `metres` (one standard deviation)."""
    soft: Floats = ndimage.gaussian_filter(paint.astype(float), metres / CELL_M, truncate=3.0)
    return soft


def foam(labels: Labels, wish: Wish, rounds: int) -> Labels:
    """Blur and share out the layers again and again: borders become short, areas stay.

    Each cell goes to the layer with the highest score; a layer that has too few cells is raised.

    labels  the layer of each cell, -1 outside; returned in the same shape
    """
    outside = len(wish.cells)
    raised = np.zeros((outside + 1, 1, 1))
    for _ in range(rounds):
        painted = labels == np.array([*range(outside), OUTSIDE])[:, None, None]
        scores = np.array([blur(paint, BLUR_M) for paint in painted]) + wish.pull
        scores[:-1][wish.near] = np.inf
        best = labels
        for _ in range(8):
            best = np.argmax(scores + raised, axis=0)
            short = 1.0 - np.bincount(best.ravel(), minlength=outside + 1)[:-1] / wish.cells
            raised[:-1, 0, 0] += 0.2 * np.clip(short, -0.4, 0.4)
        labels = np.where(best == outside, OUTSIDE, best)
    return labels


def round_off(inside: NDArray[np.bool_], wish: Wish, uneven: Floats) -> NDArray[np.bool_]:
    """Make the whole municipality one calm shape of as many cells, without holes or fjords."""
    kept = wish.near.any(axis=0)
    for _ in range(6):
        soft = blur(inside, 1.6 * BLUR_M) + 0.1 * uneven
        soft[kept] = np.inf
        limit = np.sort(soft, axis=None)[-round(wish.cells.sum())]
        inside = ndimage.binary_fill_holes(soft >= limit)
    return inside


def wish_around(spots: Floats, buurten: list[Buurt], grid: Grid) -> Wish:
    """Ask for the hectares of the table around these spots (x, y in metres), with a gentle unevenness."""
    cells = np.array([buurt.ha for buurt in buurten]) * HECTARE_M2 / CELL_M**2
    radius_m = np.sqrt(cells / np.pi)[:, None, None] * CELL_M
    like = 0.5 - PULL * distances_m(grid, spots) ** 2 / (radius_m * 400.0)
    pull = np.concatenate([like, np.zeros((1, *grid.x.shape))]) + UNEVEN * ripples(grid, len(buurten) + 1)
    away_m = distances_m(grid, centres_of(buurten))
    return Wish(cells, pull, (away_m < KEEP_M) & (away_m == away_m.min(axis=0)))


def share_out(buurten: list[Buurt], grid: Grid) -> tuple[Labels, Wish]:
    """Give every neighbourhood its cells: first freely, then within the rounded-off municipality.

    After the first share the neighbourhoods pull harder to the side on which their centre came to lie.
    """
    centres = centres_of(buurten)
    wish = wish_around(centres, buurten, grid)
    best = wish.pull.argmax(axis=0)
    labels = foam(np.where(best < len(centres), best, OUTSIDE), wish, rounds=8)
    middles = np.array([[grid.x[labels == i].mean(), grid.y[labels == i].mean()] for i in range(len(centres))])
    wish = wish_around(centres + LEAN * (centres - middles), buurten, grid)
    labels = foam(labels, wish, rounds=12)
    inside = round_off(labels != OUTSIDE, wish, ripples(grid, 1)[0])
    wish.pull[-1] = np.where(inside, -np.inf, np.inf)
    return foam(labels, wish, rounds=15), wish


class Net(NamedTuple):
    """All borders as one network: corners of cells in metres, and pairs of corners between unlike cells."""

    spots: Floats
    pairs: NDArray[np.int64]
    outer: NDArray[np.bool_]


def trace(labels: Labels, grid: Grid) -> Net:
    """Follow every edge between unlike cells; `outer` marks those with the outside on one side."""
    wide = labels.shape[1] + 1
    row, column = np.nonzero(labels[:, 1:] != labels[:, :-1])
    upright = np.column_stack([row * wide + column + 1, (row + 1) * wide + column + 1])
    upright_out = np.minimum(labels[row, column], labels[row, column + 1]) == OUTSIDE
    row, column = np.nonzero(labels[1:, :] != labels[:-1, :])
    level = np.column_stack([(row + 1) * wide + column, (row + 1) * wide + column + 1])
    level_out = np.minimum(labels[row, column], labels[row + 1, column]) == OUTSIDE
    used, pairs = np.unique(np.concatenate([upright, level]), return_inverse=True)
    west, south = grid.x[0, 0] - CELL_M / 2, grid.y[0, 0] - CELL_M / 2
    spots = np.column_stack([west + used % wide * CELL_M, south + used // wide * CELL_M])
    return Net(spots, pairs.reshape(-1, 2), np.concatenate([upright_out, level_out]))


def smooth(net: Net, rounds: int = 60) -> Net:
    """Move every corner to the middle of those it is tied to; the outer border listens only to itself."""
    count = len(net.spots)
    on_outer = np.zeros(count, dtype=bool)
    on_outer[net.pairs[net.outer]] = True
    one, other = np.concatenate([net.pairs, net.pairs[:, ::-1]]).T
    own_outer = np.concatenate([net.outer, net.outer])
    heard = own_outer | ~on_outer[one]
    ties: csr_array[np.float64] = coo_array((heard.astype(float), (one, other)), shape=(count, count)).tocsr()
    middle = diags_array(1.0 / ties.sum(axis=1)) @ ties
    spots = net.spots
    for _ in range(rounds):
        spots = 0.5 * spots + 0.5 * (middle @ spots)
    return net._replace(spots=spots)


def arcs_of(net: Net) -> list[shapely.LineString]:
    """Join the pairs into lines, each from one meeting of borders to the next, with few vertices."""
    joined = shapely.line_merge(shapely.MultiLineString(list(net.spots[net.pairs])))
    lines = [shapely.simplify(line, 1.5) for line in shapely.get_parts(joined)]
    return [line for line in lines if isinstance(line, shapely.LineString)]


def cut(arcs: Iterable[shapely.LineString], centres: list[shapely.Point]) -> list[shapely.Polygon]:
    """Cut polygons along the lines, in the order of the centres that they hold."""
    pieces = [piece for piece in shapely.polygonize(list(arcs)).geoms if isinstance(piece, shapely.Polygon)]
    owners = [[piece for piece in pieces if piece.contains(centre)] for centre in centres]
    if len(pieces) != len(centres) or any(len(found) != 1 for found in owners):
        raise RuntimeError(f"{len(pieces)} pieces do not hold one centre each: the drawing did not settle")
    return [found[0] for found in owners]


def draw(buurten: list[Buurt]) -> list[shapely.LineString]:
    """Draw in RD metres; ask for a little more or less until every area is close to its hectares."""
    grid = make_grid(buurten)
    wanted = np.array([buurt.ha for buurt in buurten])
    centres = [shapely.Point(buurt.x, buurt.y) for buurt in buurten]
    labels, wish = share_out(buurten, grid)
    arcs: list[shapely.LineString] = []
    error = 1.0
    for _ in range(8):
        arcs = arcs_of(smooth(trace(labels, grid)))
        drawn = np.array([piece.area for piece in cut(arcs, centres)]) / HECTARE_M2
        error = np.abs(drawn / wanted - 1).max()
        if error < CONTENT:
            break
        wish = wish._replace(cells=wish.cells * (wanted / drawn) ** 0.7)
        labels = foam(labels, wish, rounds=4)
    if error > TOO_FAR:
        raise RuntimeError(f"an area is off by {error:.1%}: the drawing did not settle")
    return arcs


def to_degrees(arcs: list[shapely.LineString]) -> list[shapely.LineString]:
    """Turn RD metres into WGS 84 of 7 decimals (1 cm), line by line: neighbours keep sharing vertices."""
    degrees = Transformer.from_crs(28992, 4326, always_xy=True)

    def turned(line: Floats) -> Floats:
        return np.column_stack(degrees.transform(line[:, 0], line[:, 1])).round(7)

    return [shapely.LineString(turned(shapely.get_coordinates(arc))) for arc in arcs]


def feature(buurt: Buurt, outline: shapely.Polygon) -> dict[str, Any]:
    """Write one neighbourhood as a GeoJSON feature, its outer ring counter-clockwise (RFC 7946)."""
    ring = shapely.get_coordinates(shapely.orient_polygons(outline).exterior).round(7).tolist()
    properties = {
        "code": buurt.code,
        "name": buurt.name,
        "level": "buurt",
        "year": YEAR,
        "wijk": f"WK{buurt.code[2:8]}",
        "gemeente": GEMEENTE,
        "residents": buurt.residents,
        "residents_65": buurt.residents_65,
        "households": None,
        "one_person_households": None,
        "schematic": True,
        "source": SOURCE,
    }
    shape = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "id": f"{buurt.code}.{YEAR}", "properties": properties, "geometry": shape}


def as_geojson(buurten: list[Buurt], arcs: list[shapely.LineString]) -> str:
    """Write the whole file as text, one feature to a line."""
    degrees = Transformer.from_crs(28992, 4326, always_xy=True)
    centres = [shapely.Point(degrees.transform(buurt.x, buurt.y)) for buurt in buurten]
    outlines = cut(to_degrees(arcs), centres)
    drawn = [feature(buurt, outline) for buurt, outline in zip(buurten, outlines, strict=True)]
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in drawn]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


if __name__ == "__main__":
    rows = read_table(TABLE)
    OUTLINES.write_text(as_geojson(rows, draw(rows)), encoding="utf-8")
