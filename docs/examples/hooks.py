"""What hooks are for: the same API from a task of your own, or from a notebook."""

from __future__ import annotations

from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.hooks.onvera import OnveraHook


def ready_deployments() -> list[str]:
    """Names of the deployments that are ready."""
    hook = OnveraHook()
    return [
        deployment.name or deployment.id
        for deployment in hook.list_deployments()
        if deployment.status == "ready"
    ]


def create_and_look(seconds: float = 600) -> str:
    """Start something without an operator, wait for it, and return its last state."""
    hook = OnveraHook()
    submitted = hook.create_deployment("airflow", name="by hand")
    operation = hook.wait_for_operation(submitted.operation_id, timeout=seconds)
    return str(operation.state)


def start_elsewhere() -> None:
    """Start an operation that a sensor is to wait for."""
    hook = OnveraHook(conn_id="onvera_default")
    print(hook.create_deployment("superset").operation_id)


async def running_in_akua() -> list[str]:
    """Every method is there for ``async`` code as well, with an ``a`` in front."""
    hook = AkuaHook()
    return [
        operation.id
        async for operation in hook.alist_operations()
        if not operation.state.is_terminal
    ]
