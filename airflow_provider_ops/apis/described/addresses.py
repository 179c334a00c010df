"""Addresses in answers: those of operations and results, as path and query below the base URL of the connection."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit

from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.apis.described.filling import Values
from airflow_provider_ops.core.gate import LONGEST_ADDRESS
from airflow_provider_ops.core.redaction import REDACTED, SHORTEST_DECLARED
from airflow_provider_ops.spec.requests import Line

log = logging.getLogger(__name__)

#: What a path and a query may be made of; the rest of ASCII has to be percent-encoded.
_CLEAN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]|{}-]+")
#: Schemes that are followed, with their usual ports.
_PORTS = {"http": 80, "https": 443}
_NONE = "is no path and query that a request may have"
#: Decodings until a text no longer changes.
_MOST_DECODED = 8
#: A secret of fewer characters may be part of another text by chance.
_CONTAINED = 12


def below(url: str, base_url: str, request_path: str = "") -> str:
    """Return path and query of an address below the base URL.

    Requests go to the connection's origin only. An address at another one is that of a server behind a proxy: its path
    counts, where that lies below the path of the base URL.

    :param request_path: of the request whose answer has the address, for relative ones.
    :raises ValueError: no request may go there; says why, without a subject.
    """
    base = urlsplit(base_url)
    is_path = url.startswith("/") and not url.startswith("//")
    try:
        parts = urlsplit(urljoin(f"{base_url}{request_path}", url))
        origin = _origin(parts)
    except ValueError:
        raise ValueError(_NONE) from None
    path = parts.path
    prefix = base.path.rstrip("/")
    if parts.scheme in _PORTS and prefix and not path.startswith(f"{prefix}/"):
        if not is_path:
            raise ValueError(f"is not below the base URL {base_url}")
    else:
        path = path.removeprefix(prefix)
    found = f"{path}?{parts.query}" if parts.query else path
    if len(found) > LONGEST_ADDRESS:
        raise ValueError(f"has {len(found)} characters below the base URL, more than {LONGEST_ADDRESS}")
    if parts.scheme not in _PORTS or not is_address(found):
        raise ValueError(_NONE)
    if origin != (known := _origin(base)) and base.netloc:
        _say_once(origin, known)
    return found


def _origin(parts: SplitResult) -> str:
    """Return the origin of an address, without login and the usual port."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def id_or_address(address: str, get: Line, variables: Mapping[str, str]) -> str:
    """Return the id with which ``operation.get`` reads an address, else the address itself.

    :raises ValueError: ``get`` would read another operation, whose path ends alike; says so without a subject.
    """
    path = address.partition("?")[0]
    parts = path.strip("/").split("/")
    for start in range(len(parts)):
        names = get.match(get.method, "/".join(parts[start:]))
        if names and "operation_id" in names:
            if not _leads_to(path, get, {**variables, "operation_id": names["operation_id"]}):
                raise ValueError(f"is not what operation.get, {get.text}, reads: that is another operation")
            return names["operation_id"]
    return address


def _leads_to(path: str, get: Line, names: Mapping[str, str]) -> bool:
    """Return whether a request goes to a path."""
    try:
        filled = get.path.fill_path(Values(names).look_up)
    except ValueError:
        return False
    sent, named = ([unquote(part) for part in one.strip("/").split("/")] for one in (filled, path))
    return sent == named


def is_address(text: str) -> bool:
    """Return whether a text can be path and query of a request, and leads nowhere else."""
    path, _, query = text.partition("?")
    if not path.startswith("/") or len(text) > LONGEST_ADDRESS or not _CLEAN.fullmatch(text) or "?" in query:
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


def carries(address: str, secrets: Collection[str]) -> bool:
    """Return whether a parameter or a part of the path is a secret of a request, or one was taken out of it.

    Such an address is not stored.
    """
    path, _, query = address.partition("?")
    parts = [*map(unquote, path.split("/")), *(value for _, value in parse_qsl(query, keep_blank_values=True))]
    return REDACTED in address or any(
        one == part or (len(one) >= _CONTAINED and one in part)
        for one in secrets
        if len(one) >= SHORTEST_DECLARED
        for part in parts
    )


def _parameters(query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        before = found.get(name)
        found[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return found


@lru_cache(maxsize=100)
def _say_once(named: str, known: str) -> None:
    log.warning("answers name addresses at %s, and requests go to %s: the paths are followed there", named, known)
