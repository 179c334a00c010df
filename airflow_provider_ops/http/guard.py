"""What decides, right before a request that changes something, whether it may still leave."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.rate_limiter import Priority


class CallInterrupted(BaseException):
    """The caller was asked to stop while it waited; raised in its thread, past everything that handles errors."""


class HeldBack(OpsError):
    """A request that changes something was not sent: its task was asked to stop."""


class NotConfirmed(OpsError):
    """A request was not sent, since it is too long ago that its sender was known to be the current attempt."""


class Guard(Protocol):
    """The guard of one attempt of one task."""

    @property
    def is_confirmed(self) -> bool:
        """Return whether this was the current attempt a moment ago. Called on the event loop."""

    def confirm(self) -> None:
        """Make sure that this is the current attempt. Called in the thread of the caller, which may ask Airflow.

        :raises OpsError: it is not, so nothing more may be sent.
        """

    def before_send(self, request: Request, priority: Priority) -> None:
        """Record that a request leaves. Called on the event loop right before its first byte.

        :raises HeldBack: it must not.
        :raises NotConfirmed: it must not without another :meth:`confirm`.
        """

    def check(self) -> None:
        """Find out whether waiting still makes sense. Called about once a second in the thread of the caller.

        :raises OpsError: it does not.
        """

    def seconds_to_linger(self) -> float:
        """Return the seconds for which an interrupted caller still waits for the answer to what has left."""
