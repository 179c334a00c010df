"""Akua's hook and operators against the simulator over real sockets, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ops.apis.akua import API, submits, workspaces
from airflow_provider_ops.apis.ending import end
from airflow_provider_ops.client.settings import Settings
from airflow_provider_ops.client.sync import SyncClient
from airflow_provider_ops.client.waits import wait
from airflow_provider_ops.exceptions import (
    AmbiguousSubmission,
    Conflict,
    InvalidArgument,
    InvalidRequest,
    NotFound,
    TransportError,
    WaitTimeout,
)
from airflow_provider_ops.hooks.akua import AkuaHook
from airflow_provider_ops.operation import Operation, OperationState
from airflow_provider_ops.operators import akua as operators
from airflow_provider_ops.operators.store import HandleStore
from airflow_provider_ops.operators.submission import Identity, Started, Submission
from airflow_provider_ops.simulator.akua import WORKSPACE
from airflow_provider_ops.testing import (
    SimulatorServer,
    VirtualClock,
    drop_answer,
    endless,
    fail_first,
    operation_fails,
)
from airflow_provider_ops.waiting.submitting import Handle
from airflow_provider_ops.waiting.watch import TimedOut, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.base import Submit
    from airflow_provider_ops.client.pace import Clock
    from airflow_provider_ops.operators.base import OperationOperator

KEY = "airflow-0123456789abcdef01234567"
DURATION = 100.0


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def served(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=DURATION, clock=clock) as server:
        yield server


@pytest.fixture
def server(served: SimulatorServer, monkeypatch: pytest.MonkeyPatch, retry_at_once: None) -> SimulatorServer:
    served.reset()
    for name, value in served.environ().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def hook(server: SimulatorServer, clock: Clock) -> Iterator[AkuaHook]:
    hook = AkuaHook(clock=clock)
    yield hook
    hook.close()


class Memory(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, **_options: Any) -> None:
        self[key] = value


@pytest.fixture
def ensure(hook: AkuaHook, clock: VirtualClock) -> Callable[..., Started]:
    """What an operator does with its submit; each call is one try of the same task run."""

    def run(submit: Submit, store: Memory | None = None) -> Started:
        identity = Identity(
            key=lambda generation: f"{KEY}-{generation}",
            fingerprint="f",
            max_tries=2,
            try_number=1,
            kill_ends_it=False,
        )
        handles = HandleStore(Memory() if store is None else store, lambda _: None)
        deadline = clock.time() + 900
        return Submission(hook, submit, identity, handles, deadline=deadline, log=lambda _: None).ensure()

    return run


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


def carry_out(hook: AkuaHook, operator: Callable[..., OperationOperator], **fields: Any) -> Operation:
    """What an operator does, without its task."""
    submit = hook.api.mark(operator(task_id="t", **fields).submit(), f"key-{operator.__name__}")
    return done(hook, hook.run(hook.api.submitting(submit)).operation_id)


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


def add_version(server: SimulatorServer, package_id: str) -> str:
    """The sheet has the call, but not its body, so the hook has it not."""
    answer = httpx.post(
        f"{server.base_url('akua')}/packages/{package_id}/versions",
        json={"version": "2.0.0"},
        headers={"authorization": "Bearer k"},
    )
    return str(answer.json()["id"])


def created(server: SimulatorServer, kind: str) -> list[dict[str, Any]]:
    return [row for row in server.resources("akua") if row["kind"] == kind]


def started(server: SimulatorServer, kind: str) -> int:
    return sum(row["kind"] == kind for row in server.operations("akua"))


def waits(server: SimulatorServer) -> list[str]:
    return [row["query"] for row in server.requests("akua") if row["path"].endswith(":wait")]


# -- every call


def test_all_of_clusters_and_machines(hook: AkuaHook) -> None:
    cluster_id = make_cluster(hook)
    done(hook, hook.refresh_cluster_capabilities(cluster_id))
    machine_id = make_machine(hook, cluster_id)
    machine = hook.get_machine(machine_id, view="full")
    assert machine.provider_resource is not None
    assert (machine.state, machine.provider_resource.public_ip is not None) == ("ACTIVE", True)
    suspended = done(hook, hook.suspend_machine(machine_id, reason="manual", etag=etag(machine)))
    assert suspended.result is not None
    assert suspended.result["suspension_id"]
    assert [found.id for found in hook.list_machines(cluster_id=cluster_id, state="SUSPENDED")] == [machine_id]
    done(hook, hook.resume_machine(machine_id, etag=etag(hook.get_machine(machine_id))))
    with pytest.raises(Conflict, match="machine"):
        hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id)))
    done(hook, hook.delete_machine(machine_id, etag=etag(hook.get_machine(machine_id))))
    done(hook, hook.suspend_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    assert hook.get_cluster(cluster_id).state == "suspended"
    done(hook, hook.resume_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    done(hook, hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id))))
    assert list(hook.list_clusters()) == []
    with pytest.raises(NotFound):
        hook.get_machine(machine_id)


def test_all_of_packages_and_installs(hook: AkuaHook) -> None:
    package = make_package(hook)
    package_id = package.resource_id or ""
    (version,) = hook.list_package_versions(package_id)
    assert hook.get_package(package_id).latest_version_id == version.id
    assert hook.get_package_version(package_id, version.id).version == "1.0.0"
    install_id = made(
        hook,
        hook.create_install(
            region_id="reg_eu", package_id=package_id, package_version_pin={"kind": "pinned", "version": "1.0.0"}
        ),
    )
    assert hook.get_install_status(install_id).state == "syncing"
    done(hook, f"install:{install_id}")
    install = hook.get_install(install_id)
    assert (install.state, install.urls) == ("healthy", [f"https://{install_id}.example.com"])
    changed = hook.set_automatic_updates(
        install_id, automatic_updates_enabled=True, etag=etag(install), idempotency_key="k1"
    )
    assert changed.install is not None
    assert changed.install.automatic_updates_enabled is True
    render = hook.create_render(install_id, idempotency_key="k2")
    done(hook, str(render.operation_id))
    assert hook.get_render(install_id, render.id).state == "deployed"
    pinned = done(hook, hook.bind_pinned_preview_hostname(install_id, render.id))
    floating = done(hook, hook.bind_floating_preview_hostname(install_id, "main", render.id, protocol="grpc"))
    assert pinned.result is not None
    assert floating.result is not None
    hostname_id = pinned.result["preview_hostname_id"]
    carry_out(hook, operators.AkuaDeletePreviewHostnameOperator, install_id=install_id, preview_hostname_id=hostname_id)
    with pytest.raises(NotFound):
        hook.delete_preview_hostname(install_id, hostname_id, etag="1")
    assert package.result is not None
    assert hook.get_repository(package.result["repository_id"]).purpose == "package"
    assert [found.id for found in hook.list_repositories(purpose="package")] == [package.result["repository_id"]]
    done(hook, hook.delete_install(install_id, etag=etag(hook.get_install(install_id))))
    assert list(hook.list_installs()) == []
    hook.delete_package(package_id, etag=etag(hook.get_package(package_id)))
    assert list(hook.list_packages()) == []


def test_all_of_workspaces(hook: AkuaHook) -> None:
    def now() -> str:
        return etag(hook.get_workspace(WORKSPACE))

    done(hook, hook.change_tier(WORKSPACE, "pro", etag=now()))
    cancelled = done(hook, hook.cancel_subscription(WORKSPACE, etag=now()))
    assert hook.describe_operation(cancelled.id).response.cancel_at is not None  # type: ignore[union-attr]
    done(hook, hook.reactivate_subscription(WORKSPACE, etag=now()))
    named = done(hook, hook.set_subdomain_name(WORKSPACE, "team", etag=now()))
    assert named.result is not None
    assert named.result["fqdn"].startswith("team.")
    target: Any = {"kind": "external", "endpoint": "https://example.com"}
    domain = done(hook, hook.create_custom_domain(WORKSPACE, "www.example.com", target)).result
    assert domain is not None
    ids = {"workspace_id": WORKSPACE, "custom_domain_id": domain["custom_domain_id"]}
    carry_out(hook, operators.AkuaUpdateCustomDomainOperator, **ids, routing_mode="bypass_dispatcher")
    with pytest.raises(Conflict, match="ABORTED"):
        hook.delete_custom_domain(**ids, etag="1")
    carry_out(hook, operators.AkuaDeleteCustomDomainOperator, **ids)
    kinds = [operation.kind for operation in hook.list_operations(owner_type="workspace", owner_id=WORKSPACE)]
    assert kinds[0] == "custom_domain.delete"
    assert len(kinds) == 7
    done(hook, hook.delete_workspace(WORKSPACE, etag=now()))
    with pytest.raises(NotFound):
        hook.get_workspace(WORKSPACE)


def test_the_catalogue(hook: AkuaHook) -> None:
    assert [region.id for region in hook.list_regions()] == ["reg_eu", "reg_us"]
    assert hook.get_compute_config("cc_small").name == "Small"
    assert len(list(hook.list_compute_configs())) == 2
    cluster_id = make_cluster(hook)
    assert hook.get_quota("compute/clusters").usage == 1
    launching = {quota.metric: quota.limit for quota in hook.list_quotas(cluster_id=cluster_id)}
    assert launching["compute/launching_machines"] == 3
    assert hook.test_connection() == (True, f"Akua at {hook.settings().origin} answers for workspace {WORKSPACE}")


# -- waiting


def test_a_worker_waits_with_one_request(hook: AkuaHook, server: SimulatorServer) -> None:
    server.duration = 50
    done(hook, hook.create_cluster(name="c", region_id="reg_eu"))
    assert waits(server) == ["timeout=60"]


def test_a_deadline_shortens_the_last_wait(hook: AkuaHook, server: SimulatorServer) -> None:
    server.faults(endless())
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    with pytest.raises(WaitTimeout):
        hook.wait_for_operation(operation.id, timeout=90)
    queries = waits(server)
    assert queries[0] == "timeout=60"
    assert all(int(query.removeprefix("timeout=")) <= 30 for query in queries[1:])
    assert len(server.requests("akua")) <= 8


def test_a_failed_long_poll_is_followed_by_a_plain_read(hook: AkuaHook, server: SimulatorServer) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    server.faults(fail_first(2, route="/operations/{id}:wait"))
    done(hook, operation)
    looks = [(row["method"], row["status"]) for row in server.requests("akua")[1:]]
    assert looks[:4] == [("POST", 503), ("GET", 200), ("POST", 503), ("GET", 200)]
    assert looks[-1] == ("POST", 200)


def test_a_server_that_does_not_hold_answers_back_is_not_flooded(clock: VirtualClock) -> None:
    seen: list[str] = []

    def at_once(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json={"id": "op_a1", "state": "RUNNING"})

    settings = Settings("a", API.base_url, "k")
    with SyncClient(API, settings, clock, transport=httpx.MockTransport(at_once)) as client:
        now = clock.time()
        watch = Watch("op_a1", now=now, policy=API.poll_policy(""), deadline=now + 600)
        wait(client, [watch], lambda _: None)
    assert isinstance(watch.outcome, TimedOut)
    # growing to one request every ten seconds
    assert 60 <= len(seen) <= 75
    assert set(seen[:-1]) == {"/v1/operations/op_a1:wait"}


async def test_a_triggerer_waits_with_one_request_as_long_as_few_wait(operations_simulator: SimulatorServer) -> None:
    hook = AkuaHook()
    operation = await hook.acreate_cluster(name="c", region_id="reg_eu")
    settled = await hook.await_operation(operation.id, timeout=30)
    assert settled.state is OperationState.SUCCEEDED
    assert waits(operations_simulator) == ["timeout=29"]
    assert (await hook.aget_cluster(settled.resource_id or "")).state == "active"
    assert [found.id async for found in hook.alist_operations()] == [operation.id]


async def test_a_triggerer_looks_otherwise_for_those_who_are_too_many(operations_simulator: SimulatorServer) -> None:
    operations_simulator.duration = 0.5
    hook = AkuaHook()
    operations = [await hook.acreate_cluster(name=str(n), region_id="reg_eu") for n in range(14)]
    async with hook.aclient():
        ended = await asyncio.gather(
            *(hook.await_operation(operation.id, timeout=30, poll_interval=0.2) for operation in operations)
        )
    assert {operation.state for operation in ended} == {OperationState.SUCCEEDED}
    assert any(row["method"] == "GET" for row in operations_simulator.requests("akua"))
    assert operations_simulator.stats()["connections_open_peak"] <= 20


def test_a_cancel_takes_a_moment(hook: AkuaHook) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    cancelling = hook.cancel_operation(operation.id)
    assert cancelling.state is OperationState.RUNNING
    assert hook.wait_for_operation(operation.id).state is OperationState.CANCELLED
    # the same key, so the same answer; another key is refused
    assert hook.cancel_operation(operation.id).state is OperationState.CANCELLED
    with pytest.raises(InvalidRequest):
        hook.call(hook.api.cancel_operation(operation.id, "another"))


# -- exactly one


@pytest.mark.parametrize("fault", [drop_answer(), drop_answer(3)])
def test_a_create_whose_answer_is_lost_makes_one(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started], fault: Any
) -> None:
    server.faults(fault)
    first = ensure(operators.AkuaCreateClusterOperator(task_id="t", name="c", region_id="reg_eu").submit())
    assert len(created(server, "cluster")) == 1
    assert hook.get_operation(first.handle.operation_id or "").kind == "cluster.create"


def test_a_worker_that_dies_between_request_and_answer_makes_one(
    server: SimulatorServer, ensure: Callable[..., Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Memory()
    package = operators.AkuaCreatePackageOperator(
        task_id="t", name="p", sources=[{"kind": "helm", "repo_url": "oci://c", "target_revision": "1"}]
    ).submit()
    monkeypatch.setattr(HandleStore, "save", lambda *_: None)
    first = ensure(package, store)
    assert store["airflow_provider_ops.handle"]["operation_id"] is None
    monkeypatch.undo()
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
    second = ensure(package, store)
    assert second.handle.operation_id == first.handle.operation_id
    assert len(created(server, "package")) == 1


def test_a_delete_that_was_carried_out_unseen_is_found_again(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started], clock: VirtualClock
) -> None:
    cluster_id = make_cluster(hook)
    store = Memory()
    submit = operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit()
    first = ensure(submit, store)
    # all that a crash leaves is the intent
    intent = store["airflow_provider_ops.handle"]
    intent["operation_id"] = None
    clock.advance(2 * DURATION)
    with pytest.raises(NotFound):
        hook.get_cluster(cluster_id)
    again = ensure(submit, store)
    assert again.handle.operation_id == first.handle.operation_id
    assert started(server, "cluster.delete") == 1


def test_the_same_key_is_good_with_another_etag(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    cluster_id = make_cluster(hook)
    server.faults(drop_answer(1, route="/clusters/{id}:suspend"))
    before = etag(hook.get_cluster(cluster_id))
    store = Memory()
    submit = operators.AkuaSuspendClusterOperator(task_id="t", cluster_id=cluster_id).submit()
    first = ensure(submit, store)
    assert etag(hook.get_cluster(cluster_id)) != before
    store["airflow_provider_ops.handle"]["operation_id"] = None
    assert ensure(submit, store).handle.operation_id == first.handle.operation_id
    assert started(server, "cluster.suspend") == 1


def test_a_delete_joins_one_that_is_under_way(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    cluster_id = make_cluster(hook)
    theirs = hook.delete_cluster(cluster_id, etag=etag(hook.get_cluster(cluster_id)))
    ours = ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit())
    assert ours.handle.operation_id == theirs.id
    assert started(server, "cluster.delete") == 1


def test_a_conflict_that_is_no_stale_etag_ends_the_try_after_one_request(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    cluster_id = make_cluster(hook)
    make_machine(hook, cluster_id)
    with pytest.raises(Conflict, match="still has a machine"):
        ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id).submit())
    assert sum(row["method"] == "DELETE" for row in server.requests("akua")) == 1


def test_a_stale_etag_of_the_user_is_not_tried_again(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    cluster_id = make_cluster(hook)
    with pytest.raises(Conflict, match="ABORTED"):
        ensure(operators.AkuaDeleteClusterOperator(task_id="t", cluster_id=cluster_id, etag="1").submit())
    assert sum(row["method"] == "DELETE" for row in server.requests("akua")) == 1


def test_a_call_without_a_key_is_found_by_its_operation(
    server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    server.faults(drop_answer(1, route="/workspaces/{id}/subscription:changeTier"))
    change = ensure(operators.AkuaChangeTierOperator(task_id="t", workspace_id=WORKSPACE, tier="pro").submit())
    assert change.joined
    assert change.handle.operation_id
    assert started(server, "workspace.subscription.change_tier") == 1


def test_a_call_without_a_key_that_started_nothing_is_sent_again(
    server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    server.faults(fail_first(1, status=502, route="/workspaces/{id}/subscription:changeTier"))
    ensure(operators.AkuaChangeTierOperator(task_id="t", workspace_id=WORKSPACE, tier="pro").submit())
    assert started(server, "workspace.subscription.change_tier") == 1


def test_several_that_may_be_ours_are_left_alone(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started], clock: VirtualClock
) -> None:
    server.duration = 1
    submit = submits(workspaces.change_tier)(WORKSPACE, "pro")
    done(hook, hook.change_tier(WORKSPACE, "pro", etag=etag(hook.get_workspace(WORKSPACE))))
    clock.advance(1)
    server.faults(drop_answer(1, route="/workspaces/{id}/subscription:changeTier"))
    with pytest.raises(AmbiguousSubmission) as caught:
        ensure(submit)
    assert len(caught.value.candidates) == 2
    assert started(server, "workspace.subscription.change_tier") == 2


def test_more_machines_than_may_launch_at_once_come_one_after_the_other(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    cluster_id = make_cluster(hook)
    for _ in range(3):
        hook.create_machine(cluster_id=cluster_id, instance_type="m", compute_config_id="cc_small")
    operator = operators.AkuaCreateMachineOperator(
        task_id="t", cluster_id=cluster_id, instance_type="m", compute_config_id="cc_small"
    )
    ensure(operator.submit())
    assert len(created(server, "machine")) == 4
    assert 429 in [row["status"] for row in server.requests("akua")]


# -- what comes after


def test_updates_and_restores_lead_to_what_can_be_waited_for(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    install_id = make_install(hook)
    done(hook, f"install:{install_id}")
    package_id = hook.get_install(install_id).package_id or ""
    first = hook.create_render(install_id, idempotency_key="k")
    done(hook, str(first.operation_id))
    done(hook, f"install:{install_id}")

    version_id = add_version(server, package_id)
    update = operators.AkuaUpdateInstallOperator(task_id="t", install_id=install_id, package_version_id=version_id)
    operation = done(hook, ensure(update.submit()).handle.operation_id or "")
    assert (operation.kind, operation.resource_id) == ("install.render", install_id)
    done(hook, f"install:{install_id}")

    def again(operator: OperationOperator) -> str:
        return hook.run(hook.api.submitting(hook.api.mark(operator.submit(), operator.task_id))).operation_id

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
    reference = operator.then(operation)
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
    assert operators.AkuaCreateInstallOperator(**arguments, wait_until_healthy=True).then(operation) is None
    assert operators.AkuaCreateInstallOperator(**arguments).then(operation) is None
    with pytest.raises(InvalidArgument, match="True or False"):
        operators.AkuaCreateInstallOperator(**arguments, wait_until_healthy="{{ params.wait }}")  # type: ignore[arg-type]


def test_change_requests_and_worker_bootstraps(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    http = httpx.Client(base_url=server.base_url("akua"), headers={"authorization": "Bearer k"})
    result = make_package(hook).result
    assert result is not None
    body = {"parent_repository_id": result["repository_id"]}
    request_id = http.post("/repository_change_requests", json=body, headers={"idempotency-key": "k"}).json()["id"]
    accept = operators.AkuaAcceptRepositoryChangeRequestOperator(task_id="t", repository_change_request_id=request_id)
    merged = done(hook, ensure(accept.submit()).handle.operation_id or "")
    assert (merged.kind, merged.resource_id) == ("repository_change_request.accept", request_id)
    cluster_id = make_cluster(hook)
    (bootstrap,) = http.get(f"/clusters/{cluster_id}/worker_bootstraps").json()["data"]
    ids = {"cluster_id": cluster_id, "worker_bootstrap_id": bootstrap["id"]}
    revoked = carry_out(hook, operators.AkuaRevokeWorkerBootstrapOperator, **ids)
    assert revoked.kind == "cluster.worker_bootstrap.revoke"
    http.close()


# -- ending


def test_killing_cancels_and_says_so(hook: AkuaHook, ensure: Callable[..., Started]) -> None:
    create = ensure(operators.AkuaCreateClusterOperator(task_id="t", name="c", region_id="reg_eu").submit())
    assert "asked to cancel" in hook.run(end(hook.api, create.handle, "cancel")).text
    assert hook.wait_for_operation(create.handle.operation_id or "").state is OperationState.CANCELLED


def test_what_was_made_can_be_deleted_by_a_policy(hook: AkuaHook, server: SimulatorServer) -> None:
    operation = hook.create_cluster(name="c", region_id="reg_eu")
    done(hook, operation)
    facts = {"operation_id": operation.id, "resource_type": "cluster", "resource_id": operation.resource_id}
    placed = Handle.placeholder("cluster.create", api="akua", **facts)
    assert "is being deleted by operation op_" in hook.run(end(hook.api, placed, "delete")).text
    assert started(server, "cluster.delete") == 1


def test_a_policy_never_deletes_what_a_call_has_only_changed(
    hook: AkuaHook, server: SimulatorServer, ensure: Callable[..., Started]
) -> None:
    machine_id = make_machine(hook, make_cluster(hook))
    suspend = ensure(operators.AkuaSuspendMachineOperator(task_id="t", machine_id=machine_id).submit())
    assert "made nothing that could be deleted" in hook.run(end(hook.api, suspend.handle, "delete")).text
    assert started(server, "machine.delete") == 0


def test_a_followed_render_cannot_be_cancelled(hook: AkuaHook) -> None:
    placed = Handle.placeholder("install.restore", operation_id="render:inst_1.rnd_1")
    assert "cannot cancel" in hook.run(end(hook.api, placed, "cancel")).text


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
