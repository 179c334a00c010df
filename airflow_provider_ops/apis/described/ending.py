"""How operations of a described API are cancelled, and what they have made is deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from airflow_provider_ops.apis.calls import Call, Flow, Response
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import OperationReader
from airflow_provider_ops.apis.described.submits import DescribedCalls
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.advice import uses
from airflow_provider_ops.spec.kinds import call_of_kind
from airflow_provider_ops.spec.parts import RequestSpec


class Endings:
    """Cancel and delete at one API."""

    def __init__(
        self, spec: ApiSpec, variables: Mapping[str, str], reader: OperationReader, submits: DescribedCalls
    ) -> None:
        self._spec = spec
        self._values = Values(variables)
        self._reader = reader
        self._submits = submits

    @property
    def needs_more(self) -> bool:
        """Return whether an id alone does not say how its operation is cancelled."""
        return any(call.has("cancel") for call in self._spec.calls) or bool(
            self._spec.cancel is not None and uses(self._spec.cancel, "resource_id")
        )

    def cancel(self, operation_id: str, kind: str = "", resource_id: str | None = None) -> Call[Operation] | None:
        """Return the call that cancels, ``None`` where operations of this kind cannot be cancelled."""
        request = self._cancel_request(kind)
        if request is None:
            return None
        values = self._values.having(operation_id=operation_id, resource_id=resource_id, kind=kind)
        # an id may have '/', so that the answer's cannot be distinguished from the path
        return Call(fill(request, values, about=operation_id), self._cancelled(operation_id))

    def _cancel_request(self, kind: str) -> RequestSpec | None:
        calls = self._spec.calls
        call = call_of_kind(self._spec, kind)
        if call is not None:
            request: RequestSpec | None = self._spec.inherited(call, "cancel")
            return request
        own = [one.cancel for one in calls if one.cancel is not None]
        # where nothing says of which kind it is, there must be one way only
        return self._spec.cancel or (own[0] if own and all(one == own[0] for one in own) else None)

    def _cancelled(self, operation_id: str) -> Callable[[Response], Operation]:
        def read(response: Response) -> Operation:
            try:
                found = self._reader.from_answer(response, operation_id)
            except TransportError:
                found = None
            if found is not None and found.id == operation_id:
                return found
            # an answer all the same, and often about the cancellation: the operation itself is read next
            word = f"cancel answered with HTTP {response.status}"
            return Operation(operation_id, self._spec.name, "", OperationState.UNKNOWN, word)

        return read

    def delete(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Return the flow that deletes what a call with ``creates`` has made."""
        call = next((one for one in self._spec.calls if one.creates == resource_type), None)
        request = None if call is None else self._spec.inherited(call, "delete")
        return None if request is None else self._delete(request, resource_type, resource_id)

    def _delete(self, request: RequestSpec, resource_type: str, resource_id: str) -> Flow[Submitted | None]:
        filled = fill(request, self._values.having(resource_id=resource_id))

        def read(response: Response) -> Submitted | None:
            try:
                return self._submits.read(response, filled, None, {})
            except TransportError:
                return None

        submitted: Submitted | None = yield Call(filled, read)
        return None if submitted is None else replace(submitted, resource_type=resource_type, resource_id=resource_id)
