"""Operators in Airflow from begin to end: real task runner, API, state store, XCom and trigger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import task as airflow_task

from airflow_provider_ops.operators.onvera import OnveraDestroyDeploymentOperator
from airflow_provider_ops.testing import (
    never_settles,
)

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
from tests.lifecycle.attempt.parts import FAST, Create, created, operations


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("deferrable", [True, False])
def test_create_and_destroy_run_to_their_end(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any], deferrable: bool
) -> None:
    with a_dag() as dag:
        create = Create(task_id="create", app_type="airflow", deferrable=deferrable, **FAST)
        OnveraDestroyDeploymentOperator(
            task_id="destroy", deployment_id=create.output["resource_id"], deferrable=deferrable, **FAST
        )
    ran = run_dag(dag)
    assert ran.states == {"create": "success", "destroy": "success"}
    assert len(events) == deferrable
    assert (created(operations_simulator), operations(operations_simulator)) == (1, 2)
    (resource,) = operations_simulator.resources()
    assert resource["deleted"]

    result = ran.xcom("create")
    assert set(result) == {"operation_id", "resource_id", "state", "operation", "resource"}
    assert result["state"] == "succeeded"
    assert result["operation_id"] == result["operation"]["id"] == resource["operation_id"]
    assert result["resource_id"] == result["resource"]["id"] == resource["id"]
    assert result["resource"]["url"].startswith("https://")
    assert ran.xcom("create", "operation_id") == result["operation_id"]
    assert ran.xcom("create", "resource_id") == result["resource_id"]
    assert ran.xcom("destroy")["resource"] is None
    assert json.loads(json.dumps(result)) == result


def test_the_link_of_a_task_leads_to_the_deployment(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    ran = run_dag(dag)
    assert ran.xcom("create", "_link_OperationLink") == ran.xcom("create")["resource"]["url"]


@pytest.mark.usefixtures("unhurried")
def test_the_event_is_small_json_that_tells_the_story(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", **FAST)
    run_dag(dag)
    (event,) = events
    assert event["status"] == "succeeded"
    (wait,) = event["waits"].values()
    assert wait["timeline"]["entries"]
    assert len(json.dumps(event)) < 4000


def test_without_waiting_the_ids_are_there_and_nothing_is_waited_for(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    operations_simulator.faults(never_settles())
    with a_dag() as dag:
        Create(task_id="create", app_type="airflow", wait_for_completion=False, **FAST)
    ran = run_dag(dag)
    assert ran.states == {"create": "success"}
    assert not events
    assert ran.xcom("create")["state"] == "pending"
    assert ran.xcom("create")["resource"] is None
    assert ran.xcom("create", "operation_id") == operations_simulator.operations()[0]["id"]


@pytest.mark.usefixtures("unhurried")
def test_ids_are_in_xcom_before_the_wait(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    seen: list[Any] = []

    class Looks(Create):
        def defer(self, **kwargs: Any) -> Any:
            ti = seen[0]
            seen.extend(ti.xcom_pull(task_ids="create", key=key) for key in ("operation_id", "resource_id"))
            super().defer(**kwargs)

        def execute(self, context: Any) -> Any:
            seen.append(context["ti"])
            return super().execute(context)

    with a_dag() as dag:
        Looks(task_id="create", app_type="airflow", **FAST)
    run_dag(dag)
    (resource,) = operations_simulator.resources()
    assert seen[1:] == [resource["operation_id"], resource["id"]]


@pytest.mark.usefixtures("unhurried")
def test_mapped_tasks_have_an_operation_each(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer, events: list[Any]
) -> None:
    with a_dag() as dag:
        create = Create.partial(task_id="create", app_type="airflow", **FAST).expand(name=["a {{ run_id }}", "b", "c"])

        @airflow_task
        def names(made: Any) -> list[str]:
            return sorted(one["resource"]["name"] for one in made)

        names(create.output)
    ran = run_dag(dag)
    assert ran.state == "success"
    assert ran.xcom("names") == [f"a {ran.run.run_id}", "b", "c"]
    assert created(operations_simulator) == 3
    assert len({event["operation_ids"][0] for event in events}) == 3


def test_fields_and_connection_are_templated(a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer) -> None:
    with a_dag(params={"kind": "superset"}) as dag:
        Create(
            task_id="create",
            conn_id="{{ 'onvera' }}_default",
            app_type="{{ params.kind }}",
            name="bi {{ run_id }}",
            wait_for_completion=False,
        )
    ran = run_dag(dag)
    assert ran.state == "success"
    (resource,) = operations_simulator.resources()
    assert resource["name"] == f"bi {ran.run.run_id}"


def test_a_template_that_renders_to_nonsense_is_told_by_name(
    a_dag: Any, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    with a_dag(params={"kind": "jupyter"}) as dag:
        Create(task_id="create", app_type="{{ params.kind }}")
    assert "app_type 'jupyter' is not known: use 'airflow', 'superset'" in str(run_dag(dag).error("create"))
    assert operations_simulator.stats()["requests"] == 0


# -- retries
