"""A pytest plugin with an Airflow of its own: a temporary home, an empty SQLite database, and `run_dag`.

    pytest_plugins = ["airflow_provider_ops.testing.airflow"]          # in conftest.py

Airflow reads where its database is when it is first imported. So naming this plugin sets the environment, before the
tests are collected; the database in use outside the tests is never touched.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.core.retry_advice import Advice
from airflow_provider_ops.testing.fixtures import operations_simulator, virtual_time

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

__all__ = ["DagRunResult", "airflow_db", "operations_simulator", "run_dag", "virtual_time"]

if "airflow" in sys.modules:
    raise pytest.UsageError(
        "airflow_provider_ops.testing.airflow must be named before anything imports Airflow, which has read its "
        "configuration by then: put pytest_plugins at the top of the conftest.py beside your pytest configuration"
    )

_BUNDLE = {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}
_HOME = Path(tempfile.mkdtemp(prefix="airflow-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
(_HOME / "dags").mkdir()
os.environ |= {
    "AIRFLOW_HOME": str(_HOME),
    # whatever is configured outside the tests stays outside: databases, bundles, secrets backends, remote logs
    "AIRFLOW_CONFIG": str(_HOME / "airflow.cfg"),
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([_BUNDLE]),
    "AIRFLOW__LOGGING__REMOTE_LOGGING": "False",
    "AIRFLOW__SECRETS__BACKEND": "",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME / 'airflow.db'}",
    "AIRFLOW__CORE__DAGS_FOLDER": str(_HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    # where its provider is installed: it would send events about tests, from a fork of the test session
    "AIRFLOW__OPENLINEAGE__DISABLED": "True",
}


class DagRunResult:
    """What a run of a DAG came to. Mapped tasks are named ``task[0]``.

    :param run: the run as Airflow has it.
    :param errors: what each task raised, one exception per try that failed; an empty list where none did.
    """

    def __init__(self, run: DagRun, errors: dict[str, list[BaseException]]) -> None:
        self.run = run
        self.errors = errors

    @property
    def state(self) -> str:
        """Return the state of the run: ``success`` or ``failed``."""
        return str(self.run.state)

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each task."""
        return {name: str(one.state) for name, one in self._instances().items()}

    def tries(self, task: str) -> int:
        """Return how often a task was tried."""
        return int(self._instances()[task].try_number)

    def result(self, task: str) -> Any:
        """Return what a task returned; ``None`` where nothing."""
        return self._pull(self._instances()[task], "return_value")

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return what a task has pushed under ``key``; ``None`` where nothing."""
        return self._pull(self._instances()[task_id if map_index < 0 else f"{task_id}[{map_index}]"], key)

    def error(self, task: str) -> BaseException:
        """Return the one exception of a task that failed once."""
        (error,) = self.errors[task]
        return error

    def _instances(self) -> dict[str, Any]:
        return {_name(one): one for one in self.run.get_task_instances()}

    def _pull(self, instance: Any, key: str) -> Any:
        return instance.xcom_pull(
            task_ids=instance.task_id, key=key, map_indexes=instance.map_index, run_id=self.run.run_id
        )


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Make Airflow's metadata database, once; return its path."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - Airflow takes seconds to import

    initdb()
    _build_the_api_once()
    return _HOME / "airflow.db"


def _build_the_api_once() -> None:
    """Before Airflow 3.3 ``dag.test`` builds the API server's app anew for every task, which takes seconds each."""
    from airflow.sdk.execution_time import supervisor  # noqa: PLC0415 - Airflow takes seconds to import

    if not hasattr(supervisor.in_process_api_server, "cache_info"):
        supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


@pytest.fixture
def run_dag(airflow_db: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DagRunResult]:  # noqa: ARG001 - has to be there
    """Run a DAG to its end in this process: the real task runner, API, state store and triggers; retries come at once.

    Takes the DAG, and the run's ``conf`` as further keywords; returns a :class:`DagRunResult`.
    """
    monkeypatch.setattr(Advice, "pause", timedelta(0))

    def run(dag: DAG, **conf: Any) -> DagRunResult:
        _retry_at_once(dag)
        _register(dag)
        with _errors_heard() as errors, _sigterm_kept(monkeypatch):
            return DagRunResult(dag.test(run_conf=conf or None), errors)

    return run


@contextmanager
def _sigterm_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave SIGTERM to the session, which Airflow's task runner would take for the kill of its task.

    A session that is asked to end would report a task that was killed, and continue.
    """
    register = signal.signal

    def keep(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number == signal.SIGTERM else register(number, handler)

    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", keep)
        yield


def _retry_at_once(dag: DAG) -> None:
    task: Any
    for task in dag.tasks:
        (task.partial_kwargs if task.is_mapped else vars(task))["retry_delay"] = timedelta(0)


@contextmanager
def _errors_heard() -> Iterator[dict[str, list[BaseException]]]:
    """Collect what tasks raise, with a listener: on Airflow 3.1 a task's callbacks do not get the exception."""
    from airflow.listeners import hookimpl  # noqa: PLC0415 - Airflow takes seconds to import

    try:
        from airflow.sdk.listener import get_listener_manager  # noqa: PLC0415
    except ImportError:  # before 3.2
        from airflow.listeners.listener import (  # type: ignore[assignment]  # noqa: PLC0415
            get_listener_manager,
        )

    # a test may ask for those of a task that has none
    errors: dict[str, list[BaseException]] = defaultdict(list)

    class Listener:
        @hookimpl
        def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
            if isinstance(error, BaseException):
                errors[_name(task_instance)].append(error)

    listener, manager = Listener(), get_listener_manager()
    manager.add_listener(listener)  # type: ignore[no-untyped-call]
    try:
        yield errors
    finally:
        manager.pm.unregister(listener)


def _register(dag: DAG) -> None:
    # `dag.test` runs what the database knows, and a test's DAG is in no folder that Airflow reads
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    try:
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: PLC0415
    except ImportError:  # before 3.2
        from airflow.models.dagbag import DagBag, sync_bag_to_db  # type: ignore[no-redef]  # noqa: PLC0415

    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)  # type: ignore[no-untyped-call]
    bag = DagBag(dag_folder=os.devnull)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


def _name(instance: Any) -> str:
    index = instance.map_index
    return str(instance.task_id) if index is None or index < 0 else f"{instance.task_id}[{index}]"
