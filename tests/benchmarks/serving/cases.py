"""What is asked: fixed lists of questions drawn from a seed, told in the words of each server."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from geo.tiles import layers
from tests.benchmarks.serving.data import Data
from tests.benchmarks.serving.servers import ITEMS, PYGEOAPI, TILES, TIPG

QUESTIONS = {"city": 200, "thousand": 50, "one": 1_000, "polygons": 200, "tiles": 200}
ZOOMS = (8, 12, 14)
CITY = (55, 200)  # features in a box
THOUSAND = 1_000
AREAS = (8, 30)  # whose middles lie in a box
MOST = 1_000  # asked of each, and never reached but by the thousand
Floats = NDArray[np.float64]
Tile = tuple[int, int, int]  # z, x, y


class Case(NamedTuple):
    """One list of questions about a collection, of one form; {1} and {2} in it are digits that never repeat.

    goals   how many times as many requests a second as a peer are wanted
    alike   whether a peer is asked for tiles with the properties that ours hold, and not with all
    """

    name: str
    collection: str
    boxes: Sequence[str] = ()
    items: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    goals: tuple[tuple[str, float], ...] = ()
    encoding: str = ""
    alike: bool = False

    def paths(self, server: str) -> list[str]:
        """Give the questions as paths of one server; none where it has no such thing."""
        items = ITEMS[server].format(collection=self.collection)
        tiles = TILES.get(server)
        drawn = [tiles.format(collection=self.collection, z=z, x=x, y=y) for z, x, y in self.tiles] if tiles else []
        if self.alike and server == TIPG:
            drawn = [f"{path}?properties=id,{','.join(layers.held(self.collection))}" for path in drawn]
        return [
            *(f"{items}?bbox={box}&limit={MOST}" for box in self.boxes),
            *(f"{items}/{i}" for i in self.items),
            *drawn,
        ]


def cases(made: Data) -> list[Case]:
    """Draw all lists; the same data give the same lists."""
    chance = np.random.default_rng(7)
    tree = KDTree(made.places)
    city = [_box(*each) for each in _around(chance, tree, QUESTIONS["city"], *CITY)]
    unseen = [_unseen(*each) for each in _around(chance, tree, QUESTIONS["city"], *CITY)]
    thousand = [_box(*each) for each in _around(chance, tree, QUESTIONS["thousand"], THOUSAND, THOUSAND)]
    middles = KDTree(shapely.get_coordinates(shapely.centroid(made.outlines)))
    areas = [_box(*each) for each in _around(chance, middles, QUESTIONS["polygons"], *AREAS)]
    tiles = {z: _tiles(chance, made.places, z) for z in ZOOMS}
    picked = chance.choice(len(made.assets), min(QUESTIONS["one"], len(made.assets)), replace=False)
    return [
        Case("items in a city bbox", "assets", city, goals=((TIPG, 15), (PYGEOAPI, 35))),
        Case("1,000 items", "assets", thousand, goals=((TIPG, 12), (PYGEOAPI, 14))),
        Case("one item", "assets", items=[made.assets[n] for n in picked], goals=((TIPG, 8), (PYGEOAPI, 15))),
        Case("polygons in a bbox", "neighbourhoods", areas, goals=((TIPG, 6), (PYGEOAPI, 18))),
        *(Case(f"tiles z{z}", "assets", tiles=some, goals=((TIPG, 10),)) for z, some in tiles.items()),
        *(Case(f"tiles z{z}, the same properties", "assets", tiles=some, alike=True) for z, some in tiles.items()),
        Case("city bbox, never the same twice", "assets", unseen),
        Case("city bbox, gzip", "assets", city, encoding="gzip"),
    ]


def told(path: str) -> str:
    """Give a question with digits where it varies."""
    return path.replace("{1}", "123").replace("{2}", "456")


def _around(
    chance: np.random.Generator, tree: KDTree, n: int, fewest: int, most: int
) -> Iterator[tuple[Floats, float]]:
    """Draw middles among points, and half the side of a square around each that holds so many of them."""
    for middle in tree.data[chance.choice(tree.n, n, replace=False)]:
        held = int(chance.integers(fewest, most + 1))
        away, _ = tree.query(middle, k=[held, held + 1], p=math.inf)
        yield middle, float(away.mean())


def _box(middle: Floats, half: float) -> str:
    return ",".join(f"{number:.7f}" for number in (*(middle - half), *(middle + half)))


def _unseen(middle: Floats, half: float) -> str:
    """Give a box of which the west and the south vary by up to 11 metres."""
    (west, south), (east, north) = middle - half, middle + half
    return f"{west:.4f}{{1}},{south:.4f}{{2}},{east:.7f},{north:.7f}"


def _tiles(chance: np.random.Generator, places: Floats, z: int) -> list[Tile]:
    """Draw tiles of which each holds something, more of them where more is."""
    found = np.unique(tile_of(places[chance.permutation(len(places))[: 20 * QUESTIONS["tiles"]]], z), axis=0)
    some = chance.permutation(found)[: QUESTIONS["tiles"]]
    return [(z, int(x), int(y)) for x, y in some]


def tile_of(places: Floats, z: int) -> NDArray[np.int64]:
    """Say in which tile of WebMercatorQuad each place lies, counted from the north-west."""
    north = np.arcsinh(np.tan(np.radians(places[:, 1]))) / np.pi
    across = np.stack([(places[:, 0] + 180) / 360, (1 - north) / 2], axis=1)
    tiles: NDArray[np.int64] = np.floor(across * 2**z).astype(np.int64)
    return tiles
