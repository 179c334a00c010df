"""State of one attempt: what it knows and does now. Complete at every instruction, since a kill may come at any."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from airflow_provider_ops.apis.calls import Flow
from airflow_provider_ops.apis.submits import Submitted
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.core.wording import utc
from airflow_provider_ops.http.guard import CallInterrupted


class KillSwitch:
    """Record that this process was asked to stop. Thrown in a signal handler: it takes no locks and does not wait.

    An operator has one from its construction on, so that a kill before its first step is not lost.
    """

    def __init__(self) -> None:
        #: Monotonic seconds; ``None`` until then.
        self.thrown_at: float | None = None
        self._wake: Callable[[], None] | None = None

    @property
    def is_thrown(self) -> bool:
        """Return whether this process was asked to stop."""
        return self.thrown_at is not None

    def throw(self) -> bool:
        """Record the time and call what was set with ``on_throw``; return whether this was the first time."""
        if self.thrown_at is not None:
            return False
        self.thrown_at = time.monotonic()
        if self._wake is not None:
            self._wake()
        return True

    def reset(self) -> None:
        """Forget that the process was asked to stop, once that was acted on."""
        self.thrown_at = self._wake = None

    def on_throw(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` when the switch is thrown, at once if it is already."""
        self._wake = wake
        if self.is_thrown:
            wake()


class AttemptRecord:
    """What one leg of an attempt knows. Each step is noted before it is taken, with all that was learned by then.

    :param switch: each note ends the main path once it is thrown.
    :param title: of the API, for people.
    """

    def __init__(self, switch: KillSwitch, title: str) -> None:
        self._switch = switch
        self._title = title
        self._may_act = [None]
        #: What is being done, for people.
        self.doing = "starting"
        #: What the store held at the start of this leg, and whether it has been read.
        self.found: Handle | None = None
        self.has_read = False
        #: What is stored, or about to be, before its request is sent.
        self.intent: Handle | None = None
        #: The request, and whether any byte of it has left without an answer.
        self.request: str = ""
        self.has_left = False
        #: Whether its key was never sent before, and how to search for what it has started.
        self.is_new = False
        self.search: Callable[[], Flow[list[Submitted]] | None] | None = None
        #: The operation that this attempt has, once it is known.
        self.handle: Handle | None = None
        self.is_stored = True
        #: What is waited for now.
        self.waiting_for: str | None = None
        #: What the operation that this attempt has ended as, in the API's word; empty while that is not known.
        self.ended_as: str = ""
        #: Whether the kill policy is being carried out: from then on notes no longer end the main path.
        self.is_acting = False
        #: Whether it was carried out, or could not be.
        self.has_finished_acting = False

    def note(self, doing: str, **facts: Any) -> None:
        """Record what is known, and what is done next.

        :raises CallInterrupted: the process was asked to stop.
        """
        for name, value in facts.items():
            setattr(self, name, value)
        self.doing = doing
        self.check()

    def check(self) -> None:
        """Return unless the process was asked to stop.

        :raises CallInterrupted: it was.
        """
        if self._switch.is_thrown and not self.is_acting:
            raise CallInterrupted

    def is_first_to_act(self) -> bool:
        """Return whether this is the first call: the caller that gets ``True`` carries out the kill policy."""
        try:
            self._may_act.pop()
        except IndexError:
            return False
        self.is_acting = True
        return True

    @property
    def is_killed(self) -> bool:
        """Return whether the process was asked to stop."""
        return self._switch.is_thrown

    @property
    def seconds_since_kill(self) -> float:
        """Return the real seconds since the process was asked to stop."""
        return 0.0 if self._switch.thrown_at is None else time.monotonic() - self._switch.thrown_at

    @property
    def has_unanswered(self) -> bool:
        """Return whether a submit has left, completely or in part, whose answer is not known."""
        return self.intent is not None and self.has_left and self.handle is None

    @property
    def what(self) -> str:
        """Return what exists, or may exist, remotely: with its id, or with what to search for."""
        if self.handle is not None:
            return self._named(self.handle)
        if self.has_unanswered and self.intent is not None:
            sent = f"{self.request} sent at {utc(self.intent.submitted_at)} with key {self.intent.key!r}"
            return f"whatever {sent} started at {self._title}"
        if self.found is not None and self.found.operation_id is not None:
            return f"{self._named(self.found)} of an earlier attempt"
        if self.found is not None:
            return f"whatever an earlier attempt started with key {self.found.key!r} at {utc(self.found.submitted_at)}"
        if not self.has_read:
            return "whatever an earlier attempt of this task run has started"
        return "nothing remote: nothing was sent"

    @property
    def what_continues(self) -> str:
        """Return that it continues, or, where that is known, that it has ended."""
        return f"{self.what} {f'has ended ({self.ended_as})' if self.ended_as else 'continues'}"

    def _named(self, handle: Handle) -> str:
        resource = f" ({handle.resource_type} {handle.resource_id})" if handle.resource_id else ""
        return f"{self._title} operation {handle.operation_id}{resource}"
