"""How one operation of a described API is read."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ops.apis.calls import Call, Request
from airflow_provider_ops.apis.described.addresses import is_address, request_of
from airflow_provider_ops.apis.described.facts import checked_id
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import OperationReader
from airflow_provider_ops.apis.described.submits import DescribedCalls
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec

#: Seconds beyond a long poll before its answer counts as lost.
_WAIT_MARGIN = 10.0


class Polls:
    """Read single operations of one API.

    :param title: of the API, for people.
    """

    def __init__(
        self,
        spec: ApiSpec,
        variables: Mapping[str, str],
        reader: OperationReader,
        submits: DescribedCalls,
        *,
        title: str,
    ) -> None:
        self._spec = spec
        self._values = Values(variables)
        self._reader = reader
        self._submits = submits
        self._title = title

    def poll(self, operation_id: str) -> Call[Operation]:
        """Return the read of one operation."""
        return self._reading(self.request(operation_id), operation_id)

    def long_poll(self, operation_id: str, seconds: float) -> Call[Operation]:
        """Return the read of one operation, the API holding the answer back."""
        wait = self._spec.wait
        if wait is None or self._is_address(operation_id):
            return self.poll(operation_id)
        whole = max(1, min(int(seconds), int(wait.max)))
        values = self._values.having(operation_id=operation_id, seconds=whole)
        options = {"about": operation_id, "idempotent": True, "read_timeout": whole + _WAIT_MARGIN}
        return self._reading(fill(wait, values, **options), operation_id)

    def request(self, operation_id: str) -> Request:
        """Return the request that reads an operation.

        :raises InvalidArgument: the id cannot be one, or nothing says how it is read.
        """
        operation_id = checked_id(operation_id)
        if self._is_address(operation_id):
            return request_of(operation_id, about=operation_id)
        get = self._spec.operation.get
        if get is None:
            raise InvalidArgument(f"the spec of {self._title} has no 'operation.get', which reads an operation: add it")
        return fill(get, self._values.having(operation_id=operation_id), about=operation_id, idempotent=True)

    def _is_address(self, operation_id: str) -> bool:
        return self._submits.follows_addresses and operation_id.startswith("/") and is_address(operation_id)

    def _reading(self, request: Request, operation_id: str) -> Call[Operation]:
        accepts = frozenset(self._spec.operation.http)
        return Call(request, lambda answer: self._reader.from_answer(answer, operation_id), accepts=accepts)
