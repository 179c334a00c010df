from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from airflow_provider_ops.hooks.lookup import ahook_for
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.polling.leases import invalidate
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


def connection(status: str) -> str:
    spec = {
        "name": "jobs",
        "base_url": "http://127.0.0.1:9/v1",
        "submit": {"operation_id": "/id"},
        "operation": {"get": "GET /jobs/{operation_id}", "status": status, "states": {"succeeded": ["done"]}},
    }
    return json.dumps({"conn_type": "operations", "password": "a-test-key", "extra": {"api": spec}})


async def test_a_mended_spec_serves_new_waits_while_older_ones_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", connection("/stat"))
    before = await ahook_for("jobs", "jobs")
    async with before.aclient() as older:
        invalidate(("", "jobs"))
        assert await ahook_for("jobs", "jobs") is before
        monkeypatch.setenv("AIRFLOW_CONN_JOBS", connection("/status"))
        invalidate(("", "jobs"))
        after = await ahook_for("jobs", "jobs")
        async with after.aclient() as newer:
            assert (older.api, newer.api) == (before.api, after.api)
    assert after.api.spec_hash != before.api.spec_hash
