"""What the description of the API says of its answers: features as GeoJSON, and refusals."""

from typing import Any

from fastapi.responses import JSONResponse

GEOJSON = "application/geo+json"
PROBLEM = "application/problem+json"
SCHEMA = "application/schema+json"
HEADER = "API-Version"  # of every answer under /v1
VERSION = "1.0.0"  # of the API, semantic: what breaks a client raises the first number, and with it the path
Answers = dict[int | str, dict[str, Any]]


class AsGeoJSON(JSONResponse):
    """Names the media type of a route that answers with GeoJSON; the text itself comes from the database."""

    media_type = GEOJSON


class AsSchema(JSONResponse):
    """Names the media type of a route that answers with a JSON schema."""

    media_type = SCHEMA


def answer(description: str, media_type: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Describe an answer that is an object with at least these properties, given as JSON Schema."""
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"description": description, "content": {media_type: {"schema": schema}}}


_FEATURE = {
    "type": {"const": "Feature"},
    "id": {"type": ["string", "integer"]},
    "geometry": {"type": ["object", "null"]},
    "properties": {"type": "object"},
}
_LINK = {"type": "object", "required": ["href", "rel"], "properties": {"href": {"type": "string"}}}

FEATURE = answer("A feature", GEOJSON, _FEATURE)
FEATURES = answer(
    "A page of features",
    GEOJSON,
    {
        "type": {"const": "FeatureCollection"},
        "timeStamp": {"type": "string", "format": "date-time"},
        "numberMatched": {"type": "integer", "minimum": 0},
        "numberReturned": {"type": "integer", "minimum": 0},
        "links": {"type": "array", "items": _LINK},
        "features": {"type": "array", "items": {"type": "object", "required": [*_FEATURE], "properties": _FEATURE}},
    },
)
TEXT = {"type": "string"}
REFUSAL = answer(
    "Refused, and why (RFC 9457). `errors` names the field and the reason of each flaw in what was sent.",
    PROBLEM,
    {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
)
TOO_MANY = {
    **REFUSAL,
    "description": "Asked more often than one asker may. Wait so many seconds.",
    "headers": {"Retry-After": {"required": True, "description": "Seconds", "schema": {"type": "integer"}}},
}
REFUSALS: Answers = {"default": REFUSAL, 429: TOO_MANY}
IN_CRS = {
    "headers": {"Content-Crs": {"required": True, "description": "The system it is in, as <URI>", "schema": TEXT}}
}
READ_ONE: Answers = {200: {**FEATURE, **IN_CRS}}
READ_PAGE: Answers = {200: {**FEATURES, **IN_CRS}}
READ_SCHEMA: Answers = {
    200: answer(
        "A JSON schema", SCHEMA, {"$schema": TEXT, "$id": TEXT, "title": TEXT, "properties": {"type": "object"}}
    )
}
MADE: Answers = {201: FEATURE}
CHANGED: Answers = {200: FEATURE}
