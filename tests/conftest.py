"""Shared by all tests: what the provider gives to its users' tests, and DAGs named after the test."""

# ruff: noqa: PLC0415

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import stamina

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import DAG

# before the plugin below, which chooses an Airflow for the tests: nothing of another one may shine through
for _name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[_name]
os.environ |= {"AIRFLOW__CORE__FERNET_KEY": "", "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False"}

# on a busy machine an example takes as long as it takes; the same examples in every run
hypothesis.settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("ours")

pytest_plugins = ["airflow_provider_ops.testing.airflow"]


@pytest.fixture
def a_dag(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Make a DAG named after the test; retries come at once."""
    from airflow.sdk import DAG

    name = "".join(char if char.isalnum() else "_" for char in request.node.name)[:200]

    @contextmanager
    def make(**arguments: Any) -> Iterator[DAG]:
        defaults = {"retries": 0, "retry_delay": timedelta(0), **arguments.pop("default_args", {})}
        start = datetime(2026, 1, 1, tzinfo=timezone.utc)
        with DAG(name, schedule=None, start_date=start, default_args=defaults, **arguments) as dag:
            yield dag

    return make


@pytest.fixture
def retry_at_once() -> Iterator[None]:
    """Reads are tried again without pauses, at most so often."""
    with stamina.set_testing(True, attempts=20, cap=True):
        yield
