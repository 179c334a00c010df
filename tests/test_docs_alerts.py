"""The callback of docs/guides/operation-tab.md, called by Airflow for a task that has failed."""

from __future__ import annotations

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.testing import operation_fails
from tests.old_airflow import needs_exceptions_in_callbacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ops.testing import SimulatorServer

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "alerts" / "alerts.py"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was posted to the chat."""
    posted: list[str] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["text"])
            self.send_response(200)
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{server.server_port}/")
    yield posted
    server.shutdown()
    server.server_close()


def example() -> Any:
    spec = importlib.util.spec_from_file_location("alerts", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


@pytest.fixture
def ran(chat: list[str], run_dag: Any, operations_simulator: SimulatorServer, virtual_time: Any) -> Any:
    operations_simulator.faults(operation_fails("No capacity left"))
    dag = example().dag
    for task in dag.tasks:
        task.retries = 0
    ran = run_dag(dag)
    assert ran.state == "failed"
    return ran


def test_the_alert_says_which_task_has_failed(chat: list[str], ran: Any) -> None:
    (text,) = chat
    assert f"alerts.create, run {ran.run.run_id}, try 1" in text


@needs_exceptions_in_callbacks
def test_the_alert_says_what_happened_and_to_what(chat: list[str], ran: Any) -> None:
    (text,) = chat
    assert "No capacity left" in text
    assert str(ran.xcom("create", "operation_id")) in text
