"""Programs of others read the service over HTTP and find what the database holds."""

import re
import subprocess
from collections.abc import Iterator

import geopandas
import pandas as pd
import pytest
from sqlalchemy import text

from tests.integration.town import ASSETS, NEIGHBOURHOODS, Town, served

COUNTS = {
    "assets": "SELECT count(*) FROM asset WHERE kind <> 'volunteer' AND status = 'published'",
    "activities": "SELECT count(*) FROM activity WHERE status = 'published'",
    "neighbourhoods": "SELECT count(*) FROM neighbourhood",
    "coverage": "SELECT count(*) FROM coverage c JOIN coverage_run r ON r.id = c.run_id WHERE r.live",
}


@pytest.fixture(scope="module")
def address(town: Town) -> Iterator[str]:
    with served(town.app) as address:
        yield address


def number(town: Town, collection: str) -> int:
    """Count by plain SQL what the public may see of a collection."""
    with town.sessions() as session:
        counted: int = session.scalar(text(COUNTS[collection])) or 0
        return counted


def ogrinfo(*arguments: str) -> str:
    done = subprocess.run(["ogrinfo", "-ro", *arguments], capture_output=True, text=True, timeout=120, check=True)
    assert "ERROR" not in done.stderr
    return done.stdout


def test_gdal_finds_every_collection_and_counts_it_right(town: Town, address: str) -> None:
    said = ogrinfo("-so", "-al", f"OAPIF:{address}/v1")
    names, counts = (
        re.findall(r"^Layer name: (.*)$", said, re.MULTILINE),
        re.findall(r"^Feature Count: (\d+)$", said, re.MULTILINE),
    )
    assert dict(zip(names, map(int, counts), strict=True)) == {name: number(town, name) for name in COUNTS}


@pytest.mark.parametrize("collection", COUNTS)
def test_gdal_reads_every_feature_through_the_pages(town: Town, address: str, collection: str) -> None:
    said = ogrinfo("-al", "-geom=NO", "-oo", "PAGE_SIZE=500", f"OAPIF:{address}/v1/collections/{collection}")
    identifiers = re.findall(r"^  id \(String\) = (.*)$|^OGRFeature\(\w+\):(\d+)$", said, re.MULTILINE)
    assert len({said for said, _ in identifiers if said} or {fid for _, fid in identifiers}) == number(town, collection)


def test_gdal_asks_for_a_box_and_gets_what_lies_in_it(town: Town, address: str) -> None:
    said = ogrinfo("-so", "-al", "-spat", "4.47", "52.17", "4.48", "52.19", f"OAPIF:{address}/v1/collections/assets")
    asked = town.get(ASSETS, bbox="4.47,52.17,4.48,52.19").json()
    assert f"Feature Count: {asked['numberMatched']}" in said
    assert 0 < asked["numberMatched"] < number(town, "assets")


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
    statement = f"SELECT name, coalesce(place, area) AS geom FROM asset {COUNTS['assets'].partition('asset ')[2]}"
    stored = geopandas.read_postgis(statement, town.engine, geom_col="geom")
    assert sorted(served_frame["name"]) == sorted(stored["name"])
    assert served_frame.geometry.isna().sum() == stored.geometry.isna().sum() > 0
    placed = served_frame.dropna(subset="geometry").sort_values("name", ignore_index=True)
    kept = stored.dropna(subset="geom").sort_values("name", ignore_index=True)
    assert placed.to_crs(28992).geometry.hausdorff_distance(kept.to_crs(28992).geometry).max() < 0.02
