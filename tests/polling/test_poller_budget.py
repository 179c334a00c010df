"""Many waits on a small budget, and on an API that refuses: nobody fails, nobody comes too early."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import API, Onvera
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, outage, rate_limited

if TYPE_CHECKING:
    from airflow_provider_ops.apis.calls import Request, Response

INTERVAL = 5.0


class Noting(AsyncClient):
    """Notes when requests go, and which pauses it was asked for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.went: list[float] = []
        self.pauses: list[tuple[float, float]] = []

    async def _exchange(self, request: Request, priority: Priority, delivery: Delivery) -> Response:
        self.went.append(self.clock.time())
        response = await super()._exchange(request, priority, delivery)
        if response.status == 429:
            self.pauses.append((self.clock.time(), float(response.headers["retry-after"])))
        return response


class ReadsOnly(Onvera):
    """An API without lists: every look is a request."""

    lists_operations = False


async def wait_for(client: AsyncClient, count: int, server: SimulatorServer) -> list[WaitState]:
    ids = [row["id"] for row in server.operations()]
    assert len(ids) == count
    now = client.clock.time()
    policy = API.poll_policy("", INTERVAL)
    watches = [WaitState(operation_id, now=now, policy=policy, deadline=now + 5000.0) for operation_id in ids]
    await asyncio.gather(*(apoll_until_done(client, [one], lambda _: None) for one in watches))
    return watches


async def start(server: SimulatorServer, clock: VirtualClock, count: int) -> None:
    client = AsyncClient(API, Settings("test", server.base_url("onvera"), "key", verify=False), clock)
    for _ in range(count // 20):
        await asyncio.gather(*(client.send(API.create_deployment("airflow")) for _ in range(20)))
    await client.aclose()


def all_succeeded(watches: list[WaitState]) -> bool:
    outcomes = [one.outcome for one in watches]
    return all(isinstance(one, Settled) and one.operation.state is OperationState.SUCCEEDED for one in outcomes)


@pytest.mark.parametrize("api", [API, ReadsOnly()])
async def test_a_budget_is_kept_in_every_second_and_every_end_is_found(
    api: Onvera, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    with SimulatorServer(duration=60.0, clock=clock) as server, caplog.at_level(logging.WARNING):
        await start(server, clock, 600)
        settings = Settings("test", server.base_url("onvera"), "key", verify=False, requests_per_second=5.0)
        client = Noting(api, settings, clock)
        watches = await wait_for(client, 600, server)
        await client.aclose()
    assert all_succeeded(watches)
    assert all(sum(at <= other < at + 1.0 for other in client.went) <= 5 for at in client.went)


async def test_ten_thousand_waits_keep_a_small_budget_and_every_end_is_found() -> None:
    clock = VirtualClock()
    with SimulatorServer(duration=60.0, clock=clock) as server:
        await start_at_once(server, 10_000)
        settings = Settings("test", server.base_url("onvera"), "key", verify=False, requests_per_second=5.0)
        client = Noting(API, settings, clock)
        began = clock.time()
        watches = await wait_for(client, 10_000, server)
        await client.aclose()
    assert all_succeeded(watches)
    assert most_in_a_second(client.went) <= 5
    # a hundred pages take twenty seconds; what ends between two pages is seen in the next round
    assert clock.time() - began < 60.0 + 120.0


def most_in_a_second(went: list[float]) -> int:
    return max(bisect_left(went, at + 1.0) - place for place, at in enumerate(went))


async def start_at_once(server: SimulatorServer, count: int) -> None:
    """Operations without a request for each."""
    from airflow_provider_ops.simulator.gateway import Gateway, Request  # noqa: PLC0415

    simulator = server._running().simulator
    gateway, match = Gateway(simulator, "onvera"), simulator.routers["onvera"].match("POST", "/deployments")
    headers = {"content-type": "application/json", "x-api-key": "key"}
    for _ in range(count):
        create = Request("POST", "/deployments", "", headers, b'{"app_type": "airflow"}', match)
        await gateway._answer(simulator.apis["onvera"], create)


async def test_a_budget_that_stretches_the_interval_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    with SimulatorServer(duration=200.0, clock=clock) as server, caplog.at_level(logging.WARNING):
        await start(server, clock, 400)
        settings = Settings("test", server.base_url("onvera"), "key", verify=False, requests_per_second=0.2)
        client = Noting(API, settings, clock)
        assert all_succeeded(await wait_for(client, 400, server))
        await client.aclose()
    lines = [record.getMessage() for record in caplog.records if "requests per second" in record.getMessage()]
    assert len(lines) == 1
    assert "400 waits" in lines[0]


async def test_an_api_that_refuses_fails_nobody_and_is_left_alone_as_long_as_it_asks() -> None:
    clock = VirtualClock()
    with SimulatorServer(duration=60.0, clock=clock, rate_limit=20.0) as server:
        client = Noting(ReadsOnly(), Settings("test", server.base_url("onvera"), "key", verify=False), clock)
        for _ in range(100):
            await client.send(API.create_deployment("airflow"))
            await clock.asleep(0.1)
        watches = await wait_for(client, 100, server)
        await client.aclose()
    assert all_succeeded(watches)
    assert client.pauses, "the limit was never reached"
    for at, pause in client.pauses:
        # what was under way when the refusal came in cannot be called back
        assert not [one for one in client.went if at < one < at + pause - 0.001]


async def test_ends_are_known_within_two_intervals_after_a_pause_and_lists_that_fail() -> None:
    clock, late = VirtualClock(), list[float]()
    with SimulatorServer(clock=clock) as server:
        for seconds in range(20, 80):
            server.duration = float(seconds)
            await start_at_once(server, 10)
        client = Noting(API, Settings("test", server.base_url("onvera"), "key", verify=False), clock)
        offset, began = clock.time() - clock.monotonic(), clock.monotonic() + 30.0
        lasted = 25.0

        async def wait(operation_id: str) -> None:
            now = clock.time()
            watch = WaitState(operation_id, now=now, policy=PollPolicy.every(INTERVAL), deadline=now + 5000.0)
            await apoll_until_done(client, [watch], lambda _: None)
            assert isinstance(watch.outcome, Settled)
            assert watch.outcome.operation.ended_at is not None
            known, ended = clock.monotonic(), watch.outcome.operation.ended_at.timestamp() - offset
            late.append(known - ended - max(0.0, min(known, began + lasted) - max(ended, began)))

        waits = asyncio.gather(*(wait(row["id"]) for row in server.operations()))
        await clock.asleep(began - clock.monotonic())
        server.faults(
            rate_limited(1, 20.0, method="GET"),
            {**outage(5.0, route="/operations", method="GET"), "after": 20.0},
        )
        await waits
        await client.aclose()
    # times of the API are whole seconds
    assert len(late) == 600
    assert max(late) <= 2 * INTERVAL + 1.0
