"""Imports of full size beside ogr2ogr, in one run, turn by turn: `python -m tests.benchmarks.imports.run [ROUNDS]`.

Both load the same file into the same PostGIS. Ours is the command that people run, with all that Python reads to start;
it validates, assigns neighbourhoods, looks for duplicates, keeps the history. ogr2ogr copies. CPU is user and system
time of the process, and beside it of the database server; memory is the process's own at its highest.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from geo import cluster, db
from geo.settings import CHECKOUT
from tests.benchmarks.imports import files

KAART = Path(sys.executable).parent / "kaart"
NATION = CHECKOUT.parent / "shared/data/nl/buurten_2024_approx.gpkg"
MOST_MB, MOST_TIMES = 1500, 3.0
TICKS = os.sysconf("SC_CLK_TCK")


class Case(NamedTuple):
    """One import: its words for `kaart import`, its file, and how long it may take."""

    name: str
    words: Sequence[str]
    file: Path
    limit_s: float


class Cost(NamedTuple):
    """What a process took: seconds on the clock, CPU seconds of its own and of the server, megabytes."""

    wall_s: float
    cpu_s: float
    server_s: float
    mb: float


def server_cpu(postmaster: int) -> float:
    """Give the CPU seconds of the database server and all its processes, those that ended among them."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid, parent = int(entry.parent.name), int(told[1])
        if pid == postmaster:
            total += sum(map(int, told[11:15]))
        elif parent == postmaster:
            total += sum(map(int, told[11:13]))
    return total / TICKS


def cost(command: Sequence[str], postmaster: int, environment: dict[str, str]) -> Cost:
    """Run a command and measure it."""
    served, began = server_cpu(postmaster), time.perf_counter()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=told, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        wall, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            sys.exit(f"{' '.join(command)}\n{told.read().decode()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, server_cpu(postmaster) - served, used.ru_maxrss / 1000)


def database(url: str, name: str) -> str:
    """Make a database with our tables, and give its address."""
    place = make_url(url).query
    host, port = str(place["host"]), str(place["port"])
    with psycopg.connect(host=host, port=port, user="postgres", dbname="postgres", autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER kaart TEMPLATE template0")
    with psycopg.connect(host=host, port=port, user="postgres", dbname=name, autocommit=True) as superuser:
        for extension in db.EXTENSIONS:
            superuser.execute(f"CREATE EXTENSION {extension}")
    made = make_url(url).set(database=name).render_as_string(hide_password=False)
    engine = db.engine(made)
    db.migrate(engine)
    engine.dispose()
    return made


def ogr2ogr(url: str, file: Path) -> list[str]:
    """Give the command that copies a file into a table of its own, the quickest way that ogr2ogr has."""
    place = make_url(url)
    told = f"PG:host={place.query['host']} port={place.query['port']} user=kaart dbname={place.database}"
    table = f"peer_{uuid4().hex[:8]}"
    return ["ogr2ogr", "-f", "PostgreSQL", told, str(file), "-nln", table, "--config", "PG_USE_COPY", "YES"]


def cases(folder: Path) -> list[Case]:
    """Make the files, and name the imports in the order in which they build on each other."""
    mapping = folder / "mapping.toml"
    mapping.write_text(files.MAPPING)
    squares, assets = files.squares(folder / "vierkanten_2024.gpkg"), files.assets(folder / "assets.geojson")
    found = [Case("14,566 boundaries", ["boundaries", "--year", "2024"], NATION, 90)] if NATION.exists() else []
    return [
        *found,
        Case("634,000 squares", ["squares"], squares, 60),
        Case("200,000 assets", ["assets", "--map", str(mapping)], assets, 60),
        Case("200,000 assets again", ["assets", "--map", str(mapping)], assets, 60),
    ]


def main(rounds: int) -> None:
    """Measure every case so many times, and tell what the limits are and whether they are kept."""
    with tempfile.TemporaryDirectory(prefix="kaart-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        measured = cases(folder)
        with cluster.kept(folder / "postgres") as url:
            sockets = Path(str(make_url(url).query["host"]))
            postmaster = int((next(sockets.parent.glob("data*")) / "postmaster.pid").read_text().splitlines()[0])
            for number in range(rounds):
                fresh = database(url, f"round_{number}")
                for case in measured:
                    compare(case, fresh, postmaster)
        shutil.rmtree(folder, ignore_errors=True)


def compare(case: Case, url: str, postmaster: int) -> None:
    """Measure one case beside ogr2ogr, and print one line."""
    peer = cost(ogr2ogr(url, case.file), postmaster, {})
    idle = cost([str(KAART), "--help"], postmaster, {}).cpu_s
    command = [str(KAART), "import", case.words[0], str(case.file), *case.words[1:], "--skip-bad"]
    ours = cost(command, postmaster, {"KAART_DATABASE_URL": url, "KAART_PDOK_URL": ""})
    kept = ours.wall_s <= case.limit_s and ours.mb <= MOST_MB
    print(
        f"{case.name:22} {ours.wall_s:5.1f} s of {case.limit_s:.0f}  {ours.mb:5.0f} MB of {MOST_MB}"
        f"  cpu {ours.cpu_s:5.1f} ({idle:.1f} to start) + server {ours.server_s:5.1f}"
        f" | ogr2ogr {peer.wall_s:5.1f} s, cpu {peer.cpu_s:4.1f} + server {peer.server_s:4.1f}"
        f" | {ours.cpu_s / peer.cpu_s:4.1f} x of {MOST_TIMES:g} own"
        f" ({(ours.cpu_s - idle) / peer.cpu_s:.1f} x once started),"
        f" {(ours.cpu_s + ours.server_s) / (peer.cpu_s + peer.server_s):4.1f} x in all"
        f"  {'' if kept else 'TOO MUCH'}",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
