"""A limit of time, and a cancellation that comes with the result."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_ops.client.tasks import time_limit


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
