from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.testing import VirtualClock

if TYPE_CHECKING:
    import pytest

    from airflow_provider_ops.hooks.base import OperationsHook


async def two_hooks() -> tuple[OperationsHook, OperationsHook]:
    return await ahook_for("onvera_default", "onvera"), await ahook_for("onvera_default", "onvera")


def test_all_waits_of_a_connection_on_an_event_loop_have_one_hook() -> None:
    first, second = asyncio.run(two_hooks())
    assert first is second


def test_triggers_live_by_the_clock_of_their_event_loop_and_not_by_one_that_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, _ = asyncio.run(two_hooks())
    assert isinstance(before.clock, SystemClock)
    clock = VirtualClock()
    monkeypatch.setattr("airflow_provider_ops.hooks.base.default_clock", lambda: clock)
    after, _ = asyncio.run(two_hooks())
    assert after.clock is clock
