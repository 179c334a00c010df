"""A retry goes on with what the task run has started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import (
    DifferentRequest,
    OperationFailed,
    WaitTimeout,
)
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.onvera import OnveraDestroyDeploymentOperator
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    fail_sometimes,
    never_settles,
    operation_fails,
    reset_connection,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.attempt.parts import FAST, RETRY, Create, created, operations
from tests.old_airflow import needs_state_store, told_as


def hook_that_dies(times: int) -> type[OnveraHook]:
    """A worker that is gone after its request was carried out and before it could store the answer."""

    class Dying(OnveraHook):
        left = times

        def run(self, flow: Any) -> Any:
            result = super().run(flow)
            if hasattr(result, "operation_id") and Dying.left:
                Dying.left -= 1
                raise MemoryError("the worker was killed")
            return result

    return Dying


def test_a_retry_goes_on_with_what_a_dead_try_has_submitted(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    dying = hook_that_dies(1)

    class Dies(Create):
        def make_hook(self) -> OnveraHook:
            return dying(conn_id=self.conn_id)

    with a_dag(default_args=RETRY) as dag:
        Dies(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.tries("create") == 2
    assert created(operations_simulator) == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_retry_joins_the_running_operation(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, deferrable: bool
) -> None:
    class Breaks(Create):
        broken: list[int] = []  # noqa: RUF012

        def _break(self) -> None:
            if not Breaks.broken:
                Breaks.broken.append(1)
                msg = "the worker lost its mind while waiting"
                raise RuntimeError(msg)

        def defer(self, **kwargs: Any) -> Any:
            self._break()
            super().defer(**kwargs)

        def make_hook(self) -> OnveraHook:
            breaks = self._break

            class Hook(OnveraHook):
                def wait_state(self, *args: Any, **kwargs: Any) -> Any:
                    breaks()
                    return super().wait_state(*args, **kwargs)

            return Hook(conn_id=self.conn_id)

    with a_dag(default_args=RETRY) as dag:
        Breaks(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert ran.tries("create") == 2
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 1)


def test_a_retry_after_a_failed_operation_submits_generation_two(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails("quota exceeded", n=1))
    with a_dag(default_args=RETRY) as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert isinstance(ran.error("create"), OperationFailed)
    assert created(operations_simulator) == 2
    assert len({one["name"] for one in operations_simulator.resources()}) == 2


def test_on_failure_delete_leaves_one_resource_after_a_failed_try(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(operation_fails(n=1, kind="deployment.create"))
    with a_dag(default_args=RETRY) as dag:
        Create(task_id="create", app_type="airflow", on_failure="delete", **FAST)
    assert run_dag(dag).state == "success"
    kinds = [one["kind"] for one in operations_simulator.operations()]
    assert sorted(kinds) == ["deployment.create", "deployment.create", "deployment.destroy"]


@pytest.mark.parametrize(
    "fault",
    [
        drop_answer(),
        {"fault": "accept_then_drop", "method": "DELETE", "count": 1},
        {"fault": "status", "status": 503, "method": "POST", "count": 1, "execute": True},
    ],
    ids=lambda fault: fault["fault"] + fault["method"],
)
def test_a_lost_answer_is_found_and_there_is_one_resource(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, fault: Any, hasty: type[OnveraHook]
) -> None:
    class Hasty(Create):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    class HastyDestroy(OnveraDestroyDeploymentOperator):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults(fault)
    with a_dag() as dag:
        create = Hasty(task_id="create", app_type="airflow", **FAST)
        HastyDestroy(task_id="destroy", deployment_id=create.output["resource_id"], **FAST)
    assert run_dag(dag).states == {"create": "success", "destroy": "success"}
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)


@pytest.mark.parametrize(
    "faults",
    [
        [fail_first(2, status=503, method="POST")],
        [reset_connection(2, method="POST")],
        [fail_sometimes(0.3), {"fault": "reset", "probability": 0.1}],
    ],
    ids=["503 on POST", "reset on POST", "30 % 503 and 10 % resets"],
)
def test_trouble_on_the_way_costs_no_second_resource(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, faults: Any, hasty: type[OnveraHook]
) -> None:
    class Hasty(Create):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults(*faults)
    with a_dag() as dag:
        Hasty(task_id="create", app_type="airflow", **FAST)
    assert run_dag(dag).states == {"create": "success"}
    assert created(operations_simulator) == 1


@needs_state_store
def test_another_request_while_the_operation_runs_is_refused(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())

    class Changes(Create):
        def execute(self, context: Any) -> Any:
            self.name = f"try {context['ti'].try_number}"
            if context["ti"].try_number > 1:
                return super().execute(context)
            self.timeout = 0.0
            return super().execute(context)

    with a_dag(default_args={"retries": 1}) as dag:
        Changes(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert [told_as(error) for error in ran.errors["create"]] == [WaitTimeout, DifferentRequest]
    assert created(operations_simulator) == 1


def test_without_durability_every_try_stands_alone(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles(n=1))
    with a_dag(default_args={"retries": 1}) as dag:
        Create(task_id="create", app_type="airflow", durable=False, timeout=1.0, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert created(operations_simulator) == 2


# -- the generic operator
