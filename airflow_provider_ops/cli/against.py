"""``airflow operations spec check FILE --against URL``: read one real operation as a spec says."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ops._compat import get_connection
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.described.explaining import Field, explained, given, searched
from airflow_provider_ops.hooks.base import default_clock
from airflow_provider_ops.hooks.specs import api_of
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import read_settings
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.templates import Placeholder

_NAME = "spec check"
#: Sent where no connection is named: a simulator takes any.
_ANY = "any-key"


def fields_against(spec: ApiSpec, url: str, operation_id: str | None, conn_id: str | None) -> list[Field]:
    """Return what each field comes to in an operation at a real API, and what its searches find.

    :param url: base URL of the API, or address of an operation.
    :param conn_id: connection whose login and password are sent.
    :raises OpsError: nothing can be read there.
    """
    base_url, found = split_address(spec, url)
    conn, extra = _connection(conn_id)
    shown = {**extra, "api": spec.model_dump_json()}
    api: DescribedApi = api_of(_NAME, shown)
    login, password = (conn.login, conn.password) if conn is not None else ("", _ANY)
    named = SimpleNamespace(
        conn_type="operations", host=base_url, port=None, schema=None, login=login or "", password=password or ""
    )
    settings = read_settings(api, conn_id or _NAME, named, shown)
    with BlockingClient(api, settings, default_clock()) as client:
        return [*given(client.run(explained(api, operation_id or found))), *client.run(searched(api))]


def _connection(conn_id: str | None) -> tuple[Any, Mapping[str, Any]]:
    return (None, {}) if conn_id is None else get_connection(conn_id)


def split_address(spec: ApiSpec, url: str) -> tuple[str, str | None]:
    """Return the base URL of an address, and the operation that it names, ``None`` where it names none."""
    get = spec.operation.get
    line = parse_line(get.request) if get is not None else None
    if line is None or isinstance(line.path.parts[0], Placeholder) or line.path.parts[0] == "/":
        # any path could be that of an operation
        return url.rstrip("/"), None
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")
    for start in range(len(names)):
        match = line.match(line.method, "/" + "/".join(names[start:]))
        if match and "operation_id" in match:
            above = "/".join(names[:start])
            return f"{parts.scheme}://{parts.netloc}{'/' + above if above else ''}", match["operation_id"]
    return url.rstrip("/"), None
