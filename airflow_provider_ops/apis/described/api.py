"""The API that a spec describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Call, Flow, Paged, Request, Response, check_path
from airflow_provider_ops.apis.described.changing import Changes
from airflow_provider_ops.apis.described.ending import Endings
from airflow_provider_ops.apis.described.facts import checked_id, facts_of, is_meant, variables_of
from airflow_provider_ops.apis.described.filling import Values, fill, header_values, parameters
from airflow_provider_ops.apis.described.listing import entries_of, joined, paged
from airflow_provider_ops.apis.described.owned import Owned
from airflow_provider_ops.apis.described.polls import Polls
from airflow_provider_ops.apis.described.reading import OperationReader, error_body, exchange_of, json_or_none
from airflow_provider_ops.apis.described.results import Results
from airflow_provider_ops.apis.described.searching import DescribedSearch
from airflow_provider_ops.apis.described.secrets import all_texts_in, secrets_in
from airflow_provider_ops.apis.described.signing import Signer
from airflow_provider_ops.apis.described.submits import DescribedCalls, DescribedSubmit, NamesResourceOnly, exchange_for
from airflow_provider_ops.apis.operation_lists import OperationList, raw_entry
from airflow_provider_ops.apis.submits import Intent, OwnedResources, SubmitCall, Submitted
from airflow_provider_ops.apis.tokens import TokenCall
from airflow_provider_ops.apis.wire_models import ErrorBody
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import ApiError, InvalidArgument, OpsError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.parts import RequestSpec

T = TypeVar("T")


class ApiOfSpec(Api):
    """An API as its spec describes it.

    :param variables: values of the spec's ``variables``; those left out have their defaults.
    :param auth: type of authentication, default the first of the spec.
    :raises InvalidArgument: a variable is unknown, or has neither value nor default.
    """

    #: Reads operations; a subclass has its own where a spec cannot say how.
    reader_class: type[OperationReader] = OperationReader

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str] | None = None, *, auth: str = "") -> None:
        self.spec = spec
        self.variables = variables_of(spec, variables or {})
        self._signer = Signer(spec, self.variables, auth)
        for name, value in facts_of(spec, self.variables).items():
            # what a subclass says itself counts
            if getattr(type(self), name, None) is getattr(Api, name, None):
                setattr(self, name, value)
        self.needs_key = self._signer.needs_key
        self.refused_advice = self._signer.refused_advice or self.refused_advice
        self._reader = self.reader_class(spec)
        self._submits = DescribedCalls(spec, self.variables, self._reader)
        self._search = DescribedSearch(spec, self.variables, self._reader)
        self._changes = Changes(spec, self.variables, self._search)
        self._owned = Owned(spec, self.variables, self._search, self.get_operation)
        self._values = Values(self.variables)
        self._endings = Endings(spec, self.variables, self._reader, self._submits)
        self._polls = Polls(spec, self.variables, self._reader, self._submits, title=self.title)
        self._results = Results(spec, self.variables, self._polls.request)

    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return the header that carries the connection's password, or the token that it was exchanged for."""
        return self._signer.headers(key)

    def token_call(self, login: str, key: str) -> TokenCall | None:
        """Return the request that exchanges login and password for a token, where the spec has one."""
        return self._signer.token_call(login, key)

    def sign(self, request: Request, login: str, key: str) -> Request:
        """Return a request with the connection's password, or login and password, where the API expects them."""
        return self._signer.sign(request, login, key)

    def apply_connection_defaults(self, request: Request, extras: Mapping[str, Any]) -> Request:  # noqa: ARG002
        """Add what the spec sends with every call; a request's own values stay."""
        headers = {**header_values(self.spec.headers, self._values), **request.headers}
        query = {**parameters(self.spec.query, self._values), **request.query}
        return replace(request, headers=headers, query=query)

    def secrets_in(self, request: Request) -> Sequence[str]:
        """Return the values that the spec calls secret."""
        return secrets_in(exchange_for(request), self.spec.secrets) if self.spec.secrets else ()

    def concealed_in(self, request: Request) -> Sequence[str]:
        """Return all texts of these values, and those of the submit that a search repeats."""
        if not self.spec.secrets:
            return ()
        return (*request.secrets, *all_texts_in(exchange_for(request), self.spec.secrets))

    def error(self, response: Response) -> ErrorBody:
        """Read an error answer where the spec says, or as RFC 9457 and most APIs write it."""
        return error_body(self.spec.error, response, self.spec.secrets)

    def check(self) -> Call[str]:
        """Read what the spec names for that; without it, the first page of a list."""
        spec = self.spec
        request = spec.check or (spec.lists.open[0] if spec.lists and spec.lists.open else None)
        if request is None:
            raise InvalidArgument(f"the spec of {self.title} has no 'check', which tries the connection: add it")
        filled = fill(request, self._values)
        return Call(filled, lambda response: f"{filled.method} {filled.path} gives HTTP {response.status}")

    def validate_operation_id(self, operation_id: object) -> str:
        """Return ``operation_id`` when it can be one of this API.

        :raises InvalidArgument: it is no text, empty, or has characters that no id has.
        """
        found = checked_id(operation_id)
        self.get_operation(found)
        return found

    def get_operation(self, operation_id: str) -> Call[Operation]:
        """Read one operation."""
        return self._polls.poll(operation_id)

    def long_poll(self, operation_id: str, seconds: float) -> Call[Operation]:
        """Read one operation, the API holding the answer back."""
        return self._polls.long_poll(operation_id, seconds)

    def get_operations(self, operation_ids: Sequence[str]) -> Call[Mapping[str, Operation]]:
        """Read several operations at once."""
        lists = self.spec.lists
        if lists is None or lists.by_ids is None:
            return super().get_operations(operation_ids)
        request = fill(lists.by_ids, self._values.having(ids=list(operation_ids)), idempotent=True)
        wanted = frozenset(operation_ids)
        entries, secrets = lists.entries, self.spec.secrets

        def read(response: Response) -> Mapping[str, Operation]:
            return self._reader.several(entries_of(exchange_of(response), entries, secrets) or (), wanted)

        return Call(request, read)

    def list_operations(self, **filters: Any) -> Paged[Operation]:
        """List the operations of all lists, filtered by their parameters; ``None`` takes one out."""
        lists = self.spec.lists
        if lists is None or not (lists.open or lists.recent):
            return super().list_operations(**filters)
        requests: list[Request] = []
        for one in (*lists.open, *lists.recent):
            request = fill(one, self._values)
            query = {name: value for name, value in {**request.query, **filters}.items() if value is not None}
            request = replace(request, query=query)
            # filters may make one list of several
            if request not in requests:
                requests.append(request)
        return joined([self.paged(one, self._reader.as_shown) for one in requests], lambda one: one.id)

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
        return paged(request, entries, self.spec.paging, to_item, self.spec.secrets)

    def cancel_operation(self, operation_id: str, key: str | None = None) -> Call[Operation]:
        """Ask the API to cancel."""
        return self._endings.cancel(operation_id) or super().cancel_operation(operation_id, key)

    def cancel_submitted(self, handle: Handle) -> Call[Operation]:
        """As :meth:`cancel_operation`, by the request for operations of its kind."""
        operation_id = handle.operation_id or ""
        found = self._endings.cancel(operation_id, handle.kind, handle.resource_id)
        return found or super().cancel_operation(operation_id, handle.key or None)

    def cancelling(self, operation_id: str) -> Flow[Operation]:
        """Ask the API to cancel an operation of which only the id is known."""
        return self._cancelling(operation_id) if self._endings.needs_more else super().cancelling(operation_id)

    def _cancelling(self, operation_id: str) -> Flow[Operation]:
        known: Operation = yield self.get_operation(operation_id)
        call = self._endings.cancel(operation_id, known.kind, known.resource_id)
        answer: Operation = yield call or super().cancel_operation(operation_id)
        return answer

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Return a submit; one that the spec lists gets its kind, key and search."""
        return self._submits.build(method, path, json, query or {})

    def any_request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> Call[Any]:
        """Return a call for any request; its result is the JSON of the answer.

        :raises InvalidArgument: the path leads out of the API.
        """
        if method.upper() == "GET":
            check_path("POST", path)
            return Call(Request("GET", path, path, query=dict(query or {})), json_or_none)
        return Call(self._submits.build(method, path, json, query or {}).request, json_or_none)

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:
        """Put our key where the spec says."""
        return self._submits.with_key(submit, key) if isinstance(submit, DescribedSubmit) else submit

    def submit_flow(self, submit: SubmitCall) -> Flow[Submitted]:
        """Send a submit once; where its answer names the resource only, read the operation of that resource."""
        described = submit if isinstance(submit, DescribedSubmit) else None
        if described is not None:
            yield from self._changes.read_before(described)
        try:
            answer: Submitted = yield submit
        except NamesResourceOnly as error:
            if described is None:
                raise
            found = yield from self._changes.started(described, error.resource_type, error.resource_id)
            if found is None:
                raise
            return found
        return answer

    def find_existing(self, intent: Intent, error: ApiError) -> Flow[list[Submitted]] | None:
        """Search for what a refusal says to exist, where the spec says that it means this."""
        submit = intent.submit
        if not isinstance(submit, DescribedSubmit):
            return None
        already = self.spec.of_submit(submit.call, "already")
        return self._search.existing(submit) if is_meant(already, error) else None

    def is_busy(self, error: OpsError, submit: SubmitCall | None = None) -> bool:
        """Return whether the spec says that this refusal holds only for now: that of the call, else of all calls."""
        call = submit.call if isinstance(submit, DescribedSubmit) else None
        return isinstance(error, ApiError) and is_meant(self.spec.of_submit(call, "busy"), error)

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:
        """Search as the spec says."""
        submit = intent.submit
        own = self._changes.find(intent, submit) if isinstance(submit, DescribedSubmit) else None
        return self._search.find(intent) or own

    def list_owned(self) -> Flow[OwnedResources] | None:
        """List what carries a key of ours, where the spec has a request for that."""
        return self._owned.all()

    def find_owned(self, submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:
        """Find what submits like this have started, where the spec lists what carries a key of ours."""
        return self._owned.of_task_run(submit, is_ours) if isinstance(submit, DescribedSubmit) else None

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:
        """Read what a call with ``creates`` has made, where the spec lists it or reads it as a result."""
        return self._owned.resource(resource_type, resource_id)

    def shows_created(self, kind: str, fields: Mapping[str, Any] | None) -> bool:  # noqa: ARG002
        """Return whether :meth:`list_owned` shows what a create has made."""
        return self._owned.shows(kind)

    def why_not_shown(self, kind: str) -> str:
        """Return what the spec lacks."""
        return self._owned.why_not_shown(kind) or super().why_not_shown(kind)

    def why_not_read(self, resource_type: str) -> str:
        """Return which keys of the spec would give a read."""
        return self._owned.why_not_read(resource_type)

    def creates(self, kind: str) -> bool:
        """Return whether the spec says that a call of this kind makes a resource."""
        return any(call.kind == kind and call.creates for call in self.spec.calls)

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:
        """Read the result that the spec names; of an operation that is its own result, the part that is returned."""
        return self._results.read(operation, None)

    def read_result(self, operation: Operation, result_path: str | None) -> Flow[Mapping[str, Any] | None]:
        """As :meth:`read_resource`, where the answer to the submit may have said where the result is."""
        return self.read_resource(operation) if result_path is None else self._results.read(operation, result_path)

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:
        """Delete what a call with ``creates`` has made."""
        return self._endings.delete(resource_type, resource_id)
