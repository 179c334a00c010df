"""Who waits for an operation by its id alone waits as long as its kind may take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.exceptions import WaitTimeout
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.testing import never_settles, outage

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.operation import Operation
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

MINUTE = 60.0


@pytest.fixture(params=["sync", "async"])
def wait(request: pytest.FixtureRequest, virtual_time: VirtualClock) -> Callable[[str], Operation]:
    """Wait for an operation without saying for how long, in either world."""
    hook = NirvanaHook(clock=virtual_time)

    def waited(operation_id: str) -> Operation:
        if request.param == "sync":
            return hook.wait_for_operation(operation_id)
        return asyncio.run(hook.await_operation(operation_id))

    return waited


def vpc(hook: NirvanaHook) -> Operation:
    return hook.create_vpc(name="n", region="us-sva-2", subnet_name="s")


def cluster(hook: NirvanaHook) -> Operation:
    vpc_id = str(hook.wait_for_operation(vpc(hook).id, timeout=90 * MINUTE).resource_id)
    facts: Any = {"name": "k", "region": "us-sva-2", "kubernetes_version": "v1", "autoscaling": False}
    return hook.create_nks_cluster(vpc_id=vpc_id, **facts)


def test_a_cluster_may_take_longer_than_a_network(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, wait: Callable[[str], Operation]
) -> None:
    operations_simulator.duration = 30 * MINUTE
    hook = NirvanaHook(clock=virtual_time)
    assert wait(cluster(hook).id).state is OperationState.SUCCEEDED
    operations_simulator.faults(never_settles())
    with pytest.raises(WaitTimeout, match="within 15 minutes"):
        wait(vpc(hook).id)
    with pytest.raises(WaitTimeout, match="within 45 minutes"):
        wait(hook.update_nks_cluster(next(hook.list_nks_clusters()).id, name="l").id)


def test_what_cannot_be_seen_at_first_gets_its_time_all_the_same(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, wait: Callable[[str], Operation]
) -> None:
    operations_simulator.duration = 30 * MINUTE
    operation = cluster(NirvanaHook(clock=virtual_time))
    operations_simulator.faults(outage(20 * MINUTE))
    assert wait(operation.id).state is OperationState.SUCCEEDED
