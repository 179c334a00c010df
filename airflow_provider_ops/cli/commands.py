"""``airflow operations check | list | show | wait | cancel``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_ops.cli.connections import default_connections, one_hook
from airflow_provider_ops.cli.output import Exit, age, audited, command, echo
from airflow_provider_ops.cli.output import show as show_rows
from airflow_provider_ops.cli.progress import WaitProgress
from airflow_provider_ops.core.changes import ended_as
from airflow_provider_ops.core.event_codec import succeeded
from airflow_provider_ops.core.wait_state import Settled, TimedOut, Unobservable, WaitState
from airflow_provider_ops.core.wording import still_running
from airflow_provider_ops.exceptions import (
    CancelNotSupported,
    Conflict,
    InvalidRequest,
    NotFound,
    OpsError,
    reworded,
)
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.polling.waits import poll_until_done as wait_for

#: Operations that a list is read for; beyond these, filters and order are about what was read.
_MOST_READ = 10_000
#: What a table shows; JSON and YAML have all there is.
_WAIT_COLUMNS = ("id", "outcome", "last_state", "resource_id", "error")
_LIST_COLUMNS = ("id", "kind", "state", "resource_id", "age", "progress")


@command
def check(args: Any) -> Exit:
    """Test connections."""
    rows = [_checked(conn_id) for conn_id in dict.fromkeys(args.conn_id or default_connections())]
    show_rows(rows, args.output)
    return Exit.OK if all(row["works"] for row in rows) else Exit.NO


def _checked(conn_id: str) -> dict[str, Any]:
    try:
        works, said = hook_for(conn_id).test_connection()
    except OpsError as error:
        works, said = False, str(error)
    return {"conn_id": conn_id, "works": works, "message": said}


@command
def list_operations(args: Any) -> Exit:
    """Print operations, newest first."""
    hook = one_hook(args.conn_id)
    if not hook.api.lists_operations:
        echo(f"{hook.api.title} has no call that lists operations: `show` takes an id.")
        return Exit.TROUBLE
    read = list(itertools.islice(_listed(hook, args.state), _MOST_READ))
    if len(read) == _MOST_READ:
        echo(f"Only the first {_MOST_READ} operations that {hook.api.title} lists were read.")
    chosen = [one for one in read if _fits(one, args.state, args.kind)]
    chosen.sort(key=lambda one: one.created_at.timestamp() if one.created_at else 0.0, reverse=True)
    show_rows([_row(one, hook.clock.time()) for one in chosen[: args.limit]], args.output, _LIST_COLUMNS)
    if len(chosen) > args.limit:
        echo(f"{len(chosen) - args.limit} more; --limit shows them.")
    if _lists_only_open(hook) and _wants_ended(args.state) and not any(one.state.is_terminal for one in read):
        echo(f"What has ended is not listed: the spec of {hook.api.title} has no `lists.recent`.")
    return Exit.OK


def _listed(hook: OperationsHook, states: Sequence[str] | None) -> Iterator[Operation]:
    """Yield operations, from the shorter lists of open ones where only such are wanted."""
    if _wants_ended(states):
        yield from hook.items(hook.api.list_operations())
        return
    seen: set[str] = set()
    for listed in hook.api.open_operations():
        for entry in hook.items(listed.entries):
            if (name := listed.id_of(entry)) not in seen:
                seen.add(name)
                yield listed.show(entry)


def _wants_ended(states: Sequence[str] | None) -> bool:
    return not states or any(OperationState(state).is_terminal for state in states)


def _lists_only_open(hook: OperationsHook) -> bool:
    """Return whether a spec names no list of what has ended."""
    return hook.api.spec_hash is not None and not hook.api.recent_operations()


def _fits(operation: Operation, states: Sequence[str] | None, kind: str | None) -> bool:
    return (not states or operation.state.value in states) and operation.kind.startswith(kind or "")


def _row(operation: Operation, now: float) -> dict[str, Any]:
    data = operation.to_dict()
    progress = ended_as(operation) if operation.state.is_terminal else str(operation.progress or "") or None
    error = str(operation.error) if operation.error else None
    return {**data, "progress": progress, "error": error, "age": age(operation.created_at, now)}


@command
def show(args: Any) -> Exit:
    """Print all that is known of an operation."""
    hook = one_hook(args.conn_id)
    operation = _explained(hook, _known(hook, args.operation_id))
    facts = {**_row(operation, hook.clock.time()), "url": operation.url or _link(hook, operation)}
    if operation.state.is_terminal:
        # rows of their own say how it ended
        del facts["progress"]
    events = _history(operation)
    if args.output in ("json", "yaml"):
        show_rows([{**operation.to_dict(), "url": facts["url"], "timeline": events}], args.output)
        return Exit.OK
    show_rows([{"fact": name, "value": value} for name, value in facts.items() if value is not None], args.output)
    if events:
        show_rows(events, args.output)
    return Exit.OK


def _known(hook: OperationsHook, operation_id: str) -> Operation:
    try:
        return hook.get_operation(hook.api.validate_operation_id(operation_id))
    except NotFound as error:
        shown = (
            "`list` shows those"
            if hook.api.lists_operations
            else f"{hook.api.title} lists none, so take it from the log or the XComs of the task that started it"
        )
        advice = f"{error.advice} The id of a resource is not that of its operation; {shown}."
        raise reworded(error, f"there is no operation {operation_id} ({error.what})", advice=advice) from None


def _explained(hook: OperationsHook, operation: Operation) -> Operation:
    try:
        return hook.run(hook.api.explain_failure(operation))
    except OpsError as error:
        echo(f"The reason could not be read: {error}")
        return operation


def _link(hook: OperationsHook, operation: Operation) -> str | None:
    """Return the address of the resource it acted on; a resource that cannot be read must not hide the operation."""
    try:
        resource = hook.run(hook.api.read_resource(operation))
    except OpsError:
        return None
    return hook.api.resource_url(resource) if resource else None


def _history(operation: Operation) -> list[dict[str, Any]]:
    """Return the events of an operation, oldest first: its own times and those of its steps."""
    events: list[tuple[datetime | None, str]] = [
        (operation.created_at, "created"),
        (operation.started_at, "started"),
        *_steps(operation),
    ]
    if operation.state.is_terminal:
        events.append((operation.ended_at, operation.raw_state))
    timed = sorted(((at, what) for at, what in events if at is not None), key=lambda event: event[0])
    return [{"at": at.isoformat(), "what": what} for at, what in timed]


def _steps(operation: Operation) -> Iterable[tuple[datetime | None, str]]:
    for step in operation.progress.steps if operation.progress else ():
        yield step.started_at, f"step {step.name}: started"
        message = f" ({step.message})" if step.message else ""
        yield step.ended_at, f"step {step.name}: {step.state}{message}"


@command
def wait(args: Any) -> Exit:
    """Wait until operations settle."""
    hook = one_hook(args.conn_id)
    known = {operation_id: _known(hook, operation_id) for operation_id in args.operation_ids}
    # the kind decides the default timeout
    states = [_start_wait(hook, operation_id, operation.kind, args) for operation_id, operation in known.items()]
    try:
        with WaitProgress(states) as progress:
            for state in states:
                for line in state.on_result(known[state.operation_id], hook.clock.time()):
                    progress.show(f"{state.operation_id}: {line}")
            # no long polls: a person at the terminal wants to see the steps
            wait_for(hook.get_conn(), states, progress.show, args.wait_for, hold=False)
    except KeyboardInterrupt:
        echo(_still_going(hook, states))
        return Exit.INTERRUPTED
    show_rows([_waited(hook, state) for state in states], args.output, _WAIT_COLUMNS)
    for state in states:
        if isinstance(state.outcome, TimedOut):
            echo(f"{state.operation_id} did not settle in time. {still_running(state.outcome.operation)}")
    return _verdict(states, args.wait_for)


def _start_wait(hook: OperationsHook, operation_id: str, kind: str, args: Any) -> WaitState:
    return hook.wait_state(operation_id, timeout=args.timeout, poll_interval=args.poll_interval or None, kind=kind)


def _still_going(hook: OperationsHook, states: Sequence[WaitState]) -> str:
    going = [state.operation_id for state in states if state.outcome is None]
    again = f"airflow operations wait --conn-id {hook.conn_id} {' '.join(going)}"
    return f"Stopped waiting, nothing was cancelled: {', '.join(going)} may still be running. To wait again: {again}"


def _waited(hook: OperationsHook, state: WaitState) -> dict[str, Any]:
    match state.outcome:
        case Settled(operation):
            operation = _explained(hook, operation)
            return {
                **_outcome(state, operation.state.value),
                "error": str(operation.error) if operation.error else None,
            }
        case Unobservable(_, error):
            return {**_outcome(state, "unknown"), "error": f"cannot be read: {error}"}
        case None:
            return {**_outcome(state, "not waited for any more"), "error": None}
        case late:
            return {**_outcome(state, "timeout"), "error": str(late.error) if late.error else None}


def _outcome(state: WaitState, outcome: str) -> dict[str, Any]:
    last = state.operation
    ids = {"id": state.operation_id, "outcome": outcome, "last_state": last.raw_state if last else None}
    return {**ids, "resource_type": last.resource_type, "resource_id": last.resource_id} if last else ids


def _verdict(states: Sequence[WaitState], how: str) -> Exit:
    outcomes = [state.outcome for state in states]
    good = [succeeded(outcome) for outcome in outcomes]
    if all(good) or (how == "any" and any(good)):
        return Exit.OK
    if any(isinstance(outcome, Settled) and not succeeded(outcome) for outcome in outcomes):
        return Exit.NO
    return Exit.TROUBLE if any(isinstance(outcome, Unobservable) for outcome in outcomes) else Exit.TIMEOUT


@audited
def cancel(args: Any) -> Exit:
    """Ask the API to cancel an operation."""
    hook = one_hook(args.conn_id)
    before = _known(hook, args.operation_id)
    name = f"{hook.api.title} operation {before.id} ({', '.join(filter(None, (before.kind, before.raw_state)))})"
    if before.state.is_terminal:
        echo(f"{name} is over already: there is nothing to cancel.")
        return Exit.NO
    try:
        operation = hook.cancel_operation(args.operation_id)
    except CancelNotSupported as error:
        echo(f"{error} Nothing was changed.")
        return Exit.NO
    except (Conflict, InvalidRequest) as error:
        echo(f"{hook.api.title} refused to cancel {name}, which {_since(hook, before.id)}: {error}")
        return Exit.NO
    show_rows([_row(operation, hook.clock.time())], args.output, _LIST_COLUMNS)
    if not operation.state.is_terminal:
        echo(f"{hook.api.title} was asked to cancel it, which may take a while: `wait` shows how it ends.")
    return Exit.OK


def _since(hook: OperationsHook, operation_id: str) -> str:
    """Return what became of an operation whose cancel was refused."""
    try:
        after = hook.get_operation(operation_id)
    except OpsError:
        return "may have ended meanwhile"
    return f"has ended meanwhile ({after.raw_state})" if after.state.is_terminal else "still runs"
