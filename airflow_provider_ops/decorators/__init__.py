"""TaskFlow: ``@task.operation``, and the request a function may return instead of an operation id.

``task`` is Airflow's own, which knows ``operation`` once this provider is installed; imported from here, editors and
type checkers know it as well. ``operation_task`` is the same decorator without the lookup.
"""

from __future__ import annotations

from airflow.sdk import task

from airflow_provider_ops.decorators.operation import operation_task
from airflow_provider_ops.decorators.request import OperationRequest

__all__ = ["OperationRequest", "operation_task", "task"]
