"""What differs between the Airflow releases we run on (3.1 and later), asked for by feature, not by version."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from airflow.sdk import BaseHook, Connection

from airflow_provider_ops import metrics
from airflow_provider_ops.core.kill_decision import GONE, Awaited
from airflow_provider_ops.exceptions import ConnectionMissing, InvalidConnection, OpsError, located

try:
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )
except ImportError:  # before 3.2
    from airflow.exceptions import (  # type: ignore[no-redef,attr-defined]
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )

try:
    from airflow.sdk.exceptions import AirflowTaskTimeout
except ImportError:  # before 3.2
    from airflow.exceptions import AirflowTaskTimeout  # type: ignore[no-redef]

try:
    from airflow.sdk.definitions.retry_policy import RetryPolicy
except ImportError:  # before 3.3
    ASKS_RETRY_POLICY = False

    class RetryPolicy:  # type: ignore[no-redef]
        """Stand-in for the base class; no code calls it."""

else:
    ASKS_RETRY_POLICY = True

try:
    from airflow.sdk.configuration import conf
    from airflow.sdk.observability import stats as stats_module
except ImportError:  # before 3.2
    from airflow import stats as stats_module  # type: ignore[no-redef]
    from airflow.configuration import conf

#: XCom that says which attempt waits for which operation.
OPERATION_ATTEMPT = "operation_attempt"

#: Variable by which Airflow decides where a process takes connections from, outside of tasks and triggers.
_PROCESS_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"

#: Where Airflow's own metrics go; functions since 3.3, a class before.
stats: Any = stats_module if hasattr(stats_module, "incr") else stats_module.Stats
metrics.send_to(stats, long_names=conf.getboolean("metrics", "legacy_names_on", fallback=True))

__all__ = [
    "ASKS_RETRY_POLICY",
    "OPERATION_ATTEMPT",
    "AirflowFailException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "RetryPolicy",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "airflow_version",
    "can_push_plain_async",
    "conf",
    "get_connection",
    "get_connection_async",
    "has_scheduler",
    "never_retried",
    "pull_plain",
    "pull_plain_async",
    "push_plain",
    "push_plain_async",
    "pushed_operation",
    "secrets_of_this_airflow",
    "status_of",
    "task_state",
    "task_state_async",
]


def get_connection(conn_id: str) -> tuple[Connection, Mapping[str, Any]]:
    """Return a connection and its ``extra`` in worker code; Airflow masks what is secret in it.

    :raises InvalidConnection: there is no such connection.
    """
    try:
        conn = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise _no_such_connection(conn_id) from None
    return conn, conn.extra_dejson


async def get_connection_async(conn_id: str) -> tuple[Connection, Mapping[str, Any]]:
    """Return the same as :func:`get_connection`, on an event loop (triggers)."""
    if not has_scheduler():
        # one trigger runs in the process of the task, where Airflow can be asked for connections synchronously only
        return get_connection(conn_id)
    try:
        if hasattr(Connection, "aextra_dejson"):
            conn = await BaseHook.aget_connection(conn_id)
            return conn, await conn.aextra_dejson()
        # before 3.3.2 the asynchronous lookup masks secrets synchronously, which can deadlock the triggerer
        from asgiref.sync import sync_to_async  # noqa: PLC0415 - not needed on current releases

        return await sync_to_async(get_connection)(conn_id)
    except AirflowNotFoundException:
        raise _no_such_connection(conn_id) from None


@contextmanager
def secrets_of_this_airflow() -> Iterator[None]:
    """Take connections from all of Airflow's secrets backends, its database included; for commands.

    Elsewhere Airflow decides by the process; a command is on its own, and Airflow's own ones
    (``airflow connections test``) say so in this way.
    """
    before = os.environ.get(_PROCESS_CONTEXT)
    os.environ[_PROCESS_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PROCESS_CONTEXT]
        else:
            os.environ[_PROCESS_CONTEXT] = before


def airflow_version() -> str:
    """Return the version of this Airflow, empty where only its task SDK is installed."""
    import airflow  # noqa: PLC0415 - its attributes are loaded on access

    return str(getattr(airflow, "__version__", ""))


def has_scheduler() -> bool:
    """Return whether a scheduler runs the task of this process: not in ``dag.test()`` and ``airflow tasks test``."""
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - only on a worker

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ != "InProcessSupervisorComms"


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status with which Airflow's API server answered a task or trigger; ``None`` for other errors."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    status = detail.get("status_code") if isinstance(detail, Mapping) else None
    return status if isinstance(status, int) else None


def task_state(ti: Any) -> str | None:
    """Return the state of a task instance as the scheduler sees it now; called on its own worker."""
    return _state_of(ti, ti.get_task_states)


async def task_state_async(ti: Any) -> str | None:
    """Return the same as :func:`task_state`, for triggers."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance  # noqa: PLC0415 - only in a triggerer
    from asgiref.sync import sync_to_async  # noqa: PLC0415

    return await sync_to_async(_state_of)(ti, RuntimeTaskInstance.get_task_states)


async def pushed_operation(ti: Any) -> Awaited:
    """Return what the latest attempt of a task instance has pushed of itself, for triggers."""
    from airflow.sdk.execution_time.xcom import XCom  # noqa: PLC0415 - only in a triggerer

    async def pull(key: str) -> Any:
        return await XCom.aget_one(
            key=key, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index
        )

    attempt = await pull(OPERATION_ATTEMPT)
    if isinstance(attempt, Mapping):
        return Awaited(attempt.get("operation_id"), attempt.get("ti_id"))
    # a worker of an earlier release
    return Awaited(await pull("operation_id"))


# A custom XCom backend may keep values elsewhere, slowly, and leave a reference in Airflow's database that the REST API
# cannot follow. What is meant for people's eyes is therefore written and read as Airflow itself does it; and as text,
# because Airflow's serialization visits every value, which for a long record would stop the triggerer for 150 ms.


def push_plain(ti: Any, key: str, value: Any) -> None:
    """Keep a JSON value as an XCom of a task instance, past any custom XCom backend."""
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 - only on a worker

    BaseXCom.set(key, json.dumps(value, allow_nan=False), **_place(ti))


def pull_plain(ti: Any, key: str) -> Any:
    """Return what :func:`push_plain` has kept for this task instance, ``None`` when there is nothing."""
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 - only on a worker

    return _value(BaseXCom.get_one(key=key, **_place(ti)))


def masked(text: str) -> str:
    """Return a text as Airflow's log would show it, without the secrets that this process knows."""
    import airflow.sdk.log as task_log  # noqa: PLC0415 - only on a worker

    redact = getattr(task_log, "redact", None)
    return str(redact(text)) if redact else text


def can_push_plain_async() -> bool:
    """Return whether triggers can keep XComs (Airflow 3.3)."""
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 - only in a triggerer

    return hasattr(BaseXCom, "aset") and hasattr(BaseXCom, "aget_one")


async def push_plain_async(ti: Any, key: str, value: Any) -> None:
    """Keep a value as :func:`push_plain` does, for triggers."""
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 - only in a triggerer

    await BaseXCom.aset(key, json.dumps(value, allow_nan=False), **_place(ti))


async def pull_plain_async(ti: Any, key: str) -> Any:
    """Return the same as :func:`pull_plain`, for triggers."""
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 - only in a triggerer

    return _value(await BaseXCom.aget_one(key=key, **_place(ti)))


def _value(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else None


def _place(ti: Any) -> dict[str, Any]:
    map_index = -1 if ti.map_index is None else ti.map_index
    return {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": map_index}


def _state_of(ti: Any, get_task_states: Callable[..., Mapping[str, Any]]) -> str | None:
    states = get_task_states(
        dag_id=ti.dag_id,
        task_ids=[ti.task_id],
        run_ids=[ti.run_id],
        map_index=ti.map_index if ti.map_index is not None and ti.map_index >= 0 else None,
    )
    state: str | None = next(iter(states.get(ti.run_id, {}).values()), GONE)
    return state


def never_retried(error: OpsError) -> OpsError | None:
    """Return ``error`` as one that Airflow does not retry, of the same class; ``None`` where a retry policy decides."""
    if ASKS_RETRY_POLICY or isinstance(error, AirflowFailException):
        return None
    cls = _never_retried(type(error))  # type: ignore[arg-type]  # mypy takes a class for one of its instances
    final = cls.__new__(cls, *error.args)
    vars(final).update(vars(error))
    return final


@cache
def _never_retried(cls: type[OpsError]) -> type[OpsError]:
    # under its own name: it is what people read in logs and on the task instance's page
    return type(cls.__name__, (cls, AirflowFailException), {"__module__": cls.__module__, "__reduce__": _plainly})


def _plainly(error: OpsError) -> tuple[Any, ...]:
    """Reduce to the original error class: pickle could not find a class that was made at run time."""
    return _restored, (type(error).__mro__[1], error.args, dict(vars(error)))


def _restored(cls: type[OpsError], args: tuple[Any, ...], state: dict[str, Any]) -> OpsError:
    error = cls.__new__(cls, *args)
    vars(error).update(state)
    return error


def _no_such_connection(conn_id: str) -> InvalidConnection:
    missing = ConnectionMissing(
        "it does not exist; create it under Admin > Connections, "
        f"or set the environment variable AIRFLOW_CONN_{conn_id.upper()}{_without_database()}"
    )
    return located(missing, f"connection {conn_id!r}")


def _without_database() -> str:
    """Say that Airflow's database was not asked, where this process is neither a task or trigger nor a server."""
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - only for an error

    if hasattr(task_runner, "SUPERVISOR_COMMS") or os.environ.get(_PROCESS_CONTEXT):
        return ""
    return ". Outside a task only environment variables and secrets backends are read, not Airflow's database"
