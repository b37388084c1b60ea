"""`kaart coverage compute` from files to files: its numbers beside plain loops, its formats, what it refuses."""

import itertools
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from api import computing
from geo.coverage import outputs
from geo.errors import InvalidInput, Refusal, Unavailable
from tests.unit.reckoning import Row, reckon

X, Y = 90_000, 460_000
KINDS = ("care_location", "community_room", "initiative")
COLUMNS = (
    "area, kind, residents, covered_share, uncovered, mean_m, reached_share, median_m, p90_m, depth_m, fgt1, choice, "
    "fragile_share, per_1000, crowding, certain_share, open_hours, worst_part_share, people_none, people_doubtful, "
    "people_closed, people_full, people_served, gap, covered_lo, covered_hi, band_lo, band_hi, group_share"
).split(", ")
POINTS = ["id", "kind", "near_m", "nearest", "count", "certainty", "supply"]
ASSETS = ["id", "kind", "load", "crowding", "lost_if_closed", "gain_if_checked"]
TEXT = ("id", "kind", "area", "nearest")
Policy = Mapping[str, Any]


def world(seed: int, points: int = 50, assets: int = 16) -> tuple[list[Row], list[Row]]:
    """Make demand and assets with everything that a file may hold or leave out.

    Half of the worlds stand on a lattice of 100 m, where walks are equal, and equal to the norm, again and again.
    """
    chance = np.random.default_rng(seed)
    lattice = seed % 2 == 0

    def spots(count: int) -> list[tuple[float, float]]:
        xy = chance.uniform(0, 2400, (count, 2))
        xy = np.round(xy / 100) * 100 if lattice else xy
        return [(X + float(x), Y + float(y)) for x, y in xy]

    def maybe(value: object, missing: float = 0.2) -> object:
        return None if chance.random() < missing else value

    demand = [
        {
            "id": 3 * number + 1, "x": x, "y": y, "residents": maybe(float(chance.integers(0, 40)) / 2),
            "radius_m": float(chance.choice([0, 70.72])), "residents_65": maybe(float(chance.integers(0, 9))),
            "area": maybe(f"BU{chance.integers(1, 7):02}", 0.05),
        }
        for number, (x, y) in enumerate(spots(points))
    ]  # fmt: skip
    for row in demand:
        if row["area"] == "BU06":  # where nobody lives
            row["residents"] = 0.0
    stock = [
        {
            "id": f"a{number}", "kind": KINDS[chance.integers(0, 3)], "x": x, "y": y,
            "capacity": maybe(float(chance.integers(0, 30))), "age_days": maybe(float(chance.integers(0, 1500))),
            "open_mask": maybe(int(chance.integers(0, 1 << 21)) & int(chance.integers(0, 1 << 21))),
        }
        for number, (x, y) in enumerate(spots(assets))
    ]  # fmt: skip
    return demand, stock


def policies(seed: int) -> Policy:
    decay = ("quadratic", "gaussian", "step")[seed % 3]
    return {
        "norm_m": 500.0, "decay": decay, "detour": 1.0 if seed % 2 == 0 else 1.3, "min_open_hours": 20.0,
        "supply_norm": 0.05, "hours": [float(part % 4) + 1 for part in range(21)],
        "kind": {
            "community_room": {"norm_m": 800.0, "half_life_days": 200.0, "severity": [1.0, 0.6, 0.5, 0.5]},
            "library": {"grace_days": 30.0},
        },
    }  # fmt: skip


def toml(policy: Policy) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in policy.items() if key != "kind"]
    for kind, keys in policy.get("kind", {}).items():
        lines += [f"[kind.{kind}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join(lines)


def write(file: Path, rows: Sequence[Row] | pd.DataFrame, crs: int | None = 28992, *, shapes: bool = False) -> Path:
    """Write rows as a planner's program would; with `shapes`, places as points instead of columns x and y."""
    frame = pd.DataFrame(rows)
    if shapes:
        places = shapely.points(frame.pop("x").to_numpy(float), frame.pop("y").to_numpy(float))
        frame = gpd.GeoDataFrame(frame, geometry=places, crs=crs)
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    elif file.suffix == ".parquet":
        frame.to_parquet(file)
    else:
        pyogrio.write_dataframe(frame, file)
    return file


def read(file: Path) -> pd.DataFrame:
    """Read a result as other programs do, without its shapes."""
    if file.suffix == ".csv":
        return pd.read_csv(file)
    if file.suffix == ".geojson":
        return pd.DataFrame([feature["properties"] for feature in json.loads(file.read_text())["features"]])
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else gpd.read_file(file)
    return pd.DataFrame(frame).drop(columns="geometry", errors="ignore")


def compute(folder: Path, demand: Path, assets: Path, policy: Policy | None = None, **more: Any) -> list[pd.DataFrame]:
    """Run the command; give its three results."""
    told = more.pop("suffix", ".parquet")
    files = [folder / f"{name}{told}" for name in ("out", "points", "assets-out")]
    if policy is not None:
        more["policy_file"] = folder / "policy.toml"
        more["policy_file"].write_text(toml(policy), encoding="utf-8")
    computing.compute_command(demand, assets, files[0], points_out=files[1], assets_out=files[2], **more)
    return [read(file) for file in files]


def assert_same(found: pd.DataFrame, wanted: Sequence[Row], columns: Sequence[str]) -> None:
    """Compare every value; numbers to the last digits but three."""
    assert list(found.columns) == list(columns)
    assert len(found) == len(wanted)
    for (at, row), told in itertools.product(zip(range(len(found)), wanted, strict=True), columns):
        value, right = found[told].iloc[at], row.get(told)
        where = f"row {at} ({row}), {told}"
        if right is None:
            assert pd.isna(value), where
        elif told in TEXT:
            assert value == right, where
        else:
            assert value == pytest.approx(right, rel=1e-9, abs=1e-9), where


@pytest.mark.parametrize("seed", range(12))
def test_every_figure_is_what_plain_loops_over_the_definitions_give(tmp_path: Path, seed: int) -> None:
    demand, assets = world(seed)
    policy = policies(seed)
    files = write(tmp_path / "demand.parquet", demand), write(tmp_path / "assets.parquet", assets)
    found = compute(tmp_path, *files, policy)
    for table, wanted, columns in zip(found, reckon(demand, assets, policy), (COLUMNS, POINTS, ASSETS), strict=True):
        assert_same(table, wanted, columns)


@pytest.fixture
def village(tmp_path: Path) -> tuple[Path, Path]:
    """Give two files of four points and two rooms, in one of which nobody can be told apart from a good file."""
    return write(tmp_path / "demand.csv", DEMAND), write(tmp_path / "assets.csv", STOCK)


DEMAND: list[Row] = [
    {"id": 1, "x": X, "y": Y, "residents": 10.0, "area": "A"},
    {"id": 2, "x": X + 500, "y": Y, "residents": 20.0, "area": "A"},
    {"id": 3, "x": X + 3000, "y": Y, "residents": 5.0, "area": "B"},
    {"id": 4, "x": X + 3100, "y": Y, "residents": None, "area": "B"},
]
STOCK: list[Row] = [
    {"id": 1, "kind": "room", "x": X + 100, "y": Y, "capacity": 3.0, "age_days": 0.0, "open_mask": 1},
    {"id": 2, "kind": "school", "x": X + 500, "y": Y, "capacity": None, "age_days": None, "open_mask": None},
]
FORMATS = [
    (".csv", False),
    (".parquet", False),
    (".parquet", True),
    (".gpkg", False),
    (".gpkg", True),
    (".geojson", True),
]


@pytest.mark.parametrize(("suffix", "shapes"), FORMATS)
def test_every_format_that_is_read_gives_the_same(tmp_path: Path, suffix: str, shapes: bool) -> None:
    demand, assets = world(5)
    pairs = ("d", demand), ("a", assets)
    first = compute(tmp_path, write(tmp_path / "d.parquet", demand), write(tmp_path / "a.parquet", assets), policies(5))
    told, stock = (write(tmp_path / f"{name}{suffix}", rows, shapes=shapes) for name, rows in pairs)
    for one, other in zip(first, compute(tmp_path, told, stock, policies(5)), strict=True):
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("suffix", [".csv", ".gpkg", ".geojson"])
def test_every_format_that_is_written_holds_the_same(tmp_path: Path, suffix: str) -> None:
    demand, assets = world(4)
    files = write(tmp_path / "d.parquet", demand), write(tmp_path / "a.parquet", assets)
    pairs = zip(compute(tmp_path, *files), compute(tmp_path, *files, suffix=suffix), strict=True)
    for one, other in pairs:
        pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-14)


def test_the_order_of_rows_in_the_files_changes_not_a_single_digit(tmp_path: Path) -> None:
    demand, assets = world(6, points=80)
    told = []
    for number in (0, 1):
        chance, mixed = np.random.default_rng(number), []
        for name, rows in (("d", demand), ("a", assets)):
            mixed.append(write(tmp_path / f"{name}.csv", [rows[at] for at in chance.permutation(len(rows))]))
        compute(tmp_path, mixed[0], mixed[1], policies(6), suffix=".csv")
        told.append([(tmp_path / f"{name}.csv").read_bytes() for name in ("out", "points", "assets-out")])
    assert told[0] == told[1]


def test_without_a_policy_the_documented_defaults_hold(tmp_path: Path, village: tuple[Path, Path]) -> None:
    found = compute(tmp_path, *village)
    demand = [{**row, "radius_m": 0.0, "residents_65": None} for row in DEMAND]
    for table, wanted in zip(found, reckon(demand, STOCK, {}), strict=True):
        assert_same(table, wanted, list(table.columns))


def test_what_is_missing_is_empty_and_never_a_word_or_infinite(tmp_path: Path, village: tuple[Path, Path]) -> None:
    demand = write(tmp_path / "d.csv", [{**row, "residents": 0 if row["area"] == "B" else 1} for row in DEMAND])
    compute(tmp_path, demand, village[1], {"kind": {"library": {}}}, suffix=".csv")
    text = "".join((tmp_path / f"{name}.csv").read_text() for name in ("out", "points", "assets-out")).lower()
    assert "nan" not in text
    assert "inf" not in text
    out = pd.read_csv(tmp_path / "out.csv").set_index(["area", "kind"])
    empty = out.loc["B"]
    assert (empty["residents"] == 0).all()
    assert empty.drop(columns="residents").isna().to_numpy().all()
    assert out["covered_share"]["A", "library"] == 0
    assert out["median_m"].isna()["A", "library"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".gpkg"])
def test_without_assets_or_without_points_there_is_still_a_right_answer(tmp_path: Path, suffix: str) -> None:
    nobody, nothing = (pd.DataFrame(rows).iloc[:0] for rows in (DEMAND, STOCK))
    files = write(tmp_path / f"n{suffix}", nobody), write(tmp_path / f"a{suffix}", STOCK)
    out, points, assets = compute(tmp_path, *files)
    assert (len(out), len(points), len(assets)) == (0, 0, 2)
    assert assets["load"].tolist() == [0, 0]
    assert assets["crowding"].isna().all()
    files = write(tmp_path / f"d{suffix}", DEMAND), write(tmp_path / f"e{suffix}", nothing)
    out, points, assets = compute(tmp_path, *files)
    assert (list(out.columns), list(points.columns), len(assets)) == (COLUMNS, POINTS, 0)
    out, points, assets = compute(tmp_path, *files, {"kind": {"room": {}}})
    assert out["people_none"].tolist() == [30, 5]
    assert points["count"].tolist() == [0] * 4
    assert points["nearest"].isna().all()


def test_a_geojson_without_features_and_a_file_without_areas_are_no_mistake(
    tmp_path: Path, village: tuple[Path, Path]
) -> None:
    empty = tmp_path / "e.geojson"
    empty.write_text('{"type": "FeatureCollection", "features": []}')
    assert len(compute(tmp_path, village[0], empty, {"kind": {"room": {}}})[0]) == 2
    assert [len(table) for table in compute(tmp_path, empty, village[1])] == [0, 0, 2]
    assert [len(table) for table in compute(tmp_path, *village, areas=empty)] == [0, 8, 2]


def test_a_tie_goes_to_the_lowest_id_numbers_by_size_and_text_letter_by_letter(tmp_path: Path) -> None:
    rooms = [{"id": name, "kind": "room", "x": X + 100.0, "y": Y + 0.0} for name in (10, 9)]
    demand = write(tmp_path / "d.csv", DEMAND)
    numbers = compute(tmp_path, demand, write(tmp_path / "n.parquet", rooms))[1]
    assert numbers["nearest"].tolist() == [9] * 4
    from_csv = compute(tmp_path, demand, write(tmp_path / "n.csv", rooms))[1]
    assert from_csv["nearest"].tolist() == [9] * 4
    text = write(tmp_path / "t.parquet", [{**room, "id": str(room["id"])} for room in rooms])
    assert compute(tmp_path, demand, text)[1]["nearest"].tolist() == ["10"] * 4


def test_ids_come_back_as_they_were(tmp_path: Path) -> None:
    demand = tmp_path / "d.csv"
    demand.write_text(f"id,x,y,residents,area\n007,{X},{Y},1,0363\n12,{X},{Y},1,0364\n")
    out, points, _ = compute(tmp_path, demand, write(tmp_path / "a.csv", STOCK))
    assert points["id"].tolist() == ["007", "12"] * 2
    assert out["area"].unique().tolist() == ["0363", "0364"]


def box(west: float, south: float, side: float) -> BaseGeometry:
    return shapely.box(X + west, Y + south, X + west + side, Y + south + side)


def outlined(file: Path, field: str = "buurtcode", crs: int | None = 28992) -> Path:
    """Write two areas that overlap between 400 and 600 east, and one where nobody is."""
    rows = {field: ["BU2", "BU1", "BU3"], "id": [7, 8, 9]}
    shapes = [box(400, -500, 1000), box(-400, -500, 1000), box(9000, 0, 100)]
    gpd.GeoDataFrame(rows, geometry=shapes, crs=crs).to_file(file, engine="pyogrio")
    return file


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet", ".csv"])
def test_points_lie_in_the_areas_of_a_file(tmp_path: Path, village: tuple[Path, Path], suffix: str) -> None:
    file = tmp_path / f"areas{suffix}"
    if suffix in (".parquet", ".csv"):
        frame = gpd.read_file(outlined(tmp_path / "areas.gpkg"))
        frame.to_parquet(file) if suffix == ".parquet" else frame.to_csv(file, index=False)
    else:
        outlined(file)
    out, _, _ = compute(tmp_path, *village, areas=file)
    # The point at 500 lies in both: the lowest code has it. Those at 3000 and 3100 lie in none.
    assert out["area"].tolist() == ["BU1", "BU1", "BU2", "BU2", "BU3", "BU3"]
    assert out["residents"].tolist() == [30, 30, 0, 0, 0, 0]


def test_the_column_with_the_ids_of_areas_can_be_named(tmp_path: Path, village: tuple[Path, Path]) -> None:
    areas = outlined(tmp_path / "areas.gpkg", "naam")
    assert compute(tmp_path, *village, areas=areas)[0]["area"].unique().tolist() == [7, 8, 9]
    named = compute(tmp_path, *village, areas=areas, area_field="naam")[0]
    assert named["area"].unique().tolist() == ["BU1", "BU2", "BU3"]


def test_results_in_formats_for_maps_have_shapes(tmp_path: Path, village: tuple[Path, Path]) -> None:
    compute(tmp_path, *village, areas=outlined(tmp_path / "areas.gpkg"), suffix=".gpkg")
    out, points, assets = (gpd.read_file(tmp_path / f"{name}.gpkg") for name in ("out", "points", "assets-out"))
    assert [str(frame.crs) for frame in (out, points, assets)] == ["EPSG:28992"] * 3
    assert out.geometry[4].equals(box(9000, 0, 100))
    assert points.geometry[1].equals(shapely.Point(X + 500, Y))
    assert assets.geometry[0].equals(shapely.Point(X + 100, Y))
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as base:
        assert base.execute("SELECT typeof(group_share), typeof(covered_share) FROM out LIMIT 1").fetchone() == (
            "null", "real",
        )  # fmt: skip


def test_an_asset_that_is_an_area_is_at_no_distance_inside_and_else_at_its_edge(tmp_path: Path) -> None:
    park = gpd.GeoDataFrame({"id": [1], "kind": ["park"]}, geometry=[box(-100, -100, 350)], crs=28992)
    park.to_file(tmp_path / "a.gpkg", engine="pyogrio")
    _, points, _ = compute(tmp_path, write(tmp_path / "d.csv", DEMAND), tmp_path / "a.gpkg", {"detour": 1.0})
    assert points["near_m"].tolist() == [0, 250, 2750, 2850]


def test_one_geopackage_may_hold_all_layers(tmp_path: Path) -> None:
    whole = tmp_path / "all.gpkg"
    for name, rows in (("demand", DEMAND), ("assets", STOCK)):
        pyogrio.write_dataframe(pd.DataFrame(rows), whole, layer=name, append=whole.exists())
    out, _, _ = compute(tmp_path, whole, whole)
    assert out["residents"].tolist() == [30, 30, 5, 5]


def test_a_csv_as_a_dutch_spreadsheet_saves_it_is_read(tmp_path: Path, village: tuple[Path, Path]) -> None:
    demand = tmp_path / "nl.csv"
    rows = [
        f"{row['id']};{row['x']},0;{row['y']},0;{'7,5' if row['id'] == 1 else ''};Café {row['area']}" for row in DEMAND
    ]
    demand.write_text("id;x;y;residents;area\r\n" + "\r\n".join(rows), encoding="cp1252")
    out, _, _ = compute(tmp_path, demand, village[1])
    assert out["area"].unique().tolist() == ["Café A", "Café B"]
    assert out["residents"].tolist() == [7.5, 7.5, 0, 0]


def test_whole_numbers_beside_missing_ones_stay_whole(tmp_path: Path) -> None:
    demand = write(tmp_path / "d.parquet", pd.DataFrame(DEMAND).assign(area=[1.0, 2.0, np.nan, 2.0]))
    assert compute(tmp_path, demand, write(tmp_path / "a.csv", STOCK))[0]["area"].unique().tolist() == [1, 2]


def without(field: str) -> Callable[[list[Row]], object]:
    return lambda rows: [row.pop(field) for row in rows]


def second(field: str, value: object) -> Callable[[list[Row]], object]:
    return lambda rows: rows[1].update({field: value})


WRONG: list[tuple[str, Callable[[list[Row]], object], str]] = [
    ("demand", without("x"), "demand.csv: has no column x .*Its columns: id, y, residents, area"),
    ("demand", without("id"), "demand.csv: has no column id"),
    ("demand", without("residents"), "demand.csv: has no column residents"),
    ("demand", without("area"), "--areas"),
    ("assets", without("kind"), "assets.csv: has no column kind"),
    ("demand", second("x", None), "demand.csv: row 3, x: is missing: must be metres in RD New"),
    ("demand", second("x", "far"), "demand.csv: row 3, x: is 'far': no number"),
    ("demand", second("x", np.inf), "demand.csv: row 3, x: is 'inf': must be metres"),
    ("demand", second("y", "NaN"), "demand.csv: row 3, y: is 'NaN': must be metres"),
    ("demand", second("x", 6_800_000), "demand.csv: row 3, x: .*another coordinate system"),
    ("demand", lambda rows: rows[1].update(x=4.47, y=52.1), "demand.csv: row 3, x, y: .*looks like degrees"),
    ("assets", lambda rows: [row.update(x=4.4, y=52.1) for row in rows], "assets.csv: row 2, x, y: .*like degrees"),
    ("assets", lambda rows: [row.update(x=Y, y=X) for row in rows], "assets.csv: row 2, x, y: .*looks swapped"),
    (
        "demand",
        second("residents", -99997),
        "demand.csv: row 3, residents: is '-99997.0'.*-99997 for a number that is kept",
    ),
    ("demand", second("residents", np.inf), "demand.csv: row 3, residents: is 'inf'"),
    ("demand", second("residents", "1.234,5"), "demand.csv: row 3, residents: is '1.234,5': no number"),
    ("demand", second("radius_m", -1), "demand.csv: row 3, radius_m: is '-1.0': must be metres"),
    ("demand", second("residents_65", -1), "demand.csv: row 3, residents_65: is '-1.0'"),
    ("demand", second("id", 1), "demand.csv: row 3, id: '1' stands in row 2 too"),
    ("demand", second("id", None), "demand.csv: row 3, id: is missing"),
    ("assets", second("id", 1), "assets.csv: row 3, id: '1' stands in row 2 too"),
    ("assets", second("kind", None), "assets.csv: row 3, kind: is missing"),
    ("assets", second("kind", "volunteer"), "assets.csv: row 3, kind: is 'volunteer': volunteers are people"),
    ("assets", second("capacity", -1), "assets.csv: row 3, capacity: is '-1.0'"),
    ("assets", second("age_days", -5), "assets.csv: row 3, age_days: is '-5.0'.*day in the future"),
    ("assets", second("open_mask", 1 << 21), "assets.csv: row 3, open_mask: is '2097152'.*21 bits"),
    ("assets", second("open_mask", 0.5), "assets.csv: row 3, open_mask: is '0.5': must be a whole number"),
    ("assets", second("open_mask", -1), "assets.csv: row 3, open_mask: is '-1'"),
]


@pytest.mark.parametrize(("file", "spoil", "said"), WRONG)
def test_a_value_that_cannot_be_is_refused_by_file_row_field_value_and_likely_cause(
    tmp_path: Path, file: str, spoil: Callable[[list[Row]], object], said: str
) -> None:
    rows = {"demand": [dict(row) for row in DEMAND], "assets": [dict(row) for row in STOCK]}
    spoil(rows[file])
    demand, assets = (write(tmp_path / f"{name}.csv", rows[name]) for name in ("demand", "assets"))
    with pytest.raises(InvalidInput, match=said):
        compute(tmp_path, demand, assets)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg"])
def test_text_where_a_number_is_wanted_is_refused_in_files_that_know_the_difference(
    tmp_path: Path, suffix: str
) -> None:
    demand = write(tmp_path / f"d{suffix}", [{**row, "residents": "ten"} for row in DEMAND])
    with pytest.raises(InvalidInput, match=rf"d{suffix}: row 1, residents: is 'ten': no number"):
        compute(tmp_path, demand, write(tmp_path / "a.csv", STOCK))


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojson"])
def test_another_coordinate_system_is_refused_by_its_name(tmp_path: Path, suffix: str) -> None:
    demand = write(tmp_path / f"d{suffix}", DEMAND, 31370, shapes=True)
    with pytest.raises(InvalidInput, match=rf"d{suffix}: is in '.*Lambert 72', not in RD New metres \(EPSG:28992\)"):
        compute(tmp_path, demand, write(tmp_path / "a.csv", STOCK))


def test_a_geojson_in_degrees_is_refused_and_one_in_metres_that_says_nothing_is_read(tmp_path: Path) -> None:
    degrees = [{**row, "x": 4.47 + row["id"] / 100, "y": 52.1} for row in DEMAND]
    assets = write(tmp_path / "a.csv", STOCK)
    with pytest.raises(InvalidInput, match=r"d\.geojson: row 1, x, y: .* looks like degrees"):
        compute(tmp_path, write(tmp_path / "d.geojson", degrees, 4326, shapes=True), assets)
    plain = write(tmp_path / "m.geojson", DEMAND, shapes=True)
    told = json.loads(plain.read_text())
    del told["crs"]
    plain.write_text(json.dumps(told))
    assert compute(tmp_path, plain, assets)[0]["residents"].tolist() == [30, 30, 5, 5]


def test_areas_that_cannot_be_are_refused(tmp_path: Path, village: tuple[Path, Path]) -> None:
    wrong: dict[str, tuple[dict[str, Any], list[Any], str]] = {
        "twice.gpkg": ({"code": ["A", "A"]}, [box(0, 0, 1), box(5, 5, 1)], "row 2, code: 'A' stands in row 1 too"),
        "point.gpkg": ({"code": ["A"]}, [shapely.Point(X, Y)], "row 1, geometry: is a Point, not the outline"),
        "lost.gpkg": ({"code": ["A"]}, [None], "row 1, geometry: is missing"),
        "nameless.gpkg": ({"naam": ["A"]}, [box(0, 0, 1)], "--area-field"),
        "unnamed.gpkg": ({"code": [None]}, [box(0, 0, 1)], "row 1, code: is missing"),
        "degrees.geojson": ({"code": ["A"]}, [shapely.box(4, 52, 5, 53)], "looks like degrees"),
    }
    for name, (columns, shapes, said) in wrong.items():
        frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4326 if name.startswith("degrees") else 28992)
        frame.to_file(tmp_path / name, engine="pyogrio")
        with pytest.raises(InvalidInput, match=said):
            compute(tmp_path, *village, areas=tmp_path / name)
    table = write(tmp_path / "table.parquet", [{"code": "A"}])
    with pytest.raises(InvalidInput, match=r"table\.parquet: has no outlines"):
        compute(tmp_path, *village, areas=table)


def test_files_that_are_absent_damaged_or_of_no_known_format_are_refused(tmp_path: Path) -> None:
    good = write(tmp_path / "a.csv", STOCK)
    for name, content, said in (
        ("damaged.parquet", b"PAR1 and no more", "cannot be read as .parquet"),
        ("damaged.gpkg", b"SQLite format 3", "cannot be read as .gpkg"),
        ("damaged.geojson", b'{"type": "Fea', "cannot be read as .geojson"),
        ("short.csv", b"id,x,y,residents\n1,2\n", "cannot be read as .csv"),
        ("empty.csv", b"", "cannot be read as .csv"),
        ("demand.xls", b"x", "use .parquet"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match=said):
            compute(tmp_path, tmp_path / name, good)
    with pytest.raises(InvalidInput, match="There is no file"):
        compute(tmp_path, tmp_path / "nowhere.csv", good)


def test_where_the_results_cannot_go_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.csv"
    for out, said in (
        (tmp_path / "out.xlsx", "cannot be written as .xlsx"),
        (tmp_path / "no" / "out.csv", "no such folder"),
        (nowhere, "the name of another file"),
    ):
        with pytest.raises(InvalidInput, match=said):
            computing.compute_command(nowhere, nowhere, out)
    with pytest.raises(InvalidInput, match=r"--points-out .* the name of another file"):
        computing.compute_command(nowhere, nowhere, tmp_path / "o.csv", points_out=tmp_path / "o.csv")
    with pytest.raises(InvalidInput, match="exclude one another"):
        computing.compute_command(nowhere, nowhere, tmp_path / "o.csv", scheduler="tcp://x:1", processes=2)


def test_a_run_that_fails_half_way_leaves_earlier_results_and_nothing_else(
    tmp_path: Path, village: tuple[Path, Path]
) -> None:
    outs = tmp_path / "results"
    outs.mkdir()
    (outs / "out.csv").write_text("of yesterday")
    (outs / "points.csv").mkdir()  # nothing can take its name
    (outs / "points.csv" / "full").touch()
    with pytest.raises(Refusal):
        computing.compute_command(*village, outs / "out.csv", points_out=outs / "points.csv")
    assert (outs / "out.csv").read_text() == "of yesterday"
    assert sorted(file.name for file in outs.iterdir()) == ["out.csv", "points.csv"]


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path, village: tuple[Path, Path]) -> None:
    with (
        pytest.raises(Unavailable, match=r"out\.csv cannot be written"),
        outputs.writing([tmp_path / "out.csv"]) as [add],
    ):
        add(pa.table({"a": pa.array([[1]])}))  # a list, which no CSV can hold
    assert sorted(tmp_path.iterdir()) == sorted(village)


def test_a_geoparquet_with_points_of_its_own_kind_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(DEMAND)
    places = shapely.points(frame.pop("x"), frame.pop("y"))
    file = tmp_path / "d.parquet"
    gpd.GeoDataFrame(frame, geometry=places, crs=28992).to_parquet(
        file, geometry_encoding="geoarrow", schema_version="1.1.0"
    )
    assert pa.types.is_struct(pq.read_schema(file).field("geometry").type)
    assert compute(tmp_path, file, write(tmp_path / "a.csv", STOCK))[0]["residents"].tolist() == [30, 30, 5, 5]


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson"])
def test_people_walk_along_streets_with_the_length_that_the_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    """A street of 500 m as drawn that climbs to 600; the room stands at its end, 8 m aside, the second point is far."""
    line = shapely.LineString([(X, Y), (X + 500, Y)])
    rows = [{"id": 1, "x": X, "y": Y + 6, "residents": 1, "area": 1}, {"id": 2, "x": X, "y": Y + 400, "residents": 1}]
    demand = write(tmp_path / "d.csv", rows)
    assets = write(tmp_path / "a.csv", [{"id": 1, "kind": "room", "x": X + 500, "y": Y - 8}])
    streets = gpd.GeoDataFrame({"length": [600.0]}, geometry=[line], crs=28992)
    file = tmp_path / f"n{suffix}"
    streets.to_parquet(file) if suffix == ".parquet" else streets.to_file(file, engine="pyogrio")
    _, points, _ = compute(tmp_path, demand, assets, network=file)
    assert points["near_m"].tolist() == pytest.approx([6 + 600 + 8, 1.3 * np.hypot(500, 408)], abs=1e-5)
    assert "points with no street within 250 m: 1" in capsys.readouterr().err


def test_lines_that_cannot_be_streets_are_refused(tmp_path: Path, village: tuple[Path, Path]) -> None:
    line = shapely.LineString([(X, Y), (X + 500, Y)])
    for shape, length, said in (
        (shapely.Point(X, Y), 1.0, "row 1, geometry: is a Point, not a line"),
        (line, -1.0, "row 1, length: is '-1.0': must be metres"),
        (shapely.LineString([(4.4, 52.1), (4.5, 52.1)]), 1.0, "looks like degrees"),
    ):
        gpd.GeoDataFrame({"length": [length]}, geometry=[shape], crs=28992).to_parquet(tmp_path / "n.parquet")
        with pytest.raises(InvalidInput, match=said):
            compute(tmp_path, *village, network=tmp_path / "n.parquet")
