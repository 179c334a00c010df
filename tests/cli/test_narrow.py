"""However narrow the terminal is, each id that a command prints is in one piece."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.testing import never_settles

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

ONVERA = ("--conn-id", "onvera_default")
AKUA = ("--conn-id", "akua_default")
DEPLOYMENT = "f4392eaf-3047-404e-aacc-2670370584ca"
SOURCE = f"""
from airflow.sdk import DAG
from airflow_provider_ops.operators.onvera import OnveraDestroyDeploymentOperator

with DAG("narrow", schedule=None) as dag:
    OnveraDestroyDeploymentOperator(task_id="destroy", deployment_id="{DEPLOYMENT}")
"""


@pytest.fixture(params=[40, 60, 80])
def narrow(request: pytest.FixtureRequest, world: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> SimulatorServer:
    # in a pipe Airflow's tables are 200 columns wide
    monkeypatch.setattr("airflow.cli.simple_table.is_tty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(request.param))
    return world


def _check(_world: SimulatorServer, run: Any) -> tuple[Any, list[str]]:
    return run("check"), ["onvera_default", "lakesail_default"]


def _list(world: SimulatorServer, run: Any) -> tuple[Any, list[str]]:
    made = [OnveraHook().create_deployment("airflow") for _ in range(2)]
    return run("list", *ONVERA), [str(one.operation_id) for one in made] + [one["id"] for one in world.resources()]


def _show(world: SimulatorServer, run: Any) -> tuple[Any, list[str]]:
    operation_id = OnveraHook().create_deployment("airflow").operation_id
    return run("show", operation_id, *ONVERA), [operation_id, world.resources()[0]["id"]]


def _wait(world: SimulatorServer, run: Any) -> tuple[Any, list[str]]:
    ids = [OnveraHook().create_deployment("airflow").operation_id for _ in range(2)]
    return run("wait", *ids, *ONVERA), [*ids, *(one["id"] for one in world.resources())]


def _cancel(world: SimulatorServer, run: Any) -> tuple[Any, list[str]]:
    world.faults(never_settles())
    operation = AkuaHook().create_cluster(name="c", region_id="reg_eu")
    return run("cancel", operation.id, *AKUA), [operation.id, str(operation.resource_id)]


@pytest.mark.parametrize("command", [_check, _list, _show, _wait, _cancel])
def test_ids_are_whole(narrow: SimulatorServer, operations: Any, command: Callable[..., Any]) -> None:
    ran, ids = command(narrow, operations)
    assert [one for one in ids if one not in ran.out] == []


def test_ids_of_a_preview_are_whole(narrow: SimulatorServer, operations: Any, airflow_db: Path) -> None:
    file = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "narrow.py"
    file.write_text(SOURCE, encoding="utf-8")
    try:
        ran = operations("preview", "narrow", "destroy")
    finally:
        file.unlink()
    assert DEPLOYMENT in ran.out


def test_ids_of_what_is_left_behind_are_whole(
    narrow: SimulatorServer, operations: Any, a_dag: Any, run_dag: Any
) -> None:
    with a_dag() as dag:
        OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", poll_interval=0.05, deferrable=False)
    ran = run_dag(dag)
    where = ("--dag-id", dag.dag_id, "--run-id", ran.run.run_id)
    made = narrow.resources()[0]
    ids = [made["id"], made["name"], str(ran.xcom("create", "operation_id")), ran.run.run_id]
    assert [one for one in ids if one not in operations("sweep", *where).out] == []
    assert narrow.resources()[0]["id"] in operations("sweep", *where, "--yes").out
