"""Spans of submits and waits, as an exporter gets them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops import tracing
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.testing import fail_first, operation_fails, outage

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

sdk = pytest.importorskip("opentelemetry.sdk.trace")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
export = pytest.importorskip("opentelemetry.sdk.trace.export")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """The spans that have ended."""
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.trace, "get_tracer", provider.get_tracer)
    return lambda: [span for span in exporter.get_finished_spans() if span.name.startswith("operation.")]


@pytest.fixture(autouse=True)
def _defer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)


def run(run_dag: Any, a_dag: Any, **arguments: Any) -> Any:
    with a_dag() as dag:
        OnveraCreateDeploymentOperator(task_id="deploy", app_type="airflow", **{"poll_interval": 0.05, **arguments})
    return run_dag(dag)


def test_a_submit_and_its_wait(spans: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any) -> None:
    # still running at the first look, also on a machine that is busy, so that the task defers
    operations_simulator.duration = 1.0
    ran = run(run_dag, a_dag)
    operation = ran.xcom("deploy")["operation"]
    submit, wait = spans()
    same = {
        "operation.api": "onvera",
        "operation.kind": "deployment.create",
        "operation.id": operation["id"],
        "operation.resource_type": "deployment",
        "operation.resource_id": operation["resource_id"],
    }
    assert submit.name == "operation.submit"
    assert dict(submit.attributes) == {**same, "operation.joined": False}
    assert wait.name == "operation.wait"
    assert dict(wait.attributes) == {**same, "operation.state": "succeeded", "operation.mode": "deferred"}
    assert set(submit.attributes) | set(wait.attributes) == set(tracing.ATTRIBUTES)
    assert submit.start_time <= submit.end_time
    # it begins with the submit, although it is recorded by a later process
    assert abs(wait.start_time - submit.start_time) < 1e9
    assert wait.start_time <= wait.end_time
    assert any("succeeded" in event.name for event in wait.events)
    assert "test-key" not in submit.to_json() + wait.to_json()


def test_a_tolerated_outage_is_in_the_story_of_the_wait(
    spans: Any, virtual_time: VirtualClock, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any
) -> None:
    operations_simulator.faults(fail_first(2, status=503, method="GET", route="/operations/{operation_id}", skip=1))
    run(run_dag, a_dag, poll_interval=30)
    told = [event.name for event in spans()[-1].events]
    assert any(line.startswith("could not poll") for line in told), told


def test_an_operation_that_failed(spans: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any) -> None:
    operations_simulator.faults(operation_fails("no capacity"))
    run(run_dag, a_dag, deferrable=False)
    wait = spans()[-1]
    assert wait.attributes["operation.state"] == "failed"
    assert wait.status.status_code.name == "ERROR"


def test_a_submit_that_was_refused(spans: Any, operations_simulator: SimulatorServer, run_dag: Any, a_dag: Any) -> None:
    operations_simulator.faults(outage(60, status=403, method="POST"))
    ran = run(run_dag, a_dag)
    assert ran.states == {"deploy": "failed"}
    (submit,) = spans()
    assert submit.status.status_code.name == "ERROR"
    assert submit.status.description == "PermissionDenied"
    assert "operation.id" not in submit.attributes


def test_without_opentelemetry_nothing_is_missing() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from airflow_provider_ops import tracing\n"
        "from airflow_provider_ops.operation import Operation, OperationState\n"
        "with tracing.submitting('a', 'k') as facts: facts['id'] = 'op_1'\n"
        "tracing.waited(Operation('1', 'a', 'k', OperationState.FAILED, 'f'), started=0, now=1, mode='worker')\n"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
