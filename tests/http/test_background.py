"""A limit of time, a cancellation that comes with the result or the limit, and work that nobody holds."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref

import pytest

from airflow_provider_ops.http.background import create_background_task, time_limit


async def test_a_limit_ends_what_takes_longer() -> None:
    with pytest.raises(asyncio.TimeoutError):
        with time_limit(0.01):
            await asyncio.sleep(10)


async def test_a_cancellation_that_comes_with_the_result_is_not_forgotten() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def ask() -> int:
        with time_limit(5):
            return await answer

    async def go_on() -> None:
        await ask()
        await asyncio.sleep(0)
        raise AssertionError("it was told to stop")

    task = asyncio.ensure_future(go_on())
    await asyncio.sleep(0)
    answer.set_result(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_comes_with_the_limit_is_not_forgotten() -> None:
    async def ask() -> None:
        task = asyncio.current_task()
        assert task is not None
        with time_limit(0.0):
            asyncio.get_running_loop().call_later(0.0, task.cancel)
            await asyncio.sleep(10)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(ask())


async def test_a_limit_that_has_passed_leaves_the_task_as_it_was() -> None:
    """Inside of another limit, as the one attempt of a request inside of a kill."""
    with time_limit(30.0):
        with pytest.raises(asyncio.TimeoutError):
            with time_limit(0.0):
                await asyncio.sleep(10)
        await asyncio.sleep(0)
    if sys.version_info >= (3, 11):
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()


async def test_a_cancellation_of_what_is_awaited_with_the_limit_is_not_forgotten() -> None:
    """Awaited is a task: another cancellation reaches that, and ends it once."""

    async def ask() -> None:
        task = asyncio.current_task()
        assert task is not None
        with time_limit(0.0):
            asyncio.get_running_loop().call_later(0.0, task.cancel)
            await asyncio.ensure_future(asyncio.sleep(10))

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(ask())


async def test_background_work_goes_on_although_nobody_holds_it() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    work = weakref.ref(create_background_task(wait()))
    await asyncio.sleep(0)
    gc.collect()
    task = work()
    assert task is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
