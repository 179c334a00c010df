"""Which operations the poller reads by themselves, and which it may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.list_reader import ListReader
from airflow_provider_ops.polling.single_reads import SingleReads
from airflow_provider_ops.polling.subscriptions import PolledOperation, Subscriptions
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.polling.test_poller_waking import Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    settings = Settings("test", "http://127.0.0.1:9", "key", verify=False, requests_per_second=1.0)
    client = AsyncClient(ONVERA, settings, VirtualClock())
    yield client
    await client.aclose()


async def test_where_a_budget_is_small_those_that_were_missed_most_often_are_read(client: AsyncClient) -> None:
    lists = ListReader(client, Subscriptions())
    lists.all_pages = 40
    chosen = [PolledOperation(f"op_{misses}", misses=misses) for misses in (3, 1, 12, 5, 9, 2, 11, 7, 4, 10, 6, 8)]
    assert sorted(target.misses for target in lists._affordable(chosen)) == list(range(3, 13))


async def test_where_there_is_no_budget_all_are_read(client: AsyncClient) -> None:
    client.settings = Settings("test", "http://127.0.0.1:9", "key", verify=False)
    lists = ListReader(client, Subscriptions())
    lists.all_pages = 40
    chosen = [PolledOperation(f"op_{misses}", misses=misses) for misses in range(12)]
    assert lists._affordable(chosen) == chosen


@pytest.mark.parametrize(("operation_id", "holds"), [("op_1", True), ("install:abc", False)])
async def test_only_operations_are_held(operation_id: str, holds: bool) -> None:
    clock = VirtualClock()
    with SimulatorServer(clock=clock) as server:
        client = AsyncClient(AKUA, Settings("test", server.base_url("akua"), "key", verify=False), clock)
        waiting = Waiting(client, server)
        waiting.begin([operation_id], interval=5.0, seconds=20.0)
        await clock.asleep(10.0)
        routes = server.stats()["by_route"]
        await waiting.stop()
        await client.aclose()
    assert any(":wait" in route for route in routes) is holds


@pytest.mark.parametrize(("operation_id", "holds"), [("op_1", True), ("install:abc", False)])
async def test_what_is_no_operation_takes_no_place_of_a_long_poll(operation_id: str, holds: bool) -> None:
    """The answer about it is not held back, so that a long poll would be followed by the next one at once."""
    client = AsyncClient(AKUA, Settings("test", "http://127.0.0.1:9", "key", verify=False), VirtualClock())
    reads = SingleReads(client, Subscriptions(), lambda _target, _error: None, lambda _error: None)
    assert reads.long_poll(PolledOperation(operation_id, read_at=0.0)) is holds
    assert reads.long_polls == int(holds)
    reads.close()
    await client.aclose()
