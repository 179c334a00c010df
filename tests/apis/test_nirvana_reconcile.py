"""Nirvana: the search for what a lost answer started, against a scripted server."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ops.apis.calls import Call, Flow, Pause, Request, Response
from airflow_provider_ops.apis.nirvana import API, compute, networking, nks, platform, starts
from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.exceptions import AmbiguousSubmission, Conflict, InvalidRequest, NotFound, OpsError
from tests.apis.answers import dated, sent_just_now

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=timezone.utc)
TAG = "airflow-0123456789abcdef01234567"


def answer(body: Any) -> Response:
    return Response(200, {"date": dated(NOW)}, json.dumps(body).encode())


def op(number: int, kind: str, resource_id: str, **changes: Any) -> dict[str, Any]:
    what, _, how = kind.partition(".")
    return {
        "id": f"op-{number}",
        "kind": what,
        "type": how,
        "status": "running",
        "project_id": "p",
        "resource_id": resource_id,
        "created_at": "2026-08-01T10:00:00Z",
        "details": None,
        **changes,
    }


class World:
    """Answers reads as a server would; notes what was asked and how long was paused."""

    def __init__(self, operations: list[Any], objects: dict[str, Any] | None = None, **lists: list[Any]) -> None:
        self.operations, self.objects, self.lists = operations, objects or {}, lists
        self.asked: list[Request] = []
        self.paused = 0.0
        self.knows_filters = True
        self.appears: Callable[[float], dict[str, Any]] = lambda _: {}

    def answer(self, call: Call[Any]) -> Any:
        request = call.request
        self.asked.append(request)
        if not self.knows_filters and set(request.query) - {"limit", "project_id", "cursor"}:
            raise InvalidRequest(400, None, "unknown parameter")
        objects = {**self.objects, **self.appears(self.paused)}
        if request.path == platform.OPERATIONS:
            return call.parse(answer({"items": self.operations}))
        name = request.path.rpartition("/")[2]
        if name in self.lists:
            return call.parse(answer({"items": self.lists[name]}))
        if request.path not in objects:
            raise NotFound(404, None, "not found")
        return call.parse(answer(objects[request.path]))

    def run(self, flow: Flow[Any] | None) -> Any:
        assert flow is not None
        try:
            wish = next(flow)
            while True:
                if isinstance(wish, Pause):
                    self.paused += wish.seconds
                    wish = flow.send(None)
                    continue
                assert isinstance(wish, Call), wish
                try:
                    value = self.answer(wish)
                except OpsError as error:
                    wish = flow.throw(error)
                else:
                    wish = flow.send(value)
        except StopIteration as end:
            return end.value


def intent(call: Call[Any], age: Callable[[], float] | None = sent_just_now) -> Intent:
    return Intent(API.with_idempotency_key(starts.submit_of(call), TAG), TAG, age, is_exact=age is not None)


def create_vpc(**fields: Any) -> Intent:
    return intent(networking.create_vpc(name="n", region="r", subnet_name="s", project_id="p"), **fields)


def ids(found: list[Any]) -> list[str]:
    return [submitted.operation_id for submitted in found]


VPC = "/v1/networking/vpcs"


def test_a_create_is_found_in_the_list_by_its_tag() -> None:
    others = {"id": "v-2", "tags": ["airflow-another"]}
    world = World([op(1, "vpc.create", "v-1"), op(2, "vpc.create", "v-2")], vpcs=[{"id": "v-1", "tags": [TAG]}, others])
    assert ids(world.run(API.find_submitted(create_vpc()))) == ["op-1"]
    assert world.asked[0].query["tags"] == TAG
    assert "created_at_min" not in world.asked[1].query, "no clock of ours is compared with the API's"


def test_servers_that_ignore_or_refuse_filters_are_searched_all_the_same() -> None:
    operations = [op(1, "vpc.create", "v-1"), op(2, "vm.create", "m-1"), op(3, "vpc.delete", "v-9")]
    world = World(operations, vpcs=[{"id": "v-1", "tags": [TAG]}, {"id": "v-0", "tags": None}])
    assert ids(world.run(API.find_submitted(create_vpc()))) == ["op-1"]
    world.knows_filters = False
    assert ids(world.run(API.find_submitted(create_vpc()))) == ["op-1"]


def test_nothing_is_found_where_nothing_was_made() -> None:
    old = op(1, "vpc.create", "v-1", created_at="2026-08-01T09:57:59Z", status="done")
    readable = op(2, "vpc.create", "v-2")
    failed = op(3, "vpc.create", "v-3", status="failed")
    deleted = op(4, "vpc.create", "v-4", status="done")
    world = World([old, readable, failed, deleted, op(5, "vpc.delete", "v-4")], {f"{VPC}/v-2": {"id": "v-2"}}, vpcs=[])
    assert world.run(API.find_submitted(create_vpc())) == []
    assert world.paused == 0


def test_a_resource_that_cannot_be_read_yet_is_waited_for() -> None:
    world = World([op(1, "vpc.create", "v-1")], vpcs=[])
    world.appears = lambda paused: {f"{VPC}/v-1": {"id": "v-1", "tags": [TAG]}} if paused > 5 else {}
    assert ids(world.run(API.find_submitted(create_vpc()))) == ["op-1"]
    assert world.paused > 5


def test_a_resource_that_stays_unreadable_may_be_ours_so_nothing_is_guessed() -> None:
    world = World([op(1, "vpc.create", "v-1")], vpcs=[])
    with pytest.raises(AmbiguousSubmission, match="cannot be read yet") as caught:
        world.run(API.find_submitted(create_vpc()))
    assert len(caught.value.candidates) == 1
    assert TAG in str(caught.value)


def test_our_resource_without_its_operation_is_said_after_a_while() -> None:
    world = World([], vpcs=[{"id": "v-1", "tags": [TAG]}])
    with pytest.raises(AmbiguousSubmission, match="v-1 carries our tag"):
        world.run(API.find_submitted(create_vpc()))
    assert world.paused > 30


@pytest.mark.parametrize("tags", ["text", 5, {"a": 1}])
def test_tags_of_another_shape_are_left_for_the_api_to_refuse(tags: Any) -> None:
    submit = API.request("POST", "/v1/compute/vms", json={"tags": tags, "boot_volume": 7, "data_volumes": ["x"]})
    assert API.with_idempotency_key(submit, TAG).request.json == submit.request.json


def test_two_with_our_tag_are_both_told() -> None:
    vpcs = [{"id": name, "tags": [TAG]} for name in ("v-1", "v-2")]
    world = World([op(1, "vpc.create", "v-1"), op(2, "vpc.create", "v-2")], vpcs=vpcs)
    assert ids(world.run(API.find_submitted(create_vpc()))) == ["op-1", "op-2"]


def rule(vpc_id: str = "v-1") -> Call[Any]:
    fields = {"name": "r", "source_address": "0.0.0.0/0", "destination_address": "10.0.0.0/24"}
    return networking.create_firewall_rule(vpc_id, **fields, protocol="tcp", destination_ports=["22"])


def test_a_rule_that_is_made_in_another_vpc_is_not_ours() -> None:
    vpcs = [{"id": "v-1", "firewall_rule_ids": []}, {"id": "v-2", "firewall_rule_ids": ["f-1"]}]
    world = World(
        [op(1, "firewall_rule.create", "f-1")],
        {f"{VPC}/v-1": {"id": "v-1", "project_id": "p"}},
        firewall_rules=[],
        vpcs=vpcs,
    )
    assert world.run(API.find_submitted(intent(rule()))) == []
    assert world.paused == 0


def test_a_rule_whose_vpc_is_gone_was_not_made() -> None:
    assert World([], vpcs=[]).run(API.find_submitted(intent(rule()))) == []


def delete_pool() -> Intent:
    return intent(nks.delete_nks_node_pool("k-1", "np-1"))


CLUSTER = {"/v1/nks/clusters/k-1": {"id": "k-1", "project_id": "p"}}


def test_calls_without_a_tag_are_found_by_resource_kind_and_time() -> None:
    operations = [
        op(1, "nks_node_pool.delete", "np-1"),
        op(2, "nks_node_pool.update", "np-1"),
        op(3, "nks_node_pool.delete", "np-2"),
        op(4, "nks_node_pool.delete", "np-1", created_at="2026-08-01T09:59:57Z"),
    ]
    world = World(operations, CLUSTER)
    assert ids(world.run(API.find_submitted(delete_pool()))) == ["op-1"]
    assert world.asked[-1].query["project_id"] == "p"


def test_of_several_deletes_the_last_counts() -> None:
    later = "2026-08-01T10:00:30Z"
    operations = [op(1, "nks_node_pool.delete", "np-1", created_at=later), op(2, "nks_node_pool.delete", "np-1")]
    assert ids(World(operations, CLUSTER).run(API.find_submitted(delete_pool()))) == ["op-1"]


def test_an_update_is_told_from_others_by_what_it_changes() -> None:
    change = {"changes": {"node_count": {"from": 1, "to": 5}}}
    operations = [op(1, "nks_node_pool.update", "np-1", details=change), op(2, "nks_node_pool.update", "np-1")]
    call = nks.update_nks_node_pool("k-1", "np-1", node_count=3)
    assert ids(World(operations, CLUSTER).run(API.find_submitted(intent(call)))) == ["op-2"]
    assert World(operations, CLUSTER).run(API.find_submitted(intent(call, age=None))) == []


@pytest.mark.parametrize(
    ("kind", "resource_id", "found"),
    [
        ("volume.update", "vol-1", True),
        ("volume.update", "vm-1", True),
        ("volume.attach", "vol-1", True),
        ("volume.delete", "vol-1", False),
        ("vm.update", "vm-1", False),
        ("volume.update", "vol-2", False),
    ],
)
def test_an_attach_may_be_of_any_unlisted_type_and_about_either(kind: str, resource_id: str, found: bool) -> None:
    world = World([op(1, kind, resource_id)], {"/v1/compute/volumes/vol-1": {"id": "vol-1", "project_id": "p"}})
    assert bool(world.run(API.find_submitted(intent(compute.attach_volume("vol-1", vm_id="vm-1"))))) is found


@pytest.mark.parametrize(
    ("kind", "resource_id", "found"),
    [
        ("nks_node.delete", "n-1", True),
        ("nks_node.update", "n-1", True),
        ("nks_node.delete", "np-1", True),
        ("nks_node.create", "n-1", False),
        ("nks_node_pool.update", "np-1", False),
    ],
)
def test_a_node_delete_may_be_about_the_node_or_its_pool(kind: str, resource_id: str, found: bool) -> None:
    world = World([op(1, kind, resource_id)], CLUSTER)
    assert bool(world.run(API.find_submitted(intent(nks.delete_nks_node("k-1", "np-1", "n-1"))))) is found


def test_what_is_no_call_of_nirvana_cannot_be_searched_for() -> None:
    submit = API.request("POST", "/v1/rpc_nodes/flex", json={})
    assert API.find_submitted(Intent(submit, TAG)) is None


def test_a_refused_delete_joins_only_the_same_delete() -> None:
    submit = starts.submit_of(nks.delete_nks_node_pool("k-1", "np-1"))

    def refused(operations: list[Any], submit: SubmitCall) -> Any:
        world = World(operations, CLUSTER)

        def once(call: Call[Any]) -> Any:
            if call is submit:
                raise Conflict(409, None, "active operation")
            return World.answer(world, call)

        world.answer = once  # type: ignore[method-assign]
        return world.run(API.submit_flow(submit))

    assert refused([op(1, "nks_node_pool.delete", "np-1")], submit).operation_id == "op-1"
    update = starts.submit_of(nks.update_nks_node_pool("k-1", "np-1", node_count=1))
    for operations, other in (
        ([op(1, "nks_node_pool.delete", "np-1", status="done")], submit),
        ([op(1, "nks_node_pool.update", "np-1")], submit),
        ([op(1, "nks_node_pool.update", "np-1")], update),
    ):
        with pytest.raises(Conflict):
            refused(operations, other)
