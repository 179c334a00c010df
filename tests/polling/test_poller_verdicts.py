"""A verdict at a deadline rests on a read of the operation itself, and no list can hide an end for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.core.wait_state import Settled, TimedOut
from airflow_provider_ops.polling.list_reader import ListReader
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, list_lag, never_settles
from tests.polling.test_poller_waking import Waiting, client_of, start

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=20.0, clock=clock) as server:
        yield server


@pytest.mark.parametrize("count", [12, 300])
async def test_many_deadlines_at_one_moment_find_every_end_although_lists_lag(
    server: SimulatorServer, clock: VirtualClock, count: int
) -> None:
    server.faults(list_lag(15.0))
    async with client_of(server, clock) as client:
        waiting = Waiting(client, server)
        ids = await start(client, count)
        waiting.begin(ids, interval=5.0, seconds=24.0)
        await waiting.all()
    assert [type(watch.outcome) for watch in waiting.watches] == [Settled] * count


async def test_what_still_runs_at_its_deadline_times_out_after_one_read_each(
    server: SimulatorServer, clock: VirtualClock
) -> None:
    server.faults(never_settles())
    async with client_of(server, clock) as client:
        waiting = Waiting(client, server)
        waiting.begin(await start(client, 40), interval=60.0, seconds=30.0)
        await clock.asleep(29.0)
        before = server.stats()["by_route"].get("GET /onvera/api/v1/operations/{id}", 0)
        await waiting.all()
        reads = server.stats()["by_route"]["GET /onvera/api/v1/operations/{id}"] - before
    assert [type(watch.outcome) for watch in waiting.watches] == [TimedOut] * 40
    assert reads == 40


@pytest.mark.parametrize("count", [60, 1000])
async def test_one_that_lists_show_as_running_for_ever_is_found_within_three_full_scans(
    server: SimulatorServer, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    scans: list[float] = []
    sweep = ListReader.full_scan

    async def counting(self: ListReader) -> object:
        scans.append(clock.monotonic())
        return await sweep(self)

    monkeypatch.setattr(ListReader, "full_scan", counting)
    server.faults(never_settles(name="n*"), list_lag(86_000.0, name="stuck0"))
    async with client_of(server, clock) as client:
        others, stuck = Waiting(client, server), Waiting(client, server)
        others.begin(await start(client, count), interval=5.0)
        stuck.begin([(await start(client, 1, "stuck"))[0]], interval=5.0)
        await stuck.all()
        await others.stop()
    (late,) = stuck.late.values()
    (found,) = stuck.ended.values()
    assert sum(found - late < at <= found for at in scans) <= 3
