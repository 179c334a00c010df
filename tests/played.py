"""Connections in memory, whose other side plays what a test wants, byte for byte."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import h11
import httpcore

from airflow_provider_ops.http import network


@dataclass
class Request:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))


@dataclass
class Played(httpcore.AsyncNetworkBackend):
    """Answers each request with what ``answer`` returns: the bytes of an answer, which then ends the connection."""

    answer: Callable[[Request], bytes]
    seen: list[Request] = field(default_factory=list)

    async def connect_tcp(self, *_args: Any, **_options: Any) -> httpcore.AsyncNetworkStream:
        stream = network.Stream()
        stream.connection_made(_Line(stream, self))  # type: ignore[arg-type]
        return stream


class _Line:
    """The asyncio transport of one connection."""

    def __init__(self, stream: network.Stream, played: Played) -> None:
        self._stream, self._played = stream, played
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        self._is_closing = False

    def write(self, data: bytes) -> None:
        self._http.receive_data(bytes(data))
        while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self._head, self._body = event, b""
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._answer()
                return

    def _answer(self) -> None:
        assert self._head is not None
        headers = {name.decode(): value.decode() for name, value in self._head.headers}
        request = Request(self._head.method.decode(), self._head.target.decode(), headers, self._body)
        self._played.seen.append(request)
        self._stream.data_received(self._played.answer(request))
        self._stream.eof_received()

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    abort = close

    def pause_reading(self) -> None:
        """All there is has come."""

    resume_reading = pause_reading

    def get_extra_info(self, _name: str) -> None:
        return None


def reply(
    status: int = 200, json: Any = None, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """An answer as bytes."""
    body = content if content is not None else b"" if json is None else json_module.dumps(json).encode()
    lines = [f"HTTP/1.1 {status} OK", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
