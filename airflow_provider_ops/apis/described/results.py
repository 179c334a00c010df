"""What is read after an operation of a described API has succeeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.calls import Call, Flow, Request, Response
from airflow_provider_ops.apis.described.addresses import address_of, below, carries, request_of
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import exchange_of
from airflow_provider_ops.apis.described.secrets import without_secrets
from airflow_provider_ops.core.gate import LONGEST_ADDRESS
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.kinds import call_of_kind
from airflow_provider_ops.spec.sections import CallSpec, ResultSpec
from airflow_provider_ops.spec.values import find_first

#: Where ``auto`` finds the result, as Azure Resource Manager has it.
_AUTO = {"PUT": "original_uri", "PATCH": "original_uri", "POST": "location"}


class Results:
    """Read results of one API.

    :param read_operation: returns the request that reads an operation.
    """

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], read_operation: Callable[[str], Request]) -> None:
        self._spec = spec
        self._values = Values(variables)
        self._read_operation = read_operation

    def read(self, operation: Operation, path: str | None) -> Flow[Mapping[str, Any] | None]:
        """Return what the spec names as the result.

        :param path: where the submit has said that it is, path and query.
        """
        result = self._of_kind(operation.kind)
        if result is None or result.final_state_via == "none":
            return None
        if result.request is not None:
            named = {"operation_id": operation.id, "resource_id": operation.resource_id, "kind": operation.kind}
            request = fill(result, self._values.having(**named))
        elif result.final_state_via == "operation":
            request = self._read_operation(operation.id)
        elif path is not None:
            request = request_of(path)
        else:
            return None
        answer: Mapping[str, Any] | None = yield Call(request, lambda response: self._part(response, result.value))
        return answer

    def _of_kind(self, kind: str) -> ResultSpec | None:
        call = call_of_kind(self._spec, kind)
        result: ResultSpec | None = self._spec.inherited(call, "result")
        return result

    def _part(self, response: Response, value: Sequence[str]) -> Mapping[str, Any] | None:
        """Return the part of an answer that is the result, without what the spec calls secret."""
        exchange = exchange_of(response)
        body = without_secrets(exchange.response_body, self._spec.secrets)
        found = find_first(value, replace(exchange, response_body=body), body) if value else body
        return found if found is None or isinstance(found, Mapping) else {"value": found}


def result_path(
    spec: ApiSpec, call: CallSpec | None, request: Request, response: Response, secrets: Sequence[str] = ()
) -> str | None:
    """Return where the answer to a submit says that the result will be; ``None`` where nothing says that.

    :param secrets: texts of the request that are not stored; nor is an address with one of them.
    """
    result: ResultSpec | None = spec.inherited(call, "result")
    via: str | None = result.final_state_via if result is not None and result.request is None else None
    via = _AUTO.get(request.method) if via == "auto" else via
    if via == "original_uri":
        found: str | None = address_of(request.path, request.query)
    else:
        location = response.headers.get("location") if via == "location" else None
        try:
            found = below(location, response.base_url or spec.base_url, request.path) if location else None
        except ValueError:
            return None
    # a handle with a longer one could not be read; without what is secret, it would be the address of something else
    is_kept = found is not None and len(found) <= LONGEST_ADDRESS and not carries(found, secrets)
    return found if is_kept else None
