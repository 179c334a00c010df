"""A wait whose default deadline is that of the operation's kind, which only the first poll shows."""

from __future__ import annotations

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import WaitState
from airflow_provider_ops.operation import Operation


class LazyDeadlineWait(WaitState):
    """A :class:`WaitState` of an operation of which nothing is known but its id.

    Until the first poll, the longest timeout of the API holds: an outage at the beginning must not end the wait of a
    cluster as early as that of a firewall rule.
    """

    __slots__ = ("_api",)

    def __init__(self, operation_id: str, api: Api, *, now: float, policy: PollPolicy) -> None:
        super().__init__(operation_id, now=now, policy=policy, deadline=now + max(api.timeouts.values()))
        self._api = api

    def on_result(self, operation: Operation, now: float, *, waited: float = 0.0, listed: bool = False) -> list[str]:
        """Set the deadline at the first result, before it is used; then as :meth:`WaitState.on_result`."""
        if self.operation is None:
            self.deadline = self.timeline.start + self._api.default_timeout(operation.kind)
        return super().on_result(operation, now, waited=waited, listed=listed)
