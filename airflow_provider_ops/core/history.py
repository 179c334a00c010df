"""The history of a wait that people are shown: one record per operation, small enough to be kept beside the task.

The process that waits (worker or triggerer) records what its wait states know whenever something changed, and keeps the
result where Airflow's UI can read it. A later leg, or another triggerer, continues where the last one stopped.
"""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ops.core.aftermath import Aftermath
from airflow_provider_ops.core.gate import SHORT, Limits, clean, fit, ids_in, share
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.operation import Operation

#: XCom key of the record. Renaming it would hide the history of tasks that have ended.
KEY = "operation_progress"
#: Key in the task state store of the outcomes of earlier tries.
TRIES = "airflow_provider_ops.tries"
#: Key in the task state store of the record of a try whose XComs do not outlive each of its legs.
RECORD = "airflow_provider_ops.record"
#: Layout of the record; older ones stay readable.
VERSION = 1

#: Bounds of one record: it is written again on each change and read by every open page.
MOST_OPERATIONS = SHORT.items
#: Of more operations than this each is recorded without its steps and with its last few changes only.
_FEW = 10


#: Names of stored texts that may be missing.
_TEXTS = ("on_kill", "on_timeout", "error", "error_type")


@dataclass(slots=True)
class WaitHistory:
    """The operations that one try of a task waits for, with the history of each.

    :param where: ``worker`` or ``triggerer``: the process that polls.
    :param deadline: epoch seconds.
    :param on_kill: kill policy of the task; ``None`` where it has none, or its release did not record it.
    :param on_timeout: the same for its timeout policy.
    """

    api: str
    conn_id: str
    try_number: int
    where: str
    wait_for: str = "all"
    deadline: float | None = None
    on_kill: str | None = None
    on_timeout: str | None = None
    is_over: bool = False
    #: What the try left behind, once it has ended without success.
    aftermath: Aftermath | None = None
    #: When the record was written that this was read from.
    written_at: float = 0.0
    #: Why the try has failed, where it came to know no operation.
    error: str | None = None
    #: Name of its class.
    error_type: str | None = None
    #: How many operations the record that this was read from has left out.
    omitted: int = 0
    operations: dict[str, OperationHistory] = field(default_factory=dict)

    def record(self, watches: Iterable[WaitState], now: float) -> None:
        """Take in what wait states know now."""
        for watch in watches:
            self.operation(watch.operation_id).observe(watch, now)

    def operation(self, operation_id: str) -> OperationHistory:
        """Return the history of an operation, an empty one when there is none."""
        return self.operations.setdefault(operation_id, OperationHistory(operation_id))

    def continue_from(self, record: object) -> None:
        """Take over what an earlier leg of the same try has kept, where that can be read."""
        earlier = read_record(record)
        if earlier is None or earlier.try_number != self.try_number:
            return
        self.on_kill = self.on_kill or earlier.on_kill
        self.on_timeout = self.on_timeout or earlier.on_timeout
        for operation_id, before in earlier.operations.items():
            after = self.operations.get(operation_id)
            if after is None:
                self.operations[operation_id] = before
            else:
                after.continue_from(before)
        self.operations = {
            # in the order in which the waits began
            **{name: self.operations[name] for name in earlier.operations},
            **self.operations,
        }

    def to_event(self) -> dict[str, Any]:
        """Return the part that an event carries, for a worker that finds no stored record."""
        summary = {
            name: {
                "phases": [list(phase) for phase in history.phases],
                "failed_looks": history.failed_polls,
                "last_error": history.last_error,
            }
            for name, history in list(self.operations.items())[:_FEW]
        }
        return fit(summary, whole=list(summary)).value  # type: ignore[no-any-return]

    def merge(self, summary: object) -> None:
        """Take in what the trigger's event carries."""
        for name, facts in summary.items() if isinstance(summary, Mapping) else ():
            # no task may fail because another release wrote the event differently
            with contextlib.suppress(Exception):
                if name in self.operations or facts["phases"]:
                    self.operation(str(name)).merge(facts)

    def to_record(self, now: float) -> dict[str, Any]:
        """Return the record as JSON values, bounded, without anything secret."""
        shown = list(self.operations.values())[:MOST_OPERATIONS]
        brief, limits = len(shown) > _FEW, share(len(shown))
        return {
            "version": VERSION,
            "api": self.api,
            "conn_id": self.conn_id,
            "try_number": self.try_number,
            "where": self.where,
            "wait_for": self.wait_for,
            "deadline": self.deadline,
            "on_kill": self.on_kill,
            "on_timeout": self.on_timeout,
            "aftermath": fit(self.aftermath.to_dict()).value if self.aftermath else None,
            "is_over": self.is_over,
            "error": self.error,
            "error_type": self.error_type,
            "written_at": round(now, 1),
            "omitted": len(self.operations) - len(shown),
            "operations": [_fitted(history.to_dict(brief=brief), limits) for history in shown],
        }


def _fitted(history: Mapping[str, Any], limits: Limits) -> Any:
    return fit(history, limits, [*ids_in(history), *ids_in(history["operation"])]).value


def read_record(record: object) -> WaitHistory | None:
    """Return the history in a record; ``None`` when there is none that this release can read."""
    try:
        if isinstance(record, str):
            record = json.loads(record)
        if not isinstance(record, Mapping):
            return None
        # users and tasks that may write XComs could have written any number, and anything
        entries = record["operations"]
        histories = [OperationHistory.from_dict(clean(entry)) for entry in entries[:MOST_OPERATIONS]]
        return WaitHistory(
            api=str(record["api"]),
            conn_id=str(record["conn_id"]),
            try_number=int(record["try_number"]),
            where=str(record["where"]),
            wait_for=str(record.get("wait_for", "all")),
            deadline=record.get("deadline"),
            **{name: clean(text) for name in _TEXTS if isinstance(text := record.get(name), str)},
            aftermath=Aftermath.from_dict(clean(record.get("aftermath"))),
            is_over=bool(record.get("is_over")),
            written_at=float(record.get("written_at") or 0.0),
            omitted=int(record.get("omitted") or 0) + len(entries) - len(histories),
            operations={history.operation_id: history for history in histories},
        )
    except Exception:  # noqa: BLE001 - whatever another release, or a person, has written there
        return None


def digest(watches: Sequence[WaitState]) -> int:
    """Return a number that changes when the reported state of the waits does.

    The digest of several waits is made of the digests of each.
    """
    return functools.reduce(operator.xor, map(_digest_of, watches), 0)


def _digest_of(watch: WaitState) -> int:
    facts = (watch.operation_id, watch.is_failing, *(_state_of(watch.operation) if watch.operation else ()))
    return zlib.crc32(repr(facts).encode())


def _state_of(operation: Operation) -> tuple[str, str]:
    return operation.raw_state, str(operation.progress or "")
