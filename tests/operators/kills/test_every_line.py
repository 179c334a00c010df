"""SIGTERM right before any line of an attempt: the policy is carried out, or a sentence names what continues."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ops.operators.run import Run
from tests.operators.kills.parts import OPERATORS, Deferred, Interrupter, Life, outcome, settle_threads, sigterm_as_airflow

#: Lines of each case; ``pytest -m every_line`` takes all of them.
_SAMPLES = 12


def _submit(life: Life) -> Callable[[Run], Any]:
    life.prepare()
    return Run.begin


CASES: dict[str, Callable[[Life], Callable[[Run], Any]]] = {"submit": _submit}


@pytest.mark.parametrize("api", OPERATORS)
@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_any_line(life: Life, api: str, case: str) -> None:
    lines = _lines_of(life, api, case)
    assert lines > 100
    draw = random.Random(f"{api} {case}")
    for at in sorted(draw.sample(range(1, lines + 1), _SAMPLES)):
        _kill_at(life, api, case, at)


def _fresh(life: Life, api: str) -> Life:
    life.world.reset()
    return Life(life.world, life.clock, api)


def _lines_of(life: Life, api: str, case: str) -> int:
    one = _fresh(life, api)
    leg = CASES[case](one)
    with Interrupter().tracing() as counted:
        outcome(one, leg)
    return counted.lines


def _kill_at(life: Life, api: str, case: str, at: int) -> None:
    one = _fresh(life, api)
    leg = CASES[case](one)
    with sigterm_as_airflow(one) as send, Interrupter(send, at).tracing() as place:
        text = outcome(one, leg)
    settle_threads()
    where = f"{api} {case} line {at} {place.place}: {text} {one.said}"
    assert len(one.created()) <= 1, where
    for resource in one.continues():
        assert one.names(resource, text), where
    print(at, place.place, text[:230], len(one.created()), len(one.continues()))
