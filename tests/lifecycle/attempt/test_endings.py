"""The generic operator, and how a wait can end badly."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.cli.tables import read_tasks
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    OperationCancelled,
    OperationFailed,
    WaitTimeout,
)
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.testing import (
    never_settles,
    operation_cancelled,
    operation_fails,
    poison,
)

if TYPE_CHECKING:
    from airflow_provider_ops.operators.arguments import TimeoutPolicy
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.lifecycle.attempt.parts import FAST, RETRY, Create, created, operations
from tests.old_airflow import needs_retry_policy, needs_state_store, told_as

#: Bytes that Airflow's task state store takes without a complaint.
LARGEST_STATE = 65_535


def test_any_call_that_names_an_operation_runs_with_the_same_guarantees(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        create = OperationRequestOperator(
            task_id="create",
            conn_id="onvera_default",
            method="post",
            path="/deployments",
            json={"app_type": "{{ 'airflow' }}"},
            **FAST,
        )
        OperationRequestOperator(
            task_id="destroy",
            conn_id="onvera_default",
            method="DELETE",
            path="/deployments/{{ ti.xcom_pull('create', key='resource_id') }}",
            **FAST,
        ).set_upstream(create)
    ran = run_dag(dag)
    assert ran.states == {"create": "success", "destroy": "success"}
    assert ran.xcom("create")["resource"]["app_type"] == "airflow"
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)


@pytest.mark.parametrize("tries", [1, pytest.param(3, marks=needs_retry_policy)])
def test_a_call_nobody_knows_is_ambiguous_after_a_lost_answer(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, hasty: type[OnveraHook], tries: int
) -> None:
    plain: dict[str, Any] = {}
    if tries > 1:
        from airflow.sdk import ExceptionRetryPolicy  # noqa: PLC0415

        plain["retry_policy"] = ExceptionRetryPolicy([])

    class Hasty(OperationRequestOperator):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults({"fault": "reset", "route": "/new-things", "method": "POST"})
    with a_dag(default_args=RETRY) as dag:
        Hasty(task_id="new", conn_id="onvera_default", method="POST", path="/new-things", json={}, **plain)
    ran = run_dag(dag)
    assert ran.states == {"new": "failed"}
    assert [told_as(error) for error in ran.errors["new"]] == [AmbiguousSubmission] * tries
    sent = operations_simulator.stats()["by_route"]
    assert sum(count for route, count in sent.items() if route.startswith("POST")) == 1


# -- how it can end badly


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("fault", "error"),
    [(operation_fails("quota exceeded"), OperationFailed), (operation_cancelled("maintenance"), OperationCancelled)],
    ids=["failed", "cancelled"],
)
def test_an_operation_that_ends_badly_fails_the_task_with_a_briefing(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    deferrable: bool,
    fault: Any,
    error: type[OperationFailed],
) -> None:
    operations_simulator.faults(fault)
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
    ran = run_dag(dag)
    raised = ran.error("create")
    (resource,) = operations_simulator.resources()
    assert told_as(raised) is error
    assert raised.operation is not None
    for part in (fault["reason"], resource["operation_id"], resource["id"], "was removed", "Clear the task"):
        assert part in str(raised)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(("policy", "destroyed"), [("leave", 0), ("delete", 1), ("cancel", 0)])
def test_a_passed_deadline_fails_the_task_and_carries_out_its_policy(
    a_dag: Any,
    run_dag: Any,
    operations_simulator: SimulatorServer,
    deferrable: bool,
    policy: TimeoutPolicy,
    destroyed: int,
) -> None:
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", deferrable=deferrable, timeout=0.8, on_timeout=policy, **FAST)
    ran = run_dag(dag)
    raised = ran.error("create")
    assert told_as(raised) is WaitTimeout
    assert "Raise timeout if the API needs longer" in str(raised)
    assert operations(operations_simulator) == 1 + destroyed


def test_a_timeout_names_what_the_user_set_however_long_its_event_was_held(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATIONS__EVENT_HOLD", "3")
    monkeypatch.setattr("airflow_provider_ops.lifecycle.deferral.has_scheduler", lambda: True)
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", timeout=0.8, **FAST)
    assert "did not settle within 1 second;" in str(run_dag(dag).error("create"))


def test_a_policy_is_carried_out_after_a_deferral_where_nothing_stores_the_handle(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", durable=False, timeout=0.8, on_timeout="delete", **FAST)
    error = run_dag(dag).error("create")
    assert len(events) == 1
    (resource,) = operations_simulator.resources()
    assert "What it made is being deleted by operation " in str(error)
    assert resource["id"] in str(error)
    assert operations(operations_simulator) == 2


@pytest.mark.parametrize("deferrable", [True, False])
def test_execution_timeout_shortens_the_deadline(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, deferrable: bool
) -> None:
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        Create(
            task_id="create",
            app_type="airflow",
            deferrable=deferrable,
            execution_timeout=timedelta(seconds=2),
            timeout=3600,
            **FAST,
        )
    error = run_dag(dag).error("create")
    assert told_as(error) is WaitTimeout
    assert "Raise execution_timeout" in str(error)


def test_the_error_of_a_deadline_says_how_long_the_try_waited_in_all(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(never_settles())

    class Brief(Create):
        def defer(self, **kwargs: Any) -> Any:
            # the trigger ends at once, instead of after an hour
            kwargs["trigger"].deadline = 0.0
            super().defer(**kwargs)

    with a_dag() as dag:
        Brief(task_id="create", app_type="airflow", timeout=3600, **FAST)
    assert "did not settle within 1 hour" in str(run_dag(dag).error("create"))


def test_a_deadline_is_one_moment_for_all_legs(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(never_settles())
    deadlines: list[float] = []

    class Again(Create):
        def defer(self, **kwargs: Any) -> Any:
            deadlines.append(kwargs["trigger"].deadline)
            # the trigger ends at once, instead of after an hour
            kwargs["trigger"].deadline = 0.0
            super().defer(**kwargs)

        def execute_complete(self, context: Any, event: Any) -> Any:
            return super().execute_complete(context, event if len(deadlines) > 2 else {"version": 99})

    with a_dag() as dag:
        Again(task_id="create", app_type="airflow", timeout=3600, **FAST)
    assert told_as(run_dag(dag).error("create")) is WaitTimeout
    assert len(deadlines) == 3
    assert len(set(deadlines)) == 1


# -- what goes wrong around us heals


@needs_state_store
@pytest.mark.parametrize("deferrable", [True, False])
def test_words_that_an_api_makes_long_are_cut_wherever_they_are_kept(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any, deferrable: bool
) -> None:
    odd = poison(json.dumps("x" * 500_000), "data.type", "data.resource_type", "data.progress.*")
    operations_simulator.faults({**odd, "route": "/operations/{operation_id}"})
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", poll_interval=60, deferrable=deferrable)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    for key in ("return_value", "operation_progress"):
        assert len(json.dumps(ran.xcom("create", key))) < LARGEST_STATE
    (row,) = read_tasks(dag.dag_id, [ran.run.run_id], ())
    assert row.store
    assert all(len(json.dumps(value)) < LARGEST_STATE for value in row.store.values())
