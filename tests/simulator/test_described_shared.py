"""One address that several parts of a spec read: its answer satisfies them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.testing import drop_answer, reset_connection
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: The job is the operation: one list shows what is open, what has ended, and the key.
ONE_LIST = """\
name: jobs
base_url: https://api.example.com
check: GET /jobs
submit: {operation_id: $response.body#/id}
calls:
  - request: POST /jobs
    kind: job.run
    mark: {in: body, name: /ref}
    find: {request: GET /jobs, entries: /jobs, match: /ref, operation_id: /id}
operation:
  get: GET /jobs/{operation_id}
  id: /id
  status: /status
  states: {running: active, succeeded: success, failed: error}
lists: {entries: /jobs, order: newest, open: GET /jobs, recent: GET /jobs}
paging: {type: offset, limit: 3}
"""


@pytest.fixture
def connect(operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*edits: tuple[str, str]) -> OperationsHook:
        text = ONE_LIST
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        name = operations_simulator.add(text)
        monkeypatch.setenv("AIRFLOW_CONN_JOBS", operations_simulator.connection_json(name))
        return hook_for("jobs")

    return make


def start(hook: OperationsHook, number: int = 1) -> SubmitResult:
    submit = hook.api.request("POST", "/jobs", json={"number": number})
    store, identity = HandleStore(StateStore(), lambda _: None, "here"), identity_of(submit, attempt())
    deadline = hook.clock.time() + 3600
    return Submitter(hook, submit, identity, store, deadline=deadline, log=lambda _: None).run()


SHARED: dict[str, tuple[tuple[str, str], ...]] = {
    "open, recent, find and check": (),
    "open and find": ((", recent: GET /jobs", ""), ("check: GET /jobs\n", "")),
    "a key among others": (("match: /ref", "match: /tags"), ("name: /ref", "name: /tags/-")),
    "a key in a map": (("match: /ref", "match: /labels/ref"), ("name: /ref", "name: /labels/ref")),
    "a list that is the answer": (
        ("/jobs, match", "$response.body#, match"),
        ("{entries: /jobs", "{entries: $response.body#"),
    ),
    "two places of one list": (("entries: /jobs, match", "entries: /items, match"),),
}


@pytest.mark.parametrize("fault", [drop_answer, reset_connection])
@pytest.mark.parametrize("name", SHARED)
def test_a_lost_answer_starts_one_job(
    connect: Any, operations_simulator: SimulatorServer, name: str, fault: Any
) -> None:
    hook = connect(*SHARED[name])
    # of somebody else, without a key
    hook.request("POST", "/jobs", json={})
    operations_simulator.faults(fault(method="POST"))
    started = start(hook)
    assert started.adopted is (fault is drop_answer)
    assert operations_simulator.stats()["by_api"]["jobs"]["created"] == 2
    assert hook.wait_for_operation(started.handle.operation_id or "").state == "succeeded"


def test_a_list_of_open_and_of_ended_operations_shows_all_in_their_order(connect: Any) -> None:
    hook = connect()
    names = [start(hook, number).handle.operation_id for number in range(4)]
    hook.wait_for_operation(names[1])
    last = hook.request("POST", "/jobs", json={})["id"]
    assert [one.id for one in hook.items(hook.api.list_operations())] == [last, *names[::-1]]


def test_a_list_goes_before_a_check(connect: Any) -> None:
    hook = connect()
    assert hook.test_connection()[0]
    assert hook.request("GET", "/jobs") == {"jobs": []}
