from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.onvera import OnveraHook
    from airflow_provider_ops.testing import VirtualClock
from tests.lifecycle.submission.parts import Task


@pytest.fixture
def task(hook: OnveraHook, operator_clock: VirtualClock) -> Task:
    return Task(hook, operator_clock)
