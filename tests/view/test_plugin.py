"""What Airflow finds at the entry point, and what becomes of it when it cannot work."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_ops.view import plugin
from airflow_provider_ops.view.plugin import OperationsPlugin


def test_the_tab_is_on_task_instances_and_holds_behind_a_path_prefix() -> None:
    (view,) = OperationsPlugin.external_views
    assert view["destination"] == "task_instance"
    for address in (view["href"], view["icon"], view["icon_dark_mode"]):
        assert not address.startswith(("/", "http")), "the UI resolves it against its own base"
    asked = {part.partition("=")[2] for part in view["href"].partition("?")[2].split("&")}
    assert asked == {"{DAG_ID}", "{RUN_ID}", "{TASK_ID}", "{MAP_INDEX}"}


def test_workers_and_triggerers_do_not_import_the_app() -> None:
    heavy = ("fastapi", "airflow_provider_ops.view.app", "airflow_provider_ops.hooks.base")
    code = (
        "import sys; from airflow_provider_ops.view.plugin import OperationsPlugin; OperationsPlugin();"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert found.stdout.splitlines()[-1] == "[]"


async def test_an_app_that_cannot_be_made_says_why_and_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise ImportError("no module named x")

    monkeypatch.setattr("airflow_provider_ops.view.app.make_app", broken)
    plugin._apps.cache_clear()
    try:
        (app,) = OperationsPlugin().fastapi_apps
    finally:
        plugin._apps.cache_clear()
    assert app["url_prefix"] == "/airflow-provider-ops"
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app["app"]({"type": "http"}, None, send)
    assert sent[0]["status"] == 503
    assert b"no module named x" in sent[1]["body"]
