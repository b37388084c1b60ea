"""From the commit of an asset's change to the live coverage being readable.

Run as `python -m tests.benchmarks.coverage.commit`. A nation made from a seed (634,000 squares, 14,000 buurten in
wijken and gemeenten, 50,000 community rooms with a service each) in a private PostgreSQL that keeps what it is told; a
real worker; changes through `geo.assets`, one at a time. The clock runs from the call that commits a change until the
worker has committed the rows, which it tells.
"""

import argparse
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from geo import assets, cluster, db
from geo.base import WGS84
from geo.channels import LIVE, Listener, listening
from geo.coverage import run, zones
from geo.coverage.policy import Policies
from geo.days import today
from geo.imports import bulk
from geo.models import Asset
from geo.neighbourhoods import multi, to_wgs84
from geo.vocabulary import SERVICES, Status
from tests.benchmarks.coverage import data

KAART = Path(sys.executable).with_name("kaart")
KEY = "a key for benchmarks only"
P95_MS = 50.0
MIDDLE = (5.3, 52.1)  # longitude and latitude
HOURS = ("Mo-Fr 09:00-17:00", "Sa 10:00-16:00", "24/7", None)
MASKS = (0b011011011011011, 1 << 15 | 1 << 16, (1 << 21) - 1, None)


def fill(session: Session, squares: int, areas: int, rooms: int) -> None:
    """Store the nation: of its areas those in which somebody lives."""
    xy, people = data.towns(squares)
    outlines = data.areas(areas)
    _store_areas(session, [outlines[i] for i in np.unique(zones.holding(xy, outlines)) if i >= 0])
    session.execute(
        text(
            "INSERT INTO import_job (id, what, status, file_name, sha256, bytes, made_by)"
            " VALUES (:id, 'squares', 'done', 'made', '', 0, 'benchmark')"
        ),
        {"id": (job := uuid4())},
    )
    codes = [f"E{x // 100:04.0f}N{y // 100:04.0f}" for x, y in xy]
    keys = {"id": [f"{code}.2025" for code in codes], "code": codes, "year": 2025, "job_id": str(job)}
    spots = {"x": xy[:, 0].astype(int), "y": xy[:, 1].astype(int), "residents": people.astype(int)}
    bulk.copy(session, "square", pd.DataFrame({**keys, **spots}))
    _store_rooms(session, data.assets(rooms))


def _store_areas(session: Session, buurten: list[shapely.Polygon]) -> None:
    """Store buurten, and wijken of 4 and gemeenten of 40 that lie side by side."""
    centres = shapely.get_coordinates(shapely.centroid(buurten))
    order = np.lexsort((centres[:, 1], np.floor(centres[:, 0] / 20_000)))
    shapes = [buurten[i] for i in order]
    levels = []
    for level, code, size in (("gemeente", "GM", 40), ("wijk", "WK", 4), ("buurt", "BU", 1)):
        groups = [shapes[first : first + size] for first in range(0, len(shapes), size)]
        whole = [shapely.union_all(group, grid_size=0.01) for group in groups]
        above = {"wijk": ("GM", 10), "buurt": ("WK", 4)}.get(level)
        wkb = _wkb(np.array([multi(each) for each in whole]))
        ids = [f"{code}{n:08d}" for n in range(len(whole))]
        parent = [f"{above[0]}{n // above[1]:08d}.2025" for n in range(len(whole))] if above else None
        fixed = {"year": 2025, "level": level, "name": "Buurt", "source": "made", "geom": wkb, "overview": wkb}
        told = {"id": [f"{each}.2025" for each in ids], "code": ids, "parent_id": parent, "residents": 100, **fixed}
        levels.append(pd.DataFrame(told).assign(figures_missing="{}"))
    for frame in levels:
        bulk.copy(session, "neighbourhood", frame)


def _wkb(metres: np.ndarray) -> list[str]:
    return list(shapely.to_wkb(shapely.set_srid(to_wgs84(metres), WGS84), hex=True, include_srid=True))


def _store_rooms(session: Session, xy: np.ndarray) -> None:
    chance = np.random.default_rng(5)
    spots = _wkb(np.array(shapely.points(xy)))
    masks = [MASKS[i] for i in chance.integers(0, len(MASKS), len(xy))]
    rooms = pd.DataFrame({
        "id": [str(UUID(bytes=chance.bytes(16), version=4)) for _ in xy], "kind": "community_room", "name": "Kamer",
        "source": "made", "place": spots, "capacity": chance.integers(5, 60, len(xy)),
        "open_mask": pd.Series(masks, dtype="Int64"),
        "services": ["{" + service + "}" for service in chance.choice([*SERVICES], len(xy))],
        "confirmed_on": [str(today() - timedelta(int(days))) for days in chance.integers(0, 900, len(xy))],
    })  # fmt: skip
    bulk.copy(session, "asset", rooms)


@contextmanager
def worker(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a worker until the block ends; it is ready when it has told of the live state."""
    environment = {**os.environ, "KAART_DATABASE_URL": url, "KAART_SECRET": KEY, "KAART_VAR": str(folder)}
    with subprocess.Popen([KAART, "worker"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                print(line.strip())
                if "live state" in line:
                    break
            yield process
        finally:
            process.terminate()


def change(session: Session, chance: random.Random, ids: list[UUID]) -> str:
    """Do one thing to one asset, or make one; says what."""
    what = chance.choice(("create", "move", "hours", "confirm", "capacity", "close"))
    at = chance.randrange(len(ids))
    if what == "create":
        made = assets.create(session, {**_room(chance), "place": _beside(session, ids[at])})
        ids.append(made.id)
    elif what == "close":
        assets.archive(session, ids.pop(at), None)
    else:
        ways: dict[str, dict[str, Any]] = {
            "move": {"place": _beside(session, ids[at])}, "hours": {"opening_hours": chance.choice(HOURS)},
            "confirm": {"confirmed_on": today()}, "capacity": {"capacity": chance.randrange(60)},
        }  # fmt: skip
        assets.change(session, ids[at], ways[what], None)
    return what


def _room(chance: random.Random) -> dict[str, Any]:
    return {
        "kind": "community_room", "name": "Nieuw", "source": "made", "services": [chance.choice([*SERVICES])],
        "capacity": 30, "opening_hours": HOURS[0], "confirmed_on": today(),
    }  # fmt: skip


def _beside(session: Session, asset: UUID) -> shapely.Point:
    """Give a place some hundred metres from an asset, towards the middle of the nation."""
    lon, lat = session.execute(select(Asset.place.ST_X(), Asset.place.ST_Y()).where(Asset.id == asset)).one()
    return shapely.Point(lon + math.copysign(0.002, MIDDLE[0] - lon), lat + math.copysign(0.001, MIDDLE[1] - lat))


def measure(engine: Engine, ear: Listener, changes: int) -> list[tuple[str, float]]:
    """Make changes one after the other; gives what each was, and its milliseconds."""
    chance, took = random.Random(3), []
    with db.sessions(engine)() as session:
        ids = list(session.scalars(select(Asset.id).where(Asset.status == Status.published).order_by(Asset.id)))
    for _ in range(changes):
        with db.sessions(engine)() as session:
            what = change(session, chance, ids)
            began = time.perf_counter()
            session.commit()
        if ear.news(5):
            took.append((what, 1000 * (time.perf_counter() - began)))
        time.sleep(0.02)
    return took


def tell(took: list[tuple[str, float]]) -> None:
    """Print percentiles of all changes, and of each sort."""
    print(f"{'change':10} {'number':>6} {'p50 ms':>8} {'p95 ms':>8} {'most ms':>8}")
    for what in ("all", *sorted({what for what, _ in took})):
        ms = [each for named, each in took if what in ("all", named)]
        print(f"{what:10} {len(ms):6} {np.percentile(ms, 50):8.1f} {np.percentile(ms, 95):8.1f} {max(ms):8.1f}")


def main() -> int:
    """Measure; exit status 1 where the 95th percentile is above the target."""
    parser = argparse.ArgumentParser()
    for name, least in (("squares", data.SQUARES), ("areas", data.AREAS), ("assets", 50_000), ("changes", 200)):
        parser.add_argument(f"--{name}", type=int, default=least)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kaart-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with cluster.kept(folder / "postgres", print) as url:
            engine = db.engine(url, 3600)
            db.migrate(engine)
            began = time.monotonic()
            with db.sessions(engine).begin() as session:
                fill(session, asked.squares, asked.areas, asked.assets)
            print(f"stored in {time.monotonic() - began:.0f} s")
            began = time.monotonic()
            with db.sessions(engine).begin() as session:
                run.run(session, Policies(), key=KEY.encode())
            print(f"a run of all subjects in {time.monotonic() - began:.0f} s")
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
            with worker(url, folder), listening(engine, LIVE) as ear:
                took = measure(engine, ear, asked.changes)
            engine.dispose()
    tell(took)
    return int(np.percentile([ms for _, ms in took], 95) > P95_MS)


if __name__ == "__main__":
    sys.exit(main())
