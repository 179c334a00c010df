"""No event comes before the scheduler is done with the leg that deferred; none is held for longer than the guard."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import never_settles, operation_fails
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

HOUR = 3600.0


@pytest.fixture
def handle(operations_simulator: SimulatorServer) -> Handle:
    """A running operation; faults are set with ``operations_simulator`` before this is asked for."""
    return start(operations_simulator)


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


def held(handle: Handle, *, until: float, guard: float = HOUR, **arguments: Any) -> OperationTrigger:
    return OperationTrigger(
        "onvera_default",
        [str(handle.operation_id)],
        api="onvera",
        handle=handle.to_dict(),
        not_before=until,
        guard=guard,
        **arguments,
    )


async def fire(trigger: OperationTrigger) -> dict[str, Any]:
    (event,) = [event.payload async for event in trigger.run()]
    payload: dict[str, Any] = json.loads(json.dumps(event))
    return payload


@pytest.mark.parametrize(
    ("faults", "arguments", "status"),
    [
        ([], {}, "succeeded"),
        ([operation_fails("quota")], {}, "failed"),
        ([never_settles()], {"deadline_in": 100.0}, "timeout"),
        ([], {"conn_id": "nobody"}, "error"),
        ([], {"poll_interval": -1}, "error"),
    ],
    ids=["success", "failure", "timeout", "no hook", "no watch"],
)
async def test_every_event_waits(
    virtual_time: VirtualClock,
    operations_simulator: SimulatorServer,
    faults: list[Any],
    arguments: dict[str, Any],
    status: str,
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, *faults)
    not_before = virtual_time.time() + HOUR
    trigger = held(handle, until=not_before)
    if "deadline_in" in arguments:
        trigger.deadline = virtual_time.time() + arguments["deadline_in"]
    trigger.conn_id = arguments.get("conn_id", trigger.conn_id)
    trigger.poll_interval = arguments.get("poll_interval")
    event = await fire(trigger)
    assert event["status"] == status
    assert virtual_time.time() >= not_before


async def test_an_operation_that_takes_longer_pays_nothing(virtual_time: VirtualClock, handle: Handle) -> None:
    trigger, plain = held(handle, until=virtual_time.time() + 10, guard=10), held(handle, until=0, guard=0)
    began = virtual_time.time()
    await fire(plain)
    without = virtual_time.time() - began
    assert without > 10
    now = virtual_time.time()
    await fire(trigger)
    # it has settled by now, so that this is the time of one look
    assert virtual_time.time() - now < 10


@pytest.mark.parametrize("worker_is_ahead_by", [HOUR, 24 * HOUR])
async def test_clocks_that_differ_cannot_make_it_longer_than_the_guard(
    virtual_time: VirtualClock, handle: Handle, worker_is_ahead_by: float
) -> None:
    guard = 50.0
    await fire(held(handle, until=0))
    settled_at = virtual_time.time()
    await fire(held(handle, until=settled_at + worker_is_ahead_by + guard, guard=guard))
    assert guard <= virtual_time.time() - settled_at <= guard + 20


@pytest.mark.parametrize("worker_is_behind_by", [HOUR, 24 * HOUR])
async def test_a_not_before_that_has_passed_holds_nothing(
    virtual_time: VirtualClock, handle: Handle, worker_is_behind_by: float
) -> None:
    guard = 50.0
    await fire(held(handle, until=0))
    settled_at = virtual_time.time()
    await fire(held(handle, until=settled_at - worker_is_behind_by + guard, guard=guard))
    assert virtual_time.time() - settled_at < guard


@asynccontextmanager
async def holding(
    virtual_time: VirtualClock, world: SimulatorServer, trigger: OperationTrigger
) -> AsyncIterator[asyncio.Task[dict[str, Any]]]:
    """Run a trigger until it has nothing more to ask, and still has not fired; then time stands still."""
    virtual_time.auto = False
    running = asyncio.ensure_future(fire(trigger))
    quiet, before = 0, -1
    for _ in range(2000):
        if quiet == 20:
            break
        virtual_time.advance(100)
        await asyncio.sleep(0.01)
        before, now = world.stats()["requests"], before
        quiet = quiet + 1 if now == before and before > 1 else 0
    assert quiet == 20
    assert not running.done()
    yield running
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_cancelled_trigger_does_not_wait(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer, handle: Handle
) -> None:
    trigger = held(handle, until=virtual_time.time() + 1e9, guard=1e9)
    async with holding(virtual_time, operations_simulator, trigger) as running:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)


@pytest.mark.parametrize("policy", ["cancel", "delete"])
@pytest.mark.parametrize("fault", [None, operation_fails("quota")], ids=["succeeded", "failed"])
async def test_a_kill_while_the_end_of_an_operation_is_held_ends_nothing(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer, policy: str, fault: Any
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, *([fault] if fault else []))
    trigger = held(handle, until=virtual_time.time() + 1e9, guard=1e9, on_kill=policy)
    async with holding(virtual_time, operations_simulator, trigger):
        before = operations_simulator.stats()["requests"]
        await trigger.on_kill()
        assert operations_simulator.stats()["requests"] == before
    assert [one["kind"] for one in operations_simulator.operations()] == ["deployment.create"]


async def test_a_kill_while_a_timeout_is_held_ends_what_still_runs(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer
) -> None:
    handle = await asyncio.to_thread(start, operations_simulator, never_settles())
    trigger = held(handle, until=virtual_time.time() + HOUR, on_kill="delete", deadline=virtual_time.time() + 60)
    event = await fire(trigger)
    assert event["status"] == "timeout"
    await trigger.on_kill()
    assert "deployment.destroy" in [one["kind"] for one in operations_simulator.operations()]


def test_the_arguments_are_left_out_where_nothing_is_held() -> None:
    _, arguments = OperationTrigger("c", ["op_1"]).serialize()
    assert not {"not_before", "guard"} & set(arguments)


def test_the_arguments_travel_where_something_is_held() -> None:
    path, arguments = OperationTrigger("c", ["op_1"], not_before=1_800_000_000.0, guard=10.0).serialize()
    assert (arguments["not_before"], arguments["guard"]) == (1_800_000_000.0, 10.0)
    assert OperationTrigger(**arguments).serialize() == (path, arguments)
