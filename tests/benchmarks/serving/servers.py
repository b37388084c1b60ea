"""The three servers: how each is installed, started on the database that all read, asked, and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import NamedTuple
from urllib.parse import quote

import httpx
from sqlalchemy import make_url

from geo.settings import CHECKOUT

HERE = Path(__file__).parent
PEERS = CHECKOUT / ".cache/peers"
OURS, TIPG, PYGEOAPI = "Levende Kaart", "tipg", "pygeoapi"
NAMES = (OURS, TIPG, PYGEOAPI)
WANTED = {
    TIPG: ("tipg==1.6.*", "uvicorn[standard]"),
    PYGEOAPI: ("pygeoapi==0.21.*", "gunicorn", "geoalchemy2", "psycopg2-binary"),
}
PROCESSES = 2
PATIENCE_S = 300
A_WHILE_S, IDLE = 0.3, 0.1  # how long to look, and what part of a core is as good as nothing
TICKS = os.sysconf("SC_CLK_TCK")
ITEMS = {
    OURS: "/v1/collections/{collection}/items",
    TIPG: "/collections/peer.{collection}/items",
    PYGEOAPI: "/collections/{collection}/items",
}
TILES = {
    OURS: "/v1/collections/{collection}/tiles/WebMercatorQuad/{z}/{y}/{x}",
    TIPG: "/collections/peer.{collection}/tiles/WebMercatorQuad/{z}/{x}/{y}",
}
ALIVE = {OURS: "/readyz", TIPG: "/healthz", PYGEOAPI: "/conformance?f=json"}


class Running(NamedTuple):
    """A server that answers: where, and the group that its processes are."""

    address: str
    group: int

    def settle(self) -> None:
        """Wait until it has done what nobody waits for any more: who asks does not tell it when it goes."""
        until = time.monotonic() + PATIENCE_S
        before, now = -1.0, self._cpu_s()
        while now - before > A_WHILE_S * IDLE and time.monotonic() < until:
            time.sleep(A_WHILE_S)
            before, now = now, self._cpu_s()

    def _cpu_s(self) -> float:
        """Give the CPU seconds that its processes took."""
        total = 0
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                told = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(map(int, told[11:13])) if int(told[2]) == self.group else 0
        return total / TICKS


class Server(NamedTuple):
    """A command, its variables, and where it listens."""

    command: Sequence[str]
    environment: Mapping[str, str]
    port: int


def install() -> dict[str, str]:
    """Put each peer in a virtual environment of its own, unless it is there; give their versions."""
    for name, wanted in WANTED.items():
        done = PEERS / name / "installed"
        if not done.exists() or done.read_text() != repr(wanted):
            subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS / name], check=True)
            pip = [str(PEERS / name / "bin/python"), "-m", "pip", "install", "-qqq", "--disable-pip-version-check"]
            subprocess.run([*pip, *wanted], check=True)
            done.write_text(repr(wanted))
    return {name: _version(name) for name in WANTED}


def _version(name: str) -> str:
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    told = subprocess.run([PEERS / name / "bin/python", "-c", asked], check=True, capture_output=True, text=True)
    return told.stdout.strip()


@contextmanager
def running(name: str, url: str, folder: Path) -> Iterator[Running]:
    """Run one server, with two processes, as long as the block lasts."""
    server = {OURS: _ours, TIPG: _tipg, PYGEOAPI: _pygeoapi}[name](url, folder, _free_port())
    address = f"http://127.0.0.1:{server.port}"
    with (folder / f"{name.split(maxsplit=1)[0].lower()}.log").open("w") as log:
        process = subprocess.Popen(
            server.command, env=_own_environment() | dict(server.environment), stdout=log, stderr=log, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(process, address + ALIVE[name], Path(log.name))
            yield Running(address, process.pid)
        finally:
            _stop(process)


def _ours(url: str, folder: Path, port: int) -> Server:
    """As `kaart up` serves; the limit on requests counts each of them, and is never reached."""
    settings = {
        "database_url": url, "var": str(folder / "var"), "port": str(port), "pdok_url": "", "tile_url": "",
        "secret": "of the benchmark only", "requests_a_minute": "100000000", "processes": str(PROCESSES),
    }  # fmt: skip
    environment = {f"KAART_{name}".upper(): value for name, value in settings.items()}
    return Server([str(Path(sys.executable).parent / "kaart"), "up", "--no-worker"], environment, port)


def _tipg(url: str, folder: Path, port: int) -> Server:
    """As its documentation starts it, without a line in a log for each request."""
    place = make_url(url)
    host = quote(str(place.query["host"]), safe="")
    address = f"postgresql://{place.username}@{host}:{place.query['port']}/{place.database}"
    words = ["tipg.main:app", "--port", str(port), "--workers", str(PROCESSES), "--no-access-log"]
    return Server(
        [str(PEERS / TIPG / "bin/uvicorn"), *words], {"DATABASE_URL": address, "TIPG_DB_SCHEMAS": '["peer"]'}, port
    )


def _pygeoapi(url: str, folder: Path, port: int) -> Server:
    """As its documentation runs it, by gunicorn; with threads, which answered more here than gevent or none."""
    place = make_url(url)
    values = {
        "port": port, "database_host": place.query["host"], "database_port": place.query["port"],
        "database": place.database, "user": place.username,
    }  # fmt: skip
    config, description = folder / "pygeoapi.yml", folder / "pygeoapi.openapi.yml"
    config.write_text(Template((HERE / "pygeoapi.yml").read_text()).substitute(values))
    environment = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(description)}
    programs = PEERS / PYGEOAPI / "bin"
    make = [str(programs / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(description)]
    subprocess.run(make, env=_own_environment() | environment, check=True, capture_output=True)
    words = [
        "--workers",
        str(PROCESSES),
        "--worker-class",
        "gthread",
        "--threads",
        "8",
        "--bind",
        f"127.0.0.1:{port}",
        "--no-control-socket",
    ]
    return Server([str(programs / "gunicorn"), *words, "pygeoapi.flask_app:APP"], environment, port)


def _own_environment() -> dict[str, str]:
    """Give what this process was started with, but for settings of an installation of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KAART_")}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            if httpx.get(address, timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            sys.exit(f"{address} does not answer.\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server and the processes that it started."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
