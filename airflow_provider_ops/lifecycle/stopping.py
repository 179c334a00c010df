"""Ends a leg that was asked to stop: whatever it came to, the kill policy is carried out once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from airflow_provider_ops._compat import AirflowTaskTimeout
from airflow_provider_ops.exceptions import AttemptStopped
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.http.guard import CallInterrupted
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.options import AttemptOptions

if TYPE_CHECKING:
    from airflow_provider_ops.lifecycle.worker_kill import KillRunner

T = TypeVar("T")

#: Seconds for which a task that ran out of ``execution_timeout`` waits at its end for the outcome of its kill policy.
_LATE_KILL: Final = 2.0


class KillHandling:
    """The end of the legs of one attempt that is asked to stop.

    :param make: returns a new runner for the kill policy, called when one is needed.
    """

    def __init__(
        self, options: AttemptOptions, hook: OperationsHook, record: AttemptRecord, make: Callable[[], KillRunner]
    ) -> None:
        self._log = options.log
        self._record = record
        self._make = make
        self._switch = options.kill_switch
        self._is_over = False
        self._left_by: BaseException | None = None
        self._switch.on_throw(hook.interrupt)

    def until_stopped(self, leg: Callable[[], T]) -> T:
        """Return what a leg returns; if asked to stop meanwhile, carry out the kill policy, whatever the leg came to.

        :raises AttemptStopped: this process was asked to stop.
        """
        self._is_over = False
        try:
            result = leg()
        except BaseException as error:
            self._is_over, self._left_by = True, error
            if (stopped := self._stopped()) is not None:
                raise stopped from (error if isinstance(error, Exception) else None)
            raise
        self._is_over = True
        if (stopped := self._stopped()) is not None:
            raise stopped
        return result

    def kill(self) -> None:
        """Let the main path, which the switch has woken, carry out the kill policy; return at once.

        Airflow calls for it from a signal handler, or, after ``execution_timeout``, on the main path.
        """
        if not self._is_over:
            self._make().warn_when_slow(self._log.briefing)
        elif self._record.is_first_to_act():
            # the main path is Airflow's by now
            late = threading.Thread(target=self._act_late, name="operations-late-kill", daemon=True)
            late.start()
            if isinstance(self._left_by, AirflowTaskTimeout):
                late.join(_LATE_KILL)

    def _stopped(self) -> AttemptStopped | None:
        if not (self._switch.is_thrown and self._record.is_first_to_act()):
            return None
        stopped = AttemptStopped(self._make().carry_out().text)
        # an operator may be executed again in this process
        self._switch.reset()
        return stopped

    def _act_late(self) -> None:
        # interrupted by another attempt of this process that has begun meanwhile: that one carries out the policy
        with contextlib.suppress(CallInterrupted):
            ended = self._make().carry_out()
            self._log.briefing("%s", ended.text, is_as_asked=ended.is_as_asked)
