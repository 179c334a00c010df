"""The only module that knows httpx: requests to one origin, each within its time and size.

A connection carries one request after the other. What changes something gets a connection of its own, so that one which
the server is just closing cannot make the outcome of a submit unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, TypeAlias

import httpx

from airflow_provider_ops.exceptions import OpsError, TransportError
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.bodies import ACCEPT_ENCODING, Body
from airflow_provider_ops.http.network import DELIVERY, Backend, Delivery, NetworkBackend
from airflow_provider_ops.http.proxies import shown

#: A request as it will be sent.
Prepared: TypeAlias = httpx.Request
#: Status, headers with lower-case names, body.
Answer: TypeAlias = tuple[int, dict[str, str], bytes]

#: Open sockets of one connection on one event loop, and how many of them requests that change something may use.
MOST_SOCKETS, _MOST_WRITES = 20, 4
#: Seconds for which an unused connection is kept.
_KEPT = 20.0
#: Pieces of a body between which the event loop may serve others.
_PIECES_TOGETHER = 64
#: Failures before anything of the request has left.
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class TransportFailed(Exception):
    """An exchange that did not end with an answer.

    :param reason: as in :class:`~airflow_provider_ops.exceptions.TransportError`.
    """

    def __init__(self, reason: str, detail: str, *, maybe_executed: bool) -> None:
        super().__init__(detail)
        self.reason = reason
        self.maybe_executed = maybe_executed


class Transport:
    """Connections to one origin on one event loop.

    :param tls: for ``https`` origins and proxies.
    :param proxy: URL of a proxy.
    :param backend: opens connections.
    :raises Exception: of any class, when httpx refuses the proxy.
    """

    def __init__(self, tls: ssl.SSLContext, proxy: str | None, backend: NetworkBackend | None = None) -> None:
        _preload()
        most, self._backend = MOST_SOCKETS - _MOST_WRITES, backend or Backend()
        # without a client of httpx: that would read where a redirect leads, fail over it, and log addresses and queries
        self._reads = _pool(tls, proxy, self._backend, sockets=most, kept=most)
        self._writes = _pool(tls, proxy, self._backend, sockets=_MOST_WRITES, kept=0)
        self._proxy = proxy and shown(proxy)
        #: Whether :meth:`aclose` was called.
        self.is_closed = False
        self._reading = asyncio.Semaphore(most)
        self._writing = asyncio.Semaphore(_MOST_WRITES)

    def slot(self, *, writes: bool) -> asyncio.Semaphore:
        """Return what to hold during an exchange: the time a request waits for a socket is not the server's."""
        return self._writing if writes else self._reading

    async def exchange(
        self, request: Prepared, *, writes: bool, total: float, delivery: Delivery, before: Callable[[], None]
    ) -> Answer:
        """Send a request and read the whole answer.

        :param writes: whether the request changes something.
        :param total: seconds from the first byte to the last; connecting included.
        :param before: called on the event loop right before the first byte leaves; may raise to keep the request back.
        :raises TransportFailed: there is no answer.
        :raises TransportError: there is one that cannot be read.
        """
        delivery.reset(before)
        # a task of its own: see Delivery
        work = create_background_task(self._exchange(request, writes=writes, delivery=delivery))
        timer = asyncio.get_running_loop().call_later(total, delivery.give_up)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            delivery.give_up()
            work.add_done_callback(_forget)
            raise
        except OpsError:
            raise
        except Exception as error:
            # of httpx or of what it is made of, which has classes of its own for what a proxy says
            is_late = timer.when() <= asyncio.get_running_loop().time()
            raise _failed(error, delivery, total, self._proxy, is_late=is_late) from error
        finally:
            timer.cancel()

    async def aclose(self) -> None:
        """Close all connections."""
        self.is_closed = True
        await self._reads.aclose()
        await self._writes.aclose()
        if isinstance(self._backend, Backend):
            await self._backend.aclose()

    async def _exchange(self, request: httpx.Request, *, writes: bool, delivery: Delivery) -> Answer:
        DELIVERY.set(delivery)
        response = await (self._writes if writes else self._reads).handle_async_request(request)
        try:
            if not delivery.has_received:
                raise TransportError("the connection held an answer to no request", reason="unreadable")
            delivery.is_in_body = True
            body = Body(response.headers.get("content-encoding", ""))
            pieces = 0
            async for piece in response.aiter_raw():
                for _ in body.feed(piece):
                    await asyncio.sleep(0)
                pieces += 1
                if pieces % _PIECES_TOGETHER == 0:
                    await asyncio.sleep(0)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status_code, headers, body.finish()
        finally:
            await response.aclose()


@cache
def _preload() -> None:
    """Import what httpx would import with the first request, on the event loop.

    A fork in the middle of an import leaves the lock of that module to a child that can never get it.
    """
    for name in ("anyio._backends._asyncio", "anyio._core._synchronization", "anyio._core._tasks", "encodings.idna"):
        with contextlib.suppress(ImportError):
            import_module(name)


def build_request(
    method: str,
    url: str,
    *,
    query: Mapping[str, Any],
    json: Any,
    headers: Mapping[str, str],
    timeout: float,
    read: float,
    keep_url: bool = False,
    form: Mapping[str, str] | None = None,
) -> Prepared:
    """Encode a request.

    :param timeout: seconds to connect and to send; ``read`` those without a word from the server.
    :param keep_url: whether the parsed URL may be kept for the next request to it; not one with a secret in it.
    :param form: sent as a form, in place of ``json``.
    :raises Exception: of any class, when the body, a header or the URL cannot be encoded.
    """
    is_kept = keep_url and _are_plain(query)
    extensions = {"timeout": {"connect": timeout, "read": read, "write": timeout, "pool": None}}
    return httpx.Request(
        method,
        _url(url, tuple(query.items())) if is_kept else url,
        params=None if is_kept else query or None,
        json=json,
        data=form,
        headers={"accept-encoding": ACCEPT_ENCODING, "accept": "application/json", **headers},
        extensions=extensions,
    )


def _are_plain(query: Mapping[str, Any]) -> bool:
    # of other types values may be equal that are not written alike
    return all(value.__class__ is str or value.__class__ is int for value in query.values())


@lru_cache(maxsize=512)
def _url(url: str, query: tuple[tuple[str, Any], ...]) -> httpx.URL:
    """Parse a URL; the pages of a list are read again and again, and this is a third of what a request costs."""
    return httpx.URL(url, params=dict(query)) if query else httpx.URL(url)


def url_problem(url: str) -> str | None:
    """Return why ``url`` is none, ``None`` when it is one."""
    try:
        httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        return str(error)
    return None


def _pool(
    tls: ssl.SSLContext, proxy: str | None, backend: NetworkBackend, *, sockets: int, kept: int
) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=sockets, max_keepalive_connections=kept, keepalive_expiry=_KEPT)
    # httpx would make a context for each connection to the proxy, which knows none of the connection's authorities
    way = httpx.Proxy(proxy, ssl_context=tls if proxy.startswith("https:") else None) if proxy else None
    # nothing of the environment: what of it counts has been read and checked before
    made = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=way)
    # httpx hands this on to httpcore, which has a parameter for it, under no name of its own
    made._pool._network_backend = backend  # noqa: SLF001
    return made


def _failed(
    error: Exception, delivery: Delivery, total: float, proxy: str | None = None, *, is_late: bool
) -> TransportFailed:
    begun = delivery.has_begun and not isinstance(error, _UNSENT)
    reason, detail = _reason(error), str(error) or type(error).__name__
    if is_late:
        reason, detail = "timeout", f"the answer was not complete after {total:g} s"
    if not begun:
        reason = "connect" if reason == "reset" else reason
        detail = f"through the proxy {proxy}: {detail}" if proxy else detail
    return TransportFailed(reason, detail, maybe_executed=begun)


def _forget(done: asyncio.Task[Answer]) -> None:
    if not done.cancelled():
        done.exception()


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.ConnectError):
        return _reason_of_no_connection(error)
    if isinstance(error, _UNSENT) and not isinstance(error, httpx.ConnectTimeout):
        return "connect"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.DecodingError):
        return "unreadable"
    return "reset"


def _reason_of_no_connection(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls"
        cause = cause.__cause__ or cause.__context__
    text = str(error).lower()
    if any(word in text for word in ("name or service", "getaddrinfo", "nodename", "temporary failure in name")):
        return "dns"
    return "connect"
