"""What Airflow does when a user clears a task, or makes a run again under its id: with its own functions for it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import ResourceGone
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.lifecycle.handle_store import KEY
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.testing import fail_first, operation_fails
from airflow_provider_ops.testing.airflow import _register

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.attempt.parts import FAST, RETRY, Create, created
from tests.old_airflow import needs_state_store

DATE = datetime(2026, 5, 1, tzinfo=timezone.utc)

Run = Any


@pytest.fixture
def started(run_dag: Any) -> Callable[[Any], Run]:
    """Run a DAG for one date, so that the second time makes the run again under its id."""

    def run(dag: Any) -> Run:
        _register(dag)
        return dag.test(logical_date=DATE, run_after=DATE)

    return run


def clear(dag_run: Run, *task_ids: str, resets_runs: bool = True) -> None:
    """Clear tasks of a run, as the UI and the REST API do."""
    from airflow.models.taskinstance import clear_task_instances  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        tis = [ti for ti in dag_run.get_task_instances(session=session) if ti.task_id in task_ids]
        further: dict[str, Any] = {} if resets_runs else {"dag_run_state": False}
        clear_task_instances(tis, session, **further)


def forget(dag_run: Run, task_id: str) -> None:
    """Discard what a task has stored, as a clear on Airflow 3.4 does."""
    from airflow.models.task_state_store import TaskStateStoreModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import delete  # noqa: PLC0415

    with create_session() as session:
        of_task = (TaskStateStoreModel.task_id == task_id, TaskStateStoreModel.run_id == dag_run.run_id)
        session.execute(delete(TaskStateStoreModel).where(*of_task, TaskStateStoreModel.dag_id == dag_run.dag_id))


def try_again(dag: Any, dag_run: Run, task_id: str) -> str:
    """Run the next try of a task, as the scheduler and a worker do; returns its state."""
    from airflow.sdk.definitions.dag import _run_task  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    def instance(session: Any) -> Any:
        (found,) = [ti for ti in dag_run.get_task_instances(session=session) if ti.task_id == task_id]
        return found

    with create_session() as session:
        ti = instance(session)
        ti.task = dag.task_dict[task_id]
        dag_run.schedule_tis([ti], session=session)
    with create_session() as session:
        ti = instance(session)
        session.expunge(ti)
    _run_task(ti=ti, task=dag.task_dict[task_id], run_triggerer=True)
    with create_session() as session:
        return str(instance(session).state)


@needs_state_store
def test_a_run_made_again_under_its_id_makes_a_resource_of_its_own(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer
) -> None:
    """Akua knows keys: with one that is made of names it would answer with the cluster of the deleted run."""
    with a_dag() as dag:
        AkuaCreateClusterOperator(task_id="create", name="c", region_id="reg_eu", **FAST)
    first, second = started(dag), started(dag)
    assert (first.state, second.state, first.run_id) == ("success", "success", second.run_id)
    assert operations_simulator.stats()["by_api"]["akua"]["created"] == 2


@needs_state_store
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 1), (1, 0), (0, 2), (2, 0)])
def test_a_clear_after_success_makes_a_new_one_also_when_retries_have_changed(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer, before: int, after: int
) -> None:
    with a_dag(default_args={"retries": before}) as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    dag_run = started(dag)
    dag.task_dict["create"].retries = after
    _register(dag)
    clear(dag_run, "create")
    assert try_again(dag, dag_run, "create") == "success"
    assert created(operations_simulator) == 2


@needs_state_store
@pytest.mark.parametrize("forgets", [False, True])
def test_a_clear_after_a_failure_makes_a_new_one(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer, forgets: bool
) -> None:
    operations_simulator.faults(operation_fails(n=1))
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    dag_run = started(dag)
    assert dag_run.state == "failed"
    clear(dag_run, "create")
    if forgets:
        forget(dag_run, "create")
    assert try_again(dag, dag_run, "create") == "success"
    assert created(operations_simulator) == 2


@needs_state_store
def test_a_clear_that_forgets_what_is_stored_makes_a_new_one(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
        AkuaCreateClusterOperator(task_id="cluster", name="c", region_id="reg_eu", **FAST)
    dag_run = started(dag)
    for task_id in ("create", "cluster"):
        clear(dag_run, task_id)
        forget(dag_run, task_id)
        assert try_again(dag, dag_run, task_id) == "success"
    assert {api: one["created"] for api, one in operations_simulator.stats()["by_api"].items() if one["created"]} == {
        "onvera": 2,
        "akua": 2,
    }


@needs_state_store
def test_a_clear_without_reset_of_the_run_makes_a_new_one(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer
) -> None:
    with a_dag(default_args=RETRY) as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    dag_run = started(dag)
    clear(dag_run, "create", resets_runs=False)
    assert try_again(dag, dag_run, "create") == "success"
    assert created(operations_simulator) == 2


@needs_state_store
def test_a_retry_while_another_task_was_cleared_joins(
    a_dag: Any, started: Callable[[Any], Run], operations_simulator: SimulatorServer
) -> None:
    operations_simulator.duration = 2.0
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", timeout=0.1, deferrable=False, **FAST)
        Create(task_id="other", app_type="airflow", **FAST)
    dag_run = started(dag)
    clear(dag_run, "other")
    dag.task_dict["create"].timeout = None
    assert try_again(dag, dag_run, "create") == "success"
    assert created(operations_simulator) == 2


def test_a_create_whose_resource_is_gone_fails_and_says_so(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, hasty: type[OnveraHook]
) -> None:
    class Hasty(Create):
        def make_hook(self) -> OnveraHook:
            return hasty(conn_id=self.conn_id)

    operations_simulator.faults(
        fail_first(99, status=404, method="GET", route="/deployments/{id}", api="onvera"),
    )
    with a_dag() as dag:
        Hasty(task_id="create", app_type="airflow", **FAST)
    error = run_dag(dag).error("create")
    (made,) = operations_simulator.resources("onvera")
    assert isinstance(error, ResourceGone)
    assert made["id"] in str(error)
    assert made["operation_id"] in str(error)


def test_a_resource_that_shows_up_late_is_waited_for(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(fail_first(2, status=404, method="GET", route="/deployments/{id}", api="onvera"))
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.xcom("create")["resource"]["id"] == ran.xcom("create")["resource_id"]


@needs_state_store
def test_what_is_stored_says_that_the_task_has_finished(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    seen: list[Any] = []

    class Looks(Create):
        def execute(self, context: Any) -> Any:
            result = super().execute(context)
            seen.append(context["task_state_store"].get(KEY))
            return result

    with a_dag() as dag:
        Looks(task_id="create", app_type="airflow", deferrable=False, **FAST)
    run_dag(dag)
    (stored,) = seen
    assert stored["has_finished"]
    assert stored["key"] == f"{stored['prefix']}-{stored['nonce']}"
    assert stored["ti_id"]
    assert stored["clear_number"] == 0
    assert stored["arguments"].startswith("1:")
