"""Bodies of answers, decoded within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from airflow_provider_ops.exceptions import TransportError

#: Bytes of a decoded body. A page of a thousand operations is a tenth of it.
MAX_BODY = 8 * 1024 * 1024
#: JSON objects and arrays of an answer: an empty one takes thirty times its bytes in memory.
MAX_CONTAINERS = 100_000
#: JSON values of an answer, of any kind: one takes up to fifty times its bytes.
MAX_VALUES = 300_000
#: What the request asks for; anything else in the answer is refused.
ACCEPT_ENCODING = "gzip, deflate"
#: Bytes decoded at a time, between which the event loop may serve others.
_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Body:
    """Collect the body of one answer, decoding it on the way.

    :param encoding: value of ``Content-Encoding``.
    :raises TransportError: reason ``unreadable``, here and in all methods.
    """

    def __init__(self, encoding: str) -> None:
        self._content = bytearray()
        self._undecoded = b""
        self._received = 0
        self._encoding = encoding.strip().lower()
        self._is_first = True
        self._has_data = False
        match self._encoding:
            case "" | "identity":
                self._decoder = None
            case "gzip" | "x-gzip":
                self._decoder = zlib.decompressobj(_GZIP)
            case "deflate":
                self._decoder = zlib.decompressobj()
            case _:
                raise _unreadable(f"is encoded as {encoding[:80]!r}, which was not asked for")

    def feed(self, data: bytes) -> Iterator[None]:
        """Take in what has come, piece by piece."""
        # what comes after the end of an encoding has no size once it is decoded
        self._received += len(data)
        self._check(self._received)
        if self._decoder is None:
            self._content += data
            return
        self._undecoded += data
        self._has_data = self._has_data or bool(data)
        while self._decode_piece():
            yield

    def _decode_piece(self) -> bool:
        """Decode one piece of what has come; return whether there is more to decode."""
        # two bytes distinguish the formats
        if self._decoder is None or len(self._undecoded) < (2 if self._is_first else 1):
            return False
        data, self._undecoded = self._undecoded, b""
        try:
            self._add(self._decoder.decompress(data, _PIECE))
        except zlib.error as error:
            if self._is_first and self._encoding == "deflate":
                # some servers call the bare format without a header "deflate" as well
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                self._undecoded = data
                self._is_first = False
                return True
            raise _unreadable(f"cannot be decoded as {self._encoding} ({error})") from None
        self._is_first = False
        self._undecoded = self._decoder.unconsumed_tail
        return bool(self._undecoded)

    def finish(self) -> bytes:
        """Return the whole body."""
        content = bytes(self._content)
        if self._decoder is not None and self._has_data and not self._decoder.eof:
            raise _unreadable(f"ends in the middle of its {self._encoding} encoding")
        if content.count(b"{") + content.count(b"[") > MAX_CONTAINERS:
            raise _unreadable(f"has more than {MAX_CONTAINERS} objects and arrays and was not read")
        if content.count(b",") >= MAX_VALUES and _has_too_many_values(content):
            raise _unreadable(f"has more than {MAX_VALUES} values and was not read")
        return content

    def _add(self, data: bytes) -> None:
        self._content += data
        self._check(len(self._content))

    def _check(self, size: int) -> None:
        if size > MAX_BODY:
            raise _unreadable(f"is larger than {MAX_BODY // 1024 // 1024} MiB and was not read")


def _has_too_many_values(content: bytes) -> bool:
    """Return whether there are, not counting what only stands in texts."""
    # every quote that is left begins or ends a text
    content = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    if content.count(b'"') > 4 * MAX_VALUES:
        return True
    begin, commas, is_text = 0, 0, False
    while (end := content.find(b'"', begin)) >= 0:
        commas += 0 if is_text else content.count(b",", begin, end)
        begin, is_text = end + 1, not is_text
    return commas + (0 if is_text else content.count(b",", begin)) >= MAX_VALUES


def _unreadable(what: str) -> TransportError:
    return TransportError(f"the body {what}", reason="unreadable")
