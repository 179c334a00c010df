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
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.described.submits import find_call
from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.simulator.described.operations import SECRET
from airflow_provider_ops.spec.auth import ClientCredentials
from airflow_provider_ops.spec.promises import exactly_once, review
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.source import read_source
from airflow_provider_ops.specs import load, names
from airflow_provider_ops.testing import drop_answer, operation_fails
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore

if TYPE_CHECKING:
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: Onvera has a simulator of its own, and its tests.
NAMES = [name for name in names() if name != "onvera"]
KEY = "any-key"
DOCS = Path(__file__).parents[2] / "docs"
#: Some APIs have no word for "cancelled".
ENDED = (OperationState.CANCELLED, OperationState.FAILED)


class Hook(OperationsApiHook):
    """A hook whose connection is not Airflow's."""

    base_url = ""

    def settings(self) -> Settings:
        return Settings(self.conn_id, self.base_url, KEY, login="me")

    async def _asettings(self) -> Settings:
        return self.settings()


def described(spec: ApiSpec) -> DescribedApi:
    """Return the API with a value for each variable, by the first way to log in that needs no other machine."""
    variables = {name: one.default or "x1" for name, one in spec.variables.items()}
    far = [one for one in spec.auth if isinstance(one, ClientCredentials) and not one.token_url.startswith("/")]
    return DescribedApi(spec, variables, auth=next(one.type for one in spec.auth if one not in far))


@pytest.fixture
def hook(request: Any, operations_simulator: SimulatorServer, virtual_time: VirtualClock) -> OperationsApiHook:
    spec = load(request.param)
    operations_simulator.add(spec)
    made = Hook(spec.name, api=described(spec))
    made.base_url = operations_simulator.base_url(spec.name)
    return made


def start(hook: OperationsApiHook) -> SubmitResult:
    line = parse_line(hook.api.spec.calls[0].request)
    method, path = line.method, line.path.fill_path(lambda _: "x1")
    submit = hook.api.request(method, path, json={})
    store = HandleStore(StateStore(), lambda _: None, "here")
    deadline = hook.clock.time() + 3600
    made = Submitter(hook, submit, identity_of(submit, attempt()), store, deadline=deadline, log=lambda _: None)
    return made.run()


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_it_is_started_and_waited_for(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    started = start(hook)
    operation = hook.wait_for_operation(started.handle.operation_id or "")
    assert (operation.state, operation.api) == (OperationState.SUCCEEDED, hook.api.name)
    # in the answer it is, where the spec says so
    assert SECRET not in json.dumps([started.handle.to_dict(), operation.to_dict()])


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_failure_is_one(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails("no room"))
    assert hook.wait_for_operation(start(hook).handle.operation_id or "").state is OperationState.FAILED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_lost_answer_starts_nothing_twice(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(drop_answer(api=hook.api.name, method=hook.api.spec.calls[0].request.split()[0]))
    spec = hook.api.spec
    if "AmbiguousSubmission" in exactly_once(spec, spec.calls[0]):
        with pytest.raises(AmbiguousSubmission):
            start(hook)
    else:
        operation = hook.wait_for_operation(start(hook).handle.operation_id or "")
        assert operation.state is OperationState.SUCCEEDED
    assert len(operations_simulator.operations(hook.api.name)) == 1


@pytest.mark.parametrize("hook", [name for name in NAMES if load(name).cancel], indirect=True)
def test_it_is_cancelled(hook: OperationsApiHook) -> None:
    operation_id = start(hook).handle.operation_id or ""
    hook.cancel_operation(operation_id)
    assert hook.wait_for_operation(operation_id).state in ENDED


@pytest.mark.parametrize("hook", [name for name in NAMES if (lists := load(name).lists) and lists.open], indirect=True)
def test_lists_show_what_is_open(hook: OperationsApiHook) -> None:
    ids = {start(hook).handle.operation_id for _ in range(3)}
    (listed,) = hook.api.open_operations()
    assert {listed.id_of(entry) for entry in hook.items(listed.entries)} == ids


@pytest.mark.parametrize(
    "hook", [name for name in NAMES if (lists := load(name).lists) and lists.by_ids], indirect=True
)
def test_several_are_read_by_their_ids(hook: OperationsApiHook) -> None:
    ids = {start(hook).handle.operation_id or "" for _ in range(3)}
    call: Any = hook.api.get_operations(list(ids))
    assert set(hook.call(call)) == ids


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_kill_ends_it_or_says_that_it_continues(hook: OperationsApiHook) -> None:
    handle = start(hook).handle
    ended = hook.run(terminate(hook.api, handle, "cancel"))
    if hook.api.can_cancel:
        assert ended.is_accepted
        assert hook.wait_for_operation(handle.operation_id or "").state in ENDED
    else:
        assert "continues remotely, because" in ended.text
        assert hook.wait_for_operation(handle.operation_id or "").state is OperationState.SUCCEEDED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
async def test_it_is_waited_for_on_an_event_loop(hook: OperationsApiHook) -> None:
    operation_id = (await asyncio.to_thread(start, hook)).handle.operation_id or ""
    assert (await hook.await_operation(operation_id)).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_the_connection_can_be_tried(hook: OperationsApiHook) -> None:
    if hook.api.spec.check is not None:
        assert hook.call(hook.api.check()) == "HTTP 200"


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
