"""What changed between two polls of an operation, in words. No clock, no I/O."""

from __future__ import annotations

from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.operation import Operation


class WarningLine(str):
    """A line about a wait that is logged as a warning, since a person has to act."""

    __slots__ = ()


def describe(operation: Operation) -> str:
    """Return the state and phase of an operation in a few words."""
    progress = str(operation.progress) if operation.progress else ""
    return one_line(f"{operation.raw_state} ({progress})" if progress else operation.raw_state)


def ended_as(operation: Operation) -> str:
    """Return what a settled operation has ended as: its state, and its error. An API may keep its last phase."""
    state = operation.raw_state
    return one_line(f"{state}: {operation.error}" if operation.error else state)


def unknown_state(operation: Operation, why: str = "is not known to this release") -> str:
    """Return the line about an operation whose state stands for none of ours.

    :param why: what is said of the word.
    """
    return f"status {one_line(operation.raw_state)!r} {why}; waiting on"


def describe_new_human_steps(operation: Operation, before: Operation | None) -> list[str]:
    """Return a line for each step that waits for a person now and did not before."""
    if operation.progress is None or not operation.progress.steps:
        return []
    known = {step.name for step in before.progress.steps if step.needs_human} if before and before.progress else set()
    link = f" at {operation.url}" if operation.url else ""
    return [
        one_line(f"step {step.name!r} waits for a person{link}")
        for step in operation.progress.steps
        if step.needs_human and step.name not in known
    ]
