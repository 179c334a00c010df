"""The poller never sleeps through what a wait needs: newcomers, deadlines, steps of the wall clock, outages."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.apis.onvera import Onvera
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, TimedOut, WaitState
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.poller import poller_of
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, hang, never_settles, outage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from airflow_provider_ops.apis.base import Api

DURATION = 20.0


class ReadsOnly(Onvera):
    """An API without lists: every poll is a read."""

    lists_operations = False


class TickingClock(VirtualClock):
    """Time passes between any two looks at the clock, as it does in the real world."""

    def __init__(self) -> None:
        super().__init__()
        self._ticks = 0

    def monotonic(self) -> float:
        self._ticks += 1
        return super().monotonic() + self._ticks * 1e-9


@pytest.fixture
def clock() -> VirtualClock:
    return TickingClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@asynccontextmanager
async def client_of(server: SimulatorServer, clock: VirtualClock, api: Api = ONVERA) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(api, Settings("test", server.base_url(api.name), "key", verify=False), clock)
    try:
        yield client
    finally:
        await client.aclose()


async def start(client: AsyncClient, count: int, prefix: str = "n") -> list[str]:
    return [(await client.send(ONVERA.create_deployment("airflow", f"{prefix}{i}"))).operation_id for i in range(count)]


class Waiting:
    """Waits that run, and how late each end was known."""

    def __init__(self, client: AsyncClient, server: SimulatorServer) -> None:
        self.watches: list[WaitState] = []
        self.late: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self._client = client
        self._server = server
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, ids: list[str], interval: float, seconds: float = 86_400.0) -> None:
        now, policy = self._client.clock.time(), PollPolicy.every(interval)
        for operation_id in ids:
            watch = WaitState(operation_id, now=now, policy=policy, deadline=now + seconds)
            self.watches.append(watch)
            self._tasks.append(asyncio.ensure_future(self._one(watch)))

    async def _one(self, watch: WaitState) -> None:
        await apoll_until_done(self._client, [watch], lambda _: None)
        self.ended[watch.operation_id] = self._client.clock.monotonic()

    async def all(self) -> None:
        await asyncio.gather(*self._tasks)
        truth = {row["id"]: row["ended_at"] for row in self._server.operations()}
        epoch = self._server._running().simulator.clock.time() - self._client.clock.monotonic()
        for watch in self.watches:
            if isinstance(watch.outcome, Settled):
                ended = datetime.fromisoformat(truth[watch.operation_id].replace("Z", "+00:00")).timestamp()
                self.late[watch.operation_id] = self.ended[watch.operation_id] + epoch - ended

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


# -- newcomers


@pytest.mark.parametrize("api", [ONVERA, ReadsOnly()], ids=["lists", "reads"])
@pytest.mark.parametrize("slow", [1, 2, 3, 6, 20])
async def test_a_newcomer_is_polled_at_its_own_interval(
    server: SimulatorServer, clock: VirtualClock, api: Api, slow: int
) -> None:
    async with client_of(server, clock, api) as client:
        server.duration = 600.0
        ids = await start(client, slow)
        waiting, newcomer = Waiting(client, server), Waiting(client, server)
        waiting.begin(ids, interval=60.0)
        await clock.asleep(65.0)
        server.duration = 6.0
        newcomer.begin(await start(client, 1, "fast"), interval=1.0, seconds=10.0)
        await newcomer.all()
        await waiting.stop()
    (late,) = newcomer.late.values()
    assert late <= 2.0


@pytest.mark.parametrize("api", [ONVERA, ReadsOnly()], ids=["lists", "reads"])
@pytest.mark.parametrize("slow", [1, 3, 20])
async def test_a_newcomers_deadline_is_kept(server: SimulatorServer, clock: VirtualClock, api: Api, slow: int) -> None:
    server.faults(never_settles())
    async with client_of(server, clock, api) as client:
        waiting, newcomer = Waiting(client, server), Waiting(client, server)
        waiting.begin(await start(client, slow), interval=60.0)
        await clock.asleep(65.0)
        began = clock.monotonic()
        newcomer.begin(await start(client, 1, "fast"), interval=60.0, seconds=10.0)
        await newcomer.all()
        await waiting.stop()
    assert isinstance(newcomer.watches[0].outcome, TimedOut)
    assert [at - began for at in newcomer.ended.values()] == [pytest.approx(10.0, abs=0.3)]


async def test_a_deadline_on_an_operation_that_is_held_for_another_wait_is_kept(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    server.faults(never_settles())
    async with client_of(server, clock, AKUA) as client:
        from tests.polling.test_poller_lists import akua_clusters  # noqa: PLC0415

        ids = await akua_clusters(server, client, 1)
        patient, hurried = Waiting(client, server), Waiting(client, server)
        patient.begin(ids, interval=60.0)
        await clock.asleep(1.0)
        began = clock.monotonic()
        hurried.begin(ids, interval=60.0, seconds=5.0)
        await hurried.all()
        await patient.stop()
    assert [at - began for at in hurried.ended.values()] == [pytest.approx(5.0, abs=1.2)]


async def test_thousands_that_come_together_wake_nobody_each(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock) as client:
        ids = await start(client, 1000)
        waiting = Waiting(client, server)
        waiting.begin(ids[:10], interval=10.0)
        await clock.asleep(1.0)
        rounds = 0
        start_polls = poller_of(client)._start_polls

        def counting() -> None:
            nonlocal rounds
            rounds += 1
            start_polls()

        poller_of(client)._start_polls = counting  # type: ignore[method-assign]
        for place in range(10, 1000, 50):
            waiting.begin(ids[place : place + 50], interval=10.0)
            await asyncio.sleep(0)
        await clock.asleep(0.1)
        assert rounds <= 3
        await waiting.stop()


async def test_a_read_that_hangs_keeps_nobody_waiting(server: SimulatorServer, clock: VirtualClock) -> None:
    async with client_of(server, clock, ReadsOnly()) as client:
        ids = await start(client, 3)
        # the first of a round hangs for longer than the others have time
        server.faults(hang(25.0, 1, route="/operations/{id}"))
        waiting = Waiting(client, server)
        waiting.begin(ids, interval=2.0)
        await waiting.all()
    assert sorted(waiting.late.values())[1] <= 4.0


# -- steps of the wall clock


@pytest.mark.parametrize("step", [3600.0, -3600.0])
@pytest.mark.parametrize(
    ("api", "count"), [(ONVERA, 2), (ONVERA, 2000), (ReadsOnly(), 30)], ids=["few", "lists", "reads"]
)
async def test_a_step_of_the_wall_clock_changes_nothing(
    server: SimulatorServer, clock: VirtualClock, api: Api, count: int, step: float
) -> None:
    async with client_of(server, clock, api) as client:
        waiting = Waiting(client, server)
        waiting.begin(await start(client, count), interval=4.0, seconds=1000.0)
        await clock.asleep(DURATION / 2)
        clock.step(step)
        await waiting.all()
    assert len(waiting.late) == count
    assert max(waiting.late.values()) <= 8.1


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_deadline_is_translated_once(server: SimulatorServer, clock: VirtualClock, step: float) -> None:
    server.faults(never_settles())
    async with client_of(server, clock) as client:
        waiting, began = Waiting(client, server), clock.monotonic()
        waiting.begin(await start(client, 2), interval=5.0, seconds=30.0)
        await clock.asleep(10.0)
        clock.step(step)
        await waiting.all()
    assert [at - began for at in waiting.ended.values()] == [pytest.approx(30.0, abs=0.3)] * 2


# -- outages


@pytest.mark.parametrize("lasts", [15.0, 120.0])
@pytest.mark.parametrize(
    ("api", "count"), [(ONVERA, 2), (ONVERA, 100), (ReadsOnly(), 100)], ids=["few", "lists", "reads"]
)
async def test_an_outage_is_probed_once_per_interval_and_its_end_is_noticed(
    server: SimulatorServer, clock: VirtualClock, api: Api, count: int, lasts: float
) -> None:
    interval = 2.0
    async with client_of(server, clock, api) as client:
        waiting = Waiting(client, server)
        waiting.begin(await start(client, count), interval=interval)
        await clock.asleep(10.0)
        before = server.stats()["requests"]
        server.faults(outage(lasts))
        await clock.asleep(lasts)
        probes = server.stats()["requests"] - before
        await waiting.all()
    # what was under way when it began, and the reads that have told it from a fault of the lists
    assert probes <= lasts / interval + 12
    assert len(waiting.late) == count
    assert max(waiting.late.values()) <= lasts + 2 * interval + 0.1


async def test_a_probe_that_fails_for_itself_does_not_prolong_an_outage(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    async with client_of(server, clock, ReadsOnly()) as client:
        ids = await start(client, 4)
        waiting = Waiting(client, server)
        waiting.begin(ids, interval=2.0, seconds=300.0)
        row = next(row for row in server.operations() if row["id"] == ids[0])
        server.faults(
            outage(6.0),
            {"fault": "status", "status": 500, "route": f"/operations/{row['id']}"},
        )
        await waiting.all()
    assert max(waiting.late[one] for one in ids[1:]) <= 10.0
    assert isinstance(waiting.watches[0].outcome, TimedOut)


# -- faults of our own


async def test_a_fault_of_the_poller_ends_all_waits_and_the_next_begins_anew(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    class Broken(Onvera):
        is_broken = True

        @property
        def longest_poll(self) -> float:  # type: ignore[override]
            if self.is_broken:
                raise RuntimeError("our own fault")
            return 0.0

    api = Broken()
    async with client_of(server, clock, api) as client:
        ids = await start(client, 5)
        now = clock.time()
        watches: list[Any] = [
            WaitState(one, now=now, policy=PollPolicy.every(2.0), deadline=now + 100.0) for one in ids
        ]
        results = await asyncio.gather(
            *(apoll_until_done(client, [watch], lambda _: None) for watch in watches), return_exceptions=True
        )
        assert [str(result) for result in results] == ["our own fault"] * 5
        assert poller_of(client).size == 0
        api.is_broken = False
        waiting = Waiting(client, server)
        waiting.begin(ids, interval=2.0)
        await waiting.all()
    assert len(waiting.late) == 5


class Faulty(Onvera):
    """An API whose name, which polls in the background ask for, has a fault from some moment on."""

    is_broken = False

    @property
    def name(self) -> str:
        if self.is_broken:
            raise RuntimeError("our own fault")
        return "onvera"

    @name.setter
    def name(self, name: str) -> None: ...


class FaultyReadsOnly(Faulty):
    lists_operations = False


@pytest.mark.parametrize("api", [Faulty(), FaultyReadsOnly()], ids=["lists", "reads"])
async def test_a_fault_of_a_poll_in_the_background_ends_all_waits_at_once(
    server: SimulatorServer, clock: VirtualClock, api: Faulty
) -> None:
    async with client_of(server, clock, api) as client:
        ids = await start(client, 30)
        api.is_broken = True
        waiting = Waiting(client, server)
        waiting.begin(ids, interval=2.0)
        await clock.asleep(30.0)
        ended = [str(task.exception()) for task in waiting._tasks if task.done()]
        await waiting.stop()
        api.is_broken = False
        assert ended == ["our own fault"] * len(ids)
