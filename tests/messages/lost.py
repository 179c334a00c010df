"""Rows: the answer to a submit was lost, and what it started is searched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from airflow_provider_ops.apis import akua, nirvana
from airflow_provider_ops.apis.onvera import create_deployment
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.window import Window, began
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.testing import drop_answer, fail_first, reset_connection
from tests.attempts import RUN
from tests.messages.table import Area
from tests.played import Played, Request, reply

LOST = Area(
    "The answer to a submit was lost",
    "`AmbiguousSubmission`: what was asked for may exist, so nothing was submitted again, and [no retry is "
    "made](../guides/retries.md#a-lost-answer). **Clear** the task once it is known what exists.",
)
AT = "2026-03-01T08:00:00Z"


@LOST.row("The answer to a create was lost, and the API cannot show what it made")
def _ambiguous(s: Any) -> object:
    s.world.faults({"fault": "reset", "route": "/new-things", "method": "POST"})
    task = s.task(submit=s.hook().api.request("POST", "/new-things", json={}))
    return s.attempt(task)


def _twins(s: Any, task: Any, key: str) -> None:
    hook = task.hook
    for _ in range(2):
        hook.create_vpc(name="net", region="us-sva-2", subnet_name="s", tags=[key])


def _vpc() -> Any:
    return nirvana.submits(nirvana.networking.create_vpc)(name="net", region="us-sva-2", subnet_name="s")


@LOST.row("The answer to a create was lost, and several things may be what it made")
def _several(s: Any) -> object:
    task = s.task("nirvana", submit=_vpc())
    task.dies_between_submit_and_answer()
    _twins(s, task, task.stored["key"])
    return s.attempt(task)


@LOST.row("Several things may be what an earlier try made, on an Airflow without task state store")
def _several_without_store(s: Any) -> object:
    task = s.task("nirvana", submit=_vpc())
    task.store = None
    _twins(s, task, task.attempt().handle.key)
    return s.attempt(task)


@LOST.row("Several things may be what an earlier try made, and nothing is stored of it")
def _several_forgotten(s: Any) -> object:
    task = s.task()
    for nonce in "ab":
        task.hook.create_deployment("airflow", RUN.key(nonce * 10))
    task.tries = 1
    return s.attempt(task)


@LOST.row("The API answers each time that it has trouble, and starts nothing")
def _never_clear(s: Any) -> object:
    s.world.faults({"fault": "status", "status": 503, "method": "POST"})
    return s.attempt(s.task())


@LOST.row("The timeout is over before it is clear that the submit has started anything")
def _late(s: Any) -> object:
    s.world.faults(reset_connection(99, method="POST"))
    task = s.task()
    task.patience = 10.0
    return s.attempt(task)


@LOST.row("What a submit has started cannot be searched for, since the API does not answer")
def _search_failed(s: Any) -> object:
    s.world.faults(drop_answer(), fail_first(999, method="GET"))
    return s.attempt(s.task())


def _searched(s: Any, intent: Any, pages: Callable[[Request], Any], api: Any = nirvana.API) -> object:
    settings = s.hook(api.name).settings()
    client = BlockingClient(api, settings, s.clock, backend=Played(pages))
    s.opened.append(client)
    return client.run(api.find_submitted(intent))


def _operation(number: int, resource_id: str) -> Mapping[str, Any]:
    made = {"id": f"op-{number}", "kind": "vpc", "type": "create", "status": "running", "project_id": "p"}
    return {**made, "resource_id": resource_id, "created_at": AT, "details": None}


def _intent(submit: Any, api: Any = nirvana.API) -> Intent:
    marked = api.with_idempotency_key(submit, "airflow-0123456789abcdef01234567")
    return Intent(marked, "airflow-0123456789abcdef01234567", lambda: 60.0)


@LOST.row("Nirvana: something carries our tag, and no operation made it")
def _tagged(s: Any) -> object:
    intent = _intent(_vpc().with_request(json={**_vpc().request.json, "project_id": "p"}))
    found = {"id": "vpc-1", "tags": [intent.key], "status": "ready", "name": "net"}

    def pages(request: Request) -> bytes:
        return reply(json={"items": [found] if "vpcs" in request.path else []})

    return _searched(s, intent, pages)


@LOST.row("Nirvana: what may be ours cannot be read yet")
def _not_readable(s: Any) -> object:
    intent = _intent(_vpc().with_request(json={**_vpc().request.json, "project_id": "p"}))

    def pages(request: Request) -> bytes:
        if request.path.endswith("/vpcs"):
            return reply(json={"items": []})
        if "vpcs/" in request.path:
            return reply(404, {"error": {"code": "not_found", "message": "not found"}})
        return reply(json={"items": [_operation(1, "vpc-1")]})

    return _searched(s, intent, pages)


@LOST.row("Akua: a change of the subscription cannot be distinguished from another")
def _subscription(s: Any) -> object:
    submit = akua.submits(akua.workspaces.reactivate_subscription)("ws_1", etag="e")
    other = {"id": "op_7", "metadata": {"type": "workspace.subscription.cancel"}, "state": "RUNNING", "done": False}
    return _searched(s, _intent(submit, akua.API), lambda _request: reply(json={"data": [other]}), akua.API)


@LOST.row("A call of which nothing is known names no operation")
def _generic_in_airflow(s: Any) -> object:
    s.world.faults({"fault": "reset", "route": "/new-things", "method": "POST"})
    return s.failed(
        lambda: OperationRequestOperator(
            task_id="new", conn_id="onvera_default", method="POST", path="/new-things", json={}
        )
    )


@LOST.row("A create with an unclear outcome is sent again, and is refused as a conflict")
def _conflict(s: Any) -> object:
    refusal = {"fault": "status", "status": 409, "method": "POST", "message": "the name is taken"}
    s.world.faults(fail_first(1, method="POST"), refusal)
    return s.attempt(s.task())


@LOST.row(
    "What has our name seems older than our request, by the API's own clock",
    "The API's clock may have been set in between.",
)
def _seems_older(s: Any) -> object:
    def at(day: int) -> datetime:
        return datetime(2026, 3, day, tzinfo=timezone.utc)

    made = Operation("op_9", "onvera", "deployment.create", OperationState.RUNNING, "running", created_at=at(1))
    submitted = Submitted("op_9", "deployment.create", resource_type="deployment", resource_id="id_9", operation=made)
    window = Window(Intent(create_deployment("airflow"), "airflow-0123", lambda: 60.0))
    window.since = at(2)
    return s.as_task(s.hook(), lambda: window.choose([submitted], began))
