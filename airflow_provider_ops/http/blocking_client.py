"""The client for code without an event loop: hooks on workers, commands, the page of the API server."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from typing_extensions import Self

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Flow, Page, Paged, Request
from airflow_provider_ops.http import retries
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.clock import Clock, SystemClock
from airflow_provider_ops.http.guard import CallInterrupted, Guard
from airflow_provider_ops.http.network import Delivery, NetworkBackend
from airflow_provider_ops.http.portal import Portal, portal
from airflow_provider_ops.http.portal_call import PortalCall, PortalClosed
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.http.settings import Settings

T = TypeVar("T")

#: Has something done in the thread of a caller; returns at once.
Post = Callable[[Callable[[], None]], None]


class BlockingClient:
    """Drive an :class:`AsyncClient` on the portal's loop, one call at a time in each thread.

    Make it before the first moment at which a signal handler may need it. After a fork it opens new connections.

    :param reload: reads the connection again; called in the thread of a caller, never on the loop.
    :raises InvalidConnection: no client can be built from the settings.
    """

    def __init__(
        self,
        api: Api,
        settings: Settings,
        clock: Clock | None = None,
        reload: Callable[[], Settings] | None = None,
        backend: NetworkBackend | None = None,
    ) -> None:
        self.api = api
        self.clock = clock or SystemClock()
        self._settings = settings
        self._reload = reload
        self._backend = backend
        self._opened: _Opened | None = None
        #: The calls of this client that are under way, the first one first.
        self._calls: dict[PortalCall[Any], None] = {}
        #: Of the attempt that uses this client; decides about requests that change something, and how long to wait.
        self.guard: Guard | None = None
        #: The calls that a thread waits for, and whether they are to end.
        self._waited_for: dict[PortalCall[Any], None] = {}
        self._is_interrupted = False
        self._open()

    @property
    def settings(self) -> Settings:
        """Return the settings, with the key that was accepted last."""
        return self._opened.client.settings if self._opened else self._settings

    def send(self, call: Call[T], *, patience: float = retries.PATIENCE, priority: Priority | None = None) -> T:
        """Send a call as :meth:`AsyncClient.send` does."""
        return self.drive(lambda client: client.send(call, patience=patience, priority=priority))

    def send_once(
        self,
        call: Call[T],
        *,
        deadline: float | None = None,
        priority: Priority | None = None,
        delivery: Delivery | None = None,
    ) -> T:
        """Send a call as :meth:`AsyncClient.send_once` does."""
        return self.drive(
            lambda client: client.send_once(call, deadline=deadline, priority=priority, delivery=delivery)
        )

    def run(self, flow: Flow[T], *, priority: Priority | None = None) -> T:
        """Drive a flow as :meth:`AsyncClient.run` does."""
        return self.drive(lambda client: client.run(flow, priority=priority))

    def items(self, paged: Paged[T]) -> Iterator[T]:
        """Iterate over items as :meth:`AsyncClient.items` does."""
        call: Call[Page[T]] | None = paged.first
        while call is not None:
            page = self.send(call)
            yield from page.items
            call = page.next

    def drive(
        self,
        work: Callable[[AsyncClient], Coroutine[Any, Any, T]],
    ) -> T:
        """Return what ``work`` returns, run on the portal's loop."""
        return self.drive_posting(lambda client, _: work(client))

    def drive_posting(self, work: Callable[[AsyncClient, Post], Coroutine[Any, Any, T]]) -> T:
        """Return what ``work`` returns.

        :param work: also takes a function that has something done in the thread of the caller, in order.
        """
        opened = self._open()

        async def run(call: PortalCall[T]) -> T:
            self._calls[call] = None
            try:
                return await work(opened.client, lambda step: self._post(call, step))
            finally:
                self._calls.pop(call, None)

        call = PortalCall(run, self.guard)
        self._waited_for[call] = None
        try:
            if self._is_interrupted:
                raise CallInterrupted
            return opened.portal.complete(call)
        finally:
            self._waited_for.pop(call, None)

    def sleep(self, seconds: float) -> None:
        """Let time pass, unless interrupted."""
        self.drive(lambda client: client.clock.asleep(seconds))

    def encode(self, request: Request) -> None:
        """Check a request as :meth:`AsyncClient.encode` does."""
        self._open().client.encode(request)

    def interrupt(self) -> None:
        """End what is waited for with ``CallInterrupted``, and what comes after it, until :meth:`resume`.

        May be called from a signal handler: it takes no lock and waits for nothing.
        """
        self._is_interrupted = True
        for call in tuple(self._waited_for):
            call.interrupt()

    def resume(self) -> None:
        """Serve again after :meth:`interrupt`."""
        self._is_interrupted = False

    def close(self) -> None:
        """Close the sockets, without waiting for it."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _open(self) -> _Opened:
        opened = self._opened
        if opened is None or not opened.portal.is_usable:
            reload: Callable[[], Awaitable[Settings]] | None = self._areload if self._reload else None
            client = AsyncClient(self.api, self.settings, self.clock, reload, self._backend)
            # the portal keeps the client, which must not keep this in turn
            _put_under_guard(client, weakref.ref(self))
            opened = self._opened = _Opened(portal(), client)
        return opened

    async def _areload(self) -> Settings:
        """Read the connection in the thread of a caller that waits; no other thread may call Airflow."""
        try:
            found: Settings = await self._ask(self._reload or self._unchanged)
        except PortalClosed:
            return self.settings
        return found

    async def _ask(self, question: Callable[[], Any]) -> Any:
        for call in tuple(self._calls):
            with contextlib.suppress(PortalClosed):
                return await call.ask(question)
        raise PortalClosed("no caller waits any more")

    def _unchanged(self) -> Settings:
        return self.settings

    def _post(self, call: PortalCall[Any], work: Callable[[], None]) -> None:
        # virtual time waits until it is done
        working = self.clock.busy()
        working.__enter__()

        def step() -> None:
            try:
                work()
            finally:
                done()

        def done() -> None:
            working.__exit__(None, None, None)

        call.post(step, done)


def _put_under_guard(client: AsyncClient, owner: weakref.ref[BlockingClient]) -> None:
    async def confirm() -> None:
        blocking = owner()
        guard = blocking.guard if blocking is not None else None
        if blocking is not None and guard is not None and not guard.is_confirmed:
            await blocking._ask(guard.confirm)  # noqa: SLF001

    def leaving(request: Request, priority: Priority) -> None:
        blocking = owner()
        if blocking is not None and blocking.guard is not None:
            blocking.guard.before_send(request, priority)

    client.confirm, client.before_change = confirm, leaving


class _Opened:
    """An asynchronous client and the portal that it lives in; closed when nothing refers to it any more."""

    def __init__(self, portal: Portal, client: AsyncClient) -> None:
        self.portal = portal
        self.client = client
        self._number = portal.keep(client.aclose)
        self._finalizer = weakref.finalize(self, portal.close_soon, self._number)

    def close(self) -> None:
        """Close the client soon."""
        self._finalizer()
