"""What the APIs' words say about whether a resource still exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ops.apis.calls import Flow
from airflow_provider_ops.exceptions import NotFound

_GONE = frozenset({"deleted", "destroyed", "closed"})
_BEING_DELETED = frozenset({"deleting", "destroying"})


def status_of(resource: Mapping[str, Any]) -> str | None:
    """Return the word for the state of a resource, ``None`` where it shows none."""
    status = resource.get("state") or resource.get("status")
    return status if isinstance(status, str) else None


def is_gone(status: str | None) -> bool:
    """Return whether a resource in this state is gone; one that is being deleted is not."""
    return status is not None and status.lower() in _GONE


def is_being_deleted(status: str | None) -> bool:
    """Return whether a resource in this state still exists, and is being deleted."""
    return status is not None and status.lower() in _BEING_DELETED


def has_status(read: Flow[Mapping[str, Any] | None], word: str) -> Flow[bool]:
    """Return a flow that reads a resource, and whether its state is ``word``; what does not exist has none.

    :param word: in lower case.
    """
    try:
        resource = yield from read
    except NotFound:
        return False
    return resource is not None and (status_of(resource) or "").lower() == word


def existing(read: Flow[Mapping[str, Any] | None]) -> Flow[Mapping[str, Any] | None]:
    """Return a flow that reads a resource as ``read`` does, ``None`` when it is gone."""
    try:
        resource = yield from read
    except NotFound:
        return None
    return None if resource is None or is_gone(status_of(resource)) else resource
