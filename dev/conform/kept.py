"""The facts that are kept in the repository, so that the tests hold them without the contracts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.routing import shape
from dev.conform.contract import Contract
from dev.conform.trim import Json, reachable, references, trim_openapi, trim_types

FACTS = Path(__file__).parents[2] / "tests" / "conformance"
#: Schemas of Akua that are an operation, or name one.
_OPERATIONS = {"Operation", "MachineOperation", "PackageOperationEnvelope", "OperationEnvelope"}


def kept(api: str) -> Contract:
    """Return the contract of an API as it is kept here."""
    return Contract(_read(FACTS / f"{api}.json"), later(api))


def later(api: str) -> Json:
    """Return what is known beyond the contract."""
    return _read(FACTS / f"{api}_later.json")


def read_contract(path: Path) -> tuple[str, Json]:
    """Return the API and the facts of a contract: Akua's OpenAPI, or the types of Nirvana."""
    document = _read(path)
    if "openapi" not in document:
        return "nirvana", nirvana_facts(document)
    served = {f"{method} {shape(template)}" for method, template in _routes("akua")}
    everything = trim_openapi(document, lambda _: True)
    starting = {
        name
        for name, call in everything["calls"].items()
        if not name.startswith("GET ") and names_operation(call, everything["schemas"])
    }
    return "akua", trim_openapi(document, lambda name: name in starting or shape(name) in served)


def nirvana_facts(document: Json) -> Json:
    """Return the facts of Nirvana's types that its calls use; the types name no calls, so those are kept here."""
    facts, calls, more = trim_types(document), _read(FACTS / "nirvana_calls.json"), later("nirvana")["schemas"]
    errors = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    needed = reachable([calls, more], {**more, **facts["schemas"]})
    return {
        **facts,
        "calls": {name: {**call, "errors": {"schema": errors}} for name, call in calls.items()},
        "schemas": {name: schema for name, schema in needed.items() if name in facts["schemas"]},
    }


def names_operation(call: Json, schemas: Json) -> bool:
    """Return whether the answer of a call is an operation, or may name one."""
    return any(_has_operation(answer, schemas, set()) for answer in call["answers"].values())


def _has_operation(part: Any, schemas: Json, seen: set[str]) -> bool:
    if isinstance(part, dict) and "operation_id" in part.get("properties", {}):
        return True
    names = references(part) - seen
    if names & _OPERATIONS:
        return True
    if isinstance(part, dict) and any(_has_operation(one, schemas, seen) for one in part.values() if one):
        return True
    if isinstance(part, list) and any(_has_operation(one, schemas, seen) for one in part):
        return True
    return any(_has_operation(schemas[name], schemas, seen | names) for name in names)


def _routes(api: str) -> list[tuple[str, str]]:
    return [(route.method, route.template) for route in Simulator().apis[api].routes()]


def _read(path: Path) -> Json:
    facts: Json = json.loads(path.read_text(encoding="utf-8"))
    return facts


def written(facts: Json) -> str:
    """Return facts as text, a line for each call and each schema."""
    parts = []
    for name, part in facts.items():
        if name not in ("calls", "schemas"):
            parts.append(f"{json.dumps(name)}: {json.dumps(part)}")
            continue
        rows = [f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in part.items()]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
