"""Airflow's own API server app with our plugin in it, in this process, and people who may see more or less."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.testclient import TestClient

PLUGIN = "from airflow_provider_ops.view.plugin import OperationsPlugin\n"
#: An auth manager that hides what is secret from one of its users.
AUTH = """
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

class Picky(SimpleAuthManager):
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        if user.get_name() == "stranger":
            return False
        if user.get_name() == "half" and access_entity is not None and access_entity.value == "XCOM":
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
"""


@pytest.fixture(scope="session")
def _settings(airflow_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import sys

    from airflow import settings

    folder = tmp_path_factory.mktemp("plugins")
    (folder / "operations.py").write_text(PLUGIN)
    modules = tmp_path_factory.mktemp("modules")
    (modules / "picky_auth.py").write_text(AUTH)
    home = airflow_db.parent
    passwords = home / "passwords.json"
    names = ("admin", "stranger", "half")
    passwords.write_text(json.dumps(dict.fromkeys(names, "secret")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "PLUGINS_FOLDER", str(folder))
        patch.setattr(sys, "path", [*sys.path, str(modules)])
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "picky_auth.Picky")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", ",".join(f"{name}:admin" for name in names))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret of the tests, " * 4)
        yield


@pytest.fixture(scope="session")
def server(_settings: None) -> Iterator[Any]:
    """The app that ``airflow api-server`` serves."""
    from airflow.api_fastapi.app import create_app, purge_cached_app

    from tests.old_airflow import forget_plugins

    forget_plugins()
    yield create_app(apps="core")
    forget_plugins()
    purge_cached_app()


@pytest.fixture
def client_of(server: Any) -> Iterator[Callable[[str | None], TestClient]]:
    """A browser of somebody who is signed in, or of nobody."""
    from starlette.testclient import TestClient

    opened = []

    def make(user: str | None = "admin") -> TestClient:
        client = TestClient(server, follow_redirects=False)
        client.__enter__()
        opened.append(client)
        if user is not None:
            answer = client.post("/auth/token", json={"username": user, "password": "secret"})
            assert answer.status_code == 201, answer.text
            client.cookies.set("_token", answer.json()["access_token"])
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def ask(client_of: Callable[[str | None], TestClient]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Ask for the data of the page of a task instance."""

    def do(dag_id: str, run_id: str, task_id: str, user: str | None = "admin", **more: Any) -> tuple[int, Any]:
        query = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": "{MAP_INDEX}", **more}
        answer = client_of(user).get("/airflow-provider-ops/api/wait", params=query)
        return answer.status_code, answer.json()

    return do
