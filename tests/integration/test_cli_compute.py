"""`kaart coverage compute` as a planner runs it: a program of its own, on files, without a database or settings."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.settings import CHECKOUT
from tests.unit.reckoning import Row, reckon

KAART = Path(sys.executable).parent / "kaart"
SCHIEDAM = CHECKOUT.parent / "shared" / "data" / "schiedam"
X, Y = 90_000, 460_000
EXACT = ("near_m", "nearest", "count")
WITHOUT_DATABASE = {"KAART_DATABASE_URL": "postgresql:///nowhere?host=/nowhere", "KAART_NO_SUCH_SETTING": "1"}


def compute(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command with settings that nothing could work with."""
    command = [str(KAART), "coverage", "compute", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | WITHOUT_DATABASE, timeout=300, check=False
    )


def files(folder: Path, points: int = 400, assets: int = 60) -> list[str | Path]:
    """Write demand in areas of 1 km and assets of two kinds; give the words that name them."""
    chance = np.random.default_rng(0)
    xy = np.add((X, Y), chance.uniform(0, 8000, (points, 2)))
    demand = pd.DataFrame({
        "id": np.arange(points), "x": xy[:, 0], "y": xy[:, 1], "residents": chance.integers(0, 20, points) / 2,
        "radius_m": 70.72, "residents_65": 1.0, "area": [f"{east:.0f}-{north:.0f}" for east, north in xy // 1000],
    })  # fmt: skip
    spots = np.add((X, Y), chance.uniform(0, 8000, (assets, 2)))
    stock = pd.DataFrame({
        "id": [f"a{number}" for number in range(assets)], "kind": chance.choice(["room", "school"], assets),
        "x": spots[:, 0], "y": spots[:, 1], "capacity": chance.integers(0, 30, assets).astype(float),
        "age_days": chance.uniform(0, 900, assets), "open_mask": chance.integers(0, 1 << 21, assets),
    })  # fmt: skip
    demand.to_parquet(folder / "demand.parquet")
    stock.to_csv(folder / "assets.csv", index=False)
    return ["--demand", folder / "demand.parquet", "--assets", folder / "assets.csv"]


def outs(folder: Path) -> list[str | Path]:
    folder.mkdir()
    return ["--out", folder / "out.csv", "--points-out", folder / "p.csv", "--assets-out", folder / "a.csv"]


def assert_same(one: Path, other: Path) -> None:
    for name in ("out.csv", "p.csv", "a.csv"):
        found, whole = pd.read_csv(other / name), pd.read_csv(one / name)
        assert list(found.columns) == list(whole.columns)
        for column in whole.columns:
            if column in EXACT or whole[column].dtype.kind not in "fi":
                pd.testing.assert_series_equal(found[column], whole[column], check_exact=True)
            else:
                pd.testing.assert_series_equal(found[column], whole[column], rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str | Path], Path]:
    """Give the words that name a town, and a folder with what one process computes of it."""
    folder = tmp_path_factory.mktemp("town")
    words = files(folder)
    told = compute(*words, *outs(folder / "one"))
    assert told.returncode == 0, told.stderr
    return words, folder / "one"


def test_a_planner_computes_from_files_to_files_without_a_database(tmp_path: Path) -> None:
    (tmp_path / "demand.csv").write_text(f"id,x,y,residents\n1,{X},{Y},30\n2,{X + 500},{Y},10\n3,{X + 900},{Y},60\n")
    (tmp_path / "assets.csv").write_text(f"id,kind,x,y,capacity,age_days,open_mask\n7,room,{X},{Y},20,0,1\n")
    (tmp_path / "policy.toml").write_text('detour = 1.0\nnorm_m = 500\ndecay = "step"\nsupply_norm = 1.0\n')
    outline = gpd.GeoDataFrame({"code": ["BU1"]}, geometry=[shapely.box(X - 1, Y - 1, X + 999, Y + 1)], crs=28992)
    outline.to_file(tmp_path / "areas.gpkg", engine="pyogrio")
    told = compute(
        "--demand", tmp_path / "demand.csv", "--assets", tmp_path / "assets.csv", "--policy", tmp_path / "policy.toml",
        "--areas", tmp_path / "areas.gpkg", "--out", tmp_path / "out.csv",
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "room" in told.stdout
    assert "60" in told.stdout
    [row] = pd.read_csv(tmp_path / "out.csv").to_dict("records")
    # 40 of 100 live within 500 m (the limit itself included), 20 places are shared by 40; the rest lives 900 m away.
    assert (row["area"], row["kind"], row["residents"]) == ("BU1", "room", 100)
    assert (row["covered_share"], row["uncovered"], row["median_m"], row["depth_m"]) == (0.4, 60, 900, 400)
    assert (row["fgt1"], row["mean_m"], row["per_1000"]) == pytest.approx((0.48, 590, 200))
    assert (row["people_none"], row["people_full"], row["gap"]) == (60, 40, 70)
    assert sorted(tmp_path.iterdir()) == sorted(
        tmp_path / name for name in ("areas.gpkg", "assets.csv", "demand.csv", "out.csv", "policy.toml")
    )


def test_a_refusal_is_one_line_with_status_1_and_leaves_nothing(tmp_path: Path) -> None:
    words = files(tmp_path)
    (tmp_path / "assets.csv").write_text(f"id,kind,x,y\n7,room,{X},\n")
    told = compute(*words, "--out", tmp_path / "out.csv")
    assert told.returncode == 1
    [line] = told.stderr.strip().splitlines()
    assert "assets.csv: row 2, y: is missing" in line
    assert not (tmp_path / "out.csv").exists()
    (tmp_path / "policy.toml").write_text("norm = 500\n")
    told = compute(*words, "--out", tmp_path / "out.csv", "--policy", tmp_path / "policy.toml")
    assert (told.returncode, "norm is not known: did you mean norm_m?" in told.stderr) == (1, True)


def test_processes_on_this_machine_give_what_one_gives_and_stay_quiet(
    tmp_path: Path, town: tuple[list[str | Path], Path]
) -> None:
    words, one = town
    told = compute(*words, *outs(tmp_path / "two"), "--workers", "2")
    assert told.returncode == 0, told.stderr
    assert all(line.startswith("·") for line in told.stderr.strip().splitlines()), told.stderr
    assert_same(one, tmp_path / "two")
    assert len(list((tmp_path / "two").iterdir())) == 3


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Give the address of a dask scheduler that runs with two workers, as somebody else would have started it."""
    told, log = tmp_path / "scheduler.json", tmp_path / "log"
    dask, here = (
        [sys.executable, "-m", "dask"],
        ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told)],
    )
    with log.open("w") as said:
        started = [subprocess.Popen([*dask, "scheduler", "--port", "0", *here], stdout=said, stderr=said)]
        folders = ["--local-directory", str(tmp_path / "dask")]
        worker = [*dask, "worker", *here, "--nworkers", "2", "--nthreads", "1", *folders]
        started.append(subprocess.Popen(worker, stdout=said, stderr=said))
        try:
            yield address(told, log)
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGINT)
                process.wait(30)


def address(told: Path, log: Path) -> str:
    """Wait until both workers are there."""
    for _ in range(600):
        if told.exists() and log.read_text().count("Registered to:") >= 2:
            return str(pd.read_json(told, typ="series")["address"])
        time.sleep(0.1)
    raise TimeoutError(log.read_text())


def test_a_scheduler_that_runs_already_is_used_and_left_running(
    tmp_path: Path, town: tuple[list[str | Path], Path], scheduler: str
) -> None:
    words, one = town
    for name in ("two", "three"):
        told = compute(*words, *outs(tmp_path / name), "--scheduler", scheduler)
        assert told.returncode == 0, told.stderr
        assert_same(one, tmp_path / name)


def test_where_no_scheduler_answers_is_told(tmp_path: Path) -> None:
    told = compute(*files(tmp_path), "--out", tmp_path / "out.csv", "--scheduler", "tcp://127.0.0.1:9")
    assert told.returncode == 1
    assert "No dask scheduler answers at tcp://127.0.0.1:9" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing_half_done(tmp_path: Path, number: int) -> None:
    words = files(tmp_path, points=400_000, assets=20_000)
    (tmp_path / "out.csv").write_text("of yesterday")
    before = sorted(tmp_path.iterdir())
    words += ["--out", tmp_path / "out.csv", "--points-out", tmp_path / "p.csv"]
    command = [str(KAART), "coverage", "compute", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not list(tmp_path.glob(".p-*/p.csv")):
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert b"Traceback" not in said
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "out.csv").read_text() == "of yesterday"


def test_people_walk_along_the_streets_of_a_file(tmp_path: Path) -> None:
    """The room is 300 m away as the crow flies; by the street one goes 400 m round, with 10 m from each door to it."""
    streets = shapely.LineString([(X, Y), (X, Y + 400), (X + 300, Y + 400), (X + 300, Y)])
    gpd.GeoDataFrame(geometry=[streets], crs=28992).to_file(tmp_path / "streets.gpkg", engine="pyogrio")
    (tmp_path / "demand.csv").write_text(f"id,x,y,residents,area\n1,{X - 10},{Y + 100},30,A\n2,{X - 5000},{Y},1,A\n")
    (tmp_path / "assets.csv").write_text(f"id,kind,x,y\n7,room,{X + 310},{Y + 100}\n")
    words: list[str | Path] = ["--demand", tmp_path / "demand.csv", "--assets", tmp_path / "assets.csv"]
    for name, more in (("one", ()), ("two", ("--workers", "2"))):
        told = compute(*words, "--network", tmp_path / "streets.gpkg", *outs(tmp_path / name), *more)
        assert told.returncode == 0, told.stderr
        points = pd.read_csv(tmp_path / name / "p.csv")
        assert points["near_m"][0] == pytest.approx(10 + 300 + 300 + 300 + 10, abs=1e-3)
        assert points["near_m"][1] == pytest.approx(1.3 * np.hypot(5310, 100), abs=1e-3)


def records(frame: pd.DataFrame) -> list[Row]:
    """Give rows as dicts, with None for what is missing."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


@pytest.mark.skipif(not SCHIEDAM.is_dir(), reason="the squares of Schiedam are not beside the checkout")
def test_the_squares_of_schiedam_give_what_geopandas_and_plain_loops_give(tmp_path: Path) -> None:
    squares = gpd.read_file(SCHIEDAM / "vierkanten_100m_2024.gpkg")
    areas = gpd.read_file(SCHIEDAM / "buurten_schiedam_vlaardingen_2024.gpkg")[["buurtcode", "geometry"]]
    told = ["aantal_inwoners", "aantal_inwoners_65_jaar_en_ouder"]
    demand = squares[["geometry"]].assign(
        id=squares["crs28992res100m"], radius_m=70.72, residents=squares[told[0]].where(squares[told[0]] >= 0),
        residents_65=squares[told[1]].where(squares[told[1]] >= 0).astype(float),
    )  # fmt: skip
    demand.to_file(tmp_path / "demand.gpkg", engine="pyogrio")
    chance, bounds = np.random.default_rng(0), squares.total_bounds
    spots = chance.uniform(bounds[:2], bounds[2:], (50, 2))
    stock = pd.DataFrame({
        "id": np.arange(50), "kind": chance.choice(["room", "school"], 50), "x": spots[:, 0], "y": spots[:, 1],
        "capacity": chance.integers(0, 30, 50), "age_days": chance.uniform(0, 900, 50),
        "open_mask": chance.integers(0, 1 << 21, 50),
    })  # fmt: skip
    stock.to_parquet(tmp_path / "assets.parquet")
    words: list[str | Path] = ["--demand", tmp_path / "demand.gpkg", "--assets", tmp_path / "assets.parquet"]
    outlines = SCHIEDAM / "buurten_schiedam_vlaardingen_2024.gpkg"
    done = compute(*words, "--areas", outlines, "--out", tmp_path / "out.parquet")
    assert done.returncode == 0, done.stderr
    inside = gpd.sjoin_nearest(demand, areas, max_distance=250).groupby("id")["buurtcode"].min()
    rows = demand.assign(x=demand.geometry.x, y=demand.geometry.y, area=demand["id"].map(inside)).drop(
        columns="geometry"
    )
    wanted = pd.DataFrame(reckon(records(rows), records(stock), {})[0]).set_index(["area", "kind"])
    found = pd.read_parquet(tmp_path / "out.parquet").set_index(["area", "kind"])
    assert found["residents"].groupby("kind").sum().tolist() == [157_645, 157_645]
    lived = found.loc[wanted.index]
    for column in found.columns:
        np.testing.assert_allclose(
            lived[column].astype(float), wanted[column].astype(float), rtol=1e-9, atol=1e-9, err_msg=column
        )
    assert (found.drop(wanted.index)["residents"] == 0).all()


def test_what_is_misspelt_in_a_file_or_a_policy_is_told_with_what_may_be_meant(tmp_path: Path) -> None:
    assets, demand, policy = (tmp_path / name for name in ("assets.csv", "demand.csv", "policy.toml"))
    assets.write_text(f"id,kind,x,y,capaciteit\n7,room,{X},{Y},3\n")
    demand.write_text(f"id,x,y,residents,area,residents65\n1,{X},{Y},10,A,2\n")
    policy.write_text("[kind.rooms]\nnorm_m = 900\n[service.meals]\nnorm_m = 900\n")
    told = compute("--demand", demand, "--assets", assets, "--out", tmp_path / "out.csv", "--policy", policy)
    assert told.returncode == 0, told.stderr
    said = told.stderr + told.stdout
    for line in (
        "the column capaciteit is not used: did you mean capacity?",
        "the column residents65 is not used: did you mean residents_65?",
        "there are no assets of the kind rooms, which the policy names: did you mean room?",
        "[service.…] is not used",
    ):
        assert line in said


def test_an_address_of_a_scheduler_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    told = compute(*files(tmp_path), "--out", tmp_path / "out.csv", "--scheduler", "here")
    assert told.returncode == 1
    [line] = told.stderr.strip().splitlines()
    assert "'here' is no address of a dask scheduler: it looks like tcp://host:8786." in line
