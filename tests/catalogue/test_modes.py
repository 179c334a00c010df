"""Every spec of the catalogue: a task gives the same verdict however it waits, in Airflow's own task runner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import OperationCancelled, OperationFailed
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.simulator.described.operations import SECRET
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import operation_cancelled, operation_fails
from tests.catalogue.parts import KEY, NAMES, connection_json, request_of
from tests.old_airflow import told_as

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

ENDS: dict[str, tuple[list[Any], tuple[type[BaseException], ...]]] = {
    "succeeds": ([], ()),
    "fails": ([operation_fails("no room")], (OperationFailed,)),
    # some APIs have no word for it
    "is cancelled": ([operation_cancelled("by hand")], (OperationCancelled, OperationFailed)),
}
WAITING = ("synchronous", "deferred", "sensor", "deferred_sensor")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("end", ENDS)
def test_the_verdict_is_the_same_in_every_mode(
    name: str,
    end: str,
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    virtual_time: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = load(name)
    operations_simulator.add(spec)
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection_json(operations_simulator, spec))
    faults, errors = ENDS[end]
    operations_simulator.faults(*faults)
    method, path = request_of(spec)

    def request(task_id: str, number: int, **how: Any) -> Any:
        # requests that repeat each other would be one to an API whose method is idempotent
        own = path[: path.rindex("x1")] + f"x{number}" + path[path.rindex("x1") + 2 :] if "x1" in path else path
        return OperationRequestOperator(task_id=task_id, conn_id=name, method=method, path=own, json={}, **how)

    with a_dag() as dag:
        request("synchronous", 1, deferrable=False)
        request("deferred", 2, deferrable=True)
        started = request("started", 3, wait_for_completion=False)
        ids = "{{ ti.xcom_pull(task_ids='started')['operation_id'] }}"
        for task_id, deferrable in (("sensor", False), ("deferred_sensor", True)):
            waiting = OperationSensor(
                task_id=task_id, conn_id=name, operation_id=ids, deferrable=deferrable, poke_interval=10
            )
            started >> waiting
    ran = run_dag(dag)
    assert ran.states["started"] == "success"
    if not errors:
        assert [ran.states[one] for one in WAITING] == ["success"] * len(WAITING)
        pushed = json.dumps([ran.result(one) for one in ("synchronous", "deferred", "started")], default=str)
        assert [text for text in (SECRET, KEY) if text in pushed] == []
    else:
        seen = [ran.error(one) for one in WAITING]
        assert {told_as(one) for one in seen} == {told_as(seen[0])}
        assert isinstance(seen[0], errors)
    assert len(operations_simulator.operations(name)) == 3
