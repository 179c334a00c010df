"""Spans about submits and waits, where OpenTelemetry is installed and Airflow or the user has set it up.

They are made on the worker, beside the wait and not around it: a wait may go through several processes, none of which
lives as long as it. So the span of a wait is recorded when it is over, with the times it had, below Airflow's own span
of the task (``worker.<task_id>``). What happened meanwhile, tolerated outages included, are its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from airflow_provider_ops.core.gate import fit, one_line
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.timeline import Timeline
from airflow_provider_ops.operation import Operation, OperationState

try:
    from opentelemetry import trace as opentelemetry_trace
except ImportError:  # nothing is recorded
    trace: Any = None
else:
    trace = opentelemetry_trace

#: Spans and their attributes; docs/reference/metrics.md has the same table.
SUBMIT, WAIT = "operation.submit", "operation.wait"
ATTRIBUTES = (
    "operation.api",
    "operation.kind",
    "operation.id",
    "operation.resource_type",
    "operation.resource_id",
    "operation.joined",
    "operation.state",
    "operation.mode",
)


@contextmanager
def submitting(api: str, kind: str) -> Iterator[dict[str, Any]]:
    """Record a span around a submit; the entries of the yielded dict become its attributes."""
    facts: dict[str, Any] = {"api": api, "kind": kind}
    if trace is None:
        yield facts
        return
    # what is raised is the task's error, and Airflow's span of the task has it
    with trace.get_tracer(__name__).start_as_current_span(
        SUBMIT, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield facts
        except Exception as error:
            span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.set_attributes(_attributes(facts))


def of_handle(handle: Handle, *, joined: bool) -> dict[str, Any]:
    """Return the attributes that are known after a submit."""
    return {
        "kind": handle.kind,
        "id": handle.operation_id,
        "resource_type": handle.resource_type,
        "resource_id": handle.resource_id,
        "joined": joined,
    }


def waited(operation: Operation, *, started: float, now: float, mode: str, timeline: Timeline | None = None) -> None:
    """Record the span of a wait that is over.

    :param started: epoch seconds of the submit, or of the wait where that is not known.
    :param now: when the worker got the result, which is the end where the API does not give one.
    """
    if trace is None:
        return
    ended = _epoch(operation.ended_at) or now
    span = trace.get_tracer(__name__).start_span(WAIT, start_time=_ns(started))
    facts = {
        "api": operation.api,
        "kind": operation.kind,
        "id": operation.id,
        "resource_type": operation.resource_type,
        "resource_id": operation.resource_id,
        "state": operation.state.value,
        "mode": mode,
    }
    span.set_attributes(_attributes(facts))
    began, entries = (timeline.start, timeline.entries) if timeline is not None else (started, [])
    for at, line in entries:
        span.add_event(line, timestamp=_ns(began + at))
    if operation.state in (OperationState.FAILED, OperationState.CANCELLED):
        span.set_status(trace.Status(trace.StatusCode.ERROR, one_line(operation.raw_state)))
    span.end(_ns(max(ended, started)))


def _attributes(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"operation.{name}": value for name, value in fit(facts).value.items() if value is not None}


def _epoch(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _ns(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
