"""What an attempt says about the operation that it has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord, KillSwitch
from airflow_provider_ops.lifecycle.legs import HandlePublisher
from airflow_provider_ops.operation import Operation, OperationState

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.onvera import OnveraHook


@pytest.mark.parametrize(
    ("state", "deadline", "says"),
    [
        (OperationState.RUNNING, 0.0, "waiting until 1970-01-01 00:00:00 UTC at the latest"),
        (OperationState.RUNNING, None, "not waiting"),
        (OperationState.SUCCEEDED, 0.0, "succeeded already"),
    ],
)
def test_a_wait_is_announced_only_for_what_has_not_settled(
    hook: OnveraHook, state: OperationState, deadline: float | None, says: str
) -> None:
    said: list[str] = []
    ti: Any = SimpleNamespace(id="1", xcom_push=lambda **_: None)
    log = LineLog(SimpleNamespace(info=said.append, warning=said.append, isEnabledFor=lambda _: True))
    publisher = HandlePublisher(hook, ti, AttemptRecord(KillSwitch(), "Onvera"), log, pushes_handle=False)
    handle = Handle.placeholder("deployment.create", operation_id="op_1")
    publisher.publish(handle, deadline, Operation("op_1", "onvera", "deployment.create", state, state.value))
    assert [line.rpartition(": ")[2] for line in said] == [says]
