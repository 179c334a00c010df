"""Looks for a secret in everything that a stack has written: metadata database, logs, configuration."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20


def leaks(home: Path, secret: str) -> list[Path]:
    """Return the files under `home` that hold the secret, in clear or in Base64."""
    traces = [secret.encode(), *_encoded(secret.encode())]
    files = (path for path in sorted(home.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path.relative_to(home) for path in files if _holds(path, traces)]


def _encoded(secret: bytes) -> Iterator[bytes]:
    """Yield what the secret looks like inside Base64, for each place it can have among the groups of three bytes."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        # Characters at the ends also depend on the neighbours.
        yield text[2 * shift : len(text) - 4]


def _holds(path: Path, traces: list[bytes]) -> bool:
    overlap = max(map(len, traces))
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            window = tail + chunk
            if any(trace in window for trace in traces):
                return True
            tail = window[-overlap:]
    return False
