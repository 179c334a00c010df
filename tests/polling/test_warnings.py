"""Lines about a wait that a person has to act on are logged as warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.polling.waits import poll_once, poll_until_done
from airflow_provider_ops.spec import ApiSpec
from tests.played import Played, Request, reply
from tests.spec.examples import JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import VirtualClock

SPEC = JOBS[: JOBS.index("lists:\n")].replace("  status: /status\n", "  status: /state\n")


@pytest.fixture
def client(virtual_time: VirtualClock) -> Iterator[BlockingClient]:
    def answer(_request: Request) -> bytes:
        return reply(json={"operation": {"id": "op_1", "status": "active"}})

    api = DescribedApi(ApiSpec.from_yaml(SPEC))
    settings = Settings("jobs", "http://127.0.0.1:8099", "any-key")
    with BlockingClient(api, settings, virtual_time, backend=Played(answer)) as made:
        yield made


@pytest.mark.parametrize("is_one_poll", [True, False])
def test_a_wrong_pointer_to_the_state_is_a_warning(
    client: BlockingClient, virtual_time: VirtualClock, *, is_one_poll: bool
) -> None:
    now = virtual_time.time()
    wait = WaitState("op_1", now=now, policy=client.api.poll_policy(""), deadline=now + 30)
    wait.words = client.api
    said, warned = list[str](), list[str]()
    if is_one_poll:
        poll_once(client, wait, said.append, warn=warned.append)
    else:
        poll_until_done(client, [wait], said.append, warn=warned.append)
    assert said == []
    (line,) = warned
    assert line.startswith("op_1: /state finds nothing in the answer of GET /operations/{operation_id}")
