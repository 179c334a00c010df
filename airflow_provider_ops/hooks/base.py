"""The base class of all hooks of this provider."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_ops._compat import get_connection, get_connection_async
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Flow, Paged
from airflow_provider_ops.core.arguments import Seconds, check_seconds
from airflow_provider_ops.core.end_requested import cancelled_and_gone, naming_the_request
from airflow_provider_ops.core.wait_state import Settled, Unobservable, WaitState
from airflow_provider_ops.core.wording import named, still_running, timed_out
from airflow_provider_ops.exceptions import (
    AuthenticationError,
    InvalidConnection,
    OpsError,
    PermissionDenied,
    TransportError,
    located,
)
from airflow_provider_ops.hooks.configured import configured_budget
from airflow_provider_ops.hooks.lazy_wait import LazyDeadlineWait
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.background import time_limit
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.clock import Clock, SystemClock
from airflow_provider_ops.http.guard import Guard
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.http.settings import Settings, place_of, read_settings, unknown_extras
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.polling.leases import ClientLease, acquire, cached, invalidate, shared_client
from airflow_provider_ops.polling.waits import apoll_until_done, poll_until_done
from airflow_provider_ops.provider_info import ui_field_behaviour

T = TypeVar("T")
log = logging.getLogger(__name__)

#: ``test_connection`` must answer within 5 s, whatever the connection's own timeout.
_TEST_TIMEOUT = 4.0
#: The clock of hooks that are given none. Tests replace it.
default_clock: Callable[[], Clock] = SystemClock


class OperationsHook(BaseHook):
    """Call the API of a connection. Methods come in pairs: ``name`` for workers, ``aname`` for event loops.

    Every method raises :class:`~airflow_provider_ops.exceptions.ApiError` when the API answers with an error,
    :class:`~airflow_provider_ops.exceptions.TransportError` when no readable answer comes, and
    :class:`~airflow_provider_ops.exceptions.InvalidConnection` when the connection cannot be used. Reads are
    tried again for a while; calls that start something are sent once, whatever happens.

    :param conn_id: Airflow connection; default ``<type>_default``.
    """

    conn_name_attr = "conn_id"
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    #: Facts of the API; a subclass sets it.
    api: Api

    def __init__(self, conn_id: str | None = None, *, clock: Clock | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id or self.default_conn_name
        self.clock = clock or default_clock()
        self._client: BlockingClient | None = None
        #: Of the attempt that uses this hook: what it decides about requests that change something.
        self.guard: Guard | None = None
        #: Ids of the operations that this hook has cancelled.
        self._asked_to_end: set[str] = set()

    @classmethod
    def for_connection(cls, conn_id: str, extra: Mapping[str, Any]) -> OperationsHook:  # noqa: ARG003
        """Return the hook for a connection that was looked up."""
        return cls(conn_id=conn_id)

    def get_conn(self) -> BlockingClient:
        """Return the HTTP client of this hook, opened at the first use and closed with the hook."""
        if self._client is None:
            self._client = BlockingClient(self.api, self.settings(), self.clock, reload=self.settings)
        self._client.guard = self.guard
        return self._client

    def settings(self) -> Settings:
        """Read the connection and return its settings, checked.

        :raises InvalidConnection: says in one sentence what to change.
        """
        return read_settings(self.api, self.conn_id, *get_connection(self.conn_id), configured_budget())

    def interrupt(self) -> None:
        """Interrupt the running call or wait, also from a signal handler; see :meth:`BlockingClient.interrupt`."""
        if self._client is not None:
            self._client.interrupt()

    def resume(self) -> None:
        """Serve again after :meth:`interrupt`."""
        if self._client is not None:
            self._client.resume()

    def guard_confirmed(self) -> None:
        """Make sure that the attempt which uses this hook is still the current one.

        :raises OpsError: it is not.
        """
        if self.guard is not None and not self.guard.is_confirmed:
            self.guard.confirm()

    def pause(self, seconds: float) -> None:
        """Let time pass, unless interrupted."""
        self.get_conn().sleep(seconds)

    def aclient(self) -> AbstractAsyncContextManager[AsyncClient]:
        """Return the client shared by all users of this connection on the running event loop."""
        return shared_client(self._key, self._open)

    async def acquire_client(self) -> ClientLease:
        """Acquire the client of :meth:`aclient`, for one of thousands of users that start together.

        Await :func:`wait_for_start` before, and release the lease after.
        """
        return await acquire(self._key, self._open, begun=True)

    @property
    def _key(self) -> tuple[str, str]:
        """Return what users of one client have in common."""
        return self.api.spec_hash or self.api.name, self.conn_id

    async def _open(self) -> AsyncClient:
        settings = await cached(self._key, self._asettings)
        return AsyncClient(self.api, settings, self.clock, reload=self._areload)

    async def _areload(self) -> Settings:
        invalidate(self._key)
        return await self._asettings()

    async def _asettings(self) -> Settings:
        return read_settings(self.api, self.conn_id, *await get_connection_async(self.conn_id), configured_budget())

    @property
    def where(self) -> str:
        """Return the place that an error names: API and connection, and the base URL once that is known."""
        if self._client is not None:
            return self._client.settings.where(self.api)
        return f"{self.api.title} ({place_of(self.conn_id)})"

    def call(self, call: Call[T]) -> T:
        """Send a call, and return its parsed answer."""
        return self.get_conn().send(call)

    async def acall(self, call: Call[T]) -> T:
        """Send a call, and return its parsed answer."""
        async with self.aclient() as client:
            return await client.send(call)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow of calls, and return its result."""
        return self.get_conn().run(flow)

    async def arun(self, flow: Flow[T], *, priority: Priority | None = None) -> T:
        """Run a flow of calls, and return its result."""
        async with self.aclient() as client:
            return await client.run(flow, priority=priority)

    def items(self, paged: Paged[T]) -> Iterator[T]:
        """Yield all items of all pages."""
        return self.get_conn().items(paged)

    async def aitems(self, paged: Paged[T]) -> AsyncIterator[T]:
        """Yield all items of all pages."""
        async with self.aclient() as client:
            async for item in client.items(paged):
                yield item

    def get_operation(self, operation_id: str) -> Operation:
        """Return one operation as it is now."""
        return self.call(self.api.get_operation(operation_id))

    async def aget_operation(self, operation_id: str) -> Operation:
        """Return one operation as it is now."""
        return await self.acall(self.api.get_operation(operation_id))

    def whole(self, outcome: Settled) -> Operation:
        """Return the operation of an outcome, read once more where the event that brought it had no room for all."""
        if not outcome.is_cut:
            return outcome.operation
        operation = self.get_operation(outcome.operation.id)
        return operation if operation.state is outcome.operation.state else outcome.operation

    def cancel_operation(self, operation_id: str) -> Operation:
        """Ask the API to cancel; the answer is the operation, which may still be running.

        :raises CancelNotSupported: the API has no such call.
        """
        answer = self.run(self.api.cancelling(operation_id))
        self._asked_to_end.add(operation_id)
        return answer

    async def acancel_operation(self, operation_id: str) -> Operation:
        """Do as :meth:`cancel_operation`, on the event loop."""
        answer = await self.arun(self.api.cancelling(operation_id))
        self._asked_to_end.add(operation_id)
        return answer

    def wait_for_operation(
        self, operation_id: str, timeout: Seconds | None = None, poll_interval: Seconds | None = None
    ) -> Operation:
        """Block until the operation settles, and return it, whatever its state.

        :param timeout: seconds or a ``timedelta``; default per kind of operation (``Api.timeouts``).
        :param poll_interval: seconds between polls; default is the API's own advice.
        :raises WaitTimeout: the operation is still running; the error has its last known state.
        """
        state = self.wait_state(operation_id, timeout=timeout, poll_interval=poll_interval)
        poll_until_done(self.get_conn(), [state], log.info, warn=log.warning)
        return self._said(_settled(state, self.where))

    async def await_operation(
        self, operation_id: str, timeout: Seconds | None = None, poll_interval: Seconds | None = None
    ) -> Operation:
        """Do as :meth:`wait_for_operation`, on the event loop."""
        state = self.wait_state(operation_id, timeout=timeout, poll_interval=poll_interval)
        async with self.aclient() as client:
            await apoll_until_done(client, [state], log.info, warn=log.warning)
            where = client.settings.where(self.api)
        return self._said(_settled(state, where))

    def _said(self, operation: Operation) -> Operation:
        return naming_the_request(operation) if operation.id in self._asked_to_end else operation

    def wait_state(
        self,
        operation_id: str,
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds | None = None,
        deadline: float | None = None,
        kind: str = "",
        end_requested: bool = False,
    ) -> WaitState:
        """Return a wait that begins now, with the defaults of this API.

        :param deadline: epoch seconds; else ``timeout`` seconds from now; else the default of ``kind``.
        :param kind: kind of operation; where it is not given, the first poll shows it.
        :param end_requested: whether the API was asked to end it, so that it is cancelled once the API no longer knows
            it. This hook knows what it has cancelled itself.
        :raises InvalidArgument: the id cannot be one, or a number is out of range.
        """
        timeout = check_seconds("timeout", timeout)
        poll_interval = check_seconds("poll_interval", poll_interval, above=0.0)
        reference, policy = self.api.validate_operation_id(operation_id), self.api.poll_policy(kind, poll_interval)
        now = self.clock.time()
        state: WaitState
        if deadline is None and timeout is None and not kind:
            state = LazyDeadlineWait(reference, self.api, now=now, policy=policy)
        else:
            if deadline is None:
                deadline = now + (self.api.default_timeout(kind) if timeout is None else timeout)
            state = WaitState(reference, now=now, policy=policy, deadline=deadline)
        state.words = self.api
        if end_requested or reference in self._asked_to_end:
            state.if_missing = partial(cancelled_and_gone, reference, self.api.name)
        return state

    def on_clock(self, at: datetime) -> float:
        """Return the epoch seconds of a time that Airflow names, as this hook's clock counts them."""
        return self.clock.from_wall(at.timestamp())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether one cheap authenticated read succeeds, and what answered or what is wrong, without the key."""
        try:
            settings = self.settings()
            quick = Settings(**{**_fields(settings), "timeout": min(settings.timeout, _TEST_TIMEOUT)})
            with BlockingClient(self.api, quick, self.clock) as client:
                where = settings.where(self.api)
                said = client.drive(lambda on_loop: _in_time(on_loop.send_once(self.api.check()), where))
            unknown = unknown_extras(self.api, get_connection(self.conn_id)[1])
        except OpsError as error:
            return False, _diagnose(error)
        return True, "; ".join((f"{self.api.title} at {settings.base_url} answers: {said}", *unknown))

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Form fields for Airflow 3.1, which does not read them from the provider's metadata."""
        known = ui_field_behaviour(cls.conn_type)
        return {name.replace("-", "_"): value for name, value in known.items()}

    def close(self) -> None:
        """Close the sockets of the synchronous client."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _settled(state: WaitState, where: str) -> Operation:
    match state.outcome:
        case Settled(operation):
            return operation
        case Unobservable(_, error):
            raise error
        case outcome:
            waited = (state.deadline or state.next_poll_at) - state.timeline.start
            failed = outcome.error if outcome else None
            late = timed_out(
                named(state.operation_id, state.operation),
                state.operation,
                waited=waited,
                error=failed,
                consequence=still_running(state.operation, "; wait for it again with the same id", error=failed),
            )
            raise located(late, where)


async def _in_time(work: Coroutine[Any, Any, T], where: str) -> T:
    """Return what ``work`` returns; a name server or a busy connection keep to no timeout of a request."""
    try:
        with time_limit(_TEST_TIMEOUT):
            return await work
    except asyncio.TimeoutError:
        raise located(
            TransportError(f"it did not answer within {_TEST_TIMEOUT:g} s", reason="timeout"), where
        ) from None


def _diagnose(error: OpsError) -> str:
    if isinstance(error, InvalidConnection):
        return str(error)
    if isinstance(error, AuthenticationError):
        text = f"{error.code or ''} {error.message}".lower()
        problem = next((f"key {word}" for word in ("missing", "expired", "revoked") if word in text), "key invalid")
        return f"{problem}: {error}"
    if isinstance(error, PermissionDenied):
        return f"scope missing: {error}"
    if isinstance(error, TransportError):
        title = {
            "dns": "no such host",
            "tls": "TLS failed",
            "connect": "no connection",
            "timeout": "no answer in time",
            "gateway": "not the API",
        }
        return f"{title.get(error.reason, 'no readable answer')}: {error}"
    return str(error)


def _fields(settings: Settings) -> Mapping[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__slots__}
