"""What a connection says, checked once, as a plain value."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.core.gate import Redact, redactor
from airflow_provider_ops.exceptions import InvalidConnection

#: Seconds one request may take when the connection does not say.
DEFAULT_TIMEOUT = 30.0


class ConnectionLike(Protocol):
    """The parts of an Airflow connection that are used here."""

    conn_type: str | None
    host: str | None
    port: int | None
    schema: str | None
    password: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach one API with one key. ``repr`` never shows the key or the proxy."""

    conn_id: str
    base_url: str
    key: str = field(repr=False)
    verify: bool | str = True
    timeout: float = DEFAULT_TIMEOUT
    requests_per_second: float | None = None
    proxy: str | None = field(default=None, repr=False)
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme, host and port: the only place requests go to."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def redact(self) -> Redact:
        """What takes the key out of a text."""
        return redactor(self.key)

    def tls(self) -> ssl.SSLContext:
        """What httpx takes as ``verify``."""
        if not self.base_url.startswith("https:"):
            # reading all certificates of the world takes longer than a thousand waits over plain HTTP
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if isinstance(self.verify, bool):
            return httpx.create_ssl_context(verify=self.verify)
        try:
            return ssl.create_default_context(cafile=self.verify)
        except (OSError, ssl.SSLError) as error:
            msg = f"verify of connection {self.conn_id!r} names {self.verify!r}, which is no CA file ({error})"
            raise InvalidConnection(msg) from None


def read_settings(api: Api, conn_id: str, conn: ConnectionLike, extra: Mapping[str, Any]) -> Settings:
    """The settings of a connection.

    :param extra: the connection's ``extra`` as a mapping; ``null`` and empty values count as absent,
        because the connection form saves every field.
    :raises InvalidConnection: one sentence that names the connection, the field and what to change.
    """
    if conn.conn_type and conn.conn_type != api.name:
        msg = (
            f"connection {conn_id!r} has type {conn.conn_type!r}, but {api.title} needs type {api.name!r}: "
            f"choose a {api.name} connection or change conn_id"
        )
        raise InvalidConnection(msg)
    extra = {name: value for name, value in extra.items() if value is not None and value != ""}
    fields = _Fields(conn_id, extra)
    return Settings(
        conn_id=conn_id,
        base_url=_base_url(api, conn_id, _compose(conn), allow_http=fields.flag("allow_http", default=False)),
        key=_key(api, conn_id, conn.password),
        verify=_verify(fields),
        timeout=fields.number("timeout", DEFAULT_TIMEOUT, 0.1, 600.0),
        requests_per_second=fields.number("requests_per_second", None, 0.01, 10_000.0),
        proxy=_proxy(fields),
        extras={name: str(extra[name]) for name in api.extras if name in extra},
    )


def _key(api: Api, conn_id: str, password: str | None) -> str:
    key = (password or "").strip()
    if not key:
        msg = f"connection {conn_id!r} has no API key: put the {api.title} key into its password field"
        raise InvalidConnection(msg)
    if not key.isascii() or not key.isprintable():
        msg = f"the API key of connection {conn_id!r} has characters that no key has: paste it again"
        raise InvalidConnection(msg)
    return key


def _compose(conn: ConnectionLike) -> str:
    # a connection given as URI arrives taken apart: https://api.example.com, 443, path without slash
    host = (conn.host or "").strip().rstrip("/")
    port = f":{conn.port}" if host and conn.port else ""
    path = f"/{conn.schema.strip('/')}" if host and conn.schema else ""
    return host + port + path


def _base_url(api: Api, conn_id: str, host: str, *, allow_http: bool) -> str:
    url = host or api.base_url
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises on a bad port
        # stricter than the standard library: control characters, impossible names
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        msg = f"host {url!r} of connection {conn_id!r} is not a URL ({error}): use {api.base_url!r}"
        raise InvalidConnection(msg) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        msg = f"host {url!r} of connection {conn_id!r} must begin with https:// and name a host, like {api.base_url!r}"
        raise InvalidConnection(msg)
    if parts.query or parts.fragment or parts.username:
        msg = f"host of connection {conn_id!r} may have no user, query or fragment: use {api.base_url!r}"
        raise InvalidConnection(msg)
    if parts.scheme == "http" and not (allow_http or _is_loopback(parts.hostname)):
        msg = (
            f"host {url!r} of connection {conn_id!r} would send the API key unencrypted: use https://, "
            "or set the extra allow_http to true if you mean it"
        )
        raise InvalidConnection(msg)
    _check_path(api, conn_id, url, parts.path)
    return url


def _check_path(api: Api, conn_id: str, url: str, path: str) -> None:
    wanted = urlsplit(api.base_url).path.rstrip("/")
    versions = [part for part in path.split("/") if part == "v1"]
    if path.endswith(wanted) and len(versions) == wanted.split("/").count("v1"):
        return
    ending = f"end with {wanted!r}" if wanted else "have no path of the API in it"
    msg = f"host {url!r} of connection {conn_id!r} must {ending} and nothing more, like {api.base_url!r}"
    raise InvalidConnection(msg)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _verify(fields: _Fields) -> bool | str:
    value = fields.extra.get("verify", True)
    if isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not Path(text).is_file():
        msg = f"verify of connection {fields.conn_id!r} must be true, false or an existing CA file, not {text!r}"
        raise InvalidConnection(msg)
    return text


def _proxy(fields: _Fields) -> str | None:
    value = fields.extra.get("proxy")
    if value is None:
        return None
    try:
        httpx.Proxy(str(value))
    except (ValueError, httpx.InvalidURL):
        # the value may hold a password, so it is not shown
        msg = f"proxy of connection {fields.conn_id!r} must be a URL like 'http://proxy.example.com:3128'"
        raise InvalidConnection(msg) from None
    return str(value)


@dataclass(frozen=True, slots=True)
class _Fields:
    conn_id: str
    extra: Mapping[str, Any]

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.extra.get(name, default)
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        msg = f"{name} of connection {self.conn_id!r} must be true or false, not {value!r}"
        raise InvalidConnection(msg)

    def number(self, name: str, default: Any, least: float, most: float) -> Any:
        value = self.extra.get(name)
        if value is None:
            return default
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not least <= number <= most:
            msg = f"{name} of connection {self.conn_id!r} must be a number from {least:g} to {most:g}, not {value!r}"
            raise InvalidConnection(msg)
        return number
