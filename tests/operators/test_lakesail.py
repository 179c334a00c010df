"""LakeSail's hook and operators against the simulator over real sockets, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.apis.lakesail.schemas import InstanceTypes
from airflow_provider_ops.exceptions import AmbiguousSubmission, CancelNotSupported, Conflict, NotFound, OpsError
from airflow_provider_ops.hooks.lakesail import LakeSailHook
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.lifecycle.handle_store import HandleStore
from airflow_provider_ops.lifecycle.submitter import SubmitResult, Submitter
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.operators.lakesail import (
    LakeSailCloseSessionOperator,
    LakeSailCreateJobRunOperator,
    LakeSailCreateSessionOperator,
    LakeSailReadyJobRunOperator,
    LakeSailStartNotebookOperator,
)
from airflow_provider_ops.operators.operation import OperationRequestOperator
from airflow_provider_ops.testing import SimulatorServer, VirtualClock, drop_answer, fail_first, operation_fails
from tests.attempts import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.submits import SubmitCall

CONNECTION, TEAM = "C3V7X1Z5QM", "T5R8W2Q6ZK"
CLUSTER = {"name": "a", "connectionId": CONNECTION}


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def served(clock: VirtualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(duration=300, clock=clock) as server:
        yield server


@pytest.fixture
def server(served: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> SimulatorServer:
    served.reset()
    for name, value in served.environ().items():
        monkeypatch.setenv(name, value)
    return served


@pytest.fixture
def hook(server: SimulatorServer, clock: Clock) -> Iterator[LakeSailHook]:
    hook = LakeSailHook(clock=clock)
    yield hook
    hook.close()


class Memory(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, **_options: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


@pytest.fixture
def ensure(hook: LakeSailHook, clock: VirtualClock) -> Callable[..., SubmitResult]:
    """Submit as one try of a task does."""

    def run(submit: SubmitCall, memory: Memory) -> SubmitResult:
        identity = identity_of(submit, arguments="1:same")
        store = HandleStore(memory, print)
        deadline = clock.time() + 3600
        return Submitter(hook, submit, identity, store, deadline=deadline, log=print).run()

    return run


def provision(hook: LakeSailHook, path: str = "/infra/clusters", body: dict[str, Any] = CLUSTER) -> str:
    """Provision something and return its id."""
    submitted = hook.call(hook.api.request("POST", path, json=body))
    assert hook.wait_for_operation(submitted.operation_id).state is OperationState.SUCCEEDED
    return submitted.resource_id or ""


def job(hook: LakeSailHook) -> str:
    body = {"jobKey": "daily", "clusterId": provision(hook), "teamIds": [TEAM]}
    return hook.create_job(body).id


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/infra/clusters", CLUSTER),
        ("/infra/networks", {**CLUSTER, "config": {"cidr": "10.0.0.0/16"}}),
        (
            "/infra/connections",
            {"name": "c", "provider": "aws", "providerConfig": {"accountId": "1", "region": "eu-west-1"}},
        ),
    ],
)
def test_provision_wait_read_remove_in_every_answer_shape(
    hook: LakeSailHook, server: SimulatorServer, path: str, body: dict[str, Any]
) -> None:
    created = hook.call(hook.api.request("POST", path, json=body))
    operation = hook.wait_for_operation(created.operation_id)
    assert (operation.state, operation.resource_id) == (OperationState.SUCCEEDED, created.resource_id)
    resource = hook.run(hook.api.read_resource(operation))
    assert resource is not None
    assert resource["id"] == created.resource_id
    removed = hook.call(hook.api.request("DELETE", f"{path}/{created.resource_id}"))
    assert removed.resource_id == created.resource_id
    operation = hook.wait_for_operation(removed.operation_id)
    assert operation.state is OperationState.SUCCEEDED
    assert hook.run(hook.api.read_resource(operation)) is None
    assert [row["deleted"] for row in server.resources("lakesail")] == [True]


def test_a_failed_operation_carries_its_reason(hook: LakeSailHook, server: SimulatorServer) -> None:
    server.faults(operation_fails("quota too low"))
    submitted = hook.call(hook.api.request("POST", "/infra/clusters", json=CLUSTER))
    operation = hook.wait_for_operation(submitted.operation_id)
    assert operation.state is OperationState.FAILED
    assert operation.error is not None
    assert (operation.error.message, operation.error.retryable) == ("quota too low", True)
    assert operation.error.retry_after == 30.0


async def test_the_asynchronous_half_is_the_same(hook: LakeSailHook) -> None:
    submitted = await hook.acall(hook.api.request("POST", "/infra/clusters", json=CLUSTER))
    operation = await hook.await_operation(submitted.operation_id)
    assert operation.state is OperationState.SUCCEEDED
    assert [cluster.name async for cluster in hook.alist_clusters()] == ["a"]


def test_reads(hook: LakeSailHook) -> None:
    provision(hook, "/infra/networks", {**CLUSTER, "config": {"cidr": "10.0.0.0/16"}})
    job_id = job(hook)
    (cluster,) = hook.list_clusters(sort_direction="desc")
    assert cluster.connection is not None
    assert (cluster.external_status, cluster.connection.name) == ("active", "main account")
    assert [one.status for one in hook.list_networks()] == ["active"]
    assert [one.id for one in hook.list_connections()] == [CONNECTION]
    assert list(hook.list_connection_operations()) == []
    (vpc,) = hook.list_provider_networks(CONNECTION, region="us-east-1")
    assert vpc.tags == {"region": "us-east-1"}
    assert [one.relation for one in hook.list_permissions()] == ["owner", "member"]
    assert [one.provider_type for one in hook.list_identity_provider_types()] == ["oidc"]
    for jobs in (hook.list_jobs(), hook.list_my_jobs(sort_by="jobKey", sort_direction="asc")):
        assert [(one.id, one.job_key, one.team_ids) for one in jobs] == [(job_id, "daily", [TEAM])]
    run = hook.create_job_run(job_id)
    for runs in (hook.list_job_runs(job_id), hook.list_my_job_runs()):
        assert [one.id for one in runs] == [run.resource_id]
    assert hook.get_job_run(job_id, run.resource_id or "").job_id == job_id
    assert hook.get_job(job_id).status == "active"
    session = hook.create_session({"name": "s"}).resource_id or ""
    assert [one.compute_instance_id is None for one in hook.list_sessions(status="pending")] == [False]
    assert hook.get_session(session).connection_info is not None
    notebook = hook.create_notebook({"name": "eda"})
    assert [one.id for one in hook.list_notebooks()] == [notebook.id]
    hook.delete_notebook(notebook.id)
    with pytest.raises(NotFound):
        hook.get_notebook(notebook.id)


def test_a_list_of_more_than_a_page(hook: LakeSailHook, server: SimulatorServer) -> None:
    for number in range(101):
        hook.create_session({"name": f"s{number}"})
    assert len({one.id for one in hook.list_sessions()}) == 101
    queries = [one["query"] for one in server.requests("lakesail") if one["method"] == "GET"]
    assert ["marker=" in query for query in queries] == [False, True]


def test_workloads_are_waited_for_by_their_own_status(hook: LakeSailHook) -> None:
    job_id = job(hook)
    run = hook.create_job_run(job_id)
    assert hook.ready_job_run(job_id, run.resource_id or "").operation_id == run.operation_id
    operation = hook.wait_for_operation(run.operation_id)
    assert (operation.state, operation.raw_state) == (OperationState.SUCCEEDED, "completed")
    hook.delete_job_run(job_id, run.resource_id or "")
    notebook = hook.create_notebook({"name": "eda"}).id
    assert hook.wait_for_operation(hook.start_notebook(notebook).operation_id).raw_state == "running"
    session = hook.create_session()
    closed = hook.close_session(session.resource_id or "")
    assert closed.operation is not None
    assert closed.operation.state is OperationState.SUCCEEDED
    assert hook.get_operation(session.operation_id).state is OperationState.CANCELLED


def test_a_session_is_active_with_its_first_request(hook: LakeSailHook) -> None:
    session = hook.create_session()
    assert hook.create_session_token(session.resource_id or "")["token"]
    assert hook.wait_for_operation(session.operation_id).raw_state == "active"


def test_updates(hook: LakeSailHook) -> None:
    notebook = hook.create_notebook({"name": "eda"})
    changed = hook.update_notebook(notebook.id, {"description": "d", "workloadConfigId": "W1"})
    assert (changed.name, changed.description, changed.workload_config_id) == ("eda", "d", "W1")
    hook.start_notebook(notebook.id)
    with pytest.raises(Conflict, match="stopped"):
        hook.update_notebook(notebook.id, {"workloadConfigId": "W2"})
    job_id = job(hook)
    assert hook.update_job(job_id, {"config": {"sql": {"source": "SELECT 1"}}}).config == {
        "sql": {"source": "SELECT 1"}
    }


def test_an_operation_can_be_described(hook: LakeSailHook) -> None:
    body = {"name": "c", "provider": "aws", "providerConfig": {"accountId": "1", "region": "eu-west-1"}}
    submitted = hook.call(hook.api.request("POST", "/infra/connections", json=body))
    hook.wait_for_operation(submitted.operation_id)
    shown = hook.describe_operation(submitted.operation_id)
    assert shown.progress is not None
    assert shown.progress.summary is not None
    assert (shown.progress.summary.total, shown.progress.summary.pending) == (2, 0)
    assert isinstance(shown.result, InstanceTypes)
    assert shown.result.metadata is not None
    (found,) = shown.result.items
    assert (found.instance_type, found.v_cpus, found.memory_mib) == ("m7g.xlarge", 4, 16384)
    assert shown.result.metadata.system_pods_per_node == 5


def test_deleting_a_job_cancels_its_run(hook: LakeSailHook) -> None:
    job_id = job(hook)
    run = hook.create_job_run(job_id)
    hook.delete_job(job_id)
    assert hook.get_operation(run.operation_id).state is OperationState.CANCELLED
    with pytest.raises(CancelNotSupported):
        hook.cancel_operation(run.operation_id)


# Exactly once


def count(server: SimulatorServer, kind: str) -> int:
    return sum(row["kind"] == kind for row in server.resources("lakesail"))


def test_a_lost_answer_of_a_provisioning_call_is_never_sent_again(
    server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    server.faults(drop_answer())
    submit = lakesail.API.request("POST", "/infra/clusters", json=CLUSTER)
    memory = Memory()
    for _ in range(2):
        with pytest.raises(AmbiguousSubmission, match="POST /infra/clusters"):
            ensure(submit, memory)
    assert count(server, "cluster") == 1


def test_an_answer_that_names_no_operation_is_a_lost_answer(
    hook: LakeSailHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    body = {"jobKey": "daily", "clusterId": provision(hook), "teamIds": [TEAM]}
    with pytest.raises(AmbiguousSubmission):
        ensure(lakesail.API.request("POST", "/workloads/jobs", json=body), Memory())
    assert count(server, "job") == 1


@pytest.mark.parametrize("faults", [[drop_answer(2)], [fail_first(2, status=502, method="POST")]])
def test_a_named_session_is_made_once(
    server: SimulatorServer, ensure: Callable[..., SubmitResult], faults: list[Any]
) -> None:
    server.faults(*faults)
    memory = Memory()
    started = ensure(lakesail.create_session({"name": "mine"}), memory)
    again = ensure(lakesail.create_session({"name": "mine"}), memory)
    assert again.adopted
    assert started.handle.operation_id == again.handle.operation_id
    assert count(server, "session") == 1


def test_a_session_without_name_is_not_sent_again(server: SimulatorServer, ensure: Callable[..., SubmitResult]) -> None:
    server.faults(drop_answer())
    with pytest.raises(AmbiguousSubmission):
        ensure(lakesail.create_session(), Memory())
    assert count(server, "session") == 1


def test_a_lost_run_is_not_sent_again(
    hook: LakeSailHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    job_id = job(hook)
    server.faults(drop_answer())
    with pytest.raises(AmbiguousSubmission):
        ensure(lakesail.create_job_run(job_id), Memory())
    assert count(server, "job_run") == 1


def test_a_start_whose_answer_was_lost_is_seen_on_the_notebook(
    hook: LakeSailHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    notebook = hook.create_notebook({"name": "eda"}).id
    server.faults(drop_answer())
    started = ensure(lakesail.start_notebook(notebook), Memory())
    assert started.adopted
    assert hook.wait_for_operation(started.handle.operation_id or "").raw_state == "running"
    with pytest.raises(Conflict):
        ensure(lakesail.start_notebook(notebook), Memory())


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_start_that_was_not_carried_out_is_sent_again(
    hook: LakeSailHook, server: SimulatorServer, ensure: Callable[..., SubmitResult], method: str
) -> None:
    notebook, session = hook.create_notebook({"name": "eda"}).id, hook.create_session().resource_id or ""
    server.faults(fail_first(1, status=502, method=method))
    submit = lakesail.start_notebook(notebook) if method == "POST" else lakesail.close_session(session)
    assert not ensure(submit, Memory()).adopted
    sent = [one["status"] for one in server.requests("lakesail") if one["path"].endswith(submit.request.path)]
    assert [status for status in sent if status in (502, 200)][:1] == [502]


def test_a_close_whose_answer_was_lost_is_seen_on_the_session(
    hook: LakeSailHook, server: SimulatorServer, ensure: Callable[..., SubmitResult]
) -> None:
    session = hook.create_session().resource_id or ""
    server.faults(drop_answer(method="DELETE"))
    started = ensure(lakesail.close_session(session), Memory())
    assert started.operation is not None
    assert (started.adopted, started.operation.state) == (True, OperationState.SUCCEEDED)


def test_policies(hook: LakeSailHook) -> None:
    from airflow_provider_ops.apis.terminate import terminate  # noqa: PLC0415
    from airflow_provider_ops.core.handle import Handle  # noqa: PLC0415

    session = hook.create_session()
    facts = {"operation_id": session.operation_id, "resource_type": "session", "resource_id": session.resource_id}
    handle = Handle.placeholder("session.create", api="lakesail", **facts)
    assert "cannot cancel" in hook.run(terminate(hook.api, handle, "cancel")).text
    assert "being deleted" in hook.run(terminate(hook.api, handle, "delete")).text
    assert hook.get_session(session.resource_id or "").status == "closed"
    cluster = Handle.placeholder("", operation_id="K4", resource_type="cluster", resource_id="W5")
    assert "nothing that LakeSail could delete" in hook.run(terminate(hook.api, cluster, "delete")).text


# Operators


def test_fields_are_templated_and_checked_at_parse() -> None:
    assert LakeSailCreateSessionOperator.template_fields == ("conn_id", "operation_id", "body")
    assert LakeSailReadyJobRunOperator.template_fields == ("conn_id", "operation_id", "job_id", "job_run_id")
    LakeSailStartNotebookOperator(task_id="t", notebook_id="{{ params.id }}")
    for wrong in (
        lambda: LakeSailCloseSessionOperator(task_id="t", session_id="s-1"),
        lambda: LakeSailCreateJobRunOperator(task_id="t", job_id=""),
        lambda: LakeSailCreateSessionOperator(task_id="t", body={"name": "n" * 256}),
    ):
        with pytest.raises(OpsError):
            wrong()


def test_a_session_is_not_waited_for_unless_asked() -> None:
    assert not LakeSailCreateSessionOperator(task_id="t").wait_for_completion
    assert LakeSailCreateSessionOperator(task_id="t", wait_for_completion=True).wait_for_completion
    assert LakeSailCreateJobRunOperator(task_id="t", job_id="J1").wait_for_completion


def test_operators_in_a_dag(
    a_dag: Callable[..., Any], run_dag: Callable[..., Any], operations_simulator: SimulatorServer
) -> None:
    quick: dict[str, Any] = {"conn_id": "lakesail_default", "poll_interval": 0.05}
    with a_dag() as dag:
        cluster = OperationRequestOperator(
            task_id="cluster", method="POST", path="/infra/clusters", json=CLUSTER, **quick
        )
        session = LakeSailCreateSessionOperator(task_id="session", body={"name": "{{ run_id }}"}, **quick)
        close = LakeSailCloseSessionOperator(task_id="close", session_id=session.output["resource_id"], **quick)
        cluster >> close
    ran = run_dag(dag)
    assert ran.state == "success", ran.errors
    result = ran.xcom("cluster")
    assert (result["state"], result["resource"]["externalStatus"]) == ("succeeded", "active")
    assert result["resource_id"] == result["resource"]["id"]
    assert ran.xcom("session", "operation_id").startswith("session:")
    closed = ran.xcom("close")
    assert (closed["state"], closed["resource"]["status"]) == ("succeeded", "closed")
    assert operations_simulator.stats()["by_api"]["lakesail"]["created"] == 2
