"""The description is a true document of OpenAPI 3.0.3, and says of every value what the code says of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator
from pydantic import TypeAdapter

from api import describing
from api.answers import HEADER, VERSION
from api.asking import ItemsQuery
from api.describing import GROUPS
from api.openapi30 import schema
from geo.rights import OPERATIONS
from geo.settings import Settings
from tests.described import app, description
from tests.integration.town import ways

Told = dict[str, Any]
ONLY_IN_31 = {
    "const", "examples", "prefixItems", "patternProperties", "propertyNames", "contentMediaType", "contentEncoding",
    "$defs", "$schema", "if", "then", "else", "unevaluatedProperties", "dependentRequired", "jsonSchemaDialect",
}  # fmt: skip


def schemas(told: Any, *, inside: bool = False) -> Iterator[Told]:
    """Find every schema of a description, those within others too."""
    if isinstance(told, list):
        for each in told:
            yield from schemas(each, inside=inside)
    if not isinstance(told, dict):
        return
    if inside:
        yield told
    for key, value in told.items():
        if key in ("example", "default", "enum", "examples", "mapping"):
            continue
        if key == "schemas" or (inside and key == "properties"):
            for each in value.values():
                yield from schemas(each, inside=True)
        else:
            yield from schemas(value, inside=inside or key == "schema")


def operations() -> dict[str, Told]:
    """Give the operations of the description by their names."""
    return {each["operationId"]: each for path in description()["paths"].values() for each in path.values()}


def test_the_description_is_a_valid_document_of_openapi_3_0_3() -> None:
    assert description()["openapi"] == "3.0.3"
    assert [error.message for error in OpenAPIV30SpecValidator(description()).iter_errors()] == []


def test_no_schema_uses_a_word_that_3_0_does_not_have() -> None:
    found = list(schemas(description()))
    assert len(found) > 300
    for each in found:
        assert not each.keys() & ONLY_IN_31
        assert isinstance(each.get("type", ""), str)
        assert each.get("type") != "null"
        assert isinstance(each.get("exclusiveMinimum", False), bool)
        assert isinstance(each.get("exclusiveMaximum", False), bool)
        assert "$ref" not in each or len(each) == 1


def test_the_names_of_operations_are_those_of_their_routes_and_each_is_there_once() -> None:
    named = [each["operationId"] for path in description()["paths"].values() for each in path.values()]
    described = {way.name for way in ways(app()) if way.path.startswith("/v1/")} - {"read_openapi"}
    assert len(named) == len(set(named))
    assert set(named) == described
    assert described <= OPERATIONS.keys()


def test_every_operation_is_in_a_group_that_says_what_it_is() -> None:
    groups = {tag["name"]: tag["description"] for tag in description()["tags"]}
    used = {tag for each in operations().values() for tag in each["tags"]}
    assert groups.keys() == used <= {name for _, name, _ in GROUPS}
    assert all(groups.values())
    assert operations()["read_items"]["tags"] == ["Features"]
    assert operations()["what_if"]["tags"] == ["Coverage"]
    assert operations()["read_landing"]["tags"] == ["Capabilities"]


def test_every_answer_that_succeeds_says_the_version_in_a_header() -> None:
    for name, each in operations().items():
        for status, answer in each["responses"].items():
            assert not status.startswith("2") or HEADER in answer["headers"], (name, status)
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert description()["info"]["version"] == VERSION


def test_who_may_do_something_without_a_key_is_told() -> None:
    assert operations()["read_items"]["security"] == [{}, {"ApiKey": []}]
    assert operations()["create_asset"]["security"] == [{"ApiKey": []}]
    assert {"401", "403"} <= operations()["create_asset"]["responses"].keys()
    assert not {"401", "403"} & operations()["read_items"]["responses"].keys()


def test_the_parameters_of_items_are_told_as_ogc_wants_them() -> None:
    told = {each["name"]: each for each in operations()["read_items"]["parameters"] if each["in"] == "query"}
    assert told.keys() == {field.alias or name for name, field in ItemsQuery.model_fields.items()}
    bbox, limit, moment = told["bbox"], told["limit"], told["datetime"]
    assert (bbox["style"], bbox["explode"], bbox["required"]) == ("form", False, False)
    assert {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}.items() <= bbox[
        "schema"
    ].items()
    assert (limit["style"], limit["explode"]) == ("form", False)
    assert {"type": "integer", "minimum": 1, "default": 100}.items() <= limit["schema"].items()
    assert (moment["style"], moment["explode"], moment["schema"]["type"]) == ("form", False, "string")
    assert all("nullable" not in each["schema"] for each in told.values())


@pytest.mark.parametrize(
    ("public", "mail", "contact", "server"),
    [
        ("https://kaart.example.nl", "", "webmaster@kaart.example.nl", "https://kaart.example.nl/v1"),
        (None, "Kaart <kaart@example.nl>", "kaart@example.nl", "/v1"),
        (None, "", "webmaster@kaart.invalid", "/v1"),
    ],
)
def test_the_description_says_whom_to_ask_and_where(public: str | None, mail: str, contact: str, server: str) -> None:
    settings = Settings(public_url=public, mail_from=mail, tile_url="")
    told = describing.describe({"paths": {}}, settings)
    assert told["info"]["contact"]["email"] == contact
    assert told["servers"][0]["url"] == server


# Each as 3.1 has it, and what it must be in 3.0, from the specifications.
SAID: list[tuple[Told | bool, Told]] = [
    (True, {}),
    (False, {"not": {}}),
    ({"type": "null"}, {"enum": [None]}),
    ({"const": 5}, {"enum": [5], "type": "integer"}),
    ({"type": ["string", "null"], "maxLength": 3}, {"type": "string", "maxLength": 3, "nullable": True}),
    (
        {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Q"},
        {"type": "string", "title": "Q", "nullable": True},
    ),
    (
        {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
        {"type": "string", "enum": ["a", None], "nullable": True},
    ),
    ({"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}, {"anyOf": [{"$ref": "#/x"}, {"enum": [None]}]}),
    ({"$ref": "#/x", "description": "D"}, {"allOf": [{"$ref": "#/x"}], "description": "D"}),
    ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
    (
        {"type": "number", "exclusiveMaximum": 9, "maximum": 5, "exclusiveMinimum": 1, "minimum": 1},
        {"type": "number", "maximum": 5, "minimum": 1, "exclusiveMinimum": True},
    ),
    ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
    ({"type": "string", "contentMediaType": "image/png"}, {"type": "string", "format": "binary"}),
    (
        {"type": "string", "contentMediaType": "image/png", "contentEncoding": "base64"},
        {"type": "string", "format": "byte"},
    ),
    ({"type": "array"}, {"type": "array", "items": {}}),
    (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": False},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}, "maxItems": 2},
    ),
    ({"type": "object", "propertyNames": {"maxLength": 3}}, {"type": "object"}),
    ({"type": "string", "format": "time"}, {"type": "string", "format": "time-local"}),
]


@pytest.mark.parametrize(("told", "said"), SAID)
def test_a_schema_is_said_in_the_words_of_3_0(told: Told | bool, said: Told) -> None:
    assert schema(told) == said


def test_a_word_that_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="no word for knurled"):
        schema({"type": "object", "properties": {"nut": {"knurled": True}}})


NUMBERS, TEXTS = st.integers(-3, 3), st.sampled_from(["", "a", "bb", "ccc"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from([0.5, 1.5]) | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("abc"), inside, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def some(**words: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    return st.fixed_dictionaries({}, optional=words)


def larger(inside: st.SearchStrategy[Told]) -> st.SearchStrategy[Told]:
    several = st.lists(inside, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from("abc"), inside, max_size=3)
    return some(type=TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True), anyOf=several) | some(
        items=inside, properties=named, additionalProperties=inside | st.booleans(), oneOf=several, allOf=several
    )


# Every word that 3.0 says in another way, with all of its meaning.
SCHEMAS = st.recursive(
    some(
        type=TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True), minimum=NUMBERS, exclusiveMinimum=NUMBERS,
        maximum=NUMBERS, exclusiveMaximum=NUMBERS, minLength=st.integers(0, 2), maxItems=st.integers(0, 2),
    )
    | some(const=st.none() | NUMBERS | TEXTS, description=TEXTS)
    | some(enum=st.lists(st.none() | NUMBERS | TEXTS, min_size=1, max_size=3, unique=True), type=TYPES),
    larger,
    max_leaves=6,
)  # fmt: skip


@given(told=SCHEMAS, value=VALUES)
@settings(max_examples=1500)
def test_the_same_values_are_valid_in_both_versions(told: Told, value: object) -> None:
    said = schema(told)
    assert Draft202012Validator(told).is_valid(value) == OAS30Validator(said).is_valid(value)


PLACES = some(
    prefixItems=st.lists(SCHEMAS, min_size=1, max_size=2), items=st.booleans() | SCHEMAS, maxItems=st.integers(0, 3)
)
NAMES = some(
    patternProperties=st.dictionaries(st.sampled_from("ab"), SCHEMAS, max_size=2), additionalProperties=st.booleans(),
    propertyNames=st.just({"enum": ["a"]}), properties=st.dictionaries(st.just("c"), SCHEMAS),
)  # fmt: skip


@given(told=PLACES | NAMES, value=VALUES)
def test_what_3_0_cannot_say_allows_more_and_never_less(told: Told, value: object) -> None:
    if Draft202012Validator(told).is_valid(value):
        assert OAS30Validator(schema(told)).is_valid(value)


def test_what_the_code_takes_of_a_query_is_what_the_description_says() -> None:
    told = TypeAdapter(ItemsQuery).json_schema(by_alias=True)["properties"]
    described = {each["name"]: each["schema"] for each in operations()["read_items"]["parameters"]}
    for name in ("limit", "year", "filter-lang"):
        for value in (0, 1, 1899, 2000, 10_000, 10_001, "cql2-text", "cql2-json", "x", 0.5):
            assert Draft202012Validator(told[name]).is_valid(value) == OAS30Validator(described[name]).is_valid(value)
