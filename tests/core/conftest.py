from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.operation import Operation, OperationState, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

BEGAN = datetime(2026, 3, 1, 8, 0, tzinfo=timezone.utc)


@pytest.fixture
def operation() -> Callable[..., Operation]:
    def make(state: str = "running", phase: str | None = None, **facts: Any) -> Operation:
        known = state if state in {one.value for one in OperationState} else "unknown"
        facts.setdefault("raw_state", state)
        return Operation(
            id=facts.pop("id", "op_1"),
            api="onvera",
            kind="deployment.create",
            state=OperationState(known),
            progress=Progress(phase=phase) if phase else None,
            started_at=BEGAN,
            ended_at=BEGAN + timedelta(minutes=4) if OperationState(known).is_terminal else None,
            **facts,
        )

    return make
