"""An API that exists only as a spec: started, waited for, found again and ended, over real sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    AuthenticationError,
    InvalidArgument,
    InvalidConnection,
    NotFound,
    OperationFailed,
    TransportError,
)
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.lifecycle.failure_report import FailureReport
from airflow_provider_ops.lifecycle.finishing import ResultBuilder
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.owed import carry_out_debt, with_debt
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.testing import drop_answer, operation_fails
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

KEY = "any-key"
PAGINGS = [
    "{type: cursor, cursor_path: $response.body#/next, cursor_param: cursor, page_size: 7, page_size_param: limit}",
    "{type: page_number, page_size: 7, page_size_param: limit}",
    "{type: page_number, page_size: 7, page_size_param: limit, total_path: $response.body#/pages}",
    "{type: offset, limit: 7}",
    "{type: offset, limit: 7, total_path: $response.body#/total}",
    "{type: header_link, page_size: 7, page_size_param: limit}",
    "{type: json_link, page_size: 7, page_size_param: limit, next_url_path: $response.body#/next}",
]


@pytest.fixture
def connect(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*edits: tuple[str, str], password: str = KEY, **extra: Any) -> OperationsApiHook:
        text = JOBS
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        name = operations_simulator.add(text)
        monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json(name, password))
        if extra:
            known = json.loads(operations_simulator.connection_json(name, password))
            monkeypatch.setenv("AIRFLOW_CONN_JOBS", json.dumps({**known, "extra": {**known["extra"], **extra}}))
        hook = hook_for("jobs")
        assert isinstance(hook, OperationsApiHook)
        return hook

    return make


def submission(hook: OperationsApiHook, **body: Any) -> Submitter:
    submit = hook.api.request("POST", "/jobs", json=body)
    store = HandleStore(StateStore(), lambda _: None, "here")
    deadline = hook.clock.time() + 3600
    return Submitter(hook, submit, identity_of(submit, attempt()), store, deadline=deadline, log=lambda _: None)


def start(hook: OperationsApiHook, **body: Any) -> SubmitResult:
    return submission(hook, **body).run()


def test_it_is_started_and_waited_for(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect()
    started = start(hook)
    operation = hook.wait_for_operation(started.handle.operation_id or "")
    assert (operation.state, operation.kind, operation.api) == (OperationState.SUCCEEDED, "job.create", "jobs")
    assert operation.resource_id == started.handle.resource_id
    assert operations_simulator.stats()["by_api"]["jobs"]["created"] == 1


def test_the_result_has_the_kind_of_the_call_where_the_api_shows_none(connect: Any) -> None:
    part = "    kind: job.create\n    result: {request: 'GET /jobs/{resource_id}'}\n"
    hook = connect(("  kind: /kind\n", ""), ("    kind: job.create\n", part))
    handle = start(hook).handle
    operation = hook.wait_for_operation(handle.operation_id or "")
    builder = ResultBuilder(hook, HandleStore(None, lambda _: None), lambda _: None)
    resource = builder.read_resource(handle, operation)
    result = builder.result(handle, operation, resource)
    assert (operation.kind, result["operation"]["kind"]) == ("", "job.create")
    assert resource == hook.request("GET", f"/jobs/{handle.resource_id}")


def test_a_connection_that_works_is_said_with_its_base_url_and_the_request(connect: Any) -> None:
    hook = connect()
    assert hook.test_connection() == (True, f"Jobs at {hook.settings().base_url} answers: GET /me gives HTTP 200")


@pytest.mark.parametrize("fault", ["accept_then_drop", "reset"])
def test_a_lost_answer_makes_one_job(connect: Any, operations_simulator: SimulatorServer, fault: str) -> None:
    hook = connect()
    operations_simulator.faults({"api": "jobs", "method": "POST", "fault": fault, "count": 1})
    started = start(hook)
    assert started.handle.operation_id
    assert started.adopted is (fault == "accept_then_drop")
    assert operations_simulator.stats()["by_api"]["jobs"]["created"] == 1


MARK = "    mark: {in: body, name: /labels/airflow, max: 63}\n"


def test_without_key_and_search_a_lost_answer_is_never_followed_by_a_second_send(
    connect: Any, operations_simulator: SimulatorServer
) -> None:
    find = JOBS[JOBS.index("    find:\n") : JOBS.index("  - request: POST /jobs/{job}/restart")]
    hook = connect((MARK, ""), (find, ""))
    operations_simulator.faults(drop_answer(api="jobs"))
    with pytest.raises(AmbiguousSubmission):
        start(hook)
    assert operations_simulator.stats()["by_route"]["POST /jobs/jobs"] == 1


def test_an_idempotent_key_gets_the_first_answer_again(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect((MARK, "    mark: {in: header, name: Idempotency-Key, idempotent: true}\n"))
    operations_simulator.faults(drop_answer(api="jobs"))
    assert start(hook).handle.operation_id
    assert operations_simulator.stats()["by_api"]["jobs"]["created"] == 1


@pytest.mark.parametrize("paging", PAGINGS)
def test_lists_are_read_to_their_end(connect: Any, paging: str) -> None:
    line = next(line for line in JOBS.splitlines() if line.startswith("paging"))
    hook = connect((line, f"paging: {paging}"))
    ids = {start(hook, n=n).handle.operation_id for n in range(20)}
    assert {one.id for one in hook.list_operations()} == ids


def test_a_fault_decides_how_it_ends(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect()
    operations_simulator.faults(operation_fails("no room", code="QUOTA"))
    operation = hook.wait_for_operation(start(hook).handle.operation_id or "")
    assert (operation.state, str(operation.error)) == (OperationState.FAILED, "QUOTA: no room")


@pytest.mark.parametrize(("fault", "made"), [("accept_then_drop", 1), ("reset", 0)])
def test_a_rule_by_name_means_what_the_body_names(
    connect: Any, operations_simulator: SimulatorServer, fault: str, made: int
) -> None:
    hook = connect()
    operations_simulator.faults({"api": "jobs", "method": "POST", "name": "nightly", "fault": fault})
    start(hook, name="other")
    with pytest.raises(TransportError):
        hook.run(hook.api.submit_flow(hook.api.request("POST", "/jobs", json={"name": "nightly"})))
    names = [one["name"] for one in operations_simulator.resources("jobs")]
    assert names == ["other", *["nightly"] * made]


def test_what_is_deleted_is_not_made_any_more(connect: Any) -> None:
    hook = connect()
    handle = start(hook).handle
    hook.run(hook.api.delete_resource("job", handle.resource_id))
    assert hook.get_operation(handle.operation_id).state is OperationState.CANCELLED


def test_it_is_cancelled(connect: Any) -> None:
    hook = connect()
    operation_id = start(hook).handle.operation_id or ""
    assert hook.cancel_operation(operation_id).id == operation_id
    assert hook.wait_for_operation(operation_id).state is OperationState.CANCELLED


GONE: dict[str, Any] = {"api": "jobs", "method": "GET", "route": "/operations/*", "fault": "status", "status": 410}


def test_what_is_gone_after_a_cancel_is_cancelled(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect()
    operation_id = start(hook).handle.operation_id or ""
    hook.cancel_operation(operation_id)
    operations_simulator.faults(GONE)
    ended = hook.wait_for_operation(operation_id)
    assert ended.state is OperationState.CANCELLED
    assert "its work may continue" in str(ended.error)


async def test_what_is_gone_after_a_cancel_is_cancelled_on_an_event_loop(
    connect: Any, operations_simulator: SimulatorServer
) -> None:
    hook = connect()
    operation_id = (await asyncio.to_thread(start, hook)).handle.operation_id or ""
    await hook.acancel_operation(operation_id)
    operations_simulator.faults(GONE)
    assert (await hook.await_operation(operation_id)).state is OperationState.CANCELLED


def test_a_cancel_that_reads_as_failed_stays_failed_and_is_named(connect: Any) -> None:
    hook = connect(("    cancelled: [stopped]\n", ""))
    operation_id = start(hook).handle.operation_id or ""
    hook.cancel_operation(operation_id)
    ended = hook.wait_for_operation(operation_id)
    assert ended.state is OperationState.FAILED
    assert "asked to end it" in str(ended.error)


@pytest.mark.parametrize("because", ["timeout", "kill"])
def test_a_policy_that_is_carried_out_is_remembered(connect: Any, because: str) -> None:
    hook, store = connect(), HandleStore(StateStore(), lambda _: None, "here")
    handle = start(hook).handle
    if because == "timeout":
        FailureReport(hook, handle, durable=True, log=lambda _: None, store=store).carry_out("cancel", because)
        stored = store.load()
        assert stored is not None
        assert stored.end_requested
    else:
        owing = with_debt(handle, "cancel", because)
        assert carry_out_debt(hook, owing, store, log=lambda _: None, warn=lambda _: None).end_requested


def test_a_failure_after_our_cancel_names_it(connect: Any) -> None:
    hook = connect(("    cancelled: [stopped]\n", ""))
    handle = replace(start(hook).handle, end_requested=True)
    hook.run(hook.api.cancelling(handle.operation_id))
    report = FailureReport(hook, handle, durable=True, log=lambda _: None)
    error = report.failed(hook.get_operation(handle.operation_id), "leave", may_retry=True)
    assert type(error) is OperationFailed
    assert "asked to end it" in str(error)


async def test_a_trigger_knows_that_its_task_asked(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect()
    handle = replace((await asyncio.to_thread(start, hook)).handle, end_requested=True)
    operations_simulator.faults(GONE)
    trigger = OperationTrigger("jobs", [handle.operation_id or ""], handle=handle.to_dict())
    (event,) = [one.payload async for one in trigger.run()]
    assert event["waits"][handle.operation_id]["operation"]["state"] == "cancelled"


async def test_it_works_on_an_event_loop(connect: Any) -> None:
    hook = connect()
    answer = await hook.acall(hook.api.request("POST", "/jobs", json={}))
    operation = await hook.await_operation(answer.operation_id)
    assert operation.state is OperationState.SUCCEEDED


def test_errors_are_the_apis(connect: Any, operations_simulator: SimulatorServer) -> None:
    with pytest.raises(NotFound):
        connect().get_operation("no-such")
    with pytest.raises(AuthenticationError):
        connect(password="invalid").get_operation("no-such")
    assert connect().test_connection()[0]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"api": "jbos"}, "no spec 'jbos' is registered"),
        ({"api": ""}, "names no API"),
        ({"api": "name: x\nbase: y"}, "unknown key 'base'"),
        ({"variables": '{"colour": "red"}'}, "'colour'"),
        ({"variables": "red"}, "no JSON"),
        ({"auth": "http_basic"}, "use bearer"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said(connect: Any, extra: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidConnection, match="connection 'jobs'") as caught:
        connect(**extra)
    assert said in str(caught.value)


def test_a_spec_is_found_in_the_folder(
    connect: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, operations_simulator: SimulatorServer
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATIONS__SPECS_FOLDER", str(tmp_path))
    (tmp_path / "jobs.yaml").write_text(JOBS)
    assert connect(api="jobs").api.title == "Jobs"


def test_a_hook_sends_any_request(connect: Any, operations_simulator: SimulatorServer) -> None:
    hook = connect()
    started = hook.request("post", "/jobs", json={"name": "by hand"})
    operation_id = started["operation"]["id"]
    assert hook.request("GET", f"/operations/{operation_id}")["operation"]["id"] == operation_id
    with pytest.raises(NotFound):
        hook.request("GET", "/nothing")
    with pytest.raises(InvalidArgument, match="must be a path below"):
        hook.request("GET", "/../jobs")
    assert operations_simulator.stats()["by_api"]["jobs"]["created"] == 1


async def test_a_hook_sends_any_request_on_an_event_loop(connect: Any) -> None:
    hook = await asyncio.to_thread(connect)
    answer = await hook.arequest("POST", "/jobs", json={})
    assert (await hook.aget_operation(answer["operation"]["id"])).id == answer["operation"]["id"]
