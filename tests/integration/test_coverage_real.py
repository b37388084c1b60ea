"""Coverage of real neighbourhoods beside what CBS says of them: Amsterdam schools, squares of Schiedam, Vlaardingen."""

import geopandas as gpd
import numpy as np
import pytest

from geo.coverage import demand, gaps, measures, places, residents, zones
from geo.coverage.demand import SQUARE_RADIUS_M, Floats
from geo.coverage.gaps import Figures
from geo.coverage.policy import Policy
from geo.coverage.residents import Buurt, Source
from geo.coverage.walks import Line
from geo.settings import CHECKOUT

DATA = CHECKOUT.parent / "shared" / "data"
AMSTERDAM = DATA / "amsterdam"
SCHIEDAM = DATA / "schiedam"
SUPPRESSED = -99990  # CBS's codes for what is not given lie below it


def test_the_mean_walk_to_a_primary_school_goes_with_the_official_distance() -> None:
    """CBS goes by car roads from each address; this goes straight × 1.3 from residents spread over the buurt."""
    if not AMSTERDAM.is_dir():
        pytest.skip(f"there are no real data in {AMSTERDAM}")
    buurten = gpd.read_file(AMSTERDAM / "buurten_amsterdam_rd_kwb2024.gpkg")
    services = gpd.read_file(AMSTERDAM / "social_services.geojson").to_crs(28992)
    schools = services[services["Soort"] == "BO school"].geometry
    people, area = demand.spread(list(buurten.geometry), list(buurten["inwoners"].clip(lower=0).fillna(0)))
    held = zones.of_pairs(np.arange(people.count), area, len(buurten))
    ours = figures(people, held, places.at(np.stack([schools.x, schools.y], axis=1)))
    official = buurten["afstandSchool"].to_numpy(float) * 1000
    both = (official > 0) & (ours.residents >= 100)
    assert both.sum() > 400
    apart = ours.mean_m[both] / official[both]
    assert np.corrcoef(ours.mean_m[both], official[both])[0, 1] > 0.7
    assert 0.55 < np.median(apart) < 1  # by car it is farther: one-way streets, no footpaths


def figures(people: demand.Demand, held: zones.Zones, schools: places.Places) -> Figures:
    policy = Policy()
    reached, _ = measures.reach(Line(people.xy, policy.detour), schools, people, policy)
    return gaps.figures(held, people, reached, policy)


def known(values: Floats) -> Floats:
    return np.where(values <= SUPPRESSED, np.nan, values)


def test_the_interval_of_the_lattice_holds_what_the_squares_of_the_same_buurten_say() -> None:
    """The lattice knows only the buurt of people; the squares know where in it they live. Rooms lie at random."""
    if not SCHIEDAM.is_dir():
        pytest.skip(f"there are no real data in {SCHIEDAM}")
    buurten = gpd.read_file(SCHIEDAM / "buurten_schiedam_vlaardingen_2024.gpkg")
    squares = gpd.read_file(SCHIEDAM / "vierkanten_100m_2024.gpkg")
    xy = np.stack([squares.geometry.x, squares.geometry.y], axis=1)
    told = known(squares["aantal_inwoners"].to_numpy(float))
    older = known(squares["aantal_inwoners_65_jaar_en_ouder"].to_numpy(float))
    counts = known(buurten["aantal_inwoners"].to_numpy(float))
    land = [
        Buurt(shape, None if np.isnan(number) else float(number))
        for shape, number in zip(buurten.geometry, counts, strict=True)
    ]
    source = Source("squares", SQUARE_RADIUS_M, xy, told, np.full(len(xy), 2024), {"residents_65": older})
    fine, coarse = residents.settle(land, [source]), residents.settle(land, [])
    chance = np.random.default_rng(20)
    rooms = places.at(xy[chance.choice(len(xy), 25, replace=False)] + chance.uniform(-50, 50, (25, 2)))
    by_square, by_lattice = (
        figures(each.demand, zones.of_pairs(np.arange(each.demand.count), each.buurt, len(land)), rooms)
        for each in (fine, coarse)
    )
    assert fine.demand.residents[fine.demand.radius_m == SQUARE_RADIUS_M].sum() == 157_645
    both = (by_square.residents > 0) & (by_lattice.residents > 0)
    assert both.sum() > 90
    assert (by_lattice.covered_lo <= by_square.covered_hi + 1e-9)[both].all()
    assert (by_lattice.covered_hi >= by_square.covered_lo - 1e-9)[both].all()
    widths = [float(np.mean((each.covered_hi - each.covered_lo)[both])) for each in (by_square, by_lattice)]
    assert widths[0] < 0.3 < widths[1]
