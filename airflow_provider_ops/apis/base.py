"""The facts that an API declares about itself. A new API is one subclass of :class:`Api` in a file of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_provider_ops.apis.calls import Call, Flow, Paged, Request, Response, check_path, split_reference
from airflow_provider_ops.apis.tokens import TokenCall
from airflow_provider_ops.core.changes import unknown_state
from airflow_provider_ops.core.gate import cut_text, is_clean_id, one_line
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.exceptions import ApiError, CancelNotSupported, InvalidArgument, OpsError, TransportError
from airflow_provider_ops.operation import Operation, web_address

M = TypeVar("M", bound=BaseModel)


class WireModel(BaseModel):
    """Base of all wire models: unknown fields are ignored, so that an API may grow under us."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class NamesNoOperation(TransportError):
    """The answer to a submit names no operation where the description of the API says that one is named."""

    def __init__(self, what: str) -> None:
        super().__init__(what, reason="unreadable")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the answer to a submit says, whatever its shape."""

    operation_id: str
    kind: str
    resource_type: str | None = None
    resource_id: str | None = None
    #: The operation itself where the answer carries it.
    operation: Operation | None = None
    #: A page for people that shows the operation, where the API gives one.
    operation_url: str | None = None
    #: The idempotency key, tag or name of ours that the API shows with it, where it does.
    key: str | None = None
    #: Ids of further operations that the same submit has started.
    others: tuple[str, ...] = ()
    #: Path and query, below the base URL, at which the result is read after success.
    result_path: str | None = None

    def __post_init__(self) -> None:
        for name in (self.operation_id, *self.others):
            if not is_clean_id(name):
                msg = f"the answer names an operation {cut_text(name, 200)!r}, which cannot be an id"
                raise TransportError(msg, reason="unreadable")
        if self.resource_id is not None and not is_clean_id(self.resource_id):
            # the operation is usable; code that needs its resource reads it from the operation, and is refused there
            object.__setattr__(self, "resource_id", None)
        object.__setattr__(self, "operation_url", web_address(self.operation_url))
        object.__setattr__(self, "kind", one_line(self.kind))
        object.__setattr__(self, "resource_type", one_line(self.resource_type) if self.resource_type else None)

    @classmethod
    def of(cls, operation: Operation) -> Submitted:
        """Return what an answer says that is the operation itself."""
        return cls(
            operation.id, operation.kind, operation.resource_type, operation.resource_id, operation, operation.url
        )


@dataclass(frozen=True, slots=True)
class SubmitCall(Call[Submitted]):
    """A call that starts an operation.

    :param kind: what will be started, like ``deployment.create``; chooses the default wait timeout.
    :param creates: whether success leaves a new resource that a policy may delete again.
    """

    kind: str = ""
    creates: bool = False
    #: A call that must succeed before anything is submitted (Nirvana's availability).
    preflight: Call[Any] | None = None

    def with_request(self, **changes: Any) -> SubmitCall:
        """Return the same submit with some parts of its request replaced."""
        return replace(self, request=replace(self.request, **changes))


@dataclass(frozen=True, slots=True)
class Intent:
    """What is known of a submit whose answer was never seen: its marked request and our key.

    :param age: seconds since the request was first about to leave, now; ``None`` to find it whenever that was.
    :param is_exact: whether one clock has measured them; else another process has sent it, by a clock of its own.
    """

    submit: SubmitCall
    key: str
    age: Callable[[], float] | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """Something that exists and that was created by a submit with a mark of ours."""

    key: str
    resource_type: str
    resource_id: str
    name: str | None = None
    state: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnedResources:
    """What :meth:`Api.list_owned` found, and what it could not read, a sentence each."""

    found: Sequence[OwnedResource] = ()
    problems: Sequence[str] = ()


def entry_id(entry: Any) -> str:
    """Return the id in an entry of a list; of one that is no object, or has none, an id that no operation has."""
    name = entry.get("id") if isinstance(entry, dict) else ""
    return name if isinstance(name, str) else str(name)


class OperationList(NamedTuple):
    """A list of operations, each read only when it is waited for: lists show a hundred for one that matters.

    :param entries: as they come.
    :param read: maps an entry to the operation.
    :param id_of: returns the id in an entry.
    """

    entries: Paged[Any]
    read: Callable[[Mapping[str, Any]], Operation]
    id_of: Callable[[Any], str] = entry_id


def raw_entry(entry: Any) -> Any:
    """Return an entry of an :class:`OperationList` as it came; it is read only when it is waited for."""
    return entry


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer says.

    :param is_from_api: whether it has the API's own form. A proxy or gateway on the way answers in another one, and
        knows nothing about operations and resources.
    """

    code: str | None
    message: str
    is_from_api: bool = True


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

    def is_busy(self, error: OpsError) -> bool:  # noqa: ARG002
        """Return whether ``error`` refuses a submit only for as long as another operation is running."""
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
        """Return a flow that reads a resource by its id, ``None`` when it is gone or being deleted.

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

    def resource_url(self, resource: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return a page for people, read from a resource."""
        return None

    def default_timeout(self, kind: str) -> float:
        """Return the seconds to wait for an operation of this kind when the user does not say."""
        return _by_kind(self.timeouts, kind)

    def poll_policy(self, kind: str, poll_interval: float | None = None) -> PollPolicy:
        """Return when to poll an operation of this kind; ``poll_interval`` overrides the API's advice."""
        if poll_interval is not None:
            return PollPolicy.every(poll_interval)
        return _by_kind(self.polls, kind)


def _sending(call: Call[Operation]) -> Flow[Operation]:
    answer: Operation = yield call
    return answer


V = TypeVar("V")


def _by_kind(table: Mapping[str, V], kind: str) -> V:
    matching = [prefix for prefix in table if kind.startswith(prefix)]
    return table[max(matching, key=len)]


def table(values: Mapping[str, V]) -> Mapping[str, V]:
    """Return a read-only table by kind; must have the entry ``""``."""
    if "" not in values:
        msg = "a table by kind needs the entry '' for kinds it does not name"
        raise ValueError(msg)
    return MappingProxyType(dict(values))


def read(model: type[M], data: Any) -> M:
    """Return ``data`` as a wire model.

    :raises TransportError: reason ``unreadable`` when required fields are missing or of another type.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise unreadable(model.__name__, error) from None


def unreadable(what: str, error: ValidationError) -> TransportError:
    """Return the error for an answer without the documented shape; it names fields, never their values."""
    problems = "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors(include_input=False)[:3]
    )
    return TransportError(f"the answer is no {what} as documented: {problems}", reason="unreadable")


def read_error(response: Response, find: Callable[[Any], tuple[Any, Any]]) -> ErrorBody:
    """Return code and message of an error answer.

    :param find: takes the parsed body, returns code and message; may fail on bodies it does not know
        (a proxy's page, nothing at all), which are then quoted by their beginning.
    """
    try:
        code, message = find(response.json())
    except (TransportError, KeyError, TypeError, AttributeError, IndexError, ValueError):
        code, message = None, None
    is_from_api = message is not None
    if not is_from_api:
        message = response.text(120) or "(no message)"
    return ErrorBody(None if code is None else str(code), str(message), is_from_api)


#: Where answers are known to name their operation, tried in this order; a dot goes one object deeper.
_OPERATION_IDS = (
    "operation_id", "operationId", "data.operation_id", "operation.id", "render.operation_id", "data.operation.id",
)  # fmt: skip
#: Ids that may be those of a resource as well, so that a ``Location`` that speaks of operations comes first.
_BARE_IDS = ("id", "data.id")


def generic_submit(method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None) -> SubmitCall:
    """Return a submit of which only the request is known.

    :raises InvalidArgument: method or path cannot be sent.
    """
    method = method.upper()
    check_path(method, path)
    request = Request(method, path, path, query=dict(query or {}), json=json)
    return SubmitCall(request, lambda response: Submitted(find_operation_id(response), ""))


def find_operation_id(response: Response) -> str:
    """Return the operation id in an answer of unknown shape: a known field, else the last part of ``Location``.

    :raises TransportError: reason ``unreadable`` when the answer names none.
    """
    try:
        body = response.json()
    except TransportError:
        body = None
    *above, last = response.headers.get("location", "").split("?")[0].rstrip("/").split("/")
    located = last if above and above[-1] == "operations" else None
    found = _first_text(body, _OPERATION_IDS) or located or _first_text(body, _BARE_IDS) or last
    if found:
        return found
    names = ", ".join((*_OPERATION_IDS, *_BARE_IDS))
    msg = f"the answer (HTTP {response.status}) names no operation: searched for {names} and Location"
    raise TransportError(msg, reason="unreadable")


def _first_text(body: Any, places: Sequence[str]) -> str | None:
    for place in places:
        value = body
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return None
