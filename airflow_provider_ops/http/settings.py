"""What a connection says, checked once, as a plain value."""

from __future__ import annotations

import difflib
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.core.gate import Redact, redactor
from airflow_provider_ops.exceptions import InvalidConnection, located
from airflow_provider_ops.http.base_url import ConnectionLike, base_url_of
from airflow_provider_ops.http.budget_home import BudgetHome
from airflow_provider_ops.http.proxies import Proxy, proxy_for
from airflow_provider_ops.http.tls import plain_context, tls_context

log = logging.getLogger(__name__)

#: Seconds one request may take when the connection does not say.
DEFAULT_TIMEOUT = 30.0
#: Extras of every connection; an API adds its own.
_EXTRAS = ("verify", "timeout", "requests_per_second", "proxy", "allow_http", "budget_url")


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
    login: str = field(default="", repr=False)
    budget: BudgetHome | None = None

    @property
    def origin(self) -> str:
        """Return scheme, host and port: the only place requests go to."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def where(self, api: Api) -> str:
        """Return what an error says of where it happened: API, connection and base URL."""
        return f"{api.title} ({place_of(self.conn_id)}, {self.base_url})"

    @property
    def redact(self) -> Redact:
        """Return the function that takes the key out of a text."""
        return redactor(self.key)

    def tls(self) -> ssl.SSLContext:
        """Return the TLS context of these settings; equal ones share it.

        :raises InvalidConnection: the certificates cannot be read, or the proxy cannot be used.
        """
        route = self.route()
        if not self.base_url.startswith("https:") and not (route and route.url.startswith("https:")):
            return plain_context()
        with _located(self.conn_id):
            return tls_context(self.verify)

    def route(self) -> Proxy | None:
        """Return the proxy that requests go through, ``None`` for no proxy.

        :raises InvalidConnection: the proxy cannot be used.
        """
        with _located(self.conn_id):
            return proxy_for(self.base_url, self.proxy)


def place_of(conn_id: str) -> str:
    """Return what an error says of where it happened while only the connection is known."""
    return f"connection {conn_id!r}"


@contextmanager
def _located(conn_id: str) -> Iterator[None]:
    try:
        yield
    except InvalidConnection as error:
        located(error, place_of(conn_id))
        raise


def read_settings(
    api: Api,
    conn_id: str,
    conn: ConnectionLike,
    extra: Mapping[str, Any],
    budget: BudgetHome | None = None,
) -> Settings:
    """Return the settings of a connection.

    :param extra: the connection's ``extra`` as a mapping; ``null`` and empty values count as absent,
        because the connection form saves every field.
    :param budget: where the budget is kept that all processes share, unless the connection names another place.
    :raises InvalidConnection: names the connection and everything in it that must be changed.
    """
    wanted = api.conn_type or api.name
    if conn.conn_type and conn.conn_type != wanted:
        msg = (
            f"its type is {conn.conn_type!r}, but {api.title} needs one of type {wanted!r}: "
            "change the type, or name another connection"
        )
        raise located(InvalidConnection(msg), place_of(conn_id))
    extra = {name: value for name, value in extra.items() if value is not None and value != ""}
    fields, found = _Fields(extra), _Problems(conn_id)
    allow_http = found.of(lambda: fields.flag("allow_http", default=False), True)
    settings = Settings(
        conn_id=conn_id,
        base_url=found.of(lambda: base_url_of(api, conn, allow_http=allow_http), api.base_url),
        key=found.of(lambda: _key(api, conn.password), ""),
        verify=found.of(lambda: _verify(fields), True),
        timeout=found.of(lambda: fields.number("timeout", DEFAULT_TIMEOUT, 0.1, 600.0), DEFAULT_TIMEOUT),
        requests_per_second=found.of(
            lambda: fields.number("requests_per_second", api.requests_per_second, 0.01, 10_000.0), None
        ),
        proxy=None if "proxy" not in extra else str(extra["proxy"]),
        login=(conn.login or "").strip(),
        budget=found.of(lambda: _budget(extra.get("budget_url"), budget), None),
        extras={name: found.of(partial(fields.text, name), "") for name in api.extras if name in extra},
    )
    found.of(settings.tls, None)
    found.of(settings.route, None)
    unknown = unknown_extras(api, extra)
    found.raise_all(unknown)
    if unknown:
        _warn_once(conn_id, unknown)
    return settings


def unknown_extras(api: Api, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence about each extra that has no meaning here, with the known name that it resembles."""
    known = (*_EXTRAS, *api.extras, *api.hook_extras)
    sentences = []
    for name in extra:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            sentences.append(f"extra {name!r} is unknown and ignored: {meant}")
    return tuple(sentences)


@lru_cache(maxsize=1000)
def _warn_once(conn_id: str, unknown: tuple[str, ...]) -> None:
    log.warning("connection %r: %s", conn_id, "; ".join(unknown))


class _Problems:
    """Everything that is wrong with a connection, so that it can be put right at once."""

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id
        self._found: list[str] = []

    def of(self, work: Callable[[], Any], otherwise: Any) -> Any:
        """Return what ``work`` returns, and ``otherwise`` when it finds a problem."""
        try:
            return work()
        except InvalidConnection as error:
            if error.what not in self._found:
                self._found.append(error.what)
            return otherwise

    def raise_all(self, remarks: tuple[str, ...]) -> None:
        """Raise one error that names all problems.

        :param remarks: what is no fault by itself, but may be where one of the problems comes from.
        """
        if not self._found:
            return
        problems = "; ".join(f"({number}) {text}" for number, text in enumerate(self._found, 1))
        said = self._found[0] if len(self._found) == 1 else f"several things are wrong: {problems}"
        raise located(InvalidConnection("; besides, ".join((said, *remarks))), place_of(self._conn_id))


def _key(api: Api, password: str | None) -> str:
    key = (password or "").strip()
    if not key and not api.needs_key:
        return ""
    if not key:
        msg = f"it has no API key: put the {api.title} key into its password field"
        raise InvalidConnection(msg)
    if not key.isascii() or not key.isprintable():
        msg = "its API key has characters that no key has: paste it again"
        raise InvalidConnection(msg)
    return key


def _budget(url: object, otherwise: BudgetHome | None) -> BudgetHome | None:
    home = otherwise
    if url is not None:
        home = BudgetHome(str(url).strip()) if otherwise is None else replace(otherwise, url=str(url).strip())
    if home is None or not home.url:
        return None
    if problem := home.problem:
        raise InvalidConnection(problem)
    return home


def _verify(fields: _Fields) -> bool | str:
    value = fields.extra.get("verify", True)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        # whether the file can be used is found out when it is read
        return text.lower() == "true" if text.lower() in ("true", "false") else text
    msg = f"verify must be true, false or an existing CA file, not {value!r}"
    raise InvalidConnection(msg)


@dataclass(frozen=True, slots=True)
class _Fields:
    extra: Mapping[str, Any]

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.extra.get(name, default)
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        msg = f"{name} must be true or false, not {value!r}"
        raise InvalidConnection(msg)

    def text(self, name: str) -> str:
        value = str(self.extra[name]).strip()
        if value and value.isascii() and value.isprintable():
            return value
        msg = f"{name} must be printable ASCII text, not {value!r}"
        raise InvalidConnection(msg)

    def number(self, name: str, default: Any, least: float, most: float) -> Any:
        value = self.extra.get(name)
        if value is None:
            return default
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not least <= number <= most:
            msg = f"{name} must be a number from {least:g} to {most:g}, not {value!r}"
            raise InvalidConnection(msg)
        return number
