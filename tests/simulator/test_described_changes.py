"""Changes of what is there already, without any key: what is new among the operations of the resource is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.promises import exactly_once, review
from airflow_provider_ops.spec.source import read_source
from airflow_provider_ops.testing import drop_answer, fail_first
from tests.apis.answers import answer, drive
from tests.simulator.test_described_addresses import start

if TYPE_CHECKING:
    from airflow_provider_ops.hooks.base import OperationsHook
    from airflow_provider_ops.testing import SimulatorServer, VirtualClock

#: As Linode's: events of a machine, and answers that name nothing.
MACHINES = """\
name: machines
base_url: https://api.example.com
submit:
  resource: {type: machine, id: $request.path.id}
lookup: {request: "GET /events?machine={resource_id}", entries: /events, operation_id: /id}
calls:
  - {request: "POST /machines/{id}/boot", kind: machine.boot, exclusive: true}
operation:
  get: GET /events/{operation_id}
  id: /id
  status: /status
  created_at: /created
  states: {running: [started, scheduled], succeeded: finished, failed: failed}
"""


@pytest.fixture
def hook(
    operations_simulator: SimulatorServer, virtual_time: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> OperationsHook:
    name = operations_simulator.add(MACHINES)
    monkeypatch.setenv("AIRFLOW_CONN_IT", operations_simulator.connection_json(name, "any-key"))
    return hook_for("it")


def test_each_boot_waits_for_its_own_event(hook: OperationsHook, operations_simulator: SimulatorServer) -> None:
    ids = []
    for _ in range(3):
        ids.append(start(hook, "POST", "/machines/5/boot").handle.operation_id or "")
        assert hook.wait_for_operation(ids[-1]).state is OperationState.SUCCEEDED
    assert [one["id"] for one in operations_simulator.operations("machines")] == ids


@pytest.mark.parametrize("fault", [drop_answer(api="machines"), fail_first(1, 500, method="POST")])
def test_a_lost_answer_boots_once(hook: OperationsHook, operations_simulator: SimulatorServer, fault: Any) -> None:
    before = start(hook, "POST", "/machines/5/boot").handle.operation_id
    operations_simulator.faults(fault)
    after = start(hook, "POST", "/machines/5/boot").handle.operation_id
    assert [one["id"] for one in operations_simulator.operations("machines")] == [before, after]


def test_what_another_process_has_started_is_told_by_the_time_only() -> None:
    api = DescribedApi(ApiSpec.from_yaml(MACHINES))
    submit = api.request("POST", "/machines/5/boot")
    date = {"date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    rows = {
        "events": [{"id": "e1", "created": "2026-10-20T00:00:00Z"}, {"id": "e2", "created": "2026-10-21T07:27:50Z"}]
    }

    def found(events: Any, *, is_exact: bool) -> list[str]:
        flow = api.find_submitted(Intent(submit, "key", lambda: 30.0, is_exact=is_exact))
        assert flow is not None
        return [one.operation_id for one in drive(flow, answer({"events": events}, 200, **date))]

    assert found(rows["events"], is_exact=True) == ["e2"]
    assert found(rows["events"][:1], is_exact=True) == []
    with pytest.raises(AmbiguousSubmission):
        found(rows["events"][:1], is_exact=False)


def test_without_exclusive_nothing_is_searched() -> None:
    api = DescribedApi(ApiSpec.from_yaml(MACHINES.replace(", exclusive: true", "")))
    assert api.find_submitted(Intent(api.request("POST", "/machines/5/boot"), "key")) is None


def test_what_it_promises_is_said() -> None:
    spec = ApiSpec.from_yaml(MACHINES)
    assert "is ours" in exactly_once(spec, spec.calls[0])
    lone = "\n".join(line for line in MACHINES.splitlines() if not line.startswith("lookup"))
    lone = lone.replace("  resource:", "  operation_id: $response.body#/id\n  resource:")
    assert any("needs a 'lookup'" in one.message for one in review(read_source(lone)).advice)


def test_a_rule_by_name_means_the_resource_in_the_path(
    hook: OperationsHook, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults({"api": "machines", "name": "5", "fault": "operation_fails"})
    other, ours = (start(hook, "POST", f"/machines/{number}/boot").handle.operation_id or "" for number in (4, 5))
    assert hook.wait_for_operation(other).state is OperationState.SUCCEEDED
    assert hook.wait_for_operation(ours).state is OperationState.FAILED
