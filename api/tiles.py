"""OGC API Tiles: the collections as vector tiles, and TileJSON for map libraries. Always what visitors see."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from api.answers import Answers, answer
from api.deps import CurrentSettings, Session
from api.ogc import REL, base
from api.paging import link
from geo.checks import NETHERLANDS
from geo.crs import CRS84
from geo.tiles import content, layers, matrix
from geo.tiles.matrix import DEEPEST, NAME, Limits, Matrix

router = APIRouter(prefix="/v1")

TILE = "application/vnd.mapbox-vector-tile"
URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{NAME}"
SCALES = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
CORNER = [-20037508.3427892, 20037508.3427892]  # as the standard writes it
SETS = "tileMatrixSets"
MIDDLE = [5.3, 52.1]  # of the Netherlands, roughly
TileMatrixSetId = Annotated[str, Path(alias="tileMatrixSetId", description=f"Only {NAME}")]


class AsTile(Response):
    """Names the media type of a route that answers with a vector tile."""

    media_type = TILE


_BYTES = {"description": "A tile, of no bytes where nothing lies in it", "content": {TILE: {}}}
READ_TILE: Answers = {200: _BYTES}
_TEXT, _LIST, _NUMBER = {"type": "string"}, {"type": "array"}, {"type": "integer"}
_FIELDS = {"dataType": _TEXT, "crs": _TEXT, "tileMatrixSetURI": _TEXT, "links": _LIST}
READ_TILEJSON: Answers = {
    200: answer(
        "TileJSON 3.0.0",
        "application/json",
        {"tilejson": _TEXT, "tiles": _LIST, "vector_layers": _LIST, "minzoom": _NUMBER, "maxzoom": _NUMBER},
    )
}
READ_TILESET: Answers = {200: answer("A tileset", "application/json", _FIELDS)}
READ_TILESETS: Answers = {200: answer("The tilesets", "application/json", {"links": _LIST, "tilesets": _LIST})}
READ_SETS: Answers = {200: answer("The tile matrix sets", "application/json", {"tileMatrixSets": _LIST})}
READ_SET: Answers = {
    200: answer("A tile matrix set", "application/json", {"id": _TEXT, "crs": _TEXT, "tileMatrices": _LIST})
}


@router.get(f"/{SETS}", name="read_tile_matrix_sets", responses=READ_SETS)
def read_tile_matrix_sets(request: Request, settings: CurrentSettings) -> dict[str, Any]:
    """The ways to cut the world into tiles that are known here."""
    here = f"{base(request, settings)}/{SETS}/{NAME}"
    return {"tileMatrixSets": [{"id": NAME, "title": NAME, "uri": URI, "crs": MERCATOR, "links": [link(here, "self")]}]}


@router.get(f"/{SETS}/{{tileMatrixSetId}}", name="read_tile_matrix_set", responses=READ_SET)
def read_tile_matrix_set(name: TileMatrixSetId) -> dict[str, Any]:
    """The definition of a tile matrix set, as the standard has it (OGC 17-083r4)."""
    matrix.named(name)
    return {
        "id": NAME,
        "title": "Google Maps Compatible for the World",
        "uri": URI,
        "crs": MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": SCALES,
        "tileMatrices": [_matrix(matrix.matrix(zoom)) for zoom in range(matrix.DEEPEST_DEFINED + 1)],
    }


def _matrix(one: Matrix) -> dict[str, Any]:
    return {
        "id": str(one.zoom),
        "scaleDenominator": one.scale,
        "cellSize": one.cell_m,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": CORNER,
        "tileWidth": matrix.PIXELS,
        "tileHeight": matrix.PIXELS,
        "matrixWidth": one.tiles,
        "matrixHeight": one.tiles,
    }


@router.get("/collections/{collection}/tiles", name="read_tilesets", responses=READ_TILESETS)
def read_tilesets(request: Request, settings: CurrentSettings, collection: str) -> dict[str, Any]:
    """The tilesets of a collection."""
    told = _tileset(base(request, settings), collection)
    here = f"{base(request, settings)}/collections/{collection}/tiles"
    links = [link(f"{here}/{NAME}", "self"), *(one for one in told["links"] if one["rel"] == f"{REL}tiling-scheme")]
    return {"links": [link(here, "self")], "tilesets": [{**told, "links": links}]}


def _tileset(root: str, collection: str) -> dict[str, Any]:
    """Say of a tileset what the list of them says too."""
    title = layers.shown(collection).title.en
    here = f"{root}/collections/{collection}/tiles/{NAME}"
    return {
        "title": title,
        "dataType": "vector",
        "crs": MERCATOR,
        "tileMatrixSetURI": URI,
        "links": [
            link(here, "self"),
            {**link(f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", TILE), "templated": True},
            link(f"{here}/tilejson", "describedby"),
            link(f"{root}/{SETS}/{NAME}", f"{REL}tiling-scheme"),
            link(f"{root}/collections/{collection}", f"{REL}geodata"),
        ],
    }


@router.get("/collections/{collection}/tiles/{tileMatrixSetId}", name="read_tileset", responses=READ_TILESET)
def read_tileset(request: Request, settings: CurrentSettings, collection: str, name: TileMatrixSetId) -> dict[str, Any]:
    """What the tiles of a collection are, and which there are."""
    matrix.named(name)
    west, south, east, north = NETHERLANDS
    shapes = {} if layers.is_points(collection) else {"geometryDimension": 2}
    told = {field: {"type": kind.lower()} for field, kind in layers.told(collection).items()}
    layer = {
        "id": collection,
        "title": layers.shown(collection).title.en,
        "dataType": "vector",
        **shapes,
        "minTileMatrix": "0",
        "maxTileMatrix": str(DEEPEST),
        "propertiesSchema": {"type": "object", "properties": told},
    }
    return {
        **_tileset(base(request, settings), collection),
        "tileMatrixSetId": NAME,
        "tileMatrixSetLimits": [_limits(matrix.limits(zoom)) for zoom in range(DEEPEST + 1)],
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84.uri},
        "layers": [layer],
    }


def _limits(there: Limits) -> dict[str, Any]:
    return {
        "tileMatrix": str(there.zoom),
        "minTileRow": there.min_row,
        "maxTileRow": there.max_row,
        "minTileCol": there.min_col,
        "maxTileCol": there.max_col,
    }


@router.get("/collections/{collection}/tiles/{tileMatrixSetId}/tilejson", name="read_tilejson", responses=READ_TILEJSON)
def read_tilejson(
    request: Request, session: Session, settings: CurrentSettings, collection: str, name: TileMatrixSetId
) -> JSONResponse:
    """The tiles of a collection as MapLibre, QGIS and other map programs want them told: TileJSON 3.0.0."""
    matrix.named(name)
    shown = layers.shown(collection)
    here = f"{base(request, settings)}/collections/{collection}/tiles/{NAME}"
    zooms = {"minzoom": 0, "maxzoom": DEEPEST}
    layer = {"id": collection, "description": shown.about.en, **zooms, "fields": layers.told(collection)}
    told = {
        "tilejson": "3.0.0",
        "name": shown.title.en,
        "description": shown.about.en,
        "version": "1.0.0",
        "attribution": layers.attribution(session, collection),
        "scheme": "xyz",
        "tiles": [f"{here}/{{z}}/{{y}}/{{x}}"],
        **zooms,
        "bounds": list(NETHERLANDS),
        "center": [*MIDDLE, 7],
        "vector_layers": [layer],
    }
    return JSONResponse(told)


@router.get(
    "/collections/{collection}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    name="read_tile",
    response_class=AsTile,
    responses=READ_TILE,
)
def read_tile(
    session: Session,
    collection: str,
    name: TileMatrixSetId,
    zoom: Annotated[int, Path(ge=0, alias="tileMatrix", description=f"The zoom, 0 to {DEEPEST}")],
    row: Annotated[int, Path(ge=0, alias="tileRow", description="Counted from the north")],
    col: Annotated[int, Path(ge=0, alias="tileCol", description="Counted from the west")],
) -> Response:
    """One vector tile, at most 500 kB: points are clustered where they are many, areas too small to see left out."""
    matrix.named(name)
    layers.shown(collection)
    return AsTile(content.read(session, collection, matrix.tile(zoom, row, col)))
