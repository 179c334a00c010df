"""Every spec of the catalogue: a lost answer and a killed worker start nothing twice, as ``spec check`` promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import drop_answer, fail_first, html
from tests.catalogue.parts import NAMES, is_ambiguous, meet, start
from tests.catalogue.worker import dies_before_the_answer

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ops.testing import SimulatorServer
    from tests.catalogue.parts import Hook

LOST: dict[str, Any] = {
    "dropped": drop_answer(),
    "a page of a proxy": {**html(1), "execute": True},
    "500": {**fail_first(1, 500), "execute": True},
    "502": {**fail_first(1, 502), "execute": True},
}


#: Calls that delete need what another call has made: the clients of the vendors try them.
FURTHER = [
    (name, place)
    for name in NAMES
    for place, call in enumerate(load(name).calls)
    if place and parse_line(call.request).method != "DELETE"
]


def is_reconciled(hook: Hook, world: SimulatorServer, **attempt: Any) -> None:
    """Check that an attempt continues with the one operation that there is, or says that it cannot know."""
    if is_ambiguous(hook.api.spec, attempt.get("call", 0)):
        with pytest.raises(AmbiguousSubmission):
            start(hook, **attempt)
        (left,) = world.operations(hook.api.name)
    else:
        found = start(hook, **attempt).handle.operation_id or ""
        (left,) = world.operations(hook.api.name)
        # some APIs name operations by their address
        assert found.endswith(left["id"])
        assert hook.wait_for_operation(found).state is OperationState.SUCCEEDED


@pytest.mark.parametrize("hook", NAMES, indirect=True)
@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_starts_nothing_twice(hook: Hook, operations_simulator: SimulatorServer, lost: str) -> None:
    meet(hook, operations_simulator, LOST[lost])
    is_reconciled(hook, operations_simulator)


@pytest.mark.parametrize(("hook", "call"), FURTHER, indirect=["hook"])
def test_so_does_that_to_every_other_call(hook: Hook, operations_simulator: SimulatorServer, call: int) -> None:
    meet(hook, operations_simulator, drop_answer(), call)
    is_reconciled(hook, operations_simulator, call=call)


@pytest.mark.parametrize("hook", NAMES, indirect=True)
def test_the_retry_of_a_killed_worker_starts_nothing_twice(
    hook: Hook, operations_simulator: SimulatorServer, tmp_path: Path
) -> None:
    store = dies_before_the_answer(operations_simulator, hook.api.name, tmp_path / "states.json")
    assert len(operations_simulator.operations(hook.api.name)) == 1
    is_reconciled(hook, operations_simulator, store=store, tries=2)
