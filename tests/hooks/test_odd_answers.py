"""The corpus of odd answers over real sockets, as a task, a trigger and the command line meet it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import stamina

from airflow_provider_ops.cli.__main__ import main
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.triggers.operation import OperationTrigger
from tests.http.odd_answers import ID, odd_answers

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = odd_answers()
#: Every so many of the corpus for what takes longer.
SOME = dict(list(CORPUS.items())[::8])


class Server:
    """Answers each request with some bytes, and then hangs up."""

    def __init__(self) -> None:
        self.answer, self.url = b"", ""
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/v1"
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        listening.close()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            await writer.drain()
        writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def _one_try() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


def connection(server: Server, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    # one of its own for each: what one answer asks for must not hold up the next
    conn = {"conn_type": "onvera", "host": server.url, "password": "a-key", "extra": {"timeout": 2}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(conn))
    return name


@pytest.mark.timeout(600)
def test_a_hook_on_a_worker(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, (name, data) in enumerate(CORPUS.items()):
        server.answer = data
        hook = OnveraHook(connection(server, f"odd_{number}", monkeypatch))
        result: Any
        try:
            result = hook.get_operation(ID)
        except OpsError as error:
            result = error
        hook.close()
        assert isinstance(result, OpsError) or result.id == ID, name


@pytest.mark.timeout(600)
def test_a_trigger(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def event(conn_id: str) -> Any:
        trigger = OperationTrigger(conn_id, [ID], deadline=0.0, api="onvera")
        return await asyncio.wait_for(anext(trigger.run()), 60)

    for number, (name, data) in enumerate(SOME.items()):
        server.answer = data
        payload = asyncio.run(event(connection(server, f"trigger_{number}", monkeypatch))).payload
        assert json.loads(json.dumps(payload, allow_nan=False)) == payload, name


@pytest.mark.timeout(600)
def test_the_command_line(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (name, data) in enumerate(SOME.items()):
        server.answer = data
        with contextlib.suppress(SystemExit):
            main(["status", ID, "--conn-id", connection(server, f"cli_{number}", monkeypatch)])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err, name
        assert printed.out + printed.err, name


def test_what_a_good_answer_is(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = CORPUS["one chunk"]
    assert isinstance(OnveraHook(connection(server, "odd_good", monkeypatch)).get_operation(ID), Operation)
