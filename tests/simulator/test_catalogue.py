"""Every spec of the catalogue: what it promises is kept, at the API that the simulator makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops import specs
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.hooks.operations import OperationsApiHook
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec.promises import review
from airflow_provider_ops.spec.source import read_source
from airflow_provider_ops.specs import load, names
from airflow_provider_ops.testing import drop_answer, operation_fails
from tests.attempts import attempt, identity_of
from tests.lifecycle.submission.parts import StateStore

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: Onvera has a simulator of its own, and its tests.
NAMES = [name for name in names() if name != "onvera"]
KEY = "any-key"


class Hook(OperationsApiHook):
    """A hook whose connection is not Airflow's."""

    base_url = ""

    def settings(self) -> Settings:
        return Settings(self.conn_id, self.base_url, KEY)


@pytest.fixture
def hook(request: Any, operations_simulator: SimulatorServer, virtual_time: VirtualClock) -> OperationsApiHook:
    spec = load(request.param)
    operations_simulator.add(spec)
    made = Hook(spec.name, api=DescribedApi(spec))
    made.base_url = operations_simulator.base_url(spec.name)
    return made


def start(hook: OperationsApiHook) -> SubmitResult:
    method, path = hook.api.spec.calls[0].request.split(" ")
    for name in ("dag_id", "process_id"):
        path = path.replace(f"{{{name}}}", "x1")
    submit = hook.api.request(method, path, json={})
    store = HandleStore(StateStore(), lambda _: None, "here")
    deadline = hook.clock.time() + 3600
    made = Submitter(hook, submit, identity_of(submit, attempt()), store, deadline=deadline, log=lambda _: None)
    return made.run()


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_it_is_started_and_waited_for(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    operation = hook.wait_for_operation(start(hook).handle.operation_id or "")
    assert (operation.state, operation.api) == (OperationState.SUCCEEDED, hook.api.name)


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_failure_is_one(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails("no room"))
    assert hook.wait_for_operation(start(hook).handle.operation_id or "").state is OperationState.FAILED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_a_lost_answer_starts_nothing_twice(hook: OperationsApiHook, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(drop_answer(api=hook.api.name))
    call = hook.api.spec.calls[0]
    if call.mark is None:
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
    assert hook.wait_for_operation(operation_id).state in (OperationState.CANCELLED, OperationState.FAILED)


@pytest.mark.parametrize("hook", [name for name in NAMES if load(name).lists], indirect=True)
def test_lists_show_what_is_open(hook: OperationsApiHook) -> None:
    ids = {start(hook).handle.operation_id for _ in range(3)}
    (listed,) = hook.api.open_operations()
    assert {listed.id_of(entry) for entry in hook.items(listed.entries)} == ids


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_has_no_mistake(name: str) -> None:
    file = Path(specs.__file__).parent / f"{name}.yaml"
    assert sum(not line.lstrip().startswith("#") for line in file.read_text().splitlines()) <= 40
    assert review(read_source(file)).spec.name == name
