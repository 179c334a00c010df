"""The places where the portal must not be used, and in which thread what is done."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import AuthenticationError, ConfigurationError, OpsError
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.portal import portal
from airflow_provider_ops.http.portal_call import PortalCall
from airflow_provider_ops.http.settings import Settings
from tests.http.portal.serving import LOOK, Server, settle

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(320)


async def test_code_on_an_event_loop_is_told_what_to_use_instead(server: Server) -> None:
    client = BlockingClient(API, Settings("c", server.url, "a-key"))
    with pytest.raises(ConfigurationError, match="await the method whose name begins with 'a'"):
        client.send_once(LOOK)
    client.close()
    assert server.seen == []


def test_its_own_thread_is_refused_instead_of_waiting_for_itself(server: Server, client: BlockingClient) -> None:
    async def call_in(_call: PortalCall[int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 1) + client.send_once(LOOK)

    with pytest.raises(ConfigurationError, match="would wait for itself"):
        portal().call(call_in)


def test_what_needs_airflow_is_done_in_the_callers_thread(server: Server) -> None:
    server.status = 401
    places: list[int] = []

    def reload() -> Settings:
        places.append(threading.get_ident())
        server.status = 200
        return Settings("c", server.url, "another-key")

    with BlockingClient(API, Settings("c", server.url, "a-key"), reload=reload) as client:
        assert client.send_once(LOOK) == 200
        assert client.settings.key == "another-key"

        lines: list[tuple[str, int]] = []

        async def work(_client: Any, post: Callable[[Callable[[], None]], None]) -> None:
            for line in "abc":
                post(lambda line=line: lines.append((line, threading.get_ident())))  # type: ignore[misc]

        client.drive_posting(work)
    here = threading.get_ident()
    assert places == [here]
    assert lines == [("a", here), ("b", here), ("c", here)]


def test_a_look_up_that_fails_is_an_error_of_the_call(server: Server) -> None:
    server.status = 401

    def reload() -> Settings:
        raise OpsError("no secrets backend")

    with BlockingClient(API, Settings("c", server.url, "a-key"), reload=reload) as client:
        with pytest.raises(OpsError, match="no secrets backend"):
            client.send_once(LOOK)
        with pytest.raises(AuthenticationError):
            client.send_once(LOOK)


def test_a_client_that_nobody_has_any_more_is_closed(server: Server) -> None:
    client = BlockingClient(API, Settings("c", server.url, "a-key"))
    client.send_once(LOOK)
    assert server._tasks
    del client
    gc.collect()
    assert settle(lambda: not server._tasks)
