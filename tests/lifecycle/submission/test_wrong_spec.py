"""A spec that is wrong about the answer to a submit: the error says what to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.exceptions import AmbiguousSubmission
from tests.lifecycle.submission.test_changed_spec import SPEC, Task

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

_FOUND = SPEC[SPEC.index("    find:\n") : SPEC.index("  - request: POST /jobs/{job}/restart")]
RIGHT = SPEC.replace(_FOUND, "").replace("  http: {200: succeeded}\n", "")
WRONG = RIGHT.replace("[$response.body#/operation/id, $response.body#/next/*/id]", "$response.body#/job/uid")


def test_a_wrong_pointer_to_the_operation_is_named_with_what_to_mend_first(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    operations_simulator.add(RIGHT)
    with pytest.raises(AmbiguousSubmission) as caught:
        Task(operations_simulator).attempt(WRONG)
    text = str(caught.value)
    assert "operation_id ($response.body#/job/uid)" in text
    assert text.index("Mend the spec before you clear this task") < text.index("then clear this task")
    assert len(operations_simulator.operations("jobs")) == 1
