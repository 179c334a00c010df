"""The button on a task instance leads to web pages and to nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.links import OperationLink
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("https://reports.onvera.app", "https://reports.onvera.app"),
        (None, ""),
        ("javascript:alert(document.cookie)", ""),
        ("data:text/html,<script>alert(1)</script>", ""),
        (" https://reports.onvera.app", ""),
    ],
)
def test_only_a_web_address_is_a_link(said: str | None, link: str) -> None:
    task = OnveraCreateDeploymentOperator(task_id="create", app_type="airflow")
    task.remote_url = said
    ti_key: Any = None
    assert OperationLink().get_link(task, ti_key=ti_key) == link
