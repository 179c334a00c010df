"""Akua against the simulator: what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.testing import (
    SimulatorServer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.operators.base import OperationOperator


KEY = "airflow-0123456789abcdef01234567"


DURATION = 100.0


class Memory(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, **_options: Any) -> None:
        self[key] = value


def done(hook: AkuaHook, operation: Operation | str) -> Operation:
    settled = hook.wait_for_operation(operation if isinstance(operation, str) else operation.id, timeout=1000)
    assert settled.state is OperationState.SUCCEEDED, settled
    return settled


def made(hook: AkuaHook, operation: Operation) -> str:
    resource_id = done(hook, operation).resource_id
    assert resource_id
    return resource_id


def etag(resource: Any) -> str:
    return str(resource.etag)


def carry_out(hook: AkuaHook, operator: Callable[..., OperationOperator], *, key: str = "", **fields: Any) -> Operation:
    """What an operator does, without its task."""
    submit = hook.api.with_idempotency_key(
        operator(task_id="t", **fields).submit(), f"key-{key}{operator.__name__}"[:64]
    )
    return done(hook, hook.run(hook.api.submit_flow(submit)).operation_id)


def make_cluster(hook: AkuaHook) -> str:
    return made(hook, hook.create_cluster(name="c", region_id="reg_eu"))


def make_machine(hook: AkuaHook, cluster_id: str) -> str:
    return made(
        hook, hook.create_machine(cluster_id=cluster_id, instance_type="m5.large", compute_config_id="cc_small")
    )


def make_package(hook: AkuaHook) -> Operation:
    source: Any = {"kind": "helm", "repo_url": "oci://charts", "target_revision": "1.0.0"}
    return done(hook, hook.create_package(name="p", sources=[source]))


def make_install(hook: AkuaHook, **values: Any) -> str:
    package_id = make_package(hook).resource_id
    return made(
        hook,
        hook.create_install(
            region_id="reg_eu", package_id=package_id, package_version_pin={"kind": "latest"}, initial_values=values
        ),
    )


def created(server: SimulatorServer, kind: str) -> list[dict[str, Any]]:
    return [row for row in server.resources("akua") if row["kind"] == kind]


def started(server: SimulatorServer, kind: str) -> int:
    return sum(row["kind"] == kind for row in server.operations("akua"))


def waits(server: SimulatorServer) -> list[str]:
    return [row["query"] for row in server.requests("akua") if row["path"].endswith(":wait")]
