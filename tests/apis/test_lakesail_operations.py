"""LakeSail's operations: words nobody documented, and answers of calls nobody documented."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.apis.lakesail import operations
from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import OperationState
from tests.apis.answers import answer

API = lakesail.API
SINCE = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)

# The composed example of the fact sheet, with words in place of its placeholders.
OPERATION: dict[str, Any] = {
    "id": "K4T7M2Q9ZB",
    "organizationId": "R8N3C5V1XA",
    "memberId": "D6F2H9J4LP",
    "operation": "cluster.provision",
    "status": "running",
    "result": {"items": [{"instanceType": "m7g.xlarge", "vCpus": 4}], "metadata": {"provider": "aws"}},
    "error": {
        "code": "QUOTA",
        "message": "quota too low",
        "errorType": "provider",
        "details": {
            "retryable": True,
            "retryAfter": 30,
            "fieldErrors": {"region": "unsupported"},
            "requestId": "req-1",
            "causedBy": "aws",
        },
    },
    "progress": {
        "stage": "apply",
        "message": "creating nodes",
        "resources": [
            {"urn": "urn:vpc", "type": "ec2", "name": "vpc", "operation": "create", "status": "done", "duration": 12}
        ],
        "summary": {"total": 20, "pending": 5, "running": 2, "succeeded": 12, "failed": 0, "unchanged": 1},
    },
    "resourceType": "cluster",
    "resourceId": "W5Y1B8G3SK",
    "createdAt": "2026-01-05T10:00:00Z",
    "updatedAt": "2026-01-05T10:04:00Z",
    "startedAt": "2026-01-05T10:00:05Z",
    "completedAt": "2026-01-05T10:09:00Z",
}


def state(**fields: Any) -> OperationState:
    return operations.to_operation({"id": "K4T7M2Q9ZB", **fields}).state


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("pending", "pending"),
            ("QUEUED", "pending"),
            ("running", "running"),
            ("in_progress", "running"),
            ("In Progress", "running"),
            ("IN-PROGRESS", "running"),
            ("inProgress", "running"),
            ("succeeded", "succeeded"),
            ("Success", "succeeded"),
            ("completed", "succeeded"),
            ("complete", "succeeded"),
            ("done", "succeeded"),
            ("failed", "failed"),
            ("ERROR", "failed"),
            ("errored", "failed"),
            ("cancelled", "cancelled"),
            ("canceled", "cancelled"),
            ("active", "unknown"),
            ("hibernating", "unknown"),
            ("", "unknown"),
            (None, "unknown"),
        ],
    )
    def test_words_without_other_evidence(self, status: str | None, expected: str) -> None:
        assert state(status=status) == expected

    def test_a_missing_status_is_unknown(self) -> None:
        operation = operations.to_operation({"id": "A1"})
        assert (operation.state, operation.raw_state) == (OperationState.UNKNOWN, "missing")

    @pytest.mark.parametrize("status", ["active", "hibernating", None])
    def test_completed_at_decides_what_no_table_knows(self, status: str | None) -> None:
        done = "2026-01-05T10:09:00Z"
        broken = {"summary": {"total": 3, "failed": 1}}
        assert state(status=status, completedAt=done) is OperationState.SUCCEEDED
        assert state(status=status, completedAt=done, error={"code": "X"}) is OperationState.FAILED
        assert state(status=status, completedAt=done, progress=broken) is OperationState.FAILED
        assert state(status=status, error={"code": "X"}) is OperationState.UNKNOWN

    def test_words_that_only_say_over_ask_the_error(self) -> None:
        assert state(status="completed", error={"message": "no quota"}) is OperationState.FAILED
        assert state(status="completed", error={"code": None, "details": {}}) is OperationState.SUCCEEDED
        assert state(status="succeeded", error={"message": "a warning"}) is OperationState.SUCCEEDED

    @pytest.mark.parametrize("never", [None, "", "0001-01-01T00:00:00Z", 0])
    def test_a_time_that_was_never_set_is_not_set(self, never: Any) -> None:
        assert state(status="hibernating", completedAt=never) is OperationState.UNKNOWN

    def test_a_time_in_a_format_we_do_not_know_is_set(self) -> None:
        operation = operations.to_operation({"id": "A1", "status": "?", "completedAt": "5 Jan 2026"})
        assert (operation.state, operation.ended_at) == (OperationState.SUCCEEDED, None)

    def test_a_running_word_is_believed_before_a_time(self) -> None:
        assert state(status="running", completedAt="2026-01-05T10:09:00Z") is OperationState.RUNNING


class TestOperation:
    def test_the_example_of_the_sheet(self) -> None:
        operation = operations.to_operation(OPERATION)
        assert (operation.id, operation.api, operation.kind) == ("K4T7M2Q9ZB", "lakesail", "cluster.provision")
        assert (operation.resource_type, operation.resource_id) == ("cluster", "W5Y1B8G3SK")
        assert operation.result == OPERATION["result"]
        assert operation.ended_at == datetime(2026, 1, 5, 10, 9, tzinfo=timezone.utc)
        progress = operation.progress
        assert progress is not None
        assert str(progress) == "apply, creating nodes, 13/20"
        (step,) = progress.steps
        assert (step.name, step.state) == ("vpc", "done")
        assert step.message == "create, ec2, urn:vpc, duration 12 (unit not documented)"
        error = operation.error
        assert error is not None
        assert str(error) == "QUOTA: quota too low (region: unsupported)"
        assert (error.retryable, error.retry_after) == (True, 30.0)
        assert error.details == {
            "error_type": "provider",
            "retry_after": 30.0,
            "field_errors": {"region": "unsupported"},
            "request_id": "req-1",
            "caused_by": "aws",
        }

    @pytest.mark.parametrize(
        ("given_", "seconds"),
        [(0, 0.0), (30_000, 3600.0), (1.7e12, 3600.0), (-5, None), (None, None), ("12", 12.0), (float("inf"), None)],
    )
    def test_retry_after_is_bounded(self, given_: Any, seconds: float | None) -> None:
        error = {"message": "m", "details": {"retryAfter": given_}}
        operation = operations.to_operation({"id": "A1", "error": error})
        assert operation.error is not None
        assert operation.error.retry_after == seconds

    def test_survives_json(self) -> None:
        operation = operations.to_operation(OPERATION)
        assert type(operation).from_dict(json.loads(json.dumps(operation.to_dict()))) == operation

    @pytest.mark.parametrize("body", [[], "x", None, {}, {"id": None}, {"id": "A1", "progress": "half"}])
    def test_what_is_no_operation_is_unreadable(self, body: Any) -> None:
        with pytest.raises(TransportError) as caught:
            API.get_operation("A1").parse(answer(body))
        assert caught.value.reason == "unreadable"


def submit(method: str = "POST", path: str = "/infra/clusters", **options: Any) -> SubmitCall:
    return API.request(method, path, **options)


class TestProvisioning:
    """The answers of calls that are not documented, in every shape they may have."""

    @pytest.mark.parametrize(
        ("body", "headers", "expected"),
        [
            ({"id": "W5", "name": "a", "operationId": "K4"}, {}, ("K4", "cluster", "W5")),
            ({"id": "W5", "operationId": "K4", "operation": "x"}, {}, ("K4", "cluster", "W5")),
            ({"operationId": "K4"}, {}, ("K4", "cluster", None)),
            ({"operation": {"id": "K4"}}, {}, ("K4", "cluster", None)),
            ({"id": "W5", "name": "a", "operation": {"id": "K4"}}, {}, ("K4", "cluster", "W5")),
            ({"operation": OPERATION}, {}, ("K4T7M2Q9ZB", "cluster", "W5Y1B8G3SK")),
            (OPERATION, {}, ("K4T7M2Q9ZB", "cluster", "W5Y1B8G3SK")),
            ({"id": "K4", "status": "pending"}, {}, ("K4", "cluster", None)),
            ({"id": "K4"}, {}, ("K4", "cluster", None)),
            (None, {"location": "/api/v1/operations/K4"}, ("K4", "cluster", None)),
            ({"id": "W5", "name": "a"}, {"location": "https://h/api/v1/operations/K4?x=1"}, ("K4", "cluster", "W5")),
            ({"id": "W5", "status": "pending"}, {"location": "/operations/K4/"}, ("K4", "cluster", "W5")),
        ],
    )
    def test_names_its_operation(self, body: Any, headers: dict[str, str], expected: tuple[str, ...]) -> None:
        found = submit().parse(answer(body, 202, **headers))
        assert (found.operation_id, found.resource_type, found.resource_id) == expected

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (None, {}),
            ({}, {}),
            ({"id": "W5", "name": "a"}, {}),
            ({"id": "W5", "externalClusterId": "P2", "operationId": None}, {}),
            ({"id": "W5", "name": "a"}, {"location": "/api/v1/infra/clusters/W5"}),
            ([{"id": "K4"}], {}),
        ],
    )
    def test_an_id_of_a_resource_is_never_taken_for_an_operation(self, body: Any, headers: dict[str, str]) -> None:
        with pytest.raises(TransportError) as caught:
            submit().parse(answer(body, 202, **headers))
        assert (caught.value.reason, caught.value.maybe_executed) == ("unreadable", True)

    def test_the_resource_in_the_path_stands_in(self) -> None:
        found = submit("DELETE", "/infra/networks/N8B2F6H4JK/").parse(answer({"operationId": "K4"}))
        assert (found.kind, found.resource_type, found.resource_id) == ("DELETE networks", "network", "N8B2F6H4JK")

    def test_an_operation_that_cannot_be_read_still_has_its_id(self) -> None:
        found = submit().parse(answer({"operation": {"id": "K4", "status": 7}}))
        assert (found.operation_id, found.operation) == ("K4", None)

    def test_nothing_can_be_found_out(self) -> None:
        sent = submit(json={"name": "a"})
        assert API.with_idempotency_key(sent, "key") == sent
        assert API.find_submitted(Intent(sent, "key")) is None

    def test_its_own_calls_are_recognised(self) -> None:
        sent = submit("post", "/workloads/jobs/J1/runs", json={"a": 1}, query={"dry": "1"})
        assert sent.kind == "job_run.create"
        assert (sent.request.json, sent.request.query) == ({"a": 1}, {"dry": "1"})
        kinds = [
            submit(method, path).kind
            for method, path in [
                ("POST", "/workloads/sessions"),
                ("DELETE", "/workloads/sessions/S1"),
                ("POST", "/workloads/notebooks/N1/start"),
                ("POST", "/workloads/jobs/J1/runs/R1/ready"),
                ("POST", "/workloads/notebooks"),
            ]
        ]
        assert kinds == ["session.create", "session.close", "notebook.start", "job_run.ready", "POST notebooks"]
