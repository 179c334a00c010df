"""What a function decorated with ``@task.operation`` may return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.submits import SubmitCall


@dataclass(frozen=True)
class OperationRequest:
    """A request that starts an operation: returned by the function, sent by the task.

    Calls that the provider knows get the key, tag or name of their operator, and its search after a crash. Where a
    builder of the API's module fits (``airflow_provider_ops.apis.onvera.create_deployment``), return what it builds
    instead: its arguments are typed.

    :param method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
    :param path: path below the connection's base URL, like ``/deployments``.
    :param json: body.
    :param query: query parameters.
    """

    method: str
    path: str
    json: Any = None
    query: Mapping[str, Any] | None = None

    def submit(self, api: Api) -> SubmitCall:
        """Return the call for ``api``.

        :raises InvalidArgument: method or path cannot be sent.
        """
        return api.request(self.method, self.path, json=self.json, query=self.query)


#: An operation id, several, or the request that starts one.
Returned: TypeAlias = str | Sequence[str] | OperationRequest | SubmitCall
