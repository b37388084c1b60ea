"""No tile over the whole country is larger than 500 kB: 200,000 assets, and all buurten, wijken and gemeenten."""

import random
from collections.abc import Callable, Iterator

import geopandas
import mapbox_vector_tile
import psycopg
import pytest
import shapely
from sqlalchemy import Engine, make_url, text
from sqlalchemy.orm import Session

from geo import db, neighbourhoods
from geo.neighbourhoods import Area, Origin
from geo.settings import CHECKOUT
from geo.tiles import content
from geo.tiles.matrix import Tile, limits
from geo.vocabulary import Level

FILE = CHECKOUT.parent / "shared" / "data" / "nl" / "buurten_2024_approx.gpkg"
LARGEST = 500_000
ASSETS = 200_000
WHOLE = 8  # up to this zoom every tile is asked for, from there on those where most lies, and some at random
COLLECTIONS = ("assets", "neighbourhoods", "buurten", "wijken", "gemeenten")
# Where people live, so that cities are as crowded as they are.
CROWD = """
CREATE TEMP TABLE home AS SELECT id, geom, sum(coalesce(residents, 0)) OVER (ORDER BY id)::float8 AS upto
  FROM neighbourhood WHERE level = 'buurt';
CREATE INDEX ON home (upto);
ANALYZE home;
SELECT setseed(0.5);
INSERT INTO asset (id, kind, name, services, source, source_id, neighbourhood_id, place)
SELECT gen_random_uuid(), (ARRAY['community_room', 'initiative', 'care_location'])[1 + n %% 3], 'Buurtplek ' || n,
  ARRAY['meals', 'meeting'], 'test', n::text, id,
  ST_SetSRID(ST_MakePoint(ST_X(ST_PointOnSurface(geom)) + (random() - 0.5) * 0.005,
    ST_Y(ST_PointOnSurface(geom)) + (random() - 0.5) * 0.003), 4326)
FROM (SELECT n, random() * (SELECT max(upto) FROM home) AS draw FROM generate_series(1, %(number)s) n) d,
  LATERAL (SELECT id, geom FROM home WHERE upto >= draw ORDER BY upto LIMIT 1) h
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the outlines of the whole country are not here"),
]


@pytest.fixture(scope="module")
def country(new_database: Callable[[], str]) -> Iterator[Engine]:
    """Give a database with the whole country; what its triggers would write for each asset is left out."""
    url = new_database()
    engine = db.engine(url)
    with db.sessions(engine)() as session:
        session.execute(text("SET statement_timeout = 0"))
        load(session)
        session.commit()
    place = make_url(url)
    host, port = str(place.query["host"]), str(place.query["port"])
    with psycopg.connect(host=host, port=port, user="postgres", dbname=place.database, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in CROWD.split(";\n"):
            superuser.execute(statement, {"number": ASSETS} if "%(number)s" in statement else None)
        superuser.execute("VACUUM ANALYZE")
    yield engine
    engine.dispose()


def load(session: Session) -> None:
    frame = geopandas.read_file(FILE, columns=["code", "naam", "gm_naam", "inwoners"]).drop_duplicates("code")
    sound = shapely.make_valid(frame.geometry.to_numpy(), method="structure", keep_collapsed=False)
    areas = [
        Area(code, name or code, Level.buurt, outline, {"residents": int(people) if people > 0 else None})
        for code, name, people, outline in zip(frame.code, frame.naam, frame.inwoners, sound, strict=True)
        if outline.geom_type in ("Polygon", "MultiPolygon") and not outline.is_empty
    ]
    origin = Origin(2024, "test", None, schematic=True)
    within: dict[tuple[Level, str], list[Area]] = {}
    for area in areas:
        within.setdefault((Level.gemeente, f"GM{area.code[2:6]}"), []).append(area)
        within.setdefault((Level.wijk, f"WK{area.code[2:8]}"), []).append(area)
    for level in (Level.gemeente, Level.wijk):
        wholes = [neighbourhoods.union(parts, code, code, of) for (of, code), parts in within.items() if of == level]
        parents = {area.code: f"GM{area.code[2:6]}" for area in wholes} if level == Level.wijk else {}
        neighbourhoods.load(session, wholes, origin, parents)
    neighbourhoods.load(session, areas, origin, {area.code: f"WK{area.code[2:8]}" for area in areas})


def crowded(engine: Engine, zoom: int, number: int) -> set[Tile]:
    """Find by plain SQL the tiles in which most assets lie."""
    statement = f"""SELECT floor((1 - asinh(tan(radians(ST_Y(place)))) / pi()) / 2 * {2**zoom})::int AS r,
        floor((ST_X(place) + 180) / 360 * {2**zoom})::int AS c
        FROM asset GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT :n"""
    with engine.connect() as connection:
        return {Tile(zoom, row, col) for row, col in connection.execute(text(statement), {"n": number})}


def tiles(engine: Engine, zoom: int) -> set[Tile]:
    there = limits(zoom)
    rows, cols = range(there.min_row, there.max_row + 1), range(there.min_col, there.max_col + 1)
    if zoom <= WHOLE:
        return {Tile(zoom, row, col) for row in rows for col in cols}
    chance = random.Random(zoom)
    return crowded(engine, zoom, 30) | {Tile(zoom, chance.choice(rows), chance.choice(cols)) for _ in range(30)}


@pytest.mark.parametrize("zoom", range(17))
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_no_tile_over_the_whole_country_is_larger_than_500_kb(country: Engine, collection: str, zoom: int) -> None:
    with Session(country) as session:
        sizes = {tile: len(content.read(session, collection, tile)) for tile in tiles(country, zoom)}
    print(collection, zoom, len(sizes), max(sizes.values()))
    assert max(sizes.values()) <= LARGEST
    assert max(sizes.values()) > 0 or (zoom < 5 and collection != "assets")


@pytest.mark.parametrize("zoom", [4, 8])
def test_the_clusters_of_a_zoom_count_every_asset_of_the_country_once(country: Engine, zoom: int) -> None:
    number = 0
    with Session(country) as session:
        for tile in tiles(country, zoom):
            told = mapbox_vector_tile.decode(content.read(session, "assets", tile))
            features = told["assets"]["features"] if told else []
            edge = [f for f in features if "count" not in f["properties"]]  # a tile with few: those in its buffer too
            within = [f for f in edge if all(0 <= at < 4096 for at in f["geometry"]["coordinates"])]
            number += sum(f["properties"].get("count", 0) for f in features) + len(within)
    assert number == pytest.approx(ASSETS, rel=0.0001)  # what is rounded at an edge may be in two tiles, or in none


@pytest.mark.parametrize("zoom", [14, 15, 16])
def test_at_deep_zooms_each_asset_of_the_most_crowded_places_is_there(country: Engine, zoom: int) -> None:
    with Session(country) as session:
        for tile in crowded(country, zoom, 20):
            told = mapbox_vector_tile.decode(content.read(session, "assets", tile))["assets"]["features"]
            statement = f"""SELECT id::text FROM asset WHERE ST_Intersects(place,
                ST_Transform(ST_TileEnvelope({tile.zoom}, {tile.col}, {tile.row}), 4326))"""
            assert set(session.scalars(text(statement))) <= {item["properties"]["id"] for item in told}
