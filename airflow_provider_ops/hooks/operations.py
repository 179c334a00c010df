"""Hook of any API that a spec describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_ops._compat import get_connection
from airflow_provider_ops.apis.calls import Paged
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.exceptions import InvalidArgument, InvalidConnection
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.specs import find_spec
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.operation import Operation


class OperationsApiHook(OperationsHook):
    """An API that a spec describes, sync and async.

    :param conn_id: Airflow connection of type ``operations``.
    :param api: what the spec describes; default: what the connection says.
    """

    conn_type = "operations"
    default_conn_name = "operations_default"
    hook_name = "Operations API"

    def __init__(
        self, conn_id: str | None = None, *, api: DescribedApi | None = None, clock: Clock | None = None, **kwargs: Any
    ) -> None:
        super().__init__(conn_id, clock=clock, **kwargs)
        self._api = api

    @property
    def api(self) -> DescribedApi:  # type: ignore[override]
        """Return what the connection's spec describes; looked up once."""
        if self._api is None:
            _, extra = get_connection(self.conn_id)
            self._api = api_of(self.conn_id, extra)
        return self._api

    @classmethod
    def for_connection(cls, conn_id: str, extra: Mapping[str, Any]) -> OperationsApiHook:
        """Return the hook for a connection that was looked up."""
        return cls(conn_id, api=api_of(conn_id, extra))

    def list_operations(self, **filters: Any) -> Any:
        """Iterate over the operations that the API lists, all pages.

        :param filters: query parameters of the list.
        """
        return self.items(self._list(**filters))

    def alist_operations(self, **filters: Any) -> Any:
        """As :meth:`list_operations`, on an event loop."""
        return self.aitems(self._list(**filters))

    def _list(self, **filters: Any) -> Paged[Operation]:
        return self.api.list_operations(**filters)


def api_of(conn_id: str, extra: Mapping[str, Any]) -> DescribedApi:
    """Return the API that a connection of type ``operations`` leads to.

    :raises InvalidConnection: it names no usable spec, or its variables are wrong.
    """
    try:
        spec = find_spec(extra.get("api"))
        return DescribedApi(spec, _variables(extra.get("variables")), auth=str(extra.get("auth") or ""))
    except InvalidArgument as error:
        raise InvalidConnection(f"connection {conn_id!r} cannot be used: {error}") from None


def _variables(given: object) -> dict[str, str]:
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise InvalidArgument('variables is no JSON: write {"name": "value"}') from None
    if not isinstance(given, Mapping):
        raise InvalidArgument('variables must be an object: write {"name": "value"}')
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
