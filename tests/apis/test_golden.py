"""Every operator against its golden exchange: the exact requests on the wire, and what is understood of the answer."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops.client.blocking import BlockingClient
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.provider_info import connection_types
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
    for api in connection_types()
    for case in _load(api)
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
    submit = facts.mark(operator.submit(), KEY)
    settings = Settings("golden", facts.base_url.replace("https:", "http:"), "KEY", extras=case.get("extras", {}))
    script = Script(case["exchanges"])
    with BlockingClient(facts, settings, backend=script) as client:
        if submit.preflight is not None:
            client.send(submit.preflight)
        submitted = client.run(facts.submitting(submit))
    assert not script.wrong
    assert not script.left
    assert {name: getattr(submitted, name) for name in case["submitted"]} == case["submitted"]
    assert submit.kind == case["submitted"]["kind"]


@pytest.mark.parametrize("api", connection_types())
def test_every_operator_has_a_golden_exchange(api: str) -> None:
    module = pkgutil.resolve_name(f"airflow_provider_ops.operators.{api}")
    operators = {
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, OperationOperator) and "starts" in vars(value)
    }
    assert operators == {case["operator"] for case in _load(api)}
