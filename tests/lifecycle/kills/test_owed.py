"""Policies whose process died before they were carried out: the next attempt does it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from airflow_provider_ops.core.history import TRIES
from airflow_provider_ops.exceptions import OperationFailed, OpsError
from airflow_provider_ops.testing import fail_first, never_settles, operation_fails
from airflow_provider_ops.view.earlier import earlier_tries
from tests.lifecycle.kills.parts import OPERATORS, Deferred, Life, Taken


@pytest.mark.parametrize("api", OPERATORS)
@pytest.mark.parametrize("done", [False, True], ids=["before it was done", "before that was stored"])
def test_what_a_failed_operation_left_is_deleted_by_the_next_attempt(life: Life, api: str, done: bool) -> None:
    one = life.again(api)
    one.world.faults(operation_fails(n=1))
    if done:
        one.store.dies_at = 4
    else:
        # the intent, the operation, and what is owed
        one.store.dies_after = 3
    with pytest.raises(Taken):
        one.attempt(on_failure="delete", deferrable=False, timeout=4000.0)
    assert (one.store.handle["owes"], one.store.handle["owes_because"]) == ("delete", "failure")
    one.store.dies_at = one.store.dies_after = None
    one.attempt_until_deferred(on_failure="delete")
    first, second = one.created()
    assert first["id"] in one.ended_ids()
    assert second["id"] not in one.ended_ids()
    assert one.store.handle["generation"] == 2
    assert one.store.handle["owes"] is None


def test_what_on_failure_has_deleted_did_not_fail_because_of_that(life: Life) -> None:
    life.world.faults(operation_fails(n=1))
    with pytest.raises(OperationFailed):
        life.attempt(on_failure="delete", deferrable=False, timeout=4000.0)
    assert life.store.handle["removed"]
    assert not life.store.handle["end_requested"]


def test_what_a_timeout_owed_is_done_by_the_next_attempt_before_anything_else(life: Life) -> None:
    life.world.faults(never_settles())
    life.store.dies_after = 3
    with pytest.raises(Taken):
        life.attempt(on_timeout="delete", deferrable=False, timeout=5.0)
    assert life.ends() == []
    life.store.dies_after = None
    with pytest.raises((OpsError, Deferred)):
        life.attempt(on_timeout="delete", timeout=5.0)
    assert len(life.ends()) == 1
    assert life.store.handle["owes"] is None


def test_what_cannot_be_done_any_more_is_said(life: Life) -> None:
    life.world.faults(operation_fails(n=1))
    life.store.dies_after = 3
    with pytest.raises(Taken):
        life.attempt(on_failure="delete", deferrable=False, timeout=4000.0)
    life.store.dies_after = None
    life.world.faults(fail_first(999, status=409, method="DELETE"))
    life.attempt_until_deferred()
    left = life.created()[0]
    assert any(left["id"] in line and "still exists" in line for line in life.said)


@pytest.mark.parametrize("api", OPERATORS)
def test_what_a_kill_owed_is_done_after_a_clear(life: Life, api: str) -> None:
    """The process was gone after it had stored what it was about to do."""
    one = life.again(api)
    # virtual time may leap, and must find it running
    one.world.faults(never_settles())
    one.attempt_until_deferred()
    handle = one.store.handle
    one.store.put({**handle, "owes": "delete", "owes_because": "kill"})
    one.attempt_until_deferred()
    assert handle["resource_id"] in one.ended_ids()
    # closing a session of LakeSail is no operation
    assert len(one.ends()) == (0 if api == "lakesail" else 1)
    assert one.store.handle["generation"] == 2
    assert_noted_by_the_second_try(one, handle)


@pytest.mark.parametrize("api", OPERATORS)
def test_what_a_clear_ends_is_noted_in_the_entry_of_its_try(life: Life, api: str) -> None:
    one = life.again(api)
    one.world.faults(never_settles())
    one.attempt_until_deferred(on_kill="delete")
    handle = one.store.handle
    # no trigger was there to carry out the policy
    one.prepare(on_kill="delete")
    assert one.ti is not None
    one.ti.max_tries += 1
    with contextlib.suppress(Deferred):
        one.run()
    assert one.store.handle["generation"] == 2
    assert_noted_by_the_second_try(one, handle)


def assert_noted_by_the_second_try(life: Life, handle: Any) -> None:
    first, second = json.loads(life.store.data[TRIES])
    assert first["since"]["try_number"] == life.tries
    deletion = first["since"]["deletion"]
    assert deletion["resource"] == f"{handle['resource_type']} {handle['resource_id']}"
    assert "since" not in second
    (line,) = earlier_tries([first, second], [], life.tries)
    assert f"At the start of try {life.tries}: the deletion of " in line["after"]
