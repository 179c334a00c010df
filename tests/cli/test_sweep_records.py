"""``sweep`` by Airflow's own records: what carries no mark is found by what its run has recorded."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_ops.cli.records import read_task
from airflow_provider_ops.cli.tables import TaskPlace, TaskRow
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.sensors.lakesail import LakeSailSessionSensor
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import drop_answer, fail_first, never_settles, operation_fails
from tests.old_airflow import needs_state_store
from tests.owing import owe

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

    Operations = Callable[..., Any]

HURRY: dict[str, Any] = {"poll_interval": 0.05, "deferrable": False}
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def what(swept: Any) -> list[tuple[str, str, str]]:
    return sorted((row["resource_type"], row["task"], row["found_by"]) for row in json.loads(swept.out))


def existing(world: SimulatorServer) -> set[str]:
    return {one["name"] for one in world.resources() if not one["deleted"]}


def test_what_carries_no_mark_is_found_by_the_records_of_its_run(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    with DAG("unmarked", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="named", app_type="superset", name="Reports {{ run_id }}", **HURRY)
        gone = OnveraCreateDeploymentOperator(task_id="gone", app_type="airflow", name="gone", **HURRY)
        destroy = OnveraDestroyDeploymentOperator(
            task_id="destroy", deployment_id="{{ ti.xcom_pull('gone', key='resource_id') }}", **HURRY
        )
        gone >> destroy
        AkuaCreateClusterOperator(task_id="cluster", name="shop", region_id="reg_eu", **HURRY)
        LakeSailCreateSessionOperator(task_id="session", **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors

    listed = sweep(ran)
    left = [("cluster", "cluster", "record"), ("deployment", "named", "record"), ("session", "session", "record")]
    assert (listed.code, what(listed)) == (1, left), listed.err
    assert "Not searched" not in listed.err
    rows = json.loads(listed.out)
    assert [row["api"] for row in rows] == ["akua", "lakesail", "onvera"]
    # neither a session of LakeSail nor its operation shows when it began
    assert [row["api"] for row in rows if not row["age"]] == ["lakesail"]
    deleted = sweep(ran, "--yes")
    assert (deleted.code, what(deleted)) == (0, left), deleted.err
    # the simulator does not count a closed session as deleted
    assert {name.partition("-")[0] for name in existing(world)} == {"session"}
    again = sweep(ran)
    assert (again.code, json.loads(again.out)) == (0, [])


def test_what_is_being_deleted_is_listed_and_left_to_the_api(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    with DAG("half_deleted", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="named", app_type="superset", name="Reports", **HURRY)
        OnveraCreateDeploymentOperator(task_id="marked", app_type="superset", durable=False, **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    world.faults(never_settles(kind="deployment.destroy"))
    for one in world.resources():
        OnveraHook().destroy_deployment(one["id"])
    sent = world.stats()["by_route"]
    for arguments in ((), ("--yes",)):
        listed = sweep(ran, *arguments)
        found = {(row["task"], row["state"], row["fate"]) for row in json.loads(listed.out)}
        assert found == {(task, "destroying", "being deleted") for task in ("named", "marked")}
        assert listed.code == 1
        assert "2 being deleted" in listed.err
        assert "left behind" not in listed.err
    assert {route for route in sent if world.stats()["by_route"][route] != sent[route] and "DELETE" in route} == set()


@needs_state_store
def test_what_a_try_before_has_made_is_found(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    world.faults(operation_fails("No capacity", n=1))
    with DAG("tried_twice", schedule=None, start_date=START, default_args={"retries": 1}) as dag:
        OnveraCreateDeploymentOperator(task_id="named", app_type="superset", name="Reports", retry_delay=0, **HURRY)
    ran = run_dag(dag)
    assert (ran.state, ran.tries("named")) == ("success", 2), ran.errors
    made = {one["id"] for one in world.resources() if not one["deleted"]}
    listed = sweep(ran)
    assert {row["resource_id"] for row in json.loads(listed.out)} == made
    assert len(made) == 2


@needs_state_store
def test_a_refused_submit_leaves_nothing(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    world.faults(fail_first(1, 401))
    with DAG("refused", schedule=None, start_date=START) as dag:
        LakeSailCreateSessionOperator(task_id="session", **HURRY)
    ran = run_dag(dag)
    assert (ran.state, world.resources()) == ("failed", [])
    swept = sweep(ran)
    assert (swept.code, swept.out, swept.err) == (0, "[]\n", "Nothing is left behind.\n")


@pytest.mark.parametrize("how", ["refused", "not_sent"])
def test_what_started_nothing_does_not_count_beside_what_did(how: str) -> None:
    handle = {**HANDLE, "operation_id": None, how: True}
    store = {"airflow_provider_ops.handle": handle}
    row = TaskRow(TaskPlace("run", "task", -1), "failed", 2, has_started=True, store=store)
    assert read_task(row).generations == 1


@needs_state_store
@pytest.mark.parametrize("name", [None, "Reports"], ids=["marked", "recorded"])
def test_what_a_killed_attempt_owes_is_listed(
    world: SimulatorServer, run_dag: Any, sweep: Any, name: str | None
) -> None:
    with DAG("owing", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="superset", name=name, **HURRY)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    (row,) = json.loads(sweep(ran).out)
    assert row["fate"] == "left behind"
    owe("owing", ran.run.run_id, "create", "delete")
    (row,) = json.loads(sweep(ran).out)
    assert row["fate"].startswith("left behind: on_kill=delete was begun")


def test_a_request_whose_answer_was_never_recorded_is_said_first(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    world.faults(drop_answer())
    with DAG("unanswered", schedule=None, start_date=START) as dag:
        LakeSailCreateSessionOperator(task_id="session", **HURRY)
    ran = run_dag(dag)
    assert ran.state == "failed"
    swept = sweep(ran)
    assert (swept.code, json.loads(swept.out)) == (5, [])
    assert swept.err.startswith("Not searched: LakeSail (lakesail_default): what task session of run")


@needs_state_store
def test_what_was_adopted_after_a_lost_answer_is_named_and_the_gap_stays(
    world: SimulatorServer, run_dag: Any, sweep: Any
) -> None:
    class Create(LakeSailCreateSessionOperator):
        """The first try loses its answer; the user gives the second what the first has started."""

        def execute(self, context: Any) -> Any:
            if context["ti"].try_number > 1:
                self.operation_id = f"session:{world.resources()[0]['id']}"
                return super().execute(context)
            with pytest.raises(AmbiguousSubmission):
                super().execute(context)
            raise RuntimeError

    world.faults(drop_answer())
    with DAG("adopted_since", schedule=None, start_date=START, default_args={"retries": 1}) as dag:
        Create(task_id="session", retry_delay=0, wait_for_completion=False, **HURRY)
    ran = run_dag(dag)
    assert (ran.state, ran.tries("session")) == ("success", 2), ran.errors
    LakeSailHook().close_session(world.resources()[0]["id"])
    swept = sweep(ran)
    assert (swept.code, json.loads(swept.out)) == (5, []), swept.err
    assert "it sent 1 request, and what it started is not recorded" in swept.err
    assert f"It adopted operation session:{world.resources()[0]['id']} since" in swept.err


def test_a_task_that_never_ran_leaves_no_gap(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    world.faults(fail_first(1, 401))
    with DAG("never_ran", schedule=None, start_date=START) as dag:
        create = LakeSailCreateSessionOperator(task_id="session", **HURRY)
        wait = LakeSailSessionSensor(task_id="wait", session_id="{{ ti.xcom_pull('session')['resource_id'] }}")
        create >> wait
    ran = run_dag(dag)
    assert (ran.state, ran.tries("wait")) == ("failed", 0)
    swept = sweep(ran)
    assert "task wait" not in swept.err


def test_what_a_sensor_waited_for_is_listed_and_left(world: SimulatorServer, run_dag: Any, sweep: Any) -> None:
    elsewhere = OnveraHook().create_deployment("airflow", "elsewhere").operation_id
    with DAG("handed_on", schedule=None, start_date=START) as dag:

        @task
        def begin() -> str:
            return OnveraHook().create_deployment("airflow", "by a hook").operation_id

        quick: dict[str, Any] = {"conn_id": "onvera_default", "deferrable": False, "poke_interval": 0.05}
        OperationSensor(task_id="wait", operation_id=begin(), **quick)
        OperationSensor(task_id="others", operation_id=elsewhere, **quick)
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    listed = sweep(ran)
    left = [("deployment", "others", "awaited"), ("deployment", "wait", "awaited")]
    assert (listed.code, what(listed)) == (1, left)
    deleted = sweep(ran, "--yes")
    assert deleted.code == 1
    assert "only waited for it" in deleted.out
    assert existing(world) == {"elsewhere", "by a hook"}


def test_a_connection_that_a_run_has_used_and_that_is_gone_is_said_first(
    world: SimulatorServer, run_dag: Any, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", world.connection_json("onvera", "k"))
    with DAG("own_connection", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="deploy", conn_id="team", app_type="airflow", name="named", **HURRY)
    ran = run_dag(dag)
    assert sweep(ran).code == 1
    monkeypatch.delenv("AIRFLOW_CONN_TEAM")
    swept = sweep(ran)
    assert swept.code == 5
    assert "Not searched: what the runs made over the connection team" in swept.err


def test_all_runs_of_a_time(world: SimulatorServer, run_dag: Any, operations: Operations) -> None:
    with DAG("by_time", schedule=None, start_date=START) as dag:
        OnveraCreateDeploymentOperator(task_id="deploy", app_type="airflow", name="timed", **HURRY)
    run_dag(dag)
    swept = operations("sweep", "--since", "1h", "-o", "json")
    assert ("by_time", "timed") in {(row["dag_id"], row["name"]) for row in json.loads(swept.out)}
    assert operations("sweep", "--until", "2020-01-01").code == 0
    assert operations("sweep").code == 2
    assert operations("sweep", "--since", "1h", "--run-id", "one").code == 2


HANDLE = {"api": "onvera", "kind": "deployment.create", "operation_id": "op_2", "creates": True, "generation": 2}


@pytest.mark.parametrize(
    ("xcoms", "store", "ids", "unanswered"),
    [
        ({}, {}, [], False),
        ({"operation_id": "op_1"}, {}, ["op_1"], False),
        ({"operation_id": "op_1", "awaited_operations": "op_1"}, {}, [], False),
        ({"operation_id": ["not", "one"]}, {}, [], False),
        ({"operation_handle": HANDLE}, {}, ["op_2"], False),
        ({}, {"airflow_provider_ops.handle": {**HANDLE, "operation_id": None}}, [], True),
        ({}, {"airflow_provider_ops.handle": {**HANDLE, "operation_id": None, "refused": True}}, [], False),
        ({}, {"airflow_provider_ops.handle": {**HANDLE, "operation_id": None, "not_sent": True}}, [], False),
        (
            {"operation_handle": {**HANDLE, "operations": [{"operation_id": "op_2"}, {"operation_id": "op_3"}]}},
            {},
            ["op_2", "op_3"],
            False,
        ),
        ({}, {"airflow_provider_ops.handle": "garbage"}, [], False),
        ({"operation_progress": "garbage"}, {"airflow_provider_ops.tries": "garbage"}, [], False),
        (
            {},
            {
                "airflow_provider_ops.handle": HANDLE,
                "airflow_provider_ops.tries": [{"try_number": 1, "operation_id": "op_1"}],
            },
            ["op_1", "op_2"],
            False,
        ),
    ],
)
def test_what_records_say(xcoms: dict[str, Any], store: dict[str, Any], ids: list[str], unanswered: bool) -> None:
    row = TaskRow(TaskPlace("run", "task", -1), "success", 1, has_started=True, xcoms=xcoms, store=store)
    found = read_task(row)
    assert (list(found.submitted), found.unanswered) == (ids, unanswered)
