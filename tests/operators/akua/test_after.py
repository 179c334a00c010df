"""What comes after an operation, and how one is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.terminate import terminate
from airflow_provider_ops.core.handle import Handle
from airflow_provider_ops.exceptions import (
    InvalidArgument,
    TransportError,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.lifecycle.submitter import SubmitResult
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators import akua as operators
from airflow_provider_ops.testing import (
    SimulatorServer,
    operation_fails,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.operators.base import OperationOperator
from tests.operators.akua.parts import (
    carry_out,
    done,
    make_cluster,
    make_install,
    make_machine,
    make_package,
    started,
)

# -- what comes after


def test_updates_and_restores_lead_to_what_can_be_waited_for(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    install_id = make_install(hook)
    done(hook, f"install:{install_id}")
    (package,) = hook.list_packages()
    first = hook.create_render(install_id, skip_unchanged=False, idempotency_key="k")
    done(hook, str(first.operation_id))
    done(hook, f"install:{install_id}")

    newer: Any = {"semver": "2.0.0", "ref": "sha256:2", "input_schema": {}}
    version_id = hook.create_package_version(package.id, newer).id
    update = operators.AkuaUpdateInstallOperator(task_id="t", install_id=install_id, package_version_id=version_id)
    operation = done(hook, ensure(update.submit()).handle.operation_id or "")
    assert (operation.kind, operation.resource_id) == ("install.render", install_id)
    done(hook, f"install:{install_id}")

    def again(operator: OperationOperator) -> str:
        return hook.run(
            hook.api.submit_flow(hook.api.with_idempotency_key(operator.submit(), operator.task_id))
        ).operation_id

    assert again(update) == f"install:{install_id}"
    restore = operators.AkuaRestoreInstallOperator(task_id="u", install_id=install_id, render_id=first.id)
    reference = again(restore)
    assert reference.startswith(f"render:{install_id}.rnd_")
    assert done(hook, reference).raw_state == "deployed"
    assert again(restore) == reference


@pytest.mark.parametrize(
    ("values", "state", "word"),
    [
        ({}, OperationState.SUCCEEDED, "healthy"),
        ({"simulated_health": "degraded"}, OperationState.SUCCEEDED, "healthy"),
        ({"simulated_health": "failed"}, OperationState.FAILED, "failed"),
    ],
)
def test_an_install_is_waited_for_until_it_is_healthy(
    hook: AkuaHook, values: dict[str, Any], state: OperationState, word: str
) -> None:
    install_id = make_install(hook, **values)
    operator = operators.AkuaCreateInstallOperator(
        task_id="t", region_id="reg_eu", product_id="p", wait_until_healthy=True
    )
    (operation,) = hook.list_operations(owner_type="install", owner_id=install_id)
    reference = operator.next_operation(operation)
    assert reference == f"install:{install_id}"
    settled = hook.wait_for_operation(reference, timeout=1000)
    assert (settled.state, settled.raw_state) == (state, word)
    resource = hook.run(hook.api.read_resource(operation))
    assert resource is not None
    assert resource["state"] == word


def test_nothing_deployed_becomes_healthy(hook: AkuaHook) -> None:
    install_id = make_install(hook, simulated_sandbox=True)
    (operation,) = hook.list_operations(owner_type="install", owner_id=install_id)
    assert operation.result == {"type": "install.create", "install_id": install_id, "sandbox_skipped": True}
    arguments: dict[str, Any] = {"task_id": "t", "region_id": "reg_eu", "product_id": "p"}
    assert operators.AkuaCreateInstallOperator(**arguments, wait_until_healthy=True).next_operation(operation) is None
    assert operators.AkuaCreateInstallOperator(**arguments).next_operation(operation) is None
    with pytest.raises(InvalidArgument, match="True or False"):
        operators.AkuaCreateInstallOperator(**arguments, wait_until_healthy="{{ params.wait }}")  # type: ignore[arg-type]


def test_a_switch_to_automatic_updates_leads_to_the_newest_version(hook: AkuaHook) -> None:
    install_id = make_install(hook)
    done(hook, f"install:{install_id}")
    (package,) = hook.list_packages()
    newer: Any = {"semver": "2.0.0", "ref": "sha256:2", "input_schema": {}}
    version_id = hook.create_package_version(package.id, newer).id
    switch = operators.AkuaSetAutomaticUpdatesOperator
    rendered = carry_out(hook, switch, install_id=install_id, automatic_updates_enabled=True)
    assert (rendered.kind, hook.get_install(install_id).package_version_id) == ("install.render", version_id)
    off = carry_out(hook, switch, key="off", install_id=install_id, automatic_updates_enabled=False)
    assert off.id == f"reconciled_install:{install_id}"


def test_change_requests_and_worker_bootstraps(hook: AkuaHook, ensure: Callable[..., SubmitResult]) -> None:
    result = make_package(hook).result
    assert result is not None
    create = operators.AkuaCreateRepositoryChangeRequestOperator
    ready = carry_out(hook, create, parent_repository_id=result["repository_id"])
    assert (ready.raw_state, create(task_id="t", parent_repository_id="r").wait_for_completion) == ("READY", False)
    request_id = str(ready.resource_id)
    accept = operators.AkuaAcceptRepositoryChangeRequestOperator(task_id="t", repository_change_request_id=request_id)
    merged = done(hook, ensure(accept.submit()).handle.operation_id or "")
    assert (merged.kind, merged.resource_id) == ("repository_change_request.accept", request_id)
    cluster_id = make_cluster(hook)
    (bootstrap,) = hook.list_worker_bootstraps(cluster_id)
    ids = {"cluster_id": cluster_id, "worker_bootstrap_id": bootstrap.id}
    revoked = carry_out(hook, operators.AkuaRevokeWorkerBootstrapOperator, **ids)
    assert revoked.kind == "cluster.worker_bootstrap.revoke"
    assert hook.get_worker_bootstrap(**ids).status == "revoked"


# -- ending


def test_killing_cancels_and_says_so(hook: AkuaHook, ensure: Callable[..., SubmitResult]) -> None:
    create = ensure(operators.AkuaCreateClusterOperator(task_id="t", name="c", region_id="reg_eu").submit())
    said = hook.run(terminate(hook.api, create.handle, "cancel")).text
    assert "asked to cancel" in said
    assert f"; cluster {create.handle.resource_id} may remain (" in said
    assert hook.wait_for_operation(create.handle.operation_id or "").state is OperationState.CANCELLED


def test_what_was_made_can_be_deleted_by_a_policy(hook: AkuaHook, server: SimulatorServer) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    done(hook, operation)
    facts = {"operation_id": operation.id, "resource_type": "cluster", "resource_id": operation.resource_id}
    placed = Handle.placeholder("cluster.create", api="akua", **facts)
    assert "is being deleted by operation op_" in hook.run(terminate(hook.api, placed, "delete")).text
    assert started(server, "cluster.delete") == 1


def test_a_policy_never_deletes_what_a_call_has_only_changed(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    machine_id = make_machine(hook, make_cluster(hook))
    suspend = ensure(operators.AkuaSuspendMachineOperator(task_id="t", machine_id=machine_id).submit())
    assert "made nothing that could be deleted" in hook.run(terminate(hook.api, suspend.handle, "delete")).text
    assert started(server, "machine.delete") == 0


def test_a_followed_render_cannot_be_cancelled(hook: AkuaHook) -> None:
    placed = Handle.placeholder("install.restore", operation_id="render:inst_1.rnd_1")
    assert "cannot cancel" in hook.run(terminate(hook.api, placed, "cancel")).text


def test_the_reason_of_a_failure(hook: AkuaHook, server: SimulatorServer) -> None:
    server.faults(operation_fails("no capacity"))
    failed = hook.wait_for_operation(hook.create_cluster(name="c", region_id="reg_eu").id)
    assert (failed.state, str(failed.error)) == (
        OperationState.FAILED,
        "no capacity (step 'Join region')",
    )


def test_a_connection_that_goes_nowhere_is_told_apart(hook: AkuaHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AKUA_DEFAULT", '{"conn_type": "akua", "host": "http://127.0.0.1:9/v1", "password": "k"}'
    )
    with pytest.raises(TransportError) as caught:
        AkuaHook(clock=hook.clock).get_conn().send_once(hook.api.check())
    assert caught.value.reason == "connect"
