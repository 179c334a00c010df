"""The API that a spec describes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_ops.apis.base import (
    Api,
    ErrorBody,
    Intent,
    OperationList,
    SubmitCall,
    Submitted,
    raw_entry,
    table,
)
from airflow_provider_ops.apis.calls import Call, Flow, Paged, Request, Response
from airflow_provider_ops.apis.described.filling import Values, fill, header_values, parameters
from airflow_provider_ops.apis.described.listing import paged
from airflow_provider_ops.apis.described.reading import OperationReader, error_body, exchange_of, without_secrets
from airflow_provider_ops.apis.described.searching import DescribedSearch
from airflow_provider_ops.apis.described.submits import DescribedCalls, DescribedSubmit, NamesResourceOnly
from airflow_provider_ops.core.gate import is_clean_id
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.values import is_list_text, object_as_text
from airflow_provider_ops.exceptions import ApiError, InvalidArgument, OpsError, TransportError
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.auth import ApiKey, ClientCredentials, HttpBasic, Login, NoAuth
from airflow_provider_ops.spec.parts import Part, RequestSpec
from airflow_provider_ops.spec.sections import PollSpec, Refusal
from airflow_provider_ops.spec.templates import parse_template
from airflow_provider_ops.spec.values import find_first

T = TypeVar("T")

#: Seconds to wait for an operation where the spec does not say.
_TIMEOUT = 3600.0
#: Seconds beyond a long poll before its answer counts as lost.
_WAIT_MARGIN = 10.0
_GROWTH = 1.5


class DescribedApi(Api):
    """An API as its spec describes it.

    :param variables: values of the spec's ``variables``; those left out have their defaults.
    :param auth: type of authentication, default the first of the spec.
    :raises InvalidArgument: a variable is unknown, or has neither value nor default.
    """

    conn_type = "operations"
    hook_extras: tuple[str, ...] = ("api", "variables", "auth")
    replaces_base_url = True
    unreadable_advice = (
        "Check that the connection's host is the API's; if it is, mend the spec, which says otherwise of its answers."
    )
    #: Reads operations; a subclass has its own where a spec cannot say how.
    reader_class: type[OperationReader] = OperationReader

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str] | None = None, *, auth: str = "") -> None:
        self.spec = spec
        self.variables = _variables(spec, variables or {})
        self._auth = _auth(spec, auth)
        for name, value in _facts(spec, self.variables, self._auth).items():
            # what a subclass says itself counts
            if getattr(type(self), name, None) is getattr(Api, name, None):
                setattr(self, name, value)
        self._reader = self.reader_class(spec)
        self._submits = DescribedCalls(spec, self.variables, self._reader)
        self._search = DescribedSearch(spec, self.variables, self._reader)
        self._values = Values(self.variables)

    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return the header that carries the connection's password."""
        auth = self._auth
        if isinstance(auth, ApiKey):
            return {auth.name: f"{auth.prefix}{key}"} if auth.in_ == "header" else {}
        return {} if isinstance(auth, NoAuth) else {"Authorization": f"Bearer {key}"}

    def sign(self, request: Request, login: str, key: str) -> Request:
        """Return a request with the connection's password, or login and password, where the API expects them."""
        auth = self._auth
        if isinstance(auth, ApiKey) and auth.in_ == "query":
            return replace(request, query={**request.query, auth.name: f"{auth.prefix}{key}"})
        if isinstance(auth, HttpBasic):
            pair = base64.b64encode(f"{login}:{key}".encode()).decode()
            return replace(request, headers={"Authorization": f"Basic {pair}", **request.headers})
        return super().sign(request, login, key)

    def apply_connection_defaults(self, request: Request, extras: Mapping[str, Any]) -> Request:  # noqa: ARG002
        """Add what the spec sends with every call; a request's own values stay."""
        headers = {**header_values(self.spec.headers, self._values), **request.headers}
        query = {**parameters(self.spec.query, self._values), **request.query}
        return replace(request, headers=headers, query=query)

    def error(self, response: Response) -> ErrorBody:
        """Read an error answer where the spec says, or as RFC 9457 and most APIs write it."""
        return error_body(self.spec.error, response)

    def check(self) -> Call[str]:
        """Read what the spec names for that; without it, the first page of a list."""
        spec = self.spec
        request = spec.check or (spec.lists.open[0] if spec.lists and spec.lists.open else None)
        if request is None:
            raise InvalidArgument(f"the spec of {self.title} has no 'check', which tries the connection: add it")
        return Call(fill(request, self._values), lambda response: f"HTTP {response.status}")

    def validate_operation_id(self, operation_id: object) -> str:
        """Return ``operation_id`` when it can be one of this API.

        :raises InvalidArgument: it is no text, empty, or has characters that no id has.
        """
        found = _checked_id(operation_id)
        self.get_operation(found)
        return found

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """Read one operation."""
        get = self.spec.operation.get
        if get is None:
            raise InvalidArgument(f"the spec of {self.title} has no 'operation.get', which reads an operation: add it")
        return self._reading(get, _checked_id(operation_id))

    def long_poll(self, operation_id: str, seconds: float) -> Call[Operation]:
        """Read one operation, the API holding the answer back."""
        wait = self.spec.wait
        if wait is None:
            return self.get_operation(operation_id)
        whole = max(1, min(int(seconds), int(wait.max)))
        return self._reading(wait, operation_id, seconds=whole, read_timeout=whole + _WAIT_MARGIN)

    def _reading(
        self, request: RequestSpec, operation_id: str, seconds: int | None = None, read_timeout: float | None = None
    ) -> Call[Operation]:
        values = self._values.having(operation_id=operation_id, seconds=seconds)
        filled = fill(request, values, about=operation_id, idempotent=True, read_timeout=read_timeout)
        accepts = frozenset(self.spec.operation.http)
        return Call(filled, lambda answer: self._reader.from_answer(answer, operation_id), accepts=accepts)

    def list_operations(self, **filters: Any) -> Paged[Operation]:
        """List the operations of the first list, filtered by its parameters; ``None`` takes one out."""
        lists = self.spec.lists
        if lists is None or not (lists.open or lists.recent):
            return super().list_operations(**filters)
        request = fill((*lists.open, *lists.recent)[0], self._values)
        query = {name: value for name, value in {**request.query, **filters}.items() if value is not None}
        return self.paged(replace(request, query=query), self._reader.from_entry)

    def open_operations(self) -> Sequence[OperationList]:
        """Return the lists that show what has not settled."""
        return self._lists(self.spec.lists.open if self.spec.lists else ())

    def recent_operations(self) -> Sequence[OperationList]:
        """Return the lists that show what has settled."""
        return self._lists(self.spec.lists.recent if self.spec.lists else ())

    def _lists(self, requests: Sequence[RequestSpec]) -> tuple[OperationList, ...]:
        reader = self._reader
        return tuple(
            OperationList(self.paged(fill(one, self._values), raw_entry), reader.from_entry, reader.id_of)
            for one in requests
        )

    def paged(self, request: Request, to_item: Callable[[Any], T]) -> Paged[T]:
        """Return a list of the API, in pages as the spec says."""
        entries = self.spec.lists.entries if self.spec.lists else ()
        if not request.replayable:
            # a list by POST changes nothing
            request = replace(request, idempotent=True)
        return paged(request, entries, self.spec.paging, to_item)

    def cancel_operation(self, operation_id: str, key: str | None = None) -> Call[Operation]:
        """Ask the API to cancel."""
        request = self._cancel_request()
        if request is None:
            return super().cancel_operation(operation_id, key)
        return Call(fill(request, self._values.having(operation_id=operation_id)), self._cancelled(operation_id))

    def _cancelled(self, operation_id: str) -> Any:
        def read(response: Response) -> Operation:
            try:
                return self._reader.from_answer(response, operation_id)
            except TransportError:
                word = f"cancel answered with HTTP {response.status}"
                return Operation(operation_id, self.name, "", OperationState.UNKNOWN, word)

        return read

    def _cancel_request(self) -> RequestSpec | None:
        own = (call.cancel for call in self.spec.calls if call.cancel is not None)
        return self.spec.cancel or next(own, None)

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Return a submit; one that the spec lists gets its kind, key and search."""
        return self._submits.build(method, path, json, query or {})

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:
        """Put our key where the spec says."""
        return self._submits.with_key(submit, key) if isinstance(submit, DescribedSubmit) else submit

    def submit_flow(self, submit: SubmitCall) -> Flow[Submitted]:
        """Send a submit once; where its answer names the resource only, look its operation up."""
        try:
            answer: Submitted = yield submit
        except NamesResourceOnly as error:
            if not isinstance(submit, DescribedSubmit):
                raise
            found = yield from self._search.of_resource(submit, error.resource_type, error.resource_id)
            if found is None:
                raise
            return found
        return answer

    def is_busy(self, error: OpsError) -> bool:
        """Return whether the spec says that this refusal holds only for now."""
        return isinstance(error, ApiError) and _is_meant(self.spec.submit.busy, error)

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search as the spec says."""
        return self._search.find(intent)

    def creates(self, kind: str) -> bool:
        """Return whether the spec says that a call of this kind makes a resource."""
        return any(call.kind == kind and call.creates for call in self.spec.calls)

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Read the result that the spec names; of an operation that is its own result, the part that is returned."""
        result = next(
            (self.spec.inherited(call, "result") for call in self.spec.calls if call.kind == operation.kind),
            self.spec.result,
        )
        if result is None or result.final_state_via == "none":
            return None
        values = self._values.having(operation_id=operation.id, resource_id=operation.resource_id, kind=operation.kind)
        if result.request is not None:
            request = fill(result, values)
        elif result.final_state_via == "operation" and self.spec.operation.get is not None:
            request = fill(self.spec.operation.get, values)
        else:
            return None
        answer: Mapping[str, Any] | None = yield Call(request, lambda response: self._part(response, result.value))
        return answer

    def _part(self, response: Response, value: Sequence[str]) -> Mapping[str, Any] | None:
        """Return the part of an answer that is the result, without what the spec calls secret."""
        exchange = exchange_of(response)
        body = without_secrets(exchange.response_body, self.spec.secrets)
        found = find_first(value, replace(exchange, response_body=body), body) if value else body
        return found if found is None or isinstance(found, Mapping) else {"value": found}

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Delete what a call with ``creates`` has made."""
        call = next((one for one in self.spec.calls if one.creates == resource_type), None)
        request = None if call is None else self.spec.inherited(call, "delete")
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


def _checked_id(operation_id: object) -> str:
    if isinstance(operation_id, str) and is_list_text(operation_id):
        raise object_as_text("operation_id", operation_id)
    if not isinstance(operation_id, str) or not is_clean_id(operation_id) or operation_id != operation_id.strip():
        raise InvalidArgument(f"operation_id {operation_id!r} cannot be an id: pass it exactly as the API gave it")
    if operation_id == "None":
        raise InvalidArgument("operation_id is the text 'None': what was to give the id gave None")
    return operation_id


def _variables(spec: ApiSpec, given: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(given) - set(spec.variables))
    if unknown:
        known = ", ".join(spec.variables) or "none"
        raise InvalidArgument(
            f"variables has {unknown[0]!r}, which the spec of {spec.shown_title} lacks; known: {known}"
        )
    values = {name: given.get(name, one.default) for name, one in spec.variables.items()}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise InvalidArgument(
            f"variables must give {missing[0]!r}: the spec of {spec.shown_title} has no default for it"
        )
    return {name: str(value) for name, value in values.items()}


def _auth(spec: ApiSpec, name: str) -> Part:
    """Return the way to prove who sends a request.

    :raises InvalidArgument: the spec has none of this type.
    """
    found = next((one for one in spec.auth if not name or one.type == name), None)
    if found is None:
        known = ", ".join(one.type for one in spec.auth)
        raise InvalidArgument(f"auth {name!r} is not known to the spec of {spec.shown_title}: use {known}")
    if isinstance(found, (ClientCredentials, Login)):
        raise InvalidArgument(
            f"the spec of {spec.shown_title} uses {found.type}, which this release does not carry out: "
            "describe another 'auth'"
        )
    return found


def _facts(spec: ApiSpec, variables: Mapping[str, str], auth: Part) -> dict[str, Any]:
    """Return the attributes of an :class:`Api` that a spec gives."""
    polls = {call.kind: _policy(call.poll) for call in spec.calls if call.poll}
    cancels = [spec.cancel, *(call.cancel for call in spec.calls)]
    return {
        "name": spec.name,
        "title": spec.shown_title,
        "base_url": parse_template(spec.base_url).fill(lambda one: variables.get(one.name)),
        "timeouts": table({"": _TIMEOUT, **_call_timeouts(spec), **spec.timeouts}),
        "polls": table({"": _policy(spec.poll), **polls}),
        "can_cancel": any(one is not None for one in cancels),
        "lists_operations": bool(spec.lists and spec.lists.open),
        "longest_poll": spec.wait.max if spec.wait else 0.0,
        "requests_per_second": spec.budget.requests_per_second if spec.budget else None,
        "needs_key": not isinstance(auth, NoAuth),
    }


def _call_timeouts(spec: ApiSpec) -> dict[str, float]:
    return {call.kind: call.timeout for call in spec.calls if call.timeout is not None}


def _policy(poll: PollSpec) -> PollPolicy:
    first = poll.delay or poll.min or min(1.0, poll.max or 1.0)
    cap = poll.max or max(first, 10.0)
    return PollPolicy(first=first, factor=_GROWTH, cap=max(cap, first))


def _is_meant(refusal: Refusal | None, error: ApiError) -> bool:
    if refusal is None or not (refusal.status or refusal.code):
        return False
    return (not refusal.status or error.status in refusal.status) and (not refusal.code or error.code in refusal.code)
