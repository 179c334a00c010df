"""The only module that knows httpx: requests to one origin, each within its time and size.

A connection carries one request after the other. What changes something gets a connection of its own, so that one which
the server is just closing cannot make the outcome of a submit unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, TypeAlias

import httpx

from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http.background import create_background_task
from airflow_provider_ops.http.bodies import ACCEPT_ENCODING, Body
from airflow_provider_ops.http.network import DELIVERY, Backend, Delivery, NetworkBackend

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

    :param tls: for ``https`` origins.
    :param proxy: URL of a proxy.
    :param backend: opens connections.
    :raises Exception: of any class, when httpx refuses the proxy.
    """

    def __init__(self, tls: ssl.SSLContext, proxy: str | None, backend: NetworkBackend | None = None) -> None:
        _preload()
        most, self._backend = MOST_SOCKETS - _MOST_WRITES, backend or Backend()
        routes = _Routes(
            reads=_pool(tls, proxy, self._backend, sockets=most, kept=most),
            writes=_pool(tls, proxy, self._backend, sockets=_MOST_WRITES, kept=0),
        )
        # nothing of the environment: what of it counts has been read and checked before
        logging.getLogger("httpx").addFilter(_is_of_others)
        self._http = _CookielessClient(transport=routes, trust_env=False, follow_redirects=False)
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
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise _failed(error, delivery, total, is_late=timer.when() <= asyncio.get_running_loop().time()) from error
        finally:
            timer.cancel()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        if isinstance(self._backend, Backend):
            await self._backend.aclose()

    async def _exchange(self, request: httpx.Request, *, writes: bool, delivery: Delivery) -> Answer:
        DELIVERY.set(delivery)
        request.extensions["writes"] = writes
        response = await self._http.send(request, stream=True)
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


class _NoCookies(httpx.Cookies):
    """Take no cookies. A jar with a policy that refuses all would translate each answer before it does."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them."""


class _CookielessClient(httpx.AsyncClient):
    """Send without cookies: requests of one task must not depend on those of another."""

    @property  # type: ignore[misc]  # none can be set
    def cookies(self) -> httpx.Cookies:
        """Return none."""
        return _NO_COOKIES


_NO_COOKIES = _NoCookies()


class _Routes(httpx.AsyncBaseTransport):
    """Send requests that change something over connections that no other request has used."""

    def __init__(self, *, reads: httpx.AsyncHTTPTransport, writes: httpx.AsyncHTTPTransport) -> None:
        self._reads, self._writes = reads, writes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._writes if request.extensions.pop("writes", True) else self._reads
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        await self._reads.aclose()
        await self._writes.aclose()


def _pool(
    tls: ssl.SSLContext, proxy: str | None, backend: NetworkBackend, *, sockets: int, kept: int
) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=sockets, max_keepalive_connections=kept, keepalive_expiry=_KEPT)
    made = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=proxy)
    # httpx hands this on to httpcore, which has a parameter for it, under no name of its own
    made._pool._network_backend = backend  # noqa: SLF001
    return made


def _failed(error: Exception, delivery: Delivery, total: float, *, is_late: bool) -> TransportFailed:
    begun = delivery.has_begun and not isinstance(error, _UNSENT)
    if is_late:
        return TransportFailed("timeout", f"the answer was not complete after {total:g} s", maybe_executed=begun)
    return TransportFailed(_reason(error), str(error) or type(error).__name__, maybe_executed=begun)


def _is_of_others(_: logging.LogRecord) -> bool:
    """Return whether a line of httpx is about a request of somebody else: of ours it would show the query."""
    return DELIVERY.get(None) is None


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
