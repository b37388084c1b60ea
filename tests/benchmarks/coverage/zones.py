"""The area of each point beside geopandas, and what areas cost: `python -m tests.benchmarks.coverage.zones [points]`.

CPU seconds, turn by turn in one run; compiling is left out by a warm-up on a little data. Ours begins with bare
coordinates and outlines; geopandas has its frames made beforehand, which is not counted. Then what the figures and the
explanation of all areas cost, on 634,000 squares and 50,000 assets, and those of a few, as after one change.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import geopandas as gpd
import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage import demand, gaps, measures, places, walks, why, zones
from geo.coverage.demand import Floats, Ints
from geo.coverage.policy import Policy
from geo.coverage.walks import Line
from geo.coverage.zones import Zones
from tests.benchmarks.coverage import data

POINTS, ROUNDS, AT_LEAST = 9_000_000, 2, 2
RULE = Policy(supply_norm=0.01)


def cpu_of(work: Callable[[], object], times: int = 1) -> float:
    """Give the CPU seconds of one go, the mean of several."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def joined(people: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> Ints:
    """Ask geopandas; of several the lowest area, -1 where there is none."""
    found = gpd.sjoin(people, areas, how="left", predicate="intersects")["index_right"]
    return found.groupby(level=0).min().fillna(-1).to_numpy().astype(np.int64)


def compare(xy: Floats, outlines: Sequence[BaseGeometry]) -> None:
    """Measure both in turns, and see that they agree wherever geopandas finds an area."""
    people = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T))
    areas = gpd.GeoDataFrame(geometry=list(outlines))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(cpu_of(lambda: zones.holding(xy, outlines)))
        theirs.append(cpu_of(lambda: gpd.sjoin(people, areas, how="left", predicate="intersects")))
    mine, other = zones.holding(xy, outlines), joined(people, areas)
    np.testing.assert_array_equal(mine[other >= 0], other[other >= 0])
    print(f"area of each point, {len(xy):,} points, {len(outlines):,} areas: CPU s, best of {ROUNDS}")
    print(f"  ours       {min(ours):8.2f}")
    print(f"  geopandas  {min(theirs):8.2f} {min(theirs) / min(ours):6.1f} x  at least {AT_LEAST}")


def growth(outlines: Sequence[BaseGeometry], most: int) -> None:
    """Print what it costs as points grow tenfold; the grid over the outlines costs the same each time."""
    print("growth: points, CPU s")
    for points in (10_000, 100_000, 1_000_000, 9_000_000):
        if points <= most:
            xy = data.towns(points, squares=False)[0]
            print(f"  {points:9,} {cpu_of(partial(zones.holding, xy, outlines), 2):7.3f}")


def areas(outlines: Sequence[BaseGeometry], squares: int) -> None:
    """Print what figures and explanation cost, for all areas and for a few."""
    xy, residents = data.towns(squares)
    people = demand.at(xy, residents, radius_m=np.full(len(xy), demand.SQUARE_RADIUS_M))
    rooms = data.assets(data.ASSETS)[:: data.KINDS]
    chance = np.random.default_rng(5)
    assets = places.at(
        rooms, capacity=chance.integers(0, 80, len(rooms)).astype(float),
        age_days=chance.exponential(400, len(rooms)), open_mask=chance.integers(-1, 1 << 21, len(rooms)),
    )  # fmt: skip
    area = zones.holding(xy, outlines)
    inside = zones.of_pairs(np.arange(len(xy)), area, len(outlines))
    homes = zones.of_pairs(zones.holding(rooms, outlines), np.arange(len(rooms)), len(rooms))
    line = Line(xy, RULE.detour)
    reached, _ = measures.reach(line, assets, people, RULE)
    land = why.Land(inside, people, homes, zones.turned(inside, len(xy)))
    one = area[len(xy) // 2 :][:1]
    big = Zones(np.array([0, 10_000]), np.arange(10_000))
    print(f"{len(xy):,} squares, {len(rooms):,} assets, {len(outlines):,} areas")
    told: list[tuple[str, int, Callable[[], object]]] = [
        ("zones of pairs", 1, lambda: zones.of_pairs(np.arange(len(xy)), area, len(outlines))),
        ("figures of all areas", 3, lambda: gaps.figures(inside, people, reached, RULE)),
        ("figures of one area", 1000, lambda: gaps.figures(inside, people, reached, RULE, one)),
        ("figures of 10,000 points", 100, lambda: gaps.figures(big, people, reached, RULE)),
        ("why of all areas", 1, lambda: why.why(walks.walked(line, assets, RULE.norm_m), assets, reached, land)),
    ]
    for name, times, work in told:
        work()
        print(f"  {name:26} {cpu_of(work, times) * 1000:10.3f} ms")


def main(points: int = POINTS) -> None:
    """Warm up, compare, grow, and look at areas."""
    outlines: Sequence[BaseGeometry] = data.areas(data.AREAS)
    zones.holding(data.towns(2_000)[0], outlines)
    compare(data.towns(points, squares=False)[0], outlines)
    growth(outlines, points)
    areas(outlines, min(points, data.SQUARES))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
