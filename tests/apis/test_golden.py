"""Operators and hooks against golden exchanges: the requests on the wire, what is understood of the answers."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Paged
from airflow_provider_ops.apis.whole_lists import all_items
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.provider_info import typed_apis
from tests.played import Played, Request, reply

GOLDEN = Path(__file__).parent / "golden"
KEY = "airflow-submission-key"


def _load(api: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for file in sorted(GOLDEN.glob(f"{api}*.json")):
        cases += json.loads(file.read_text())
    return cases


CASES = [
    pytest.param(api, case, id=f"{case['operator']}: {case['source']}")
    for api in typed_apis()
    for case in _load(api)
    if "operator" in case
]
METHODS = [
    pytest.param(api, case, id=f"{case['hook']}: {case['source']}")
    for api in typed_apis()
    for case in _load(api)
    if "hook" in case
]


class Script(Played):
    """Answers a fixed list of exchanges, each request exactly as written."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        super().__init__(self.take)
        self.left = list(exchanges)
        self.wrong: list[Any] = []

    def take(self, request: Request) -> bytes:
        expected, answer = (self.left[0][name] for name in ("request", "answer"))
        self.left.pop(0)
        seen = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "json": json.loads(request.body) if request.body else None,
            "headers": {name: request.headers.get(name) for name in expected.get("headers", {})},
        }
        if seen != {"query": {}, "json": None, "headers": {}, **expected}:
            self.wrong.append((seen, expected))
        return reply(answer["status"], answer.get("json"), headers=answer.get("headers"))


@pytest.mark.parametrize(("api", "case"), CASES)
def test_exchange(api: str, case: dict[str, Any]) -> None:
    operator_class = pkgutil.resolve_name(f"airflow_provider_ops.operators.{api}.{case['operator']}")
    operator: OperationOperator = operator_class(task_id="golden", **case["arguments"])
    facts = operator.hook_class.api
    submit = facts.with_idempotency_key(operator.submit(), KEY)
    settings = Settings("golden", facts.base_url.replace("https:", "http:"), "KEY", extras=case.get("extras", {}))
    script = Script(case["exchanges"])
    with BlockingClient(facts, settings, backend=script) as client:
        if submit.preflight is not None:
            client.send(submit.preflight)
        submitted = client.run(facts.submit_flow(submit))
    assert not script.wrong
    assert not script.left
    assert {name: getattr(submitted, name) for name in case["submitted"]} == case["submitted"]
    assert submit.kind == case["submitted"]["kind"]


def _at(value: Any, place: str) -> Any:
    for name in place.split("."):
        if name.isdigit():
            value = value[int(name)]
        else:
            value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return str(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize(("api", "case"), METHODS)
def test_method_of_a_hook(api: str, case: dict[str, Any]) -> None:
    names = {"akua": "AkuaHook", "nirvana": "NirvanaHook"}
    hook = pkgutil.resolve_name(f"airflow_provider_ops.hooks.{api}.{names[api]}")
    call = inspect.getattr_static(hook, case["hook"]).build(**case["arguments"])
    script = Script(case["exchanges"])
    base_url = hook.api.base_url.replace("https:", "http:")
    settings = Settings("golden", base_url, "KEY", extras=case.get("extras", {}))
    with BlockingClient(hook.api, settings, backend=script) as client:
        answer = client.run(all_items(call)) if isinstance(call, Paged) else client.send(call)
    assert not script.wrong
    assert not script.left
    assert {place: _at(answer, place) for place in case["result"]} == case["result"]


@pytest.mark.parametrize("api", typed_apis())
def test_every_operator_has_a_golden_exchange(api: str) -> None:
    module = pkgutil.resolve_name(f"airflow_provider_ops.operators.{api}")
    operators = {
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, OperationOperator) and "build_request" in vars(value)
    }
    assert operators == {case["operator"] for case in _load(api) if "operator" in case}
