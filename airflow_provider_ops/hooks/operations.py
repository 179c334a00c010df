"""Hook of any API that a spec describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ops._compat import get_connection
from airflow_provider_ops.apis.calls import Paged
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.specs import api_of
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.operation import Operation


class OperationsApiHook(OperationsHook):
    """Call an API that a spec describes, sync and async.

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

    def request(self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """Send any request to the API, and return the JSON of its answer, ``None`` where there is none.

        A request that changes something is sent at most once, and nothing searches for it after a lost answer:
        :class:`~airflow_provider_ops.operators.operation.OperationRequestOperator` does.

        :param path: below the connection's base URL, without query.
        :raises ApiError: the API refused.
        :raises TransportError: no answer, or the outcome of a change is not known.
        """
        return self.call(self.api.any_request(method, path, json=json, query=query))

    async def arequest(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """As :meth:`request`, on an event loop."""
        return await self.acall(self.api.any_request(method, path, json=json, query=query))

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
