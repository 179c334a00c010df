"""Records for the tab why a try has failed that came to know no operation."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ops._compat import masked, push_plain
from airflow_provider_ops.core.gate import one_line
from airflow_provider_ops.core.history import KEY, WaitHistory
from airflow_provider_ops.core.operation_history import OperationHistory
from airflow_provider_ops.exceptions import OpsError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class OwnTask(Protocol):
    """A task of this package."""

    conn_id: Any

    def _histories(self) -> Iterable[OperationHistory]: ...


@contextmanager
def failed_start_recorded(task: OwnTask, context: Context) -> Iterator[None]:
    """Record the error of the first leg of a try, unless that knows an operation, whose record says more."""
    try:
        yield
    except OpsError as error:
        try:
            if not list(task._histories()):  # noqa: SLF001 - a task of this package
                record(context["ti"], task, error)
        except Exception:
            log.debug("why this try has failed cannot be shown", exc_info=True)
        raise


def record(ti: Any, task: OwnTask, error: OpsError) -> None:
    """Store a record without operations."""
    wait = WaitHistory("", str(task.conn_id), ti.try_number, "worker", is_over=True)
    wait.error, wait.error_type = one_line(masked(str(error))), type(error).__name__
    push_plain(ti, KEY, wait.to_record(time.time()))
