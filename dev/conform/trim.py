"""Facts of a contract: paths, parameters, fields, types. Nothing that a vendor wrote for people is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

#: Keywords of JSON Schema that bound values; descriptions, titles, examples and defaults are left out.
_KEPT = frozenset(
    {
        "$ref", "type", "properties", "required", "enum", "const", "items", "additionalProperties",
        "anyOf", "oneOf", "allOf", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
        "minItems", "maxItems", "pattern",
    }
)  # fmt: skip
_METHODS = ("get", "post", "put", "patch", "delete")


def trim_openapi(document: Json, wanted: Callable[[str], bool]) -> Json:
    """Return the facts of an OpenAPI 3.1 document about the calls that are wanted, like `GET /clusters/{id}`."""
    calls = {
        f"{method.upper()} {path}": _call(document, item, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    }
    count = len(calls)
    kept = {name: call for name, call in sorted(calls.items()) if wanted(name)}
    schemas = {name: trim(schema) for name, schema in document["components"]["schemas"].items()}
    info = document["info"]
    return {
        "contract": {"title": info["title"], "version": info["version"], "calls": count},
        "calls": kept,
        "schemas": reachable(kept, schemas),
    }


def trim_types(document: Json) -> Json:
    """Return the facts of a JSON Schema whose definitions are the types of an API."""
    schemas = {name: trim(schema) for name, schema in document["definitions"].items()}
    # types say nothing of parameters, and of bodies only what stands in them
    return {"contract": {"types": len(schemas), "requests": False}, "schemas": schemas}


def trim(schema: Any) -> Any:
    """Return a schema without what is written for people, its references relative to `$defs`."""
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: _inside(name, value) for name, value in schema.items() if name in _KEPT}
    parts = [part for part in kept.get("allOf", ()) if part]
    if len(parts) == 1 and len(kept) == 1:
        only: Json = parts[0]
        return only
    return kept


def _inside(name: str, value: Any) -> Any:
    if name == "properties":
        return {field: trim(schema) for field, schema in value.items()}
    if name in ("anyOf", "oneOf", "allOf"):
        return [trim(schema) for schema in value]
    if name in ("items", "additionalProperties"):
        return trim(value)
    return f"#/$defs/{value.rpartition('/')[2]}" if name == "$ref" else value


def _call(document: Json, item: Json, call: Json) -> Json:
    facts: Json = {}
    for entry in (*item.get("parameters", ()), *call.get("parameters", ())):
        parameter = _resolve(document, entry)
        fact = {"schema": trim(parameter["schema"]), "required": parameter.get("required", False)}
        facts.setdefault(parameter["in"], {})[parameter["name"]] = fact
    if "requestBody" in call:
        body = _resolve(document, call["requestBody"])
        facts["body"] = {"schema": trim(_json_of(body)), "required": body.get("required", False)}
    answers = {status: trim(_json_of(_resolve(document, answer))) for status, answer in call["responses"].items()}
    facts["answers"] = {status: schema for status, schema in answers.items() if status < "300"}
    # all errors of an API look alike, so that which there are says enough
    facts["errors"] = {"schema": next((schema for status, schema in answers.items() if status >= "400"), None)}
    return facts


def _json_of(part: Json) -> Any:
    return part.get("content", {}).get("application/json", {}).get("schema")


def _resolve(document: Json, part: Json) -> Json:
    while "$ref" in part:
        place = part["$ref"].removeprefix("#/").split("/")
        part = document
        for name in place:
            part = part[name.replace("~1", "/").replace("~0", "~")]
    return part


def reachable(start: Any, schemas: Mapping[str, Any]) -> Json:
    """Return the schemas that `start` refers to, and those they refer to."""
    found: Json = {}
    left = list(references(start))
    while left:
        name = left.pop()
        if name not in found:
            found[name] = schemas[name]
            left += references(schemas[name])
    return dict(sorted(found.items()))


def references(part: Any) -> set[str]:
    """Return the names of all schemas that a part of the facts refers to."""
    if isinstance(part, Mapping):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(references(value) for value in part))
    return set()


def merged(facts: Any, changes: Any) -> Any:
    """Return facts with later ones on top, as JSON Merge Patch (RFC 7396) has it."""
    if not isinstance(changes, Mapping):
        return changes
    result = dict(facts) if isinstance(facts, Mapping) else {}
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
