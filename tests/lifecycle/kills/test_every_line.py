"""SIGTERM right before any line of an attempt: the policy is carried out, or a sentence names what continues."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ops.lifecycle import worker_kill as killing
from airflow_provider_ops.lifecycle.attempt import TaskAttempt
from airflow_provider_ops.testing import drop_answer, operation_fails
from tests.lifecycle.kills.parts import (
    OPERATORS,
    Interrupter,
    Life,
    Taken,
    outcome,
    settle_threads,
    sigterm_as_airflow,
)

Leg = Callable[[TaskAttempt], Any]

#: Lines of each case. EVERY_LINE=1 takes them all, which lasts hours; EVERY_LINE=471,950-960 takes these.
_SAMPLES = 10
_CHOSEN = os.environ.get("EVERY_LINE", "")
#: Seconds more than a worker has: how much the machine gets done within its 4.3 is not what is tested here.
_MORE_SECONDS = 120.0
#: Where the steps of an attempt are.
_STEPS = ("/operators/", "/lifecycle/", "/http/portal", "/http/blocking_client.py", "/hooks/")


def _submit(life: Life) -> Leg:
    life.prepare()
    return TaskAttempt.start


def _adopt(life: Life) -> Leg:
    outcome(life, _submit(life))
    life.prepare()
    return TaskAttempt.start


def _reconcile(life: Life) -> Leg:
    """The attempt before has sent its request, and died before it could store the answer."""
    life.store.dies_at = 2
    with pytest.raises(Taken):
        life.attempt()
    life.store.dies_at = None
    life.prepare()
    return TaskAttempt.start


def _lost_answer(life: Life) -> Leg:
    life.prepare()
    life.world.faults(drop_answer())
    return TaskAttempt.start


def _resume(life: Life) -> Leg:
    """The trigger has said nothing of use, so the worker looks and defers again."""
    outcome(life, _submit(life))
    return lambda run: run.resume({"status": "error"})


def _timeout(life: Life) -> Leg:
    life.prepare(on_timeout="delete", timeout=1.0, deferrable=False)
    return TaskAttempt.start


def _failure(life: Life) -> Leg:
    life.world.faults(operation_fails(n=1))
    life.prepare(on_failure="delete", deferrable=False, timeout=4000.0)
    return TaskAttempt.start


CASES: dict[str, Callable[[Life], Leg]] = {
    "submit": _submit,
    "adopt": _adopt,
    "reconcile": _reconcile,
    "lost answer": _lost_answer,
    "resume": _resume,
    "timeout": _timeout,
    "failure": _failure,
}


@pytest.fixture
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a kill the time it takes; the pauses between its requests stay as short as they are."""
    for name in ("_KILL_SECONDS", "_LAST_ANSWER", "_QUESTION", "_STORING"):
        monkeypatch.setattr(killing, name, getattr(killing, name) + _MORE_SECONDS)


@pytest.mark.timeout(0 if _CHOSEN else 120)
@pytest.mark.usefixtures("_unhurried")
@pytest.mark.parametrize("api", OPERATORS)
@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_any_line(life: Life, api: str, case: str) -> None:
    for at in _lines_of(life, api, case):
        _kill_at(life, api, case, at)


def _lines_of(life: Life, api: str, case: str) -> list[int]:
    one = life.again(api)
    leg = CASES[case](one)
    with Interrupter().tracing() as counted:
        outcome(one, leg)
    assert counted.lines > 100
    if _CHOSEN:
        return _chosen(counted.lines)
    draw = random.Random(f"{api} {case}")
    places = sorted(place for place in counted.reached if place.startswith(_STEPS))
    return sorted(draw.choice(counted.reached[place]) for place in draw.sample(places, min(_SAMPLES, len(places))))


def _chosen(lines: int) -> list[int]:
    if _CHOSEN == "1":
        return list(range(1, lines + 1))
    ends = [part.partition("-") for part in _CHOSEN.split(",")]
    return [at for first, _, last in ends for at in range(int(first), int(last or first) + 1)]


def _kill_at(life: Life, api: str, case: str, at: int) -> None:
    one = life.again(api)
    leg = CASES[case](one)
    with sigterm_as_airflow(one) as send, Interrupter(send, at).tracing() as interrupted:
        text = outcome(one, leg)
    settle_threads()
    where = f"{api}, {case}, line {at} ({interrupted.place}): {text!r}; log: {one.said}"
    assert len(one.created()) <= 1, where
    for resource in one.continues():
        assert one.names(resource, text), where
        # what Akua still makes cannot be deleted at once, what has failed stays, and what was deferred is the trigger's
        assert api == "akua" or "nothing is cancelled or deleted here" in text or not interrupted.place, where
