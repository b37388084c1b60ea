"""Programs of others read the service over HTTP and find what the database holds."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import geopandas
import pandas as pd
import pytest
from sqlalchemy import text

from geo import features
from geo.rights import VISITOR
from tests.integration.town import ASSETS, NEIGHBOURHOODS, Town, fill, served

_ASSETS = "FROM asset WHERE status = 'published' AND kind <> 'volunteer'"
_AREAS = "FROM neighbourhood WHERE in_force"
_COVERAGE = "FROM coverage c JOIN coverage_run r ON r.id = c.run_id WHERE r.live"
PUBLIC = {
    "assets": _ASSETS,
    "community_rooms": f"{_ASSETS} AND kind = 'community_room'",
    "initiatives": f"{_ASSETS} AND kind = 'initiative'",
    "care_locations": f"{_ASSETS} AND kind = 'care_location'",
    "activities": "FROM activity WHERE status = 'published'",
    "neighbourhoods": _AREAS,
    "buurten": f"{_AREAS} AND level = 'buurt'",
    "wijken": f"{_AREAS} AND level = 'wijk'",
    "gemeenten": f"{_AREAS} AND level = 'gemeente'",
    "drawn_neighbourhoods": f"{_AREAS} AND level = 'drawn'",
    "coverage": _COVERAGE,
    "coverage_reach": _COVERAGE,
    "coverage_distance": _COVERAGE,
    "coverage_supply": _COVERAGE,
    "coverage_gaps": _COVERAGE,
    "squares": "FROM square WHERE residents >= 5 AND year = (SELECT max(year) FROM square)",
}  # what the public may see of each collection, in plain SQL
NAMES = features.names(VISITOR)
MM = 0.001
DEGREES_M = 0.01  # what the seventh decimal of a degree is good for
TOLD = ["kind", "name", "summary", "postcode", "city", "status", "version"]


@pytest.fixture(scope="module")
def address(town: Town) -> Iterator[str]:
    """Serve the town, with a few squares and a drawn neighbourhood, so that no collection is empty."""
    fill(town)
    with served(town.app) as address:
        yield address


def number(town: Town, collection: str) -> int:
    """Count by plain SQL what the public may see of a collection."""
    with town.sessions() as session:
        counted: int = session.scalar(text(f"SELECT count(*) {PUBLIC[collection]}")) or 0
        return counted


def stored_assets(town: Town, metres: int) -> geopandas.GeoDataFrame:
    """Read by plain SQL what the public may see of the assets, in a system, by id."""
    place = f"ST_Transform(coalesce(place, area), {metres}) AS geometry"
    statement = f"SELECT id::text, {', '.join(TOLD)}, {place} {_ASSETS}"
    return geopandas.read_postgis(statement, town.engine, geom_col="geometry", index_col="id").sort_index()


def assert_same(read: geopandas.GeoDataFrame, stored: geopandas.GeoDataFrame, within: float) -> None:
    """Compare what came by a file with the database: which, what is told of each, and where, in the file's units."""
    read = read.set_index("id").sort_index()
    assert list(read.index) == list(stored.index)
    pd.testing.assert_frame_equal(
        pd.DataFrame(read[TOLD]), pd.DataFrame(stored[TOLD]), check_dtype=False, check_index_type=False
    )
    ours, theirs = (geopandas.GeoSeries(frame.geometry.dropna()) for frame in (read, stored))
    assert list(ours.index) == list(theirs.index) != []
    assert ours.hausdorff_distance(theirs).max() <= within


def ogrinfo(*arguments: str) -> str:
    done = subprocess.run(["ogrinfo", "-ro", *arguments], capture_output=True, text=True, timeout=120, check=True)
    assert "ERROR" not in done.stderr
    return done.stdout


def ogr2ogr(*arguments: str) -> None:
    done = subprocess.run(["ogr2ogr", *arguments], capture_output=True, text=True, timeout=120, check=True)
    assert "ERROR" not in done.stderr


def test_every_collection_of_a_visitor_is_counted_by_plain_sql_and_is_not_empty(town: Town, address: str) -> None:
    assert sorted(PUBLIC) == sorted(NAMES)
    assert [name for name in NAMES if not number(town, name)] == []


def test_gdal_finds_every_collection_and_counts_it_right(town: Town, address: str) -> None:
    said = ogrinfo("-so", "-al", "-oo", "PAGE_SIZE=1000", f"OAPIF:{address}/v1")
    names, counts = (
        re.findall(r"^Layer name: (.*)$", said, re.MULTILINE),
        re.findall(r"^Feature Count: (\d+)$", said, re.MULTILINE),
    )
    assert dict(zip(names, map(int, counts), strict=True)) == {name: number(town, name) for name in NAMES}


@pytest.mark.parametrize("collection", NAMES)
def test_gdal_reads_every_feature_through_the_pages(town: Town, address: str, collection: str) -> None:
    said = ogrinfo("-al", "-geom=NO", "-oo", "PAGE_SIZE=20", f"OAPIF:{address}/v1/collections/{collection}")
    identifiers = re.findall(r"^  id \(String\) = (.*)$|^OGRFeature\(\w+\):(\d+)$", said, re.MULTILINE)
    assert len({said for said, _ in identifiers if said} or {fid for _, fid in identifiers}) == number(town, collection)


def test_ogr2ogr_takes_every_collection_into_a_geopackage_in_rd(town: Town, address: str, tmp_path: Path) -> None:
    ogr2ogr("-t_srs", "EPSG:28992", "-oo", "PAGE_SIZE=1000", str(tmp_path / "all.gpkg"), f"OAPIF:{address}/v1")
    for name in NAMES:
        assert len(geopandas.read_file(tmp_path / "all.gpkg", layer=name)) == number(town, name), name


def test_assets_that_ogr2ogr_took_in_degrees_are_where_the_database_has_them(
    town: Town, address: str, tmp_path: Path
) -> None:
    there, back = tmp_path / "there.gpkg", tmp_path / "back.gpkg"
    ogr2ogr("-t_srs", "EPSG:28992", "-oo", "PAGE_SIZE=10", str(there), f"OAPIF:{address}/v1", "assets")
    ogr2ogr("-t_srs", "EPSG:4326", str(back), str(there))
    assert_same(geopandas.read_file(there), stored_assets(town, 28992), DEGREES_M)
    assert_same(geopandas.read_file(back).to_crs(28992), stored_assets(town, 28992), DEGREES_M)


def test_assets_asked_for_in_rd_are_within_a_millimetre_there_and_back(
    town: Town, address: str, tmp_path: Path
) -> None:
    there, back = tmp_path / "there.gpkg", tmp_path / "back.gpkg"
    asked = f"{address}{ASSETS}?limit=1000&crs=http://www.opengis.net/def/crs/EPSG/0/28992"
    ogr2ogr("-a_srs", "EPSG:28992", "-nln", "assets", str(there), asked)
    ogr2ogr("-t_srs", "EPSG:4326", str(back), str(there))
    assert_same(geopandas.read_file(there), stored_assets(town, 28992), MM)
    assert_same(geopandas.read_file(back).to_crs(28992), stored_assets(town, 28992), MM)


def test_gdal_asks_for_a_box_and_gets_what_lies_in_it(town: Town, address: str) -> None:
    said = ogrinfo("-so", "-al", "-spat", "4.47", "52.17", "4.48", "52.19", f"OAPIF:{address}/v1/collections/assets")
    asked = town.get(ASSETS, bbox="4.47,52.17,4.48,52.19").json()
    assert f"Feature Count: {asked['numberMatched']}" in said
    assert 0 < asked["numberMatched"] < number(town, "assets")


def test_gdal_asks_by_properties_and_gets_what_has_them(town: Town, address: str) -> None:
    for asked in ("kind = 'care_location'", "name LIKE '%e%'", "version = 1 AND kind <> 'initiative'"):
        said = ogrinfo("-so", "-al", "-where", asked, f"OAPIF:{address}/v1/collections/assets")
        with town.sessions() as session:
            counted = session.scalar(text(f"SELECT count(*) {_ASSETS} AND {asked.replace('LIKE', 'ILIKE')}"))
        assert f"Feature Count: {counted}" in said, asked
        assert counted


def test_geopandas_reads_the_same_neighbourhoods_as_the_database_holds(town: Town, address: str) -> None:
    served_frame = (
        geopandas.read_file(f"{address}{NEIGHBOURHOODS}?limit=1000&level=buurt").set_index("code").sort_index()
    )
    statement = "SELECT code, name, year, residents, geom FROM neighbourhood WHERE level = 'buurt' ORDER BY code"
    stored = geopandas.read_postgis(statement, town.engine, geom_col="geom", index_col="code")
    assert served_frame.crs == "EPSG:4326"
    same = ["name", "year", "residents"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(served_frame[same]), pd.DataFrame(stored[same]), check_dtype=False, check_index_type=False
    )
    apart = served_frame.geometry.to_crs(28992).hausdorff_distance(stored.geometry.to_crs(28992))
    assert apart.max() < 0.02  # metres: seven decimals of a degree


def test_geopandas_reads_the_same_places_as_the_database_holds(town: Town, address: str) -> None:
    served_frame = geopandas.read_file(f"{address}{ASSETS}?limit=1000")
    statement = f"SELECT name, coalesce(place, area) AS geom {_ASSETS}"
    stored = geopandas.read_postgis(statement, town.engine, geom_col="geom")
    assert sorted(served_frame["name"]) == sorted(stored["name"])
    assert served_frame.geometry.isna().sum() == stored.geometry.isna().sum() > 0
    placed = served_frame.dropna(subset="geometry").sort_values("name", ignore_index=True)
    kept = stored.dropna(subset="geom").sort_values("name", ignore_index=True)
    assert placed.to_crs(28992).geometry.hausdorff_distance(kept.to_crs(28992).geometry).max() < 0.02


def test_geopandas_reads_metres_as_metres(address: str) -> None:
    in_rd = geopandas.read_file(f"{address}{NEIGHBOURHOODS}?limit=1000&level=buurt&crs=EPSG:28992")
    in_degrees = geopandas.read_file(f"{address}{NEIGHBOURHOODS}?limit=1000&level=buurt")
    assert in_rd.crs == "EPSG:28992"
    assert in_rd.geometry.hausdorff_distance(in_degrees.to_crs(28992).geometry).max() < 0.3
