"""What other tasks hand over to the one whose request is shown: what a run has kept of it, else a name for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_ops.cli.output import CommandError, echo
from airflow_provider_ops.cli.tables import read_pushed
from airflow_provider_ops.core.values import StandIn

_RETURNED = "return_value"
#: What templates show for the id of the run where no run is named; no run has it.
NO_RUN = "id-of-the-run"
#: The names that were explained since :func:`outputs_of_mapped_tasks` began: Airflow renders some fields twice.
_EXPLAINED: ContextVar[set[str]] = ContextVar("_EXPLAINED")


class Unknown(StandIn):
    """The output of a task that has not run: text that can be a part of a request, and of which parts can be taken."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Unknown:
        """Return a part, which is not known either."""
        return Unknown(f"{self}.{key}")

    def get(self, key: Any, default: Any = None) -> Unknown:  # noqa: ARG002 - as of a dict
        """Return a part, as a dict does."""
        return self[key]


class UnknownOutputs(Sequence[Any]):
    """The outputs of a mapped task that has not run, as many as one of those that are mapped over them needs."""

    def __init__(self, output: Unknown, count: int) -> None:
        self._output, self._count = output, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        """Return one of them, or some."""
        chosen = range(self._count)[index]
        return self._output[chosen] if isinstance(chosen, int) else [self._output[one] for one in chosen]


class PreviewTaskInstance(RuntimeTaskInstance):
    """A task instance outside of a task: the output of others comes from the database, where it is there."""

    def xcom_pull(self, task_ids: Any = None, *_args: Any, key: str = _RETURNED, **_options: Any) -> Any:
        """Return what a task has pushed; what is not known is named."""
        if not isinstance(task_ids, str):
            raise CommandError(
                f"The output of several tasks at once ({task_ids!r}) cannot be previewed. "
                "`airflow tasks test` runs the task, and sends what it sends."
            )
        pushed = self._pushed(task_ids, key)
        # that of a task that is not mapped, else the only one of those that are
        known = pushed.get(-1, next(iter(pushed.values())) if len(pushed) == 1 else None)
        return _unknown(task_ids, key) if known is None else known

    def outputs(self, task_id: str, key: str) -> Sequence[Any]:
        """Return what the instances of a mapped task have pushed, in order; what is not known is named."""
        pushed = self._pushed(task_id, key)
        if pushed:
            return [pushed[index] for index in sorted(pushed)]
        return UnknownOutputs(_unknown(task_id, key), max(self.map_index or 0, 0) + 1)

    def get_relevant_upstream_map_indexes(self, *_args: Any, **_options: Any) -> None:
        """Return nothing: how often a group of tasks is mapped, only the supervisor of a task knows."""
        return

    def _pushed(self, task_id: str, key: str) -> Mapping[int, Any]:
        return {} if self.run_id == NO_RUN else read_pushed(self.dag_id, self.run_id, task_id, key)


def _unknown(task_id: str, key: str) -> Unknown:
    unknown = Unknown(f"output-of-{task_id}" if key == _RETURNED else f"output-of-{task_id}.{key}")
    explained = _EXPLAINED.get(set())
    if unknown not in explained:
        explained.add(unknown)
        echo(f"{unknown}: stands for what task {task_id} hands over, which only a run knows.")
    return unknown


@contextmanager
def outputs_of_mapped_tasks() -> Iterator[None]:
    """Read what mapped tasks have pushed where we are: Airflow asks the supervisor of a task, and there is none."""
    before = {name: vars(LazyXComSequence)[name] for name in ("__len__", "__getitem__")}
    token = _EXPLAINED.set(set())

    def outputs(sequence: Any) -> Sequence[Any]:
        arg, ti = sequence._xcom_arg, sequence._ti  # noqa: SLF001 - they have no other name
        read: Sequence[Any] = ti.outputs(arg.operator.task_id, arg.key)
        return read

    cls: Any = LazyXComSequence
    cls.__len__ = lambda self: len(outputs(self))
    cls.__getitem__ = lambda self, index: outputs(self)[index]
    try:
        yield
    finally:
        _EXPLAINED.reset(token)
        for name, method in before.items():
            setattr(cls, name, method)
