"""Every error of the provider, one tree.

::

    OpsError
    ├── ConfigurationError           nothing was sent
    │   ├── InvalidArgument          an argument of an operator, sensor or hook method (also a ValueError)
    │   │   └── InvalidSpec          the description of an API
    │   └── InvalidConnection        the Airflow connection
    │       └── ConnectionMissing    there is none of that name
    ├── TransportError               no answer, none that can be read, or none of the API's own
    ├── ApiError                     the API answered with an error
    │   ├── InvalidRequest           400, 422
    │   ├── AuthenticationError      401
    │   ├── PermissionDenied         403
    │   ├── NotFound                 404, 410
    │   ├── Conflict                 409, 412
    │   ├── RateLimited              429
    │   └── ServerError              5xx
    ├── CancelNotSupported           the API has no call that cancels
    ├── SubmissionError
    │   ├── AmbiguousSubmission      a submit whose outcome cannot be known
    │   ├── DifferentRequest         the running operation was started by another request
    │   ├── OperationLost            the API no longer knows the stored operation
    │   └── UnreadableHandle         what is stored cannot be read, or a newer release has stored it
    ├── AttemptStopped               the task was ended, or its worker is going away
    │   └── Superseded               another attempt of the task has begun, so this one does nothing more
    ├── ResourceGone                 the operation succeeded, and what it made does not exist
    ├── OperationFailed              settled: failed
    ├── OperationCancelled           settled: cancelled
    └── WaitTimeout                  our deadline passed, the operation continues

The tree does not derive from ``AirflowException``: a deferred sensor with ``soft_fail`` turns every
``AirflowException`` into a skip, and a failed operation must never be skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from airflow_provider_ops.core.gate import LONGEST_MESSAGE, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ops.operation import Operation

__all__ = [
    "AmbiguousSubmission",
    "ApiError",
    "AttemptStopped",
    "AuthenticationError",
    "CancelNotSupported",
    "ConfigurationError",
    "Conflict",
    "ConnectionMissing",
    "DifferentRequest",
    "InvalidArgument",
    "InvalidConnection",
    "InvalidRequest",
    "InvalidSpec",
    "NotFound",
    "OperationCancelled",
    "OperationFailed",
    "OperationLost",
    "OpsError",
    "PermissionDenied",
    "RateLimited",
    "ResourceGone",
    "ServerError",
    "SpecProblem",
    "SubmissionError",
    "Superseded",
    "TransportError",
    "UnreadableHandle",
    "WaitTimeout",
]

E = TypeVar("E", bound="OpsError")


class OpsError(RuntimeError):
    """Root of all errors of this provider. Its text is one line, whatever an API said in it.

    Once it is known where an error belongs, its text says where, what happened, and what to do now, each once.
    """

    #: API, connection and base URL.
    where: str = ""
    #: What to do now; part of the text where the connection that it speaks of is named.
    advice: str = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message, limit=LONGEST_MESSAGE))
        _stand_alone(self)

    def __str__(self) -> str:
        advice = f"{'' if self.what.endswith('.') else '.'} {self.advice}" if self.where and self.advice else ""
        return f"{self.without_advice}{advice}"

    @property
    def what(self) -> str:
        """Return what happened, for a text that says itself where and what to do."""
        return super().__str__()

    @property
    def without_advice(self) -> str:
        """Return where and what happened, for a log line about something that continues without help."""
        return f"{self.where}: {self.what}" if self.where else self.what


def located(error: E, where: str) -> E:
    """Return ``error``, which now says where it belongs; one that says so already stays as it is.

    :param where: API, connection and base URL.
    """
    if not error.where:
        error.where = where
    return error


def belongs_to_connection(error: OpsError) -> bool:
    """Return whether an error is about a connection or its API, and not about arguments or code."""
    return isinstance(error, InvalidConnection) or not isinstance(error, ConfigurationError)


def reworded(error: E, what: str, **changes: str) -> E:
    """Return a copy of ``error``, with its class and all that it carries, and another text.

    :param changes: ``where`` and ``advice``, where they are others.
    """
    copy = type(error).__new__(type(error))
    vars(copy).update(vars(error), **changes)
    copy.args = (one_line(what, limit=LONGEST_MESSAGE),)
    _stand_alone(copy)
    return copy


def _stand_alone(error: OpsError) -> None:
    """Hide what was being handled: Airflow's UI shows it last, and so its advice would be the last word."""
    error.__suppress_context__ = True


class ConfigurationError(OpsError):
    """Something on our side must be changed first; nothing was sent."""


class InvalidArgument(ConfigurationError, ValueError):
    """An argument has a value that cannot work; the message names it and what is allowed."""


class SpecProblem(NamedTuple):
    """One mistake in the description of an API.

    :param place: keys and indexes that lead to it.
    :param message: what is wrong, and what to write.
    :param line: in the file, from 1; ``None`` where it has no lines.
    """

    place: tuple[str | int, ...]
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = ".".join(map(str, self.place))
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{where}: {self.message}" if where else f"{line}{self.message}"


class InvalidSpec(InvalidArgument):
    """The description of an API cannot be used.

    :param name: of the file or the spec; may be empty.
    :param problems: all mistakes that were found.
    """

    def __init__(self, name: str, problems: Sequence[SpecProblem]) -> None:
        said = "; ".join(map(str, problems))
        super().__init__(f"spec {name}: {said}" if name else f"spec: {said}")
        self.name = name
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.problems)


class InvalidConnection(ConfigurationError):
    """The Airflow connection cannot be used; the message says what to change."""


class ConnectionMissing(InvalidConnection):
    """There is no connection of that name, or no secrets backend could be asked for it."""


_TRANSPORT_ADVICE: Final = {
    "dns": "Check the host of the connection, and that this machine can resolve it.",
    "tls": "Check that the host serves HTTPS on this port, and that its certificate is signed by an authority that "
    "this machine or the connection's extra verify names.",
    "connect": "Check host and port of the connection, and that nothing between this machine and them refuses it.",
    "timeout": "Retry; if the API needs longer, raise the connection's extra timeout.",
    "reset": "Retry; if it happens again, search for a proxy or firewall that cuts connections.",
    "unreadable": "Check that the connection's host is the API's; if it is, its answers have changed: upgrade this "
    "provider.",
    "gateway": "A proxy or gateway on the way may have answered: check the host of the connection, and its proxy.",
}


class TransportError(OpsError):
    """No answer came, or none that can be read.

    :param reason: ``dns``, ``tls``, ``connect``, ``timeout``, ``reset``, ``unreadable`` or ``gateway`` (an error page
        that is not the API's: it says nothing about the operation).
    :param maybe_executed: whether the request may have reached the API and been carried out.
    :param status: HTTP status of a ``gateway``'s page.
    """

    def __init__(
        self, message: str, *, reason: str = "reset", maybe_executed: bool = True, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.maybe_executed = maybe_executed
        self.status = status
        self.advice = _TRANSPORT_ADVICE.get(reason, "")


class ApiError(OpsError):
    """The API answered with an error.

    :param status: HTTP status.
    :param code: the API's own code, where it gives one.
    :param message: the API's own message.
    :param request_id: correlation id of the answer, where the API sends one.
    :param retry_after: seconds the API asks to leave before the next request.
    """

    advice = "Look up this status in the documentation of the API."
    #: Whether the request was refused only for now (busy, no capacity), and was certainly not carried out.
    is_temporary = False

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        request_id: str | None = None,
        *,
        retry_after: float | None = None,
        request: str | None = None,
    ) -> None:
        self.status = status
        self.code = None if code is None else one_line(code)
        self.message = one_line(message)
        self.request_id = None if request_id is None else one_line(request_id)
        self.retry_after = retry_after
        said = f"{self.code}: {self.message}" if code else self.message
        where = f"{request} answered " if request else ""
        trace = f" (request id {self.request_id})" if request_id else ""
        super().__init__(f"{where}{status} {said}{trace}")

    def __reduce__(self) -> tuple[Any, ...]:
        # executors pickle what a task raised, and by default only ``args`` would come back
        return _restored, (type(self), self.args, dict(vars(self)))


def _restored(cls: type[ApiError], args: tuple[str, ...], state: dict[str, Any]) -> ApiError:
    error = cls.__new__(cls, *args)
    vars(error).update(state)
    return error


class InvalidRequest(ApiError):
    """400 or 422: the API refuses what was sent."""

    advice = "Change what the API names, then retry."


class AuthenticationError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""

    advice = "Put a valid API key into the password of the connection."


class PermissionDenied(ApiError):
    """403: the key is known but may not do this."""

    advice = "Give the API key of the connection the permission for this, or use another connection."


class NotFound(ApiError):
    """404 or 410."""

    advice = "Check the id, and that the connection belongs to the same account."


class Conflict(ApiError):
    """409 or 412: the resource is busy, or changed since it was read."""

    advice = "Wait until nothing else changes it, then retry."


class RateLimited(ApiError):
    """429."""

    advice = "Set the connection's extra requests_per_second below the limit of the API."


class ServerError(ApiError):
    """Any 5xx."""

    advice = "The fault is the API's: retry later."


#: Errors that may have passed by the next request.
PASSING = (RateLimited, ServerError, TransportError)


class CancelNotSupported(OpsError):
    """The API has no call that cancels an operation."""


class SubmissionError(OpsError):
    """Submitting again could make a second resource, so nothing was submitted."""


class AmbiguousSubmission(SubmissionError):
    """A submit whose outcome cannot be known; the message says what to search for.

    :param candidates: descriptions of what was found and may be ours.
    """

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(map(one_line, candidates))


class DifferentRequest(SubmissionError):
    """The operation that this task run started is still running, and the request is another one now."""


class OperationLost(SubmissionError):
    """The API no longer knows the operation that this task run started."""


class UnreadableHandle(SubmissionError):
    """What is stored about the submit of this task run cannot be read.

    :param is_newer: a newer release of this provider has stored it.
    """

    def __init__(self, message: str, *, is_newer: bool = False) -> None:
        super().__init__(message)
        self.is_newer = is_newer


class AttemptStopped(OpsError):
    """This attempt was asked to stop: the task was ended, or its worker goes away. The message says what continues."""


class Superseded(AttemptStopped):
    """Airflow no longer counts this attempt as the current one of its task, so it has changed nothing any more."""


class _WithOperation(OpsError):
    def __init__(self, message: str, operation: Operation | None = None) -> None:
        super().__init__(message)
        self.operation = operation


class ResourceGone(_WithOperation):
    """The operation succeeded, but the API says that what it made does not exist. Nothing was submitted again."""


class OperationFailed(_WithOperation):
    """The operation settled as failed. ``operation`` is what the API said last."""


class OperationCancelled(_WithOperation):
    """The operation settled as cancelled. ``operation`` is what the API said last."""


class WaitTimeout(_WithOperation):
    """The deadline passed before the operation settled; it continues remotely unless the message says otherwise."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    422: InvalidRequest,
    429: RateLimited,
}
_SERVER_ERRORS = 500
_TOO_MANY_REQUESTS = 429


def error_class(status: int) -> type[ApiError]:
    """Return the class of the tree that stands for an HTTP status."""
    return _BY_STATUS.get(status, ServerError if status >= _SERVER_ERRORS else ApiError)


def may_come_from_a_gateway(status: int) -> bool:
    """Return whether a status means "not now" from an API and from a gateway; others count only from the API."""
    return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS
