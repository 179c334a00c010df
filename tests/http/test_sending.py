"""Both clients against the simulator over real sockets: what is sent again, what never is, and what an answer means."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.onvera import API, create_deployment
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidRequest,
    NotFound,
    OpsError,
    RateLimited,
    ServerError,
    TransportError,
)
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.clock import SystemClock
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.testing import (
    drop_answer,
    fail_first,
    hang,
    html,
    rate_limited,
    reset_connection,
    trickle,
    truncated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

CREATE = create_deployment("airflow", "one")
LIST = API.list_deployments().first

Send = "Callable[..., Any]"


@pytest.fixture(params=["sync", "async"])
def send(
    request: pytest.FixtureRequest, settings: Callable[..., Settings], world_clock: VirtualClock
) -> Callable[..., Any]:
    """Send calls with either client; the answer of the last one."""

    def go(*calls: Any, reload: Settings | None = None, clock: Any = None, once: bool = False, **options: Any) -> Any:
        clock = clock or world_clock
        if request.param == "sync":
            with BlockingClient(API, settings(**options), clock, reload=(lambda: reload) if reload else None) as client:
                return [(client.send_once if once else client.send)(call) for call in calls][-1]

        async def areload() -> Any:
            return reload

        async def ago() -> Any:
            client = AsyncClient(API, settings(**options), clock, reload=areload if reload else None)
            try:
                return [await (client.send_once if once else client.send)(call) for call in calls][-1]
            finally:
                await client.aclose()

        return asyncio.run(ago())

    return go


def created(world: SimulatorServer) -> int:
    return int(world.stats()["by_api"]["onvera"]["created"])


def posts(world: SimulatorServer) -> int:
    return sum(count for route, count in world.stats()["by_route"].items() if route.startswith("POST "))


def times(world: SimulatorServer) -> list[float]:
    return [datetime.fromisoformat(one["at"].replace("Z", "+00:00")).timestamp() for one in world.requests()]


# -- writes are sent once


@pytest.mark.parametrize(
    ("fault", "error", "carried_out"),
    [
        (reset_connection(), TransportError, 0),
        (drop_answer(), TransportError, 1),
        (fail_first(1, status=503), ServerError, 0),
        (fail_first(1, status=500), ServerError, 0),
        (rate_limited(), RateLimited, 0),
        (html(status=502), ServerError, 0),
        (html(), TransportError, 0),
        (truncated(), TransportError, 1),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else None,
)
def test_a_post_is_sent_once_whatever_happens(
    send: Any, world: SimulatorServer, fault: Any, error: type[OpsError], carried_out: int
) -> None:
    world.faults(fault)
    with pytest.raises(error) as caught:
        send(CREATE)
    assert posts(world) == 1
    assert created(world) == carried_out
    if isinstance(caught.value, TransportError):
        assert caught.value.maybe_executed


def test_a_post_that_hangs_is_sent_once_and_may_have_been_carried_out(
    send: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(hang(0.5, execute=True))
    with pytest.raises(TransportError) as caught:
        send(CREATE, base_url=operations_simulator.base_url("onvera"), timeout=0.2, clock=SystemClock())
    assert caught.value.reason in ("timeout", "reset")
    assert caught.value.maybe_executed
    assert posts(operations_simulator) == 1


@pytest.mark.parametrize(
    "fault",
    [
        reset_connection(2),
        drop_answer(2, method="GET"),
        fail_first(3, status=503),
        fail_first(1, status=500),
        rate_limited(2),
        rate_limited(2, retry_after={"date_in": 3}),
        html(2),
        truncated(2),
    ],
    ids=lambda fault: fault["fault"] + str(fault.get("status", "")),
)
def test_a_read_is_sent_again_until_it_is_answered(send: Any, world: SimulatorServer, fault: Any) -> None:
    world.faults(fault)
    assert send(LIST).items == []
    assert world.stats()["requests"] == fault["count"] + 1


def test_a_read_that_looks_once_is_sent_once(send: Any, world: SimulatorServer) -> None:
    world.faults(fail_first(1))
    with pytest.raises(ServerError):
        send(LIST, once=True)
    assert world.stats()["requests"] == 1


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (400, InvalidRequest), (401, AuthenticationError)])
def test_a_read_that_is_refused_is_sent_once(
    send: Any, world: SimulatorServer, status: int, error: type[OpsError]
) -> None:
    world.faults(fail_first(5, status=status))
    with pytest.raises(error):
        send(LIST)
    assert world.stats()["requests"] == 1


# -- what goes wrong on the way


def test_no_such_host(send: Any) -> None:
    with pytest.raises(TransportError) as caught:
        send(LIST, base_url="https://no-such-host.invalid/api/v1")
    assert (caught.value.reason, caught.value.maybe_executed) == ("dns", False)


def test_nobody_listens(send: Any) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        send(CREATE, base_url=f"http://127.0.0.1:{port}")
    assert (caught.value.reason, caught.value.maybe_executed) == ("connect", False)


def test_a_server_that_does_not_speak_tls(send: Any, world: SimulatorServer) -> None:
    with pytest.raises(TransportError) as caught:
        send(CREATE, base_url=world.base_url("onvera").replace("http:", "https:"))
    assert (caught.value.reason, caught.value.maybe_executed) == ("tls", False)


@pytest.fixture
def dribbling_server() -> Iterator[str]:
    """Sends an answer one byte at a time, for ever; each read of the client is quick."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                    while not stop.wait(0.02):
                        peer.sendall(b" ")
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    stop.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_an_answer_that_never_ends_is_given_up(send: Any, dribbling_server: str) -> None:
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        send(CREATE, base_url=dribbling_server, timeout=0.15, clock=SystemClock())
    assert time.monotonic() - began < 60
    assert caught.value.reason == "timeout"
    assert caught.value.maybe_executed


def test_an_answer_in_small_pieces_is_read(send: Any, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(trickle(0.2))
    options = {"base_url": operations_simulator.base_url("onvera"), "clock": SystemClock()}
    assert send(CREATE, **options).operation_id
    assert posts(operations_simulator) == 1


# -- pace


def test_the_budget_of_a_connection_holds_in_every_window_of_a_second(send: Any, world: SimulatorServer) -> None:
    send(*[LIST] * 40, requests_per_second=7)
    went = times(world)
    assert len(went) == 40
    # the simulator notes whole milliseconds
    assert max(sum(1 for other in went if at <= other < at + 0.998) for at in went) <= 7
    assert went[-1] - went[0] < 8, "a budget is to be used"


@pytest.mark.parametrize("budget", [2.5, 0.5, 1.5])
def test_a_budget_that_is_no_whole_number_is_held_as_well(send: Any, world: SimulatorServer, budget: float) -> None:
    send(*[LIST] * 12, requests_per_second=budget)
    went = times(world)
    assert max(sum(1 for other in went if at <= other < at + 0.998) for at in went) <= -(-budget // 1)
    assert (len(went) - 1) / (went[-1] - went[0]) <= budget * 1.01


@pytest.mark.parametrize("asked", [30, {"date_in": 30}, {"ms": 30_000}])
def test_retry_after_pauses_the_whole_connection(send: Any, world: SimulatorServer, asked: Any) -> None:
    world.faults(rate_limited(1, retry_after=asked, route="/environments"))
    send(API.list_environments().first, LIST)
    first, *others = times(world)
    assert len(others) == 2
    assert all(at - first >= 29 for at in others)


# -- keys rotate

OLD_KEY, NEW_KEY = "invalid-key-of-yesterday", "key-of-today"


def test_a_key_that_changed_in_the_connection_meanwhile_is_used(
    send: Any, world: SimulatorServer, settings: Callable[..., Settings]
) -> None:
    send(CREATE, LIST, key=OLD_KEY, reload=settings(key=NEW_KEY))
    assert [one["status"] for one in world.requests()] == [401, 202, 200]
    assert created(world) == 1


def test_a_key_that_did_not_change_is_not_tried_again(
    send: Any, world: SimulatorServer, settings: Callable[..., Settings]
) -> None:
    with pytest.raises(AuthenticationError):
        send(CREATE, key=OLD_KEY, reload=settings(key=OLD_KEY))
    assert world.stats()["requests"] == 1


async def test_a_thousand_waits_refused_together_ask_airflow_for_the_key_once(
    world: SimulatorServer, settings: Callable[..., Settings], world_clock: VirtualClock
) -> None:
    asked = 0

    async def reload() -> Settings:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return settings(key=OLD_KEY)

    client = AsyncClient(API, settings(key=OLD_KEY), world_clock, reload=reload)
    try:
        answers = await asyncio.gather(*(client.send_once(LIST) for _ in range(50)), return_exceptions=True)
    finally:
        await client.aclose()
    assert {type(answer) for answer in answers} == {AuthenticationError}
    assert asked == 1


async def test_one_new_key_serves_all_who_were_refused(
    world: SimulatorServer, settings: Callable[..., Settings], world_clock: VirtualClock
) -> None:
    async def reload() -> Settings:
        return settings(key=NEW_KEY)

    client = AsyncClient(API, settings(key=OLD_KEY), world_clock, reload=reload)
    try:
        pages = await asyncio.gather(*(client.send_once(LIST) for _ in range(10)))
    finally:
        await client.aclose()
    assert all(page.items == [] for page in pages)


# -- what is left


def test_a_client_keeps_at_most_twenty_sockets_and_none_after_it_is_closed(
    world: SimulatorServer, settings: Callable[..., Settings], world_clock: VirtualClock
) -> None:
    async def many() -> None:
        client = AsyncClient(API, settings(timeout=30), world_clock)
        try:
            await asyncio.gather(*(client.send(LIST) for _ in range(200)))
        finally:
            await client.aclose()

    asyncio.run(many())
    stats = world.stats()
    assert stats["requests"] == 200
    assert stats["connections_open_peak"] <= 20
    deadline = time.monotonic() + 2
    while world.stats()["connections_open"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.stats()["connections_open"] == 0


def test_a_repr_of_a_client_does_not_show_the_key(settings: Callable[..., Settings]) -> None:
    with BlockingClient(API, settings(key="sk-leak-canary")) as client:
        assert "sk-leak-canary" not in repr(client) + repr(client.settings) + repr(vars(client))
