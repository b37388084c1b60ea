"""Straight walks beside PostGIS: the same distances, the same pairs, by other people's code."""

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import shapely
from sqlalchemy import make_url

from geo.coverage.demand import Floats
from geo.coverage.places import Places
from geo.coverage.walks import Line
from tests.benchmarks.coverage import data

TABLES = """
    CREATE TEMP TABLE home (id int PRIMARY KEY, place geometry(Point, 28992));
    CREATE TEMP TABLE asset (id int PRIMARY KEY, place geometry(Geometry, 28992));
    CREATE INDEX ON home USING gist (place);
    CREATE INDEX ON asset USING gist (place);
"""
NEAREST = """
    SELECT home.id, near.id, near.metres FROM home
    CROSS JOIN LATERAL (
        SELECT asset.id, home.place <-> asset.place AS metres FROM asset ORDER BY metres LIMIT 1
    ) AS near ORDER BY home.id
"""
WITHIN = """
    SELECT asset.id, home.id FROM asset JOIN home ON ST_DWithin(asset.place, home.place, 2000)
    ORDER BY asset.id, home.id
"""


@pytest.fixture
def postgis(cluster_url: str) -> Iterator[psycopg.Connection]:
    """Give a connection to PostGIS with two empty tables, which nobody else sees."""
    url = make_url(cluster_url)
    host, port = str(url.query["host"]), str(url.query["port"])
    with psycopg.connect(host=host, port=port, user=url.username, dbname=url.database) as connection:
        connection.execute(TABLES)
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def homes() -> Floats:
    return data.towns(5_000)[0]


@pytest.fixture(scope="module")
def assets() -> Places:
    """Give 400 assets, every fifth of which is an area."""
    xy = data.assets(400)
    areas = {j: shapely.Point(xy[j]).buffer(10.0 * j, quad_segs=3) for j in range(5, 400, 5)}
    unknown = np.full(400, np.nan)
    return Places(xy, unknown, unknown, np.full(400, -1), areas)


def load(postgis: psycopg.Connection, homes: Floats, assets: Places) -> None:
    shapes = [assets.areas.get(j, shapely.Point(assets.xy[j])) for j in range(assets.count)]
    for table, places in (("home", [shapely.Point(home) for home in homes]), ("asset", shapes)):
        rows = [(i, shapely.to_wkb(place, hex=True)) for i, place in enumerate(places)]
        with postgis.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES (%s, ST_GeomFromWKB(decode(%s, 'hex'), 28992))", rows)
        postgis.execute(f"ANALYZE {table}")


def test_the_nearest_is_as_far_as_postgis_says(postgis: psycopg.Connection, homes: Floats, assets: Places) -> None:
    load(postgis, homes, assets)
    told: Floats = np.array(postgis.execute(NEAREST).fetchall())
    near = Line(homes, 1.3).nearest(assets)
    np.testing.assert_allclose(near.metres, told[:, 2] * 1.3, rtol=1e-12, atol=1e-9)
    assert len(np.unique(near.asset)) > 200
    tied = near.asset != told[:, 1]  # PostGIS leaves open which of two equally near it gives
    assert tied.mean() < 0.05
    assert (near.metres[tied] == 0).all()


def test_who_is_within_reach_of_what_is_as_postgis_says(
    postgis: psycopg.Connection, homes: Floats, assets: Places
) -> None:
    load(postgis, homes, assets)
    told = postgis.execute(WITHIN).fetchall()
    pairs = Line(homes, 1.3).pairs(assets, 2000 * 1.3)
    asset = np.repeat(np.arange(assets.count), np.diff(pairs.start))
    assert len(told) > 2_000
    assert list(zip(asset.tolist(), pairs.point.tolist(), strict=True)) == told
