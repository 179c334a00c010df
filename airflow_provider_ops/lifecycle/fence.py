"""Keeps an attempt that is no longer the current one of its task from changing anything."""

from __future__ import annotations

import os
from typing import Any

from airflow_provider_ops._compat import has_scheduler, status_of, task_state
from airflow_provider_ops.apis.calls import Request
from airflow_provider_ops.exceptions import OpsError, Superseded
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.http.guard import HeldBack, NotConfirmed
from airflow_provider_ops.http.rate_limiter import Priority
from airflow_provider_ops.lifecycle.attempt_record import AttemptRecord
from airflow_provider_ops.lifecycle.handle_store import HandleStore

#: Seconds without contact to Airflow after which an attempt must ask whether it is still the current one. Far below
#: the heartbeat timeout (300 s by default) after which Airflow may begin another.
_CONFIRMED_FOR = 5.0
#: Seconds for which a kill waits for the answer to a request that has left.
_LINGER = 1.5
#: Key of the task state store that only the current attempt can write.
ATTEMPT_KEY = "airflow_provider_ops.attempt"
_NOT_FOUND, _GONE = 404, 410


class Fence:
    """The guard of an attempt's client.

    :param store: stands for contact to Airflow whenever it takes something.
    :param state_store: Airflow's own, also where nothing is to be remembered; absent before Airflow 3.3.
    """

    def __init__(self, record: AttemptRecord, ti: Any, store: HandleStore, state_store: Any, clock: Clock) -> None:
        self._record = record
        self._ti = ti
        self._store = store
        self._state_store = state_store
        self._clock = clock
        self._parent = os.getppid()
        # ``dag.test()`` and ``airflow tasks test`` have neither other attempts nor, always, a state to ask for
        self._is_alone = not has_scheduler()
        # Airflow has just begun this leg
        self._contact = clock.monotonic()

    @property
    def is_confirmed(self) -> bool:
        """Return whether this was the current attempt some seconds ago, or acts for a task that is over."""
        contact = max(self._contact, self._store.last_contact)
        return self._is_alone or self._record.is_acting or self._clock.monotonic() - contact <= _CONFIRMED_FOR

    def confirm(self) -> None:
        """Ask Airflow. A write to the task state store fails for any but the latest attempt, and the task must run.

        :raises Superseded: this attempt is not the current one.
        :raises OpsError: Airflow could not be asked.
        """
        self.check()
        if self._record.is_acting:
            return
        at = self._clock.monotonic()
        try:
            if self._state_store is not None:
                self._state_store.set(ATTEMPT_KEY, str(getattr(self._ti, "id", "")))
            state = task_state(self._ti)
        except Exception as error:
            if status_of(error) in (_NOT_FOUND, _GONE):
                raise self._superseded("another attempt of this task has begun") from error
            raise OpsError(
                "nothing was sent, since Airflow could not be asked whether this is still the current attempt "
                f"({error}); a retry asks again"
            ) from error
        if state != "running":
            raise self._superseded(f"the task is {state or 'cleared'} by now")
        self._contact = at

    def before_send(self, request: Request, priority: Priority) -> None:
        """Check a request as :meth:`Guard.before_send <airflow_provider_ops.http.guard.Guard.before_send>` says."""
        if self._record.is_killed and priority is not Priority.KILL:
            raise HeldBack(f"{request} was not sent: the task was asked to stop before")
        if not self.is_confirmed:
            raise NotConfirmed(
                f"{request} was not sent: this process stood still for more than {_CONFIRMED_FOR:g} s, in which "
                "another attempt may have begun. A retry sends it; give the workers more CPU if this comes back"
            )
        if priority is not Priority.KILL:
            self._record.has_left = True

    def check(self) -> None:
        """Check that the supervisor of this process lives: without it Airflow begins another attempt.

        :raises Superseded: it does not.
        """
        if os.getppid() != self._parent:
            raise self._superseded("the supervisor of this process has died, so Airflow begins another attempt")

    def seconds_to_linger(self) -> float:
        """Return the seconds that are left to wait for the answer to what has left."""
        return _LINGER - self._record.seconds_since_kill if self._record.has_unanswered else 0.0

    def _superseded(self, why: str) -> Superseded:
        return Superseded(
            f"this attempt does nothing more, because {why}. It leaves {self._record.what}; the attempt that comes "
            "after it decides about that."
        )
