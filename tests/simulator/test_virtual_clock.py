"""Virtual time: it passes only when nothing else goes on, so that a test tells the same story each time."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest

from airflow_provider_ops.apis.akua import API
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.waits import poll_until_done
from airflow_provider_ops.simulator.virtual_clock import PATIENCE
from airflow_provider_ops.testing import SimulatorServer, VirtualClock


async def test_time_does_not_pass_while_something_is_under_way() -> None:
    clock = VirtualClock()
    sleeping = asyncio.ensure_future(clock.asleep(3600))
    before = clock.time()
    with clock.busy():
        await asyncio.sleep(0.05)
        assert clock.time() == before
    await sleeping
    assert clock.time() == before + 3600


async def test_loops_that_end_before_they_are_found_idle_do_not_stop_time() -> None:
    clock = VirtualClock()

    async def glance() -> None:
        with clock.busy():
            pass
        # meanwhile the other loop is found idle, and this one has no turn left for that
        time.sleep(0.05)  # noqa: ASYNC251

    def elsewhere() -> None:
        for _ in range(5):
            asyncio.run(glance())

    others = asyncio.ensure_future(asyncio.to_thread(elsewhere))
    while not others.done():
        await asyncio.wait_for(clock.asleep(60), 10)


async def test_time_passes_while_a_server_holds_its_answer_back() -> None:
    clock = VirtualClock()

    async def serve() -> None:
        with clock.serving(lambda: True):
            await clock.asleep(30)

    before = clock.time()
    with clock.busy():
        await asyncio.wait_for(serve(), 20)
    assert clock.time() == before + 30


async def test_an_answer_that_nobody_waits_for_any_more_does_not_let_time_pass() -> None:
    clock = VirtualClock()
    is_there = True

    async def serve() -> None:
        with clock.serving(lambda: is_there):
            await clock.asleep(1e6)

    before = clock.time()
    with clock.busy():
        serving = asyncio.ensure_future(serve())
        is_there = False
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
    assert clock.time() == before
    await clock.asleep(5)
    assert clock.time() == before + 5
    serving.cancel()


def test_a_loop_that_is_at_work_holds_time_for_the_sleepers_of_another() -> None:
    clock, told = VirtualClock(), list[float]()
    at_work = threading.Event()

    async def work() -> None:
        with clock.busy():
            at_work.set()
            await asyncio.sleep(0.1)
            told.append(clock.time())

    async def sleep() -> None:
        while not at_work.is_set():  # noqa: ASYNC110 - of another loop
            await asyncio.sleep(0.001)
        await clock.asleep(1000)
        told.append(clock.time())

    threads = [threading.Thread(target=asyncio.run, args=(one(),)) for one in (work, sleep)]
    start = clock.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [start, start + 1000]


def test_an_instant_of_the_machine_is_what_the_clock_showed_then() -> None:
    clock = VirtualClock(start=1000.0)
    begun = time.time()
    time.sleep(0.002)
    clock.advance(77)
    assert clock.from_wall(begun) == 1000.0
    assert clock.time() - clock.from_wall(begun) == 77
    assert clock.from_wall(time.time() + 1) == 1077.0


@pytest.mark.timeout(600)
def test_a_hundred_runs_tell_the_same_story() -> None:
    stories: set[str] = set()
    for _ in range(100):
        # intervals have a jitter of their own
        random.seed(1)
        clock = VirtualClock()
        with SimulatorServer(duration=600.0, clock=clock) as server:
            settings = Settings("a", server.base_url("akua"), "k", extras=dict(server._extras("akua", {})))
            with BlockingClient(API, settings, clock) as client:
                start, lines = clock.time(), list[str]()
                ids = _created(client, 3)
                watches = [
                    WaitState(name, now=clock.time(), policy=API.poll_policy(""), deadline=start + 7200) for name in ids
                ]
                poll_until_done(client, watches, lines.append)
                assert all(isinstance(watch.outcome, Settled) for watch in watches)
                story = [f"{clock.time() - start:.3f}", *(line.partition(": ")[2] for line in lines)]
                stories.add("\n".join(story))
    assert len(stories) == 1, "\n---\n".join(sorted(stories))


def _created(client: BlockingClient, count: int) -> list[str]:
    from airflow_provider_ops.apis.akua.clusters import create_cluster  # noqa: PLC0415

    return [client.send_once(create_cluster(name=f"c{n}", region_id="reg_eu")).id for n in range(count)]


@pytest.mark.parametrize("passes", range(2 * PATIENCE))
async def test_a_word_in_the_last_moment_counts(passes: int) -> None:
    clock = VirtualClock()
    far = asyncio.ensure_future(clock.asleep(3600.0))
    await asyncio.sleep(0)
    began = clock.monotonic()
    with clock.busy():
        for _ in range(passes):
            await asyncio.sleep(0)
    # what comes of the answer takes some passes
    for _ in range(3):
        await asyncio.sleep(0)
    await clock.asleep(1.0)
    assert clock.monotonic() == began + 1.0
    far.cancel()
