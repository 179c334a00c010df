"""Stores the handle in Airflow's task state store, shared by all tries of one task run and map index."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from airflow_provider_ops.apis.terminate import Termination
from airflow_provider_ops.core.clear_or_retry import Attempt
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import OpsError, UnreadableHandle
from airflow_provider_ops.lifecycle.earlier_tries import note_settled

#: Renaming this would orphan the operations of running tasks.
KEY = "airflow_provider_ops.handle"


class HandleStore:
    """Read and write the handle. Without a store it remembers nothing.

    :param store: ``context["task_state_store"]``, absent before Airflow 3.3.
    :param address: where Airflow's REST API has the handle, for people.
    :param now: monotonic clock.
    :param try_number: of the try that writes.
    """

    def __init__(
        self,
        store: Any,
        warn: Callable[[str], None],
        address: str = "",
        now: Callable[[], float] = time.monotonic,
        try_number: int | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._try_number = try_number
        #: Time before the last write that Airflow took, by the clock of ``now``; only the current attempt can write.
        self.last_contact = -math.inf
        #: What was stored last by this leg.
        self.latest: Handle | None = None
        self._warn = warn
        self._address = address or f"the key {KEY} of the task state store"

    @property
    def exists(self) -> bool:
        """Return whether anything will be remembered."""
        return self._store is not None

    def load(self) -> Handle | None:
        """Return the stored handle, ``None`` where nothing is stored.

        :raises UnreadableHandle: what is stored is none, or a newer release has stored it.
        :raises OpsError: the store cannot be read now. Nothing was sent, so a retry is safe.
        """
        if self._store is None:
            return None
        try:
            data = self._store.get(KEY)
        except Exception as error:
            msg = f"nothing was submitted: the task state store could not be read ({error}); a retry reads it again"
            raise OpsError(msg) from error
        if data is None:
            return None
        try:
            return Handle.from_dict(data)
        except UnreadableHandle as error:
            what = (
                f"what is stored about the submit of this task run cannot be read: {error.what}. {self._advice(error)}"
            )
            raise UnreadableHandle(what, is_newer=error.is_newer) from None

    def _advice(self, error: UnreadableHandle) -> str:
        lead = "Nothing was submitted, and an operation of this task run may be running."
        if error.is_newer:
            return f"{lead} Upgrade the workers to that release again, then clear this task."
        return (
            f"{lead} Read what is stored, search for what it started, end what is not wanted, "
            f"delete {self._address}, then clear this task."
        )

    def save_intent(self, handle: Handle) -> None:
        """Store that a submit is about to be sent.

        :raises OpsError: it could not be stored. Nothing was sent, so a retry is safe.
        """
        if self._store is None:
            return
        try:
            self._set(handle)
        except Exception as error:
            msg = f"nothing was submitted: the task state store did not take the intent ({error}); a retry is safe"
            raise OpsError(msg) from error

    def save(self, handle: Handle) -> None:
        """Store what was submitted. A failure is only logged: the operation is running and must not be abandoned."""
        if self._store is None:
            return
        try:
            self._set(handle)
        except Exception as error:  # noqa: BLE001 - whatever it was, the wait continues
            self._warn(
                f"the task state store did not take what is known of operation {handle.operation_id} ({error}); "
                "this try continues, and a retry will search for it"
            )

    def note_settled(self, operation_id: str | None, ended: Termination) -> None:
        """Store for people what this try has done about the operation of an earlier one."""
        note_settled(self._store, operation_id, ended, self._try_number)

    def _set(self, handle: Handle) -> None:
        at = self._now()
        self.latest = handle
        self._store.set(KEY, handle.to_dict())
        self.last_contact = at

    def save_for_attempt(self, handle: Handle, attempt: Attempt) -> Handle:
        """Store that the handle belongs to this try, so that the next clear can be distinguished from a retry."""
        stamped = handle.stamped(attempt)
        if stamped != handle:
            self.save(stamped)
        return stamped


def address_of(ti: Any) -> str:
    """Return how Airflow's REST API deletes the handle of a task instance."""
    places = (quote(str(one), safe="") for one in (ti.dag_id, ti.run_id, ti.task_id))
    index = "" if ti.map_index is None or ti.map_index < 0 else f"?map_index={ti.map_index}"
    where = "/api/v2/dags/{}/dagRuns/{}/taskInstances/{}/state-store/{}{}".format(*places, KEY, index)
    return f"it (REST: DELETE {where})"
