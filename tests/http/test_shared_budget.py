"""A budget that processes share, against a real Redis. Its clock is real, ours is virtual: nothing here waits."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from airflow_provider_ops.http.budget_home import BudgetHome, BudgetUnreachable
from airflow_provider_ops.http.rate_limiter import Priority, RateLimiter
from airflow_provider_ops.http.redis_window import WINDOW, RedisWindow, permits_per_window
from airflow_provider_ops.http.request_queue import RequestQueue
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.http.shared_budget import Fallback, SharedBudget, open_shared_budget
from airflow_provider_ops.testing import VirtualClock
from dev.processes import free_ports
from dev.redis_server import NoRedis, RedisServer, binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

try:
    binary()
except NoRedis as missing:
    pytest.skip(str(missing), allow_module_level=True)

Process = tuple[SharedBudget, RateLimiter]


@pytest.fixture(scope="module")
def _server() -> Iterator[RedisServer]:
    server = RedisServer(free_ports(1)[0])
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(_server: RedisServer) -> RedisServer:
    """A Redis that knows nothing."""
    _server.kill()
    _server.start()
    return _server


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start=time.time())


@pytest_asyncio.fixture
async def process(server: RedisServer, clock: VirtualClock) -> AsyncIterator[Callable[..., Process]]:
    """Makes what one process has of a connection with a budget."""
    made = []

    def make(per_second: float = 20.0, processes: int = 10) -> Process:
        home = BudgetHome(server.url, processes)
        settings = Settings("c", "https://a.example", "key", requests_per_second=per_second, budget=home)
        limiter = RateLimiter(per_second)
        shared = open_shared_budget(settings, limiter, clock)
        assert shared is not None
        made.append(shared)
        return shared, limiter

    yield make
    for one in made:
        await one.aclose()


@pytest.mark.parametrize("per_second", [0.5, 1.0, 2.5, 20.0, 50.0, 400.0])
def test_no_second_has_more_permits_than_the_budget(per_second: float) -> None:
    burst = Fallback(RateLimiter(per_second), per_second, 1).chunk
    interval = WINDOW / permits_per_window(per_second, burst)
    # what may come at once, and those that come one by one within a second
    assert burst + int(1.0 / interval) <= -(-per_second // 1)
    assert burst + 1.0 / interval > per_second * 0.9, "little of it is given away"


async def test_a_permit_that_one_process_has_another_has_not(process: Callable[..., Process]) -> None:
    (one, _), (other, _) = process(per_second=0.1), process(per_second=0.1)
    assert await one.lease(Priority.READ, 1) == 0.0
    assert await other.lease(Priority.READ, 1) > 5.0


async def test_a_lease_is_used_once_and_void_when_it_is_old(
    process: Callable[..., Process], clock: VirtualClock
) -> None:
    budget, _ = process(per_second=0.1)
    assert await budget.lease(Priority.READ, 1) == 0.0
    assert await budget.lease(Priority.READ, 1) == 0.0, "the same one, which was not used"
    clock.advance(0.06)
    assert await budget.lease(Priority.READ, 1) > 0.0, "void"


async def test_a_write_without_a_permit_lets_reads_of_all_processes_hold_back(process: Callable[..., Process]) -> None:
    (reads, _), (writes, _) = process(), process()
    while not await reads.lease(Priority.READ, 1):
        reads.use()
    assert await writes.lease(Priority.WRITE, 1) > 0.0
    held_back = [await reads.lease(Priority.READ, 1)]
    while await writes.lease(Priority.WRITE, 1):
        held_back.append(await reads.lease(Priority.READ, 1))
    assert all(held_back), "the first permit is for the write, whoever asks more often"


async def test_a_pause_of_one_process_holds_up_all_but_kills(process: Callable[..., Process]) -> None:
    (refused, _), (other, limiter) = process(), process()
    await refused.publish_pause(429, 30.0)
    assert 29.0 < await other.lease(Priority.WRITE, 1) <= 30.0
    assert limiter.paused(other._clock.monotonic()) > 29.0
    assert await other.lease(Priority.KILL, 1) == 0.0


async def test_only_an_answer_that_asks_for_a_pause_lets_others_pause(
    process: Callable[..., Process], clock: VirtualClock
) -> None:
    (budget, limiter), (other, _) = process(), process()
    queue = RequestQueue(limiter, clock, budget)
    limiter.pause(clock.monotonic(), 30.0)
    queue.on_response(clock.monotonic(), 200, None)
    await asyncio.sleep(0)
    assert await other.lease(Priority.READ, 1) == 0.0
    other.use()
    queue.on_response(clock.monotonic(), 503, 20.0)
    while not (pause := await other.lease(Priority.READ, 1)) > 1.0:
        other.use()
    assert pause <= 20.0


async def test_a_shorter_pause_shortens_none(process: Callable[..., Process]) -> None:
    (one, _), (other, _) = process(), process()
    await one.publish_pause(503, 30.0)
    await one.publish_pause(503, 1.0)
    assert await other.lease(Priority.READ, 1) > 20.0


async def test_without_redis_each_process_keeps_to_its_share_and_returns_by_itself(
    server: RedisServer, process: Callable[..., Process], clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    budget, limiter = process(per_second=20.0, processes=10)
    caplog.set_level(logging.INFO)
    server.kill()
    assert await budget.lease(Priority.READ, 1) > 1.0, "what Redis granted last counts as well"
    assert await budget.lease(Priority.KILL, 1) == 0.0, "a kill has only seconds"
    clock.advance(1.1)
    assert _granted(limiter, clock) == 2

    server.start()
    clock.advance(1.1)
    assert await budget.lease(Priority.READ, 1) == 0.0
    while budget._fallback.is_lost:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert _granted(limiter, clock) == 2, "the others are still coming back"
    clock.advance(3.0)
    await budget.lease(Priority.READ, 1)
    assert _granted(limiter, clock) == 20
    assert [record.levelname for record in caplog.records if record.name.endswith("shared_budget")] == [
        "WARNING",
        "INFO",
    ]


def _granted(limiter: RateLimiter, clock: VirtualClock) -> int:
    """Return how many may leave at once, and free their places."""
    now, count = clock.monotonic(), 0
    while not limiter.try_acquire(now):
        count += 1
    for _ in range(count):
        limiter.release(now)
    return count


@pytest.mark.parametrize(
    ("per_second", "processes", "share"),
    [(20, 10, 2), (20, 8, 2), (20, 20, 1), (20, 40, 0.5), (20, 1000, 0.2), (2.5, 1, 2), (1, 32, 0.2)],
)
def test_the_share_is_rounded_down_and_never_nothing(per_second: float, processes: int, share: float) -> None:
    assert Fallback(RateLimiter(per_second), per_second, processes).share == share


async def test_requests_of_a_queue_need_a_permit_of_both(process: Callable[..., Process], clock: VirtualClock) -> None:
    (budget, limiter), (other, _) = process(per_second=0.1), process(per_second=0.1)
    queue = RequestQueue(limiter, clock, budget)
    await queue.acquire(Priority.READ)
    assert await other.lease(Priority.READ, 1) > 5.0, "it has taken the permit of both"


async def test_a_kill_is_not_behind_a_read_that_waits_for_redis(
    process: Callable[..., Process], clock: VirtualClock
) -> None:
    budget, limiter = process(per_second=0.1)
    queue = RequestQueue(limiter, clock, budget)
    order: list[Priority] = []

    async def send(priority: Priority) -> None:
        await queue.acquire(priority)
        order.append(priority)

    waiting = [asyncio.ensure_future(send(priority)) for priority in (Priority.READ, Priority.KILL)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await queue.aclose()
    assert order[0] is Priority.KILL


async def test_an_address_where_no_redis_is_says_so(server: RedisServer) -> None:
    window = RedisWindow("redis://:secret@127.0.0.1:1/0", "one", 20.0, 1)
    with pytest.raises(BudgetUnreachable) as raised:
        await window.take(1)
    await window.aclose()
    assert "secret" not in str(raised.value)


def test_nothing_of_it_is_imported_without() -> None:
    code = (
        "import sys, airflow_provider_ops.hooks.onvera, airflow_provider_ops.triggers.operation;"
        "print(sorted({'redis', 'throttled'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
