"""DigitalOcean's own Python client, at the API that the simulator makes of our spec.

Read with the droplet in the path (`droplet_actions.get`), or over all droplets (`actions.list`), actions are left out:
our spec has no use for these requests, so that the simulator does not serve them.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pydo
import pytest
from azure.core.exceptions import ClientAuthenticationError

from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.operation import OperationState
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import operation_fails

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ops.testing import SimulatorServer

KEY = "any-key"
NAME = "digitalocean"
BODY = {"name": "a", "region": "fra1", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["airflow-m1"]}


class Droplets:
    """The calls of the client that are needed here, each allowed to send the key without TLS."""

    def __init__(self, server: SimulatorServer, key: str = KEY) -> None:
        # the client brings the path of the base URL, /v2, itself
        client = pydo.Client(token=key, endpoint=server.base_url(NAME))

        def plain(call: Callable[..., Any]) -> Callable[..., Any]:
            return partial(call, enforce_https=False)

        self.create = plain(client.droplets.create)
        self.list = plain(client.droplets.list)
        self.destroy = plain(client.droplets.destroy)
        self.act = plain(client.droplet_actions.post)
        self.actions = plain(client.droplet_actions.list)
        self._get = plain(client.actions.get)

    def action(self, action_id: int) -> Any:
        """Return an action."""
        return self._get(action_id=action_id)["action"]

    def ended(self, action_id: int) -> Any:
        """Poll an action until it has ended, as the examples of the client do."""
        end = time.monotonic() + 10
        while (found := self.action(action_id))["status"] == "in-progress" and time.monotonic() < end:
            time.sleep(0.02)
        return found


@pytest.fixture
def droplets(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> Droplets:
    operations_simulator.add(load(NAME))
    monkeypatch.setenv("AIRFLOW_CONN_DIGITALOCEAN_DEFAULT", operations_simulator.connection_json(NAME, KEY))
    # it polls in real time
    operations_simulator.duration = 0.1
    return Droplets(operations_simulator)


def create(droplets: Droplets) -> tuple[int, int]:
    made = droplets.create(body=BODY)
    (action,) = made["links"]["actions"]
    return made["droplet"]["id"], action["id"]


def test_a_droplet_is_created_and_polled(droplets: Droplets) -> None:
    droplet, action_id = create(droplets)
    assert all(isinstance(one, int) for one in (droplet, action_id))
    assert droplets.action(action_id)["status"] == "in-progress"
    action = droplets.ended(action_id)
    assert (action["status"], action["resource_type"], action["resource_id"]) == ("completed", "droplet", droplet)
    assert action["started_at"] <= action["completed_at"]


def test_it_is_powered_off_and_its_actions_are_listed(droplets: Droplets) -> None:
    droplet, first = create(droplets)
    droplets.ended(first)
    ids = {first}
    for _ in range(4):
        action = droplets.act(droplet, body={"type": "power_off"})["action"]
        assert droplets.ended(action["id"])["status"] == "completed"
        ids.add(action["id"])
    pages = [droplets.actions(droplet, per_page=2, page=number) for number in (1, 2, 3)]
    assert [len(page["actions"]) for page in pages] == [2, 2, 1]
    assert ["page=2" in pages[0]["links"]["pages"]["next"], "links" in pages[2]] == [True, False]
    assert {one["id"] for page in pages for one in page["actions"]} == ids


def test_a_failed_action_is_read(droplets: Droplets, operations_simulator: SimulatorServer) -> None:
    operations_simulator.faults(operation_fails())
    assert droplets.ended(create(droplets)[1])["status"] == "errored"


def test_a_droplet_is_found_by_its_tag_until_it_is_destroyed(droplets: Droplets) -> None:
    droplet, action = create(droplets)
    droplets.ended(action)
    assert [one["id"] for one in droplets.list(tag_name="airflow-m1")["droplets"]] == [droplet]
    droplets.destroy(droplet)
    assert droplets.list(tag_name="airflow-m1")["droplets"] == []


def test_refusals_are_read(droplets: Droplets, operations_simulator: SimulatorServer) -> None:
    assert droplets._get(action_id=4711) == {"id": "NOT_FOUND", "message": "operation not found"}
    with pytest.raises(ClientAuthenticationError):
        Droplets(operations_simulator, "expired").create(body=BODY)


def test_the_provider_reads_the_same_action(droplets: Droplets) -> None:
    droplet, action_id = create(droplets)
    droplets.ended(action_id)
    operation = hook_for("digitalocean_default").get_operation(str(action_id))
    assert (operation.id, operation.state) == (str(action_id), OperationState.SUCCEEDED)
    assert (operation.resource_type, operation.resource_id) == ("droplet", str(droplet))
