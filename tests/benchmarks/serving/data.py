"""The data that are served: areas all over a nation and assets in its towns, made from a seed, in our own tables.

The peers read copies in a schema of their own, `peer`: with a property for each that our public answer has, no joins
to make, a primary key, and indexes on what is asked.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import make_url

from geo import db, vocabulary
from geo.base import WGS84
from geo.neighbourhoods import to_wgs84
from geo.rights import VISITOR, fields
from tests.benchmarks.coverage import data

DIGITS = 7  # of a degree, as all three write them
YEAR = 2024
ORGANISATIONS = 1_000
Row = tuple[object, ...]
Shapes = NDArray[np.object_]

# Where a property is not the column of that name: in which table it is, joined to which.
ELSEWHERE = {
    "assets": {
        "id": "t.id::text",
        "organisation": "CASE WHEN o.id IS NOT NULL THEN "
        "jsonb_build_object('name', o.name, 'legal_form', o.legal_form, 'url', o.url) END",
        "neighbourhood": "t.neighbourhood_id",
        "neighbourhood_name": "n.name",
        "catchment": "coalesce((SELECT jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name) ORDER BY s.id) "
        "FROM asset_catchment c JOIN neighbourhood s ON s.id = c.neighbourhood_id WHERE c.asset_id = t.id), '[]')",
    },
    "neighbourhoods": {"id": "t.id", "parent": "t.parent_id"},
}
JOINED = """asset t LEFT JOIN organisation o ON o.id = t.organisation_id
  LEFT JOIN neighbourhood n ON n.id = t.neighbourhood_id"""
SOURCES = {"assets": ("place", JOINED), "neighbourhoods": ("geom", "neighbourhood t")}
INDEXED = {"assets": ("name", "kind", "neighbourhood"), "neighbourhoods": ("code", "level")}


class Data(NamedTuple):
    """What was made: the places of assets (degrees, shape (n, 2)) with their ids, and the areas with theirs."""

    places: NDArray[np.float64]
    assets: list[str]
    outlines: Shapes
    areas: list[str]


def fill(url: str, areas: int, assets: int) -> Data:
    """Make the tables in an empty database, and fill them."""
    engine = db.engine(url)
    db.migrate(engine)
    engine.dispose()
    outlines = _rounded(to_wgs84(np.array(data.areas(areas), dtype=object)))
    places = _rounded(to_wgs84(np.asarray(shapely.points(data.assets(assets)))))
    codes = [f"BU{9000 + n // 10000:04}{n % 10000:04}.{YEAR}" for n in range(areas)]
    chance = np.random.default_rng(4)
    identifiers = [str(UUID(bytes=chance.bytes(16), version=4)) for _ in range(assets)]
    organisations = [str(UUID(bytes=chance.bytes(16), version=4)) for _ in range(ORGANISATIONS)]
    lies_in = _holding(outlines, places, codes)
    with connected(url) as connection:
        connection.execute("SET statement_timeout = 0")
        _copy(connection, "neighbourhood", AREA, _areas(codes, outlines))
        _copy(connection, "organisation", ("id", "name", "legal_form"), _organisations(organisations))
        _copy(connection, "asset", ASSET, _assets(identifiers, places, lies_in, organisations))
        served = [(item, codes[(n * 7) % areas]) for n, item in enumerate(identifiers) if n % 50 == 0]
        _copy(connection, "asset_catchment", ("asset_id", "neighbourhood_id"), served)
        connection.execute(A_RUN)  # or the service begins by computing coverage, of which nothing is measured here
    with connected(url) as connection:
        _copy_for_peers(connection)
    with connected(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return Data(shapely.get_coordinates(places), identifiers, outlines, codes)


def connected(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Connect to the database as its owner."""
    place = make_url(url)
    host, port = str(place.query["host"]), str(place.query["port"])
    return psycopg.connect(host=host, port=port, user=place.username, dbname=place.database, autocommit=autocommit)


A_RUN = """INSERT INTO coverage_run (id, year, norm_m, detour, lattice_m, code_version)
VALUES ('00000000-0000-4000-8000-000000000000', 2024, 800, 1.3, 100, 'benchmark')"""


def _rounded(shapes: Shapes) -> Shapes:
    """Leave as many digits as are written, so that all three read and write the same numbers."""
    made: Shapes = shapely.transform(shapes, lambda xy: xy.round(DIGITS))
    return made


def _holding(outlines: Shapes, places: Shapes, codes: Sequence[str]) -> list[str | None]:
    """Say in which area each place lies; the first where it is on a border, None outside all."""
    found: list[str | None] = [None] * len(places)
    for place, area in zip(*shapely.STRtree(outlines).query(places, predicate="intersects"), strict=True):
        found[place] = found[place] or codes[area]
    return found


def _copy(connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    told = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(told) as lines:
        for row in rows:
            lines.write_row(row)


AREA = (
    "id", "code", "year", "level", "name", "geom", "overview", "source", "licence", "residents", "residents_65",
    "households", "one_person_households",
)  # fmt: skip


def _areas(codes: Sequence[str], outlines: Shapes) -> Iterator[Row]:
    whole = [
        shapely.multipolygons(shapes, indices=np.arange(len(shapes)))
        for shapes in (outlines, shapely.simplify(outlines, 0.001))
    ]
    texts = [shapely.to_wkb(shapely.set_srid(shapes, WGS84), hex=True, include_srid=True) for shapes in whole]
    people = np.random.default_rng(5).integers(50, 8_000, len(codes))
    for code, outline, overview, residents in zip(codes, *texts, people.tolist(), strict=True):
        shares = (residents, residents // 5, residents // 2, residents // 6)
        name = f"{WORDS[residents % len(WORDS)]}-{SIDES[residents % len(SIDES)]}"
        yield code, code.partition(".")[0], YEAR, "buurt", name, outline, overview, "benchmark", "CC0-1.0", *shares


def _organisations(identifiers: Sequence[str]) -> Iterator[Row]:
    for number, item in enumerate(identifiers):
        yield item, f"Stichting {WORDS[number % len(WORDS)]} {number}", "foundation" if number % 3 else None


ASSET = (
    "id", "kind", "name", "summary", "themes", "services", "target_groups", "languages", "cost", "accessibility",
    "address", "postcode", "city", "capacity", "opening_hours", "organisation_id", "url", "source", "source_id",
    "licence", "confirmed_on", "place", "neighbourhood_id",
)  # fmt: skip
WORDS = "De Linde,Het Trefpunt,De Brug,Ons Huis,De Wissel,Het Anker,De Kersentuin,De Schakel,Buurthof,De Haven".split(
    ","
)
SIDES = ("Noord", "Oost", "Zuid", "West", "Midden", "Haven", "Park")
KINDS = {"community_room": "Buurtkamer", "initiative": "Initiatief", "care_location": "Zorglocatie"}
STREETS = ("Dorpsstraat", "Kerkplein", "Lindelaan", "Schoolstraat", "Molenweg", "Havenkade", "Parkweg")
HOURS = ("Mo-Fr 09:00-17:00", "Tu,Th 13:30-16:30; PH off", "Mo-Su 10:00-22:00", None)
TOLD = (
    "Een plek waar buren elkaar ontmoeten, samen eten en elkaar verder helpen.",
    "Vrijwilligers doen boodschappen en kleine klussen voor wie dat zelf niet kan.",
    "Inloop zonder afspraak; koffie staat klaar.",
    None,
)


def _assets(
    identifiers: Sequence[str], places: Shapes, lies_in: Sequence[str | None], organisations: Sequence[str]
) -> Iterator[Row]:
    points = shapely.to_wkb(shapely.set_srid(places, WGS84), hex=True, include_srid=True)
    drawn = np.random.default_rng(6).integers(0, 1 << 30, len(identifiers)).tolist()
    themes, services = list(vocabulary.THEMES), list(vocabulary.SERVICES)
    groups, ways = list(vocabulary.TARGET_GROUPS), list(vocabulary.ACCESSIBILITY)
    for n, (item, point, area, x) in enumerate(zip(identifiers, points, lies_in, drawn, strict=True)):
        kind = list(KINDS)[x % 3]
        yield (
            item, kind, f"{KINDS[kind]} {WORDS[x % 10]} {SIDES[x % 7]} {n}", TOLD[x % 4],
            [themes[x % 8]], sorted({services[x % 17], services[x // 17 % 17]}), [groups[x % 9]], ["nl"],
            (None, "gratis", "€ 2,50")[x // 5 % 3], json.dumps({ways[x % 6]: True, ways[x // 6 % 6]: x % 2 == 0}),
            f"{STREETS[x % 7]} {x % 180 + 1}", f"{1000 + x % 9000} AB", f"Stad {x % 500}",
            x % 90 if x % 3 else None, HOURS[x % 4], organisations[x % ORGANISATIONS] if x % 3 == 0 else None,
            f"https://plek-{n}.example.nl" if x % 4 else None, "benchmark", str(n),
            "CC0-1.0", "2024-05-01" if x % 2 else None, point, area,
        )  # fmt: skip


def _copy_for_peers(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SCHEMA peer")
    for table, (geometry, source) in SOURCES.items():
        elsewhere = ELSEWHERE[table]
        named = ["id", *fields(VISITOR, table)]
        columns = ", ".join(f'{elsewhere.get(name, f"t.{name}")} AS "{name}"' for name in named)
        connection.execute(f"CREATE TABLE peer.{table} AS SELECT {columns}, t.{geometry} AS geom FROM {source}")
        connection.execute(f"ALTER TABLE peer.{table} ADD PRIMARY KEY (id)")
        connection.execute(f"CREATE INDEX ON peer.{table} USING gist (geom)")
        for column in INDEXED[table]:
            connection.execute(f"CREATE INDEX ON peer.{table} ({column})")
