"""The trigger by itself: what crosses into the triggerer, what comes back, what is left."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import fail_first, hang, never_settles, operation_cancelled, operation_fails
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.old_airflow import deserialize, needs_state_store, serialize

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

    InState = Callable[[OperationTrigger, str], OperationTrigger]

FAST: dict[str, Any] = {"poll_interval": 0.05}


@pytest.fixture(autouse=True)
def _no_pauses(retry_at_once: None) -> None: ...


def start(world: SimulatorServer, *faults: Any) -> Handle:
    world.faults(*faults)
    hook = OnveraHook()
    made = hook.create_deployment("airflow")
    hook.close()
    return Handle.placeholder(
        "deployment.create",
        api="onvera",
        operation_id=made.operation_id,
        resource_type="deployment",
        resource_id=made.deployment_id,
    )


async def fire(trigger: OperationTrigger) -> dict[str, Any]:
    events = [event.payload async for event in trigger.run()]
    assert len(events) == 1, "one event, then the end"
    payload: dict[str, Any] = json.loads(json.dumps(events[0]))
    return payload


def through_airflow(trigger: OperationTrigger) -> OperationTrigger:
    """What the triggerer makes of what the worker stored."""
    classpath, kwargs = trigger.serialize()
    assert classpath == "airflow_provider_ops.triggers.operation.OperationTrigger"
    back: Any = deserialize(json.loads(json.dumps(serialize(kwargs))))
    return OperationTrigger(**back)


# -- the journey

FULL = OperationTrigger(
    "onvera_default",
    ["op_1", "op_2"],
    "any",
    2.5,
    1_800_000_000.0,
    kind="deployment.create",
    api="onvera",
    handle=Handle.placeholder("deployment.create", operation_id="op_1").to_dict(),
    on_kill="delete",
)


@pytest.mark.parametrize("trigger", [FULL, OperationTrigger("c", ["op_1"])], ids=["full", "bare"])
def test_a_trigger_survives_the_journey_through_airflow(trigger: OperationTrigger) -> None:
    assert through_airflow(trigger).serialize() == trigger.serialize()


def test_the_contract_of_its_arguments_holds() -> None:
    trigger = OperationTrigger("c", ["op_1"], wait_for="any", poll_interval=None, deadline=None)
    _, kwargs = trigger.serialize()
    assert kwargs["version"] == 2
    assert list(kwargs)[:5] == ["conn_id", "operation_ids", "wait_for", "poll_interval", "deadline"]


@pytest.mark.parametrize("deadline", [float("inf"), float("nan")])
def test_what_cannot_travel_is_refused_before_anything_is_submitted(deadline: float) -> None:
    with pytest.raises(InvalidArgument, match="cannot be handed to the triggerer"):
        OperationTrigger("c", ["op_1"], deadline=deadline).check()
    with pytest.raises(InvalidArgument, match="cannot be handed to the triggerer"):
        OperationTrigger("c", ["op_1"], handle={"x": object()}).check()


# -- waiting


@pytest.mark.parametrize(
    ("faults", "status", "state"),
    [
        ([], "succeeded", "succeeded"),
        ([operation_fails("quota exceeded")], "failed", "failed"),
        ([operation_cancelled("maintenance")], "failed", "cancelled"),
    ],
    ids=["succeeded", "failed", "cancelled"],
)
async def test_the_event_tells_how_the_operation_ended(
    operations_simulator: SimulatorServer, faults: Any, status: str, state: str
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, *faults)
    event = await fire(OperationTrigger("onvera_default", [str(handle.operation_id)], **FAST))
    assert event["version"] == 1
    assert event["status"] == status
    assert event["operation_ids"] == [handle.operation_id]
    wait = event["waits"][handle.operation_id]
    assert wait["operation"]["state"] == state
    assert wait["timeline"]["entries"]


async def test_a_passed_deadline_is_an_event(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    trigger = OperationTrigger("onvera_default", [str(handle.operation_id)], deadline=time.time() + 0.4, **FAST)
    began = time.monotonic()
    event = await fire(trigger)
    assert event["status"] == "timeout"
    assert time.monotonic() - began > 0.3


@pytest.mark.parametrize(("wait_for", "status"), [("any", "succeeded"), ("all", "failed")])
async def test_of_several_operations_the_first_that_decides_ends_the_wait(
    operations_simulator: SimulatorServer, wait_for: str, status: str
) -> None:
    ends: list[list[Any]] = [[operation_fails("x")], [], [never_settles()]]
    handles = [await asyncio.to_thread(start, operations_simulator, *faults) for faults in ends]
    ids = [str(handle.operation_id) for handle in handles]
    event = await fire(OperationTrigger("onvera_default", ids, wait_for, **FAST))
    assert event["status"] == status
    assert event["waits"][ids[2]]["outcome"] == "open"


TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "no connection": ("nobody", {}),
    "no connection, api known": ("nobody", {"api": "onvera"}),
    "unknown api": ("onvera_default", {"api": "martian"}),
    "bad id": ("onvera_default", {"operation_ids": ["../x"]}),
    "bad interval": ("onvera_default", {"poll_interval": -1}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_no_exception_escapes_but_trouble_is_told_in_the_event(
    operations_simulator: SimulatorServer, trouble: str
) -> None:
    conn_id, arguments = TROUBLE[trouble]
    trigger = OperationTrigger(conn_id, **{"operation_ids": ["op_1"], **FAST, **arguments})
    event = await fire(trigger)
    assert event["status"] == "error"
    assert event["error"]
    assert event["traceback"]


# -- what is left


async def settle(world: SimulatorServer) -> int:
    for _ in range(200):
        if not world.stats()["connections_open"]:
            break
        await asyncio.sleep(0.01)
    return int(world.stats()["connections_open"])


async def only_this_task() -> bool:
    for _ in range(200):
        if len(asyncio.all_tasks()) == 1:
            return True
        await asyncio.sleep(0.01)
    return False


def own_sockets() -> int:
    return len([1 for link in Path("/proc/self/fd").iterdir() if "socket" in _target(link)])


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


async def test_a_cancelled_run_closes_its_sockets_and_leaves_no_task(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    await settle(operations_simulator)
    before = own_sockets()
    runs = [
        asyncio.create_task(fire(OperationTrigger("onvera_default", [str(handle.operation_id)], **FAST)))
        for _ in range(5)
    ]
    await asyncio.sleep(0.3)
    assert operations_simulator.stats()["connections_open"] >= 1
    for run in runs:
        run.cancel()
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert await settle(operations_simulator) == 0
    assert own_sockets() <= before
    assert await only_this_task()


async def test_a_run_that_is_cancelled_in_the_middle_of_a_request_closes_its_sockets(
    operations_simulator: SimulatorServer,
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator)
    operations_simulator.faults(hang(5, method="GET"))
    run = asyncio.create_task(fire(OperationTrigger("onvera_default", [str(handle.operation_id)], **FAST)))
    await asyncio.sleep(0.2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await settle(operations_simulator) == 0
    assert await only_this_task()


async def test_a_finished_run_leaves_nothing(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator)
    await fire(OperationTrigger("onvera_default", [str(handle.operation_id)], **FAST))
    assert await settle(operations_simulator) == 0
    assert await only_this_task()


# -- killed


def killable(handle: Handle | None, policy: str) -> OperationTrigger:
    stored = handle.to_dict() if handle else None
    ids = [str(handle.operation_id)] if handle else ["op_1"]
    return OperationTrigger("onvera_default", ids, api="onvera", handle=stored, on_kill=policy)


def destroys(world: SimulatorServer) -> int:
    return len([one for one in world.operations() if one["kind"] == "deployment.destroy"])


@pytest.mark.parametrize(("policy", "expected"), [("delete", 1), ("cancel", 0), ("leave", 0)])
async def test_a_killed_task_has_its_policy_carried_out(
    operations_simulator: SimulatorServer, policy: str, expected: int
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    await killable(handle, policy).on_kill()
    assert destroys(operations_simulator) == expected
    assert await settle(operations_simulator) == 0


async def test_leaving_costs_no_request_and_says_what_continues(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    before = operations_simulator.stats()["requests"]
    with capture_logs() as said:
        await killable(handle, "leave").on_kill()
    texts = [line["event"] % line.get("positional_args", ()) for line in said]
    made = f"{handle.operation_id} (deployment {handle.resource_id})"
    assert texts == [f"asked to stop while waiting for {made}: it continues, as on_kill=leave says"]
    await killable(None, "delete").on_kill()
    assert operations_simulator.stats()["requests"] == before


async def test_checking_whether_the_task_was_ended_is_no_warning(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    with capture_logs() as said:
        await killable(handle, "delete").on_kill()
    first = said[0]
    assert first["log_level"] == "info"
    text = first["event"] % first.get("positional_args", ())
    assert text.endswith("checking whether a user ended the task; if so, on_kill=delete is carried out")


@pytest.mark.parametrize(
    ("policy", "faults", "level"),
    [
        ("leave", [], "info"),
        ("delete", [], "info"),
        ("cancel", [], "warning"),  # Onvera cannot
        ("delete", [fail_first(99, status=403)], "warning"),
    ],
)
async def test_only_what_a_kill_has_not_done_is_a_warning(
    operations_simulator: SimulatorServer, policy: str, faults: list[Any], level: str
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    operations_simulator.faults(never_settles(), *faults)
    with capture_logs() as said:
        await killable(handle, policy).on_kill()
    assert said[-1]["log_level"] == level


async def test_airflow_cutting_the_kill_off_does_not_cut_the_deletion_off(
    operations_simulator: SimulatorServer,
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    operations_simulator.latency = 0.3
    killing = asyncio.create_task(killable(handle, "delete").on_kill())
    await asyncio.sleep(0.05)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    for _ in range(100):
        if destroys(operations_simulator):
            break
        await asyncio.sleep(0.02)
    assert destroys(operations_simulator) == 1
    assert await only_this_task()


@pytest.mark.parametrize("fault", [fail_first(99), fail_first(99, status=403)], ids=repr)
async def test_a_kill_that_cannot_be_carried_out_does_not_raise(
    operations_simulator: SimulatorServer, fault: Any
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    operations_simulator.faults(fault)
    await killable(handle, "delete").on_kill()
    assert destroys(operations_simulator) == 0


@pytest.fixture
def in_state(monkeypatch: pytest.MonkeyPatch) -> InState:
    """Give a trigger a task that is in a state, as Airflow then says."""

    def give(trigger: OperationTrigger, state: str) -> OperationTrigger:
        async def state_now(_ti: object) -> str:
            return state

        monkeypatch.setattr("airflow_provider_ops.triggers.operation.task_state_async", state_now)
        given = SimpleNamespace(id="1", task_id="t", dag_id="d", run_id="r", map_index=-1, try_number=1)
        trigger.task_instance = given  # type: ignore[assignment]
        return trigger

    return give


@needs_state_store
@pytest.mark.parametrize(("state", "cause"), [("failed", "marked failed"), ("success", "marked success")])
async def test_a_kill_records_its_cause_and_what_is_left(
    operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, in_state: InState, state: str, cause: str
) -> None:
    kept: list[Any] = []

    async def keep(_ti: object, aftermath: Any) -> None:
        kept.append(aftermath)

    monkeypatch.setattr("airflow_provider_ops.triggers.operation.record_aftermath", keep)
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    trigger = in_state(killable(handle, "delete"), state)
    await trigger.on_kill()
    (left,) = kept
    assert cause in left.text
    assert "on_kill=delete: " in left.text
    assert left.resource == left.deletion.resource == f"deployment {handle.resource_id}"
    assert (left.deletion.asked_by, cause in left.deletion.cause) == ("on_kill=delete", True)
    deletions = [one["id"] for one in operations_simulator.operations() if one["kind"] == "deployment.destroy"]
    assert [left.deletion.operation_id] == deletions


async def test_what_has_succeeded_since_it_was_last_polled_is_not_deleted(
    operations_simulator: SimulatorServer, in_state: InState
) -> None:
    # another triggerer has taken the wait over, and the task has succeeded with what that one saw
    handle = await asyncio.to_thread(start, operations_simulator)
    trigger = in_state(killable(handle, "delete"), "success")
    trigger.poll_interval = 60.0
    run = asyncio.create_task(fire(trigger))
    for _ in range(200):
        if any(wait.operation is not None for wait in trigger._waits):
            break
        await asyncio.sleep(0.02)
    (wait,) = trigger._waits
    assert wait.operation is not None
    assert not wait.operation.state.is_terminal
    for _ in range(300):
        if operations_simulator.operations()[0]["stage"] == "succeeded":
            break
        await asyncio.sleep(0.05)
    await trigger.on_kill()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert destroys(operations_simulator) == 0


@pytest.mark.parametrize(("state", "deleted"), [("success", 0), ("failed", 1)])
async def test_what_a_task_may_have_succeeded_with_is_not_deleted_without_a_poll(
    operations_simulator: SimulatorServer, in_state: InState, state: str, deleted: int
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    operations_simulator.faults(never_settles(), fail_first(99, method="GET"))
    trigger = in_state(killable(handle, "delete"), state)
    with capture_logs() as said:
        await trigger.on_kill()
    assert destroys(operations_simulator) == deleted
    assert said[-1]["log_level"] == ("info" if deleted else "warning")


async def test_a_kill_after_success_polls_again_where_a_poll_failed(
    operations_simulator: SimulatorServer, in_state: InState
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    operations_simulator.faults(never_settles(), fail_first(2, method="GET"))
    trigger = in_state(killable(handle, "delete"), "success")
    await trigger.on_kill()
    assert destroys(operations_simulator) == 1


async def test_killing_twice_deletes_once(operations_simulator: SimulatorServer) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    await killable(handle, "delete").on_kill()
    operations_simulator.faults({"fault": "status", "status": 404, "method": "DELETE"})
    await killable(handle, "delete").on_kill()
    assert destroys(operations_simulator) == 1
