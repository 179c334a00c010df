"""What tests need of Airflow that was elsewhere, or not there, in earlier releases."""

from __future__ import annotations

import importlib.util
from typing import Any, NoReturn

import pytest

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before 3.2
    from airflow.serialization.serde import deserialize, serialize

__all__ = ["HAS_STATE_STORE", "TELLS_ERRORS", "Untold", "deserialize", "needs_state_store", "serialize"]

HAS_STATE_STORE = importlib.util.find_spec("airflow.sdk.definitions.retry_policy") is not None

needs_state_store = pytest.mark.skipif(not HAS_STATE_STORE, reason="this Airflow has no task state store (3.3 has)")

#: Whether ``dag.test`` tells how a task failed.
TELLS_ERRORS = importlib.util.find_spec("airflow.sdk.observability") is not None


class Untold(dict[str, Any]):
    """Stands in for the errors of a run: who asks for one leaves the test."""

    def __getitem__(self, task: str) -> NoReturn:
        pytest.skip("before 3.2 dag.test does not tell how a task failed")
