from __future__ import annotations

import asyncio
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.http.rate_limiter import Priority, RateLimiter, shared_limiter
from airflow_provider_ops.http.request_queue import PauseTooLong, RequestQueue
from airflow_provider_ops.testing import VirtualClock

START = 1_760_000_000.0


@given(st.floats(0.05, 50), st.lists(st.floats(0, 2), max_size=80))
def test_no_second_has_more_requests_than_the_budget(budget: float, gaps: list[float]) -> None:
    limiter, now, went = RateLimiter(budget), START, []
    for gap in gaps:
        now += gap
        while delay := limiter.try_acquire(now):
            assert delay > 0
            now += delay
        went.append(now)
    for at in went:
        # the budget counts whole milliseconds
        assert sum(1 for other in went if at <= other < at + 0.999) <= -(-budget // 1)


@given(st.integers(1, 20), st.lists(st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)), min_size=1, max_size=80))
def test_no_second_of_the_api_has_more_however_long_requests_are_under_way(
    budget: int, ways: list[tuple[float, float]]
) -> None:
    limiter, now, came = RateLimiter(budget), START, []
    answers: list[tuple[float, float]] = []
    for there, back in ways:
        while True:
            while answers and answers[0][0] <= now:
                limiter.complete(answers.pop(0)[1], now)
            if not (delay := limiter.try_acquire(now)):
                break
            now += min(delay, max(answers[0][0] - now, 0.0)) if answers else delay
        came.append(now + there)
        answers = sorted([*answers, (now + there + min(back, 0.5 - there), now)])
        now += 0.0001
    assert all(sum(at <= other < at + 1.0 for other in came) <= budget for at in came)


def test_a_request_that_never_left_frees_its_place() -> None:
    limiter = RateLimiter(1)
    assert not limiter.try_acquire(START)
    assert limiter.try_acquire(START + 0.1)
    limiter.release(START)
    assert not limiter.try_acquire(START + 0.1)


def test_a_budget_is_nearly_used_up_when_answers_come_soon() -> None:
    limiter, now, count = RateLimiter(5), START, 0
    while now < START + 20:
        if delay := limiter.try_acquire(now):
            now += delay
        else:
            limiter.complete(now, now + 0.02)
            count, now = count + 1, now + 0.02
    assert count >= 19 * 5


def test_without_a_budget_nothing_waits() -> None:
    limiter = RateLimiter()
    assert [limiter.try_acquire(START) for _ in range(1000)] == [0.0] * 1000


def test_a_pause_is_kept_by_everybody_and_not_shortened_by_a_later_shorter_one() -> None:
    limiter = RateLimiter()
    limiter.on_response(START, 503, 30.0)
    limiter.on_response(START, 503, 5.0)
    assert limiter.try_acquire(START + 10) == 20
    assert limiter.try_acquire(START + 30) == 0


def test_a_pause_does_not_use_up_the_budget() -> None:
    limiter = RateLimiter(1)
    limiter.on_response(START, 503, 30.0)
    for _ in range(10):
        assert limiter.try_acquire(START + 1) == 29
    assert limiter.try_acquire(START + 30) == 0


def went(limiter: RateLimiter, start: float, seconds: float) -> list[float]:
    """When requests may go that are always wanted."""
    now, found = start, []
    while now < start + seconds:
        if delay := limiter.try_acquire(now):
            now += max(delay, 0.001)
        else:
            found.append(now)
            now += 0.001
    return found


def test_after_a_refusal_everybody_pauses_and_the_pace_recovers_gradually() -> None:
    limiter = RateLimiter()
    before = went(limiter, START, 1.0)
    limiter.on_response(START + 1, 429, 5.0)
    after = went(limiter, START + 1, 40.0)
    assert after[0] >= START + 6
    first, later = (sum(START + 6 + at <= one < START + 7 + at for one in after) for at in (0, 5))
    assert 0 < first <= len(before) * 0.7
    assert first < later
    assert sum(one >= START + 39 for one in after) >= len(before)


def test_refusals_one_after_the_other_leave_enough_for_a_scan() -> None:
    limiter, now = RateLimiter(), START
    went(limiter, now, 1.0)
    for _ in range(5):
        # the first request after each pause is refused again
        limiter.on_response(now, 429, 2.0)
        while delay := limiter.try_acquire(now):
            now += delay
    assert len(went(limiter, now, 5.0)) >= 10


@pytest.mark.parametrize("quiet", [2.0, 30.0])
def test_quiet_seconds_before_a_refusal_do_not_slow_the_next_burst_down(quiet: float) -> None:
    limiter = RateLimiter()
    # a scan of 40 pages, and then nothing but the request that is refused
    assert [limiter.try_acquire(START + at / 100) for at in range(40)] == [0.0] * 40
    limiter.try_acquire(START + quiet)
    limiter.on_response(START + quiet, 429, 5.0)
    again = went(limiter, START + quiet + 5.0, 3.0)
    assert len(again) >= 40
    # and half as fast as before at first
    assert sum(at < again[0] + 1.0 for at in again) <= 25


def test_a_pause_that_was_too_short_slows_no_further() -> None:
    limiter, now = RateLimiter(), START
    went(limiter, now, 0.04)
    for _ in range(4):
        limiter.on_response(now, 429, 5.0)
        now += 5.0
        assert not limiter.try_acquire(now)
    assert len(went(limiter, now, 3.0)) >= 40


def test_refusals_in_the_middle_of_a_recovery_slow_down_further() -> None:
    limiter, now, counts = RateLimiter(), START, []
    went(limiter, now, 1.0)
    for _ in range(4):
        limiter.on_response(now, 429, 2.0)
        counts.append(len(went(limiter, now + 2.0, 1.0)))
        now += 3.0
    assert counts[3] < counts[2] < counts[1] < counts[0]


def test_many_refusals_at_once_are_one() -> None:
    once, often = RateLimiter(), RateLimiter()
    for limiter, times in ((once, 1), (often, 10)):
        went(limiter, START, 1.0)
        for number in range(times):
            # the later they arrive, the fewer requests have left within the second before
            later = number * 0.1
            limiter.on_response(START + 1 + later, 429, 5.0 - later)
    assert len(went(often, START + 6, 5.0)) == len(went(once, START + 6, 5.0))


def test_a_refusal_that_does_not_say_how_long_pauses_a_little() -> None:
    limiter = RateLimiter()
    limiter.on_response(START, 429, None)
    assert 0 < limiter.try_acquire(START) <= 2


def test_other_answers_change_nothing() -> None:
    limiter = RateLimiter()
    for status in (200, 404, 500, 503):
        limiter.on_response(START, status, None)
    assert limiter.try_acquire(START) == 0


def test_clients_of_one_connection_share_its_pace() -> None:
    one = shared_limiter(5.0, SystemClock(), "conn", "https://a")
    assert shared_limiter(5.0, SystemClock(), "conn", "https://a") is one
    assert shared_limiter(5.0, SystemClock(), "conn", "https://b") is not one
    assert shared_limiter(5.0, VirtualClock(), "conn", "https://a") is not one
    del one
    gc.collect()
    assert shared_limiter(5.0, SystemClock(), "conn", "https://a").try_acquire(START) == 0


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_what_changes_something_goes_first_and_the_rest_in_order(clock: VirtualClock) -> None:
    queue, order = RequestQueue(RateLimiter(1), clock), []

    async def one(name: str, priority: Priority) -> None:
        await queue.acquire(priority)
        order.append(name)

    tasks = [asyncio.ensure_future(one(f"read {i}", Priority.READ)) for i in range(4)]
    await asyncio.sleep(0)
    tasks += [asyncio.ensure_future(one(name, Priority.WRITE)) for name in ("submit", "cancel")]
    tasks.append(asyncio.ensure_future(one("kill", Priority.KILL)))
    await asyncio.gather(*tasks)
    assert order == ["read 0", "kill", "submit", "cancel", "read 1", "read 2", "read 3"]


@pytest.mark.parametrize("others", [Priority.WRITE, Priority.READ])
async def test_neither_writes_nor_reads_keep_pages_waiting(clock: VirtualClock, others: Priority) -> None:
    queue, order = RequestQueue(RateLimiter(1), clock), []

    async def one(priority: Priority) -> None:
        await queue.acquire(priority)
        order.append(priority)

    wanted = [others] * 5 + [Priority.PAGE] * 3 + [Priority.KILL]
    tasks = []
    for priority in wanted:
        tasks.append(asyncio.ensure_future(one(priority)))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    page = Priority.PAGE
    assert order == [others, Priority.KILL, page, others, page, others, page, others, others]


async def test_a_permit_that_a_busy_event_loop_has_let_grow_old_is_not_used(clock: VirtualClock) -> None:
    class Busy(RateLimiter):
        """Grants its second permit right before the event loop is held up."""

        granted = 0

        def try_acquire(self, now: float, priority: Priority = Priority.READ) -> float:
            delay = super().try_acquire(now, priority)
            if not delay:
                Busy.granted += 1
                if Busy.granted == 2:
                    asyncio.get_running_loop().call_soon(clock.advance, 0.1)
            return delay

    queue = RequestQueue(Busy(1), clock)
    await queue.acquire(Priority.READ)
    granted = await queue.acquire(Priority.READ)
    assert Busy.granted == 3
    assert clock.monotonic() - granted < 0.05


async def test_one_that_is_cancelled_takes_nobodys_turn(clock: VirtualClock) -> None:
    queue = RequestQueue(RateLimiter(1), clock)
    began = clock.time()
    tasks = [asyncio.ensure_future(queue.acquire(Priority.READ)) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks[1:49]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.time() - began < 3


async def test_a_pause_beyond_the_own_deadline_is_not_waited_for(clock: VirtualClock) -> None:
    limiter = RateLimiter()
    queue = RequestQueue(limiter, clock)
    limiter.on_response(clock.monotonic(), 503, 100.0)
    began = clock.monotonic()
    patient = asyncio.ensure_future(queue.acquire(Priority.READ, 500.0))
    with pytest.raises(PauseTooLong) as caught:
        await queue.acquire(Priority.READ, 10.0)
    assert caught.value.seconds > 10.0
    assert await patient >= began + 100.0


async def test_a_pause_that_begins_meanwhile_is_not_waited_for_either(clock: VirtualClock) -> None:
    limiter = RateLimiter(1)
    queue = RequestQueue(limiter, clock)
    await queue.acquire(Priority.READ)
    waiting = asyncio.ensure_future(queue.acquire(Priority.READ, 10.0))
    await asyncio.sleep(0)
    limiter.on_response(clock.monotonic(), 503, 100.0)
    with pytest.raises(PauseTooLong):
        await waiting


async def test_a_kill_waits_for_no_pause_not_even_behind_those_who_do(clock: VirtualClock) -> None:
    limiter = RateLimiter()
    queue = RequestQueue(limiter, clock)
    limiter.on_response(clock.monotonic(), 429, 100.0)
    began = clock.monotonic()
    others = [asyncio.ensure_future(queue.acquire(priority)) for priority in (Priority.READ, Priority.WRITE)]
    await asyncio.sleep(0)
    assert await queue.acquire(Priority.KILL, 1.0) == began
    assert min(await asyncio.gather(*others)) >= began + 100.0


async def test_a_kill_keeps_to_the_budget(clock: VirtualClock) -> None:
    limiter = RateLimiter(1)
    queue = RequestQueue(limiter, clock)
    limiter.on_response(clock.monotonic(), 503, 100.0)
    first = await queue.acquire(Priority.KILL)
    assert await queue.acquire(Priority.KILL) >= first + 1.0


async def test_closing_leaves_no_task_behind(clock: VirtualClock) -> None:
    limiter = RateLimiter()
    queue = RequestQueue(limiter, clock)
    limiter.on_response(clock.monotonic(), 503, 1e6)
    clock.auto = False
    waiting = asyncio.ensure_future(queue.acquire(Priority.READ))
    await asyncio.sleep(0)
    waiting.cancel()
    await queue.aclose()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
