"""The client of worker code: one httpx client, paced, with reads tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

import httpx
import stamina
from typing_extensions import Self

from airflow_provider_ops import metrics
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.http import Call, Flow, Page, Paged, Pause, Request, Response
from airflow_provider_ops.client import answers, retries
from airflow_provider_ops.client.clock import Clock, SystemClock
from airflow_provider_ops.client.pace import shared_pace
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.exceptions import AuthenticationError

T = TypeVar("T")


class SyncClient:
    """Sends calls of one API with the settings of one connection. Close it, or use it as a context manager."""

    def __init__(
        self,
        api: Api,
        settings: Settings,
        clock: Clock | None = None,
        reload: Callable[[], Settings] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.api = api
        self.settings = settings
        self.clock = clock or SystemClock()
        self._reload = reload
        self._pace = shared_pace(settings.requests_per_second, self.clock, settings.conn_id, settings.base_url)
        self._http = httpx.Client(**answers.client_options(api, settings), transport=transport)

    def send(self, call: Call[T], *, patience: float = retries.PATIENCE) -> T:
        """The answer of a call. Reads and idempotent writes are sent again for ``patience`` seconds, others never.

        :raises ApiError: the API answered with an error.
        :raises TransportError: no answer, or none that can be read.
        """
        if not call.request.replayable:
            return self.send_once(call)
        for attempt in stamina.retry_context(**retries.options(patience)):
            with attempt:
                return self.send_once(call)
        raise AssertionError  # pragma: no cover - stamina ends with the last error

    def send_once(self, call: Call[T], *, until: float | None = None) -> T:
        """The answer of a call, carried out at most once.

        A 401 was not carried out: when the connection has another key by now, the call goes again with that.

        :param until: epoch seconds beyond which no pause that the API asked for is kept; the call then fails at once.
        """
        try:
            return self._send(call, until)
        except AuthenticationError:
            if not self._has_new_key():
                raise
            return self._send(call, until)

    def _has_new_key(self) -> bool:
        if self._reload is None:
            return False
        settings = self._reload()
        if settings.key == self.settings.key:
            return False
        self.settings = replace(self.settings, key=settings.key)
        self._http.headers.update(self.api.authenticate(settings.key))
        return True

    def _send(self, call: Call[T], until: float | None) -> T:
        asked = self.clock.time()
        while delay := self._pace.delay(now := self.clock.time()):
            answers.check_pause(self._pace.paused(now), now, until)
            self.clock.sleep(delay)
        metrics.waited_for_turn(self.api.name, now - asked)
        left = now
        try:
            response = self._exchange(call.request)
        finally:
            now = self.clock.time()
            self._pace.arrived(left, now)
        self._pace.heard(now, response.status, answers.retry_after(response.headers, now))
        return answers.understand(self.api, call, response, now)

    def run(self, flow: Flow[T]) -> T:
        """Drive a conversation to its result."""
        try:
            wish = next(flow)
            while True:
                try:
                    answer = self._fulfil(wish)
                except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                    wish = flow.throw(error)
                else:
                    wish = flow.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    def _fulfil(self, wish: Call[Any] | Pause) -> Any:
        if isinstance(wish, Pause):
            return self.clock.sleep(wish.seconds)
        return self.send(wish)

    def items(self, paged: Paged[T]) -> Iterator[T]:
        """All items of all pages, fetched as they are needed."""
        call: Call[Page[T]] | None = paged.first
        while call is not None:
            page = self.send(call)
            yield from page.items
            call = page.next

    def close(self) -> None:
        """Close the sockets."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, request: Request) -> Response:
        options = answers.request_options(self.api, self.settings, request)
        started = self.clock.time()
        limit = answers.whole_answer_limit(self.settings, request)
        try:
            with self._http.stream(**options) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    answers.check_body(request, len(content), self.clock.time() - started, limit)
                return answers.response_of(response, content, self.settings)
        except (httpx.HTTPError, httpx.StreamError) as error:
            # not from the error: it may quote what the server sent, and a traceback shows that
            raise answers.transport_error(request, self.settings, error) from None
