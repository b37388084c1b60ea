"""The description of the API: what the framework makes of the routes, as a document of OpenAPI 3.0.3.

Standards ask for that version (OGC API Features, Part 1) and for more than the framework tells (NL API Design Rules):
the version in the address of the server and in a header of every answer, whom to ask, refusals by their status.
"""

import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import JSONResponse

from api.answers import GEOJSON, HEADER, REFUSAL, TOO_MANY, VERSION
from api.html import HTML, PAGES
from api.openapi30 import schema
from api.parameters import API
from geo.rights import OPERATIONS
from geo.settings import Settings
from geo.vocabulary import Role

Told = dict[str, Any]

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
TITLE = "Levende Kaart"
ABOUT = (
    "Neighbourhood assets, activities, neighbourhoods and coverage as OGC API Features. "
    "Names are English because they follow published English vocabularies (OGC, HSDS, OSM). "
    "What is read here needs no key; what is changed needs one, in the header X-API-Key. "
    "Every refusal is problem+json (RFC 9457), and its detail names the parameter."
)
LICENCE = {"name": "EUPL-1.2", "url": "https://interoperable-europe.ec.europa.eu/collection/eupl/eupl-text-eupl-12"}
# What a path begins with → its group and what that is. The first that fits counts.
GROUPS = (
    (r"/collections/[^/]+/(items|queryables|sortables|schema)|/collections", "Features",
     "Collections and their features, read (OGC API Features) and changed"),
    (r".*/tiles|/tiles|/tileMatrixSets|/styles", "Tiles", "Vector tiles (OGC API Tiles) and TileJSON"),
    (r"/exports", "Exports", "Whole collections as files"),
    (r"/coverage", "Coverage", "Which neighbourhoods miss what: runs, and what would change them"),
    (r"/imports", "Imports", "Files that administrators bring in"),
    (r"/hsds", "HSDS", "Organisations, services and locations (Human Services Data Specification 3.0)"),
    (r"/changes", "Changes", "What was made, changed and erased, in order"),
    (r"/vocabulary", "Vocabulary", "The controlled terms"),
    (r"/", "Capabilities", "Where to begin, and which standards this keeps to"),
)  # fmt: skip
ALL_AT_ONCE = {"style": "form", "explode": False}  # one parameter, with commas between the values
PARAMETERS: Mapping[str, Told] = {
    "bbox": {
        **ALL_AT_ONCE,
        "schema": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
    },
    "properties": {**ALL_AT_ONCE, "schema": {"type": "array", "items": {"type": "string"}}},
    "sortby": {**ALL_AT_ONCE, "schema": {"type": "array", "items": {"type": "string"}}},
    **dict.fromkeys(("crs", "bbox-crs", "filter-crs", "datetime", "limit"), ALL_AT_ONCE),
}
SCHEMAS = "#/components/schemas/"
REFUSED, MANY = {"$ref": "#/components/responses/Refused"}, {"$ref": "#/components/responses/TooMany"}
KEPT = ("/v1/collections", "/v1/hsds")
STILL_SO = {
    "description": "Nothing changed since the answer whose `ETag` was sent as `If-None-Match`.",
    "headers": {HEADER: {"$ref": f"#/components/headers/{HEADER}"}},
}
HEADERS = {HEADER: {"$ref": f"#/components/headers/{HEADER}"}}


def describe(told: Mapping[str, Any], settings: Settings) -> Told:
    """Make the document of 3.0.3 from one of 3.1: the routes under /v1, and what they name.

    A path that answers with and without a slash at its end is told without it.
    """
    paths = {
        path.removeprefix(API).rstrip("/") or "/": {method: _operation(path, each) for method, each in methods.items()}
        for path, methods in told["paths"].items()
        if path.startswith(API)
    }
    groups = {tag for methods in paths.values() for each in methods.values() for tag in each["tags"]}
    components = told.get("components", {})
    root = settings.public_url or ""
    described = {
        "openapi": "3.0.3",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT, "contact": contact(settings)}
        | {"license": LICENCE},
        "servers": [{"url": f"{root}{API}", "description": "The whole API; its major version stands in the address"}],
        "tags": [{"name": name, "description": about} for _, name, about in GROUPS if name in groups],
        "paths": paths,
        "components": {
            "schemas": {name: schema(each) for name, each in components.get("schemas", {}).items()}
            | {"Problem": schema(_only(REFUSAL["content"])["schema"])},
            "responses": {"Refused": _refusal(REFUSAL), "TooMany": _refusal(TOO_MANY)},
            "headers": {HEADER: {"required": True, "description": "The full version", "schema": {"type": "string"}}},
            "securitySchemes": components.get("securitySchemes", {}),
        },
    }
    renamed: Told = _renamed(described)
    return renamed


def contact(settings: Settings) -> dict[str, str]:
    """Say whom to ask: who mail comes from, else whoever keeps the site, as RFC 2142 has it."""
    root = settings.public_url or ""
    mail = parseaddr(settings.mail_from)[1] or f"webmaster@{urlsplit(root).hostname or 'kaart.invalid'}"
    return {"name": TITLE, "email": mail, "url": f"{root}/about"}


def answer(request: Request) -> JSONResponse:
    """Send the description, as what it is or to whoever asks for that as plain JSON."""
    accepted = request.headers.get("accept", "*/*")
    plain = "*/*" not in accepted and "vnd.oai.openapi" not in accepted
    headers = {"Vary": "Accept", "Access-Control-Allow-Origin": "*"}
    return JSONResponse(request.app.openapi(), headers=headers, media_type="application/json" if plain else OPENAPI)


def _operation(path: str, told: Mapping[str, Any]) -> Told:
    name = told["operationId"]
    said = {key: told[key] for key in ("summary", "description", "operationId") if key in told}
    said["tags"] = [next(group for start, group, _ in GROUPS if re.match(start, path.removeprefix(API)))]
    if told.get("parameters"):
        said["parameters"] = [_parameter(each) for each in told["parameters"]]
    if "requestBody" in told:
        content = _content(told["requestBody"]["content"])
        if "/items" in path:  # what is sent there is a feature
            content = {GEOJSON: _only(content), **content}
        said["requestBody"] = {**told["requestBody"], "content": content}
    shown = _with_page if name in PAGES else dict
    open_to_all = Role.visitor in OPERATIONS.get(name, {})
    said["responses"] = {
        **{code: shown(_response(each)) for code, each in told["responses"].items() if code.startswith("2")},
        **({"304": STILL_SO} if open_to_all and name.startswith("read_") and path.startswith(KEPT) else {}),
        **dict.fromkeys(_refused(path, told, open_to_all), REFUSED),
        "429": MANY,
        "default": REFUSED,
    }
    said["security"] = [*([{}] if open_to_all else []), {"ApiKey": []}]
    return said


def _refused(path: str, told: Mapping[str, Any], open_to_all: bool) -> Iterator[str]:
    """Name the statuses with which an operation refuses, besides 429."""
    if told.get("parameters") or "requestBody" in told:
        yield "400"
    if not open_to_all:
        yield from ("401", "403")
    if "{" in path:
        yield "404"


def _parameter(told: Mapping[str, Any]) -> Told:
    """Describe a parameter: none of them can be sent as null."""
    said = {**told, "schema": _never_null(schema(told["schema"]))}
    if said["in"] != "query":
        return said
    told_elsewhere = PARAMETERS.get(said["name"], {})
    notes = {key: value for key, value in said["schema"].items() if key in ("title", "description", "default")}
    if notes.get("default") == "":
        del notes["default"]
    replaced = {"schema": {**notes, **told_elsewhere["schema"]}} if "schema" in told_elsewhere else {}
    return {**said, **told_elsewhere, **replaced}


def _never_null(told: Told) -> Told:
    return {key: value for key, value in told.items() if key != "nullable"}


def _response(told: Mapping[str, Any]) -> Told:
    said = {**told, "headers": {**_headers(told), **HEADERS}}
    return said | ({"content": _content(told["content"])} if "content" in told else {})


def _with_page(told: Mapping[str, Any]) -> Told:
    """Describe an answer that a person can read too."""
    return {**told, "content": {**told["content"], HTML: {"schema": {"type": "string"}}}}


def _refusal(told: Mapping[str, Any]) -> Told:
    """Describe a refusal, with the schema that all of them share."""
    media_type = next(iter(told["content"]))
    return _response({**told, "content": {media_type: {"schema": {"$ref": f"{SCHEMAS}Problem"}}}})


def _headers(told: Mapping[str, Any]) -> Told:
    return {name: {**each, "schema": schema(each["schema"])} for name, each in told.get("headers", {}).items()}


def _content(told: Mapping[str, Any]) -> Told:
    return {
        media: {**each, "schema": schema(each["schema"])} if "schema" in each else {**each}
        for media, each in told.items()
    }


def _only(content: Mapping[str, Any]) -> Any:
    return next(iter(content.values()))


def _renamed(told: Any) -> Any:
    """Write the names of schemas as one word in capitals, where they stand and where they are named."""
    if isinstance(told, dict):
        named = {"schemas"} & told.keys() if "responses" in told else ()
        return {
            key: {_pascal(name): _renamed(each) for name, each in value.items()} if key in named else _renamed(value)
            for key, value in told.items()
        }
    if isinstance(told, list):
        return [_renamed(each) for each in told]
    if isinstance(told, str) and told.startswith(SCHEMAS):
        return SCHEMAS + _pascal(told.removeprefix(SCHEMAS))
    return told


def _pascal(name: str) -> str:
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[0].upper() + word[1:] for word in (words[1:] if words[0] == "api" else words))
