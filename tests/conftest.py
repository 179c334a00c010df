"""Shared by all tests: the simulator as a fixture, and an Airflow of our own for the tests that run DAGs.

Airflow reads its configuration when it is first imported, so its home is chosen here, before anything else.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stamina

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

pytest_plugins = ["airflow_provider_ops.testing"]

ROOT = Path(__file__).parents[1]
_SCRATCH = ROOT / ".cache" / "tests"
_SCRATCH.mkdir(parents=True, exist_ok=True)
# one home per process, so that several test runs do not meet
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="airflow-", dir=_SCRATCH))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
DATABASE = AIRFLOW_HOME / "airflow.db"
_NO_DAGS = AIRFLOW_HOME / "dags"
_NO_DAGS.mkdir()

for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AIRFLOW__"))]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{DATABASE}",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(_NO_DAGS),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
}


class Ran:
    """What a run of a DAG came to."""

    def __init__(self, run: DagRun, errors: dict[str, list[BaseException]]) -> None:
        self.run = run
        #: The exceptions of each task, one per failed try.
        self.errors = errors

    @property
    def state(self) -> str:
        return str(self.run.state)

    @property
    def states(self) -> dict[str, str]:
        """Task states; mapped ones as ``task[0]``."""
        return {
            instance.task_id + (f"[{instance.map_index}]" if instance.map_index >= 0 else ""): str(instance.state)
            for instance in self.run.get_task_instances()
        }

    def tries(self, task_id: str) -> int:
        return next(one.try_number for one in self.run.get_task_instances() if one.task_id == task_id)

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            rows = XComModel.get_many(
                key=key, dag_ids=self.run.dag_id, task_ids=task_id, run_id=self.run.run_id, map_indexes=map_index
            )
            row = session.execute(rows).scalars().first() if not hasattr(rows, "first") else rows.first()
            return None if row is None else XComModel.deserialize_value(row)

    def error(self, task_id: str) -> BaseException:
        """The one exception of a task that failed once."""
        (error,) = self.errors[task_id]
        return error


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Airflow's metadata database, made once."""
    from airflow.utils.db import initdb

    initdb()
    return DATABASE


@pytest.fixture
def run_dag(airflow_db: Path) -> Callable[..., Ran]:
    """Run a DAG to its end in this process, with the real task runner, API, state store and trigger."""

    def run(dag: DAG, **conf: Any) -> Ran:
        errors: dict[str, list[BaseException]] = {}

        def note(context: Any) -> None:
            name = context["ti"].task_id
            if context["ti"].map_index is not None and context["ti"].map_index >= 0:
                name += f"[{context['ti'].map_index}]"
            errors.setdefault(name, []).append(context["exception"])

        for task in dag.tasks:
            for kind in ("on_failure_callback", "on_retry_callback"):
                if task.is_mapped:
                    task.partial_kwargs[kind] = note
                else:
                    setattr(task, kind, [note])
        register(dag)
        return Ran(dag.test(run_conf=conf or None), errors)

    return run


def register(dag: DAG) -> None:
    """A DAG made inside a test is not in the dags folder, and ``dag.test`` only runs what the database knows."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.utils.session import create_session

    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    bag = DagBag(dag_folder="/dev/null")
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


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
