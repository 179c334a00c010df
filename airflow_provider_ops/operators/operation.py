"""The operator for any call of any API whose answer names an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.base import Submit
from airflow_provider_ops.apis.http import check_path
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.fields import is_literal


class OperationRequestOperator(OperationOperator):
    """Sends one request that starts an operation, and waits for it, with the guarantees of the typed operators.

    Calls that the provider knows get the same key, tag or name and the same search after a crash as their typed
    operator. For others a lost answer cannot be found out: the task then fails with
    :class:`~airflow_provider_ops.exceptions.AmbiguousSubmission` rather than send the request again.

    :param conn_id: Airflow connection; its type decides which API is called.
    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: path below the connection's base URL, like ``/deployments``.
    :param json: body.
    :param query: query parameters.
    """

    template_fields = ("conn_id", "method", "path", "json", "query")
    template_fields_renderers = {"json": "json", "query": "json"}  # noqa: RUF012 - Airflow's own convention

    def __init__(
        self,
        *,
        conn_id: str,
        method: str,
        path: str,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        if is_literal(method) and is_literal(path):
            check_path(method.upper(), path)
        self.method = method
        self.path = path
        self.json = json
        self.query = query

    def make_hook(self) -> OperationsHook:
        """The hook for the type of ``conn_id``."""
        return hook_for(self.conn_id)

    def submit(self) -> Submit:
        """The request as given."""
        return self.hook.api.request(self.method, self.path, json=self.json, query=self.query)

    def arguments(self) -> Mapping[str, Any]:
        """Return the request as given."""
        return {"method": self.method.upper(), "path": self.path, "json": self.json, "query": self.query}
