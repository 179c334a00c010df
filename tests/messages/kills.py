"""Rows: a task that is asked to stop, and an attempt that Airflow has replaced."""

from __future__ import annotations

import os
from typing import Any

from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from tests.lifecycle.kills.parts import Interrupter, Life, sigterm_as_airflow
from tests.messages.table import Area

KILLS = Area(
    "The task is stopped",
    "`AttemptStopped` ends a try whose task was killed, or whose worker is going away; its message says what became of "
    "the operation. `Superseded` ends a try that Airflow has replaced: it changes nothing more.",
)
ENDLESS = {"fault": "endless"}


def _life(s: Any, api: str = "onvera") -> Life:
    for kind in s.world.apis:
        s.connection(f"{kind}_default")
    s.world.faults(ENDLESS)
    return Life(s.world, s.clock, api)


def _begun(s: Any, life: Life) -> object:
    return s.as_task(life.operator.hook, lambda: life.run(TaskAttempt.start))


def _killed(
    s: Any,
    *rules: dict[str, Any],
    api: str = "onvera",
    state: str = "failed",
    is_airflow_away: bool = False,
    **arguments: Any,
) -> object:
    """Ask a worker to stop while it waits, from when on the API answers as the rules say."""
    life = _life(s, api)
    life.prepare(deferrable=False, **arguments)
    with sigterm_as_airflow(life) as send:

        def act() -> None:
            s.world.faults(ENDLESS, *rules)
            _set(life, breaks=is_airflow_away)
            send(state)

        with Interrupter(act, when=life.is_waiting).tracing():
            return _begun(s, life)


def _refused(status: int) -> dict[str, Any]:
    return {"fault": "status", "status": status, "method": "DELETE", "message": "a backup is running"}


KILLS.add(
    {
        "Someone marked the task failed, with `on_kill=delete`": lambda s: _killed(s, on_kill="delete"),
        "Someone marked the task failed, with `on_kill=cancel`": lambda s: _killed(s, api="akua", on_kill="cancel"),
        "Someone marked the task failed, with `on_kill=leave`": lambda s: _killed(s, on_kill="leave"),
        "The worker goes away, and the task does not": lambda s: _killed(s, state="running", on_kill="delete"),
    }
)


@KILLS.row(
    "The API refuses the deletion for as long as a kill may take",
    "Clear the task: its next try deletes it before anything else. `airflow operations sweep` finds it too.",
)
def _still_there(s: Any) -> object:
    return _killed(s, _refused(409), on_kill="delete")


@KILLS.row("Airflow cannot be asked whether the task is over")
def _airflow_away(s: Any) -> object:
    return _killed(s, is_airflow_away=True, on_kill="delete")


def _stood_still(s: Any, change: Any) -> object:
    """Let the process stand still for 400 s right before its request."""
    life = _life(s)
    life.prepare()

    def act() -> None:
        change(life)
        life.clock.advance(400)

    with Interrupter(act, when=life.entering("sender.send_first")).tracing():
        return _begun(s, life)


def _set(life: Life, **attributes: Any) -> None:
    for name, value in attributes.items():
        setattr(life.ti, name, value)


KILLS.add(
    {
        "Another try of the task began while this one stood still": lambda s: _stood_still(
            s, lambda life: setattr(life.store, "current", "another")
        ),
        "The task was marked failed while this try stood still": lambda s: _stood_still(
            s, lambda life: _set(life, state="failed")
        ),
        "Airflow cannot be asked whether this is still the current try": lambda s: _stood_still(
            s, lambda life: _set(life, breaks=True)
        ),
    }
)


@KILLS.row("The supervisor of the task's process has died")
def _alone(s: Any) -> object:
    life = _life(s)
    s.patch.setattr("airflow_provider_ops.http.portal_call._CHECKED_EVERY", 0.01)
    life.prepare(deferrable=False)
    with Interrupter(lambda: s.patch.setattr(os, "getppid", lambda: -1), when=life.is_waiting).tracing():
        return _begun(s, life)
