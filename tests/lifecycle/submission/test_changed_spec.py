"""A spec that changes while its operations are under way: ids stay valid, and the difference is said once."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import KEY, HandleStore
from airflow_provider_ops.lifecycle.submitter import Submitter
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import never_settles
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.attempts import attempt, identity_of
from tests.lifecycle.kills.parts import OPERATORS, Deferred, Life
from tests.lifecycle.submission.parts import StateStore
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

SPEC = JOBS.replace("budget: 5\n", "")
CHANGED = SPEC.replace("max: 10}", "max: 20}")


class Hook(OperationsApiHook):
    """A hook whose connection is not Airflow's."""

    base_url = ""

    def settings(self) -> Settings:
        return Settings(self.conn_id, self.base_url, "any-key")


class Task:
    """One task; every call of ``attempt`` is a new try."""

    def __init__(self, world: SimulatorServer) -> None:
        self.world = world
        self.store, self.warned, self.tries = StateStore(), list[str](), 0

    def attempt(self, text: str) -> Handle:
        self.tries += 1
        hook = Hook("jobs", api=DescribedApi(ApiSpec.from_yaml(text)))
        hook.base_url = self.world.base_url("jobs")
        submit = hook.api.request("POST", "/jobs", json={})
        identity = identity_of(submit, attempt(self.tries))
        store = HandleStore(self.store, self.warned.append)
        deadline = hook.clock.time() + 600
        made = Submitter(
            hook, submit, identity, store, deadline=deadline, log=lambda _: None, warn=self.warned.append
        ).run()
        hook.close()
        return made.handle


@pytest.fixture
def task(operations_simulator: SimulatorServer, virtual_time: VirtualClock) -> Task:
    operations_simulator.add(SPEC)
    return Task(operations_simulator)


def test_it_is_said_once_and_the_operation_is_adopted(task: Task) -> None:
    first = task.attempt(SPEC)
    assert first.spec == ApiSpec.from_yaml(SPEC).hash
    second = task.attempt(CHANGED)
    assert (second.operation_id, second.spec) == (first.operation_id, ApiSpec.from_yaml(CHANGED).hash)
    assert len(task.warned) == 1
    assert {first.spec or "", second.spec or ""} <= {word.strip("().:") for word in task.warned[0].split()}
    assert task.attempt(CHANGED).operation_id == first.operation_id
    assert len(task.warned) == 1


def test_the_same_spec_written_otherwise_is_no_change(task: Task) -> None:
    task.attempt(SPEC)
    task.attempt(
        f"# a comment\n{SPEC}".replace("poll: {delay: 2, min: 1, max: 10}", "poll: {max: 10, min: 1, delay: 2}")
    )
    assert task.warned == []


def test_a_handle_of_before_has_no_hash_and_nothing_is_said(task: Task) -> None:
    first = task.attempt(SPEC)
    stored = task.store.get(KEY)
    del stored["spec"]
    task.store.set(KEY, stored)
    assert task.attempt(SPEC).operation_id == first.operation_id
    assert task.warned == []


@pytest.fixture
def connect(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what gives the connection another spec."""
    operations_simulator.add(SPEC)

    def connect(text: str) -> None:
        known = json.loads(operations_simulator.connection_json("jobs", "any-key"))
        monkeypatch.setenv("AIRFLOW_CONN_JOBS", json.dumps({**known, "extra": {"api": text}}))

    return connect


LEGS = {
    "resumed": lambda attempt: attempt.resume({"status": "error", "error": "it died"}),
    "checked again": lambda attempt: attempt.recheck("of a test"),
    "retried without its request": lambda attempt: attempt.resume_previous(),
}


@pytest.mark.parametrize("leg", LEGS.values(), ids=LEGS)
def test_a_later_leg_says_it_once(
    operations_simulator: SimulatorServer,
    virtual_time: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    connect: Any,
    leg: Any,
) -> None:
    request = {"conn_id": "jobs", "method": "POST", "path": "/jobs", "json": {}, "deferrable": True}
    monkeypatch.setitem(OPERATORS, "jobs", (OperationRequestOperator, request))
    operations_simulator.faults(never_settles())
    life = Life(operations_simulator, virtual_time, "jobs", {"on_kill": "leave"})
    connect(SPEC)
    life.attempt_until_deferred()
    connect(CHANGED)
    for _ in range(2):
        # another process of the same try
        life.tries -= 1
        life.prepare()
        with suppress(Deferred):
            life.run(leg)
    before, now = (ApiSpec.from_yaml(text).hash for text in (SPEC, CHANGED))
    assert life.store.handle["spec"] == now
    assert sum(before in one for one in life.said) == 1


async def fire(trigger: OperationTrigger) -> None:
    assert len([event async for event in trigger.run()]) == 1


def test_a_trigger_says_it_when_it_starts(
    task: Task, connect: Any, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = task.attempt(SPEC)
    for text, count in ((SPEC, 0), (CHANGED, 1)):
        connect(text)
        trigger = OperationTrigger("jobs", [handle.operation_id or ""], handle=handle.to_dict())
        with capture_logs() as said:
            # each event loop looks the connection up once
            asyncio.run(fire(trigger))
        assert sum(str(handle.spec) in str(line) for line in said) == count


def test_an_api_of_this_package_has_none() -> None:
    # its spec changes with the release, and tests of that release say what stays valid
    assert ONVERA.spec_hash is None
