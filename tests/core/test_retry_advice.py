"""What a retry would come to, for each error of the tree."""

from __future__ import annotations

import pytest

from airflow_provider_ops import exceptions
from airflow_provider_ops.core.retry_advice import LONGEST_DELAY, Advice, advise
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    AttemptStopped,
    AuthenticationError,
    CancelNotSupported,
    ConnectionMissing,
    DifferentRequest,
    InvalidArgument,
    InvalidConnection,
    InvalidRequest,
    InvalidSpec,
    NotFound,
    OperationCancelled,
    OperationFailed,
    OperationLost,
    OpsError,
    PermissionDenied,
    RateLimited,
    ResourceGone,
    ServerError,
    Superseded,
    TransportError,
    UnreadableHandle,
    WaitTimeout,
    error_class,
)
from airflow_provider_ops.operation import Operation, OperationError, OperationState


def failed(error: OperationError | None) -> OperationFailed:
    return OperationFailed("failed", Operation("op_1", "lakesail", "", OperationState.FAILED, "failed", error=error))


def answer(status: int, retry_after: float | None = None) -> ApiError:
    return error_class(status)(status, None, "said the API", retry_after=retry_after)


FINAL = [
    InvalidArgument("x"),
    InvalidSpec("x", ()),
    InvalidConnection("x"),
    answer(401),
    answer(403),
    answer(400),
    answer(422),
    answer(405),
    answer(402),
    CancelNotSupported("x"),
    AmbiguousSubmission("x"),
    DifferentRequest("x"),
    failed(OperationError("no", retryable=False)),
    failed(OperationError("no", retryable=False, retry_after=30)),
]
AIRFLOWS_OWN = [
    ConnectionMissing("x"),
    TransportError("x"),
    answer(404),
    answer(409),
    answer(408),
    answer(500),
    answer(503),
    OperationLost("x"),
    # a worker of the newer release may take the next try
    UnreadableHandle("x"),
    # a worker that went away; the next attempt goes on with what there is
    AttemptStopped("x"),
    Superseded("x"),
    # a retry reads it once more
    ResourceGone("x"),
    failed(None),
    failed(OperationError("no")),
    failed(OperationError("no", retry_after=0)),
    OperationFailed("no operation known"),
    OperationCancelled("x"),
    WaitTimeout("x"),
    OpsError("x"),
    KeyError("from the function"),
    MemoryError(),
]


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_a_retry_cannot_help(error: Exception) -> None:
    advice = advise(error)
    assert advice is not None
    assert not advice.should_retry
    assert advice.reason


@pytest.mark.parametrize("error", AIRFLOWS_OWN, ids=repr)
def test_airflow_decides(error: Exception) -> None:
    assert advise(error) is None


def test_every_error_was_thought_of() -> None:
    thought_of = {type(error) for error in [*FINAL, *AIRFLOWS_OWN, answer(429)]}
    groups = {exceptions.ConfigurationError, exceptions.SubmissionError, ApiError, exceptions.Conflict}
    leaves = {one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, OpsError)}
    assert {one.__name__ for one in leaves - thought_of - groups if not one.__name__.startswith("_")} == set()
    named = {AuthenticationError, PermissionDenied, InvalidRequest, NotFound, RateLimited, ServerError}
    assert named <= thought_of


@pytest.mark.parametrize(
    ("said", "delay"),
    [
        (OperationError("busy", retryable=True, retry_after=30), 30.0),
        (OperationError("busy", retryable=True), None),
        (OperationError("busy", retryable=True, retry_after=0), None),
        (OperationError("busy", retry_after=30), 30.0),
        (OperationError("busy", retryable=True, retry_after=10**9), LONGEST_DELAY),
        (OperationError("busy", retryable=True, retry_after=float("nan")), None),
        (OperationError("busy", retryable=True, retry_after=-5), None),
    ],
)
def test_what_the_api_says_of_its_operation_decides(said: OperationError, delay: float | None) -> None:
    advice = advise(failed(said))
    assert isinstance(advice, Advice)
    assert (advice.should_retry, advice.delay) == (True, delay)
    assert "op_1" in advice.reason
    assert "busy" in advice.reason


@pytest.mark.parametrize(("status", "after", "delay"), [(429, 12.0, 12.0), (503, 7200.0, 3600.0), (409, 5.0, 5.0)])
def test_retry_after_of_an_answer_decides(status: int, after: float, delay: float) -> None:
    advice = advise(answer(status, after))
    assert advice is not None
    assert (advice.should_retry, advice.delay) == (True, delay)


def temporary(error: ApiError) -> ApiError:
    error.is_temporary = True
    return error


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (answer(429), None),
        (answer(429, 12.0), 12.0),
        (answer(503, 5.0), 5.0),
        (temporary(answer(409)), None),
        (temporary(answer(422)), None),
        (temporary(answer(403, 90.0)), 90.0),
    ],
    ids=repr,
)
def test_what_the_api_refuses_only_for_now_needs_no_retry(error: ApiError, delay: float | None) -> None:
    advice = advise(error)
    assert advice is not None
    assert (advice.passes, advice.delay) == (True, delay)


def test_what_has_failed_needs_a_retry() -> None:
    # another attempt of the same try would find the operation that has failed
    advice = advise(failed(OperationError("busy", retryable=True, retry_after=30)))
    assert advice is not None
    assert not advice.passes


def test_a_refusal_is_final_whatever_retry_after_says() -> None:
    assert advise(answer(401, 5.0)) == advise(answer(401))


@pytest.mark.parametrize("error", [failed(OperationError("busy", retryable=True)), OperationCancelled("x")])
def test_a_wait_for_what_has_settled_is_not_repeated(error: Exception) -> None:
    advice = advise(error, starts_anew=False)
    assert advice is not None
    assert not advice.should_retry
