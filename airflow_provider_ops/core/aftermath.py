"""What a try left behind that did not end well, as far as the process knew that ended it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_ops.core.handle import Handle

#: State of a task instance that is asked to stop -> what Airflow has done, as far as the state shows it.
_CAUSES: Mapping[str | None, str] = {
    None: "The task was cleared",
    "restarting": "The task was cleared while it ran",
    "success": "The task was marked success",
    "failed": "The task was set to failed: by a user, with its DAG run, or because Airflow lost its worker",
    "skipped": "The task was set to skipped, as Airflow does when a DAG run takes too long",
    "removed": "The task instance is gone",
}
#: States in which the task is at work again: a user has cleared it since.
_AT_WORK = frozenset({"scheduled", "queued", "running", "deferred"})


_DELETION = re.compile(
    r"((?:[^\s.:;,]+ [^\s;,]+|what it made) )is being deleted(?: by operation ([\w./:-]*\w))?", re.IGNORECASE
)


def deletion_text(what: str, operation_id: str | None) -> str:
    """Return that something is being deleted, as it is said at that time."""
    return f"{what} is being deleted" + (f" by operation {operation_id}" if operation_id else "")


def in_retrospect(text: str) -> str:
    """Return a text with what :func:`deletion_text` has written into it, as it is said later."""

    def later(found: re.Match[str]) -> str:
        by = f" (operation {found[2]})" if found[2] else ""
        return f"the deletion of {found[1]}was asked for{by}"

    return _DELETION.sub(later, text)


def cause_of_end(state: str | None) -> str:
    """Return in a few words why a task no longer waits, from the state that Airflow gave it.

    :param state: of the task instance, read after it was asked to stop.
    """
    if state in _AT_WORK:
        return _CAUSES[None]
    return _CAUSES.get(state, f"Airflow set the task to {state}")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left of a try, and what a policy has done about it.

    :param text: sentences for people.
    :param at: epoch seconds at which this was known.
    :param resource: type and id of what the operation acts on; empty where the API has named none.
    :param url: page of the operation or resource, where the API gives one.
    """

    text: str
    at: float
    resource: str = ""
    url: str | None = None

    @classmethod
    def of(cls, handle: Handle | None, text: str, at: float) -> Aftermath:
        """Return what is left of the operation of a handle."""
        if handle is None:
            return cls(text, at)
        named = " ".join(filter(None, (handle.resource_type, handle.resource_id))) if handle.resource_id else ""
        return cls(text, at, named, handle.operation_url)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> Aftermath | None:
        """Read what :meth:`to_dict` has written; ``None`` for anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
            return None
        resource, url = data.get("resource"), data.get("url")
        return cls(
            data["text"],
            float(data.get("at") or 0.0),
            resource if isinstance(resource, str) else "",
            url if isinstance(url, str) else None,
        )
