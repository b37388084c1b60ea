"""The description keeps the NL API Design Rules: by our ruleset, each rule of which bites, and by the official one."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from geo.settings import CHECKOUT
from tests.described import description

OURS = CHECKOUT / ".spectral.yml"
OFFICIAL = CHECKOUT.parent / "shared" / "data" / "standards" / "nl-api-design-rules.spectral.yml"
CAMEL, KEBAB = "nlgov:query-keys-camel-case", "nlgov:paths-kebab-case"
DAYS = "nlgov:use-date-instead-of-datetime"
# The official rules want camelCase of all; their own geospatial module, as OGC API Features, wants these three names.
DECLARED = {(CAMEL, name) for name in ("bbox-crs", "filter-lang", "filter-crs")}
# What a published specification names: HSDS its resources, parameters and properties, OGC its sets of tiles.
NAMED = re.compile(r"/hsds|.*/(tileMatrixSets|WebMercatorQuad)\b")

Told = dict[str, Any]
PROBLEM = {
    "description": "Refused",
    "content": {
        "application/problem+json": {"schema": {"type": "object", "properties": {
            "status": {"type": "integer"}, "title": {"type": "string"}, "detail": {"type": "string"},
        }}}
    },
}  # fmt: skip
VERSION = {"API-Version": {"schema": {"type": "string"}}}
CRS = {"Content-Crs": {"schema": {"type": "string"}}}
FEATURE: Told = {"application/geo+json": {"schema": {"type": "object"}}}
ITEMS, ITEM = "/collections/{collection}/items", "/collections/{collection}/items/{item}"


def parameter(name: str, place: str = "query") -> Told:
    return {"name": name, "in": place, "schema": {"type": "string"}} | ({"required": True} if place == "path" else {})


def operation(name: str, *parameters: Told, headers: Told | None = None, content: Told | None = None) -> Told:
    given = {"description": "Given", "headers": {**VERSION, **(headers or {})}}
    return {
        "operationId": name, "tags": ["All"], "parameters": list(parameters),
        "responses": {"200": given | ({"content": content} if content else {}), "400": PROBLEM, "default": PROBLEM},
    }  # fmt: skip


def sound() -> Told:
    """Make a small description with which nothing is wrong."""
    asked = [parameter("collection", "path"), *map(parameter, ("bbox", "bbox-crs", "crs", "filter-crs", "nearBy"))]
    reading = operation("read_items", *asked, headers=CRS, content=FEATURE)
    adding = operation("create", asked[0]) | {"requestBody": {"content": FEATURE}}
    return deepcopy({
        "openapi": "3.0.3",
        "info": {
            "title": "Town", "version": "1.2.3", "description": "Names follow published English vocabularies.",
            "contact": {"name": "Town", "email": "town@example.org", "url": "https://example.org"},
        },
        "servers": [{"url": "https://example.org/v1"}],
        "tags": [{"name": "All"}],
        "paths": {
            "/": {"get": operation("landing")},
            ITEMS: {"get": reading, "post": adding},
            "/street-names": {"get": operation("streets", content={
                "application/json": {"schema": {"type": "string", "example": "Dorpsstraat"}, "example": "Kerkstraat"}
            })},
        },
    })  # fmt: skip


def put(*path: str | int, to: object) -> Callable[[Told], None]:
    """Make what puts a value somewhere in a description."""

    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = to

    return change


def drop(*path: str | int) -> Callable[[Told], None]:
    """Make what takes something out of a description."""

    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        del told[path[-1]]

    return change


def unnamed(name: str) -> Callable[[Told], None]:
    """Make what takes a parameter from the items of a collection."""

    def change(told: Any) -> None:
        asked = told["paths"][ITEMS]["get"]["parameters"]
        asked[:] = [each for each in asked if each["name"] != name]

    return change


STREETS = ("paths", "/street-names", "get")
STREET = (*STREETS, "responses", "200", "content", "application/json")
PLACE = (*STREET, "schema")
WRONG = {"application/json": {"schema": {"type": "object"}}}
SHORT = {"application/problem+json": {"schema": {"type": "object", "properties": {"title": {"type": "string"}}}}}
# What breaks each rule, in one way or in several.
BREAKING: dict[str, list[Callable[[Told], None]]] = {
    "oas3-schema": [drop("info", "title"), put(*PLACE, "nullable", to="yes")],
    "oas3-api-servers": [drop("servers")],
    "oas3-server-variables": [put("servers", 0, "url", to="https://{town}.example.org/v1")],
    "oas3-valid-media-example": [put(*STREET, "example", to=5)],
    "oas3-valid-schema-example": [put(*PLACE, "example", to=5)],
    "openapi-tags-uniqueness": [put("tags", to=[{"name": "All"}, {"name": "All"}])],
    "operation-operationId-unique": [put(*STREETS, "operationId", to="landing")],
    "operation-tag-defined": [put(*STREETS, "tags", to=["Some"])],
    "path-params": [unnamed("collection")],
    "/core/doc-openapi": [put("openapi", to="2.0")],
    "/core/doc-openapi-contact": [drop("info", "contact"), drop("info", "contact", "email")],
    "/core/semver": [put("info", "version", to="1"), put("info", "version", to="v1.2.3")],
    "/core/interface-language": [put("info", "description", to="Things of the town.")],
    "/core/uri-version": [put("servers", 0, "url", to="https://example.org/api")],
    "/core/transport/tls": [put("servers", 0, "url", to="http://example.org/v1")],
    "/core/version-header": [drop(*STREETS, "responses", "200", "headers"),
                             put(*STREETS, "responses", "200", "headers", to=CRS)],
    "/core/no-trailing-slash": [put("paths", "/squares/", to={"get": operation("squares")})],
    "/core/path-segments-kebab-case": [put("paths", "/street_names", to={"get": operation("squares")}),
                                       put("paths", "/StreetNames", to={"get": operation("squares")})],
    "/core/query-keys-camel-case": [put(*STREETS, "parameters", to=[parameter("near_by")]),
                                    put(*STREETS, "parameters", to=[parameter("near-by")])],
    "/core/http-methods": [put("paths", "/street-names", "trace", to=operation("trace"))],
    "/core/error-handling/problem-details": [
        put(*STREETS, "responses", "404", to={"description": "Gone", "content": WRONG}),
        put(*STREETS, "responses", "404", to={"description": "Gone"}),
        put(*STREETS, "responses", "default", to={"description": "Gone", "content": SHORT}),
    ],
    "/core/error-handling/invalid-input": [drop("paths", ITEMS, "get", "responses", "400"),
                                           drop("paths", ITEMS, "post", "responses", "400")],
    "/core/date-time/date-omit-time-portion": [
        put("components", to={"schemas": {"Town": {"properties": {"built_on": {"format": "date-time"}}}}})
    ],
    "/core/date-time/timezone": [put(*PLACE, "format", to="time")],
    "/geo/geojson-response": [put("paths", ITEMS, "get", "responses", "200", "content", to=WRONG)],
    "/geo/geojson-request": [put("paths", ITEMS, "post", "requestBody", "content", to=WRONG)],
    "/geo/content-crs-response-header": [put("paths", ITEMS, "get", "responses", "200", "headers", to=VERSION)],
    "/geo/bbox-query-parameter": [unnamed("bbox")],
    "/geo/bbox-crs-query-parameter": [unnamed("bbox-crs")],
    "/geo/filter-crs-query-parameter": [unnamed("filter-crs")],
    "/geo/crs-query-parameter": [unnamed("crs")],
}  # fmt: skip


def lint(ruleset: Path, *documents: Path) -> dict[str, list[Told]]:
    """Hold documents against a ruleset; give what is found in each, by the name of its file."""
    programs = (CHECKOUT / ".venv/bin/node", CHECKOUT / "node_modules/.bin/spectral")
    spectral = [*map(str, programs), "lint", "-q", "-f", "json", "-r", str(ruleset)]
    done = subprocess.run(
        [*spectral, *map(str, documents)], capture_output=True, text=True, timeout=300, check=False, cwd=CHECKOUT
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, list[Told]] = defaultdict(list)
    for each in json.loads(done.stdout):
        found[Path(each["source"]).name].append(each)
    return found


def written(folder: Path, name: str, told: Told) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Told]]:
    """Give what our ruleset finds in a sound description, and in one for each way to break each rule."""
    folder = tmp_path_factory.mktemp("broken")
    documents = [written(folder, "sound", sound())]
    for number, (_, change) in enumerate(ways()):
        told = sound()
        change(told)
        documents.append(written(folder, str(number), told))
    return lint(OURS, *documents)


def ways() -> Iterable[tuple[str, Callable[[Told], None]]]:
    return [(rule, change) for rule, changes in BREAKING.items() for change in changes]


@pytest.mark.parametrize(("number", "rule"), [(number, rule) for number, (rule, _) in enumerate(ways())])
def test_a_description_that_breaks_a_rule_is_refused_by_the_id_of_that_rule(
    broken: dict[str, list[Told]], number: int, rule: str
) -> None:
    assert rule in {found["code"] for found in broken[f"{number}.json"] if found["severity"] == 0}


def test_a_sound_description_is_not_refused(broken: dict[str, list[Told]]) -> None:
    assert broken["sound.json"] == []


def test_every_rule_of_ours_is_broken_by_a_test() -> None:
    _, _, rules = OURS.read_text(encoding="utf-8").partition("\nrules:\n")
    lines = [line for line in rules.splitlines() if line.startswith("  ") and line[2] not in " #"]
    assert {line.strip().partition(":")[0] for line in lines} == BREAKING.keys()


def test_our_description_keeps_our_ruleset(tmp_path: Path) -> None:
    assert lint(OURS, written(tmp_path, "ours", description())) == {}


def test_our_description_keeps_the_official_ruleset_but_for_what_is_declared(tmp_path: Path) -> None:
    if not OFFICIAL.exists():
        pytest.skip("the official ruleset of the NL API Design Rules is not beside the checkout")
    told = description()
    found = lint(OFFICIAL, written(tmp_path, "ours", told))["ours.json"]
    quarrels = {(each["code"], named(told, each["path"])) for each in found if not is_declared(each)}
    assert quarrels == DECLARED


def is_declared(found: Told) -> bool:
    """Say whether a finding is about a name that another standard gives."""
    return found["code"] in (CAMEL, KEBAB, DAYS) and bool(NAMED.match(found["path"][1]))


def named(told: Any, path: list[str]) -> str:
    """Give the value that a finding is about, or where it stands."""
    for step in path:
        told = told[int(step) if isinstance(told, list) else step]
    return told if isinstance(told, str) else "/".join(map(str, path))
