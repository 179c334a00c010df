"""The client: calls of one API with the settings of one connection, on one event loop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import stamina

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Flow, Once, Page, Paged, Pause, Request, Response
from airflow_provider_ops.apis.whole_lists import IncompleteList
from airflow_provider_ops.core.redaction import declared_redactor
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidConnection,
    OpsError,
    TransportError,
    belongs_to_connection,
    located,
)
from airflow_provider_ops.http import responses as answers
from airflow_provider_ops.http import retries
from airflow_provider_ops.http.background import time_limit
from airflow_provider_ops.http.clock import Clock, SystemClock
from airflow_provider_ops.http.guard import NotConfirmed
from airflow_provider_ops.http.network import Delivery, NetworkBackend
from airflow_provider_ops.http.rate_limiter import NO_PERMIT, STALE, Priority, shared_limiter
from airflow_provider_ops.http.request_queue import PauseTooLong, RequestQueue
from airflow_provider_ops.http.settings import Settings, place_of
from airflow_provider_ops.http.shared_budget import open_shared_budget
from airflow_provider_ops.http.tokens import Tokens
from airflow_provider_ops.http.transport import Transport, TransportFailed

T = TypeVar("T")

#: Seconds between two lookups of a new key in the Airflow connection after 401.
RELOAD_INTERVAL = 10.0
#: How often the sender of one request is confirmed, before it is given up.
_MOST_CONFIRMATIONS = 3


class AsyncClient:
    """Send calls of one API.

    Workers drive one through :class:`~airflow_provider_ops.http.blocking_client.BlockingClient`.

    :param reload: reads the connection again, for a key that has changed.
    :param backend: opens connections.
    :raises InvalidConnection: no client can be built from the settings.
    """

    def __init__(
        self,
        api: Api,
        settings: Settings,
        clock: Clock | None = None,
        reload: Callable[[], Awaitable[Settings]] | None = None,
        backend: NetworkBackend | None = None,
    ) -> None:
        self.api = api
        self.settings = settings
        self.clock = clock or SystemClock()
        #: Called right before the first byte of each request that changes something leaves; raises to keep it back.
        self.before_change: Callable[[Request, Priority], None] | None = None
        #: Awaited before that, and again where :attr:`before_change` raises ``NotConfirmed``.
        self.confirm: Callable[[], Awaitable[None]] | None = None
        self._reload = reload
        self._reloaded_at = -math.inf
        self._limiter = shared_limiter(settings.requests_per_second, self.clock, settings.conn_id, settings.base_url)
        shared = open_shared_budget(settings, self._limiter, self.clock)
        self._queue = RequestQueue(self._limiter, self.clock, shared)
        self._companions: dict[Callable[[AsyncClient], Any], Any] = {}
        self._transport = _transport(settings, backend)
        self._tokens = Tokens(api, self.clock, self._transport, lambda to: _transport(to, backend))

    async def send(self, call: Call[T], *, patience: float = retries.PATIENCE, priority: Priority | None = None) -> T:
        """Return the answer of a call. Reads and idempotent writes are repeated for ``patience`` seconds, others never.

        :param patience: no pause that the API asked for is waited for beyond it, either.
        :param priority: default is by what the request does.
        :raises ApiError: the API answered with an error.
        :raises TransportError: no answer, or none that can be read.
        """
        deadline = self.clock.time() + patience
        if not call.request.replayable:
            return await self.send_once(call, deadline=deadline, priority=priority)
        async for attempt in stamina.retry_context(**retries.options(patience)):
            with attempt:
                sent = call if attempt.num == 1 else call.again()
                return await self.send_once(sent, deadline=deadline, priority=priority)
        raise AssertionError  # pragma: no cover - stamina ends with the last error

    async def send_once(
        self,
        call: Call[T],
        *,
        deadline: float | None = None,
        priority: Priority | None = None,
        delivery: Delivery | None = None,
    ) -> T:
        """Return the answer of a call, carried out at most once.

        A 401 was not carried out: when the connection has another key by now, the call goes again with that.

        :param deadline: epoch seconds after which no pause that the API asked for is kept; the call then fails at once.
        :param delivery: records how far the request has come, for callers that may be interrupted.
        """
        key, token = self.settings.key, self._tokens.value
        delivery = delivery or Delivery()
        if priority is None:
            priority = Priority.READ if call.request.reads else Priority.WRITE
        with self._locating():
            try:
                return await self._send(call, deadline, priority, delivery)
            except AuthenticationError as error:
                refused = error
            if self._tokens.drop(token):
                try:
                    return await self._send(call, deadline, priority, delivery)
                except AuthenticationError as error:
                    refused = error
            if not await self._has_new_key(key):
                raise refused
            self._tokens.drop(self._tokens.value)
            return await self._send(call, deadline, priority, delivery)

    async def run(self, flow: Flow[T], *, priority: Priority | None = None) -> T:
        """Drive a flow to its result."""
        with self._locating():
            try:
                command = next(flow)
                while True:
                    try:
                        answer = await self._execute(command, priority)
                    except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                        command = flow.throw(error)
                    else:
                        command = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result

    async def items(self, paged: Paged[T]) -> AsyncIterator[T]:
        """Iterate over all items of all pages, fetched as they are needed."""
        call: Call[Page[T]] | None = paged.first
        while call is not None:
            page = await self.send(call)
            for item in page.items:
                yield item
            call = page.next

    def companion(self, make: Callable[[AsyncClient], T]) -> T:
        """Return what ``make`` builds on this client: one of it, made at the first use, that lives as long as this."""
        if make not in self._companions:
            self._companions[make] = make(self)
        found: T = self._companions[make]
        return found

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._queue.aclose()
        await self._tokens.aclose()
        await self._transport.aclose()

    @contextmanager
    def _locating(self) -> Iterator[None]:
        """Let each error say which API and connection it came from; what is wrong on our side says so itself."""
        try:
            yield
        except OpsError as error:
            if belongs_to_connection(error):
                located(error, self.settings.where(self.api))
            is_unreadable = isinstance(error, TransportError) and error.reason == "unreadable"
            if is_unreadable and not isinstance(error, IncompleteList):
                error.advice = self.api.unreadable_advice or error.advice
            if isinstance(error, AuthenticationError) and "advice" not in vars(error) and self.api.refused_advice:
                error.advice = self.api.refused_advice
            raise

    async def _execute(self, command: Call[Any] | Once | Pause, priority: Priority | None) -> Any:
        if isinstance(command, Pause):
            return await self.clock.asleep(command.seconds)
        if isinstance(command, Once):
            return await self._execute_once(command, priority)
        return await self.send(command, priority=priority)

    async def _execute_once(self, command: Once, priority: Priority | None) -> Any:
        try:
            with time_limit(command.seconds):
                return await self.send_once(command.call, priority=priority)
        except asyncio.TimeoutError:
            raise TransportError(
                f"{command.call.request}: no answer within {command.seconds:g} s", reason="timeout"
            ) from None

    async def _has_new_key(self, old: str) -> bool:
        now = self.clock.monotonic()
        if self.settings.key != old:
            return True
        # a thousand waits refused together must not ask Airflow a thousand times
        if self._reload is None or now - self._reloaded_at < RELOAD_INTERVAL:
            return False
        self._reloaded_at = now
        # Airflow's answer takes real time, in which no virtual time may pass
        with self.clock.busy():
            settings = await self._reload()
        self.settings = replace(self.settings, key=settings.key)
        return settings.key != old

    async def _send(self, call: Call[T], deadline: float | None, priority: Priority, delivery: Delivery) -> T:
        asked = self.clock.monotonic()
        await self._tokens.renew(self.settings)
        granted = await self._permit(call.request, deadline, priority)
        try:
            metrics.waited_for_permit(self.api.name, self.clock.monotonic() - asked)
            async with self._transport.slot(writes=not call.request.reads):
                if self.clock.monotonic() - granted > STALE:
                    # it was for a moment that passed while others had the sockets
                    self._limiter.release(granted)
                    granted = NO_PERMIT
                    granted = await self._permit(call.request, deadline, priority)
                with self.clock.busy():
                    response = await self._exchange_confirmed(call.request, priority, delivery)
        finally:
            self._limiter.complete(granted, self.clock.monotonic())
        now = self.clock.time()
        self._queue.on_response(self.clock.monotonic(), response.status, answers.pause_asked(self.api, response, now))
        return answers.parse_response(self.api, call, response, now)

    async def _permit(self, request: Request, deadline: float | None, priority: Priority) -> float:
        within = math.inf if deadline is None else deadline - self.clock.time()
        try:
            return await self._queue.acquire(priority, within)
        except PauseTooLong as error:
            raise answers.pause_too_long(request, error.seconds) from None

    def encode(self, request: Request) -> None:
        """Make sure that a request can be sent.

        :raises InvalidArgument: it cannot; the message names what is wrong.
        """
        answers.encode(self.api, self.settings, request)

    async def _exchange_confirmed(self, request: Request, priority: Priority, delivery: Delivery) -> Response:
        for left in reversed(range(_MOST_CONFIRMATIONS)):
            if self.confirm is not None and not request.reads:
                await self.confirm()
            try:
                return await self._exchange(request, priority, delivery)
            except NotConfirmed:
                # this process has stood still in between
                if not left:
                    raise
        raise AssertionError  # pragma: no cover - the last round returns or raises

    async def _exchange(self, request: Request, priority: Priority, delivery: Delivery) -> Response:
        prepared = answers.encode(self.api, self.settings, request, self._tokens.value)
        concealed = tuple(self.api.concealed_in(request))
        changes = not request.reads

        def before() -> None:
            if changes and self.before_change is not None:
                self.before_change(request, priority)

        try:
            status, headers, content = await self._transport.exchange(
                prepared,
                writes=changes,
                total=answers.total_timeout(self.settings, request),
                delivery=delivery,
                before=before,
            )
        except TransportFailed as failure:
            # not from the failure: it may quote what the server sent, and a traceback shows that
            raise answers.transport_error(request, self.settings, failure, concealed) from None
        except TransportError as error:
            raise TransportError(f"{request}: {error}", reason=error.reason) from None
        redact = self._tokens.redact(self.settings, self.api.secrets_in(request))
        conceal = declared_redactor(concealed) if concealed else None
        return Response(status, headers, content, redact, self.settings.base_url, conceal)


def _transport(settings: Settings, backend: NetworkBackend | None) -> Transport:
    tls, proxy = settings.tls(), settings.route()
    try:
        return Transport(tls, proxy.url if proxy else None, backend)
    except Exception as error:
        through = f", which goes through {proxy.source}," if proxy else ""
        refused = InvalidConnection(f"it{through} cannot be used: {error}")
        raise located(refused, place_of(settings.conn_id)) from error
