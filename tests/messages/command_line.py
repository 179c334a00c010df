"""Rows: what `airflow operations` says when it cannot do what it should."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow_provider_ops.cli.outputs import PreviewTaskInstance
from tests.messages.table import Area

COMMANDS = Area(
    "The command line",
    "One paragraph on standard error; the exit code says what kind of trouble it is ([command line](cli.md)).",
)
SOURCE = """
from airflow.sdk import DAG, task
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator, OnveraDestroyDeploymentOperator

with DAG("messages", schedule=None) as dag:
    OnveraCreateDeploymentOperator(task_id="create", app_type="airflow")
    OnveraCreateDeploymentOperator(task_id="dated", app_type="airflow", name="{{ dag_run.conf.region.name }}")

    @task
    def plain():
        pass

    several = OnveraCreateDeploymentOperator.partial(task_id="several").expand(app_type=["airflow", "superset"])
    OnveraDestroyDeploymentOperator.partial(task_id="over").expand(
        deployment_id=several.output.map(lambda made: made.no_such_method())
    )

    @task.operation(conn_id="onvera_default")
    def asked():
        return "op_1"

    plain()
    asked()
"""


def _previewed(dag_id: str, task_id: str, *options: str) -> Any:
    def play(s: Any) -> str:
        file = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "messages.py"
        file.write_text(SOURCE, encoding="utf-8")
        try:
            return str(s.command("preview", dag_id, task_id, *options))
        finally:
            file.unlink()

    return play


def _swept(s: Any) -> object:
    from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator  # noqa: PLC0415

    with s.a_dag() as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", deferrable=False)
    s.run_dag(dag)
    return s.command("sweep", "--dag-id", dag.dag_id, "--run-id", "nowhere")


COMMANDS.add(
    {
        "No connection is named, and several exist": lambda s: s.command("show", "op_1"),
        "An operation does not exist": lambda s: s.command("show", "op_1", "--conn-id", "onvera_default"),
        "An id with a character that no id has": lambda s: s.command("show", "op 1", "--conn-id", "onvera_default"),
        "A connection does not exist": lambda s: s.command("list", "--conn-id", "nowhere"),
        "The key is wrong": lambda s: (
            s.connection(password="invalid") and s.command("list", "--conn-id", "onvera_default")
        ),
        "A DAG does not exist": lambda s: s.command("sweep", "--dag-id", "nowhere"),
        "A run does not exist": _swept,
        "Preview: the DAG does not exist": _previewed("nowhere", "create"),
        "Preview: the task does not exist": _previewed("messages", "nowhere"),
        "Preview: the task submits nothing": _previewed("messages", "plain"),
        "Preview: only its function knows what the task asks for": _previewed("messages", "asked"),
        "Preview: a template needs what only a run has": _previewed("messages", "dated"),
        "Preview: the run does not have the task": _previewed("messages", "over", "--run-id", "nowhere"),
        "Preview: a function in map() needs what only a run has": _previewed("messages", "over"),
        "Preview: the output of several tasks": lambda s: PreviewTaskInstance.xcom_pull(None, ["a", "b"]),  # type: ignore[arg-type]
        "Seconds that are no number": lambda s: s.command("wait", "op_1", "--timeout", "5m"),
        "Seconds below zero": lambda s: s.command("wait", "op_1", "--timeout", "-1"),
        "A count of zero": lambda s: s.command("list", "--limit", "0"),
        "A time that cannot be read": lambda s: s.command("sweep", "--since", "yesterday"),
        "Two times with nothing between them": lambda s: s.command(
            "sweep", "--since", "2026-02-01", "--until", "2026-01-01"
        ),
        "A time that is yet to come": lambda s: s.command("sweep", "--since", "2999-01-01"),
        "An operation does not exist, and the API lists none": lambda s: s.command(
            "cancel", "session:A1", "--conn-id", "lakesail_default"
        ),
    }
)


@COMMANDS.row("No default connection exists")
def _no_connection(s: Any) -> object:
    for api in s.world.apis:
        s.patch.delenv(f"AIRFLOW_CONN_{api.upper()}_DEFAULT")
    return s.command("list")


@COMMANDS.row("An API cannot cancel")
def _cancel(s: Any) -> object:
    operation_id = s.hook().create_deployment("airflow").operation_id
    return s.command("cancel", operation_id, "--conn-id", "onvera_default")


@COMMANDS.row("An API lists no operations")
def _list(s: Any) -> object:
    return s.command("list", "--conn-id", "lakesail_default")
