"""What client and simulator send is what the vendors' contracts describe; the contracts are kept as bare facts."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from dev.conform import surface
from dev.conform.contract import Contract, Exchange
from dev.conform.kept import FACTS, kept, names_operation, written
from dev.conform.run import drive
from dev.conform.trim import merged, trim, trim_openapi

APIS = ("akua", "nirvana")
GOLDEN = Path(__file__).parents[1] / "apis" / "golden"
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "apis"


@pytest.mark.parametrize("api", APIS)
def test_everything_that_goes_over_the_wire(api: str) -> None:
    before = dict(os.environ)
    outcome = drive(api, kept(api))
    assert dict(os.environ) == before
    assert outcome.problems == []
    assert sum(outcome.recorder.seen.values()) > len(outcome.recorder.contract.calls)


@pytest.mark.parametrize("api", APIS)
def test_models_calls_and_routes(api: str) -> None:
    assert surface.problems(api, kept(api)) == []


def _exchanges(api: str) -> list[Any]:
    found = []
    for file in sorted(GOLDEN.glob(f"{api}*.json")):
        for case in json.loads(file.read_text()):
            title = f"{case.get('operator') or case.get('hook')}: {case['source']}"
            found += [pytest.param(api, exchange, "hook" in case, id=title) for exchange in case["exchanges"]]
    return found


@pytest.mark.parametrize(("api", "exchange", "is_whole"), [one for api in APIS for one in _exchanges(api)])
def test_golden_exchanges(api: str, exchange: dict[str, Any], is_whole: bool) -> None:
    contract, request, answer = kept(api), exchange["request"], exchange["answer"]
    path = request["path"].removeprefix("/v1") if api == "akua" else request["path"]
    headers = {name: value for name, value in request.get("headers", {}).items() if value is not None}
    query = "&".join(f"{name}={value}" for name, value in request.get("query", {}).items())
    seen = Exchange(request["method"], path, query, headers, request.get("json"), answer["status"], answer.get("json"))
    # golden requests of operators need not name all headers
    problems = [one for one in contract.problems_of_request(seen) if "header" not in one or "missing" not in one]
    assert problems == []
    if is_whole:
        assert contract.problems_of_answer(seen) == []


@pytest.mark.parametrize("api", APIS)
def test_no_word_of_a_vendor_is_kept(api: str) -> None:
    text = (FACTS / f"{api}.json").read_text()
    facts = json.loads(text)
    assert written(facts) == text

    def keywords(part: Any) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(keywords, part))
        if not isinstance(part, dict):
            return set()
        inside = part.get("properties", {})
        rest = {name: value for name, value in part.items() if name != "properties"}
        return set(rest).union(*map(keywords, [*inside.values(), *rest.values()]))

    assert not {"description", "title", "example", "examples", "summary", "default"} & keywords(facts["schemas"])
    assert not re.search(r'"[^"]*\b(the|is|are|when|only)\b[^"]*"', text)


def test_what_starts_nothing_is_listed_with_the_reason() -> None:
    page = (DOCS / "akua.md").read_text()
    assert [kind for kind in surface.UNSTARTABLE if f"`{kind}`" not in page] == []


OPENAPI: dict[str, Any] = {
    "info": {"title": "Moons", "version": "1"},
    "components": {
        "parameters": {"Key": {"in": "header", "name": "idempotency-key", "schema": {"type": "string"}}},
        "schemas": {
            "Moon": {
                "type": "object",
                "description": "not kept",
                "properties": {"id": {"type": "string"}, "operation_id": {"type": "string"}, "note": {"type": "null"}},
                "required": ["id"],
            },
            "Error": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
            "Unused": {"type": "string"},
        },
    },
    "paths": {
        "/moons/{id}:land": {
            "post": {
                "parameters": [
                    {"$ref": "#/components/parameters/Key"},
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string", "maxLength": 3}},
                    {"in": "query", "name": "size", "schema": {"type": "integer", "maximum": 5}},
                    {"in": "header", "name": "if-match", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"crew": {"type": "integer"}},
                                "required": ["crew"],
                                "additionalProperties": False,
                            }
                        }
                    }
                },
                "responses": {
                    "202": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Moon"}}}},
                    "404": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                },
            }
        },
    },
}


@pytest.fixture
def moons() -> Contract:
    return Contract(trim_openapi(OPENAPI, lambda _: True))


def _landing(**changes: Any) -> Exchange:
    fields = {
        "method": "POST",
        "path": "/moons/m1%3Aland",
        "query": "size=2",
        "headers": {"if-match": "1", "idempotency-key": "k"},
        "body": {"crew": 2},
        "status": 202,
        "answer": {"id": "m1", "note": None},
    }
    return Exchange(**{**fields, **changes})


def test_an_exchange_as_the_contract_says(moons: Contract) -> None:
    assert moons.problems_of_request(_landing()) == []
    assert moons.problems_of_answer(_landing()) == []
    assert moons.problems_of_answer(_landing(status=404, answer={"message": "no"})) == []
    assert list(moons.facts["schemas"]) == ["Error", "Moon"]
    assert names_operation(moons.calls["POST /moons/{id}:land"], moons.facts["schemas"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"path": "/moons/m1"}, "no such call"),
        ({"path": "/moons/m1234:land"}, "path id"),
        ({"query": "size=6"}, "query size"),
        ({"query": "view=full"}, "query view: not declared"),
        ({"headers": {"if-match": "1"}, "body": None}, "body: missing"),
        ({"headers": {"idempotency-key": "k"}}, "header if-match: missing"),
        ({"body": {"crew": "2"}}, "body crew"),
        ({"body": {"crew": 2, "fuel": 1}}, "fuel"),
    ],
)
def test_a_request_that_a_server_would_refuse(moons: Contract, changes: dict[str, Any], problem: str) -> None:
    assert [one for one in moons.problems_of_request(_landing(**changes)) if problem in one]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"status": 200}, "status 200"),
        ({"answer": {"note": None}}, "'id' is a required property"),
        ({"answer": {"id": "m1", "new": 1}}, "'new' was unexpected"),
        ({"answer": {"id": "m1", "note": 1}}, "note"),
        ({"status": 404, "answer": {"error": "no"}}, "'message' is a required property"),
    ],
)
def test_an_answer_that_a_client_would_not_understand(moons: Contract, changes: dict[str, Any], problem: str) -> None:
    assert [one for one in moons.problems_of_answer(_landing(**changes)) if problem in one]


def test_a_header_that_is_not_declared(moons: Contract) -> None:
    facts = merged(moons.facts, {"calls": {"POST /moons/{id}:land": {"header": {"idempotency-key": None}}}})
    assert Contract(facts).problems_of_request(_landing()) == ["header idempotency-key: not declared"]


def test_a_reference_with_nothing_but_a_description_beside_it_is_the_reference() -> None:
    assert trim({"allOf": [{"$ref": "#/components/schemas/X"}, {"description": "d"}]}) == {"$ref": "#/$defs/X"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"schemas": {"Region": {"properties": {"moons": {"type": "integer"}}}}}, "model AkuaRegion: lacks ['moons']"),
        ({"schemas": {"Region": {"properties": {"icon": None}}}}, "model AkuaRegion: can never have ['icon']"),
        ({"calls": {"POST /clusters": {"header": {"idempotency-key": None}}}}, "POST /clusters: takes a key: False"),
        ({"calls": {"POST /clusters:import": None}}, "simulator: POST /clusters:import is no call"),
        ({"calls": {"GET /regions": {"query": {"limit": None}}}}, "simulator: GET /regions differs in the query"),
        (
            {"calls": {"GET /workspaces/{id}/subdomain": {"answers": {"200": {"$ref": "#/$defs/Region"}}}}},
            "has no etag to read",
        ),
        (
            {"calls": {"POST /moons": {"answers": {"202": {"$ref": "#/$defs/Operation"}}}}},
            "POST /moons: starts an operation and is none of our calls",
        ),
    ],
)
def test_a_contract_that_moves_on_is_noticed(changes: dict[str, Any], problem: str) -> None:
    facts = {**kept("akua").facts}
    # etags of regions are known from elsewhere
    facts = merged(facts, {"schemas": {"Region": {"properties": {"etag": None}}}}) if "etag" in problem else facts
    moved = Contract(merged(facts, changes))
    assert [one for one in surface.problems("akua", moved) if problem in one]
