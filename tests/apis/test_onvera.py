"""Whatever Onvera answers: there is a value, or it is said that there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.apis import onvera
from airflow_provider_ops.apis.calls import Call
from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.apis.wire_models import WireModel, read
from airflow_provider_ops.operation import OperationState
from tests.apis.answers import answer, mutated, pages, value_or_unreadable

WHEN = "2026-01-05T10:00:00Z"
OPERATION = {
    "id": "op_1",
    "type": "deployment.create",
    "status": "running",
    "progress": {"phase": "provisioning", "message": "Creating"},
    "resource": {"type": "deployment", "id": "dep_7d0f"},
    "requested_at": WHEN,
    "started_at": WHEN,
    "ended_at": None,
    "error": {"code": "quota", "message": "no room"},
}
SAMPLES: dict[type[WireModel], dict[str, Any]] = {
    onvera.Deployment: {
        "id": "dep_7d0f",
        "name": "nightly",
        "app_type": "airflow",
        "status": "ready",
        "url": "https://a.example.com",
        "environment_id": "env_1",
        "created_at": WHEN,
        "links": {"operation": "/api/v1/operations/op_1"},
    },
    onvera.DeploymentSubmitted: {"deployment_id": "7d0f", "operation_id": "op_1"},
    onvera.Environment: {"id": "env_1", "name": "Prod", "slug": "prod", "created_at": WHEN},
}
#: The only fields without which an answer means nothing.
NEEDED = {"id", "operation_id"}


def one(data: Any) -> Any:
    return API.get_operation("op_1").parse(answer({"data": data}))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", OperationState.PENDING),
        ("running", OperationState.RUNNING),
        ("succeeded", OperationState.SUCCEEDED),
        ("failed", OperationState.FAILED),
        ("canceled", OperationState.CANCELLED),
        ("warming-up", OperationState.UNKNOWN),
        (None, OperationState.UNKNOWN),
    ],
)
def test_every_status_word(word: str | None, state: OperationState) -> None:
    operation = one({**OPERATION, "status": word})
    assert (operation.state, operation.raw_state) == (state, word or "missing")


@pytest.mark.parametrize("gone", [*({name: None} for name in OPERATION if name != "id"), "all"])
def test_an_operation_needs_nothing_but_its_id(gone: Any) -> None:
    names = [name for name in OPERATION if name != "id"] if gone == "all" else list(gone)
    assert one({**OPERATION, **dict.fromkeys(names)}).id == "op_1"
    assert one({name: value for name, value in OPERATION.items() if name not in names}).id == "op_1"


@pytest.mark.parametrize("model", SAMPLES)
def test_a_model_needs_nothing_but_its_id(model: type[WireModel]) -> None:
    sample = SAMPLES[model]
    for name in sample.keys() - NEEDED:
        assert getattr(read(model, {**sample, name: None}), name) is None
        assert getattr(read(model, {key: value for key, value in sample.items() if key != name}), name) is None
    assert read(model, {**sample, "new_in_2027": {"a": 1}}) == read(model, sample)


@pytest.mark.parametrize("model", SAMPLES)
@given(data=st.data())
def test_mutated_models(model: type[WireModel], data: st.DataObject) -> None:
    value_or_unreadable(lambda: read(model, data.draw(mutated(SAMPLES[model]))))


CALLS: list[Call[Any]] = [
    API.get_operation("op_1"),
    API.get_deployment("7d0f"),
    API.create_deployment("airflow"),
    API.destroy_deployment("7d0f"),
    API.check(),
    API.list_operations().first,
    API.list_deployments().first,
    API.list_environments().first,
    *(listed.entries.first for listed in API.open_operations()),
    *(listed.entries.first for listed in API.recent_operations()),
]
LIST = {
    "data": {
        "items": [{**OPERATION, "name": "nightly", "app_type": "airflow", "url": "https://a.example.com"}],
        "pagination": {"page": 1, "per_page": 100, "pages": 2, "total": 101},
    }
}


@given(body=st.one_of(mutated(LIST), mutated({"data": {**OPERATION, "operation_id": "op_1"}})))
def test_mutated_answers(body: Any) -> None:
    for call in CALLS:
        value_or_unreadable(lambda call=call: call.parse(answer(body)))  # type: ignore[misc]


@given(body=mutated({"error": {"code": "forbidden", "message": "no"}}))
def test_mutated_errors(body: Any) -> None:
    API.error(answer(body, 403))


def test_all_pages_are_read() -> None:
    second = {"data": {"items": [OPERATION], "pagination": {"page": 2, "per_page": 100, "pages": 2, "total": 101}}}
    items, queries = pages(API.list_operations(status="running"), answer(LIST), answer(second))
    assert [item.id for item in items] == ["op_1", "op_1"]
    assert queries == [{"status": "running", "page": n, "per_page": 100} for n in (1, 2)]
