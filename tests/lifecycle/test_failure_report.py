"""How a wait ends badly: what the policies do at the API, and what the person on call is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wait_state import TimedOut
from airflow_provider_ops.exceptions import AuthenticationError, OperationFailed, OpsError, TransportError
from airflow_provider_ops.lifecycle.failure_report import FailureReport
from airflow_provider_ops.testing import drop_answer, fail_first, html, operation_fails

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


@pytest.fixture
def handle(hook: OnveraHook) -> Handle:
    made = hook.create_deployment("airflow")
    return Handle.placeholder(
        "deployment.create",
        api=API.name,
        operation_id=made.operation_id,
        resource_type="deployment",
        resource_id=made.deployment_id,
        operation_url="https://ui/op",
    )


def ending(hook: OnveraHook, handle: Handle, *, durable: bool = True) -> FailureReport:
    return FailureReport(hook, handle, durable=durable, log=lambda _line: None)


def kinds(world: SimulatorServer) -> list[str]:
    return [one["kind"] for one in world.operations()]


def test_leave_sends_nothing_and_says_that_it_goes_on_and_where(
    hook: OnveraHook, handle: Handle, world: SimulatorServer
) -> None:
    before = world.stats()["requests"]
    text = ending(hook, handle).carry_out("leave")
    assert world.stats()["requests"] == before
    assert "continues remotely" in text
    assert "https://ui/op" in text


def test_cancel_where_the_api_cannot_says_so(hook: OnveraHook, handle: Handle, world: SimulatorServer) -> None:
    text = ending(hook, handle).carry_out("cancel")
    assert "continues remotely, because Onvera cannot cancel" in text
    assert kinds(world) == ["deployment.create"]


def test_delete_starts_the_deletion_and_names_its_operation(
    hook: OnveraHook, handle: Handle, world: SimulatorServer
) -> None:
    text = ending(hook, handle).carry_out("delete")
    assert kinds(world).count("deployment.destroy") == 1
    (destroying,) = [one["id"] for one in world.operations() if one["kind"] == "deployment.destroy"]
    assert destroying in text


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_of_a_gateway_is_no_proof_that_something_is_gone(
    hook: OnveraHook, handle: Handle, world: SimulatorServer, status: int
) -> None:
    world.faults(html(99, status, method="DELETE"))
    removing = ending(hook, handle)
    text = removing.carry_out("delete")
    assert not removing.removed
    assert "gone" not in text
    assert str(handle.resource_id) in text


def test_delete_waits_a_little_for_what_cannot_be_deleted_yet(
    hook: OnveraHook, handle: Handle, world: SimulatorServer, operator_clock: VirtualClock
) -> None:
    world.faults(fail_first(3, status=409, method="DELETE"))
    before = operator_clock.time()
    assert "is being deleted" in ending(hook, handle).carry_out("delete")
    assert operator_clock.time() - before < 20


def test_delete_that_stays_refused_says_that_it_still_exists(
    hook: OnveraHook, handle: Handle, world: SimulatorServer, operator_clock: VirtualClock
) -> None:
    world.faults(fail_first(99, status=409, method="DELETE"))
    before = operator_clock.time()
    assert "still exists: the deletion was refused" in ending(hook, handle).carry_out("delete")
    assert operator_clock.time() - before < 20, "a kill has twenty seconds"


def test_delete_of_what_is_gone_says_so(
    hook: OnveraHook, handle: Handle, world: SimulatorServer, operator_clock: VirtualClock
) -> None:
    hook.destroy_deployment(str(handle.resource_id))
    operator_clock.advance(1000)
    assert "is gone already" in ending(hook, handle).carry_out("delete")


@pytest.mark.parametrize("policy", ["cancel", "delete", "leave"])
@pytest.mark.parametrize(
    "fault", [fail_first(99), drop_answer(99, method="DELETE"), fail_first(99, status=403)], ids=repr
)
def test_a_policy_that_cannot_be_carried_out_never_raises_and_says_what_may_be_left(
    hook: OnveraHook, handle: Handle, world: SimulatorServer, policy: str, fault: dict[str, object]
) -> None:
    world.faults(fault)
    text = ending(hook, handle).carry_out(policy)
    assert "https://ui/op" in text
    if policy == "delete":
        assert "may still be running: delete failed" in text


def test_nothing_to_delete_says_so(hook: OnveraHook) -> None:
    bare = Handle.placeholder("deployment.create", operation_id="op_1")
    assert "nothing that Onvera could delete" in ending(hook, bare).carry_out("delete")


def test_what_failed_and_left_nothing_does_not_continue(hook: OnveraHook) -> None:
    bare = Handle.placeholder("deployment.create", operation_id="op_1")
    text = ending(hook, bare).carry_out("delete", "failure")
    assert text == "it left nothing that Onvera could delete"


def test_what_failed_is_not_said_to_run_when_its_deletion_fails(
    hook: OnveraHook, handle: Handle, world: SimulatorServer
) -> None:
    world.faults(fail_first(99, status=403))
    text = ending(hook, handle).carry_out("delete", "failure")
    assert text.startswith("what it left may still exist: delete failed")


def failed(hook: OnveraHook, handle: Handle, policy: str, *, may_retry: bool) -> OpsError:
    operation = hook.wait_for_operation(str(handle.operation_id))
    return ending(hook, handle).failed(operation, policy, may_retry=may_retry)


@pytest.fixture
def failing(world: SimulatorServer, hook: OnveraHook) -> Handle:
    world.faults(operation_fails("quota exceeded"))
    made = hook.create_deployment("airflow")
    return Handle.placeholder(
        "deployment.create",
        api=API.name,
        operation_id=made.operation_id,
        resource_type="deployment",
        resource_id=made.deployment_id,
    )


def test_a_failure_tells_reason_ids_time_what_was_left_and_what_a_retry_does(
    hook: OnveraHook, failing: Handle, world: SimulatorServer
) -> None:
    error = failed(hook, failing, "leave", may_retry=True)
    assert isinstance(error, OperationFailed)
    text = str(error)
    for part in ("quota exceeded", failing.operation_id, failing.resource_id, "after 4 minutes", "was removed"):
        assert str(part) in text.replace("5 minutes", "4 minutes"), part
    assert text.endswith("A retry submits a new one.")
    assert kinds(world) == ["deployment.create"]


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_log_and_record_say_the_same_about_what_is_left(hook: OnveraHook, failing: Handle, policy: str) -> None:
    operation, report = hook.wait_for_operation(str(failing.operation_id)), ending(hook, failing)
    error = report.failed(operation, policy, may_retry=True)
    asked_by, _, left = str(report.left).partition(": ")
    assert asked_by == f"on_failure={policy}"
    assert left in str(error)


def test_a_failure_names_what_was_submitted_where_the_operation_does_not(hook: OnveraHook, failing: Handle) -> None:
    operation = hook.wait_for_operation(str(failing.operation_id))
    bare = replace(operation, kind="", resource_type=None, resource_id=None)
    said = [
        str(ending(hook, failing).failed(bare, "leave", may_retry=True, comes_after=comes_after))
        for comes_after in (False, True)
    ]
    name = f"({failing.kind}, deployment {failing.resource_id})"
    # what comes after the submitted operation is about something else
    assert [name in text for text in said] == [True, False]


def test_a_failure_without_a_retry_says_how_to_go_on(hook: OnveraHook, failing: Handle) -> None:
    assert str(failed(hook, failing, "leave", may_retry=False)).endswith("Clear the task to submit a new one.")


def test_on_failure_delete_removes_what_was_left_and_says_so(
    hook: OnveraHook, failing: Handle, world: SimulatorServer
) -> None:
    text = str(failed(hook, failing, "delete", may_retry=True))
    assert "is being deleted" in text
    assert "was removed" not in text
    assert kinds(world).count("deployment.destroy") == 1


def test_a_timeout_carries_out_its_policy(hook: OnveraHook, handle: Handle, world: SimulatorServer) -> None:
    last = TimedOut(hook.get_operation(str(handle.operation_id)), TransportError("reset"))
    text = str(ending(hook, handle).timed_out(last, "delete", waited_for="op_1", waited=90, may_retry=True))
    assert "within 1 minute 30 seconds" in text
    assert "The last poll failed: reset" in text
    assert "is being deleted" in text
    assert kinds(world).count("deployment.destroy") == 1


def test_what_was_not_read_at_the_deadline_is_not_said_to_run(hook: OnveraHook, handle: Handle) -> None:
    seen = hook.get_operation(str(handle.operation_id))
    for last in (TimedOut(None, TransportError("reset")), TimedOut(seen, TransportError("reset"))):
        report = ending(hook, handle)
        text = str(report.timed_out(last, "leave", waited_for="op_1", waited=90, may_retry=True))
        assert "Whether it still runs is not known" in text
        assert "continues remotely" not in f"{text} {report.left}"


def test_the_last_try_says_how_to_wait_for_the_same_operation(hook: OnveraHook, handle: Handle) -> None:
    seen = TimedOut(hook.get_operation(str(handle.operation_id)), None)
    text = str(ending(hook, handle).timed_out(seen, "leave", waited_for="op_1", waited=90, may_retry=False))
    assert "pass its id as operation_id" in text
    assert "a clear alone may submit a new one" in text


@pytest.mark.parametrize(
    ("durable", "may_retry", "then"),
    [
        (True, True, "A retry continues with the operation if that still runs."),
        (False, True, "A retry submits a new one."),
        (True, False, "a clear alone may submit a new one."),
        (False, False, "a clear alone may submit a new one."),
    ],
)
def test_a_timeout_says_what_comes_next(
    hook: OnveraHook, handle: Handle, *, durable: bool, may_retry: bool, then: str
) -> None:
    late = ending(hook, handle, durable=durable).timed_out(
        TimedOut(None, None), "leave", waited_for="op_1", waited=1, may_retry=may_retry
    )
    assert str(late).endswith(then)


@pytest.mark.parametrize(
    ("may_retry", "then"), [(True, "A retry reads it again"), (False, "a clear alone may submit a new one")]
)
def test_giving_up_keeps_the_kind_of_error_and_says_that_nothing_is_known(
    hook: OnveraHook, handle: Handle, may_retry: bool, then: str
) -> None:
    refused = AuthenticationError(401, "EXPIRED", "key expired", "req-1")
    error = ending(hook, handle).unobservable(refused, may_retry=may_retry)
    assert then in error.advice
    assert isinstance(error, AuthenticationError)
    assert error.request_id == "req-1"
    assert "key expired" in str(error)
    assert "Whether it still runs is not known" in str(error)
