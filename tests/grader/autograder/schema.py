"""Holds a JSON value against result.schema.json, without a library.

Only the words of JSON Schema 2020-12 that the file uses are known; a test holds the verdicts
against those of the library `jsonschema` where that is installed.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Iterator

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}
RULES = {"$ref", "type", "const", "enum", "minimum", "minLength", "maxLength", "pattern", "maxItems",
         "items", "required", "properties", "additionalProperties"}


@cache
def load_schema() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("result.schema.json").read_text(encoding="utf-8"))


def find_faults(value: Any, schema: dict[str, Any] | None = None, place: str = "result") -> Iterator[str]:
    """Tells each way in which a value breaks the schema, as in "result.seed is not an integer"."""
    schema = load_schema() if schema is None else schema
    unknown = schema.keys() - ANNOTATIONS - RULES
    if unknown:
        raise ValueError(f"the schema has words that nobody checks: {sorted(unknown)}")
    if "$ref" in schema:
        yield from find_faults(value, load_schema()["$defs"][schema["$ref"].split("/")[-1]], place)
    if "type" in schema and not is_of_type(value, schema["type"]):
        yield f"{place} is not of type {schema['type']}"
        return
    if "const" in schema and not is_same(value, schema["const"]):
        yield f"{place} is not {schema['const']!r}"
    if "enum" in schema and not any(is_same(value, allowed) for allowed in schema["enum"]):
        yield f"{place} is none of {schema['enum']}"
    if isinstance(value, (int, float)) and value < schema.get("minimum", value):
        yield f"{place} is less than {schema['minimum']}"
    if isinstance(value, str):
        yield from find_faults_of_text(value, schema, place)
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{place} has more than {schema['maxItems']} items"
        for index, item in enumerate(value):
            yield from find_faults(item, schema.get("items", {}), f"{place}[{index}]")
    if isinstance(value, dict):
        yield from find_faults_of_object(value, schema, place)


def find_faults_of_text(value: str, schema: dict[str, Any], place: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{place} is too short"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{place} has more than {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place} does not match {schema['pattern']}"


def find_faults_of_object(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place} has no {name}"
    for name, item in value.items():
        if name in properties:
            yield from find_faults(item, properties[name], f"{place}.{name}")
        elif not schema.get("additionalProperties", True):
            yield f"{place} has an unknown {name}"


def is_of_type(value: Any, names: str | list[str]) -> bool:
    """In JSON, true is no number, and 2.0 is an integer."""
    for name in [names] if isinstance(names, str) else names:
        if isinstance(value, bool):
            if name == "boolean":
                return True
        elif isinstance(value, TYPES[name]) or (
                name == "integer" and isinstance(value, float) and value.is_integer()):
            return True
    return False


def is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right
