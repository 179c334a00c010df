"""Whatever a proxy answers before the way to the API is open: nothing was sent, and the error says so."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ops.apis.calls import Request
    from airflow_provider_ops.http.rate_limiter import Priority

HEAD = b"HTTP/1.1 "
NO_LOGIN, LOGIN, OPEN = b"\x05\x00", b"\x05\x02", b"\x05\x00\x00\x01\x7f\0\0\1\0\0"
#: Of a proxy: the scheme of its URL with user and password, and what it says after each piece that it gets.
ODD: dict[str, tuple[str, list[bytes]]] = {
    "hangs up": ("http://", [b""]),
    "is silent": ("http://", []),
    "speaks no HTTP": ("http://", [b"SSH-2.0-OpenSSH\r\n\r\n"]),
    "cuts its answer": ("http://", [HEAD + b"20", b""]),
    "wants a login": ("http://", [HEAD + b"407 Proxy Authentication Required\r\ncontent-length: 9999\r\n\r\n<html>"]),
    "redirects": ("http://", [HEAD + b"301 x\r\nlocation: http://[\r\n\r\n"]),
    "switches protocols": ("http://", [HEAD + b"101 x\r\n\r\n"]),
    "floods": ("http://", [(HEAD + b"100 x\r\n\r\n") * 20_000]),
    "opens and hangs up": ("http://", [HEAD + b"200 x\r\n\r\n", b""]),
    "opens and is silent": ("http://", [HEAD + b"200 x\r\n\r\n"]),
    "opens and speaks": ("http://", [HEAD + b"200 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"]),
    "is not encrypted": ("https://", [HEAD + b"200 x\r\n\r\n"]),
    "SOCKS hangs up": ("socks5://", [b""]),
    "SOCKS is silent": ("socks5://", []),
    "SOCKS speaks HTTP": ("socks5://", [HEAD + b"400 Bad Request\r\n\r\n"]),
    "SOCKS of version 4": ("socks5://", [b"\x04\x5a"]),
    "SOCKS cuts its greeting": ("socks5://", [b"\x05"]),
    "SOCKS knows no such login": ("socks5://", [b"\x05\xff"]),
    "SOCKS invents a login": ("socks5://", [b"\x05\x77"]),
    "SOCKS says both at once": ("socks5://", [NO_LOGIN + OPEN]),
    "SOCKS refuses": ("socks5://", [NO_LOGIN, b"\x05\x05" + OPEN[2:]]),
    "SOCKS invents a refusal": ("socks5://", [NO_LOGIN, b"\x05\x63" + OPEN[2:]]),
    "SOCKS cuts its answer": ("socks5://", [NO_LOGIN, OPEN[:4]]),
    "SOCKS invents an address": ("socks5://", [NO_LOGIN, b"\x05\x00\x00\x09" + OPEN[4:]]),
    "SOCKS refuses the login": ("socks5://me:pw@", [LOGIN, b"\x01\x01"]),
    "SOCKS wants no login": ("socks5://me:pw@", [NO_LOGIN]),
    "SOCKS cannot take the login": (f"socks5://{'u' * 300}:pw@", [LOGIN, b"\x01\x00"]),
    "SOCKS opens and is silent": ("socks5://", [NO_LOGIN, OPEN]),
}


@contextlib.asynccontextmanager
async def answering(pieces: list[bytes]) -> AsyncIterator[str]:
    """Answer each piece of a request with the next of ``pieces``; an empty one hangs up."""
    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                if piece and not await reader.read(4096):
                    break
                writer.write(piece)
                if not piece:
                    break
            else:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


@pytest.mark.parametrize("name", ODD)
async def test_a_submit_that_a_proxy_lets_not_through_has_certainly_not_left(name: str) -> None:
    scheme, pieces = ODD[name]
    left: list[Request] = []

    def leaving(request: Request, _priority: Priority) -> None:
        left.append(request)

    async with answering(pieces) as address:
        # not every Python has TLS within TLS
        host = "http://127.0.0.1" if scheme == "https://" else "https://api.example"
        settings = Settings("c", f"{host}/api/v1", "k", timeout=0.3, proxy=f"{scheme}{address}")
        client = AsyncClient(API, settings)
        client.before_change = leaving
        with pytest.raises(TransportError, match=f"through the proxy .*{address}") as caught:
            await client.send_once(API.create_deployment("airflow", "one"))
        await client.aclose()
    assert not caught.value.maybe_executed
    assert caught.value.reason in ("connect", "timeout", "tls")
    assert left == []
