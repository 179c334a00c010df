"""An entry of a list that leaves out how its operation has ended decides nothing: one read does."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.core.wait_state import Settled, WaitState
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.polling.settled_feed import settled_feed_of
from airflow_provider_ops.polling.waits import apoll_until_done
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.testing import VirtualClock
from tests.apis.answers import answer
from tests.played import Played, Request, reply

SPEC = """
name: z
base_url: http://127.0.0.1:8099
auth: none
submit: {operation_id: $response.body#/op}
calls: [{request: POST /jobs, kind: a.b}]
operation:
  get: "GET /ops/{operation_id}"
  id: /id
  status: /done
  states: {running: [false, null], ended: true}
  verdict: {status: /error, states: {succeeded: null, failed: "*"}}
  error: {message: /error/message}
  created_at: /at
lists: {entries: /ops, LISTS}
"""
LISTS = {
    "open": "open: GET /ops",
    "recent": 'open: "GET /ops?done=false", recent: "GET /ops?done=true"',
    "by ids": 'by_ids: {request: "GET /some?id={ids}", max: 50}',
}
ENDED = {f"op_{number}": number % 2 == 0 for number in range(40)}


def api(lists: str) -> DescribedApi:
    return DescribedApi(ApiSpec.from_yaml(SPEC.replace("LISTS", lists)))


class Server:
    """Operations of which all have ended, every other one well; lists leave out how."""

    def __init__(self, **shown: Any) -> None:
        self.reads: Counter[str] = Counter()
        self.shown = shown

    def __call__(self, request: Request) -> bytes:
        name = request.path.rpartition("/")[2]
        if name in ENDED:
            self.reads[name] += 1
            error = None if ENDED[name] else {"message": "broken"}
            return reply(json={"id": name, "done": True, "error": error, "at": 1_000_000_000})
        at_all = request.query.get("done") != "false"
        listed = [{"id": one, "done": True, "at": 1_000_000_000, **self.shown} for one in ENDED if at_all]
        return reply(json={"ops": listed})


async def settled(server: Server, lists: str, clock: VirtualClock) -> list[OperationState]:
    settings = Settings("z", "http://127.0.0.1:8099", "any-key")
    client = AsyncClient(api(lists), settings, clock, backend=Played(server))
    now, policy = clock.time(), client.api.poll_policy("")
    waits = [WaitState(name, now=now, policy=policy, deadline=now + 600) for name in ENDED]
    await asyncio.gather(*(apoll_until_done(client, [wait], lambda _: None) for wait in waits))
    await client.aclose()
    return [wait.outcome.operation.state for wait in waits if isinstance(wait.outcome, Settled)]


@pytest.mark.parametrize("lists", LISTS.values(), ids=LISTS)
async def test_one_read_decides_what_the_entry_leaves_out(lists: str, virtual_time: VirtualClock) -> None:
    server = Server()
    found = await settled(server, lists, virtual_time)
    assert found == [OperationState.SUCCEEDED if ended else OperationState.FAILED for ended in ENDED.values()]
    assert server.reads == dict.fromkeys(ENDED, 1)


@pytest.mark.parametrize("lists", LISTS.values(), ids=LISTS)
async def test_null_where_the_verdict_is_read_decides_without_a_read(lists: str, virtual_time: VirtualClock) -> None:
    server = Server(error=None)
    assert await settled(server, lists, virtual_time) == [OperationState.SUCCEEDED] * 40
    assert not server.reads


async def test_the_feed_of_what_settles_reads_them_as_well(virtual_time: VirtualClock) -> None:
    server = Server()
    settings = Settings("z", "http://127.0.0.1:8099", "any-key")
    client = AsyncClient(api(LISTS["recent"]), settings, virtual_time, backend=Played(server))
    feed, who = settled_feed_of(client), VirtualClock()
    feed.subscribe(who, 0.0)
    for _ in range(3):
        found = (await feed.poll()).ended
    await client.aclose()
    assert {one.operation.id: one.operation.state is OperationState.SUCCEEDED for one in found} == ENDED
    assert server.reads == dict.fromkeys(ENDED, 1)


@pytest.mark.parametrize(
    ("entry", "is_decided"),
    [
        ({"done": True}, False),
        ({"done": True, "error": None}, True),
        ({"done": True, "error": {"message": "broken"}}, True),
        ({"done": False}, True),
    ],
)
def test_a_list_for_people_shows_no_verdict_that_is_not_there(entry: dict[str, Any], is_decided: bool) -> None:
    found = api(LISTS["open"]).list_operations().first.parse(answer({"ops": [{"id": "op_1", **entry}]}))
    assert (found.items[0].state is not OperationState.UNKNOWN) is is_decided
    assert json.dumps(found.items[0].to_dict())
