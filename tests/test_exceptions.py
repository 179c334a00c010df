from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from airflow.sdk.exceptions import AirflowException

from airflow_provider_ops import exceptions
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    ApiError,
    InvalidArgument,
    OperationFailed,
    OpsError,
    RateLimited,
    TransportError,
    error_class,
)
from airflow_provider_ops.operation import Operation, OperationState

CLASSES = [
    value
    for _, value in inspect.getmembers(exceptions, inspect.isclass)
    if value.__module__ == exceptions.__name__ and issubclass(value, BaseException)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_has_the_one_root_and_no_airflow_in_it(cls: type[BaseException]) -> None:
    """A deferred sensor with soft_fail skips every AirflowException; a failed operation must never be skipped."""
    assert issubclass(cls, OpsError)
    assert not issubclass(cls, AirflowException)


@pytest.mark.parametrize("cls", [one for one in CLASSES if not one.__name__.startswith("_")])
def test_the_tree_in_the_docstring_is_complete_and_right(cls: type[BaseException]) -> None:
    lines = [line for line in (exceptions.__doc__ or "").splitlines() if cls.__name__ in line.split()]
    assert len(lines) == 1, cls
    depth = len(lines[0]) - len(lines[0].lstrip(" │├└─"))
    parents = [one for one in cls.__mro__ if issubclass(one, OpsError) and not one.__name__.startswith("_")]
    assert depth == 4 * len(parents)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "InvalidRequest"),
        (401, "AuthenticationError"),
        (402, "ApiError"),
        (403, "PermissionDenied"),
        (404, "NotFound"),
        (409, "Conflict"),
        (410, "NotFound"),
        (412, "Conflict"),
        (418, "ApiError"),
        (422, "InvalidRequest"),
        (429, "RateLimited"),
        (500, "ServerError"),
        (503, "ServerError"),
        (599, "ServerError"),
        (302, "ApiError"),
    ],
)
def test_every_status_has_its_class(status: int, name: str) -> None:
    assert error_class(status).__name__ == name


def test_an_api_error_says_what_was_asked_what_came_and_under_which_request_id() -> None:
    error = RateLimited(429, "SLOW", "slow down", "req-7", retry_after=3, request="GET /operations/{id}")
    assert str(error) == "GET /operations/{id} answered 429 SLOW: slow down (request id req-7)"
    assert str(ApiError(500, None, "oops")) == "500 oops"


def test_an_invalid_argument_is_a_value_error() -> None:
    assert issubclass(InvalidArgument, ValueError)


FAILED = Operation("op_1", "onvera", "k", OperationState.FAILED, "failed")
SAMPLES = [
    RateLimited(429, "SLOW", "slow down", "req-7", retry_after=3, request="GET /x"),
    TransportError("reset", reason="dns", maybe_executed=False),
    OperationFailed("it failed", FAILED),
    AmbiguousSubmission("several", ["op_1", "op_2"]),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_can_be_handed_to_other_processes(error: OpsError) -> None:
    """Executors pickle what a task raised."""
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert vars(back) == vars(error)


def test_an_error_is_one_line_whatever_an_api_said() -> None:
    error = ApiError(500, "X\n", "a\x1b[31m\r\n::group::b\0\ud800" + "x" * 9000, "id\n2", request="GET /x")
    for text in (str(error), repr(error), error.message, error.code or "", error.request_id or ""):
        assert text.isprintable()
        assert "::group::" not in text
        text.encode()
    assert len(error.message.encode()) <= 2048
    assert str(OpsError("a\nb")) == "a\\nb"
    assert AmbiguousSubmission("several", ["op\n1"]).candidates == ("op\\n1",)
