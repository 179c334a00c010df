"""Every example reads without I/O and runs green against the simulator."""

from __future__ import annotations

import importlib.util
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_provider_ops.specs import load

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer

EXAMPLES = sorted((Path(__file__).parents[2] / "dags_examples").glob("*.py"))


def parse(file: Path) -> DAG:
    """The one DAG of a file, see `parse_all`."""
    (dag,) = parse_all(file)
    return dag


def parse_all(file: Path) -> list[DAG]:
    """The DAGs of a file, read as Airflow reads it, with all sockets blocked."""

    def refuse(*args: Any, **_kwargs: Any) -> Any:
        msg = f"I/O while parsing {file.name}: {args}"
        raise AssertionError(msg)

    name = f"example_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    DagContext.autoregistered_dags.clear()
    DagContext.current_autoregister_module_name = name
    with pytest.MonkeyPatch.context() as patch:
        for way in ("connect", "connect_ex", "sendto", "bind"):
            patch.setattr(socket.socket, way, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        try:
            spec.loader.exec_module(module)
            return [dag for dag, _ in DagContext.autoregistered_dags]
        finally:
            DagContext.current_autoregister_module_name = None
            DagContext.autoregistered_dags.clear()


def hurry(dag: DAG) -> None:
    """Let the tasks look more often: the simulator's operations take a fraction of a second."""
    task: Any
    for task in dag.tasks:
        if task.is_mapped:
            task.partial_kwargs.setdefault("poll_interval", 0.05)
        elif hasattr(task, "poll_interval"):
            task.poll_interval = 0.05


@pytest.fixture(params=EXAMPLES, ids=lambda file: file.stem)
def example(request: pytest.FixtureRequest) -> DAG:
    return parse(request.param)


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)
    monkeypatch.setattr("airflow_provider_ops.sensors.attempts.SECONDS_BEFORE_DEFERRING", 0.0)


@pytest.fixture(autouse=True)
def _described(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    name = operations_simulator.add(load("hetzner"))
    monkeypatch.setenv("AIRFLOW_CONN_HETZNER_DEFAULT", operations_simulator.connection_json(name, "any-key"))


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_an_example_is_one_documented_dag_with_retries(example: DAG) -> None:
    assert example.doc_md
    assert example.tasks
    waiting = [task for task in example.tasks if task.is_mapped or hasattr(task, "poll_interval")]
    assert all(task.retries for task in waiting), "a scheduler race may fail a task whose operation succeeded"


def test_an_example_runs_green_and_leaves_one_resource_per_task_that_asked_for_one(
    example: DAG, run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    hurry(example)
    ran = run_dag(example)
    assert ran.state == "success", (ran.states, ran.errors)
    assert not ran.errors
    names = [(one["api"], one["kind"], one["name"]) for one in operations_simulator.resources() if one["name"]]
    assert len(names) == len(set(names)), "something was created twice"


def test_an_ephemeral_environment_is_destroyed_although_the_work_fails(
    run_dag: Any, operations_simulator: SimulatorServer
) -> None:
    (file,) = [file for file in EXAMPLES if file.stem == "onvera_ephemeral_environment"]
    dag = parse(file)
    hurry(dag)
    ran = run_dag(dag, work_fails=True)
    assert ran.states == {"create": "success", "run_tests": "failed", "destroy": "success"}
    assert ran.state == "failed"
    assert [one["deleted"] for one in operations_simulator.resources()] == [True]
