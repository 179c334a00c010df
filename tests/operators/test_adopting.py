"""An operation that exists is joined: nothing is submitted, and the policies of the task hold for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.decorators import operation_task
from airflow_provider_ops.exceptions import InvalidArgument, NotFound, OperationFailed
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.testing import never_settles, operation_fails

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

FAST: dict[str, Any] = {"poll_interval": 0.05}


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


def created(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["created"])


def typed(**arguments: Any) -> None:
    OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", **arguments, **FAST)


def generic(**arguments: Any) -> None:
    OperationRequestOperator(
        task_id="create", conn_id="onvera_default", method="POST", path="/deployments", **arguments, **FAST
    )


def decorated(**arguments: Any) -> None:
    operation_task(task_id="create", conn_id="onvera_default", **arguments, **FAST)(lambda: str(1 / 0))()


@pytest.mark.parametrize("make", [typed, generic, decorated])
@pytest.mark.parametrize("deferrable", [True, False])
def test_it_is_joined_and_nothing_is_submitted(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, make: Any, deferrable: bool
) -> None:
    operations_simulator.duration = 0.5
    submitted = OnveraHook().create_deployment("airflow", "by hand")
    with a_dag(params={"adopt": submitted.operation_id}) as dag:
        make(operation_id="{{ params.adopt }}", deferrable=deferrable)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    assert created(operations_simulator) == 1
    result = ran.result("create")
    assert (result["operation_id"], result["resource"]["name"]) == (submitted.operation_id, "by hand")
    assert ran.xcom("create", "operation_progress")["operations"][0]["adopted_at"]
    assert ran.xcom("create", "operation_id") == submitted.operation_id


def test_a_failed_one_is_not_tried_again_and_the_error_says_how_to_begin_anew(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails())
    submitted = OnveraHook().create_deployment("airflow", "by hand")
    with a_dag(default_args={"retries": 2}) as dag:
        typed(operation_id=submitted.operation_id)
    ran = run_dag(dag)
    assert (ran.tries("create"), created(operations_simulator)) == (1, 1)
    assert isinstance(ran.error("create"), OperationFailed)
    assert "without operation_id" in str(ran.error("create"))


def test_no_policy_deletes_what_the_task_has_not_made(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())
    submitted = OnveraHook().create_deployment("airflow", "by hand")
    with a_dag() as dag:
        typed(operation_id=submitted.operation_id, deferrable=False, timeout=0.3, on_timeout="delete")
    error = run_dag(dag).error("create")
    assert "made nothing that could be deleted" in str(error)
    assert [one["deleted"] for one in operations_simulator.resources()] == [False]


def test_the_timeout_policy_cancels_where_the_api_can(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())
    operation_id = AkuaHook().create_cluster(name="by hand", region_id="reg_eu").id
    with a_dag() as dag:
        AkuaCreateClusterOperator(
            task_id="create",
            name="mine",
            region_id="reg_eu",
            operation_id=operation_id,
            deferrable=False,
            timeout=0.3,
            on_timeout="cancel",
            **FAST,
        )
    assert "was asked to cancel" in str(run_dag(dag).error("create"))


@pytest.mark.usefixtures("operations_simulator")
def test_one_that_does_not_exist_fails_and_submits_nothing(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        typed(operation_id="op_nobody")
    assert isinstance(run_dag(dag).error("create"), NotFound)
    assert created(operations_simulator) == 0


def test_a_template_that_gives_none_submits_nothing(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(params={"adopt": ""}) as dag:
        typed(operation_id="{{ params.adopt }}")
    error = run_dag(dag).error("create")
    assert isinstance(error, InvalidArgument)
    assert "operation_id: the template" in str(error)
    assert created(operations_simulator) == 0
