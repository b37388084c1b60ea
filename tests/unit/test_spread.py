"""Regions with a halo give what one machine gives: counts and distances to the last bit, sums to 1e-9."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.coverage import files, network, partitions, regions, zones
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.files import Result, Subject
from geo.coverage.network import Network
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.spread import Ground, How, plan, spread, work
from geo.coverage.streets import Streets
from geo.coverage.walks import Line
from geo.errors import Unavailable

CORNER = np.array([90_000.0, 460_000.0])
EXACT = ("near_m", "nearest", "count")


def town(seed: int, points: int = 300, assets: int = 40, side_m: float = 6000) -> tuple[Ground, list[Subject]]:
    """Make points in areas that lie through one another, some in none; and rooms, parks, and a kind that is rare."""
    chance = np.random.default_rng(seed)
    xy = CORNER + chance.uniform(0, side_m, (points, 2))
    blocks = np.floor((xy - CORNER) / 900).astype(np.int64)
    area = np.where(chance.random(points) < 0.9, blocks[:, 0] * 7 + blocks[:, 1], -1)
    strays = chance.random(points) < 0.03  # people of a neighbourhood who live far from the rest of it
    area[strays] = chance.integers(0, 49, strays.sum())
    demand = Demand(
        xy, chance.integers(0, 9, points) / 2, np.zeros(points), np.zeros(points, dtype=bool),
        {"residents_65": chance.uniform(0, 1, points)},
    )  # fmt: skip
    norms = (500.0, 800.0, 1200.0)
    sizes = (assets, assets // 4, 2)
    index = np.split(chance.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
    subjects = []
    for kind, norm_m, asset in zip(("room", "park", "rare"), norms, index, strict=True):
        spots = CORNER + chance.uniform(-500, side_m + 500, (len(asset), 2))
        parks = [shapely.box(*spot, *(spot + chance.uniform(10, 2500, 2))) for spot in spots] if kind == "park" else []
        places = Places(
            spots if not parks else spots + 5, chance.integers(0, 30, len(asset)).astype(float),
            chance.uniform(0, 900, len(asset)), chance.integers(0, 1 << 21, len(asset)), dict(enumerate(parks)),
        )  # fmt: skip
        subjects.append(Subject(kind, Policy(norm_m=norm_m, supply_norm=0.1), np.sort(asset), places))
    return Ground(demand, area, 60, None), subjects


def streets(seed: int, side_m: float = 6000) -> Network:
    """Make blocks of 400 m with nearly half of the streets gone, so that there are long ways round and islands."""
    chance = np.random.default_rng(seed)
    ticks = np.arange(0, side_m + 1, 400)
    spots = {(x, y): np.add(CORNER, (x, y)) + chance.uniform(-60, 60, 2) for x, y in itertools.product(ticks, ticks)}
    lines = [
        shapely.LineString([spots[x, y], spots[other]])
        for x, y in spots
        for other in ((x + 400, y), (x, y + 400))
        if other in spots and chance.random() < 0.56
    ]
    return network.of_lines(lines).network


def alone(ground: Ground, subjects: Sequence[Subject]) -> list[Result]:
    within = zones.of_pairs(np.arange(ground.demand.count), ground.area, ground.areas)
    xy, on = ground.demand.xy, ground.network
    walks = files.by_detour(lambda detour: Line(xy, detour) if on is None else Streets(on, xy, detour))
    return [files.compute(ground.demand, within, subject, walks(subject.policy)) for subject in subjects]


def together(folder: Path, ground: Ground, subjects: Sequence[Subject], most: int) -> list[Result]:
    folder.mkdir(exist_ok=True)
    return list(spread(folder, ground, subjects, How(lambda tasks: map(work, tasks), most, points=True)))


def assert_equal(one: Result, other: Result) -> None:
    for name, values in other.points._asdict().items() if other.points else ():
        whole: Floats | Ints = getattr(one.points, name)
        if name in EXACT:
            np.testing.assert_array_equal(values, whole, err_msg=name)
        else:
            np.testing.assert_allclose(values, whole, rtol=1e-9, atol=1e-12, err_msg=name)
    for theirs, ours in ((one.figures, other.figures), (one.loads, other.loads)):
        for name, values in ours._asdict().items():
            np.testing.assert_allclose(values, getattr(theirs, name), rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(other.group_share, one.group_share, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most", [5, 40, 10_000])
def test_regions_with_a_halo_give_what_one_machine_gives(tmp_path: Path, seed: int, most: int) -> None:
    ground, subjects = town(seed)
    for one, other in zip(alone(ground, subjects), together(tmp_path, ground, subjects, most), strict=True):
        assert other.points is not None
        assert_equal(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_on_a_network_regions_give_what_one_machine_gives(tmp_path: Path, seed: int) -> None:
    ground, subjects = town(seed)
    ground = ground._replace(network=streets(seed))
    found = alone(ground, subjects)
    assert any(np.isinf(each.points.near_m).any() for each in found if each.points), "nobody on an island: too easy"
    for one, other in zip(found, together(tmp_path, ground, subjects, 40), strict=True):
        assert_equal(one, other)


@given(
    st.integers(0, 1 << 30), st.integers(1, 60), st.integers(4, 12), st.sampled_from(("quadratic", "gaussian", "step")),
    st.floats(50, 3000),
)  # fmt: skip
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_town_in_any_regions_gives_what_one_machine_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, most: int, assets: int, decay: str, norm_m: float
) -> None:
    ground, subjects = town(seed, points=60, assets=assets)
    subjects = [each._replace(policy=each.policy._replace(decay=decay, norm_m=norm_m)) for each in subjects]
    folder = tmp_path_factory.mktemp("parts")
    for one, other in zip(alone(ground, subjects), together(folder, ground, subjects, most), strict=True):
        assert_equal(one, other)


def test_an_asset_far_from_everybody_and_an_area_without_people_are_told_of(tmp_path: Path) -> None:
    ground, [rooms, *_] = town(1)
    spots = rooms.places.xy.copy()
    spots[3] = CORNER + 90_000
    far = rooms._replace(
        places=Places(spots, *[getattr(rooms.places, name) for name in ("capacity", "age_days", "open_mask")])
    )
    [found] = together(tmp_path, ground, [far], 30)
    assert (found.loads.load[3], found.loads.lost[3], found.loads.gain[3]) == (0, 0, 0)
    assert np.isnan(found.loads.crowding[3])
    assert found.figures.residents[59] == 0
    assert np.isnan(found.figures.covered_share[59])


def test_no_area_is_cut_and_regions_are_about_equal() -> None:
    chance = np.random.default_rng(0)
    xy = CORNER + chance.uniform(0, 50_000, (20_000, 2))
    area = (np.floor((xy - CORNER) / 1000) @ [50, 1]).astype(np.int64)
    area[chance.random(len(xy)) < 0.1] = -1
    region = regions.divide(xy, area, 1000)
    for each in np.unique(area[area >= 0]):
        assert len(np.unique(region[area == each])) == 1
    sizes = np.bincount(region)
    assert sizes.max() <= 1000
    assert sizes.min() >= 300


def test_nobody_lives_in_no_region() -> None:
    assert len(regions.divide(np.empty((0, 2)), np.empty(0, dtype=np.int64), 10)) == 0
    assert regions.boxes(np.empty((0, 2)), np.empty(0, dtype=np.int64)).shape == (0, 4)


def test_the_parts_are_geoparquet_that_other_programs_open(tmp_path: Path) -> None:
    ground, subjects = town(2)
    ground = ground._replace(network=streets(2))
    together(tmp_path, ground, subjects, 40)
    for name, kind in (
        (partitions.demand_file(0), "Point"), ("assets-0001.parquet", "Polygon"), ("network.parquet", "LineString"),
    ):  # fmt: skip
        frame = gpd.read_parquet(tmp_path / name)
        assert frame.crs == "EPSG:28992"
        assert set(frame.geom_type) == {kind}


def test_parts_that_a_worker_does_not_see_are_told(tmp_path: Path) -> None:
    ground, subjects = town(3)
    together(tmp_path, ground, subjects, 40)
    [task, *_] = plan(tmp_path, ground, subjects, most=40, points=False)
    with pytest.raises(Unavailable, match="does not see"):
        work(task._replace(folder=tmp_path / "elsewhere"))
