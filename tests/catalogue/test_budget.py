"""Every spec of the catalogue: its budget holds for all that is sent on a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.http.async_client import AsyncClient
from tests.catalogue.parts import specs_with, start

if TYPE_CHECKING:
    from airflow_provider_ops.testing import VirtualClock
    from tests.catalogue.parts import Hook

READS = 30


async def seconds_of_reads(hook: Hook, clock: VirtualClock) -> float:
    """Return the seconds that reads take which are all wanted at once."""
    operation_id = (await asyncio.to_thread(start, hook)).handle.operation_id or ""
    client = AsyncClient(hook.api, hook.settings(), clock)
    try:
        began = clock.time()
        await asyncio.gather(*(client.send(hook.api.get_operation(operation_id)) for _ in range(READS)))
        return clock.time() - began
    finally:
        await client.aclose()


@pytest.mark.parametrize("hook", specs_with(lambda spec: spec.budget), indirect=True)
async def test_requests_keep_to_the_budget(hook: Hook, virtual_time: VirtualClock) -> None:
    budget = hook.api.requests_per_second or 0.0
    # those of the first second may leave at once
    assert await seconds_of_reads(hook, virtual_time) >= (READS - 1) / budget - 1
