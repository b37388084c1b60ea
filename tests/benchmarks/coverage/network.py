"""The nearest of 4,000 assets along streets beside igraph: `python -m tests.benchmarks.coverage.network`.

A grid of streets of about 100 m with bent corners, a tenth of its blocks closed; at every corner somebody lives. CPU
seconds, turn by turn in one run; compiling is left out by a warm-up on a few streets. Both have their graph made
beforehand, which is not counted but told. igraph is asked its best way: Dijkstra once, from a node that all assets
hang on at no cost. It tells how far the nearest is; ours also which, and finds the streets of the assets itself.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import igraph  # type: ignore[import-untyped]  # it has no types
import numpy as np

from geo.coverage import network, places
from geo.coverage.demand import Floats, Ints
from geo.coverage.network import Network
from geo.coverage.streets import Streets

SIDE, ASSETS, ROUNDS, AT_LEAST = 1_000, 4_000, 3, 4
BLOCK_M, BENT_M, CLOSED, NORM_M, DETOUR = 100.0, 30.0, 0.1, 800.0, 1.3
WEST, SOUTH = 100_000.0, 400_000.0


class Town(NamedTuple):
    """Corners (RD New) and which of them streets join, and at which corners the assets are."""

    corners: Floats
    ends: Ints
    assets: Ints


def town(side: int, assets: int, seed: int = 1) -> Town:
    """Make a grid of `side` by `side` corners, in no order."""
    chance = np.random.default_rng(seed)
    grid = chance.permutation(side * side).reshape(side, side)
    corners = np.empty((side * side, 2))
    spots = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1) * BLOCK_M
    corners[grid] = spots + chance.uniform(-BENT_M, BENT_M, (side, side, 2)) + (WEST, SOUTH)
    joined = [np.stack((grid[:, :-1], grid[:, 1:]), axis=-1), np.stack((grid[:-1], grid[1:]), axis=-1)]
    ends = np.concatenate([each.reshape(-1, 2) for each in joined])
    ends = ends[chance.random(len(ends)) >= CLOSED]
    return Town(corners, ends, chance.choice(np.unique(ends), assets, replace=False))


def drawn(made: Town) -> Network:
    """Make our network of a town."""
    line = np.repeat(np.arange(len(made.ends)), 2)
    return network.cut(made.corners[made.ends].reshape(-1, 2), line, made.ends.ravel()).network


def hung(made: Town) -> igraph.Graph:
    """Make igraph's graph of a town, with one more node that all assets hang on."""
    root = np.full(len(made.assets), len(made.corners))
    edges = np.concatenate((made.ends, np.stack((root, made.assets), axis=1)))
    metres = np.hypot(*(made.corners[made.ends[:, 0]] - made.corners[made.ends[:, 1]]).T)
    graph = igraph.Graph(n=len(made.corners) + 1, edges=edges)
    graph.es["metres"] = np.concatenate((metres, np.zeros(len(root)))).tolist()
    return graph


def cpu_of(work: Callable[[], object]) -> float:
    """Give the CPU seconds of some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(side: int) -> None:
    """Measure both in turns and print the ratio of the best of each."""
    made = town(side, ASSETS)
    rooms = places.at(made.corners[made.assets])
    streets, theirs = Streets(drawn(made), made.corners, DETOUR), hung(made)
    ours_s = min(cpu_of(lambda: Streets(drawn(made), made.corners, DETOUR)) for _ in range(2))
    theirs_s = min(cpu_of(lambda: hung(made)) for _ in range(2))
    taken: dict[str, list[float]] = {"ours": [], "igraph": []}
    for _ in range(ROUNDS):
        taken["ours"].append(cpu_of(lambda: streets.nearest(rooms)))
        taken["igraph"].append(cpu_of(lambda: theirs.distances(source=side * side, weights="metres")))
    joined = np.unique(made.ends)  # who lives at a corner without any street walks to another one; igraph knows none
    found = streets.nearest(rooms).metres[joined]
    wanted = np.array(theirs.distances(source=side * side, weights="metres")[0])[joined]
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    ours, peer = min(taken["ours"]), min(taken["igraph"])
    print(f"network nearest, {side * side:,} nodes, {ASSETS:,} assets: CPU s, best of {ROUNDS}")
    print(f"  ours   {ours:8.2f}   and {ours_s:.1f} to make the network and snap everybody")
    print(f"  igraph {peer:8.2f} {peer / ours:6.1f} x  at least {AT_LEAST}; and {theirs_s:.1f} to make the graph")


def growth() -> None:
    """Print what nearest and pairs cost as the network grows, with as many assets to the node."""
    print(f"growth: nodes, CPU s for nearest, microseconds per node; pairs within {NORM_M:g} m, microseconds per pair")
    for side in (100, 316, 1_000, 2_000):
        grown(side)


def grown(side: int) -> None:
    """Print a line of `growth`."""
    made, nodes = town(side, side * side // 250), side * side
    rooms, streets = places.at(made.corners[made.assets]), Streets(drawn(made), made.corners, DETOUR)
    near = min(cpu_of(lambda: streets.nearest(rooms)) for _ in range(2))
    some = rooms.take(np.arange(min(rooms.count, 2_000)))
    count = len(streets.pairs(some, NORM_M).point)
    pairs = min(cpu_of(lambda: streets.pairs(some, NORM_M)) for _ in range(2))
    print(f"  {nodes:9,} {near:7.3f} {near / nodes * 1e6:6.3f} {count:9,} {pairs / count * 1e6:6.3f}")


def main() -> None:
    """Warm up, compare, grow."""
    made = town(10, 5)
    warm = Streets(drawn(made), made.corners, DETOUR)
    warm.nearest(places.at(made.corners[made.assets]))
    warm.pairs(places.at(made.corners[made.assets]), NORM_M)
    compare(SIDE)
    growth()


if __name__ == "__main__":
    main()
