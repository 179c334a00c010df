"""Progress of a running wait: a bar for each operation on a terminal, else a line for each change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from typing_extensions import Self

from airflow_provider_ops.cli.output import echo, printable
from airflow_provider_ops.core.changes import describe, ended_as
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.operation import Operation

_FULL = 100.0


class WaitProgress:
    """Show a wait on standard error, as a context manager; :meth:`show` is its log."""

    def __init__(self, states: Sequence[WaitState]) -> None:
        self._watches = states
        self._bars: dict[str, TaskID] = {}
        self._progress = _bars() if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._progress is not None:
            for state in self._watches:
                self._bars[state.operation_id] = self._progress.add_task(state.operation_id, total=None, now="")
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, line: str) -> None:
        """Show a change; ``line`` begins with the operation's id."""
        if self._progress is None:
            echo(line)
            return
        for state in self._watches:
            self._progress.update(self._bars[state.operation_id], **_shown(state))


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[now]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def _shown(state: WaitState) -> dict[str, Any]:
    operation = state.operation
    now = "checking again after an error" if state.is_failing else _now(operation)
    if state.outcome is not None:
        return {"total": _FULL, "completed": _FULL, "now": now}
    progress = operation.progress if operation else None
    if progress is None or not progress.total:
        return {"total": None, "now": now}
    return {"total": _FULL, "completed": _FULL * (progress.done or 0) / progress.total, "now": now}


def _now(operation: Operation | None) -> str:
    if operation is None:
        return ""
    return escape(printable(ended_as(operation) if operation.state.is_terminal else describe(operation)))
