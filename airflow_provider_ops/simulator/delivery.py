"""How an answer reaches the client, or does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from email.utils import formatdate
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from .rules import AcceptThenDropFault, HangFault, PoisonFault, ResetFault, TrickleFault, TruncatedFault
from .stats import CUT

if TYPE_CHECKING:
    from starlette.types import Send

    from .api import Reply
    from .clock import Clock
    from .network import Connection
    from .rules import RequestRule


class Html(str):
    """Data of a reply that is sent as a page and not as JSON."""

    __slots__ = ()


HTML = Html("<!doctype html><html><head><title>Sorry</title></head><body><h1>Please try again</h1></body></html>")


@dataclass(frozen=True)
class Line:
    """The way to one client."""

    connection: Connection | None
    send: Send
    clock: Clock

    async def cut(self) -> int:
        """Reset the connection."""
        if self.connection is None:
            message = "the simulator cut the connection (there is no socket to reset)"
            raise ConnectionResetError(message)
        await self.connection.cut()
        return CUT

    async def start(self, status: int, headers: list[tuple[bytes, bytes]], length: int) -> None:
        """Send status and headers."""
        date = formatdate(self.clock.time(), usegmt=True).encode()
        headers = [*headers, (b"date", date), (b"content-length", str(length).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


async def deliver(line: Line, reply: Reply | None, rule: RequestRule | None) -> int:
    """Send an answer in the way that the rule says, and return the status that the client got to see."""
    if isinstance(rule, HangFault):
        await line.clock.asleep(rule.seconds)
    if reply is None or isinstance(rule, (ResetFault, AcceptThenDropFault, HangFault)):
        return await line.cut()
    headers, body = _encode(reply) if not isinstance(rule, PoisonFault) else _poisoned(reply, rule)
    if isinstance(rule, TruncatedFault):
        return await _truncated(line, reply.status, headers, body, cut=rule.cut)
    await line.start(reply.status, headers, len(body))
    if isinstance(rule, TrickleFault):
        await _trickle(line, body, rule)
    else:
        await line.write(body)
    return reply.status


def _encode(reply: Reply) -> tuple[list[tuple[bytes, bytes]], bytes]:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    if reply.data is None:
        return headers, b""
    if isinstance(reply.data, Html):
        return [*headers, (b"content-type", b"text/html; charset=utf-8")], reply.data.encode()
    body = json.dumps(reply.data, separators=(",", ":"), ensure_ascii=False).encode()
    return [*headers, (b"content-type", b"application/json")], body


#: No answer has it.
_PLACE = "the place of the poison"


def _poisoned(reply: Reply, rule: PoisonFault) -> tuple[list[tuple[bytes, bytes]], bytes]:
    data = reply.data if isinstance(reply.data, Html) else _marked(reply.data, rule, "")
    headers, body = _encode(replace(reply, data=data, headers={**reply.headers, **rule.headers}))
    return headers, body.replace(f'"{_PLACE}"'.encode(), rule.value.encode("utf-8", "surrogatepass"))


def _marked(value: Any, rule: PoisonFault, place: str) -> Any:
    """Return an answer with the mark in all its fields that are meant."""
    if isinstance(value, (dict, list)):
        if place in rule.fields:
            return _PLACE
        if isinstance(value, list):
            return [_marked(item, rule, place) for item in value]
        return {name: _marked(item, rule, f"{place}.{name}" if place else name) for name, item in value.items()}
    is_meant, is_kept = (any(fnmatchcase(place, glob) for glob in globs) for globs in (rule.fields, rule.but))
    return _PLACE if is_meant and not is_kept else value


async def _truncated(line: Line, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, cut: bool) -> int:
    half = body[: len(body) // 2]
    await line.start(status, headers, len(body) if cut else len(half))
    await line.write(half, more=cut)
    if cut:
        await line.clock.asleep(0)
        await line.cut()
    return status


async def _trickle(line: Line, body: bytes, rule: TrickleFault) -> None:
    size = max(1, -(-len(body) // rule.pieces))
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    for part in parts:
        await line.clock.asleep(rule.seconds / len(parts))
        await line.write(part, more=True)
    await line.write(b"")
