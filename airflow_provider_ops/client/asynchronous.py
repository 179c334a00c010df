"""The client of triggers: the same calls on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import stamina

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.http import Call, Flow, Page, Paged, Pause, Request, Response
from airflow_provider_ops.client import answers, retries
from airflow_provider_ops.client.clock import Clock, SystemClock
from airflow_provider_ops.client.pace import Turns, shared_pace
from airflow_provider_ops.client.poller import Poller
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.client.tasks import time_limit
from airflow_provider_ops.client.wire import Wire
from airflow_provider_ops.exceptions import AuthenticationError

T = TypeVar("T")

#: Seconds between two looks for a new key in the Airflow connection after 401.
RELOAD_INTERVAL = 10.0
#: Of the sockets of a connection, those that only reads use; the rest is for long polls, submits and cancels.
_MOST_WIRES = 8


class AsyncClient:
    """Sends calls of one API with the settings of one connection, on one event loop."""

    def __init__(
        self,
        api: Api,
        settings: Settings,
        clock: Clock | None = None,
        reload: Callable[[], Awaitable[Settings]] | None = None,
    ) -> None:
        self.api = api
        self.settings = settings
        self.clock = clock or SystemClock()
        self._reload = reload
        self._reloaded_at = 0.0
        self._pace = shared_pace(settings.requests_per_second, self.clock, settings.conn_id, settings.base_url)
        self._turns = Turns(self._pace, self.clock)
        #: Looks for everybody who waits on this client.
        self.poller = Poller(self)
        options = answers.client_options(api, settings)
        # reads have sockets of their own; together they stay within what a connection may open
        if reads_go_by_wire := not answers.uses_proxy(settings):
            options["limits"] = answers.limits(answers.MOST_SOCKETS - _MOST_WIRES)
        self._http = httpx.AsyncClient(**options)
        self._wire = Wire(settings.base_url, options["verify"], _MOST_WIRES) if reads_go_by_wire else None

    async def send(self, call: Call[T], *, patience: float = retries.PATIENCE) -> T:
        """As :meth:`SyncClient.send`."""
        if not call.request.replayable:
            return await self.send_once(call)
        async for attempt in stamina.retry_context(**retries.options(patience)):
            with attempt:
                return await self.send_once(call)
        raise AssertionError  # pragma: no cover - stamina ends with the last error

    async def send_once(self, call: Call[T], *, until: float | None = None) -> T:
        """As :meth:`SyncClient.send_once`."""
        key = self.settings.key
        try:
            return await self._send(call, until)
        except AuthenticationError:
            if not await self._has_new_key(key):
                raise
            return await self._send(call, until)

    async def _has_new_key(self, old: str) -> bool:
        now = self.clock.time()
        if self.settings.key != old:
            return True
        # a thousand waits refused together must not ask Airflow a thousand times
        if self._reload is None or now - self._reloaded_at < RELOAD_INTERVAL:
            return False
        self._reloaded_at = now
        settings = await self._reload()
        self.settings = replace(self.settings, key=settings.key)
        self._http.headers.update(self.api.authenticate(settings.key))
        return settings.key != old

    async def _send(self, call: Call[T], until: float | None) -> T:
        asked = self.clock.time()
        turn = await self._turns.take(reads=call.request.reads, until=until)
        answers.check_pause(turn.refused, self.clock.time(), until)
        metrics.waited_for_turn(self.api.name, self.clock.time() - asked)
        try:
            with self.clock.busy():
                response = await self._exchange(call.request)
        finally:
            now = self.clock.time()
            self._pace.arrived(turn.at, now)
        self._pace.heard(now, response.status, answers.retry_after(response.headers, now))
        return answers.understand(self.api, call, response, now)

    async def run(self, flow: Flow[T]) -> T:
        """As :meth:`SyncClient.run`."""
        try:
            wish = next(flow)
            while True:
                try:
                    answer = await self._fulfil(wish)
                except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                    wish = flow.throw(error)
                else:
                    wish = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _fulfil(self, wish: Call[Any] | Pause) -> Any:
        if isinstance(wish, Pause):
            return await self.clock.asleep(wish.seconds)
        return await self.send(wish)

    async def items(self, paged: Paged[T]) -> AsyncIterator[T]:
        """As :meth:`SyncClient.items`."""
        call: Call[Page[T]] | None = paged.first
        while call is not None:
            page = await self.send(call)
            for item in page.items:
                yield item
            call = page.next

    async def aclose(self) -> None:
        """Close the sockets."""
        self._turns.close()
        if self._wire is not None:
            await self._wire.aclose()
        await self._http.aclose()

    async def _exchange(self, request: Request) -> Response:
        limit = answers.whole_answer_limit(self.settings, request)
        try:
            if self._wire is not None and request.method == "GET":
                return await self._get(self._wire, request, limit)
            options = answers.request_options(self.api, self.settings, request)
            with time_limit(limit):
                return await self._read(request, options)
        except (httpx.HTTPError, httpx.StreamError) as error:
            # not from the error: it may quote what the server sent, and a traceback shows that
            raise answers.transport_error(request, self.settings, error) from None
        except asyncio.TimeoutError:
            raise answers.too_slow(request, limit) from None

    async def _get(self, wire: Wire, request: Request, limit: float) -> Response:
        target, headers = answers.get_options(self.api, self.settings, request)
        status, named, content = await wire.get(
            target,
            headers,
            timeout=self.settings.timeout,
            limit=limit,
            grown=lambda size: answers.check_body(request, size, 0.0, 1.0),
        )
        return Response(status, named, content, self.settings.redact)

    async def _read(self, request: Request, options: dict[str, Any]) -> Response:
        async with self._http.stream(**options) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                answers.check_body(request, len(content), 0.0, 1.0)
            return answers.response_of(response, content, self.settings)
