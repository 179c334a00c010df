"""Rows: why a task submits nothing, or does not know what it has submitted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from airflow_provider_ops.apis import nirvana
from airflow_provider_ops.apis.onvera import create_deployment, destroy_deployment
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.core.submit_decision import check_body
from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from tests.lifecycle.submission.parts import CREATE, Task
from tests.messages.table import Area

SUBMIT = Area(
    "The submit",
    "`SubmissionError` and its subclasses mean that submitting again could make a second resource, so nothing was "
    "submitted. No retry is made, or it stops at the same point ([which](../guides/retries.md#a-lost-answer)); "
    "**clear** the task once the cause is gone.",
)


@SUBMIT.row(
    "The request of a running operation was another one",
    "The DAG was edited in between, or a field changes with every try (`now()`): use `{{ run_id }}` or "
    "`{{ logical_date }}` instead.",
)
def _different(s: Any) -> object:
    task = s.task()
    task.attempt()
    task.submit = create_deployment("superset")
    return s.attempt(task)


@SUBMIT.row("The request of a submit without answer was another one")
def _different_intent(s: Any) -> object:
    task = s.task()
    task.dies_between_submit_and_answer()
    task.submit = create_deployment("superset")
    return s.attempt(task)


@SUBMIT.row("The timeout of a try was over before its request")
def _late(s: Any) -> object:
    task = s.task()
    task.patience = -2.0
    return s.attempt(task)


@SUBMIT.row("The connection leads to another API than before")
def _other_api(s: Any) -> object:
    return _with_stored(s, api="akua")


@SUBMIT.row(
    "The API no longer knows the operation",
    "It may have been removed by hand; whether its resource exists is to be seen.",
)
def _lost(s: Any) -> object:
    task = s.task()
    task.attempt()
    s.world.reset()
    s.clock.advance(3600)
    return s.attempt(task)


@SUBMIT.row("The API answers with an operation of another request")
def _of_another_key(s: Any) -> object:
    old = replace(CREATE, parse=lambda _answer: Submitted("op_9", "deployment.create", key="airflow-other"))
    return s.attempt(s.task(submit=old))


@SUBMIT.row("The API answers with an operation that ended before")
def _ended_before(s: Any) -> object:
    began = datetime(2026, 1, 1, tzinfo=timezone.utc)
    ended = Operation("op_9", "onvera", "deployment.create", OperationState.FAILED, "failed", created_at=began)
    return s.attempt(s.task(submit=replace(CREATE, parse=lambda _answer: Submitted.of(ended))))


@SUBMIT.row("Nirvana refuses what was asked for, before anything is made")
def _preflight(s: Any) -> object:
    fields: dict[str, Any] = {"name": "net", "region": "us-sva-2", "subnet_name": "s", "preflight": True}
    s.world.faults({"fault": "status", "status": 422, "message": "no capacity in us-sva-2", "method": "POST"})
    return s.attempt(s.task("nirvana", submit=nirvana.submits(nirvana.networking.create_vpc)(**fields)))


@SUBMIT.row("A body that is nested too deep")
def _too_deep(_s: Any) -> None:
    body: list[Any] = []
    for _ in range(100_000):
        body = [body]
    check_body("POST /things", body)


@SUBMIT.row("A deletion is refused for something else")
def _conflict(s: Any) -> object:
    made = s.task().attempt().handle
    s.world.faults({"fault": "status", "status": 409, "message": "backup is running", "method": "DELETE"})
    return s.attempt(s.task(submit=destroy_deployment(made.resource_id)))


@SUBMIT.row("Nothing takes the connection")
def _nobody(s: Any) -> object:
    task = s.task()
    s.patch.undo()
    s.connection(host="http://127.0.0.1:9/onvera/api/v1")
    return s.attempt(task)


STORED = Area(
    "What Airflow has stored",
    "The handle of a submit is kept in the task state store, where every try finds it. Nothing was submitted.",
    is_brief=True,
)


def _with_stored(s: Any, **changes: Any) -> object:
    task: Task = s.task()
    task.attempt()
    stored = {**task.stored, **changes}
    assert task.store is not None
    task.store.data[KEY] = json.dumps({name: value for name, value in stored.items() if value is not ...})
    return s.attempt(task)


def _changed(**changes: Any) -> Callable[[Any], object]:
    return lambda s: _with_stored(s, **changes)


STORED.add(
    {
        "A newer release has stored it": _changed(version=99, release="9.0.0"),
        "Its API is missing": _changed(api=...),
        "Its kind is no text": _changed(kind=5),
        "Its key is none": _changed(key="a\nb"),
        "Its generation is no count": _changed(generation="two"),
        "Its flag is none": _changed(creates="yes"),
        "Its time is none": _changed(at="yesterday"),
        "Its time is before all others": _changed(at=-1.0),
        "Its operations are no list": _changed(operations="op_1"),
        "One of its operations is none": _changed(operations=["op_1"]),
        "Its operation has an id that cannot be one": _changed(
            operation_id="op/../1", operations=[{"operation_id": "op/../1"}]
        ),
    }
)


@STORED.row("What is stored is no handle at all")
def _no_handle(s: Any) -> object:
    task = s.task()
    task.store.data[KEY] = json.dumps("op_1")
    return s.attempt(task)


@STORED.row("The task state store cannot be read")
def _store_away(s: Any) -> object:
    class Away:
        def get(self, _key: str) -> Any:
            raise ConnectionError("the API server is away")

    task = s.task()
    task.store = Away()
    return s.attempt(task)


@STORED.row("The task state store does not take the intent")
def _store_refuses(s: Any) -> object:
    task = s.task()
    task.store.fail_at = 1
    return s.attempt(task)


def _in_airflow(**arguments: Any) -> Callable[[], object]:
    given = {"deferrable": False, "app_type": "airflow", **arguments}
    return lambda: OnveraCreateDeploymentOperator(task_id="create", **given)


@SUBMIT.row("The API refuses a create, as a task shows it")
def _refused_in_airflow(s: Any) -> object:
    refusal = {"fault": "status", "status": 400, "message": "app_type is not available in this region"}
    s.world.faults({**refusal, "method": "POST"})
    return s.failed(_in_airflow())


@SUBMIT.row("The key of a task is wrong, as a task shows it")
def _key_in_airflow(s: Any) -> object:
    s.connection(password="invalid")
    return s.failed(_in_airflow())
