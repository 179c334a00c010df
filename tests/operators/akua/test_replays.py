"""An API that knows a key answers with what the key got before: that is no answer to a new request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.apis.window import Dated, date_of
from airflow_provider_ops.exceptions import AmbiguousSubmission, OpsError
from airflow_provider_ops.lifecycle.handle_store import KEY, HandleStore
from airflow_provider_ops.lifecycle.replays import began_before, is_of_another_key
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators import akua as operators

if TYPE_CHECKING:
    from airflow_provider_ops.apis.submits import SubmitCall
    from airflow_provider_ops.hooks.akua import AkuaHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.attempts import RUN, attempt, identity_of
from tests.operators.akua.parts import DURATION, Memory, created

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def cluster() -> SubmitCall:
    return operators.AkuaCreateClusterOperator(task_id="t", name="c", region_id="reg_eu").submit()


def ensure(hook: AkuaHook, store: Memory, nonce: str, try_number: int = 1) -> SubmitResult:
    """One try of a task whose key is one that may have been used before."""
    submit = cluster()
    identity = identity_of(submit, attempt(try_number), run=RUN, derived_nonce=lambda _: nonce)
    handles = HandleStore(store, print)
    return Submitter(hook, submit, identity, handles, deadline=hook.clock.time() + 900, log=print).run()


def test_an_old_answer_to_a_new_request_is_recognised(
    hook: AkuaHook, server: SimulatorServer, clock: VirtualClock
) -> None:
    """Whatever issued the key twice: the operation had ended before it was asked for, by the clock of the API."""
    first = ensure(hook, Memory(), "a" * 10).handle
    clock.advance(DURATION + 3600)
    store = Memory()
    with pytest.raises(AmbiguousSubmission, match=f"{first.operation_id}.*old answer given again"):
        ensure(hook, store, "a" * 10)
    assert store[KEY]["refused"]
    again = ensure(hook, store, "b" * 10, try_number=2)
    assert again.handle.operation_id != first.operation_id
    assert len(created(server, "cluster")) == 2


def test_an_answer_that_is_late_is_no_old_one(hook: AkuaHook, server: SimulatorServer, clock: VirtualClock) -> None:
    """The request is sent again with its key after an answer was lost."""
    server.faults({"fault": "accept_then_drop", "method": "POST", "count": 2})
    ensure(hook, Memory(), "a" * 10)
    assert len(created(server, "cluster")) == 1


def test_a_retry_is_answered_with_what_its_key_has_got(
    hook: AkuaHook, server: SimulatorServer, clock: VirtualClock
) -> None:
    store = Memory()
    first = ensure(hook, store, "a" * 10)
    store[KEY] = {**store[KEY], "operation_id": None, "operations": []}
    clock.advance(DURATION + 3600)
    again = ensure(hook, store, "b" * 10, try_number=2)
    assert again.handle.operation_id == first.handle.operation_id
    assert len(created(server, "cluster")) == 1


def test_an_old_operation_that_still_runs_may_be_of_another_clock_and_is_waited_for(
    hook: AkuaHook, server: SimulatorServer, clock: VirtualClock
) -> None:
    server.faults({"fault": "endless", "kind": "cluster.create"})
    first = ensure(hook, Memory(), "a" * 10).handle
    clock.advance(3600)
    assert ensure(hook, Memory(), "a" * 10).handle.operation_id == first.operation_id


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 600)), min_size=1, max_size=6))
def test_no_task_run_takes_what_ended_before_it_for_its_own(
    hook: AkuaHook, server: SimulatorServer, clock: VirtualClock, keys: list[tuple[str, int]]
) -> None:
    server.reset()
    for letter, gap in keys:
        began = clock.time()
        try:
            started = ensure(hook, Memory(), letter * 10)
        except OpsError:
            continue
        operation = hook.get_operation(started.handle.operation_id or "")
        assert operation.ended_at is None or operation.ended_at.timestamp() >= began - 60
        clock.advance(gap)


def submitted(created_at: datetime | None, key: str | None = None) -> Submitted:
    operation = Operation("op_1", "akua", "cluster.create", OperationState.PENDING, "PENDING", created_at=created_at)
    return Submitted("op_1", "cluster.create", operation=operation, key=key)


@pytest.mark.parametrize(
    ("age", "seconds", "is_old"),
    [(30, 0, False), (90, 0, True), (90, 60, False), (-3600, 0, False), (7200, 3600, True)],
)
def test_age_is_counted_by_the_clock_of_the_api(age: int, seconds: float, is_old: bool) -> None:
    operation = submitted(NOON - timedelta(seconds=age)).operation
    assert began_before(operation, NOON, seconds) is is_old


def test_without_a_clock_of_the_api_nothing_is_old() -> None:
    old = submitted(NOON - timedelta(days=1)).operation
    assert not began_before(old, None, 0)
    assert not began_before(None, NOON, 0)
    assert not began_before(submitted(None).operation, NOON, 0)


@pytest.mark.parametrize(("told", "is_another"), [(None, False), ("mine", False), ("theirs", True)])
def test_an_answer_that_names_another_key(told: str | None, is_another: bool) -> None:
    assert is_of_another_key(submitted(NOON, told), "mine") is is_another


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 99999999999 00:00:00 GMT", "0", "\x00"])
def test_a_date_that_cannot_be_read_is_none(date: str) -> None:
    assert date_of(Response(200, {"date": date}, b"")) is None
    assert date_of(Response(200, {}, b"")) is None


def test_the_date_of_the_last_answer_counts() -> None:
    dated = Dated()
    parse = dated.noting(lambda response: response.status)
    assert parse(Response(202, {"date": "Fri, 01 May 2026 12:00:00 GMT"}, b"")) == 202
    assert dated.at == NOON
    assert replace(dated).at == NOON
