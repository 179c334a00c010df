"""Akua: how requests are made and answers are understood."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_ops.apis.akua import API, AkuaOperation, clusters, metadata, results, workspaces
from airflow_provider_ops.apis.calls import Request, Response
from airflow_provider_ops.apis.wire_models import read
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    InvalidArgument,
    InvalidConnection,
)
from airflow_provider_ops.operation import Operation, OperationState
from tests.apis.answers import answer, dated, pages

# the sample of section 3
STEP: dict[str, Any] = {
    "name": "Provision control plane",
    "status": "completed",
    "execution_type": "system",
    "started_at": 1786000000,
    "completed_at": 1786000090,
    "error_message": None,
    "retryable": True,
    "skippable": False,
}
SAMPLE: dict[str, Any] = {
    "id": "op_a1",
    "workspace_id": "ws_a1",
    "organization_id": None,
    "owner_type": "cluster",
    "owner_id": "clu_a1",
    "parent_operation_id": None,
    "state": "SUCCEEDED",
    "done": True,
    "html_url": "https://akua.dev/clusters/clu_a1?tab=operations",
    "metadata": {"type": "cluster.create", "workspace_id": "ws_a1", "region_id": "reg_a1", "name": "prod"},
    "response": {"type": "cluster.create", "cluster_id": "clu_a1"},
    "error": None,
    "last_error": None,
    "started_at": 1786000000,
    "completed_at": 1786000095,
    "steps": [STEP],
}
SINCE = datetime.fromtimestamp(1786000000, timezone.utc)


def understood(**changes: Any) -> Operation:
    return API.get_operation("op_a1").parse(answer({**SAMPLE, **changes}))


def listed(*rows: Any, cursor: str | None = None) -> Response:
    rows_ = {"data": list(rows), "has_more": cursor is not None, "next_cursor": cursor}
    return answer(rows_, date=dated(SINCE))


# -- operations


def test_the_sample() -> None:
    operation = understood()
    assert (operation.id, operation.kind, operation.state) == ("op_a1", "cluster.create", OperationState.SUCCEEDED)
    assert (operation.resource_type, operation.resource_id) == ("cluster", "clu_a1")
    assert operation.result == {"type": "cluster.create", "cluster_id": "clu_a1"}
    assert operation.started_at == SINCE
    assert operation.ended_at is not None
    assert (operation.ended_at - SINCE).total_seconds() == 95
    assert operation.url == SAMPLE["html_url"]
    assert operation.progress is not None
    assert str(operation.progress) == "1/1"
    assert Operation.from_dict(operation.to_dict()) == operation


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("RUNNING", OperationState.RUNNING),
        ("SUCCEEDED", OperationState.SUCCEEDED),
        ("FAILED", OperationState.FAILED),
        ("CANCELLED", OperationState.CANCELLED),
        ("QUEUED", OperationState.UNKNOWN),
        ("succeeded", OperationState.UNKNOWN),
        ("", OperationState.UNKNOWN),
        (None, OperationState.UNKNOWN),
    ],
)
def test_every_state(state: str | None, expected: OperationState) -> None:
    operation = understood(state=state)
    assert operation.state is expected
    assert operation.raw_state == (state or "missing")


def test_milliseconds_are_times_as_well_and_zero_is_none() -> None:
    assert understood(started_at=1786000000123).started_at == SINCE.replace(microsecond=123000)
    assert understood(started_at=0).started_at is None
    assert understood(started_at="2026-08-06T07:06:40").started_at == SINCE


def test_the_error_names_the_step() -> None:
    failed = understood(
        state="FAILED",
        error={"message": "no capacity"},
        last_error={"message": "no capacity", "step_name": "Boot"},
    )
    assert str(failed.error) == "no capacity (step 'Boot')"
    only_last = understood(state="FAILED", last_error={"message": "lost"})
    assert str(only_last.error) == "lost"
    only_step = understood(state="FAILED", steps=[{**STEP, "status": "failed", "error_message": "boom"}])
    assert str(only_step.error) == "boom (step 'Provision control plane')"
    assert understood(state="FAILED").error is None
    # the reference shows a sample with both filled
    assert understood(error={"message": "x"}).error is None


def test_a_passing_error_is_progress() -> None:
    operation = understood(state="RUNNING", last_error={"message": "quota", "step_name": "Boot"}, steps=None)
    assert operation.error is None
    assert str(operation.progress) == "last error: quota"
    over = understood(state="CANCELLED", last_error={"message": "cancelled by request"}, steps=None)
    assert (str(over.error), over.progress) == ("cancelled by request", None)


def test_a_step_waits_for_a_person_when_its_turn_has_come() -> None:
    def steps(first: str) -> list[dict[str, Any]]:
        approval = {**STEP, "name": "Confirm", "status": "pending", "execution_type": "approval", "completed_at": None}
        return [{**STEP, "status": first}, approval]

    early = understood(state="RUNNING", steps=steps("running")).progress
    assert early is not None
    assert [step.needs_human for step in early.steps] == [False, False]
    assert str(early) == "Provision control plane, 0/2"
    due = understood(state="RUNNING", steps=steps("completed")).progress
    assert due is not None
    assert [step.needs_human for step in due.steps] == [False, True]
    assert str(due) == "Confirm, waits for a person, 1/2"
    done = understood(state="RUNNING", steps=[{**STEP, "execution_type": "user"}]).progress
    assert done is not None
    assert not done.steps[0].needs_human


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"operation_id": "op_a1"}, OperationState.PENDING),
        ({"id": "op_a1"}, OperationState.PENDING),
        (SAMPLE, OperationState.SUCCEEDED),
        ({**SAMPLE, "operation_id": "op_a1"}, OperationState.SUCCEEDED),
    ],
)
def test_the_shapes_of_an_answer_to_a_start(body: dict[str, Any], state: OperationState) -> None:
    operation = clusters.create_machine(cluster_id="clu_a1", instance_type="m").parse(answer(body, 202))
    assert (operation.id, operation.state) == ("op_a1", state)


# -- unions


def test_metadata_and_response_are_typed() -> None:
    wire = read(AkuaOperation, SAMPLE)
    assert isinstance(wire.metadata, metadata.ClusterCreateAsked)
    assert isinstance(wire.response, results.ClusterDone)
    assert len(metadata.KNOWN_TYPES) == 32


def test_install_create_has_two_responses() -> None:
    def response(**fields: Any) -> Any:
        body = {"type": "install.create", "install_id": "inst_a1", **fields}
        return read(AkuaOperation, {**SAMPLE, "response": body}).response

    assert isinstance(response(argo_app_name="a", argo_app_namespace="n"), results.InstallCreateDone)
    assert isinstance(response(sandbox_skipped=True), results.InstallCreateSkipped)
    assert isinstance(response(), results.InstallCreateDone)


def test_unknown_types_stay_raw() -> None:
    wire = read(AkuaOperation, {**SAMPLE, "metadata": {"type": "moon.land", "x": 1}, "response": {"y": [2]}})
    assert wire.metadata == {"type": "moon.land", "x": 1}
    assert wire.response == {"y": [2]}
    assert understood(metadata={"type": "moon.land"}).kind == "moon.land"
    assert understood(metadata=None).kind == ""


@pytest.mark.parametrize("kind", sorted(metadata.KNOWN_TYPES))
def test_every_documented_type_is_known_on_both_sides(kind: str) -> None:
    wire = read(AkuaOperation, {**SAMPLE, "metadata": {"type": kind}, "response": {"type": kind}})
    assert not isinstance(wire.metadata, dict)
    assert not isinstance(wire.response, dict)


# -- errors


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"success": False, "errors": [{"code": 7002, "message": "Resource not found", "path": ["body", "name"]}]},
            "7002",
            "body.name: Resource not found",
        ),
        ({"errors": [{"code": 1, "message": "a"}, {"code": 2, "message": "b", "path": [0]}]}, "1", "a; 0: b"),
        ({"errors": [{"code": "conflict", "path": ["args", "regionId"]}]}, "conflict", "args.regionId is refused"),
        ({"error": {"code": "not_found", "message": "gone"}}, "not_found", "gone"),
        ({"error": "unauthorized", "message": "who?"}, None, "who?"),
        ({"error": "unauthorized"}, None, "unauthorized"),
        ({"message": "plain"}, None, "plain"),
        ({"_tag": "NotFound"}, "NotFound", "NotFound"),
        ({"errors": []}, None, '{"errors": []}'),
        ({"errors": [None]}, None, '{"errors": [null]}'),
        ([1], None, "[1]"),
        (None, None, "(no message)"),
    ],
)
def test_error_bodies(body: Any, code: str | None, message: str) -> None:
    found = API.error(answer(body, 400))
    assert (found.code, found.message) == (code, message)


def test_a_page_of_a_proxy_is_quoted() -> None:
    assert API.error(Response(502, {}, b"<html>Bad gateway</html>")).message == "<html>Bad gateway</html>"


# -- lists


def test_lists_follow_the_cursor() -> None:
    rows, queries = pages(
        API.list_operations(owner_type="cluster", owner_id="clu_a1"),
        listed(SAMPLE, cursor="c2"),
        listed({**SAMPLE, "id": "op_a2", "steps": None}),
    )
    assert [row.id for row in rows] == ["op_a1", "op_a2"]
    owner = {"owner_type": "cluster", "owner_id": "clu_a1", "limit": 100}
    assert queries == [owner, {**owner, "cursor": "c2"}]


def test_a_cursor_that_leads_to_itself_ends_the_list() -> None:
    _, queries = pages(clusters.list_clusters(), listed(cursor="c"), listed(cursor="c"))
    assert len(queries) == 2


def test_half_of_an_owner_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="given together"):
        API.list_operations(owner_id="clu_a1")


def test_a_metric_keeps_its_slash() -> None:
    assert workspaces.get_quota("compute/machines").request.path == "/quotas/compute%2Fmachines"
    with pytest.raises(InvalidArgument):
        workspaces.get_quota("../operations")


# -- what can be waited for besides operations


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("pending", OperationState.PENDING),
        ("rendering", OperationState.RUNNING),
        ("syncing", OperationState.RUNNING),
        ("degraded", OperationState.RUNNING),
        ("healthy", OperationState.SUCCEEDED),
        ("failed", OperationState.FAILED),
        ("deleted", OperationState.FAILED),
        ("dreaming", OperationState.UNKNOWN),
        (None, OperationState.UNKNOWN),
    ],
)
def test_an_install_as_an_operation(state: str | None, expected: OperationState) -> None:
    call = API.get_operation("install:inst_a1")
    assert call.request.path == "/installs/inst_a1"
    operation = call.parse(answer({"id": "inst_a1", "state": state, "message": "why"}))
    assert (operation.id, operation.state) == ("install:inst_a1", expected)
    assert (operation.error is not None) == (expected is OperationState.FAILED)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("running", OperationState.RUNNING),
        ("deployed", OperationState.SUCCEEDED),
        ("skipped", OperationState.SUCCEEDED),
        ("failed", OperationState.FAILED),
        ("x", OperationState.UNKNOWN),
    ],
)
def test_a_render_as_an_operation(state: str, expected: OperationState) -> None:
    call = API.get_operation("render:inst_a1.rnd_a1")
    assert call.request.path == "/installs/inst_a1/renders/rnd_a1"
    operation = call.parse(answer({"id": "rnd_a1", "state": state, "message": "bad chart"}))
    assert (operation.id, operation.state, operation.resource_id) == ("render:inst_a1.rnd_a1", expected, "inst_a1")
    assert str(operation.error) == ("render failed: bad chart" if state == "failed" else "None")


def test_references_are_checked() -> None:
    assert API.validate_operation_id("install:inst_a1") == "install:inst_a1"
    with pytest.raises(InvalidArgument, match="has no machine"):
        API.validate_operation_id("machine:mch_a1")
    with pytest.raises(InvalidArgument, match="render:<install id>"):
        API.get_operation("render:rnd_a1")
    with pytest.raises(CancelNotSupported):
        API.cancel_operation("render:inst_a1.rnd_a1")


# -- waiting and cancelling


@pytest.mark.parametrize(("seconds", "timeout"), [(60.0, 60), (3600.0, 60), (2.9, 2), (0.2, 1)])
def test_the_long_poll(seconds: float, timeout: int) -> None:
    request = API.long_poll("op_a1", seconds).request
    assert (request.method, request.path) == ("POST", "/operations/op_a1:wait")
    assert request.query == {"timeout": timeout}
    assert request.read_timeout is not None
    assert request.read_timeout > timeout
    assert request.replayable
    assert request.json is None


def test_a_cancel_has_a_key_of_its_own() -> None:
    assert API.cancel_operation("op_a1", "k").request.headers == {"idempotency-key": "cancel-k"}
    assert API.cancel_operation("op_a1").request.headers == {"idempotency-key": "cancel-op_a1"}
    longest = API.cancel_operation("op_a1", "x" * 64).request.headers["idempotency-key"]
    assert (len(longest), longest == "x" * 64) == (64, False)


def test_the_workspace_of_the_connection_goes_with_every_call() -> None:
    request = API.apply_connection_defaults(Request("GET", "/operations", "/operations"), {"workspace_id": "ws_a1"})
    assert request.headers == {"akua-context": "ws_a1"}
    assert API.apply_connection_defaults(request, {}) is request
    with pytest.raises(InvalidConnection, match="workspace_id"):
        API.apply_connection_defaults(request, {"workspace_id": "ws\n1"})
