"""The trigger of the real triggerer's measurement: ours, and it notes when it saw its operation first and last."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_ops.triggers.operation import OperationTrigger

#: Where the notes go; in the environment of the triggerer.
NOTES = "BENCH_NOTES"


def note(what: str, operation_id: str) -> None:
    """Write down when something happened."""
    with open(os.environ[NOTES], "a", encoding="utf-8") as notes:  # noqa: PTH123 - a thousand times, on an event loop
        notes.write(f"{what} {operation_id} {time.time():.3f}\n")


class _FirstLine:
    """Passes lines on to a log. The first line of a wait is what it saw first, so that it is watched from then on."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._watched: set[str] = set()

    def info(self, line: str) -> None:
        """Log a line."""
        operation_id = line.partition(":")[0]
        if operation_id not in self._watched:
            self._watched.add(operation_id)
            note("watched", operation_id)
        self._log.info(line)


_lines: _FirstLine | None = None


class NotingTrigger(OperationTrigger):
    """Ours, with notes."""

    @classmethod
    def logger(cls) -> Any:
        """One for all, as ever."""
        global _lines  # noqa: PLW0603 - one per process
        if _lines is None:
            _lines = _FirstLine(super().logger())
        return _lines

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, note, yield."""
        async for event in super().run():
            note("known", self.operation_ids[0])
            yield event
