"""Hetzner's own Python client, at the API that the simulator makes of our spec.

The read of a single server is left out: our spec has no use for it, so that the simulator does not serve it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import hcloud
import pytest
from hcloud.actions import ActionFailedException, ActionTimeoutException
from hcloud.core import Meta
from hcloud.images import Image
from hcloud.server_types import ServerType

from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.simulator.described.operations import SECRET
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import never_settles, operation_fails

if TYPE_CHECKING:
    from hcloud.servers import CreateServerResponse

    from airflow_provider_ops.testing import SimulatorServer

KEY = "any-key"


@pytest.fixture
def client(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> hcloud.Client:
    name = operations_simulator.add(load("hetzner"))
    monkeypatch.setenv("AIRFLOW_CONN_HETZNER_DEFAULT", operations_simulator.connection_json(name, KEY))
    # it sleeps in real time
    operations_simulator.duration = 0.1
    return connect(operations_simulator)


def connect(server: SimulatorServer, key: str = KEY) -> hcloud.Client:
    return hcloud.Client(token=key, api_endpoint=server.base_url("hetzner"), poll_interval=0.02, timeout=5)


def create(client: hcloud.Client) -> CreateServerResponse:
    return client.servers.create("a", ServerType(name="cx22"), Image(name="debian-12"), labels={"airflow": "m1"})


def test_a_server_is_created_and_waited_for(client: hcloud.Client) -> None:
    created = create(client)
    action = created.action
    assert (created.root_password, created.next_actions, action.status) == (SECRET, [], "running")
    assert action.resources == [{"type": "server", "id": created.server.id}]
    action.wait_until_finished()
    assert (action.status, action.progress, action.error) == ("success", 100, None)
    assert isinstance(action.started, datetime)
    assert isinstance(action.finished, datetime)
    assert action.started <= action.finished


def test_it_is_powered_on_and_off(client: hcloud.Client) -> None:
    created = create(client)
    created.action.wait_until_finished()
    for action in (client.servers.power_on(created.server), created.server.power_off()):
        action.wait_until_finished()
        assert (action.status, action.resources) == ("success", [{"type": "server", "id": created.server.id}])


def test_a_failed_action_raises(client: hcloud.Client, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails("no room", code="resource_unavailable"))
    with pytest.raises(ActionFailedException, match=r"no room \(resource_unavailable, ") as raised:
        create(client).action.wait_until_finished()
    action = raised.value.action
    assert action.status == "error"
    assert action.error is not None
    assert (action.error["code"], action.error["message"]) == ("resource_unavailable", "no room")


def test_an_action_that_never_ends_times_out(client: hcloud.Client, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(never_settles())
    with pytest.raises(ActionTimeoutException):
        create(client).action.wait_until_finished(max_retries=3)


def test_actions_are_read_by_their_ids(client: hcloud.Client) -> None:
    ids = {create(client).action.id for _ in range(3)}
    create(client)
    # no typed call takes ids, the general one does
    listed = client.request("GET", "/actions", params={"id": sorted(ids), "per_page": 2})
    assert {one["id"] for one in listed["actions"]} < ids
    pagination = Meta.parse_meta(listed).pagination
    assert pagination is not None
    assert (pagination.page, pagination.per_page, pagination.next_page) == (1, 2, 2)
    assert (pagination.previous_page, pagination.last_page, pagination.total_entries) == (None, 2, 3)
    rest = client.request("GET", "/actions", params={"id": sorted(ids), "per_page": 2, "page": 2})
    assert {one["id"] for answer in (listed, rest) for one in answer["actions"]} == ids


def test_the_actions_of_a_server_are_listed(client: hcloud.Client) -> None:
    created = create(client)
    created.action.wait_until_finished()
    ids = {created.action.id, *(client.servers.power_on(created.server).id for _ in range(4))}
    page = created.server.get_actions_list(per_page=3)
    assert page.meta.pagination is not None
    assert (len(page.actions), page.meta.pagination.next_page) == (3, 2)
    # reads all pages
    assert {one.id for one in created.server.get_actions()} == ids


def test_a_server_is_found_by_its_label_until_it_is_deleted(client: hcloud.Client) -> None:
    created = create(client)
    created.action.wait_until_finished()
    assert [one.id for one in client.servers.get_all(label_selector="airflow=m1")] == [created.server.id]
    action = client.servers.delete(created.server)
    action.wait_until_finished()
    assert (action.status, action.command) == ("success", "server.delete")
    assert client.servers.get_all(label_selector="airflow=m1") == []
    with pytest.raises(hcloud.APIException, match="no such resource"):
        client.servers.delete(created.server)


def test_a_refusal_is_read(client: hcloud.Client, operations_simulator: SimulatorServer) -> None:
    with pytest.raises(hcloud.APIException, match="operation not found") as raised:
        client.actions.get_by_id(4711)
    assert raised.value.code == "NOT_FOUND"
    with pytest.raises(hcloud.APIException, match="API key expired"):
        create(connect(operations_simulator, "expired"))


def test_the_provider_reads_the_same_action(client: hcloud.Client) -> None:
    created = create(client)
    action = created.action
    assert all(isinstance(one, int) for one in (action.id, created.server.id))
    action.wait_until_finished()
    operation = hook_for("hetzner_default").get_operation(str(action.id))
    assert (operation.id, operation.state) == (str(action.id), OperationState.SUCCEEDED)
    assert operation.kind == action.command
    assert (operation.started_at, operation.ended_at) == (action.started, action.finished)
