"""Clocks that differ: what a lost answer started is found, or the task stops and says why."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.testing import drop_answer, fail_first, list_lag
from tests.lifecycle.kills.parts import Deferred, Life, Taken

SKEWS = [180.0, -180.0, 86_400.0, -86_400.0]
NAMED: list[tuple[str, dict[str, Any]]] = [
    ("onvera", {}),
    ("onvera", {"name": "mine"}),
    ("nirvana", {}),
    ("lakesail", {}),
    ("akua", {}),
]


def step(life: Life, seconds: float) -> None:
    life.clock.step(seconds)


@pytest.fixture(autouse=True)
def _clock_as_before(life: Life) -> Any:
    before = life.clock.time() - life.clock.monotonic()
    yield
    life.clock.step(before - (life.clock.time() - life.clock.monotonic()))


def tried(life: Life, **more: Any) -> str:
    try:
        life.attempt(**more)
    except Deferred:
        return "deferred"
    except AmbiguousSubmission as error:
        return str(error)
    return "done"


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize(("api", "arguments"), NAMED)
def test_a_lost_answer_with_clocks_apart(life: Life, api: str, arguments: dict[str, Any], skew: float) -> None:
    one = life.again(api)
    step(one, skew)
    one.world.faults(drop_answer(api=api))
    came_to = tried(one, **arguments)
    assert len(one.created()) == 1, came_to
    assert came_to == "deferred", "one clock has measured the time since the request"


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize(("api", "arguments"), NAMED)
@pytest.mark.parametrize("between", [False, True], ids=["one clock", "another worker"])
def test_a_process_that_died_before_its_answer_with_clocks_apart(
    life: Life, api: str, arguments: dict[str, Any], skew: float, between: bool
) -> None:
    one = life.again(api)
    if not between:
        step(one, skew)
    one.store.dies_at = 2
    with pytest.raises(Taken):
        one.attempt(**arguments)
    one.store.dies_at = None
    if between:
        step(one, skew)
    came_to = tried(one, **arguments)
    assert len(one.created()) == 1, came_to
    assert came_to == "deferred" or one.created()[0]["operation_id"] in came_to


@pytest.mark.parametrize("skew", [0.0, 86_400.0])
def test_what_has_the_same_name_and_is_certainly_older_is_not_taken(life: Life, skew: float) -> None:
    from airflow_provider_ops.hooks.onvera import OnveraHook  # noqa: PLC0415

    OnveraHook(clock=life.clock).create_deployment("airflow", "mine")
    life.clock.advance(7000)
    step(life, skew)
    life.world.faults(fail_first(1, method="POST"))
    assert tried(life, name="mine") == "deferred"
    assert len(life.created()) == 2
    assert life.store.handle["operation_id"] == life.created()[1]["operation_id"]


@pytest.mark.parametrize("api", ["onvera", "nirvana"])
def test_a_refusal_that_our_own_earlier_request_explains_is_searched_again(life: Life, api: str) -> None:
    """The first request was carried out, the lists lag behind, and the second is refused for the name."""
    one = life.again(api)
    one.world.faults(
        drop_answer(api=api),
        list_lag(45, api=api),
        {"fault": "status", "status": 409, "method": "POST", "count": 1, "api": api},
    )
    came_to = tried(one)
    assert len(one.created()) == 1, came_to
    assert came_to == "deferred"


def test_a_refusal_of_the_first_request_is_a_refusal(life: Life) -> None:
    from airflow_provider_ops.exceptions import Conflict  # noqa: PLC0415

    life.world.faults(fail_first(1, status=409, method="POST"))
    with pytest.raises(Conflict):
        life.attempt()
    assert life.store.handle["refused"]
    with contextlib.suppress(Deferred):
        life.attempt()
    assert len(life.created()) == 1
