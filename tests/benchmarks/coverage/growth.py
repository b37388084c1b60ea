"""How the costs of `kaart coverage compute` grow: `python -m tests.benchmarks.coverage.growth [MILLIONS]`.

Points in towns of 3,000, an asset of one of 4 kinds for every 45 of them, areas of 1.5 km: the density of a nation of
9 million addresses and 200,000 assets, on as much land as it takes. From 10,000 points to so many millions (1 unless
told; 9 takes a while). All measures, from Parquet to Parquet, with a row for each point too. Each size has a process of
its own that first computes a village, so that what Python and machine code take is left out.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from api import computing

NATION, SIDE_M = 9_000_000, 280_000
PER_TOWN, PER_ASSET = 3_000, 45
SIZES = (10_000, 100_000, 1_000_000, NATION)
MOST_TIMES = 1.5  # by which a million may cost more, at ten times the size


class Cost(NamedTuple):
    """What was taken above village: CPU seconds, megabytes at the highest."""

    cpu_s: float
    mb: float


def write(folder: Path, points: int) -> None:
    """Write demand and assets."""
    chance = np.random.default_rng(1)
    side = SIDE_M * np.sqrt(points / NATION)
    towns = np.add((10_000, 310_000), chance.uniform(0, side, (points // PER_TOWN + 1, 2)))
    xy = np.round(towns[chance.integers(0, len(towns), points)] + chance.normal(0, 900, (points, 2)))
    east, north = np.floor(xy / 1500).astype(np.int64).T
    demand = {
        "id": np.arange(points), "x": xy[:, 0], "y": xy[:, 1], "residents": chance.integers(1, 4, points).astype(float),
        "residents_65": chance.integers(0, 2, points).astype(float), "area": east * 1000 + north,
    }  # fmt: skip
    assets = points // PER_ASSET
    spots = towns[chance.integers(0, len(towns), assets)] + chance.normal(0, 1200, (assets, 2))
    stock = {
        "id": np.arange(assets), "kind": chance.choice(["a", "b", "c", "d"], assets),
        "x": spots[:, 0], "y": spots[:, 1],
        "capacity": chance.integers(0, 40, assets).astype(float), "age_days": chance.uniform(0, 1500, assets),
        "open_mask": chance.integers(0, 1 << 21, assets),
    }  # fmt: skip
    for name, columns in (("demand", demand), ("assets", stock)):
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def highest() -> float:
    """Give the megabytes that this process had at its highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def compute(folder: Path) -> None:
    """Compute all that there is, on one machine."""
    demand, assets, out, points = (folder / f"{name}.parquet" for name in ("demand", "assets", "out", "points"))
    computing.compute_command(demand, assets, out, points_out=points)


def measure(village: Path, folder: Path) -> Cost:
    """Compute what is in a folder, after hardly anything."""
    compute(village)
    began, before = time.process_time(), highest()
    compute(folder)
    return Cost(time.process_time() - began, highest() - before)


def main(millions: float) -> None:
    """Measure every size, each in a process of its own, and tell whether the costs stay linear."""
    print(f"{'points':>10} {'CPU s':>8} {'MB':>8} {'s a million':>12} {'MB a million':>13}")
    with tempfile.TemporaryDirectory(prefix="kaart-", dir="/tmp") as made:
        village, folder = Path(made) / "village", Path(made) / "some"
        for each in (village, folder):
            each.mkdir()
        write(village, 3_000)
        last: tuple[int, float] | None = None
        for points in (size for size in SIZES if size <= millions * 1e6):
            write(folder, points)
            child = [sys.executable, "-m", "tests.benchmarks.coverage.growth", "measure", str(village), str(folder)]
            told = subprocess.run(child, check=True, capture_output=True, text=True).stdout.split()[-2:]
            spent = Cost(*map(float, told))
            per = spent.cpu_s / points * 1e6
            print(f"{points:>10,} {spent.cpu_s:>8.2f} {spent.mb:>8.0f} {per:>12.2f} {spent.mb / points * 1e6:>13.0f}")
            if last and last[0] >= 100_000 and per > MOST_TIMES * last[1]:
                print(f"not linear: a million cost {last[1]:.2f} s at {last[0]:,} points")
            last = points, per


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(*measure(*map(Path, sys.argv[2:4])))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
