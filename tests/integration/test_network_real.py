"""Real streets: the walking network of Osdorp with its own lengths, and southern Delft out of OpenStreetMap."""

from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.coverage import network, places
from geo.coverage.demand import Floats, Ints
from geo.coverage.network import Network
from geo.coverage.streets import Streets
from geo.imports import network as file
from geo.neighbourhoods import to_rd
from geo.settings import CHECKOUT

SHARED = CHECKOUT.parent / "shared" / "data"
OSDORP = SHARED / "amsterdam" / "osdpm_map.gpkg"
DELFT = SHARED / "delft" / "dsol-demo_tudelft.osm.pbf"


class Case(NamedTuple):
    """A network, the people along it, and the assets among them."""

    made: Network
    people: Floats
    assets: Floats


@pytest.fixture(scope="module", params=["osdorp", "delft"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "osdorp":
        return osdorp()
    return delft()


def here(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the real data are not here: {path.name}")
    return path


def osdorp() -> Case:
    """Give people all over the network, each within 60 m of it."""
    made = file.read(here(OSDORP))
    west, south, east, north = shapely.total_bounds(made.drawn()).tolist()
    xy = np.random.default_rng(1).uniform((west, south), (east, north), (6000, 2))
    near, _ = shapely.STRtree(made.drawn()).query(shapely.points(xy), predicate="dwithin", distance=60)
    people = xy[np.unique(near)]
    return Case(made, people[300:], people[:300])


def delft() -> Case:
    """Give the addresses of the extract."""
    made = file.read(here(DELFT))
    nodes = osmium.FileProcessor(str(DELFT), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter("addr:housenumber"))
    spots = shapely.LineString([(node.lon, node.lat) for node in nodes if isinstance(node, osmium.osm.Node)])
    people: Floats = np.random.default_rng(1).permutation(shapely.get_coordinates(to_rd(spots)))
    return Case(made, people[300:], people[:300])


def metres_between(case: Case, limit_m: float = 1e6) -> Floats:
    """Give walks from all assets to all people, shape (assets, people), inf where there is none."""
    pairs = Streets(case.made, case.people, 1.3).pairs(places.at(case.assets), limit_m)
    walked = np.full((len(case.assets), len(case.people)), np.inf)
    walked[np.repeat(np.arange(len(case.assets)), np.diff(pairs.start)), pairs.point] = pairs.metres
    return walked


def straight_between(case: Case) -> Floats:
    away: Floats = np.hypot(*(case.assets[:, None] - case.people[None]).transpose(2, 0, 1))
    return away


def test_the_largest_part_holds_nearly_all_of_osdorp_and_most_of_delft() -> None:
    for made, share, islands in ((osdorp().made, 0.98, 80), (delft().made, 0.7, 80)):
        found = network.parts(made)
        assert found.metres.sum() == pytest.approx(made.metres.sum())
        assert found.metres[0] / found.metres.sum() > share
        assert 1 < len(found.metres) < islands


def test_nearly_everybody_has_a_street_near_in_the_largest_part(case: Case) -> None:
    walks = Streets(case.made, case.people, 1.3)
    assert not walks.fallback().any()
    assert np.isfinite(walks.nearest(places.at(case.assets)).metres).mean() > 0.98


def test_walks_are_as_long_in_both_directions(case: Case) -> None:
    some = case._replace(people=case.people[:300])
    back = some._replace(people=some.assets, assets=some.people)
    assert np.array_equal(metres_between(some), metres_between(back).T)


def test_no_walk_is_shorter_than_the_crow_flies_and_most_are_not_much_longer(case: Case) -> None:
    walked, straight = metres_between(case), straight_between(case)
    assert (walked >= straight - 2e-6).all()
    far = np.isfinite(walked) & (straight > 200) & (straight < 1000)
    detour = walked[far] / straight[far]
    assert 1.2 < np.median(detour) < 1.6
    assert 1.2 < detour.mean() < 1.7


def test_walks_are_those_of_scipy_on_the_nodes_of_the_real_network(case: Case) -> None:
    made = case.made
    chosen = np.random.default_rng(2).integers(0, made.nodes, 40)
    u, v = np.sort(made.ends, axis=1).T
    order = np.lexsort((made.metres, v, u))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(u[order]) != 0) | (np.diff(v[order]) != 0)
    kept: Ints = order[first & (u[order] != v[order])]
    graph = coo_array((made.metres[kept], (u[kept], v[kept])), shape=(made.nodes, made.nodes)).tocsr()
    wanted = dijkstra(graph, directed=False, indices=chosen)
    found = metres_between(Case(made, made.xy, made.xy[chosen]))
    assert found == pytest.approx(wanted, abs=1e-3)


def test_the_lengths_that_osdorp_tells_are_walked_and_none_is_shorter_than_its_line() -> None:
    told = gpd.read_file(here(OSDORP), columns=["length"])
    made = file.read(OSDORP)
    assert (made.metres >= shapely.length(made.drawn()) - 1e-9).all()
    long = told.length.clip(lower=told["length"].fillna(0)).where(told.length > 0, 0)
    assert made.metres.sum() == pytest.approx(float(long.sum()), rel=2e-3)


def test_the_squares_of_delft_are_walked_and_its_motorways_are_not() -> None:
    made, lines = file.read(here(DELFT)), delft().made.drawn()
    motorway = (
        osmium.FileProcessor(str(DELFT)).with_locations().with_filter(osmium.filter.TagFilter(("highway", "motorway")))
    )
    driven = [
        shapely.LineString([(n.lon, n.lat) for n in way.nodes]) for way in motorway if isinstance(way, osmium.osm.Way)
    ]
    assert driven
    tree = shapely.STRtree(lines)
    assert made.edges == len(lines)
    for road in driven:
        drawn = to_rd(road)
        assert not any(lines[at].equals_exact(drawn, 0.01) for at in tree.query(drawn))
