"""`kaart up` as a person uses it: started, stopped, killed, started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from geo.settings import CHECKOUT

KAART = CHECKOUT / ".venv/bin/kaart"


class Up:
    """A `kaart up` in a folder of its own, in a process group of its own as a terminal gives it."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.options = options
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, "KAART_VAR": str(folder), "KAART_PORT": str(port), "KAART_TILE_URL": ""}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [KAART, "up", *self.options],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while not self.is_ready():
            assert self.process is None or self.process.poll() is None, self.end()
            assert time.monotonic() < until
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).is_success
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal to the whole group, as Ctrl-C does; give the exit status and what was said."""
        assert self.process
        if number is not None:
            os.killpg(self.process.pid, number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the command line beside it."""
        return subprocess.run([KAART, *words], env=self.environment, capture_output=True, text=True, check=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def var(enterable: Path) -> Iterator[Path]:
    """Give a folder for an installation; a database left running in it is ended afterwards."""
    yield enterable / "var"
    for pid in processes(enterable):
        os.kill(pid, signal.SIGQUIT)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


def processes(folder: Path) -> list[int]:
    """Find processes that were started with a path in `folder` among their arguments."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def count(url: str, collection: str) -> int:
    found: int = httpx.get(f"{url}/v1/collections/{collection}/items?limit=1").json()["numberMatched"]
    return found


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_every_way_to_stop_leaves_no_process_and_keeps_the_data(number: signal.Signals, var: Path, port: int) -> None:
    with Up(var, port) as up:
        up.wait_until_ready()
        assets = count(up.url, "assets")
        status, said = up.end(number)
    assert (status, said.splitlines()[-1]) == (0, "· stopped")
    assert processes(var) == []
    with Up(var, port) as again:
        again.wait_until_ready()
        assert count(again.url, "assets") == assets > 0
        _, said = again.end(signal.SIGINT)
    assert "loading the demo" not in said
    assert "computing" not in said


def test_after_a_kill_of_the_service_the_next_start_works_and_the_data_are_kept(var: Path, port: int) -> None:
    with Up(var, port) as killed:
        killed.wait_until_ready()
        assets, areas = count(killed.url, "assets"), count(killed.url, "neighbourhoods")
        killed.end(signal.SIGKILL)
    assert processes(var) != [], "the database goes on"
    with Up(var, port) as up:
        up.wait_until_ready()
        assert (count(up.url, "assets"), count(up.url, "neighbourhoods")) == (assets, areas)
        assert up.end(signal.SIGINT)[0] == 0
    assert processes(var) == []


def test_a_start_that_is_interrupted_halfway_leaves_no_process(var: Path, port: int) -> None:
    with Up(var, port) as up:
        assert up.process
        assert up.process.stderr
        assert "making" in up.process.stderr.readline()
        up.end(signal.SIGINT)
    assert processes(var) == []


def test_commands_work_beside_a_running_service_and_leave_it_running(var: Path, port: int) -> None:
    with Up(var, port) as up:
        up.wait_until_ready()
        assert up.ask("coverage", "run").returncode == 0
        key = up.ask("key", "create", "a test").stdout.strip()
        assert up.is_ready()
        ran = httpx.post(f"{up.url}/v1/coverage/runs", headers={"X-API-Key": key}, json={}, timeout=30)
        assert ran.status_code == 202, ran.text
        until = time.monotonic() + 60
        while httpx.get(ran.headers["location"]).json()["status"] != "done":
            assert time.monotonic() < until
            time.sleep(0.1)
        assert up.ask("coverage", "list").stdout.count("│ 2024 │") == 3
        assert up.end(signal.SIGINT)[0] == 0
    assert processes(var) == []


def test_a_port_in_use_is_one_clear_line_and_nothing_is_started(var: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with Up(var, port) as up:
            status, said = up.end()
    assert status == 1
    assert said == (
        f"✗ Cannot listen on 127.0.0.1, port {port} (Address already in use): set another with KAART_PORT.\n"
    )
    assert not var.exists()


def test_two_started_at_once_are_one_service_and_one_clear_refusal(var: Path, port: int) -> None:
    with Up(var, port) as first, Up(var, port) as second:
        first.wait_until_ready()
        until = time.monotonic() + 30
        while all(up.process and up.process.poll() is None for up in (first, second)):
            assert time.monotonic() < until
            time.sleep(0.1)
        refused, served = (first, second) if first.process and first.process.poll() is not None else (second, first)
        status, said = refused.end()
        assert status == 1
        assert said.startswith("✗ Cannot listen on")
        assert served.is_ready()
        assert served.end(signal.SIGINT)[0] == 0
    assert processes(var) == []


def beside(up: Up) -> set[int]:
    """Find the processes that serve beside the first."""
    assert up.process
    told = Path(f"/proc/{up.process.pid}/task").glob("*/children")
    children = {int(pid) for place in told for pid in place.read_text().split()}
    return {pid for pid in children if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")}


def test_several_processes_answer_at_one_port_come_back_when_they_die_and_end_together(var: Path, port: int) -> None:
    with Up(var, port) as up:
        assert up.process
        up.wait_until_ready()
        assert beside(up) == set()
        up.end(signal.SIGINT)
    up = Up(var, port)
    up.environment["KAART_PROCESSES"] = "2"
    with up:
        up.wait_until_ready()
        [other] = beside(up)
        os.kill(other, signal.SIGKILL)
        until = time.monotonic() + 30
        while beside(up) <= {other}:
            assert time.monotonic() < until
            time.sleep(0.1)
        again = beside(up)
        assert {httpx.get(f"{up.url}/v1/collections/assets/items?limit={n}").status_code for n in range(1, 41)} == {200}
        status, said = up.end(signal.SIGINT)
    assert status == 0
    assert "a process that serves ended (SIGKILL): it starts again" in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in again)
    assert processes(var) == []
