"""The base URL of a connection: its host, port and schema, checked."""

from __future__ import annotations

import ipaddress
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.http.proxies import shown
from airflow_provider_ops.http.transport import url_problem

_SCHEMES = ("http", "https")


class ConnectionLike(Protocol):
    """The parts of an Airflow connection that are used here."""

    conn_type: str | None
    login: str | None
    host: str | None
    port: int | None
    schema: str | None
    password: str | None


def _compose(api: Api, conn: ConnectionLike) -> str:
    """Return the base URL that host, port and schema make together.

    In a connection given as a URI the host arrives taken apart: https://api.example.com, 443, path without slash. By
    Airflow's convention the schema may also be the scheme of the URL.
    """
    host, schema = (conn.host or "").strip().rstrip("/"), (conn.schema or "").strip()
    if not host:
        return ""
    port = f":{conn.port}" if conn.port else ""
    if schema.lower() not in _SCHEMES:
        return host + port + (f"/{schema.strip('/')}" if schema.strip("/") else "")
    scheme, separator, _ = host.partition("://")
    if separator:
        if scheme.lower() != schema.lower():
            msg = f"host is {shown(host)!r} and schema {schema!r}: name one scheme, in the host"
            raise InvalidConnection(msg)
        return host + port
    name, slash, path = host.partition("/")
    return f"{schema.lower()}://{name}{port}" + (slash + path if slash else urlsplit(api.base_url).path)


def base_url_of(api: Api, conn: ConnectionLike, *, allow_http: bool) -> str:
    """Return where requests of a connection go.

    :raises InvalidConnection: says what to change.
    """
    url = _compose(api, conn) or api.base_url
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises on a bad port
        # stricter than the standard library: control characters, impossible names
        problem = url_problem(url)
    except ValueError as error:
        problem = str(error)
    if problem is not None:
        msg = f"host {shown(url)!r} is not a URL ({problem}): use {api.base_url!r}"
        raise InvalidConnection(msg)
    if parts.scheme not in _SCHEMES or not parts.hostname or " " in url:
        msg = f"host {shown(url)!r} must begin with https:// and name a host, like {api.base_url!r}"
        raise InvalidConnection(msg)
    _check_parts(api, url, parts, allow_http=allow_http)
    return url


def _check_parts(api: Api, url: str, parts: SplitResult, *, allow_http: bool) -> None:
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        msg = f"host may have no user, query or fragment: use {api.base_url!r}"
        raise InvalidConnection(msg)
    if parts.scheme == "http" and not (allow_http or _is_loopback(parts.hostname or "")):
        msg = (
            f"host {url!r} would get the API key unencrypted: use https://, "
            "or set the extra allow_http to true if you mean it"
        )
        raise InvalidConnection(msg)
    _check_path(api, url, parts.path)


def _check_path(api: Api, url: str, path: str) -> None:
    if api.replaces_base_url:
        if ".." in unquote(path):
            raise InvalidConnection(f"its host {url!r} has '..' in its path: write it without")
        return
    wanted = urlsplit(api.base_url).path.rstrip("/")
    versions = [part for part in path.split("/") if part == "v1"]
    climbs = ".." in unquote(path).split("/")
    if path.endswith(wanted) and len(versions) == wanted.split("/").count("v1") and not climbs:
        return
    missing = _missing(wanted, path)
    if missing:
        raise InvalidConnection(f"host {url!r} ends too early: add {missing!r}, like {api.base_url!r}")
    ending = f"end with {wanted!r}" if wanted else "have no path of the API in it"
    msg = f"host {url!r} must {ending} and nothing more, like {api.base_url!r}"
    raise InvalidConnection(msg)


def _missing(wanted: str, path: str) -> str:
    """Return what a path lacks at its end to be that of the API; empty where more is wrong with it."""
    parts, found = wanted.split("/")[1:], path.rstrip("/").split("/")[1:]
    if any(part in ("v1", "..") for part in unquote(path).split("/")):
        return ""
    begun = next((count for count in range(len(parts), 0, -1) if found[-count:] == parts[:count]), 0)
    return "" if found and not begun else "".join(f"/{part}" for part in parts[begun:])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
