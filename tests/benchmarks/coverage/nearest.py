"""The nearest asset of four kinds beside geopandas and PostGIS: `python -m tests.benchmarks.coverage.nearest [9]`.

CPU seconds, turn by turn in one run; compiling is left out by a warm-up on a little data. Ours begins with bare
coordinates; geopandas has its frames and PostGIS its indexes made and analysed beforehand, which is not counted.
PostGIS answers a sample of the points, of which the cost (of the server, in CPU) is scaled up. With 9, growth goes on
to 9 million points.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import psycopg
from sqlalchemy import make_url

from geo import cluster
from geo.coverage import places
from geo.coverage.demand import Floats
from geo.coverage.walks import Line
from tests.benchmarks.coverage import data
from tests.benchmarks.imports.run import server_cpu

POINTS, SAMPLE, DETOUR, ROUNDS = 1_000_000, 50_000, 1.3, 3
AT_LEAST, STRETCH = {"geopandas": 6, "PostGIS": 70}, {"geopandas": 15, "PostGIS": 150}
NEAREST = """
    SELECT sum(metres) FROM home CROSS JOIN LATERAL (
        SELECT home.place <-> asset.place AS metres FROM asset ORDER BY home.place <-> asset.place LIMIT 1
    ) AS near
"""


def ours(xy: Floats, kinds: Sequence[Floats]) -> tuple[float, float]:
    """Give the CPU seconds, and the sum of the distances as the crow flies."""
    began = time.process_time()
    line = Line(xy, DETOUR)
    found = [line.nearest(places.at(kind)).metres for kind in kinds]
    cpu = time.process_time() - began
    return cpu, float(sum(metres.sum() for metres in found)) / DETOUR


def geopandas(people: gpd.GeoDataFrame, kinds: Sequence[gpd.GeoDataFrame]) -> tuple[float, float]:
    """Give the CPU seconds, and the sum of the distances."""
    began = time.process_time()
    found = [gpd.sjoin_nearest(people, kind, distance_col="metres") for kind in kinds]
    cpu = time.process_time() - began
    return cpu, float(sum(each.loc[~each.index.duplicated(), "metres"].sum() for each in found))


class Postgis:
    """A database of its own, with a sample of the points and one kind at a time."""

    def __init__(self, url: str, xy: Floats) -> None:
        sockets = Path(str(make_url(url).query["host"]))
        told = next(sockets.parent.glob("data*")) / "postmaster.pid"
        self.postmaster = int(told.read_text().splitlines()[0])
        self.connection = psycopg.connect(
            host=str(sockets), port=str(make_url(url).query["port"]), user="kaart", dbname="kaart", autocommit=True
        )
        self.fill("home", xy)

    def fill(self, table: str, xy: Floats) -> None:
        """Replace a table by places with an index."""
        self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        self.connection.execute(f"CREATE TABLE {table} (x float8, y float8, place geometry(Point, 28992))")
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {table} (x, y) FROM STDIN") as rows:
            for spot in xy.tolist():
                rows.write_row(spot)
        self.connection.execute(f"UPDATE {table} SET place = ST_SetSRID(ST_MakePoint(x, y), 28992)")
        self.connection.execute(f"CREATE INDEX ON {table} USING gist (place)")
        self.connection.execute(f"VACUUM ANALYZE {table}")

    def nearest(self, kinds: Sequence[Floats]) -> tuple[float, float]:
        """Give the CPU seconds of the server, and the sum of the distances."""
        total, cpu = 0.0, 0.0
        for kind in kinds:
            self.fill("asset", kind)
            self.connection.execute(NEAREST)  # reads the pages
            before = server_cpu(self.postmaster)
            row = self.connection.execute(NEAREST).fetchone()
            cpu += server_cpu(self.postmaster) - before
            total += row[0] if row else 0.0
        return cpu, total


def compare(url: str) -> None:
    """Measure all three in turns and print the ratios of the best of each."""
    xy, rooms = data.towns(POINTS)[0], data.assets(data.ASSETS)
    kinds = [rooms[k :: data.KINDS] for k in range(data.KINDS)]
    people = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T))
    frames = [gpd.GeoDataFrame(geometry=gpd.points_from_xy(*kind.T)) for kind in kinds]
    sample = np.sort(np.random.default_rng(4).choice(POINTS, SAMPLE, replace=False))
    postgis = Postgis(url, xy[sample])
    taken: dict[str, list[float]] = {"ours": [], "geopandas": [], "PostGIS": []}
    for _ in range(ROUNDS):
        cpu, straight = ours(xy, kinds)
        taken["ours"].append(cpu)
        cpu, total = geopandas(people, frames)
        taken["geopandas"].append(cpu)
        np.testing.assert_allclose(total, straight, rtol=1e-9)
        cpu, total = postgis.nearest(kinds)
        taken["PostGIS"].append(cpu * POINTS / SAMPLE)
        np.testing.assert_allclose(total, ours(xy[sample], kinds)[1], rtol=1e-9)
    best = {name: min(cpu) for name, cpu in taken.items()}
    print(f"nearest, {POINTS:,} points, {data.KINDS} kinds of {len(kinds[0]):,} assets: CPU s, best of {ROUNDS}")
    for name, cpu in best.items():
        times = cpu / best["ours"]
        told = f"{times:6.1f} x  at least {AT_LEAST[name]}, stretch {STRETCH[name]}" if name in AT_LEAST else ""
        print(f"  {name:10} {cpu:8.2f} {told}")


def growth(most: int) -> None:
    """Print what nearest costs as addresses grow tenfold, while the assets stay what they are."""
    rooms = data.assets(data.ASSETS)
    kinds = [rooms[k :: data.KINDS] for k in range(data.KINDS)]
    print("growth: points, CPU s for 4 kinds, microseconds per point and kind")
    for points in (10_000, 100_000, 1_000_000, 9_000_000):
        if points <= most:
            xy = data.towns(points, squares=False)[0]
            cpu = min(ours(xy, kinds)[0] for _ in range(2))
            print(f"  {points:9,} {cpu:7.3f} {cpu / points / data.KINDS * 1e6:6.3f}")


def main(most: int = 1_000_000) -> None:
    """Warm up, compare, grow."""
    ours(data.towns(1_000)[0], [data.assets(100)])
    with tempfile.TemporaryDirectory(prefix="kaart-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with cluster.kept(Path(folder) / "postgres", durable=False) as url:
            compare(url)
    growth(most)


if __name__ == "__main__":
    main(9_000_000 if sys.argv[1:] == ["9"] else 1_000_000)
