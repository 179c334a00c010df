"""Behind a path prefix: the page asks Airflow under the same prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def test_it_works_behind_a_path_prefix(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi import app as airflow_app  # noqa: PLC0415 - reads Airflow's configuration
    from starlette.testclient import TestClient  # noqa: PLC0415

    monkeypatch.setattr(airflow_app, "API_ROOT_PATH", "/behind/")
    prefixed = airflow_app.create_app(apps="core")
    query = {"dag_id": "d", "run_id": "r", "task_id": "t"}
    with TestClient(prefixed) as client:
        assert client.get("/behind/airflow-provider-ops/wait").status_code == 200
        answer = client.get("/behind/airflow-provider-ops/api/wait", params=query)
        # not 404: Airflow was found, and wants to know who asks
        assert (answer.status_code, answer.json()["status"]) == (401, "signed_out")
