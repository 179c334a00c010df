"""What tests need of Airflow that was elsewhere, or not there, in earlier releases."""

from __future__ import annotations

import importlib.util

import pytest

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before 3.2
    from airflow.serialization.serde import deserialize, serialize

__all__ = ["HAS_STATE_STORE", "deserialize", "needs_state_store", "serialize"]

HAS_STATE_STORE = importlib.util.find_spec("airflow.sdk.definitions.retry_policy") is not None

needs_state_store = pytest.mark.skipif(not HAS_STATE_STORE, reason="this Airflow has no task state store (3.3 has)")
