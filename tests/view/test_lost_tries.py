"""What a try has recorded is shown of it in the next one, however it ended."""

from __future__ import annotations

import contextlib
import json

import pytest

from airflow_provider_ops.core.history import TRIES
from airflow_provider_ops.exceptions import AttemptStopped
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.testing import never_settles
from airflow_provider_ops.view.earlier import earlier_tries
from tests.lifecycle.conftest import _operator_world, hook, operator_clock, world
from tests.lifecycle.kills.conftest import life
from tests.lifecycle.kills.parts import Deferred, Interrupter, Life, Taken, sigterm_as_airflow

__all__ = ["_operator_world", "hook", "life", "operator_clock", "world"]


def die() -> None:
    """End the process as SIGKILL does."""
    raise Taken


def first_try(life: Life) -> str:
    """Return what the page of the current try shows of the first one, as the page puts it together."""
    assert life.ti is not None
    kept = json.loads(life.store.data[TRIES])
    allowed = [(number, life.ti.max_tries if number == life.tries else 9) for number in range(1, life.tries + 1)]
    tries = [{"try_number": number, "state": "failed", "max_tries": most} for number, most in allowed]
    shown = earlier_tries(kept, tries, life.tries, [life.store.handle["operation_id"]])[0]
    return f"{shown['before']}{shown['operation_id'] or ''}{shown['after']}"


@pytest.fixture
def endless(life: Life) -> Life:
    life.world.faults(never_settles())
    return life


def test_a_killed_worker(endless: Life) -> None:
    """Right before its task defers."""
    life = endless
    life.prepare()
    with Interrupter(die, when=life.entering("lifecycle/worker_reporter.paused")).tracing(), pytest.raises(Taken):
        life.run()
    life.attempt_until_deferred()
    operation_id = life.store.handle["operation_id"]
    line = first_try(life)
    assert line.startswith(f"its worker was lost; {operation_id}")
    assert line.endswith(" was adopted by try 2")
    assert "last seen" in line


def test_a_worker_that_is_killed_while_it_waits(endless: Life) -> None:
    life = endless
    life.prepare(deferrable=False)
    polls = iter(range(20))
    with (
        Interrupter(die, when=lambda frame: life.is_waiting(frame) and next(polls, None) is None).tracing(),
        pytest.raises(Taken),
    ):
        life.run()
    life.attempt_until_deferred()
    operation_id = life.store.handle["operation_id"]
    assert first_try(life) == f"its worker was lost; {operation_id}, last seen queued, was adopted by try 2"


def test_a_killed_triggerer(endless: Life) -> None:
    """The task is deferred again by another one, or its try fails: no worker had it."""
    life = endless
    life.attempt_until_deferred()
    life.attempt_until_deferred()
    operation_id = life.store.handle["operation_id"]
    assert first_try(life) == f"{operation_id}, last seen queued, was adopted by try 2"


@pytest.mark.parametrize("policy", ["leave", "delete"])
def test_a_clear(endless: Life, policy: str) -> None:
    life = endless
    life.prepare(deferrable=False, on_kill=policy)
    with sigterm_as_airflow(life) as send, Interrupter(lambda: send("restarting"), when=life.is_waiting).tracing():
        with pytest.raises(AttemptStopped):
            life.run(TaskAttempt.start)
    operation_id = life.store.handle["operation_id"]
    life.prepare(on_kill=policy)
    assert life.ti is not None
    life.ti.max_tries += 1
    with contextlib.suppress(Deferred):
        life.run()
    line = first_try(life)
    assert line.startswith(operation_id)
    assert f"The task was cleared while it ran. on_kill={policy}: " in line
