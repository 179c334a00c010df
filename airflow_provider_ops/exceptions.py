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
    └── WaitTimeout                  our deadline passed, the operation goes on

The tree does not derive from ``AirflowException``: a deferred sensor with ``soft_fail`` turns every
``AirflowException`` into a skip, and a failed operation must never be skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ops.core.gate import LONGEST_MESSAGE, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ops.operation import Operation


class OpsError(RuntimeError):
    """Root of all errors of this provider. Its text is one line, whatever an API said in it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message, limit=LONGEST_MESSAGE))


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


class ApiError(OpsError):
    """The API answered with an error.

    :param status: HTTP status.
    :param code: the API's own code, where it gives one.
    :param message: the API's own message.
    :param request_id: correlation id of the answer, where the API sends one.
    :param retry_after: seconds the API asks to leave before the next request.
    """

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


class AuthenticationError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""


class PermissionDenied(ApiError):
    """403: the key is known but may not do this."""


class NotFound(ApiError):
    """404 or 410."""


class Conflict(ApiError):
    """409 or 412: the resource is busy, or changed since it was read."""


class RateLimited(ApiError):
    """429."""


class ServerError(ApiError):
    """Any 5xx."""


class CancelNotSupported(OpsError):
    """The API has no call that cancels an operation."""


class SubmissionError(OpsError):
    """Submitting again could make a second resource, so nothing was submitted."""


class AmbiguousSubmission(SubmissionError):
    """A submit whose outcome cannot be known; the message says what to look for.

    :param candidates: descriptions of what was found and may be ours.
    """

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(map(one_line, candidates))


class DifferentRequest(SubmissionError):
    """The operation this task run started is still going on, and today's request is another one."""


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
    """This attempt was told to stop: the task was ended, or its worker goes away. The message says what continues."""


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
    """The deadline passed before the operation settled; it goes on remotely unless the message says otherwise."""


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
    """The class of the tree that stands for an HTTP status."""
    return _BY_STATUS.get(status, ServerError if status >= _SERVER_ERRORS else ApiError)


def may_come_from_a_gateway(status: int) -> bool:
    """Return whether a status means the same whoever answers: "not now". Any other is worth only what the API says."""
    return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS
