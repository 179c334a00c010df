"""What an operator or sensor passes to its attempts, so that these need not import operators and sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from airflow_provider_ops.apis.submits import SubmitCall
from airflow_provider_ops.core.event_codec import WaitFor
from airflow_provider_ops.core.gate import LineLog
from airflow_provider_ops.lifecycle.attempt_record import KillSwitch
from airflow_provider_ops.operation import Operation

#: Seconds to poll on the worker before a task defers: a deferral costs two worker legs and some seconds.
SECONDS_BEFORE_DEFERRING = 2.0


class DeferredWait(Protocol):
    """A trigger, as far as an attempt knows it."""

    not_before: float | None
    """Epoch seconds before which no event may come."""
    guard: float
    """Longest time in seconds that an event is held for ``not_before``."""

    def check(self) -> None:
        """Make sure that the trigger can be stored.

        :raises InvalidArgument: an argument is not JSON.
        """


@dataclass(frozen=True, kw_only=True)
class WaitOptions:
    """How to wait.

    :param poll_interval: seconds; ``None`` is the API's own advice.
    :param defer: the task's own ``defer``.
    :param make_trigger: takes the arguments of ``OperationTrigger``.
    :param resume_method: name of the task's method for the leg after the trigger.
    """

    defer: Callable[..., Any]
    make_trigger: Callable[..., DeferredWait]
    resume_method: str = "execute_complete"
    deferrable: bool = True
    poll_interval: float | None = None
    wait_for: WaitFor = "all"


@dataclass(frozen=True, kw_only=True)
class AttemptOptions(WaitOptions):
    """The options of one try of an operator: the request, how to wait for it, and the policies.

    :param submit: builds the call that starts the operation; no I/O.
    :param arguments: returns what the user asks for, rendered; empty where that is the request itself.
    :param kind: returns the kind of the submitted operation, on a leg that knows nothing but its id.
    :param next_operation: returns what to wait for after an operation has succeeded.
    :param fails_at_once: returns whether Airflow will not retry after an error, however many retries are left.
    :param show_link: takes what the extra link of the task leads to.
    :param timeout: seconds to wait; ``None`` is the default of the kind.
    :param on_kill: as the user gave it; ``kill_policy`` is what that comes to for the API.
    """

    submit: Callable[[], SubmitCall]
    arguments: Callable[[], Mapping[str, Any]]
    kind: Callable[[], str]
    next_operation: Callable[[Operation], str | None]
    fails_at_once: Callable[[BaseException], bool]
    show_link: Callable[[str | None], None]
    kill_switch: KillSwitch
    log: LineLog
    wait_for_completion: bool
    durable: bool
    timeout: float | None
    execution_timeout: timedelta | None
    retries: int
    on_kill: str | None
    kill_policy: str
    timeout_policy: str
    failure_policy: str
