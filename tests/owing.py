"""The task state store as a process has left it that died while it carried out a policy."""

from __future__ import annotations

import json

from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_ops.lifecycle.handle_store import KEY


def owe(dag_id: str, run_id: str, task_id: str, policy: str | None) -> str:
    """Let the stored handle of a task owe its kill policy; return the id of its operation."""
    # Airflow has it from 3.3 on
    from airflow.models.task_state_store import TaskStateStoreModel as Store  # noqa: PLC0415

    where = (Store.dag_id == dag_id, Store.run_id == run_id, Store.task_id == task_id, Store.key == KEY)
    with create_session() as session:
        row = session.scalars(select(Store).where(*where)).one()
        handle = {**json.loads(row.value), "owes": policy, "owes_because": "kill" if policy else None}
        row.value = json.dumps(handle)
    return str(handle["operation_id"])
