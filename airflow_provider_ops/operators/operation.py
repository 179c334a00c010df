"""The operator for any call of any API whose answer names an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import Unpack

from airflow_provider_ops.apis.calls import check_path
from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.values import body_of, plain_json, plain_query
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operators.arguments import RequestArguments, Templated
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.fitting import is_literal
from airflow_provider_ops.retry_policy import enforce_retry_policy


class OperationRequestOperator(OperationOperator):
    """Send one request that starts an operation, and wait for it, with the guarantees of the typed operators.

    Calls that the provider knows get the same key, tag or name and the same search after a crash as their typed
    operator. For others a lost answer cannot be found out: the task then fails with
    :class:`~airflow_provider_ops.exceptions.AmbiguousSubmission` rather than send the request again.

    :param conn_id: Airflow connection; its type decides which API is called.
    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: path below the connection's base URL, like ``/deployments``.
    :param json: body.
    :param query: query parameters.
    """

    template_fields = ("conn_id", "operation_id", "method", "path", "json", "query")
    _declared_types: ClassVar[Mapping[str, Any]] = {
        "conn_id": str,
        "operation_id": str | None,
        "method": str,
        "path": str,
        "query": Mapping[str, Any] | None,
    }
    template_fields_renderers = {"json": "json", "query": "json"}  # noqa: RUF012 - Airflow's own convention

    def __init__(
        self,
        *,
        conn_id: Templated[str],
        method: Templated[str],
        path: Templated[str],
        json: Any = None,
        query: Templated[Mapping[str, Any]] | None = None,
        **kwargs: Unpack[RequestArguments],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        with enforce_retry_policy(self):
            self.check_arguments({"method": method, "path": path, "query": query})
        self.method = method
        self.path = path
        self.json = json
        self.query = query

    @classmethod
    def check_arguments(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that cannot work, each by itself and as far as it is known; without I/O.

        :raises InvalidArgument: names the argument and what is allowed.
        """
        super().check_arguments(arguments)
        method, path = arguments.get("method", "POST"), arguments.get("path", "/x")
        check_path(method.upper() if is_literal(method) else "POST", path if is_literal(path) else "/x")

    def make_hook(self) -> OperationsHook:
        """Return the hook for the type of ``conn_id``."""
        return hook_for(self.conn_id)

    def submit(self) -> SubmitCall:
        """Return the request as given."""
        method, path, query = map(self.rendered_field, ("method", "path", "query"))
        if path.endswith("/") and not str(self._templates.get("path", path)).endswith("/"):
            raise InvalidArgument(f"path {path!r} ends where an id belongs: the template there rendered to nothing")
        return self.hook.api.request(method, path, json=body_of(self.rendered_field("json")), query=query)

    def arguments(self) -> Mapping[str, Any]:
        """Return the request as given."""
        body, query = plain_json("json", body_of(self.json)), self.rendered_field("query")
        plain = None if query is None else plain_query(query)
        return {"method": str(self.method).upper(), "path": self.path, "json": body, "query": plain}
