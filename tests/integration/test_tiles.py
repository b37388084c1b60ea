"""Vector tiles: they hold what lies in their bounds, stay below 500 kB, and show no person."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from shapely.affinity import affine_transform
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text

from geo.features import names
from geo.rights import VISITOR
from tests.integration.town import ADMIN, Town

GRID = "WebMercatorQuad"
LARGEST = 500_000
ALL, BUFFER = 4096, 64  # units of a tile's side, and around it
WEST, SOUTH, EAST, NORTH = 8394, 5399, 8396, 5396  # columns and rows of zoom 14 over the demo municipality
ROW, COL = 5398, 8395  # the tile in the middle of it, and where Testdorp is crowded
BOX = shapely.box(0, 0, ALL, ALL)
AROUND = shapely.box(-BUFFER, -BUFFER, ALL + BUFFER, ALL + BUFFER)
CLOSE = 1.5  # units that drawing, which rounds to whole units, may move an outline
OF_ASSETS = """SELECT id::text, name, kind, array_to_string(services, ',') AS services, confirmed_on::text,
    coalesce(place, area) AS geom FROM asset WHERE kind <> 'volunteer' AND status = 'published'
    AND coalesce(visible_from, current_date) <= current_date AND coalesce(visible_to, current_date) >= current_date"""
OF_AREAS = "SELECT id, code, name, level, residents, geom FROM neighbourhood WHERE in_force"
# The same features by plain SQL, with what a tile tells of them.
BY_HAND = {
    "assets": OF_ASSETS,
    "community_rooms": f"{OF_ASSETS} AND kind = 'community_room'",
    "activities": """SELECT a.id::text, a.title, array_to_string(a.services, ',') AS services, a.theme,
        a.confirmed_on::text, coalesce(a.place, s.place, s.area) AS geom FROM activity a
        LEFT JOIN asset s ON s.id = a.asset_id WHERE a.status = 'published'""",
    "neighbourhoods": OF_AREAS,
    "buurten": f"{OF_AREAS} AND level = 'buurt'",
    "coverage_gaps": """SELECT c.id, n.code, n.name, n.level, c.kind, c.service, c.residents, c.gap, n.overview AS geom
        FROM coverage c JOIN coverage_run r ON r.id = c.run_id JOIN neighbourhood n ON n.id = c.neighbourhood_id
        WHERE r.id = (SELECT id FROM coverage_run ORDER BY live DESC, computed_at DESC LIMIT 1)""",
}


def path(collection: str, zoom: int, row: int, col: int) -> str:
    return f"/v1/collections/{collection}/tiles/{GRID}/{zoom}/{row}/{col}"


def decoded(body: bytes, layer: str) -> list[dict[str, Any]]:
    """Give the features of a tile, in units from its north-western corner."""
    told = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    assert set(told) <= {layer}
    assert not told or (told[layer]["extent"], told[layer]["version"]) == (ALL, 2)
    found: list[dict[str, Any]] = told[layer]["features"] if told else []
    return found


def read(town: Town, collection: str, zoom: int, row: int, col: int, who: str = "nobody") -> list[dict[str, Any]]:
    answer = town.get(path(collection, zoom, row, col), who)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.mapbox-vector-tile")
    assert len(answer.content) <= LARGEST
    return decoded(answer.content, collection)


def by_hand(town: Town, collection: str, row: int, col: int) -> dict[Any, tuple[dict[str, Any], BaseGeometry]]:
    """Give by plain SQL what meets a tile of zoom 14: properties, and the geometry in the units of the tile."""
    statement = f"""SELECT f.*, ST_AsBinary(ST_Transform(geom, 3857)) AS wkb, ST_XMin(e) AS west, ST_YMax(e) AS north,
        ST_XMax(e) - ST_XMin(e) AS side FROM ({BY_HAND[collection]}) f, ST_TileEnvelope(14, {col}, {row}) e
        WHERE ST_Intersects(ST_Transform(geom, 3857), e)"""
    with town.sessions() as session:
        rows = [dict(found) for found in session.execute(text(statement)).mappings()]
    met = {}
    for found in rows:
        whole, unit = shapely.from_wkb(bytes(found.pop("wkb"))), found.pop("side") / ALL
        placed = affine_transform(
            whole, (1 / unit, 0, 0, -1 / unit, -found.pop("west") / unit, found.pop("north") / unit)
        )
        told = {name: value for name, value in found.items() if name != "geom" and value is not None}
        met[found["id"]] = (told, placed)
    return met


@pytest.mark.parametrize("collection", BY_HAND)
def test_a_tile_at_zoom_14_holds_the_features_of_its_bounds_as_plain_sql_finds_them(
    town: Town, collection: str
) -> None:
    seen = 0
    for row in range(NORTH, SOUTH + 1):
        for col in range(WEST, EAST + 1):
            drawn = {item["properties"]["id"]: item for item in read(town, collection, 14, row, col)}
            kept = by_hand(town, collection, row, col)
            met = {item for item in drawn if shape(drawn[item]["geometry"]).intersects(BOX)}
            assert met == set(kept)
            for item, (told, placed) in kept.items():
                properties = {k: v for k, v in drawn[item]["properties"].items() if k != "next_on"}
                assert properties == pytest.approx(told)
                found = shape(drawn[item]["geometry"])
                assert placed.buffer(CLOSE).covers(found)
                assert found.buffer(CLOSE).covers(placed.intersection(BOX))
                assert AROUND.covers(found)
            seen += len(kept)
    assert seen > 0


def test_an_activity_in_a_tile_tells_when_it_is_next(town: Town) -> None:
    items = town.get("/v1/collections/activities/items", limit=1000).json()["features"]
    next_on = {item["id"]: item["properties"]["next_on"] for item in items}
    told = {
        item["properties"]["id"]: item["properties"].get("next_on")
        for row in range(NORTH, SOUTH + 1)
        for col in range(WEST, EAST + 1)
        for item in read(town, "activities", 14, row, col)
    }
    assert told
    assert told == {item: next_on[item] for item in told}


@pytest.mark.parametrize("collection", names(VISITOR))
def test_no_tile_of_any_collection_names_or_places_a_volunteer(town: Town, collection: str) -> None:
    with town.sessions() as session:
        people = session.scalars(text("SELECT id::text FROM asset WHERE kind = 'volunteer'")).all()
        spots = session.scalars(text("SELECT spot_id::text FROM volunteer WHERE spot_id IS NOT NULL")).all()
    assert people
    for zoom in (0, 6, 9, 12, 14, 16):
        row, col = 5398 * 2**zoom >> 14, 8395 * 2**zoom >> 14
        body = town.get(path(collection, zoom, row, col)).content
        assert not [person for person in (*people, *spots) if person.encode() in body]
        kinds = {item["properties"].get("kind") for item in decoded(body, collection)}
        assert collection.startswith("coverage") or "volunteer" not in kinds


@pytest.mark.parametrize("who", ["steward", ADMIN])
def test_a_tile_is_the_same_for_everybody_so_that_a_volunteer_is_in_none_for_an_administrator(
    town: Town, who: str
) -> None:
    for zoom, row, col in ((14, 5398, 8395), (9, 5398 >> 5, 8395 >> 5)):
        assert town.get(path("assets", zoom, row, col), who).content == town.get(path("assets", zoom, row, col)).content


@pytest.mark.parametrize("who", ["nobody", ADMIN])
@pytest.mark.parametrize("end", ["", f"/{GRID}", f"/{GRID}/tilejson", f"/{GRID}/14/5398/8395"])
def test_neighbours_have_no_tiles(town: Town, end: str, who: str) -> None:
    answer = town.get(f"/v1/collections/neighbours/tiles{end}", who)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "no collection 'neighbours'" in answer.json()["detail"]


def test_where_nothing_lies_a_tile_has_no_bytes_and_can_be_read(town: Town, tmp_path: Path) -> None:
    answer = town.get(path("assets", 14, 5300, 8500))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert mapbox_vector_tile.decode(answer.content) == {}
    assert "successful" in ogrinfo(tmp_path, answer.content)


def ogrinfo(folder: Path, body: bytes) -> str:
    file = folder / "tile.mvt"
    file.write_bytes(body)
    done = subprocess.run(["ogrinfo", "-ro", "-al", f"MVT:{file}"], capture_output=True, text=True, check=True)
    assert "ERROR" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(("collection", "kind"), [("assets", "POINT"), ("buurten", "POLYGON")])
def test_gdal_reads_a_tile_and_finds_the_same_ids(town: Town, tmp_path: Path, collection: str, kind: str) -> None:
    body = town.get(path(collection, 14, 5398, 8395)).content
    said = ogrinfo(tmp_path, body)
    assert f"Layer name: {collection}" in said
    assert kind in said
    ids = sorted(re.findall(r"^  id \(String\) = (.*)$", said, re.MULTILINE))
    assert ids == sorted(item["properties"]["id"] for item in decoded(body, collection))
    assert ids


@pytest.mark.parametrize(
    ("end", "status", "named"),
    [
        ("x/5398/8395", 400, "tileMatrix"),
        ("14/x/8395", 400, "tileRow"),
        ("14/5398/1.5", 400, "tileCol"),
        ("-1/0/0", 400, "tileMatrix"),
        ("14/-5/8395", 400, "tileRow"),
        ("17/43160/67160", 404, "tileMatrix"),
        ("99999999999999999999/0/0", 404, "tileMatrix"),
        ("14/1/8395", 404, "tileRow"),
        ("14/5398/1", 404, "tileCol"),
        ("14/5398/99999999999999999999", 404, "tileCol"),
        ("0/0/1", 404, "tileCol"),
        ("14/5398/8395?kind=initiative", 400, "kind"),
        ("14/5398/8395?f=png", 400, "f"),
    ],
)
def test_a_tile_that_cannot_be_is_refused_with_the_name_of_the_parameter(
    town: Town, end: str, status: int, named: str
) -> None:
    answer = town.client.get(f"/v1/collections/assets/tiles/{GRID}/{end}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert re.search(rf"\b{named}\b", answer.json()["detail"])
    assert status == 404 or answer.json()["errors"][0]["field"] == named


@pytest.mark.parametrize(
    "where",
    [
        "tileMatrixSets/Amersfoort",
        *(f"collections/assets/tiles/Amersfoort{end}" for end in ("", "/tilejson", "/9/1/1")),
    ],
)
def test_a_tile_matrix_set_that_is_not_there_is_not_found(town: Town, where: str) -> None:
    answer = town.get(f"/v1/{where}")
    assert (answer.status_code, "tileMatrixSetId" in answer.json()["detail"]) == (404, True)


def test_tilejson_says_what_map_programs_need(town: Town) -> None:
    told = town.get(f"/v1/collections/assets/tiles/{GRID}/tilejson").json()
    about = "Community rooms, citizen initiatives and care locations: what a neighbourhood can lean on."
    words = dict.fromkeys(("id", "name", "kind", "services", "confirmed_on"), "String")
    with town.sessions() as session:
        sources = session.execute(text(f"SELECT DISTINCT source, licence FROM ({OF_ASSETS_WITH_SOURCE}) f")).all()
    assert told == {
        "tilejson": "3.0.0",
        "name": "Neighbourhood assets",
        "description": about,
        "version": "1.0.0",
        "attribution": "; ".join(sorted(f"{source} ({licence})" if licence else source for source, licence in sources)),
        "scheme": "xyz",
        "tiles": [f"http://kaart.test/v1/collections/assets/tiles/{GRID}/{{z}}/{{y}}/{{x}}"],
        "minzoom": 0,
        "maxzoom": 16,
        "bounds": [3.2, 50.7, 7.3, 53.7],
        "center": [5.3, 52.1, 7],
        "vector_layers": [
            {
                "id": "assets",
                "description": about,
                "minzoom": 0,
                "maxzoom": 16,
                "fields": {**words, "count": "Number", "kinds": "String"},
            }
        ],
    }


OF_ASSETS_WITH_SOURCE = OF_ASSETS.replace("SELECT id::text,", "SELECT source, licence, id::text,")


@pytest.mark.parametrize("collection", names(VISITOR))
def test_tilejson_names_each_property_that_the_tiles_hold(town: Town, collection: str) -> None:
    told = town.get(f"/v1/collections/{collection}/tiles/{GRID}/tilejson").json()
    (layer,) = told["vector_layers"]
    address = told["tiles"][0].format(z=14, y=5398, x=8395)
    found = decoded(town.client.get(address).content, layer["id"])
    words = {str: "String", int: "Number", float: "Number", bool: "Boolean"}
    for item in found:
        assert {name: words[type(value)] for name, value in item["properties"].items()}.items() <= layer[
            "fields"
        ].items()
    assert found or collection in ("squares", "drawn_neighbourhoods")


def test_a_tileset_says_what_the_standard_wants(town: Town) -> None:
    told = town.get(f"/v1/collections/buurten/tiles/{GRID}").json()
    assert (told["dataType"], told["tileMatrixSetId"]) == ("vector", GRID)
    assert told["tileMatrixSetURI"] == f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{GRID}"
    assert told["crs"] == "http://www.opengis.net/def/crs/EPSG/0/3857"
    limits = {one["tileMatrix"]: one for one in told["tileMatrixSetLimits"]}
    assert list(limits) == [str(zoom) for zoom in range(17)]
    # On paper: 2^7 tiles over 360 degrees; 3.2 and 7.3 degrees east lie in columns 65 and 66.
    assert limits["7"] == {"tileMatrix": "7", "minTileRow": 41, "maxTileRow": 43, "minTileCol": 65, "maxTileCol": 66}
    (layer,) = told["layers"]
    assert (layer["id"], layer["dataType"], layer["geometryDimension"]) == ("buurten", "vector", 2)
    assert layer["propertiesSchema"]["properties"]["residents"] == {"type": "number"}
    links = {one["rel"]: one for one in told["links"]}
    rel = "http://www.opengis.net/def/rel/ogc/1.0/"
    assert set(links) == {"self", "item", "describedby", f"{rel}tiling-scheme", f"{rel}geodata"}
    assert (links["item"]["templated"], links["item"]["type"]) == (True, "application/vnd.mapbox-vector-tile")
    address = links["item"]["href"].format(tileMatrix=14, tileRow=5398, tileCol=8395)
    assert town.client.get(address).content == town.get(path("buurten", 14, 5398, 8395)).content


def test_a_collection_leads_to_its_tiles(town: Town) -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
    for name in names(VISITOR):
        links = {one["rel"]: one["href"] for one in town.get(f"/v1/collections/{name}").json()["links"]}
        (tileset,) = town.client.get(links[rel]).json()["tilesets"]
        address = next(one["href"] for one in tileset["links"] if one["rel"] == "self")
        assert town.client.get(address).json()["layers"][0]["id"] == name


def test_the_tile_matrix_set_is_the_one_of_the_standard(town: Town) -> None:
    listed = town.get("/v1/tileMatrixSets").json()["tileMatrixSets"]
    assert [one["id"] for one in listed] == [GRID]
    told = town.client.get(listed[0]["links"][0]["href"]).json()
    assert told["wellKnownScaleSet"] == "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"
    matrices = {one["id"]: one for one in told["tileMatrices"]}
    assert list(matrices) == [str(zoom) for zoom in range(25)]
    # Scale and metres a pixel as the standard's table has them (OGC 17-083r4, annex D.1).
    published = {"0": (559082264.028717, 156543.033928041), "14": (34123.6733415965, 9.55462853563415)}
    for zoom, (scale, cell) in published.items():
        one = matrices[zoom]
        assert (one["scaleDenominator"], one["cellSize"]) == pytest.approx((scale, cell), rel=1e-10)
        assert (one["tileWidth"], one["tileHeight"], one["matrixWidth"]) == (256, 256, 2 ** int(zoom))
        assert one["pointOfOrigin"] == [-20037508.3427892, 20037508.3427892]
    classes = town.get("/v1/conformance").json()["conformsTo"]
    told_of = {"core", "tileset", "tilesets-list", "geodata-tilesets", "mvt"}
    assert {f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{one}" for one in told_of} <= set(classes)


def put(town: Town, number: int, west: float, east: float, name: str = "Kamer") -> None:
    """Store assets on a line at 52.18 degrees north, evenly from west to east, every third an initiative."""
    statement = """INSERT INTO asset (id, kind, name, source, source_id, place)
        SELECT gen_random_uuid(), CASE WHEN n % 3 = 0 THEN 'initiative' ELSE 'community_room' END, :name || n, 'test',
        :name || n, ST_Point(:west + (:east - :west) * (n + 0.5) / :number, 52.18, 4326)
        FROM generate_series(0, :number - 1) n"""
    with town.sessions() as session:
        session.execute(text(statement), {"number": number, "west": west, "east": east, "name": name})
        session.commit()


@pytest.fixture
def crowd(hamlet: Town) -> Iterator[Town]:
    """Give a hamlet whose assets are taken away after the test."""
    yield hamlet
    with hamlet.sessions() as session:
        session.execute(text("DELETE FROM asset"))
        session.execute(text("DELETE FROM neighbourhood WHERE level = 'drawn'"))
        session.commit()


def test_a_thousand_points_are_shown_and_one_more_is_clustered(crowd: Town) -> None:
    put(crowd, 1000, 4.47, 4.48)
    row, col = 5398 >> 2, 8395 >> 2
    assert len(read(crowd, "assets", 12, row, col)) == 1000
    put(crowd, 1, 4.475, 4.4751, "Nog een")
    clusters = read(crowd, "assets", 12, row, col)
    assert sum(item["properties"]["count"] for item in clusters) == 1001
    assert len(clusters) < 20
    assert len(read(crowd, "assets", 14, 5398, 8395)) > 500  # at zoom 14 each is there


def test_every_point_is_in_one_cluster_of_a_zoom_at_the_mean_place_of_its_cell(crowd: Town) -> None:
    put(crowd, 3000, 4.42, 4.72)  # half of them west of 4.5703, where a tile of zooms 10 and 11 ends
    for zoom in (0, 5, 9, 10, 11):
        first, last = int((4.42 + 180) / 360 * 2**zoom), int((4.72 + 180) / 360 * 2**zoom)
        row = 5398 * 2**zoom >> 14
        number = weight = 0.0
        for col in range(first, last + 1):
            for item in read(crowd, "assets", zoom, row, col):
                assert set(item["properties"]) == {"count", "kinds"}
                assert set(item["properties"]["kinds"].split(",")) <= {"community_room", "initiative"}
                number += item["properties"]["count"]
                across = col + item["geometry"]["coordinates"][0] / ALL
                weight += item["properties"]["count"] * (across / 2**zoom * 360 - 180)
        assert number == 3000
        assert weight / number == pytest.approx(4.57, abs=360 / 2**zoom / ALL)  # the middle of the line, to a unit


def test_a_tile_that_would_be_too_large_is_clustered_at_zoom_14_too(crowd: Town) -> None:
    put(crowd, 4000, 4.4705, 4.4755, "Een kamer met een heel lange naam, " * 5)
    found = [item for col in range(WEST, EAST + 1) for item in read(crowd, "assets", 14, 5398, col)]
    assert sum(item["properties"]["count"] for item in found) == 4000


def draw(town: Town, number: int, name: str) -> None:
    """Store drawn neighbourhoods: a row of squares at 52.18 degrees north, each a little larger than the one before."""
    statement = """INSERT INTO neighbourhood (id, code, year, level, name, source, geom, overview)
        SELECT 'DR' || n || '.2025', 'DR' || n, 2025, 'drawn', :name || n, 'test', g, g
        FROM generate_series(1, :number) n,
        LATERAL ST_Multi(ST_MakeEnvelope(4.47, 52.18, 4.471 + n * 1e-6, 52.181 + n * 1e-6, 4326)) g"""
    with town.sessions() as session:
        session.execute(text(statement), {"number": number, "name": name})
        session.commit()


def test_where_areas_make_too_large_a_tile_the_largest_are_kept(crowd: Town) -> None:
    draw(crowd, 3000, "Een buurt met een heel lange naam, " * 8)
    for zoom in (13, 14, 15):
        row, col = 5398 * 2**zoom >> 14, int((4.4702 + 180) / 360 * 2**zoom)
        kept = {item["properties"]["id"] for item in read(crowd, "drawn_neighbourhoods", zoom, row, col)}
        assert 500 < len(kept) < 3000
        assert kept == {f"DR{n}.2025" for n in range(3001 - len(kept), 3001)}


def test_a_tile_shows_the_levels_that_its_zoom_is_deep_enough_for(town: Town) -> None:
    seen = {}
    for zoom in (8, 9, 10, 11, 14):
        found = read(town, "neighbourhoods", zoom, 5398 * 2**zoom >> 14, 8395 * 2**zoom >> 14)
        seen[zoom] = {item["properties"]["level"] for item in found}
    whole = {"gemeente", "wijk", "buurt"}
    assert seen == {8: {"gemeente"}, 9: whole - {"buurt"}, 10: whole - {"buurt"}, 11: whole, 14: whole}


def test_an_area_smaller_than_a_pixel_is_left_out_below_zoom_14(crowd: Town) -> None:
    draw(crowd, 1, "Hof")  # 0.001 degree: at zoom 9 it is 5.8 units wide, at zoom 10 11.6; a pixel is 8
    seen = {
        zoom: len(read(crowd, "drawn_neighbourhoods", zoom, 5398 * 2**zoom >> 14, int((4.4705 + 180) / 360 * 2**zoom)))
        for zoom in (9, 10, 14)
    }
    assert seen == {9: 0, 10: 1, 14: 1}
