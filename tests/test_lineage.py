"""The operations of a task in the events that Airflow's OpenLineage provider really sends."""

# ruff: noqa: PLC0415 - importing the provider reads its configuration

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import task

from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import operation_fails, outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.testing import SimulatorServer

FACET = "airflowProviderOps_operations"
Events = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def events(airflow_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Events]]:
    """What the provider has sent: run facets by name of the task and type of the event."""
    from airflow.providers.openlineage import conf

    try:
        from airflow.sdk.listener import get_listener_manager
    except ImportError:  # before 3.2
        from airflow.listeners.listener import get_listener_manager  # type: ignore[assignment]

    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__DISABLED", "False")
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
    caches = [found for found in vars(conf).values() if hasattr(found, "cache_clear")]
    for cache in caches:
        cache.cache_clear()
    from airflow.providers.openlineage.plugins.listener import OpenLineageListener

    listener = OpenLineageListener()  # type: ignore[no-untyped-call]
    # a fork of the test session would take its threads and sockets along
    monkeypatch.setattr(listener, "_fork_execute", lambda work, _name: work())
    manager = get_listener_manager()
    manager.add_listener(listener)  # type: ignore[no-untyped-call]

    def read() -> Events:
        sent = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return {(one["job"]["name"].rpartition(".")[2], one["eventType"]): one["run"]["facets"] for one in sent}

    yield read
    manager.pm.unregister(listener)
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


def create(**arguments: Any) -> OnveraCreateDeploymentOperator:
    return OnveraCreateDeploymentOperator(task_id="create", app_type="airflow", poll_interval=0.05, **arguments)


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_event_of_a_task_that_succeeded_has_its_operation(
    events: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any, *, deferrable: bool
) -> None:
    with a_dag() as dag:
        create(deferrable=deferrable)
    operation = run_dag(dag).xcom("create")["operation"]
    facet = events()["create", "COMPLETE"][FACET]
    assert facet["omitted"] == 0
    (told,) = facet["operations"]
    assert told == {
        "id": operation["id"],
        "api": "onvera",
        "kind": "deployment.create",
        "state": "succeeded",
        "resourceType": "deployment",
        "resourceId": operation["resource_id"],
        **({"url": operation["url"]} if operation["url"] else {}),
        "createdAt": operation["created_at"],
        "startedAt": operation["started_at"],
        "endedAt": operation["ended_at"],
    }
    assert "test-key" not in json.dumps(facet)


def test_the_event_of_a_task_that_failed_has_it_too(
    events: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any
) -> None:
    operations_simulator.faults(operation_fails("no capacity"))
    with a_dag() as dag:
        create()
    run_dag(dag)
    (told,) = events()["create", "FAIL"][FACET]["operations"]
    assert (told["kind"], told["state"]) == ("deployment.create", "failed")


def test_a_task_that_knew_of_no_operation_tells_none(
    events: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any
) -> None:
    operations_simulator.faults(outage(60, status=403, method="POST"))
    with a_dag() as dag:
        create()
    run_dag(dag)
    assert FACET not in events()["create", "FAIL"]


def test_what_is_not_waited_for_is_told_as_it_was(
    events: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any
) -> None:
    with a_dag() as dag:
        create(wait_for_completion=False)
    ran = run_dag(dag)
    (told,) = events()["create", "COMPLETE"][FACET]["operations"]
    assert told["id"] == ran.xcom("create", "operation_id")


def test_sensors_and_decorated_tasks_tell_all_their_operations(
    events: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any
) -> None:
    with a_dag() as dag:
        made = OnveraCreateDeploymentOperator.partial(
            task_id="create", app_type="airflow", wait_for_completion=False
        ).expand(name=["a", "b"])

        @task
        def ids(results: Any) -> list[str]:
            return [one["operation_id"] for one in results]

        @task.operation(conn_id="onvera_default", poll_interval=0.05)
        def decorated(found: list[str]) -> list[str]:
            return found

        found: Any = ids(made.output)
        OperationSensor(task_id="wait", conn_id="onvera_default", operation_id=found, poke_interval=0.05)
        decorated(found)
    wanted = sorted(run_dag(dag).xcom("ids"))
    for name in ("wait", "decorated"):
        told = events()[name, "COMPLETE"][FACET]["operations"]
        assert sorted(one["id"] for one in told) == wanted
        assert {one["state"] for one in told} == {"succeeded"}


def test_every_field_is_in_the_docs() -> None:
    from airflow_provider_ops.lineage.facet import _facts

    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    times: dict[str, Any] = {"created_at": now, "started_at": now, "ended_at": now}
    full = Operation("1", "a", "k", OperationState.FAILED, "f", "t", "r", url="https://a/1", **times)
    page = (Path(__file__).parents[1] / "docs" / "reference" / "metrics.md").read_text()
    assert [name for name in ("id", *_facts(full)) if f"`{name}`" not in page.split("## Lineage")[1]] == []
    assert FACET in page


def test_an_event_does_not_grow_with_the_number_of_operations() -> None:
    from airflow_provider_ops.core.operation_history import OperationHistory
    from airflow_provider_ops.lineage.facet import lineage_of

    facet = lineage_of([OperationHistory(str(number)) for number in range(250)]).run_facets[FACET]
    assert (len(facet.operations), facet.omitted) == (100, 150)


def test_without_openlineage_nothing_is_missing() -> None:
    code = (
        "import sys; sys.modules['openlineage'] = None\n"
        "from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator\n"
        "from airflow_provider_ops.sensors.operation import OperationSensor\n"
        "from airflow_provider_ops.decorators import operation_task\n"
        "assert 'airflow.providers.openlineage.extractors' not in sys.modules\n"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
