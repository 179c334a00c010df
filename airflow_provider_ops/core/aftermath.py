"""What a try left behind that did not end well, as far as the process knew that ended it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from airflow_provider_ops.core.handle import Handle

#: State of a task instance that is asked to stop -> what Airflow has done, as far as the state shows it.
_CAUSES: Mapping[str | None, str] = {
    None: "The task was cleared",
    "restarting": "The task was cleared while it ran",
    "success": "The task was marked success",
    "failed": (
        "The task was marked failed (by a user, by the end of its DAG run, or by Airflow when its worker was lost)"
    ),
    "skipped": "The task was marked skipped, as Airflow does when a DAG run takes too long",
    "removed": "The task instance is gone",
}
#: States in which the task is at work again: a user has cleared it since.
_AT_WORK = frozenset({"scheduled", "queued", "running", "deferred"})


def cause_of_end(state: str | None) -> str:
    """Return in a few words why a task no longer waits, from the state that Airflow gave it.

    :param state: of the task instance, read after it was asked to stop.
    """
    if state in _AT_WORK:
        return _CAUSES[None]
    return _CAUSES.get(state, f"Airflow set the task to {state}")


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion that an API has taken on.

    :param resource: type and id of what is deleted.
    :param operation_id: of the deletion; ``None`` where the API names none.
    :param asked_by: what asked for it, as in ``on_kill=delete``.
    :param cause: why the task ended, where that is known.
    :param is_earlier: whether it was under way before it was asked for.
    """

    resource: str
    operation_id: str | None = None
    asked_by: str = ""
    cause: str = ""
    is_earlier: bool = False

    @property
    def is_under_way(self) -> str:
        """Return that it is under way, as it is said at that time."""
        if self.is_earlier:
            return f"{self.resource} is being deleted already"
        return f"{self.resource} is being deleted" + (f" by operation {self.operation_id}" if self.operation_id else "")

    @property
    def in_retrospect(self) -> str:
        """Return sentences for any time after: whether it has ended is not known."""
        if self.is_earlier:
            return f"{self._lead}{self.resource} was being deleted already."
        by = f" (operation {self.operation_id})" if self.operation_id else ""
        return f"{self._lead}the deletion of {self.resource} was asked for{by}."

    @property
    def _lead(self) -> str:
        cause = f"{self.cause}. " if self.cause else ""
        return f"{cause}{self.asked_by}: " if self.asked_by else cause

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> Deletion | None:
        """Read what :meth:`to_dict` has written; ``None`` for anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("resource"), str):
            return None
        texts = {name: value for name in _DELETION_FIELDS if isinstance(value := data.get(name), str)}
        return cls(data["resource"], **texts, is_earlier=data.get("is_earlier") is True)


_DELETION_FIELDS = ("operation_id", "asked_by", "cause")


def after_kill(text: str, deletion: Deletion | None, policy: str, state: str | None) -> tuple[str, Deletion | None]:
    """Return what a kill has left: sentences for people, and the deletion with what asked for it.

    :param text: what became of the operation.
    :param state: of the task instance, read after it was asked to stop.
    """
    cause, asked_by = cause_of_end(state), f"on_kill={policy}"
    said = f"{cause}. {asked_by}: {text.rstrip('.')}."
    return said, deletion and replace(deletion, asked_by=asked_by, cause=cause)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left of a try, and what a policy has done about it.

    :param text: sentences for people, as of that time.
    :param at: epoch seconds at which this was known.
    :param resource: type and id of what the operation acts on; empty where the API has named none.
    :param url: page of the operation or resource, where the API gives one.
    :param deletion: what the policy had deleted; ``text`` says the same for a release that does not read this.
    """

    text: str
    at: float
    resource: str = ""
    url: str | None = None
    deletion: Deletion | None = None

    @classmethod
    def of(cls, handle: Handle | None, text: str, at: float, deletion: Deletion | None = None) -> Aftermath:
        """Return what is left of the operation of a handle."""
        if handle is None:
            return cls(text, at, deletion=deletion)
        named = " ".join(filter(None, (handle.resource_type, handle.resource_id))) if handle.resource_id else ""
        return cls(text, at, named, handle.operation_url, deletion)

    @property
    def in_retrospect(self) -> str:
        """Return sentences for people who read them at any time after."""
        return self.deletion.in_retrospect if self.deletion else f"{self.text.rstrip('.')}."

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
            Deletion.from_dict(data.get("deletion")),
        )
