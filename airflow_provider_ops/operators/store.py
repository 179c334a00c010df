"""Where the handle lives: Airflow's task state store, shared by all tries of one task run and map index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.waiting.submitting import Handle

#: Renaming this would orphan the operations of running tasks.
KEY = "airflow_provider_ops.handle"


class HandleStore:
    """Reads and writes the handle. Without a store it remembers nothing.

    :param store: ``context["task_state_store"]``, absent before Airflow 3.3.
    """

    def __init__(self, store: Any, warn: Callable[[str], None]) -> None:
        self._store = store
        self._warn = warn

    @property
    def exists(self) -> bool:
        """Whether anything will be remembered."""
        return self._store is not None

    def load(self) -> Handle | None:
        """The stored handle."""
        data = self._store.get(KEY) if self._store is not None else None
        return Handle.from_dict(data) if data else None

    def save_intent(self, handle: Handle) -> None:
        """Store that a submit is about to be sent.

        :raises OpsError: it could not be stored. Nothing was sent, so a retry is safe.
        """
        if self._store is None:
            return
        try:
            self._store.set(KEY, handle.to_dict())
        except Exception as error:
            msg = f"nothing was submitted: the task state store did not take the intent ({error}); a retry is safe"
            raise OpsError(msg) from error

    def save(self, handle: Handle) -> None:
        """Store what was submitted. A failure is only warned of: the operation lives and must not be abandoned."""
        if self._store is None:
            return
        try:
            self._store.set(KEY, handle.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever it was, the wait goes on
            self._warn(
                f"the task state store did not take what is known of operation {handle.operation_id} ({error}); "
                "this try goes on, and a retry will look for it"
            )

    def adopt(self, handle: Handle, max_tries: int) -> Handle:
        """Store that the handle belongs to the task as it is since the user's clear."""
        if handle.max_tries != max_tries:
            handle = replace(handle, max_tries=max_tries)
            self.save(handle)
        return handle
