"""Reads an operation for the page itself, where the triggerer's record is old.

However many people open the page, an operation is read once in some seconds; a connection has one client and one read
at a time, within its budget of requests; and nothing is waited for longer than some seconds. The key never leaves the
server.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow_provider_ops.exceptions import PASSING, OpsError, TransportError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.background import time_limit
from airflow_provider_ops.operation import Operation, OperationState

log = logging.getLogger(__name__)

#: Seconds for which a read, or a failed one, serves all requests.
FRESH, FRESH_FAILURE = 5.0, 20.0
#: Longest time for one read, waiting for its turn included.
_PATIENCE = 5.0
#: Seconds of those for the address of a resource; so many are left, so that what was read before is not lost.
_FOR_ADDRESS, _MARGIN = 2.0, 0.5
#: Seconds for which a client is used before the connection is looked up again.
_CLIENT_LIFE = 60.0
_MOST_REMEMBERED = 1000
_THREADS = 4


@dataclass(frozen=True, slots=True)
class LiveRead:
    """The result of a read, or why there is none."""

    at: float
    operation: Operation | None = None
    error: str | None = None
    #: Address of what the operation has made, where only the resource itself shows it.
    resource_url: str | None = None
    #: Whether another read may succeed.
    may_pass: bool = False


class Reader:
    """Read operations for all users of this API server."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="operation-view")
        self._known: dict[tuple[str, str], tuple[float, asyncio.Task[LiveRead]]] = {}
        self._clients: dict[str, _Client] = {}
        self._lock = threading.Lock()

    async def read(self, conn_id: str, operation_id: str) -> LiveRead:
        """Return the operation as it is now, or was some seconds ago. Never raises."""
        key, now = (conn_id, operation_id), time.monotonic()
        known = self._known.get(key)
        if known is None or (known[1].done() and known[0] <= now):
            self._forget_some(now)
            task = asyncio.get_running_loop().create_task(self._read(conn_id, operation_id))
            task.add_done_callback(lambda done: self._keep(key, done))
            known = self._known[key] = (now, task)
        # shielded: closing one page must not cancel the read for the others
        return await asyncio.shield(known[1])

    def _keep(self, key: tuple[str, str], done: asyncio.Task[LiveRead]) -> None:
        good = not done.cancelled() and done.result().error is None
        self._known[key] = (time.monotonic() + (FRESH if good else FRESH_FAILURE), done)

    def _forget_some(self, now: float) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known = {key: entry for key, entry in self._known.items() if not entry[1].done() or entry[0] > now}

    async def _read(self, conn_id: str, operation_id: str) -> LiveRead:
        until = time.time() + _PATIENCE
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._read_now, conn_id, operation_id, until)
        try:
            operation, resource_url = await asyncio.wait_for(asyncio.shield(work), _PATIENCE)
        except (TimeoutError, asyncio.TimeoutError):
            work.add_done_callback(lambda late: late.cancelled() or late.exception())
            return LiveRead(time.time(), error=f"no answer within {_PATIENCE:g} s", may_pass=True)
        except OpsError as error:
            return LiveRead(time.time(), error=str(error), may_pass=isinstance(error, PASSING))
        except Exception as error:
            log.exception("The page cannot read operation %s", operation_id)
            return LiveRead(time.time(), error=f"{type(error).__name__}; the log of the API server says more")
        return LiveRead(time.time(), operation, resource_url=resource_url)

    def _read_now(self, conn_id: str, operation_id: str, until: float) -> tuple[Operation, str | None]:
        with self._lock:
            client = self._clients.get(conn_id)
            if client is None or client.is_old:
                client = self._clients[conn_id] = _Client(conn_id)
        return client.read(operation_id, until)


class _Client:
    """One connection: its hook, and the turn to use it."""

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id
        self._turn = threading.Lock()
        self._hook: OperationsHook | None = None
        self._good_until = time.monotonic() + _CLIENT_LIFE

    @property
    def is_old(self) -> bool:
        return time.monotonic() >= self._good_until

    def read(self, operation_id: str, until: float) -> tuple[Operation, str | None]:
        """Return the operation, and where its resource is; the turn ends at ``until`` (epoch seconds)."""
        if not self._turn.acquire(timeout=max(0.0, until - time.time())):
            raise TransportError(
                "other operations of this connection are being read: this one is read at the next update",
                reason="timeout",
            )
        try:
            if self._hook is None:
                self._hook = hook_for(self._conn_id)
            hook = self._hook
            call = hook.api.get_operation(hook.api.validate_operation_id(operation_id))
            operation = hook.get_conn().send_once(call, deadline=until)
            return operation, self._address(hook, operation, min(_FOR_ADDRESS, until - time.time() - _MARGIN))
        finally:
            self._turn.release()

    @staticmethod
    def _address(hook: OperationsHook, operation: Operation, seconds: float) -> str | None:
        """Return the address of a finished resource, ``None`` where there is none or it cannot be read in time."""
        if operation.state is not OperationState.SUCCEEDED or operation.url is not None:
            return None

        async def read(client: AsyncClient) -> Mapping[str, Any] | None:
            with time_limit(seconds):
                return await client.run(hook.api.read_resource(operation))

        try:
            resource = hook.get_conn().drive(read)
        except (OpsError, asyncio.TimeoutError):
            return None
        return None if resource is None else hook.api.resource_url(resource)
