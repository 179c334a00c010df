"""Every method of the hook, in both worlds, over real sockets."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import Deployment, DeploymentSubmitted, Environment
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    CancelNotSupported,
    InvalidArgument,
    InvalidConnection,
    NotFound,
    WaitTimeout,
)
from airflow_provider_ops.hooks.lookup import ahook_for, hook_for
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.testing import (
    fail_first,
    fail_sometimes,
    never_settles,
    not_found_first,
    operation_cancelled,
    operation_fails,
    outage,
    rate_limited,
    unknown_status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

ASYNC_NAMES = {"wait_for_operation": "await_operation"}


@pytest.fixture(params=["sync", "async"])
def do(request: pytest.FixtureRequest, world: SimulatorServer, hook_clock: VirtualClock) -> Callable[..., Any]:
    """Call a method of the hook by its synchronous name, in either world; lists come as lists."""

    def call(name: str, /, *args: Any, **kwargs: Any) -> Any:
        hook = OnveraHook(clock=hook_clock)
        if request.param == "sync":
            try:
                result = getattr(hook, name)(*args, **kwargs)
                return list(result) if inspect.isgenerator(result) else result
            finally:
                hook.close()

        async def acall() -> Any:
            result = getattr(hook, ASYNC_NAMES.get(name, f"a{name}"))(*args, **kwargs)
            return await result if inspect.isawaitable(result) else [item async for item in result]

        return asyncio.run(acall())

    return call


def test_create_get_and_destroy_a_deployment(do: Any, hook_clock: VirtualClock) -> None:
    made = do("create_deployment", "superset", name="bi")
    assert isinstance(made, DeploymentSubmitted)
    operation = do("get_operation", made.operation_id)
    assert (operation.state, operation.kind) == (OperationState.PENDING, "deployment.create")
    hook_clock.advance(600)
    deployment = do("get_deployment", made.deployment_id)
    assert isinstance(deployment, Deployment)
    assert (deployment.name, deployment.app_type, deployment.status) == ("bi", "superset", "ready")
    gone = do("destroy_deployment", made.deployment_id)
    assert do("wait_for_operation", gone.operation_id).state is OperationState.SUCCEEDED
    with pytest.raises(NotFound):
        do("get_deployment", made.deployment_id)


def test_an_operation_is_typed_and_points_to_its_resource(do: Any, hook_clock: VirtualClock) -> None:
    made = do("create_deployment", "airflow")
    hook_clock.advance(600)
    operation = do("get_operation", made.operation_id)
    assert isinstance(operation, Operation)
    assert operation.state is OperationState.SUCCEEDED
    assert (operation.resource_type, operation.resource_id) == ("deployment", made.deployment_id)
    for at in (operation.created_at, operation.started_at, operation.ended_at):
        assert isinstance(at, datetime)
        assert at.utcoffset() is not None


def test_lists_are_read_to_their_last_page(do: Any, world: SimulatorServer) -> None:
    hook = OnveraHook()
    ids = {hook.create_deployment("airflow").deployment_id for _ in range(205)}
    hook.close()
    world.faults(fail_first(2, route="/deployments", method="GET"))
    listed = do("list_deployments")
    assert len(listed) == 205
    assert {item.id for item in listed} == ids
    assert len(do("list_operations")) == 205


def test_operations_are_filtered_by_the_api(do: Any, hook_clock: VirtualClock) -> None:
    one, two = do("create_deployment", "airflow"), do("create_deployment", "airflow")
    hook_clock.advance(600)
    gone = do("destroy_deployment", one.deployment_id)
    assert [item.id for item in do("list_operations", type="deployment.destroy")] == [gone.operation_id]
    assert {item.id for item in do("list_operations", status="succeeded")} == {one.operation_id, two.operation_id}
    assert [item.id for item in do("list_operations", resource_id=two.deployment_id)] == [two.operation_id]


def test_environments_are_typed(do: Any) -> None:
    (environment,) = do("list_environments")
    assert isinstance(environment, Environment)
    assert environment.id


def test_both_worlds_have_the_same_methods_with_the_same_arguments() -> None:
    names = [name for name in dir(OnveraHook) if name.startswith(("get_op", "list_", "create_", "destroy_", "cancel_"))]
    assert len(names) == 7
    for name in [*names, "get_deployment", "wait_for_operation"]:
        other = ASYNC_NAMES.get(name, f"a{name}")
        hook = OnveraHook()
        assert inspect.signature(getattr(hook, name)) == inspect.signature(getattr(hook, other)), name
        assert getattr(hook, name).__doc__


def test_onvera_cannot_cancel_and_says_what_that_means(do: Any, world: SimulatorServer) -> None:
    with pytest.raises(CancelNotSupported, match="op_1 continues"):
        do("cancel_operation", "op_1")
    assert world.stats()["requests"] == 0


@pytest.mark.parametrize(
    "bad", ["", "../deployments", "op_1?x=1", "op 1", "op_1\n", "op/1", "-op", "ö", "%2e%2e", None, 5]
)
def test_an_id_that_could_break_out_of_its_path_is_refused_before_anything_is_sent(
    do: Any, world: SimulatorServer, bad: Any
) -> None:
    for method in ("get_operation", "get_deployment", "destroy_deployment", "wait_for_operation"):
        with pytest.raises(InvalidArgument, match="_id"):
            do(method, bad)
    assert world.stats()["requests"] == 0


def test_an_unknown_app_type_is_refused_before_anything_is_sent(do: Any, world: SimulatorServer) -> None:
    with pytest.raises(InvalidArgument, match="'airflow' or 'superset'"):
        do("create_deployment", "jupyter")
    assert world.stats()["requests"] == 0


# -- waiting


def started(hook_clock: VirtualClock) -> str:
    hook = OnveraHook(clock=hook_clock)
    try:
        return hook.create_deployment("airflow").operation_id
    finally:
        hook.close()


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (None, OperationState.SUCCEEDED),
        (operation_fails("quota exceeded"), OperationState.FAILED),
        (operation_cancelled("maintenance"), OperationState.CANCELLED),
    ],
)
def test_waiting_returns_the_settled_operation_whatever_its_state(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock, fault: Any, state: OperationState
) -> None:
    world.faults(*([fault] if fault else []))
    before = hook_clock.time()
    operation = do("wait_for_operation", started(hook_clock))
    assert operation.state is state
    assert 250 < hook_clock.time() - before < 350
    if state is OperationState.FAILED:
        assert "quota exceeded" in str(operation.error)


@pytest.mark.parametrize(
    "faults",
    [
        [fail_sometimes(0.3)],
        [outage(60)],
        [fail_first(5, status=500, method="GET")],
        [rate_limited(3, retry_after=20, method="GET")],
        [{"fault": "reset", "probability": 0.3, "method": "GET"}],
        [{"fault": "html", "probability": 0.3, "method": "GET"}],
        [{"fault": "truncated", "probability": 0.3, "method": "GET"}],
        [fail_first(2, status=401, method="GET")],
        [fail_first(2, status=403, method="GET")],
    ],
    ids=lambda faults: faults[0]["fault"] + str(faults[0].get("status", "")),
)
def test_failing_to_look_is_not_failing(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock, faults: list[Any]
) -> None:
    operation_id = started(hook_clock)
    world.faults(*faults)
    assert do("wait_for_operation", operation_id).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 410, 418, 451, 502])
def test_error_pages_of_a_gateway_say_nothing_about_the_operation(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock, status: int
) -> None:
    operation_id = started(hook_clock)
    world.faults({"fault": "html", "status": status, "method": "GET", "during": 240})
    assert do("wait_for_operation", operation_id).state is OperationState.SUCCEEDED


@pytest.mark.parametrize(
    "fault", [not_found_first(3), unknown_status("dreaming", 30)], ids=lambda fault: fault["fault"]
)
def test_a_fresh_operation_may_look_strange(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock, fault: Any
) -> None:
    world.faults(fault)
    assert do("wait_for_operation", started(hook_clock)).state is OperationState.SUCCEEDED


def test_a_timeout_comes_at_its_second_and_carries_what_was_last_seen(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock
) -> None:
    world.faults(never_settles())
    operation_id = started(hook_clock)
    before = hook_clock.time()
    with pytest.raises(WaitTimeout, match=r"did not settle within 2 minutes.*continues remotely") as caught:
        do("wait_for_operation", operation_id, timeout=120)
    assert 120 <= hook_clock.time() - before <= 121
    assert caught.value.operation is not None
    assert caught.value.operation.state is OperationState.RUNNING


def test_of_an_operation_that_was_never_seen_nobody_says_that_it_goes_on(do: Any) -> None:
    with pytest.raises(WaitTimeout, match=r"never read.*check the id") as caught:
        do("wait_for_operation", "op_nobody-knows", timeout=10)
    assert caught.value.operation is None
    assert "continues remotely" not in str(caught.value)


def test_without_a_timeout_the_default_of_the_api_holds(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock
) -> None:
    world.faults(never_settles())
    operation_id = started(hook_clock)
    before = hook_clock.time()
    with pytest.raises(WaitTimeout):
        do("wait_for_operation", operation_id, poll_interval=60)
    assert 3600 <= hook_clock.time() - before <= 3605


def test_retry_after_does_not_hold_a_wait_beyond_its_deadline(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock
) -> None:
    operation_id = started(hook_clock)
    world.faults(rate_limited(99, retry_after=3000, method="GET"))
    before = hook_clock.time()
    with pytest.raises(WaitTimeout, match="was not sent"):
        do("wait_for_operation", operation_id, timeout=60)
    assert hook_clock.time() - before <= 61


def test_a_key_that_stays_refused_ends_the_wait_as_what_it_is(
    do: Any, world: SimulatorServer, hook_clock: VirtualClock
) -> None:
    operation_id = started(hook_clock)
    world.faults({"fault": "status", "status": 401})
    before = hook_clock.time()
    with pytest.raises(AuthenticationError):
        do("wait_for_operation", operation_id)
    assert 120 <= hook_clock.time() - before <= 160


def test_an_operation_that_does_not_exist_ends_the_wait_after_its_grace(do: Any, hook_clock: VirtualClock) -> None:
    before = hook_clock.time()
    with pytest.raises(NotFound):
        do("wait_for_operation", "op_nobody_knows")
    assert 60 <= hook_clock.time() - before <= 90


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 1e12, "soon", True, []])
@pytest.mark.parametrize("name", ["timeout", "poll_interval"])
def test_a_number_of_seconds_that_cannot_be_meant_is_refused(do: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=name):
        do("wait_for_operation", "op_1", **{name: value})


def test_a_poll_interval_of_zero_is_refused(do: Any) -> None:
    with pytest.raises(InvalidArgument, match="above 0"):
        do("wait_for_operation", "op_1", poll_interval=0)


# -- finding the hook


def test_the_hook_is_chosen_by_the_type_of_the_connection(world: SimulatorServer) -> None:
    assert isinstance(hook_for("onvera_default"), OnveraHook)
    assert isinstance(asyncio.run(ahook_for("onvera_default")), OnveraHook)


def test_a_missing_connection_is_named_with_what_to_do() -> None:
    looks: list[Callable[[], object]] = [lambda: hook_for("nobody"), lambda: asyncio.run(ahook_for("nobody"))]
    for look in looks:
        with pytest.raises(InvalidConnection, match="AIRFLOW_CONN_NOBODY"):
            look()


def test_a_connection_of_a_foreign_type_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALIEN", '{"conn_type": "http", "password": "sk-leak-canary"}')
    looks: list[Callable[[], object]] = [lambda: hook_for("alien"), lambda: asyncio.run(ahook_for("alien"))]
    for look in looks:
        with pytest.raises(InvalidConnection, match=r"'http'.*onvera") as caught:
            look()
        assert "sk-leak-canary" not in str(caught.value)
