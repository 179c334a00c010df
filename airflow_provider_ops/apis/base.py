"""The facts that an API declares about itself. A new API is one subclass of :class:`Api` in a file of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from airflow_provider_ops.apis.calls import Call, Flow, Paged, Request, Response, split_reference
from airflow_provider_ops.apis.operation_lists import OperationList
from airflow_provider_ops.apis.submits import Intent, OwnedResources, SubmitCall, Submitted, generic_submit
from airflow_provider_ops.apis.tokens import TokenCall
from airflow_provider_ops.apis.wire_models import ErrorBody, WireModel, read
from airflow_provider_ops.core.changes import unknown_state
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.exceptions import ApiError, CancelNotSupported, InvalidArgument, OpsError
from airflow_provider_ops.operation import Operation

#: What "Adding an API" in the docs begins with.
__all__: Final = ["Api", "SubmitCall", "Submitted", "WireModel", "read"]


class Api(ABC):
    """Facts about one remote API: no I/O, no state."""

    #: Value of ``Operation.api``; also the connection type, unless ``conn_type`` is another.
    name: str
    title: str
    #: Connection type of APIs that share one; empty for ``name``.
    conn_type: str = ""
    #: Documented base URL with scheme; its path must also end every other base URL of this API.
    base_url: str
    #: Whether the connection's host may have any path.
    replaces_base_url: bool = False
    #: Budget of a connection that does not say; ``None`` for no limit of our own.
    requests_per_second: float | None = None
    #: Headers, in lower case, that say how many requests are left, and when there will be more.
    budget_headers: tuple[str, str] | None = None
    #: Whether the connection must have a password.
    needs_key: bool = True
    #: Seconds to wait by kind; the longest prefix of a kind wins, ``""`` is for all others.
    timeouts: Mapping[str, float]
    #: When to poll, by kind, chosen like ``timeouts``.
    polls: Mapping[str, PollPolicy]
    can_cancel: bool = False
    #: Whether :meth:`open_operations` gives lists, so that one page can stand for a hundred reads.
    lists_operations: bool = False
    #: Operations that :meth:`get_operations` may ask for at once; 0 where the API has no such read.
    ids_per_request: int = 0
    #: Whether an entry of those lists has all that a single read shows of the progress.
    lists_show_progress: bool = True
    #: Longest time in seconds for which :meth:`long_poll` may ask; 0 where the API has no long poll.
    longest_poll: float = 0.0
    #: Whether an answer to a submit may name several operations; the result of a task has all their ids then.
    may_start_several: bool = False
    #: What else can be waited for by its own status, written ``kind:id``.
    reference_kinds: tuple[str, ...] = ()
    #: Extras of the connection this API uses beside the common ones.
    extras: tuple[str, ...] = ()
    #: What to do about an answer that cannot be read; empty for what the error says itself.
    unreadable_advice: str = ""
    #: What to do about a 401; empty for what the error says itself.
    refused_advice: str = ""
    #: Extras of the connection that its hook reads.
    hook_extras: tuple[str, ...] = ()
    #: Hash of the spec of a connection's own; ``None`` for an API that comes with this package.
    spec_hash: str | None = None

    @abstractmethod
    def authenticate(self, key: str) -> Mapping[str, str]:
        """Return headers that carry the API key."""

    def token_call(self, login: str, key: str) -> TokenCall | None:  # noqa: ARG002
        """Return the request that exchanges login and key for a token, ``None`` where the key itself is sent.

        :raises InvalidArgument: the request cannot be made.
        """
        return None

    def sign(self, request: Request, login: str, key: str) -> Request:  # noqa: ARG002
        """Return a request with the credentials of its sender."""
        return replace(request, headers={**self.authenticate(key), **request.headers})

    def secrets_in(self, request: Request) -> Sequence[str]:  # noqa: ARG002
        """Return texts in a request, beside the key, that no answer may bring back."""
        return ()

    def concealed_in(self, request: Request) -> Sequence[str]:
        """Return texts in a request that no message may show: also parts of secrets, and short ones."""
        return self.secrets_in(request)

    @abstractmethod
    def error(self, response: Response) -> ErrorBody:
        """Read an error answer. Must cope with any body; HTML and nothing included."""

    @abstractmethod
    def get_operation(self, operation_id: str) -> Call[Operation]:
        """Read one operation."""

    @abstractmethod
    def check(self) -> Call[str]:
        """Return one cheap authenticated read for ``test_connection``; its text says which API or account answered."""

    def validate_operation_id(self, operation_id: object) -> str:
        """Return ``operation_id`` when this API can wait for it.

        :raises InvalidArgument: it cannot be an id, or its kind is none that this API knows.
        """
        kind, _ = split_reference("operation_id", operation_id)
        if kind is not None and kind not in self.reference_kinds:
            others = "".join(f", or {one}:<id>" for one in self.reference_kinds)
            raise InvalidArgument(
                f"operation_id {operation_id!r}: {self.title} has no {kind} that can be waited for; pass the id of an "
                f"operation{others}"
            )
        return str(operation_id)

    def apply_connection_defaults(self, request: Request, extras: Mapping[str, Any]) -> Request:  # noqa: ARG002
        """Complete ``request`` from the connection's extras (default project, workspace header)."""
        return request

    def list_operations(self, **filters: Any) -> Paged[Operation]:
        """Return all operations the API lists, newest or oldest first as it likes."""
        raise NotImplementedError(f"{self.title} has no call that lists operations")

    def long_poll(self, operation_id: str, seconds: float) -> Call[Operation]:  # noqa: ARG002
        """Read one operation, the API holding the answer back up to ``seconds`` for the operation to settle."""
        return self.get_operation(operation_id)

    def get_operations(self, operation_ids: Sequence[str]) -> Call[Mapping[str, Operation]]:
        """Read several operations at once; those that the answer does not show are left out."""
        raise NotImplementedError(f"{self.title} has no call that reads several operations: {operation_ids}")

    def open_operations(self) -> Sequence[OperationList]:
        """Return lists that together show every operation that has not settled; they may show others as well."""
        return ()

    def recent_operations(self) -> Sequence[OperationList]:
        """Return lists whose first pages are likely to show the operations that settled just now."""
        return ()

    def cancel_operation(self, operation_id: str, key: str | None = None) -> Call[Operation]:  # noqa: ARG002
        """Ask the API to cancel."""
        msg = (
            f"{self.title} has no call that cancels an operation: {operation_id} continues until it settles. "
            "To end it, delete what it makes."
        )
        raise CancelNotSupported(msg)

    def cancelling(self, operation_id: str) -> Flow[Operation]:
        """Ask the API to cancel an operation of which only the id is known."""
        return _sending(self.cancel_operation(operation_id))

    def cancel_submitted(self, handle: Handle) -> Call[Operation]:
        """Ask the API to cancel what a submit has started; some APIs need its kind or resource as well."""
        return self.cancel_operation(handle.operation_id or "", handle.key or None)

    def with_idempotency_key(self, submit: SubmitCall, key: str) -> SubmitCall:  # noqa: ARG002
        """Put ``key`` into ``submit`` (header, tag, derived name), as far as the API has a place for it."""
        return submit

    def submit_flow(self, submit: SubmitCall) -> Flow[Submitted]:
        """Return a flow that sends a submit with its key: once, unless the API refused it and started nothing."""
        answer: Submitted = yield submit
        return answer

    def request(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> SubmitCall:
        """Return any call of this API whose answer names an operation, for ``OperationRequestOperator``.

        An API overrides this to recognise its own calls, so that they get the kind, the mark and the
        search of the typed operators.
        """
        return generic_submit(method, path, json=json, query=query)

    def is_busy(self, error: OpsError, submit: SubmitCall | None = None) -> bool:  # noqa: ARG002
        """Return whether ``error`` refuses a submit only for as long as another operation is running.

        :param submit: what was refused; some APIs say so in another way for some calls.
        """
        return False

    def find_submitted(self, intent: Intent) -> Flow[list[Submitted]] | None:  # noqa: ARG002
        """Return a flow that searches for what an unanswered submit started; ``None`` where that cannot be found."""
        return None

    def find_existing(self, intent: Intent, error: ApiError) -> Flow[list[Submitted]] | None:  # noqa: ARG002
        """Flow that finds what a refusal says to exist or to be under way; ``None`` where it says nothing of that."""
        return None

    def find_owned(self, submit: SubmitCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]] | None:  # noqa: ARG002
        """Return a flow that finds what submits like this have started, each with its key; ``None`` where it cannot.

        :param is_ours: whether a key is one of those that are searched for.
        """
        return None

    def list_owned(self) -> Flow[OwnedResources] | None:
        """Return a flow that lists what has an ownership tag of any task; ``None`` where the API keeps no tags."""
        return None

    def creates(self, kind: str) -> bool:
        """Return whether an operation of this kind makes a new resource."""
        return kind.endswith(".create")

    def shows_created(self, kind: str, fields: Mapping[str, Any] | None) -> bool:  # noqa: ARG002
        """Return whether :meth:`list_owned` shows what a create has made.

        :param fields: the rendered fields of the operator that sent it; ``None`` when they are not known any more.
        """
        return False

    def why_not_shown(self, kind: str) -> str:  # noqa: ARG002
        """Return why :meth:`list_owned` does not show what a create has made."""
        return "there is no mark to find it by"

    def why_not_read(self, resource_type: str) -> str:  # noqa: ARG002
        """Return why :meth:`find_resource` has no flow for resources of a type."""
        return f"{self.title} has no read for it"

    def find_resource(self, resource_type: str, resource_id: str) -> Flow[Mapping[str, Any] | None] | None:  # noqa: ARG002
        """Return a flow that reads a resource by its id, ``None`` when it is gone.

        No flow where the API has no such read, so that nothing is known.
        """
        return None

    def read_resource(self, operation: Operation) -> Flow[Mapping[str, Any] | None]:  # noqa: ARG002
        """Return a flow that reads what a settled operation acted on, as JSON; ``None`` where there is nothing to read.

        :raises NotFound: it does not exist. Where that is normal, for what it made as well, return ``None`` instead.
        """
        yield from ()
        return None

    def read_result(self, operation: Operation, result_path: str | None) -> Flow[Mapping[str, Any] | None]:  # noqa: ARG002
        """As :meth:`read_resource`, where the answer to the submit may have said where the result is."""
        return self.read_resource(operation)

    def explain_failure(self, operation: Operation) -> Flow[Operation]:
        """Return a flow that adds to a failed operation what only its resource shows."""
        yield from ()
        return operation

    def explain_unknown_state(self, operation: Operation, *, listed: bool) -> str:  # noqa: ARG002
        """Return a log line about an operation in a state that stands for none of ours.

        :param listed: whether an entry of a list showed it, not an answer about it alone.
        :return: a ``WarningLine`` where a person has to act.
        """
        return unknown_state(operation)

    def delete_resource(self, resource_type: str, resource_id: str) -> Flow[Submitted | None] | None:  # noqa: ARG002
        """Return a flow that starts deleting a resource; ``None`` where the API has no such call."""
        return None

    def shows_deletion(self, resource_type: str, resource_id: str) -> Flow[bool] | None:  # noqa: ARG002
        """Return a flow that reads whether a resource is in the state that the API documents for being deleted.

        No flow where it documents none. What cannot be read, or is in no list, is not in that state.
        """
        return None

    def resource_url(self, resource: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return a page for people, read from a resource."""
        return None

    def default_timeout(self, kind: str) -> float:
        """Return the seconds to wait for an operation of this kind when the user does not say."""
        return by_kind(self.timeouts, kind)

    def poll_policy(self, kind: str, poll_interval: float | None = None) -> PollPolicy:
        """Return when to poll an operation of this kind; ``poll_interval`` overrides the API's advice."""
        if poll_interval is not None:
            return PollPolicy.every(poll_interval)
        return by_kind(self.polls, kind)


def _sending(call: Call[Operation]) -> Flow[Operation]:
    answer: Operation = yield call
    return answer


V = TypeVar("V")


def by_kind(table: Mapping[str, V], kind: str) -> V:
    matching = [prefix for prefix in table if kind.startswith(prefix)]
    return table[max(matching, key=len)]


def table(values: Mapping[str, V]) -> Mapping[str, V]:
    """Return a read-only table by kind; must have the entry ``""``."""
    if "" not in values:
        msg = "a table by kind needs the entry '' for kinds it does not name"
        raise ValueError(msg)
    return MappingProxyType(dict(values))
