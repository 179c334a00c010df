from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wording import duration, named, settled_badly, timed_out, utc
from airflow_provider_ops.exceptions import OperationCancelled, OperationFailed, TransportError
from airflow_provider_ops.operation import Operation, OperationError, OperationState

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = {"resource_type": "deployment", "resource_id": "d-42", "url": "https://ui/op_1"}


def test_a_failed_operation_is_briefed_with_reason_ids_time_link_what_exists_and_what_a_retry_does(
    operation: Callable[..., Operation],
) -> None:
    failed = operation("failed", error=OperationError("quota exceeded.", code="QUOTA"), **FACTS)
    error = settled_badly(failed, what_exists="It left a disk.", next_try="A retry submits a new one.")
    assert isinstance(error, OperationFailed)
    assert error.operation is failed
    assert str(error) == (
        "operation op_1 (deployment.create, deployment d-42) failed after 4 minutes: QUOTA: quota exceeded. "
        "It left a disk. See https://ui/op_1 . A retry submits a new one."
    )


def test_a_cancelled_operation_is_an_error_of_its_own(operation: Callable[..., Operation]) -> None:
    error = settled_badly(operation("cancelled", **FACTS))
    assert isinstance(error, OperationCancelled)
    assert "was cancelled after 4 minutes" in str(error)


def test_without_a_reason_the_last_progress_is_named(operation: Callable[..., Operation]) -> None:
    text = str(settled_badly(operation("failed", "provisioning_db")))
    assert "gives no reason; last progress: provisioning_db" in text
    assert "gives no reason." in str(settled_badly(operation("failed")))


def test_nothing_is_made_up_where_facts_are_missing() -> None:
    bare = Operation("op_1", "onvera", "k", OperationState.FAILED, "failed", error=OperationError(""))
    text = str(settled_badly(bare))
    assert text == "operation op_1 (k) failed: the API gives no reason."


def test_a_timeout_tells_the_last_state_the_last_error_and_what_goes_on(operation: Callable[..., Operation]) -> None:
    last = operation("running", "provisioning_db", **FACTS)
    error = timed_out(
        named("op_1", last),
        last,
        waited=125,
        error=TransportError("reset"),
        consequence="It continues. A retry reads it.",
    )
    assert error.operation is last
    assert str(error) == (
        "operation op_1 (deployment d-42) did not settle within 2 minutes 5 seconds; last state running "
        "(provisioning_db). The last poll failed: reset. It continues. A retry reads it."
    )


def test_a_timeout_without_any_look_says_so() -> None:
    text = str(timed_out(named("op_1"), None, waited=5, error=None, consequence="It continues."))
    assert text == "operation op_1 did not settle within 5 seconds; never read. It continues."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 second"), (-5, "1 second"), (0.4, "1 second"), (200, "3 minutes 20 seconds"), (7200, "2 hours")],
)
def test_durations_are_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_are_utc() -> None:
    assert utc(0) == "1970-01-01 00:00:00 UTC"


HANDLE = Handle.placeholder("report.create", operation_id="op_1", resource_type="report", resource_id="772")
ALL_OF_HANDLE = "operation op_1 (report.create, report 772)"


@pytest.mark.parametrize(
    ("kind", "facts", "handle", "name"),
    [
        ("", {}, None, "operation op_1"),
        ("", {}, HANDLE, ALL_OF_HANDLE),
        ("", {"resource_id": "772"}, HANDLE, ALL_OF_HANDLE),
        ("", {"resource_id": "9"}, HANDLE, "operation op_1 (report.create, resource 9)"),
        ("job", {}, None, "operation op_1 (job)"),
        ("job", {"resource_type": "row", "resource_id": "9"}, HANDLE, "operation op_1 (job, row 9)"),
    ],
)
def test_the_handle_names_what_the_operation_does_not(
    kind: str, facts: dict[str, Any], handle: Handle | None, name: str
) -> None:
    operation = Operation("op_1", "jobs", kind, OperationState.SUCCEEDED, "done", **facts)
    assert named("op_1", operation, handle=handle, kind=True) == name
