"""The sensors for what has no operation, in all their modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import InvalidArgument, OperationCancelled, OperationFailed
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.operators.lakesail import LakeSailCreateJobRunOperator
from airflow_provider_ops.sensors.lakesail import (
    LakeSailJobRunSensor,
    LakeSailNotebookSensor,
    LakeSailSessionSensor,
)
from airflow_provider_ops.testing import SimulatorServer, operation_fails

if TYPE_CHECKING:
    from collections.abc import Callable

MODES: list[dict[str, Any]] = [{"deferrable": True}, {"deferrable": False}, {"mode": "reschedule"}]


def job(hook: LakeSailHook) -> str:
    submit = hook.api.request("POST", "/infra/clusters", json={"name": "a", "connectionId": "C3V7X1Z5QM"})
    created = hook.call(submit)
    hook.wait_for_operation(created.operation_id, poll_interval=0.02)
    return hook.create_job({"jobKey": "k", "clusterId": created.resource_id, "teamIds": ["T5R8W2Q6ZK"]}).id


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_run_is_followed_from_its_ids(
    a_dag: Callable[..., Any],
    run_dag: Callable[..., Any],
    operations_simulator: SimulatorServer,
    mode: dict[str, Any],
) -> None:
    job_id = job(LakeSailHook())
    with a_dag() as dag:
        run = LakeSailCreateJobRunOperator(task_id="run", job_id=job_id, wait_for_completion=False)
        LakeSailJobRunSensor(
            task_id="wait", job_id=job_id, job_run_id=run.output["resource_id"], poke_interval=0.05, **mode
        )
    assert dag.get_task("wait").upstream_task_ids == {"run"}
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    operation = ran.xcom("wait")
    assert (operation["kind"], operation["state"], operation["raw_state"]) == ("job_run", "succeeded", "completed")
    assert operation["id"] == ran.xcom("run", "operation_id")


def test_a_run_that_failed_is_not_skipped(
    a_dag: Callable[..., Any], run_dag: Callable[..., Any], operations_simulator: SimulatorServer
) -> None:
    hook = LakeSailHook()
    job_id = job(hook)
    operations_simulator.faults(operation_fails("out of memory"))
    run = hook.create_job_run(job_id)
    with a_dag() as dag:
        LakeSailJobRunSensor(
            task_id="wait", job_id=job_id, job_run_id=run.resource_id or "", poke_interval=0.05, soft_fail=True
        )
    ran = run_dag(dag)
    assert ran.state == "failed"
    error = ran.error("wait")
    assert isinstance(error, OperationFailed)
    assert "out of memory" in str(error)


def test_notebook_and_session(
    a_dag: Callable[..., Any],
    run_dag: Callable[..., Any],
    operations_simulator: SimulatorServer,
) -> None:
    hook = LakeSailHook()
    started, stopped = hook.create_notebook({"name": "a"}).id, hook.create_notebook({"name": "b"}).id
    hook.start_notebook(started)
    pending, closed = (hook.create_session().resource_id or "" for _ in range(2))
    hook.close_session(closed)
    quick: dict[str, Any] = {"poke_interval": 0.05, "deferrable": False}
    with a_dag() as dag:
        LakeSailNotebookSensor(task_id="started", notebook_id=started, **quick)
        LakeSailNotebookSensor(task_id="stopped", notebook_id=stopped, **quick)
        LakeSailSessionSensor(task_id="closed", session_id=closed, **quick)
        # nobody connects, so it never becomes active
        LakeSailSessionSensor(task_id="pending", session_id=pending, timeout=0.5, soft_fail=True, **quick)
    ran = run_dag(dag)
    assert ran.states == {"started": "success", "stopped": "failed", "closed": "failed", "pending": "skipped"}
    assert isinstance(ran.error("stopped"), OperationCancelled)
    assert isinstance(ran.error("closed"), OperationCancelled)


def test_ids_are_checked_at_parse_and_fields_are_templated() -> None:
    assert LakeSailJobRunSensor.template_fields == ("conn_id", "job_id", "job_run_id")
    LakeSailSessionSensor(task_id="t", session_id="{{ params.id }}")
    with pytest.raises(InvalidArgument, match="session_id"):
        LakeSailSessionSensor(task_id="t", session_id="a b")
    with pytest.raises(InvalidArgument, match="job_run_id"):
        LakeSailJobRunSensor(task_id="t", job_id="J1", job_run_id="")
