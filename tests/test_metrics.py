"""Metrics arrive where Airflow sends its own, under the documented names, and never break a wait."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
import time
from collections import Counter
from datetime import timedelta
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops import metrics, tracing
from airflow_provider_ops.exceptions import AuthenticationError, OpsError, TransportError
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator
from airflow_provider_ops.sensors.operation import OperationSensor
from airflow_provider_ops.testing import fail_first, never_settles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")


class Heard:
    """What a backend was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any, dict[str, str] | None]] = []

    def incr(self, stat: str, count: int = 1, *, tags: dict[str, str] | None = None) -> None:
        self.told.append((stat, count, tags))

    def timing(self, stat: str, dt: Any, *, tags: dict[str, str] | None = None) -> None:
        self.told.append((stat, dt, tags))

    def of(self, metric: metrics.Metric) -> list[tuple[Any, dict[str, str] | None]]:
        return [(value, tags) for name, value, tags in self.told if name == metric.name]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    sink = Heard()
    monkeypatch.setattr(metrics, "_sink", sink)
    monkeypatch.setattr(metrics, "_long_names", True)
    return sink


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading, without its first two lines."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_has_exactly_these_metrics() -> None:
    written = {row[0]: row[1:] for row in table("Metrics")}
    real = {
        f"`{one.name}`": [
            type(one).__name__.lower(),
            ", ".join(f"`{tag}`" for tag in one.tags),
            one.meaning,
        ]
        for one in metrics.METRICS
    }
    assert written == real


def test_the_page_has_exactly_these_spans_and_attributes() -> None:
    rows = table("Traces")
    assert [row[0] for row in rows] == [f"`{tracing.SUBMIT}`", f"`{tracing.WAIT}`"]
    assert set(re.findall(r"`(operation\.\w+)`", " ".join(row[2] for row in rows))) == set(tracing.ATTRIBUTES)


def test_both_names_are_sent_and_dots_make_no_levels(heard: Heard) -> None:
    metrics.SETTLED.add(api="akua", kind="cluster.create", state="succeeded")
    assert heard.told == [
        ("operations.settled", 1, {"api": "akua", "kind": "cluster.create", "state": "succeeded"}),
        ("operations.settled.akua.cluster__create.succeeded", 1, None),
    ]


def test_one_name_where_the_user_wants_no_variables_in_names(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_long_names", False)
    metrics.LAG.took(-3.0, api="akua", mode="worker")
    assert heard.told == [("operations.resume_lag", timedelta(0), {"api": "akua", "mode": "worker"})]


def test_what_an_api_says_cannot_break_a_name(heard: Heard) -> None:
    metrics.SETTLED.add(api="akua", kind="POST /x,y|z\n" + "k" * 100, state="")
    (_, _, tags), (long_name, _, _) = heard.told
    assert tags is not None
    assert (len(tags["kind"]), tags["state"]) == (60, "none")
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", long_name)


def test_a_backend_that_fails_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            msg = "no backend"
            raise RuntimeError(msg)

    monkeypatch.setattr(metrics, "_sink", Broken())
    metrics.POLLS.add(api="akua", way="read")
    metrics.WAIT.took(1.0, api="akua", kind="x")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationError(401, None, "no"), "401"),
        (TransportError("cut", reason="reset"), "reset"),
        (OpsError("odd"), "other"),
    ],
)
def test_the_reason_of_an_error_is_one_of_few_words(error: OpsError, reason: str) -> None:
    assert metrics.reason(error) == reason


def test_airflow_gets_them_without_being_asked() -> None:
    from airflow_provider_ops._compat import stats  # noqa: PLC0415

    assert metrics._sink is stats


def test_a_wait_on_a_worker_is_counted(heard: Heard, operations_simulator: SimulatorServer) -> None:
    hook = OnveraHook()
    operation_id = hook.create_deployment("airflow").operation_id
    operations_simulator.faults(fail_first(2, status=503, method="GET"))
    hook.wait_for_operation(operation_id, poll_interval=0.05)
    assert heard.of(metrics.ERRORS) == [(1, {"api": "onvera", "reason": "503"})] * 2
    looks = heard.of(metrics.POLLS)
    assert len(looks) >= 3
    assert {str(tags) for _, tags in looks} == {str({"api": "onvera", "way": "read"})}


async def test_many_waits_are_counted_by_request_and_not_by_wait(
    heard: Heard, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.duration = 1.0
    hook = OnveraHook()
    ids = [(await hook.acreate_deployment("airflow")).operation_id for _ in range(60)]
    before = len(operations_simulator.requests("onvera"))
    await asyncio.gather(*(hook.await_operation(one, poll_interval=0.2) for one in ids))
    requests = len(operations_simulator.requests("onvera")) - before
    counted = sum(count for count, _ in heard.of(metrics.POLLS))
    assert counted == requests
    assert {tags["way"] for _, tags in heard.of(metrics.POLLS) if tags} >= {"list"}
    assert len(heard.of(metrics.POLLS)) < len(ids)


def test_waiting_for_the_budget_is_timed(heard: Heard, operations_simulator: SimulatorServer) -> None:
    base = operations_simulator.base_url("onvera")
    with BlockingClient(OnveraHook.api, Settings("slow", base, "k", requests_per_second=4.0)) as client:
        for _ in range(6):
            client.send_once(OnveraHook.api.check())
    waits = heard.of(metrics.BUDGET_WAIT)
    assert waits, "more than four in a second were sent"
    assert all(0.05 <= value.total_seconds() < 2 for value, _ in waits)


# -- a real run


class Listener:
    """A statsd server."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.lines: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                self.lines += self.socket.recv(65536).decode().splitlines()
            except TimeoutError:
                continue

    def stop(self) -> Counter[str]:
        """What came, by name."""
        if not self._over.is_set():
            time.sleep(0.3)
            self._over.set()
            self._thread.join()
            self.socket.close()
        return Counter(line.split(":")[0] for line in self.lines)


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A statsd to which Airflow's stats send."""
    client = pytest.importorskip("statsd")
    clients: list[Any] = []
    real = client.StatsClient.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        clients.append(self)

    monkeypatch.setattr(client.StatsClient, "__init__", noted)
    listener = Listener()
    settings = {"STATSD_ON": "True", "STATSD_HOST": "127.0.0.1", "STATSD_PORT": str(listener.port)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"AIRFLOW__METRICS__{name}", value)
        begin_anew()
        yield listener
    begin_anew()
    listener.stop()
    for one in clients:
        # nobody else does, and Python would warn of it
        one.close()


def begin_anew() -> None:
    """Airflow's stats as in a process that has just started with the settings of now."""
    from airflow_provider_ops._compat import stats  # noqa: PLC0415

    if hasattr(stats, "initialize"):
        stats_utils: Any = import_module("airflow.sdk.observability.metrics.stats_utils")
        if "export_legacy_names" in signature(stats.initialize).parameters:
            stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
        else:  # 3.2
            stats.initialize(factory=stats_utils.get_stats_factory(stats))
        return
    # before 3.2
    base_stats_logger = import_module("airflow.metrics.base_stats_logger")
    statsd_logger = import_module("airflow.metrics.statsd_logger")

    on = "AIRFLOW__METRICS__STATSD_ON" in os.environ
    type(stats).factory = statsd_logger.get_statsd_logger if on else base_stats_logger.NoStatsLogger
    stats.instance = None


def test_statsd_hears_of_a_real_run(
    statsd: Listener,
    virtual_time: VirtualClock,
    operations_simulator: SimulatorServer,
    run_dag: Any,
    a_dag: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_provider_ops.lifecycle.attempt.SECONDS_BEFORE_DEFERRING", 0.0)
    operations_simulator.faults(never_settles(1, name="never"))
    with a_dag() as dag:
        OnveraCreateDeploymentOperator(task_id="deferred", app_type="airflow", poll_interval=30)
        OnveraCreateDeploymentOperator(task_id="here", app_type="airflow", poll_interval=30, deferrable=False)
        OnveraCreateDeploymentOperator(
            task_id="late", app_type="airflow", name="never", poll_interval=30, deferrable=False, timeout=300
        )
        submitted = OnveraCreateDeploymentOperator(task_id="submitted", app_type="airflow", wait_for_completion=False)
        OperationSensor(
            task_id="sensed",
            conn_id="onvera_default",
            operation_id=submitted.output["operation_id"],
            poke_interval=30,
            deferrable=False,
        )
    ran = run_dag(dag)
    assert ran.states == {
        "deferred": "success", "here": "success", "late": "failed", "submitted": "success", "sensed": "success",
    }  # fmt: skip
    names = statsd.stop()
    kind = "onvera.deployment__create"
    assert names[f"airflow.operations.settled.{kind}.succeeded"] == 3
    assert names["airflow.operations.settled"] == 3
    assert names[f"airflow.operations.unsettled.{kind}.timeout"] == 1
    assert names[f"airflow.operations.wait.{kind}"] == 3
    assert names["airflow.operations.resume_lag.onvera.deferred"] == 1
    assert names["airflow.operations.resume_lag.onvera.worker"] == 2
    assert names["airflow.operations.looks.onvera.read"] >= 4
    known = tuple(f"airflow.{one.name}" for one in metrics.METRICS)
    assert all(name.startswith(known) for name in names if name.startswith("airflow.operations"))
    assert not any("test-key" in line for line in statsd.lines)
