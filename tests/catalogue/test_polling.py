"""Every spec of the catalogue: a thousand waits cost no more requests than its way of looking allows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.specs import load
from tests.catalogue.parts import NAMES, hook_of, request_of

if TYPE_CHECKING:
    from airflow_provider_ops.apis.submits import Submitted
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

DURATION, INTERVAL = 60.0, 5.0
#: The bench's bound for pages of a hundred: a fortieth of what as many waits ask for that each poll by themselves.
SHARE, ENTRIES = 40, 100
#: Waits where one request shows many of them.
MANY = 1000
#: And where each costs what it costs alone, however many there are.
FEW = 100
#: Polls of a wait beyond one in each interval: at its beginning, and where a pause is a little shorter.
_MARGIN = 2


def entries_together(spec: ApiSpec) -> int:
    """Return how many operations one request shows, by what the spec says; 0 where each is read by itself."""
    lists, paging = spec.lists, spec.paging
    sizes = [lists.by_ids.max] if lists and lists.by_ids else []
    if lists and lists.open:
        sizes.append((paging.page_size or paging.limit or ENTRIES) if paging else ENTRIES)
    return max(sizes, default=0)


def most_requests(waits: int, entries: int) -> float:
    """Return the requests that so many waits may cost."""
    polls = DURATION / INTERVAL
    return waits * polls / SHARE * ENTRIES / entries if entries else waits * (polls + _MARGIN)


async def started(client: AsyncClient, api: Any, number: int) -> str:
    """Return the id of a new operation, on a resource of its own."""
    method, path = request_of(api.spec)
    before, found, after = path.rpartition("x1")
    submit = api.request(method, f"{before}n{number}{after}" if found else path, json={})
    answer: Submitted = await client.send(api.with_idempotency_key(submit, f"key-{number:028}"))
    return answer.operation_id


@pytest.mark.parametrize("name", NAMES)
async def test_a_thousand_waits_stay_within_the_bound(
    name: str, operations_simulator: SimulatorServer, virtual_time: VirtualClock
) -> None:
    # a budget would hold the waits back; it has a test of its own
    spec = load(name).model_copy(update={"budget": None})
    entries = entries_together(spec)
    count = MANY if entries else FEW
    operations_simulator.add(spec)
    operations_simulator.duration = DURATION
    hook = hook_of(spec, operations_simulator.base_url(name))
    client = AsyncClient(hook.api, hook.settings(), virtual_time)
    try:
        ids = await asyncio.gather(*(started(client, hook.api, number) for number in range(count)))
        before, now = operations_simulator.stats()["requests"], virtual_time.time()
        policy = hook.api.poll_policy("", INTERVAL)
        waits = [WaitState(one, now=now, policy=policy, deadline=now + 600) for one in ids]
        await asyncio.gather(*(apoll_until_done(client, [one], lambda _: None) for one in waits))
        ends = [one.outcome.operation.state for one in waits if isinstance(one.outcome, Settled)]
        assert ends == [OperationState.SUCCEEDED] * count
        assert len(set(ids)) == count
        assert operations_simulator.stats()["requests"] - before <= most_requests(count, entries)
    finally:
        await client.aclose()
