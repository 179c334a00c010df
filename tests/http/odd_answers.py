"""Answers as no server should give them: the corpus of what may come over a connection."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from functools import cache

ID = "op_1"
GOOD = {"data": {"id": ID, "status": "running", "type": "deployment.create"}}
_JSON = json.dumps(GOOD).encode()


def answer(body: bytes = _JSON, *headers: str, status: str = "200 OK", length: int | str | None = None) -> bytes:
    """An answer as bytes."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if length != "":
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return answer(body, "transfer-encoding: chunked", length="")


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    return answer(body, f"content-encoding: {encoding}")


def told(**fields: object) -> bytes:
    return answer(json.dumps({"data": {**GOOD["data"], **fields}}).encode())


@cache
def odd_answers() -> dict[str, bytes]:
    """All of the corpus by name."""
    return {name: data for part in (_heads, _framing, _bodies, _encodings, _fields, _pauses) for name, data in part()}


def _heads() -> Iterator[tuple[str, bytes]]:
    lines = [
        "", " ", "HTTP", "HTTP/", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1 abc OK",
        "HTTP/1.1 -200 OK", "HTTP/1.1 000 ", "HTTP/1.1 099 ", "HTTP/1.1 199 x", "HTTP/1.1 600 x", "HTTP/1.1 999 x",
        "HTTP/1.0 200 OK", "HTTP/0.9 200 OK", "HTTP/2 200", "HTTP/2.0 200 OK", "HTTP/1.1\t200 OK", "http/1.1 200 OK",
        "ICY 200 OK", "GET / HTTP/1.1", "SSH-2.0-OpenSSH", "\x00\x01\x02", "\xff" * 30, "<html>", "{}",
        "HTTP/1.1 200 " + "x" * 200_000, "HTTP/1.1 200 \x00", "HTTP/1.1 200 OK\nfoo: bar",
        "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 100 Continue", "HTTP/1.1 102 x", "HTTP/1.1 103 Early Hints",
    ]  # fmt: skip
    for number, line in enumerate(lines):
        yield f"line {number} {line[:20]!r}", f"{line}\r\ncontent-length: 2\r\n\r\n{{}}".encode("latin-1")
    for status in (201, 202, 203, 204, 205, 206, 226, 300, 301, 302, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406):
        yield f"status {status}", answer(b"" if status in (204, 304) else b"{}", status=f"{status} x")
    for status in (407, 408, 409, 410, 411, 412, 413, 418, 421, 422, 425, 428, 429, 431, 451, 500, 501, 502, 503, 511):
        yield f"status {status} as a page", answer(b"<html>\xff</html>", "content-type: text/html", status=f"{status} ")
    headers = [
        ": x", "x", "x y: z", "x : y", " x: y", "x: \x00", "x: \xff", "x: a\x7fb", "x:" + "y" * 100_000, "x" * 100_000,
        "location: http://[::1", "set-cookie: " + "a=b; " * 5000, "content-type: application/json; charset=utf-99",
        "x: y\n z", "x: y\r\r\nz: 1", "x-request-id: \x1b[31m" + "i" * 5000,
    ]  # fmt: skip
    for number, header in enumerate(headers):
        yield f"header {number} {header[:20]!r}", answer(_JSON, header)
    yield "headers 5000", answer(_JSON, *(f"x{n}: y" for n in range(5000)))
    yield "headers without end", b"HTTP/1.1 200 OK\r\nx: y"
    yield "interim 50", b"HTTP/1.1 103 x\r\n\r\n" * 50 + answer()
    yield "interim 20000", b"HTTP/1.1 100 \r\n\r\n" * 20_000


def _framing() -> Iterator[tuple[str, bytes]]:
    for length in (
        "-1",
        "+2",
        "0x2",
        "2 ",
        "2, 2",
        "2, 3",
        "abc",
        "",
        "9" * 30,
        "1e3",
        "999999999999999999999",
        "\xb2",
    ):
        yield f"length {length!r}", answer(b"{}", f"content-length: {length}", length="")
    yield "length twice", answer(_JSON, "content-length: 5")
    yield "length and chunks", answer(b"0\r\n\r\n", "transfer-encoding: chunked", length=2)
    yield "too short", answer(_JSON, length=len(_JSON) + 10)
    yield "too long", answer(_JSON, length=len(_JSON) - 10)
    yield "no length", answer(_JSON, length="")
    for coding in ("gzip", "chunked, gzip", "gzip, chunked", "identity", "xchunked", "chunked, chunked", ""):
        yield f"transfer-encoding {coding!r}", answer(b"0\r\n\r\n", f"transfer-encoding: {coding}", length="")
    yield "one chunk", chunked(_JSON)
    yield "chunks of a byte", chunked(*(_JSON[at : at + 1] for at in range(len(_JSON))))
    yield "chunks of a byte 60000", chunked(*[b" "] * 60_000)
    yield "chunk extension", chunked(_JSON).replace(b"\r\n{", b";" + b"x" * 1000 + b"\r\n{", 1)
    for size in (b"", b"g", b"-1", b"0x5", b"f" * 30, b"5 5", b"\xb2", b" 5", b"5;" + b"y" * 200_000):
        yield f"chunk size {size[:10]!r}", chunked(end=size + b"\r\nhello\r\n0\r\n\r\n")
    yield "chunk longer than said", chunked(end=b"2\r\nhello\r\n0\r\n\r\n")
    yield "chunks without end", chunked(_JSON, end=b"")
    yield "trailers", chunked(_JSON, end=b"0\r\nx: y\r\n\r\n")
    yield "trailers odd", chunked(_JSON, end=b"0\r\nx y z\r\n\r\n")
    yield "trailers long", chunked(_JSON, end=b"0\r\nx: " + b"y" * 300_000 + b"\r\n\r\n")
    yield "two answers", answer() + answer(b'{"data": {"id": "op_1", "status": "succeeded"}}')
    yield "an answer and garbage", answer() + b"\x00\xff garbage"
    yield "nothing", b""


def _bodies() -> Iterator[tuple[str, bytes]]:
    bodies = [
        b"", b" ", b"null", b"true", b"0", b'"x"', b"[]", b"{}", b"[{}]", b"{", b'{"data"', b'{"data":}', b"{'a': 1}",
        b"NaN", b"Infinity", b"-Infinity", b'{"data": NaN}', b"\xef\xbb\xbf" + _JSON, _JSON.decode().encode("utf-16"),
        _JSON.decode().encode("utf-32"), b"\xff\xfe", b"\xff" * 100, b"\x00" * 100, _JSON + b"\x00", _JSON * 2,
        b"[" * 50_000, b"[" * 5_000_000, b'{"a":' * 50_000, b"[[]," * 40_000 + b"[]" + b"]" * 40_000,
        b"[" + b"{}," * 2_000_000 + b"{}]", b'"' + b"a" * 9_000_000 + b'"', b" " * 9_000_000, b"9" * 100_000,
        b"1e" + b"9" * 1000, b'{"data": {"id": "op_1", "status": "running", "x": ' + b"9" * 50_000 + b"}}",
        b'{"data": {"id": "\\ud800", "status": "running"}}', b'{"data": {"id": "op_1", "status": "\\u0000"}}',
        b'{"data": {"id": "op_1", "id": "op_2", "status": "succeeded"}}', b"<!doctype html><html></html>",
        b"upstream connect error or disconnect/reset before headers", b'{"error": {"code": 1, "message": []}}',
    ]  # fmt: skip
    for number, body in enumerate(bodies):
        yield f"body {number} {body[:20]!r}", answer(body)
        if len(body) < 1000:
            yield f"error body {number} {body[:20]!r}", answer(body, status="500 x")


def _bomb(wbits: int) -> bytes:
    """100 MB of zeros, packed without having them in memory."""
    packer, zeros = zlib.compressobj(wbits=wbits), b"\0" * 1_000_000
    return b"".join(packer.compress(zeros) for _ in range(100)) + packer.flush()


def _encodings() -> Iterator[tuple[str, bytes]]:
    once = _bomb(16 + zlib.MAX_WBITS)
    yield "gzip", packed(gzip.compress(_JSON, mtime=0))
    yield "gzip cut", packed(gzip.compress(_JSON, mtime=0)[:-9])
    yield "gzip of nothing", packed(b"")
    yield "gzip and garbage", packed(gzip.compress(_JSON, mtime=0) + b"garbage")
    yield "gzip with a wrong sum", packed(gzip.compress(_JSON, mtime=0)[:-8] + b"\0" * 8)
    yield "gzip twice in one", packed(gzip.compress(_JSON, mtime=0) + gzip.compress(b"x", mtime=0))
    yield "gzip bomb", packed(once)
    yield "gzip bomb of a gzip bomb", packed(gzip.compress(once, 9, mtime=0), "gzip, gzip")
    yield "gzip said twice", packed(gzip.compress(_JSON, mtime=0), "gzip, gzip")
    yield "deflate bomb", packed(_bomb(zlib.MAX_WBITS), "deflate")
    for encoding in (
        "br",
        "zstd",
        "compress",
        "identity",
        "IDENTITY",
        "gzip, br",
        "deflate",
        "x-gzip",
        "",
        "\xff",
        "g" * 9999,
    ):
        yield f"encoding {encoding[:9]!r}", packed(_JSON, encoding)


def _fields() -> Iterator[tuple[str, bytes]]:
    odd: list[object] = [None, 0, -1, 1e308, True, "", " ", "x" * 100_000, "\x00", "\ud800", [], {}, [[]], {"a": {}}]
    for value in odd:
        for field in ("id", "status", "error", "created_at"):
            yield f"{field} {str(value)[:10]!r}", told(**{field: value})
    yield "another operation", told(id="op_2", status="succeeded")
    yield "another case", told(id="OP_1", status="succeeded")


def _pauses() -> Iterator[tuple[str, bytes]]:
    values = [
        "", "soon", "-5", "1e99", "inf", "nan", "9" * 5000, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "\xff",
        "Mon, 99 Foo 2026 00:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 +9999", formatdate(1e9), "0x10", "1_0", "\xb2",
    ]  # fmt: skip
    for value in values:
        yield f"retry-after {value[:30]!r}", answer(b"{}", f"retry-after: {value}", f"date: {value}", status="503 x")
        yield f"retry-after-ms {value[:30]!r}", answer(b"{}", f"retry-after-ms: {value}", status="400 x")


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """Answers of the corpus, small ones, with a few bytes changed, cut out, doubled or moved."""
    draw = random.Random(seed)
    small = [data for data in odd_answers().values() if 0 < len(data) < 3000]
    for _ in range(count):
        data = bytearray(draw.choice(small))
        for _ in range(draw.randint(1, 6)):
            at, size = draw.randrange(len(data) + 1), draw.randint(1, 8)
            match draw.randrange(4):
                case 0:
                    data[at : at + size] = draw.randbytes(size)
                case 1:
                    del data[at : at + size]
                case 2:
                    data[at:at] = data[at : at + size] * draw.randint(1, 3)
                case _:
                    data[at:at] = draw.choice([b"\r\n", b"\r\n\r\n", b":", b"0", b"\x00", b"\xff", b"chunked", b"{"])
        yield bytes(data)
