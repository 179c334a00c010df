"""What the facts of a contract say about one exchange."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from jsonschema import Draft202012Validator

from dev.conform.trim import Json, merged

#: Headers that a contract must declare for a call before they may be sent with it.
_DECLARED = ("idempotency-key", "if-match")
#: Statuses from this one on are errors.
FIRST_ERROR = 400
_NOT_FOUND, _NO_METHOD = 404, 405


@dataclass(frozen=True)
class Exchange:
    """A request and its answer as they went over the wire; bodies as JSON, paths below the base URL."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    status: int
    answer: Any


class Contract:
    """The facts of one API.

    :param facts: as :mod:`dev.conform.trim` makes them.
    :param later: facts that are newer than the contract, or known from elsewhere; they win.
    """

    def __init__(self, facts: Json, later: Json | None = None) -> None:
        self.facts: Json = merged(facts, {name: part for name, part in (later or {}).items() if name != "sources"})
        self._knows_requests = self.facts["contract"].get("requests", True)
        self._routes = [(*name.split(" "), name) for name in self.facts["calls"]]
        self._patterns = {path: _pattern(path) for _, path, _ in self._routes}

    @property
    def calls(self) -> Json:
        """All calls, by method and path."""
        calls: Json = self.facts["calls"]
        return calls

    def find(self, method: str, path: str) -> str | None:
        """Return the name of the call that a path is about; literal parts win over parameters."""
        plain = path.replace("%3A", ":").replace("%3a", ":")
        fitting = [
            (route.count("{"), -len(route), name)
            for its_method, route, name in self._routes
            if its_method == method and self._patterns[route].fullmatch(plain)
        ]
        return min(fitting)[2] if fitting else None

    def problems_of_request(self, exchange: Exchange) -> list[str]:
        """Return what a server that keeps to the contract would refuse."""
        name = self.find(exchange.method, exchange.path)
        if name is None:
            return [f"no such call: {exchange.method} {exchange.path}"]
        call = self.calls[name]
        body = self._body(call, exchange.body) if self._knows_requests or "body" in call else []
        query = self._query(call, exchange.query) if self._knows_requests else []
        path = self._path(call, name.split(" ")[1], exchange.path)
        return [*path, *query, *self._headers(call, exchange.headers), *body]

    def problems_of_answer(self, exchange: Exchange) -> list[str]:
        """Return what a client that keeps to the contract would not understand, unknown fields included."""
        name = self.find(exchange.method, exchange.path)
        if name is None:
            refused = exchange.status in (_NOT_FOUND, _NO_METHOD)
            return [] if refused else [f"no such call: {exchange.method} {exchange.path}"]
        call, status = self.calls[name], str(exchange.status)
        if exchange.status >= FIRST_ERROR:
            return self.violations(call["errors"]["schema"], exchange.answer)
        if status not in call["answers"]:
            return [f"status {status} is not among {', '.join(call['answers'])}"]
        schema = call["answers"][status]
        if schema is None:
            return [] if exchange.answer is None else ["a body where there is none"]
        return self.violations(schema, exchange.answer)

    def violations(self, schema: Any, value: Any, *, strict: bool = True) -> list[str]:
        """Return what is wrong with a value.

        :param strict: whether fields that the schema does not name are wrong.
        """
        return [
            f"{_place(error)}: {_message(error)}"
            for error in self._validator(json.dumps(schema), strict).iter_errors(value)
        ]

    @functools.cache  # noqa: B019 - one contract lives as long as the process
    def _validator(self, schema: str, strict: bool) -> Draft202012Validator:
        close = _closed if strict else lambda one: one
        defs = {name: close(one) for name, one in self.facts["schemas"].items()}
        return Draft202012Validator({**close(json.loads(schema)), "$defs": defs})

    def _path(self, call: Json, template: str, path: str) -> list[str]:
        match = self._patterns[template].fullmatch(path.replace("%3A", ":").replace("%3a", ":"))
        values = match.groups() if match else ()
        names = re.findall(r"\{(\w+)\}", template)
        return [
            f"path {name}: {problem}"
            for name, value in zip(names, values, strict=True)
            for problem in self.violations(call.get("path", {}).get(name, {}).get("schema", {}), unquote(value))
        ]

    def _query(self, call: Json, query: str) -> list[str]:
        declared = call.get("query", {})
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            given.setdefault(name, []).append(value)
        problems = [f"query {name}: not declared" for name in given if name not in declared]
        for name, fact in declared.items():
            if name not in given and fact["required"]:
                problems.append(f"query {name}: missing")
            for value in given.get(name, ()):
                problems += [f"query {name}: {one}" for one in self.violations(fact["schema"], _typed(fact, value))]
        return problems

    def _headers(self, call: Json, headers: Mapping[str, str]) -> list[str]:
        declared = call.get("header", {})
        problems = [f"header {name}: not declared" for name in _DECLARED if name in headers and name not in declared]
        for name, fact in declared.items():
            if name in headers:
                problems += [f"header {name}: {one}" for one in self.violations(fact["schema"], headers[name])]
            elif fact["required"]:
                problems.append(f"header {name}: missing")
        return problems

    def _body(self, call: Json, body: Any) -> list[str]:
        fact = call.get("body")
        if fact is None:
            return [] if body is None else ["body: none is declared"]
        if body is None:
            # most bodies with required fields are not marked as required themselves
            needed = fact["required"] or bool(self.violations(fact["schema"], {}, strict=False))
            return ["body: missing"] if needed else []
        return [f"body {one}" for one in self.violations(fact["schema"], body, strict=False)]


def _pattern(route: str) -> re.Pattern[str]:
    # ids have no colons, so that `/operations/{id}` is not `/operations/{id}:wait`
    return re.compile(re.sub(r"\\\{\w+\\\}", r"([^/:]+)", re.escape(route)))


def _typed(fact: Json, value: str) -> Any:
    kind = fact["schema"].get("type")
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return json.loads(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _closed(schema: Any) -> Any:
    """Return a schema whose objects have no fields beyond those it names."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {name: _closed_inside(name, part) for name, part in schema.items()}
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _closed_inside(name: str, part: Any) -> Any:
    if name == "properties":
        return {field: _closed(schema) for field, schema in part.items()}
    return part if name in ("enum", "const", "required", "type") else _closed(part)


def _place(error: Any) -> str:
    return ".".join(map(str, error.absolute_path)) or "(whole)"


def _message(error: Any) -> str:
    message = str(error.message)[:300]
    best = min(error.context, key=lambda one: (len(one.relative_schema_path), str(one.message)), default=None)
    return (
        message if best is None else f"fits none of {len(error.schema.get(error.validator, ()))} forms: {message[:150]}"
    )
