"""Submits of Akua and operations as it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.apis.akua import (
    API,
    submits,
)
from airflow_provider_ops.apis.calls import Call
from airflow_provider_ops.apis.submits import SubmitCall
from tests.apis.test_akua import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable


def running(kind: str, owner_type: str, owner_id: str, op_id: str = "op_a1", **changes: Any) -> dict[str, Any]:
    """An operation that is under way; ``metadata`` is added to its type."""
    metadata = {"type": kind, **changes.pop("metadata", {})}
    unfinished = {"state": "RUNNING", "done": False, "response": None, "completed_at": None}
    facts = {"id": op_id, "owner_type": owner_type, "owner_id": owner_id, "metadata": metadata}
    return {**SAMPLE, **unfinished, **facts, **changes}


# -- starting


def started(build: Callable[..., Call[Any]], *args: Any, **kwargs: Any) -> SubmitCall:
    return API.with_idempotency_key(submits(build)(*args, **kwargs), "our-key")
