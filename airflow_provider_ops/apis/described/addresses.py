"""Addresses in answers: those of operations and results, as path and query below the base URL of the connection."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from airflow_provider_ops.apis.calls import Request

log = logging.getLogger(__name__)

#: What a path and a query may be made of; the rest of ASCII has to be percent-encoded.
_CLEAN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]|{}-]{1,2048}")
#: Decodings until a text no longer changes.
_MOST_DECODED = 8


def below(url: str, base_url: str, request_path: str = "") -> str | None:
    """Return path and query of an address below the base URL, ``None`` where it is not there.

    Requests go to the connection's origin only. An address at another one is that of a server behind a proxy: its path
    counts, where that lies below the path of the base URL.

    :param request_path: of the request whose answer has the address, for relative ones.
    """
    base = urlsplit(base_url)
    is_path = url.startswith("/") and not url.startswith("//")
    parts = urlsplit(urljoin(f"{base_url}{request_path}", url))
    path = parts.path
    prefix = base.path.rstrip("/")
    if prefix and not path.startswith(f"{prefix}/"):
        if not is_path:
            return None
    else:
        path = path.removeprefix(prefix)
    found = f"{path}?{parts.query}" if parts.query else path
    if parts.scheme not in ("http", "https") or not is_address(found):
        return None
    if parts.netloc.lower() != base.netloc.lower() and base.netloc:
        _say_once(parts.netloc, base.netloc)
    return found


def is_address(text: str) -> bool:
    """Return whether a text can be path and query of a request, and leads nowhere else."""
    path, _, query = text.partition("?")
    if not path.startswith("/") or not _CLEAN.fullmatch(text) or "?" in query:
        return False
    for _ in range(_MOST_DECODED):
        if "//" in path or "\\" in path or "#" in path or any(part in (".", "..") for part in path.split("/")):
            return False
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return path.isprintable()
        path = decoded
    return False


def request_of(address: str, **options: Any) -> Request:
    """Return the request that reads an address.

    :param options: further fields of the request.
    """
    path, _, query = address.partition("?")
    return Request("GET", path, "/{address}", query=_parameters(query), **options)


def address_of(path: str, query: Mapping[str, Any]) -> str:
    """Return path and query as one text."""
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _parameters(query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        before = found.get(name)
        found[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return found


@lru_cache(maxsize=100)
def _say_once(named: str, known: str) -> None:
    log.warning("answers name addresses at %s, and requests go to %s: the paths are followed there", named, known)
