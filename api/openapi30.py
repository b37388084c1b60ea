"""JSON Schema as OpenAPI 3.1 has it → the dialect of OpenAPI 3.0, which has no `null`, no `const`, no list of types.

What was valid stays valid. What 3.0 cannot say at all (`LOST`) is left out, so that it allows more, never less.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

NULL: Schema = {"enum": [None]}  # what `type: "null"` says; a schema without a type may be null
FORMATS = {"time": "time-local"}  # a time of day, of no day and no zone: the name that NL API Design Rules give it
NOTES = {"title", "description", "default", "example", "deprecated", "readOnly", "writeOnly", "externalDocs", "xml"}
KEPT = {
    "$ref", "type", "format", "nullable", "discriminator", "enum", "multipleOf", "maximum", "minimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required",
}  # fmt: skip
LOST = {
    "$comment", "$schema", "$id", "propertyNames", "contains", "minContains", "maxContains", "dependentRequired",
    "dependentSchemas", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems",
}  # fmt: skip
LISTS, MAPS, INSIDE = ("allOf", "anyOf", "oneOf"), ("properties",), ("not", "items", "additionalProperties")
CHANGED = {
    "const", "examples", "exclusiveMinimum", "exclusiveMaximum", "prefixItems", "patternProperties", "contentMediaType",
    "contentEncoding", "contentSchema",
}  # fmt: skip
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def schema(told: Mapping[str, Any] | bool) -> Schema:
    """Say a schema of 3.1 in the words of 3.0. Raises ValueError for a word that is not known to this module."""
    if isinstance(told, bool):
        return {} if told else {"not": {}}
    if odd := told.keys() - NOTES - KEPT - LOST - CHANGED - {*LISTS, *MAPS, *INSIDE}:
        raise ValueError(f"OpenAPI 3.0 has no word for {', '.join(sorted(odd))}")
    said = {name: value for name, value in told.items() if name in NOTES | KEPT}
    _inside(told, said)
    _values(told, said)
    _bounds(told, said)
    _lists(told, said)
    _formats(told, said)
    return _beside_reference(_without_null(_one_type(said)))


def _inside(told: Mapping[str, Any], said: Schema) -> None:
    for name in LISTS:
        if name in told:
            said[name] = [schema(part) for part in told[name]]
    for name in MAPS:
        if name in told:
            said[name] = {key: schema(part) for key, part in told[name].items()}
    for name in INSIDE:
        if name in told:
            plain = name == "additionalProperties" and isinstance(told[name], bool)
            said[name] = told[name] if plain else schema(told[name])
    if "patternProperties" in told and "additionalProperties" in said:
        others = [schema(part) for part in told["patternProperties"].values()]
        said["additionalProperties"] = {"anyOf": [*others, schema(told["additionalProperties"])]}


def _values(told: Mapping[str, Any], said: Schema) -> None:
    if "const" in told:
        only = [told["const"]]
        said["enum"] = [value for value in only if value in told.get("enum", only)] or only
        if said.get("type") is None and told["const"] is not None:
            said["type"] = TYPES[type(told["const"])]
    if told.get("examples"):
        said.setdefault("example", told["examples"][0])


def _bounds(told: Mapping[str, Any], said: Schema) -> None:
    """Tell a bound that is itself outside in two words; of two bounds the narrower counts."""
    for outside, bound, side in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if outside in told and side * told[outside] >= side * told.get(bound, told[outside]):
            said[bound], said[outside] = told[outside], True


def _lists(told: Mapping[str, Any], said: Schema) -> None:
    if "prefixItems" in told:
        places = [schema(part) for part in told["prefixItems"]]
        rest = told.get("items", True)
        said["items"] = {"anyOf": places if rest is False else [*places, schema(rest)]}
        if rest is False:
            said["maxItems"] = min(len(places), told.get("maxItems", len(places)))
    if "array" in _types(told):
        said.setdefault("items", {})  # which 3.0 demands


def _formats(told: Mapping[str, Any], said: Schema) -> None:
    if told.get("format") in FORMATS:
        said["format"] = FORMATS[told["format"]]
    if told.get("contentEncoding") == "base64":
        said["format"] = "byte"
    elif "contentMediaType" in told and "contentEncoding" not in told:
        said["format"] = "binary"


def _types(told: Mapping[str, Any]) -> list[str]:
    kind = told.get("type", [])
    return [kind] if isinstance(kind, str) else [*kind]


def _one_type(said: Schema) -> Schema:
    """Tell several types as a choice between schemas of one type each, null among them."""
    types = _types(said)
    if types != ["null"] and not isinstance(said.get("type"), list):
        return said
    rules = {name: value for name, value in _rules(said).items() if name != "type"}
    choice = [_of_type(rules, kind) for kind in types]
    return {**_notes(said), "anyOf": choice} if len(choice) > 1 else {**_notes(said), **choice[0]}


def _of_type(rules: Schema, kind: str) -> Schema:
    """Give the rules for what is of one type; an array has items here, whatever they are."""
    if kind != "null":
        return {**({"items": {}} if kind == "array" else {}), **rules, "type": kind}
    others = {name: value for name, value in rules.items() if name in {*LISTS, "not", "$ref", "enum"}}
    return {"allOf": [others, NULL]} if others else dict(NULL)


def _without_null(said: Schema) -> Schema:
    """Tell a choice between something of one type and null as something that is `nullable`."""
    for name in ("anyOf", "oneOf"):
        if said.get(name, []).count(NULL) != 1:
            continue
        others = [part for part in said[name] if part != NULL]
        alone = others[0] if len(others) == 1 and not _rules(said).keys() - {name} else {}
        if "type" in alone and not alone.keys() & {*LISTS, "not", "$ref", "nullable"}:
            listed = {"enum": [*alone["enum"], None]} if "enum" in alone and None not in alone["enum"] else {}
            return {**alone, **listed, **_notes(said), "nullable": True}
    return said


def _beside_reference(said: Schema) -> Schema:
    """Tell a reference apart from what stands beside it, which 3.0 does not read."""
    if "$ref" not in said or len(said) == 1:
        return said
    rest = {name: value for name, value in said.items() if name != "$ref"}
    return {**rest, "allOf": [{"$ref": said["$ref"]}, *rest.get("allOf", [])]}


def _notes(said: Schema) -> Schema:
    return {name: value for name, value in said.items() if name in NOTES}


def _rules(said: Schema) -> Schema:
    return {name: value for name, value in said.items() if name not in NOTES}
