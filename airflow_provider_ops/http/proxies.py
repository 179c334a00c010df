"""Which proxy requests of a connection go through: its own, or one of the environment."""

from __future__ import annotations

import ipaddress
import os
import sys
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.http.extras import missing_extra

_SCHEMES = ("http", "https", "socks5", "socks5h")
#: Whether asyncio can encrypt a connection that is encrypted already.
_HAS_TLS_WITHIN_TLS = sys.version_info >= (3, 11)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and where it is configured.

    :param source: the extra or the environment variable.
    """

    url: str = field(repr=False)
    source: str


def proxy_for(base_url: str, configured: str | None) -> Proxy | None:
    """Return the proxy for requests to ``base_url``, ``None`` when they go there directly.

    :param configured: the extra ``proxy`` of the connection.
    :raises InvalidConnection: the proxy cannot be used; names where it is configured and, without password, its value.
    """
    found = _find(base_url, configured)
    if found is not None:
        _check(found, base_url)
    return found


def _find(base_url: str, configured: str | None) -> Proxy | None:
    if configured is not None:
        return Proxy(configured, "the extra proxy")
    parts, proxies = urlsplit(base_url), getproxies()
    for kind in (parts.scheme, "all"):
        if url := proxies.get(kind):
            if _is_exempt(parts, proxies.get("no", "")):
                return None
            variables = (name for name in (f"{kind}_proxy", f"{kind}_proxy".upper()) if os.environ.get(name))
            variable = next(variables, None)
            source = f"the environment variable {variable}" if variable else "the proxy setting of this system"
            return Proxy(url if "://" in url else f"http://{url}", source)
    return None


def _check(proxy: Proxy, base_url: str) -> None:
    problem = _problem(proxy.url)
    if problem is not None:
        raise InvalidConnection(
            f"{proxy.source} {problem}: it is {shown(proxy.url)!r}, "
            "and must be a URL like 'http://proxy.example.com:3128' or 'socks5://proxy.example.com:1080'"
        )
    if proxy.url.startswith("socks") and (missing := missing_extra("socks")):
        raise InvalidConnection(f"{proxy.source} is {shown(proxy.url)!r}, which needs {missing}")
    if not _HAS_TLS_WITHIN_TLS and proxy.url.startswith("https:") and base_url.startswith("https:"):
        raise InvalidConnection(
            f"{proxy.source} is {shown(proxy.url)!r}, which needs Python 3.11 or newer for an API over https: "
            "use one whose URL begins with http:// or socks5://"
        )


def _problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is no URL ({error})"
    if parts.scheme not in _SCHEMES:
        return f"has a scheme that is none of {', '.join(_SCHEMES)}"
    if not parts.hostname or port == 0 or not url.isascii() or not url.isprintable() or " " in url:
        return "names no host"
    return None


def shown(url: str) -> str:
    """Return a URL without user and password."""
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}***@{rest.rpartition('@')[2]}" if "@" in rest else url


def _is_exempt(target: SplitResult, no_proxy: str) -> bool:
    """Return whether ``NO_PROXY`` names the host: a domain, an address or a network, with or without a port."""
    host, port = (target.hostname or "").lower(), target.port or _PORTS.get(target.scheme)
    return any(_names(entry.strip().lower(), host, port) for entry in no_proxy.replace(" ", ",").split(","))


def _names(entry: str, host: str, port: int | None) -> bool:
    entry = entry.partition("://")[2] or entry
    if entry == "*":
        return True
    name, only_port = _split_port(entry)
    if not name or (only_port is not None and only_port != str(port)):
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        domain = name.removeprefix("*").removeprefix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _split_port(entry: str) -> tuple[str, str | None]:
    if entry.startswith("["):
        inside, _, after = entry[1:].partition("]")
        # `[fd00::]/8` is a network, `[::1]:8080` a host and a port
        return (inside + after, None) if after.startswith("/") else (inside, after.removeprefix(":") or None)
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port or None
    return entry, None
