"""Makes the page of a task instance from what Airflow knows of it. No I/O.

The page is JSON for ``static/view.js``: times are epoch seconds, and every text is shown as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_ops.core.aftermath import cause_of_end
from airflow_provider_ops.core.handle import owed_policy
from airflow_provider_ops.core.history import MOST_OPERATIONS, WaitHistory, read_record
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.operation import Operation, web_address
from airflow_provider_ops.view.headline import headline_of_many
from airflow_provider_ops.view.left import what_is_left
from airflow_provider_ops.view.operation_data import Observation, operation_data

#: States of a task instance in which nothing more comes of this try.
_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_BEFORE = frozenset({None, "scheduled", "queued", "restarting"})
#: Of these also in the middle of a try: after its trigger has fired, and in a sensor that is rescheduled. Only another
#: try gets another number.
_MAYBE_BEFORE = frozenset({"scheduled", "queued"})
_BETWEEN = "up_for_retry"

#: Link of every task of this provider that may start an operation.
_LINK = "Remote resource"

#: Seconds between two requests of the page.
_SOON, _LATER, _AFTER_FAILURE = 4.0, 15.0, 30.0

#: Seconds after the end of a task in which what its kill policy came to may be recorded.
_KILL_SECONDS = 120.0

#: Open operations of a task that are read at most, and number of operations from which a page refreshes less often.
_FEW_TO_READ, _MANY = 3, 20

#: A state without an operation: title and explanation.
_EMPTY: Mapping[str, tuple[str, str]] = {
    "not_ours": (
        "No remote operation here",
        (
            "This task neither starts nor waits for an operation of airflow-provider-ops. Airflow shows this tab on "
            "every task."
        ),
    ),
    "not_started": ("Not started yet", "What the task submits or waits for is shown here as soon as it runs."),
    "submitting": (
        "No operation recorded yet",
        (
            "The task is running and has recorded no operation yet: it may be about to submit, or be searching for "
            "what an earlier try has started. The log says what the task does."
        ),
    ),
    "not_polled": (
        "Not polled yet",
        "This sensor waits for operations that were started elsewhere. They are shown here after its first poll.",
    ),
    "between": (
        "Between two tries",
        "The next try adopts what this one has submitted where that still runs, and submits anew where it failed.",
    ),
    "no_operation": (
        "Ended without an operation",
        (
            "Nothing is known of an operation of this try: it ended before it submitted or found one, or Airflow has "
            "removed its XComs since. Its log says more."
        ),
    ),
    "never_polled": (
        "Ended before its first poll",
        (
            "Nothing is known of the operations that this sensor was to wait for: it ended before its first poll, or "
            "Airflow has removed its XComs since. The operations are not affected. Its log says more."
        ),
    ),
}
#: A state without an operation, of a task that only waits.
_OF_A_SENSOR = {"submitting": "not_polled", "no_operation": "never_polled"}
#: Titles after errors for which "without an operation" would say too much.
_AFTER_ERROR: Mapping[str, str] = {AmbiguousSubmission.__name__: "The answer was lost"}
#: States without an operation after an error.
_FAILED_BEFORE = frozenset({"between", "no_operation", "never_polled"})
#: States without an operation after which nothing more comes.
_FINAL = frozenset({"not_ours", "no_operation", "never_polled"})


def empty(
    status: str, ti: Mapping[str, Any], now: float, why: str | None = None, error_type: str | None = None
) -> dict[str, Any]:
    """Return the page of a task instance of which no operation is known.

    :param why: the error with which the try has failed; ``error_type``: the name of its class.
    """
    title, hint = _EMPTY[status]
    asked_for = _rendered(ti, "operation_id")
    if status in ("submitting", "between", "no_operation") and isinstance(asked_for, str) and asked_for:
        hint = f"The task was given operation {asked_for} to adopt. Its log says what the API has answered."
    if why and status in _FAILED_BEFORE:
        hint = f"{why} {_EMPTY['between'][1]}" if status == "between" else why
    if why and status == "no_operation":
        title = _AFTER_ERROR.get(error_type or "", title)
    refresh = None if status in _FINAL else _SOON if status in ("submitting", "not_polled") else _LATER
    return {"status": status, "title": title, "hint": hint, "refresh": refresh, "now": now, "task": _task(ti)}


def without_operation(ti: Mapping[str, Any], *, ours: bool, submits: bool = True) -> str:
    """Return which of the states without an operation it is.

    :param submits: whether the task may start an operation; a sensor never does.
    """
    state = ti.get("state")
    if not ours:
        return "not_ours"
    if state in _BEFORE:
        return "not_started"
    status = "no_operation" if state in _OVER else "between" if state == _BETWEEN else "submitting"
    return status if submits else _OF_A_SENSOR.get(status, status)


def has_begun(ti: Mapping[str, Any]) -> bool:
    """Return whether this try has begun for sure: until then the XComs of an earlier one still exist."""
    return ti.get("state") not in _BEFORE


def submits(task: Mapping[str, Any] | None) -> bool:
    """Return whether a task may start an operation, as far as Airflow's API shows it."""
    module = ((task or {}).get("class_ref") or {}).get("module_path") or ""
    return not str(module).startswith(f"{__name__.partition('.')[0]}.sensors.")


def is_ours(ti: Mapping[str, Any], task: Mapping[str, Any] | None) -> bool:
    """Return whether a task is one of this provider's, as far as Airflow's API shows it."""
    package = __name__.partition(".")[0]
    class_ref = (task or {}).get("class_ref") or {}
    names = (class_ref.get("module_path"), (ti.get("trigger") or {}).get("classpath"))
    return any(str(name or "").startswith(f"{package}.") for name in names) or _LINK in (
        (task or {}).get("extra_links") or ()
    )


def history_of(ti: Mapping[str, Any], record: object) -> WaitHistory | None:
    """Return the history of this try, ``None`` when nothing was recorded for it."""
    wait = read_record(record) if has_begun(ti) or ti.get("state") in _MAYBE_BEFORE else None
    return wait if wait is not None and wait.operations and wait.try_number == ti.get("try_number") else None


def error_of(ti: Mapping[str, Any], record: object) -> tuple[str | None, str | None]:
    """Return the error with which this try has failed before it knew an operation, and its class; ``None`` each."""
    wait = read_record(record)
    is_of_this_try = wait is not None and wait.try_number == ti.get("try_number")
    return (wait.error, wait.error_type) if wait is not None and is_of_this_try else (None, None)


def history_without_record(ti: Mapping[str, Any], operation_id: object, result: object) -> WaitHistory | None:
    """Return what is known from the ids and the result alone, where no progress could be recorded."""
    wait = WaitHistory("", str(_rendered(ti, "conn_id") or ""), int(ti.get("try_number") or 0), "unknown")
    results = result if isinstance(result, list) else [result]
    wait.omitted = max(0, len(results) - MOST_OPERATIONS)
    for found in (_operation_in(one) for one in results[:MOST_OPERATIONS]):
        if found is not None:
            wait.api = found.api
            history = wait.operation(found.id)
            history.operation, history.outcome = found, "settled"
            wait.is_over = True
    if not wait.operations and isinstance(operation_id, str) and operation_id:
        wait.operation(operation_id)
    return wait if wait.operations else None


def live_reference(ti: Mapping[str, Any], wait: WaitHistory, now: float, *, after: float) -> list[str]:
    """Return the operations that the page should read itself: few, open, and not recorded lately."""
    is_open = [name for name, history in wait.operations.items() if not history.is_settled]
    old = now - wait.written_at >= after
    return is_open if old and len(is_open) <= _FEW_TO_READ and bool(_rendered(ti, "conn_id")) else []


def connection_of(ti: Mapping[str, Any]) -> str | None:
    """Return the connection that the task itself was given.

    From its rendered fields, which cannot be edited; a record could be written by any user who may write XComs.
    """
    name = _rendered(ti, "conn_id")
    return name if isinstance(name, str) and name else None


def needs_link(wait: WaitHistory) -> bool:
    """Return whether Airflow's link of the task is the only one to the resource; it is known once that exists."""
    histories = list(wait.operations.values())
    operation = histories[0].operation if len(histories) == 1 else None
    return operation is not None and operation.state.is_terminal and web_address(operation.url) is None


def shown(
    ti: Mapping[str, Any],
    wait: WaitHistory,
    now: float,
    *,
    live: Mapping[str, Any] | None,
    link: str | None = None,
    stored: object = None,
) -> dict[str, Any]:
    """Return the page of a task instance whose operations are known.

    :param link: address of the resource, where Airflow knows it.
    :param stored: the handle in the task state store.
    """
    over = ti.get("state") in _OVER
    task_end = _time(ti.get("end_date")) if over and not wait.is_over else None
    ended_unrecorded = over and not wait.is_over
    if ended_unrecorded and _is_late(ti, wait):
        ended_unrecorded = False
        for history in wait.operations.values():
            history.outcome = history.outcome or (None if history.is_settled else "timeout")
    # a kill writes into the record after the last poll
    written_at = min(wait.written_at, task_end.timestamp()) if task_end else wait.written_at
    seen = Observation(over, written_at or None, live, task_end.timestamp() if task_end else None)
    known_at = float(live["at"]) if live and live.get("read") else wait.written_at
    settled = all(history.is_settled for history in wait.operations.values())
    state = ti.get("state")
    status = "over" if over else "between" if state == _BETWEEN else "settled" if settled else "waiting"
    if status == "settled" and state in _MAYBE_BEFORE | {"deferred"}:
        status = "resuming"
    operations = [operation_data(wait, history, status, now, seen) for history in wait.operations.values()]
    if len(operations) == 1:
        operations[0]["resource_url"] = web_address(link)
    return {
        "status": status,
        "now": now,
        "refresh": _refresh(ti, wait, now, live),
        "task": _task(ti),
        "wait": {
            "api": wait.api,
            "conn_id": connection_of(ti) or wait.conn_id,
            "told_by": wait.where,
            "where": {"deferred": "triggerer", "running": "worker"}.get(str(ti.get("state"))),
            "wait_for": wait.wait_for,
            "headline": headline_of_many(wait, operations, over=over)._asdict(),
            "deadline": wait.deadline,
            "told_at": wait.written_at or None,
            "is_over": wait.is_over or over,
            # how the wait ended was not recorded: the task was marked or cleared, or its worker was lost
            "ended_unrecorded": ended_unrecorded,
            "cause": cause_of_end(state) if ended_unrecorded else None,
            "on_kill": wait.on_kill,
            "left": what_is_left(ti, wait, stored, known_at, ended_unrecorded=ended_unrecorded),
            "omitted": wait.omitted,
        },
        "live": live,
        "operations": operations,
    }


def _refresh(ti: Mapping[str, Any], wait: WaitHistory, now: float, live: Mapping[str, Any] | None) -> float | None:
    """Return the seconds until the page asks again; ``None`` where it does not change any more."""
    if ti.get("state") not in _OVER or _may_hear_of_kill(ti, wait, now):
        return _LATER if len(wait.operations) > _MANY else _SOON
    # its one read of what the task no longer waits for has failed
    return _AFTER_FAILURE if live is not None and live.get("may_pass") else None


def _is_late(ti: Mapping[str, Any], wait: WaitHistory) -> bool:
    """Return whether a task that did not record its end has failed, or was skipped, after its deadline."""
    ended = _time(ti.get("end_date"))
    passed = wait.deadline is not None and ended is not None and ended.timestamp() >= wait.deadline
    return passed and ti.get("state") in ("failed", "skipped") and wait.aftermath is None


def _may_hear_of_kill(ti: Mapping[str, Any], wait: WaitHistory, now: float) -> bool:
    """Return whether a kill policy may still be under way: what it came to is recorded after the end of the task."""
    ended = _time(ti.get("end_date"))
    is_expected = not wait.is_over and wait.aftermath is None and wait.on_kill not in (None, "leave")
    return is_expected and ended is not None and now - ended.timestamp() < _KILL_SECONDS


def may_owe(ti: Mapping[str, Any]) -> bool:
    """Return whether no process works for the task instance that would carry out what an attempt owes."""
    return ti.get("state") in _OVER | {_BETWEEN}


def owed(stored: object, *, is_result_known: bool = False) -> str | None:
    """Return a sentence about the policy that an attempt had begun and not finished, from the stored handle.

    :param is_result_known: whether the attempt has recorded what came of it so far.
    """
    policy = owed_policy(stored)
    if policy is None or not isinstance(stored, Mapping):
        return None
    unfinished = (
        "and is not finished." if is_result_known else "and the process ended before it could store what came of it."
    )
    return (
        f"{policy} was begun for operation {stored.get('operation_id')}, {unfinished} The next attempt finishes it: "
        "clear the task, or check the resource yourself."
    )


def _task(ti: Mapping[str, Any]) -> dict[str, Any]:
    index = ti.get("map_index", -1)
    rendered = ti.get("rendered_map_index")
    label = str(ti.get("task_display_name") or ti.get("task_id"))
    started, ended = _time(ti.get("start_date")), _time(ti.get("end_date"))
    return {
        "label": label if index is None or index < 0 else f"{label} [{rendered or index}]",
        "state": ti.get("state"),
        "try_number": ti.get("try_number"),
        "tries": (ti.get("max_tries") or 0) + 1,
        "started_at": started.timestamp() if started else None,
        "ended_at": ended.timestamp() if ended else None,
    }


def _operation_in(result: object) -> Operation | None:
    data = result.get("operation", result) if isinstance(result, Mapping) else None
    try:
        return Operation.from_dict(data) if isinstance(data, Mapping) and "raw_state" in data else None
    except (KeyError, TypeError, ValueError):
        return None


def _rendered(ti: Mapping[str, Any], name: str) -> Any:
    fields = ti.get("rendered_fields")
    return fields.get(name) if isinstance(fields, Mapping) else None


def _time(text: object) -> datetime | None:
    # `fromisoformat` understands the trailing Z only from Python 3.11 on
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) and text else None
