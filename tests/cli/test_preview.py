"""``preview``: the request of a task, and nothing of it is sent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.cli import get_bagged_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.testing import SimulatorServer

    Operations = Callable[..., Any]

SOURCE = """
from datetime import datetime
from airflow.sdk import DAG, task
from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator
from airflow_provider_ops.operators.lakesail import LakeSailCreateSessionOperator
from airflow_provider_ops.operators.nirvana import NirvanaCreateVPCOperator
from airflow_provider_ops.sensors.operation import OperationSensor

with DAG("previewed", schedule=None, start_date=datetime(2026, 1, 1), params={"team": "bi"}) as dag:
    named = OnveraCreateDeploymentOperator(task_id="named", app_type="superset", name="Reports {{ params.team }}")
    OnveraCreateDeploymentOperator(task_id="derived", app_type="airflow", on_kill="delete", timeout=90)
    OnveraCreateDeploymentOperator(task_id="of_run", app_type="superset", name="Reports {{ run_id }}")
    OnveraDestroyDeploymentOperator(task_id="destroy", deployment_id=named.output["resource_id"])
    mapped = OnveraCreateDeploymentOperator.partial(task_id="mapped").expand(app_type=["airflow", "superset"])
    OnveraDestroyDeploymentOperator.partial(task_id="destroys").expand(
        deployment_id=mapped.output.map(lambda made: made["resource_id"])
    )
    OnveraDestroyDeploymentOperator.partial(task_id="unreadable").expand(
        deployment_id=mapped.output.map(lambda made: made.no_such_method())
    )
    AkuaCreateClusterOperator(task_id="cluster", name="shop", region_id="reg_eu")
    NirvanaCreateVPCOperator(task_id="vpc", name="net", region="us-sva-2", subnet_name="web")

    LakeSailCreateSessionOperator(task_id="unmarked")
    OperationSensor(task_id="waits", operation_id="op_1", conn_id="onvera_default")
    AkuaCreateClusterOperator(task_id="adopts", name="a", region_id="reg_eu", operation_id="op_1", on_kill="delete")
    OnveraCreateDeploymentOperator(task_id="dated", app_type="airflow", name="{{ no_such_name.part }}")

    @task
    def plain():
        pass

    plain()
"""

OVER = """
from datetime import datetime
from airflow.sdk import DAG
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator

with DAG("over", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    hurry = {"poll_interval": 0.05, "deferrable": False}
    create = OnveraCreateDeploymentOperator.partial(task_id="create", **hurry).expand(app_type=["airflow", "superset"])
    OnveraDestroyDeploymentOperator.partial(task_id="destroy", **hurry).expand(
        deployment_id=create.output.map(lambda made: made["resource_id"])
    )
"""


@pytest.fixture
def preview(airflow_db: Path, world: SimulatorServer, operations: Operations) -> Iterator[Callable[..., Any]]:
    file = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "previewed.py"
    file.write_text(SOURCE, encoding="utf-8")

    def run(task_id: str, *arguments: str) -> Any:
        ran = operations("preview", "previewed", task_id, "-o", "json", *arguments)
        assert world.stats()["requests"] == 0, "something was sent"
        return ran

    yield run
    file.unlink()


def facts(ran: Any) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    (found,) = json.loads(ran.out)
    return dict(found)


def test_the_request_is_shown_with_its_values_and_without_the_key(preview: Any, world: SimulatorServer) -> None:
    ran = preview("named")
    shown = facts(ran)
    assert (shown["method"], shown["url"]) == ("POST", f"{world.url}/onvera/api/v1/deployments")
    assert shown["body"] == {"app_type": "superset", "name": "Reports bi"}
    assert shown["headers"] == {"X-API-Key": "<the key of onvera_default>"}
    assert shown["mark"].startswith("by name")
    assert "Nothing was sent" in ran.err


@pytest.mark.parametrize(
    ("task_id", "mark", "on_kill"),
    [
        ("named", "by name: what a lost answer started is found by the name Reports bi", "leave"),
        ("destroy", "by resource", "leave"),
        ("unmarked", "none", "leave"),
        ("derived", "in name", "delete: what it creates is deleted"),
        ("cluster", "idempotency key", "cancel: the operation is cancelled"),
        ("vpc", "in tags", "leave"),
    ],
)
def test_mark_and_kill_policy_are_what_would_hold(task_id: str, mark: str, on_kill: str, preview: Any) -> None:
    shown = facts(preview(task_id))
    assert shown["mark"].startswith(mark)
    if on_kill != "leave":
        assert shown["on_kill"] == on_kill
    assert shown["timeout"] == (90 if task_id == "derived" else 2700 if task_id == "cluster" else shown["timeout"])
    assert "airflow-0000" not in json.dumps(shown)


def test_the_output_of_another_task_is_named(preview: Any, world: SimulatorServer) -> None:
    ran = preview("destroy")
    assert facts(ran)["url"].endswith("/deployments/output-of-named.resource_id")
    assert ran.err.count("stands for what task named hands over") == 1


def test_a_run_id_that_is_not_known_is_named(preview: Any) -> None:
    ran = preview("of_run")
    assert facts(ran)["body"]["name"] == "Reports id-of-the-run"
    assert "id-of-the-run: stands for the run id" in ran.err
    assert "id-of-the-run" not in preview("named").err


def test_a_table_has_the_unit_of_the_timeout(preview: Any) -> None:
    assert "90 s" in preview("derived", "-o", "plain").out


def test_one_of_the_mapped_ones(preview: Any) -> None:
    assert facts(preview("mapped"))["body"]["app_type"] == "airflow"
    assert facts(preview("mapped", "--map-index", "1"))["body"]["app_type"] == "superset"


@pytest.mark.parametrize("index", [0, 1, 7])
def test_the_outputs_of_a_mapped_task_are_named(index: int, preview: Any) -> None:
    ran = preview("destroys", "--map-index", str(index))
    assert facts(ran)["url"].endswith(f"/deployments/output-of-mapped.{index}.resource_id")
    assert ran.err.count("stands for what task mapped hands over") == 1


def test_what_a_function_cannot_do_with_a_name_is_said(preview: Any) -> None:
    ran = preview("unreadable")
    assert ran.code == 4
    assert "no_such_method" in ran.err
    assert "--run-id" in ran.err


def test_with_a_run_the_outputs_of_a_mapped_task_are_its_own(
    airflow_db: Path, world: SimulatorServer, run_dag: Any, operations: Operations
) -> None:
    file = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "over.py"
    file.write_text(OVER, encoding="utf-8")
    try:
        ran = run_dag(get_bagged_dag(None, "over"))
        made = [ran.xcom("create", map_index=index)["resource_id"] for index in (0, 1)]
        for index in (0, 1):
            run = ("--run-id", ran.run.run_id, "--map-index", str(index), "-o", "json")
            url = facts(operations("preview", "over", "destroy", *run))["url"]
            assert url.endswith(f"/deployments/{made[index]}")
        missing = operations("preview", "over", "destroy", "--run-id", ran.run.run_id, "--map-index", "2")
        assert missing.code == 4
        assert "not expanded the task yet" in missing.err
        assert "without --run-id" in missing.err
        assert operations("preview", "over", "destroy", "--run-id", "nowhere").code == 4
    finally:
        file.unlink()


def test_a_task_that_adopts_is_said_to_submit_nothing(preview: Any) -> None:
    ran = preview("adopts")
    shown = facts(ran)
    assert (shown["operation_id"], "method" in shown, "body" in shown) == ("op_1", False, False)
    assert "submits nothing" in ran.err
    assert shown["on_kill"] == "delete: the operation continues, because it creates nothing"


def test_a_template_that_needs_a_run_is_named(preview: Any) -> None:
    ran = preview("dated")
    assert ran.code == 4
    assert "task dated" in ran.err
    assert "--run-id" in ran.err


def test_what_cannot_be_previewed_is_said(preview: Any, operations: Operations) -> None:
    assert "Task plain is a @task, which submits no operation" in preview("plain").err
    assert "Task waits is an OperationSensor, which" in preview("waits").err
    assert "has no task nobody" in preview("nobody").err
    ran = operations("preview", "nobody", "nobody")
    assert ran.code == 4
    assert "could not be found" in ran.err
