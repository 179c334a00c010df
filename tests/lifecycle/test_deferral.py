"""What a worker hands to Airflow when a task defers: the hold of the event, and a timeout that comes later."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops._compat import AirflowRescheduleException, has_scheduler
from airflow_provider_ops.decorators import OperationRequest, operation_task
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.lifecycle.deferral import defer
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import VirtualClock, never_settles
from airflow_provider_ops.triggers.operation import OperationTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer


NOW = 1_750_000_000.0
CONN = "onvera_default"


class Deferred:
    """What the task's own ``defer`` was given, and what was warned of."""

    def __init__(self, executor: str | None, deadline: float) -> None:
        self.given: dict[str, Any] = {}
        self.warnings: list[str] = []
        defer(
            lambda **given: self.given.update(given),
            OperationTrigger("c", ["op_1"], deadline=deadline),
            method_name="execute_complete",
            deadline=deadline,
            ti=SimpleNamespace(task=SimpleNamespace(executor=executor)),
            clock=VirtualClock(start=NOW),
            warn=self.warnings.append,
        )

    @property
    def guard(self) -> float:
        trigger = self.given["trigger"]
        if trigger.not_before is None:
            assert "guard" not in trigger.serialize()[1]
            return 0.0
        assert trigger.not_before == NOW + trigger.guard
        return float(trigger.guard)


@pytest.fixture
def deferred(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Deferred]:
    """Defer under a configuration, given as ``section__option``."""

    def make(executor: str | None = None, deadline: float = NOW + 60, **configured: str) -> Deferred:
        for option, value in configured.items():
            monkeypatch.setenv(f"AIRFLOW__{option.upper()}", value)
        return Deferred(executor, deadline)

    return make


@pytest.mark.parametrize(
    ("executor", "configured", "guard"),
    [
        (None, {"core__executor": "my.module.Executor"}, 10),
        (None, {"core__executor": "my.module.Executor", "workers__min_heartbeat_interval": "1"}, 6),
        (None, {"core__executor": "my.module.Executor", "workers__min_heartbeat_interval": "soon"}, 10),
        (None, {"core__executor": "CeleryExecutor"}, 0),
        ("CeleryExecutor", {"core__executor": "my.module.Executor,CeleryExecutor"}, 0),
        ("my.module.Executor", {"core__executor": "CeleryExecutor,my.module.Executor"}, 10),
        (None, {"core__executor": "CeleryExecutor", "operations__event_hold": "18"}, 18),
        (None, {"core__executor": "my.module.Executor", "operations__event_hold": "0"}, 0),
        (None, {"core__executor": "my.module.Executor", "operations__event_hold": "auto"}, 10),
    ],
)
def test_the_configuration_decides(
    deferred: Callable[..., Deferred], executor: str | None, configured: dict[str, str], guard: float
) -> None:
    done = deferred(executor, **configured)
    assert done.guard == guard
    assert done.warnings == []


def test_a_setting_that_cannot_be_used_is_named_and_the_task_defers(deferred: Callable[..., Deferred]) -> None:
    done = deferred(core__executor="my.module.Executor", operations__event_hold="10s")
    assert done.guard == 10
    (warning,) = done.warnings
    assert "[operations] event_hold is '10s'" in warning


@pytest.mark.parametrize("left", [0.0, 3.0, 4000.0])
def test_airflows_own_timeout_is_later_than_the_last_event(deferred: Callable[..., Deferred], left: float) -> None:
    done = deferred(deadline=NOW + left, operations__event_hold="600")
    assert done.given["timeout"] >= timedelta(seconds=left + 600 + 60)


# -- in Airflow


def operator() -> None:
    OnveraCreateDeploymentOperator(task_id="it", app_type="airflow")


def sensor() -> None:
    OperationSensor(task_id="it", conn_id=CONN, operation_id=created())


def decorator_of_a_request() -> None:
    def create() -> OperationRequest:
        return OperationRequest("POST", "/deployments", {"app_type": "airflow"})

    operation_task(conn_id=CONN)(create)()


def decorator_of_ids() -> None:
    operation_task(conn_id=CONN)(created)()


def created() -> str:
    hook = OnveraHook(CONN)
    made = hook.create_deployment("airflow")
    hook.close()
    return made.operation_id


@pytest.mark.usefixtures("retry_at_once", "operations_simulator")
@pytest.mark.parametrize("scheduled", [True, False])
@pytest.mark.parametrize("kind", [operator, sensor, decorator_of_a_request, decorator_of_ids])
def test_each_way_to_defer_holds_its_event_where_there_is_a_scheduler(
    a_dag: Any,
    run_dag: Any,
    virtual_time: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[], None],
    scheduled: bool,
) -> None:
    hold = 3000.0
    monkeypatch.setenv("AIRFLOW__OPERATIONS__EVENT_HOLD", str(hold))
    if scheduled:
        monkeypatch.setattr("airflow_provider_ops.lifecycle.deferral.has_scheduler", lambda: True)
    with a_dag() as dag:
        kind()
    began = virtual_time.time()
    assert run_dag(dag).state == "success"
    assert (virtual_time.time() - began >= hold) is scheduled


@pytest.mark.usefixtures("retry_at_once")
@pytest.mark.parametrize(("poke_interval", "hold", "least"), [(0.05, 30, 30), (40, 30, 40), (0.05, 0, 0)])
def test_a_sensor_is_not_rescheduled_any_sooner(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    poke_interval: float,
    hold: float,
    least: float,
) -> None:
    operations_simulator.faults(never_settles())
    monkeypatch.setenv("AIRFLOW__OPERATIONS__EVENT_HOLD", str(hold))
    monkeypatch.setattr("airflow_provider_ops.lifecycle.deferral.has_scheduler", lambda: True)
    pauses: list[timedelta] = []

    class Sensor(OperationSensor):
        def execute(self, context: Any) -> None:
            began = datetime.now(timezone.utc)
            with pytest.raises(AirflowRescheduleException) as raised:
                super().execute(context)
            pauses.append(raised.value.reschedule_date - began)

    with a_dag() as dag:
        Sensor(task_id="it", conn_id=CONN, operation_id=created(), mode="reschedule", poke_interval=poke_interval)
    assert run_dag(dag).state == "success"
    (pause,) = pauses
    assert timedelta(seconds=least) <= pause < timedelta(seconds=least + 25)


def test_a_plain_process_has_a_scheduler() -> None:
    assert has_scheduler()
