"""Mapped tasks in virtual time tell the same story each time they run."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.operators.akua import AkuaCreateClusterOperator

if TYPE_CHECKING:
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: A hundred were seen to tell the same; each takes some seconds of real time.
RUNS = int(os.environ.get("MAPPED_STORIES", "5"))


@pytest.mark.timeout(60 + 20 * RUNS)
@pytest.mark.parametrize("deferrable", [True, False])
def test_mapped_tasks_with_long_polls_tell_the_same_story(
    virtual_time: VirtualClock, operations_simulator: SimulatorServer, a_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    with a_dag() as dag:
        AkuaCreateClusterOperator.partial(task_id="create", region_id="reg_eu", deferrable=deferrable).expand(
            name=["one", "two", "three"]
        )
    stories: set[str] = set()
    for _ in range(RUNS):
        random.seed(1)
        operations_simulator.reset()
        began = virtual_time.monotonic()
        ran = run_dag(dag)
        assert ran.state == "success", ran.errors
        # which of them comes first is Airflow's choice, and when in a second it begins is the machine's
        told = sorted(
            "\n".join(f"+{seconds:.0f} {line}" for seconds, line in one["timeline"]["entries"])
            for index in range(3)
            for one in ran.xcom("create", "operation_progress", index)["operations"]
        )
        assert len(told) == 3
        story = [f"{virtual_time.monotonic() - began:.0f}", *told]
        stories.add("\n".join(story))
    assert len(stories) == 1, "\n---\n".join(sorted(stories))
