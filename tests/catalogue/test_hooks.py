"""Every spec of the catalogue: what it promises is kept, at the API that the simulator makes of it."""

from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ops import specs
from airflow_provider_ops.apis.described.submits import find_call
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.simulator.described.operations import SECRET
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import operation_fails
from tests.catalogue.parts import KEY, NAMES, specs_with, start

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer
    from tests.catalogue.parts import Hook

DOCS = Path(__file__).parents[2] / "docs"
#: Some APIs have no word for "cancelled".
ENDED = (OperationState.CANCELLED, OperationState.FAILED)


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_it_is_started_and_waited_for(hook: Hook, operations_simulator: SimulatorServer) -> None:
    started = start(hook)
    operation = hook.wait_for_operation(started.handle.operation_id or "")
    assert (operation.state, operation.api) == (OperationState.SUCCEEDED, hook.api.name)
    # in the answer it is, where the spec says so
    assert SECRET not in json.dumps([started.handle.to_dict(), operation.to_dict()])


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_failure_is_one(hook: Hook, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails("no room"))
    assert hook.wait_for_operation(start(hook).handle.operation_id or "").state is OperationState.FAILED


@pytest.mark.parametrize("hook", specs_with(lambda spec: spec.cancel), indirect=True)
def test_it_is_cancelled(hook: Hook) -> None:
    operation_id = start(hook).handle.operation_id or ""
    hook.cancel_operation(operation_id)
    assert hook.wait_for_operation(operation_id).state in ENDED


@pytest.mark.parametrize("hook", specs_with(lambda spec: spec.cancel), indirect=True)
def test_the_simulator_shows_what_was_cancelled(hook: Hook, operations_simulator: SimulatorServer) -> None:
    """Wherever the request names it: rules for one resource meet it, and the log has its id."""
    name, operation_id = hook.api.name, start(hook).handle.operation_id or ""
    (resource,) = operations_simulator.resources(name)
    operations_simulator.faults({"fault": "status", "status": 400, "api": name, "resource": resource["id"]})
    with pytest.raises(OpsError):
        hook.cancel_operation(operation_id)
    assert operations_simulator.requests(name)[-1]["resource_id"] == resource["id"]


@pytest.mark.parametrize("body", [b"[" * 2000 + b"]" * 2000, b"\xff"])
def test_a_request_that_cannot_be_read_is_shown_as_well(operations_simulator: SimulatorServer, body: bytes) -> None:
    operations_simulator.add(load("databricks"))
    url, headers = f"{operations_simulator.base_url('databricks')}/jobs/run-now", {"Authorization": f"Bearer {KEY}"}
    assert httpx.post(url, content=body, headers=headers).status_code == 400
    (seen,) = operations_simulator.requests("databricks")
    assert (seen["status"], seen["resource_id"]) == (400, None)


@pytest.mark.parametrize("hook", specs_with(lambda spec: spec.lists and spec.lists.open), indirect=True)
def test_lists_show_what_is_open(hook: Hook) -> None:
    ids = {start(hook).handle.operation_id for _ in range(3)}
    (listed,) = hook.api.open_operations()
    assert {listed.id_of(entry) for entry in hook.items(listed.entries)} == ids


@pytest.mark.parametrize("hook", specs_with(lambda spec: spec.lists and spec.lists.by_ids), indirect=True)
def test_several_are_read_by_their_ids(hook: Hook) -> None:
    ids = {start(hook).handle.operation_id or "" for _ in range(3)}
    call: Any = hook.api.get_operations(list(ids))
    assert set(hook.call(call)) == ids


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_kill_ends_it_or_says_that_it_continues(hook: Hook) -> None:
    handle = start(hook).handle
    ended = hook.run(terminate(hook.api, handle, "cancel"))
    if hook.api.can_cancel:
        assert ended.is_accepted
        assert hook.wait_for_operation(handle.operation_id or "").state in ENDED
    else:
        assert "continues remotely, because" in ended.text
        assert hook.wait_for_operation(handle.operation_id or "").state is OperationState.SUCCEEDED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
async def test_it_is_waited_for_on_an_event_loop(hook: Hook) -> None:
    operation_id = (await asyncio.to_thread(start, hook)).handle.operation_id or ""
    assert (await hook.await_operation(operation_id)).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_the_connection_can_be_tried(hook: Hook) -> None:
    if hook.api.spec.check is not None:
        assert hook.call(hook.api.check()).endswith(" gives HTTP 200")


def test_the_page_has_a_row_and_an_example_for_each() -> None:
    page = (DOCS / "reference" / "catalogue.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"| `{name}` |" in page, name
    examples = sorted((DOCS / "examples" / "catalogue").glob("*.py"))
    assert len(examples) == len(NAMES)
    for file in examples:
        assert file.read_text(encoding="utf-8") in page, file.name
        found = runpy.run_path(str(file))
        operators = [one for one in found.values() if isinstance(one, OperationRequestOperator)]
        spec = load(operators[0].conn_id.removesuffix("_default"))
        for one in operators:
            assert find_call(spec, str(one.method), str(one.path)), (one.method, one.path)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_has_no_mistake(name: str) -> None:
    file = Path(specs.__file__).parent / f"{name}.yaml"
    assert sum(not line.lstrip().startswith("#") for line in file.read_text().splitlines()) <= 40
    assert review(read_source(file)).spec.name == name


def test_the_simulator_gives_away_what_a_spec_calls_secret(operations_simulator: SimulatorServer) -> None:
    operations_simulator.add(load("hetzner"))
    url = f"{operations_simulator.base_url('hetzner')}/servers"
    answer = httpx.post(url, json={"name": "a"}, headers={"Authorization": f"Bearer {KEY}"}).json()
    # as its own client reads it
    assert answer["root_password"] == SECRET
    assert (answer["next_actions"], answer["action"]["status"], bool(answer["server"]["id"])) == ([], "running", True)
