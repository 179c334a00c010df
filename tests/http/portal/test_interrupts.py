"""Calls through the portal, and their interruption by signals."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import threading
from typing import Any

import pytest

from airflow_provider_ops.apis.calls import Call, Request
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.portal import portal
from airflow_provider_ops.http.portal_call import PortalCall
from tests.http.portal.serving import LOOK, START, Interrupted, Server, interrupting, nothing, settle, tasks_on_the_loop

pytestmark = pytest.mark.timeout(320)


def test_a_call_returns_what_the_work_returns_and_raises_what_it_raises() -> None:
    async def fail(_call: PortalCall[int]) -> int:
        raise OpsError("no")

    assert portal().call(nothing) == 7
    with pytest.raises(OpsError, match="no"):
        portal().call(fail)


def test_there_is_one_portal_however_many_ask_at_once() -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(portal())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(one) for one in found} == {id(portal())}


# raised into somebody's callback of the garbage collector, it is swallowed there
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_interruption_at_any_microsecond_leaves_nothing_behind_and_knows_what_was_sent(
    server: Server, client: BlockingClient, method: str, times: int
) -> None:
    draw, server.pause = random.Random(times), 0.002
    client.send_once(LOOK)
    deliveries: dict[str, Delivery] = {}
    for number in range(60):
        path, delivery = f"/x{number}", Delivery()
        call = Call(Request(method, path, path), lambda response: response.status)
        deliveries[f"{method} /api/v1{path}"] = delivery
        try:
            with interrupting(draw.uniform(1e-6, 6e-3), times=times):
                client.send_once(call, delivery=delivery)
        except Interrupted:
            continue
    # all that was interrupted has ended, and the portal serves on
    assert settle(lambda: tasks_on_the_loop() <= 2)
    server.pause = 0.0
    assert client.send_once(LOOK) == 200
    for what, delivery in deliveries.items():
        assert server.seen.count(what) <= 1
        # what the server has got is never taken for unsent
        assert delivery.has_begun or what not in server.seen


def test_what_was_interrupted_before_it_began_never_leaves(server: Server, client: BlockingClient) -> None:
    client.send_once(LOOK)
    call: PortalCall[int] = PortalCall(lambda _: client._open().client.send_once(START))
    call.abandon(portal().loop)
    portal().loop.call_soon_threadsafe(call.start)
    assert client.send_once(LOOK) == 200
    assert not any(what.startswith("POST") for what in server.seen)


def test_an_interrupted_caller_waits_for_the_end_of_its_work_but_not_for_ever() -> None:
    ended: list[str] = []

    async def stubborn(_call: PortalCall[None]) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("told")
            await asyncio.sleep(3)
            ended.append("late")

    with pytest.raises(Interrupted):
        with interrupting(0.05):
            portal().call(stubborn)
    assert ended == ["told"]


def test_how_work_ends_whose_caller_has_gone_is_no_complaint_of_the_loop() -> None:
    """The loop complains in the task's log, with a traceback, about errors that nobody asks for."""
    complaints: list[str] = []
    ended = threading.Event()
    loop = portal().loop

    async def fails_when_cancelled(_call: PortalCall[None]) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise OpsError("it was held back") from None

    async def collect() -> None:
        gc.collect()
        ended.set()

    loop.set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    try:
        with pytest.raises(Interrupted):
            with interrupting(0.05):
                portal().call(fails_when_cancelled)
        asyncio.run_coroutine_threadsafe(collect(), loop)
        assert ended.wait(30)
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


def test_a_signal_handler_may_call_in_while_a_call_is_under_way(server: Server, client: BlockingClient) -> None:
    answers: list[int] = []
    server.pause = 0.2

    def handler(*_args: object) -> None:
        answers.append(client.send_once(LOOK))

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        assert client.send_once(LOOK) == 200
    finally:
        signal.signal(signal.SIGALRM, before)
    assert answers == [200]


def test_signals_interrupt_the_main_thread_and_no_other(server: Server, client: BlockingClient) -> None:
    server.pause = 30.0
    killer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGALRM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    killer.start()
    with pytest.raises(Interrupted):
        with interrupting(0.0):
            client.send_once(LOOK)
    killer.join()
