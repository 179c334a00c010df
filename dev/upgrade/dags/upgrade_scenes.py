"""Tasks that are under way while the provider is upgraded; each makes one thing."""

from __future__ import annotations

import os
import signal
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG

from airflow_provider_ops.operators.nirvana import NirvanaCreateVPCOperator
from airflow_provider_ops.operators.onvera import OnveraCreateDeploymentOperator

#: Seconds after which a worker is gone that waits for an answer.
DIES_AFTER = 6.0
RETRY = {"retries": 3, "retry_delay": timedelta(seconds=float(os.environ.get("UPGRADE_RETRY_DELAY", "60")))}
COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "max_active_tasks": 64,
    "default_args": RETRY,
}


class Dies(NirvanaCreateVPCOperator):
    """Its worker is killed in the first try, after the request was carried out and before the answer is stored."""

    def execute(self, context: Any) -> Any:
        """Submit, unless the worker dies before the answer comes."""
        if context["ti"].try_number == 1:
            threading.Timer(DIES_AFTER, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return super().execute(context)


class GivesUp(OnveraCreateDeploymentOperator):
    """Its first try waits for a few seconds only, and its operation continues."""

    def execute(self, context: Any) -> Any:
        """Submit, and wait as long as this try may."""
        self.timeout = 5 if context["ti"].try_number == 1 else 600
        return super().execute(context)


def numbers(variable: str) -> list[int]:
    """Return a number for each task that the environment asks for."""
    return list(range(int(os.environ.get(variable, "1"))))


with DAG("upgrade_deferred", schedule=None, **COMMON):
    OnveraCreateDeploymentOperator.partial(task_id="op", app_type="airflow", poll_interval=2).expand(
        name=[f"deferred {number}" for number in numbers("UPGRADE_DEFERRED")]
    )

with DAG("upgrade_retry", schedule=None, **COMMON):
    GivesUp.partial(task_id="op", deferrable=False, poll_interval=2).expand(
        app_type=["airflow" for _ in numbers("UPGRADE_RETRYING")]
    )

with DAG("upgrade_intent", schedule=None, **COMMON):
    Dies.partial(task_id="op", region="us-sva-2", subnet_name="web", poll_interval=2).expand(
        name=[f"intent {number}" for number in numbers("UPGRADE_INTENTS")]
    )
