"""What the private cluster survives. Each test makes, kills and starts real PostgreSQL servers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg
import pytest
from sqlalchemy import make_url

from geo import cluster, programs
from geo.cluster import address, kept
from geo.errors import Unavailable
from geo.settings import CHECKOUT, Settings

HOLD = """
import sys
from pathlib import Path
from geo.cluster import kept
with kept(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that uses the cluster in `folder` until told to leave, or killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT,
        )  # fmt: skip

    def wait_until_in(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline().startswith("postgresql+psycopg://")

    def leave(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.kill()


@pytest.fixture
def folder(enterable: Path) -> Iterator[Path]:
    """Give a folder for a cluster; whatever a test leaves running there is ended afterwards."""
    folder = enterable / "postgres"
    yield folder
    if (pid := postmaster(folder)) is not None:
        os.kill(pid, signal.SIGQUIT)
        wait_for_end(pid)


def postmaster(folder: Path) -> int | None:
    """Give the process id of the server that runs in `folder`."""
    try:
        pid = int((folder / "data/postmaster.pid").read_text().split()[0])
        return pid if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes() else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_for_end(pid: int) -> None:
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < until, f"process {pid} goes on"
        time.sleep(0.02)


def running(folder: Path) -> int:
    pid = postmaster(folder)
    assert pid is not None
    return pid


def ask(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def sockets(url: str) -> Path:
    """Give the folder of the socket that an address names."""
    return Path(str(make_url(url).query["host"]))


def remember(url: str, word: str) -> None:
    ask(url, "CREATE TABLE IF NOT EXISTS memory (word text)")
    ask(url, "INSERT INTO memory VALUES (%s)", word)


def remembered(url: str) -> list[object]:
    return [word for (word,) in ask(url, "SELECT word FROM memory ORDER BY word")]


def test_the_role_of_the_service_owns_its_database_and_is_no_superuser(cluster_url: str) -> None:
    assert ask(cluster_url, "SELECT current_user, current_setting('is_superuser')") == [("kaart", "off")]
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'kaart'"
    assert ask(cluster_url, owner) == [("kaart",)]
    extensions = ask(cluster_url, "SELECT extname FROM pg_extension WHERE extname IN ('postgis', 'pg_trgm')")
    assert len(extensions) == 2


def test_nothing_listens_on_a_network_and_nobody_else_may_enter_the_socket(cluster_url: str) -> None:
    assert ask(cluster_url, "SHOW listen_addresses") == [("",)]
    assert sockets(cluster_url).stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as another user")
def test_another_user_of_the_machine_gets_no_answer(cluster_url: str) -> None:
    psql = programs.find().folder / "psql"
    question = [str(psql), "-h", str(sockets(cluster_url)), "-U", "kaart", "-c", "SELECT 1"]
    asked = subprocess.run(question, user="nobody", group="nogroup", check=False, capture_output=True, cwd="/")
    assert asked.returncode != 0
    assert b"Permission denied" in asked.stderr


def test_a_real_cluster_writes_what_is_committed_to_disk(folder: Path) -> None:
    with kept(folder) as url:
        assert ask(url, "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]


def test_the_last_one_out_stops_the_cluster_and_the_data_stay(folder: Path) -> None:
    with kept(folder, durable=False) as url:
        remember(url, "kept")
    assert postmaster(folder) is None
    with kept(folder, durable=False) as url:
        assert remembered(url) == ["kept"]


def test_two_processes_share_one_cluster_whoever_leaves_first(folder: Path) -> None:
    with Holder(folder) as first, Holder(folder) as second:
        first.wait_until_in()
        second.wait_until_in()
        pid = postmaster(folder)
        first.leave()
        assert postmaster(folder) == pid
        assert ask(address(folder / "socket"), "SELECT 1") == [(1,)]
        second.leave()
    assert postmaster(folder) is None


def test_a_killed_service_leaves_a_cluster_that_the_next_one_uses_and_stops(folder: Path) -> None:
    with Holder(folder) as killed:
        killed.wait_until_in()
        remember(address(folder / "socket"), "kept")
        killed.kill()
    pid = running(folder)
    with kept(folder) as url:
        assert postmaster(folder) == pid
        assert remembered(url) == ["kept"]
    assert postmaster(folder) is None


def test_a_killed_server_is_no_obstacle_and_what_was_committed_is_there(folder: Path) -> None:
    with Holder(folder) as holder:
        holder.wait_until_in()
        remember(address(folder / "socket"), "kept")
        os.kill(running(folder), signal.SIGKILL)
        with kept(folder, durable=False) as url:  # the holder is still there: it may go on with the new server
            assert remembered(url) == ["kept"]
        holder.leave()
    assert postmaster(folder) is None


def test_when_all_are_killed_at_once_the_next_start_works(folder: Path) -> None:
    with Holder(folder) as holder:
        holder.wait_until_in()
        remember(address(folder / "socket"), "kept")
        os.kill(running(folder), signal.SIGKILL)
        holder.kill()
    with kept(folder) as url:
        assert remembered(url) == ["kept"]


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9])
def test_a_start_that_is_killed_in_the_middle_of_the_making_is_made_up_for(folder: Path, after_s: float) -> None:
    with Holder(folder) as holder:
        time.sleep(after_s)
        holder.kill()
    with kept(folder, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]
    assert list(folder.glob("data.new-*")) == []


def test_a_lock_file_with_the_number_of_another_process_is_no_obstacle(folder: Path) -> None:
    with kept(folder, durable=False):
        pass
    left = folder / "data/postmaster.pid"
    left.write_text(f"{os.getpid()}\n{folder}/data\n1\n5432\n{folder}/socket\n\n\n")
    left.chmod(0o644)
    with kept(folder, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]


def test_a_folder_too_deep_for_a_socket_gets_a_short_one_elsewhere(enterable: Path) -> None:
    deep = enterable / ("d" * 90)
    deep.mkdir()
    with kept(deep / "postgres", durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]
    assert len(str(sockets(url))) < 60
    assert sockets(url).stat().st_mode & 0o777 == 0o700
    sockets(url).rmdir()


def test_a_strict_umask_is_no_obstacle(enterable: Path) -> None:
    before = os.umask(0o077)
    try:
        with cluster.running(Settings(var=enterable / "deep" / "var")) as url:
            assert ask(url, "SELECT 1") == [(1,)]
    finally:
        os.umask(before)


def test_a_folder_that_is_removed_while_it_is_in_use_is_no_reason_to_fail(folder: Path) -> None:
    with kept(folder, durable=False):
        pid = running(folder)
        shutil.rmtree(folder)
    os.kill(pid, signal.SIGQUIT)  # it notices by itself, but takes up to a minute
    wait_for_end(pid)


def test_a_folder_of_another_user_is_refused(enterable: Path) -> None:
    (enterable / "postgres").mkdir()
    if os.geteuid() == 0:
        shutil.chown(enterable / "postgres", "nobody")
    else:
        (enterable / "postgres").rmdir()
        (enterable / "postgres").symlink_to("/")
    with pytest.raises(Unavailable, match="is not a folder of the user"), kept(enterable / "postgres"):
        pass


def test_data_of_a_postgresql_that_is_not_installed_are_refused_with_what_to_install(folder: Path) -> None:
    with kept(folder, durable=False):
        pass
    (folder / "data/PG_VERSION").write_text("9\n")
    with (
        pytest.raises(Unavailable, match="apt-get install postgresql-9-postgis-3"),
        kept(folder, durable=False),
    ):
        pass


def test_a_machine_without_postgis_is_told_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "DEBIAN", folder)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="apt-get install postgresql-postgis"), kept(folder, durable=False):
        pass


def test_variables_meant_for_other_databases_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGDATABASE", "other")
    with kept(folder, durable=False) as url:
        assert ask(url, "SELECT current_database()") == [("kaart",)]


def test_a_server_that_does_not_start_is_refused_in_its_own_words(folder: Path) -> None:
    with kept(folder, durable=False):
        pass
    with (folder / "data/postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with (
        pytest.raises(Unavailable, match=r"PostgreSQL does not start: .*\(log: "),
        kept(folder, durable=False),
    ):
        pass


def test_with_a_database_of_ones_own_no_cluster_is_made(enterable: Path) -> None:
    settings = Settings(database_url="postgresql://kaart@db.example.nl/kaart", var=enterable)
    with cluster.running(settings) as url:
        assert url == "postgresql+psycopg://kaart@db.example.nl/kaart"
    assert list(enterable.iterdir()) == []
